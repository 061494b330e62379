import type { IncomingMessage } from 'node:http';
import { LRUCache } from 'lru-cache';
import type { Caller, UserCaller } from '../domain/caller.ts';
import type { TitleId, Xuid } from '../domain/ids.ts';
import type { RateLimit, RateLimits, RateService } from '../domain/rate-limits/rate-limits.ts';
import { TooManyRequests } from '../domain/rate-limits/too-many-requests.ts';
import { type WindowCount, WindowCounts } from '../domain/rate-limits/window-counts.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { ClientAddresses } from './client-address.ts';

/** Counts that several nodes have in common. */
export type CountTogether = (name: string, by: number, lifetimeMs: Milliseconds) => Promise<number>;

export type RequestLimitsParts = {
  readonly addresses: ClientAddresses;
  /** Absent: no other node counts. */
  readonly countTogether?: CountTogether | undefined;
  /** Receives what failed beside requests. */
  readonly failed: (error: unknown) => void;
};

/** Who is counted at a time; more are forgotten, those first who were not heard of for the longest. */
const countedMax = 100_000;

/** A node tells the others after so many parts of a limit. */
const sharedParts = 10;

/**
 * Counts requests against limits. Game services have none, but for those of their address.
 *
 * Nodes on a store count together: each tells the others after a tenth of a limit, and the request that
 * does so waits for the answer, one round trip. So all of them may let through a tenth for each further
 * node, and a limit below twenty is exact. While the store is away each node counts alone.
 *
 * @source docs/wire/rate-limits.md "Several nodes"
 */
export class RequestLimits {
  readonly #addresses: ClientAddresses;
  readonly #countTogether: CountTogether | undefined;
  readonly #failed: (error: unknown) => void;
  readonly #counts = new LRUCache<string, WindowCounts>({ max: countedMax });
  #limits: RateLimits;

  constructor(limits: RateLimits, { addresses, countTogether, failed }: RequestLimitsParts) {
    this.#limits = limits;
    this.#addresses = addresses;
    this.#countTogether = countTogether;
    this.#failed = failed;
  }

  /** Other limits, from now on; counting begins anew. */
  use(limits: RateLimits): void {
    this.#limits = limits;
    this.#counts.clear();
  }

  /** The address that is counted: a network of IPv6. Undefined where no public one is known. */
  addressOf(incoming: Pick<IncomingMessage, 'socket' | 'headers'>): string | undefined {
    return this.#addresses.of(incoming);
  }

  /** Counts a request of this address. No promise where no other node is asked. Refuses: rateLimited. */
  ofAddress(incoming: Pick<IncomingMessage, 'socket' | 'headers'>, nowMs: Milliseconds): Judgement {
    const { address: limits } = this.#limits;
    if (limits.length === 0) return undefined;
    const address = this.#addresses.of(incoming);
    return address === undefined ? undefined : this.#count(`address ${address}`, limits, nowMs);
  }

  /** Counts a request of this caller, in all services. Refuses: rateLimited. */
  ofCaller(caller: Caller, nowMs: Milliseconds): Judgement {
    const { caller: limits } = this.#limits;
    if (limits.length === 0 || caller.kind === 'service') return undefined;
    return this.#count(`user ${caller.xuid}`, limits, nowMs);
  }

  /** Counts a request of this caller to a service. Refuses: rateLimited. */
  ofService(service: RateService, caller: Caller, nowMs: Milliseconds): Judgement {
    const limits = this.#limits.services[service];
    if (!limits?.length || caller.kind === 'service') return undefined;
    return this.#count(nameInService(service, caller.xuid, caller.titleId), limits, nowMs);
  }

  /** Counts the opening of a user's RTA connection. Refuses: rateLimited. */
  ofSocket(caller: UserCaller, nowMs: Milliseconds): Judgement {
    return this.#ofRta(caller.xuid, nowMs);
  }

  /** Counts a frame of a user's RTA connection. True when it is one too many, as far as is known here. */
  isFrameTooMany(xuid: Xuid, nowMs: Milliseconds): boolean {
    return this.#ofRta(xuid, nowMs) instanceof TooManyRequests;
  }

  /** A connection does not know the title of its user. */
  #ofRta(xuid: Xuid, nowMs: Milliseconds): Judgement {
    const { caller, services } = this.#limits;
    const ofCaller = caller.length > 0 ? this.#count(`user ${xuid}`, caller, nowMs) : undefined;
    if (!services.rta?.length) return ofCaller;
    const ofRta = this.#count(nameInService('rta', xuid, undefined), services.rta, nowMs);
    return bothJudgements(ofCaller, ofRta);
  }

  #count(name: string, limits: readonly RateLimit[], nowMs: Milliseconds): Judgement {
    let counts = this.#counts.get(name);
    if (counts === undefined) {
      counts = new WindowCounts(limits);
      this.#counts.set(name, counts);
    }
    const isTooMany = counts.add(nowMs);
    const together = this.#countTogether && this.#tell(name, counts, nowMs);
    if (isTooMany && counts.exceeded) return new TooManyRequests(name, counts.exceeded, nowMs);
    return together;
  }

  /** Tells other nodes what was counted here, where it is time to; the answer says what all have. */
  #tell(
    name: string,
    counts: WindowCounts,
    nowMs: Milliseconds,
  ): Promise<TooManyRequests | undefined> | undefined {
    const due = counts.windows.filter(isToBeTold);
    if (due.length === 0) return undefined;
    const telling = due.map((window) => this.#tellWindow(name, window, nowMs));
    const judged = Promise.all(telling).then((all) =>
      all.reduce((last, one) => (one && !(last && last.endMs > one.endMs) ? one : last), undefined),
    );
    return judged.then(
      (exceeded) => exceeded && new TooManyRequests(name, exceeded, nowMs),
      (error: unknown) => void this.#failed(error),
    );
  }

  /** The window with the count of all nodes, when it is too high with this request. */
  async #tellWindow(
    name: string,
    window: WindowCount,
    nowMs: Milliseconds,
  ): Promise<ExceededCount | undefined> {
    const { limit, endMs, unsharedCount } = window;
    const { requestsMax, periodSeconds } = limit;
    window.unsharedCount = 0;
    const count = await this.#countTogether?.(
      `${name} ${periodSeconds} ${endMs}`,
      unsharedCount,
      endMs - nowMs,
    );
    if (count === undefined) return undefined;
    window.learn(count, endMs);
    // Not by what was learnt: that may have the requests which came later.
    return count > requestsMax ? { limit, count, endMs } : undefined;
  }
}

/** Nothing, or that it is one too many. */
export type Judgement = TooManyRequests | undefined | Promise<TooManyRequests | undefined>;

/** Both judgements; the first that says no. */
export function bothJudgements(first: Judgement, second: Judgement): Judgement {
  if (first === undefined || second instanceof TooManyRequests) return second;
  if (second === undefined || first instanceof TooManyRequests) return first;
  return Promise.all([first, second]).then(([one, other]) => one ?? other);
}

type ExceededCount = Pick<WindowCount, 'limit' | 'count' | 'endMs'>;

function isToBeTold({ unsharedCount, limit: { requestsMax } }: WindowCount): boolean {
  return unsharedCount * sharedParts >= Math.max(requestsMax - sharedParts + 1, 1);
}

function nameInService(service: RateService, xuid: Xuid, titleId: TitleId | undefined): string {
  return `user ${xuid} ${titleId === undefined ? '' : `in title ${titleId} `}to ${service}`;
}
