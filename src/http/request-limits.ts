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
  /**
   * How many lists of limits are counted at a time: one for each address, user, and service that a user
   * calls in a title. The users and addresses that were silent longest are forgotten first. 100,000
   * unless given.
   */
  readonly countedMax?: number;
};

const countedMaxByDefault = 100_000;

/** A node tells the others after so many parts of a limit. */
const sharedParts = 10;

/** Requests that are counted together. */
class Counted extends WindowCounts {
  /** Names them in a refusal, and for other nodes. */
  readonly name: string;

  constructor(name: string, limits: readonly RateLimit[]) {
    super(limits);
    this.name = name;
  }
}

/** An address or a user: one look finds all its requests, and those to each service. */
class CountedCaller {
  /** The address or the xuid. */
  readonly id: string;
  readonly all: Counted;
  #services: Map<TitleId | undefined, Map<RateService, Counted>> | undefined;
  #countedCount = 1;

  constructor(kind: 'address' | 'user', id: string, limits: readonly RateLimit[]) {
    this.id = id;
    this.all = new Counted(`${kind} ${id}`, limits);
  }

  /** How many lists of limits are counted for it. */
  get countedCount(): number {
    return this.#countedCount;
  }

  /** Its requests to a service in this title; undefined before the first. */
  inService(service: RateService, titleId: TitleId | undefined): Counted | undefined {
    return this.#services?.get(titleId)?.get(service);
  }

  /** Begins to count its requests to a service in this title. */
  addService(
    service: RateService,
    titleId: TitleId | undefined,
    limits: readonly RateLimit[],
  ): Counted {
    const inTitle = titleId === undefined ? '' : ` in title ${titleId}`;
    const counted = new Counted(`${this.all.name}${inTitle} to ${service}`, limits);
    this.#services ??= new Map();
    const ofTitle = this.#services.get(titleId);
    if (ofTitle === undefined) this.#services.set(titleId, new Map([[service, counted]]));
    else ofTitle.set(service, counted);
    this.#countedCount += 1;
    return counted;
  }
}

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
  /** By xuid or address: a xuid has digits only, an address has not. */
  readonly #callers: LRUCache<string, CountedCaller>;
  #limits: RateLimits;

  constructor(limits: RateLimits, parts: RequestLimitsParts) {
    const { countedMax = countedMaxByDefault } = parts;
    this.#limits = limits;
    this.#addresses = parts.addresses;
    this.#countTogether = parts.countTogether;
    this.#failed = parts.failed;
    this.#callers = new LRUCache({
      max: countedMax,
      maxSize: countedMax,
      sizeCalculation: ({ countedCount }) => countedCount,
    });
  }

  /** Other limits, from now on; counting begins anew. */
  use(limits: RateLimits): void {
    this.#limits = limits;
    this.#callers.clear();
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
    if (address === undefined) return undefined;
    const counted = this.#callers.get(address) ?? this.#add(address, 'address', limits);
    return this.#count(counted.all, nowMs);
  }

  /**
   * Counts a request of this caller, in all services and in this one. Without a service, which may be
   * counted later by `ofService`, in all alone. Refuses: rateLimited.
   */
  ofCaller(caller: Caller, service: RateService | undefined, nowMs: Milliseconds): Judgement {
    if (caller.kind === 'service') return undefined;
    return this.#ofUser(caller.xuid, service, caller.titleId, nowMs);
  }

  /** Counts a request of this caller in this service alone. Refuses: rateLimited. */
  ofService(service: RateService, caller: Caller, nowMs: Milliseconds): Judgement {
    if (caller.kind === 'service' || !this.#limits.services[service]?.length) return undefined;
    return this.#inService(this.#user(caller.xuid), service, caller.titleId, nowMs);
  }

  /** Counts the opening of a user's RTA connection. Refuses: rateLimited. */
  ofSocket(caller: UserCaller, nowMs: Milliseconds): Judgement {
    return this.#ofUser(caller.xuid, 'rta', undefined, nowMs);
  }

  /** Counts a frame of a user's RTA connection. True when it is one too many, as far as is known here. */
  isFrameTooMany(xuid: Xuid, nowMs: Milliseconds): boolean {
    // A connection does not know the title of its user.
    return this.#ofUser(xuid, 'rta', undefined, nowMs) instanceof TooManyRequests;
  }

  #ofUser(
    xuid: Xuid,
    service: RateService | undefined,
    titleId: TitleId | undefined,
    nowMs: Milliseconds,
  ): Judgement {
    const { caller, services } = this.#limits;
    const isInService = service !== undefined && Boolean(services[service]?.length);
    if (caller.length === 0 && !isInService) return undefined;
    const user = this.#user(xuid);
    const ofAll = this.#count(user.all, nowMs);
    if (!isInService) return ofAll;
    return bothJudgements(ofAll, this.#inService(user, service, titleId, nowMs));
  }

  #inService(
    user: CountedCaller,
    service: RateService,
    titleId: TitleId | undefined,
    nowMs: Milliseconds,
  ): Judgement {
    const known = user.inService(service, titleId);
    if (known !== undefined) return this.#count(known, nowMs);
    const counted = user.addService(service, titleId, this.#limits.services[service] ?? []);
    // Again, since it is larger now.
    this.#callers.delete(user.id);
    this.#callers.set(user.id, user);
    return this.#count(counted, nowMs);
  }

  #user(xuid: Xuid): CountedCaller {
    return this.#callers.get(xuid) ?? this.#add(xuid, 'user', this.#limits.caller);
  }

  #add(id: string, kind: 'address' | 'user', limits: readonly RateLimit[]): CountedCaller {
    const counted = new CountedCaller(kind, id, limits);
    this.#callers.set(id, counted);
    return counted;
  }

  #count(counted: Counted, nowMs: Milliseconds): Judgement {
    const isTooMany = counted.add(nowMs);
    const together = this.#countTogether && this.#tell(counted, nowMs);
    if (isTooMany && counted.exceeded) {
      return new TooManyRequests(counted.name, counted.exceeded, nowMs);
    }
    return together;
  }

  /** Tells other nodes what was counted here, where it is time to; the answer says what all have. */
  #tell(
    { name, windows }: Counted,
    nowMs: Milliseconds,
  ): Promise<TooManyRequests | undefined> | undefined {
    if (!windows.some(isToBeTold)) return undefined;
    const telling = windows
      .filter(isToBeTold)
      .map((window) => this.#tellWindow(name, window, nowMs));
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
