/**
 * The matchmaking service of a node.
 *
 *   requests ─▶ tickets (records) ─▶ pool ─▶ matcher ─▶ match (record) ─▶ sessions ─▶ records closed
 *
 * One node at a time works a hopper, by a lease. Two that do it at once, since a lease ran out, do no
 * harm: a ticket is matched by compare-and-set. What a node has begun and not finished, any node
 * finishes when it is due.
 */

import type { Context } from '../directory/context.ts';
import type { Caller } from '../domain/caller.ts';
import type { Guid } from '../domain/ids.ts';
import type { Hopper } from '../domain/matchmaking/hopper.ts';
import {
  type MatchRecord,
  nextCheckMs,
  type TicketRecord,
} from '../domain/matchmaking/ticket-record.ts';
import type { TicketRequest } from '../domain/matchmaking/ticket-request.ts';
import { Refusal } from '../domain/refusal.ts';
import type { SessionChange } from '../domain/session/session-change.ts';
import type { Catalog } from '../domain/session/template.ts';
import type { Milliseconds } from '../domain/time.ts';
import { yieldToEventLoop } from '../platform/yield-to-event-loop.ts';
import type { RecordName } from '../store/store.ts';
import { createTicket, type TicketReceipt } from './create-ticket.ts';
import { endTicket, settleTicket } from './end-ticket.ts';
import { finishMatch } from './finish-match.ts';
import type { HopperPool } from './hopper-pool.ts';
import { HopperLeases } from './hopper-lease.ts';
import { makeMatch } from './make-match.ts';
import { type HopperStatistics, readStatistics } from './read-statistics.ts';
import { createService, mayUseHopper, poolOf, refreshTicket, type Service } from './service.ts';
import { type HopperKey, hopperKeyOf, type StoredValue, type TicketStore } from './ticket-store.ts';
import { deleteTicket, readTicket, type TicketPath } from './use-ticket.ts';
import { checkFound, concernsTickets, noteSessionChange } from './watch-sessions.ts';

/** Records that are worked on at the same time. */
const parallelMax = 16;

/**
 * Matches of one hopper that are made at the same time: their writes share what it costs to be durable.
 * With more of them, requests would wait longer for the writes before theirs.
 */
const matchesAtOnceMax = 128;

/** Matches of one hopper that are made before the others have their turn. */
const matchesInTurnMax = 1_024;

/** Records that are looked at in one go. */
const dueMax = 200;

/** What another node should have done by then, this one does; and how often it looks for that. */
const lateMs: Milliseconds = 3_000;
const lookAtAllEveryMs: Milliseconds = 5_000;

/** How often the figures of a hopper are stored, where they have changed. */
const statisticsEveryMs: Milliseconds = 5_000;

export class Matchmaker {
  readonly #service: Service;
  readonly #leases: HopperLeases;
  readonly #statistics = new Map<string, { readonly text: string; readonly atMs: Milliseconds }>();
  #lookedAtAllMs: Milliseconds = Number.NEGATIVE_INFINITY;
  /** What sessions have said and was not looked at yet. */
  readonly #noted = new Set<Promise<void>>();

  constructor(context: Context, isShared: boolean) {
    this.#service = createService(context, isShared);
    this.#leases = new HopperLeases(context, isShared);
    context.sessionListeners.push((change) => this.#note(change));
  }

  /** Why the caller may not use the hopper of a path. Refuses: as mayUseHopper. */
  refusalOfHopper(
    { scid, hopper }: { readonly scid: Guid; readonly hopper: string },
    caller: Caller,
  ): Refusal | undefined {
    const found = mayUseHopper(this.#service, scid, hopper, caller);
    return found instanceof Refusal ? found : undefined;
  }

  createTicket(
    path: { readonly scid: Guid; readonly hopper: string },
    request: TicketRequest,
    caller: Caller,
  ): Promise<TicketReceipt | Refusal> {
    return createTicket(this.#service, path, request, caller);
  }

  readTicket(path: TicketPath, caller: Caller): ReturnType<typeof readTicket> {
    return readTicket(this.#service, path, caller);
  }

  deleteTicket(path: TicketPath, caller: Caller): Promise<Refusal | undefined> {
    return deleteTicket(this.#service, path, caller);
  }

  /** Refuses: as mayUseHopper. */
  async readStatistics(
    { scid, hopper: name }: { readonly scid: Guid; readonly hopper: string },
    caller: Caller,
  ): Promise<(HopperStatistics & { readonly name: string }) | Refusal> {
    const hopper = mayUseHopper(this.#service, scid, name, caller);
    if (hopper instanceof Refusal) return hopper;
    return { name: hopper.name, ...(await readStatistics(this.#service, scid, hopper)) };
  }

  /** Reads what waits again with the next look: something else than this class has changed it. */
  forgetTickets(): void {
    for (const pool of this.#service.pools.values()) pool.unload();
  }

  /**
   * A line for each hopper that `former` had and the config has no more, and in which somebody waits. Its
   * tickets stay: they can be read and canceled, and expire.
   */
  async removedHoppers(former: Catalog): Promise<readonly string[]> {
    const { tickets, context } = this.#service;
    const lines: string[] = [];
    for (const { scid, hoppers } of former.values()) {
      const now = context.catalog().get(scid.toLowerCase())?.hoppers;
      for (const [id, { name }] of hoppers ?? []) {
        if (now?.has(id)) continue;
        const population = await countWaiting(tickets, hopperKeyOf(scid, name));
        if (population === 0) continue;
        const people = population === 1 ? '1 user waits' : `${population} users wait`;
        lines.push(
          `warning: hopper ${name} of ${scid} was removed and ${people} in it: nobody is matched there any more; the tickets can be canceled, and expire`,
        );
      }
    }
    return lines;
  }

  /**
   * Does what is due, then matches what can be matched in every hopper; `more`: there may be more to do
   * at once. What fails in one hopper does not keep the others from being worked; the first failure is
   * thrown at the end.
   */
  async run(): Promise<'done' | 'more'> {
    const failures: unknown[] = [];
    let isMore = await attempt(failures, () => this.#doDue());
    for (const config of this.#service.context.catalog().values()) {
      for (const hopper of config.hoppers?.values() ?? []) {
        const isLeft = await attempt(failures, () => this.#work(config.scid, hopper));
        isMore ||= isLeft;
      }
    }
    await Promise.all(this.#noted);
    if (failures.length > 0) throw failures[0];
    return isMore ? 'more' : 'done';
  }

  /**
   * Expires tickets, removes those that have ended long ago, and finishes what was begun. True: there
   * may be more.
   */
  async #doDue(): Promise<boolean> {
    const { context, isShared } = this.#service;
    const nowMs = context.clock.nowMs();
    const looks = isShared
      ? this.#leases.own().map((hopper) => this.#dueAt(nowMs, hopper))
      : [this.#dueAt(nowMs)];
    if (isShared && Math.abs(nowMs - this.#lookedAtAllMs) >= lookAtAllEveryMs) {
      this.#lookedAtAllMs = nowMs;
      looks.push(this.#dueLate(nowMs - lateMs));
    }
    const found = (await Promise.all(looks)).flat();
    const due = new Map(found.map((one) => [`${one.group}/${one.id}`, one]));
    await inParallel([...due], ([key, { group, id }]) =>
      context.setAside.attempt('matchmaking', key, () => this.#lookAt(group, id)),
    );
    return due.size >= dueMax;
  }

  /** What is due in all groups. Where there may be more of it, the next run looks again. */
  async #dueLate(atMs: Milliseconds): Promise<readonly RecordName[]> {
    const found = await this.#dueAt(atMs);
    if (found.length >= dueMax) this.#lookedAtAllMs = Number.NEGATIVE_INFINITY;
    return found;
  }

  #dueAt(nowMs: Milliseconds, hopper?: HopperKey): Promise<readonly RecordName[]> {
    const { tickets, context } = this.#service;
    return context.setAside.firstOthers(
      dueMax,
      ({ group, id }: RecordName) => `${group}/${id}`,
      (limit) => tickets.due(nowMs, limit, hopper),
    );
  }

  async #lookAt(key: string, id: Guid): Promise<void> {
    const service = this.#service;
    const found = await service.tickets.ticketOrMatch(key, id);
    if (found === undefined) return service.tickets.remove(key, [id]);
    if (isMatch(found)) return finishMatch(service, key, found);
    const { value, revision } = found;
    if (value.isPending) await settleTicket(service, key, found);
    else if (value.status === 'searching') await endTicket(service, key, id, 'expired');
    else if (value.status !== 'found' || !(await checkFound(service, key, found))) {
      const dueMs = nextCheckMs(value, service.context.clock.nowMs());
      const next = dueMs === undefined ? undefined : value;
      await service.tickets.commit(key, [{ id, expectRevision: revision, value: next, dueMs }]);
    }
  }

  /** True: there may be more matches. */
  async #work(scid: Guid, hopper: Hopper): Promise<boolean> {
    const service = this.#service;
    const pool = poolOf(service, scid, hopper);
    const lease = await this.#leases.acquire(pool.key);
    if (lease !== 'kept') pool.unload();
    if (lease === 'none') return false;
    const beganMs = performance.now();
    await pool.load(service.tickets);
    if (service.isShared) await this.#readNews(pool);
    const isMore = await this.#makeMatches(pool);
    const { clock, observers } = service.context;
    observers.current?.({
      kind: 'hopperWorked',
      atMs: clock.nowMs(),
      hopper: hopper.name,
      durationMs: performance.now() - beganMs,
      population: pool.population,
    });
    await this.#storeStatistics(pool);
    return isMore;
  }

  /** Reads the tickets that other nodes have changed. */
  async #readNews(pool: HopperPool): Promise<void> {
    const service = this.#service;
    try {
      for (;;) {
        const { ids, ticketIds, isLast } = await service.tickets.news(pool.key);
        await inParallel(ticketIds, (id) => refreshTicket(service, pool.key, id));
        if (ids.length > 0) await service.tickets.remove(pool.key, ids);
        if (isLast) return;
      }
    } catch (error) {
      pool.unload();
      throw error;
    }
  }

  /** Makes matches while the search for further ones goes on. True: the search was cut short. */
  async #makeMatches(pool: HopperPool): Promise<boolean> {
    const service = this.#service;
    const underway = new Set<Promise<void>>();
    const failures: unknown[] = [];
    let count = 0;
    for (const match of pool.search(service.context.clock.nowMs())) {
      if (match === undefined) {
        await yieldToEventLoop();
        continue;
      }
      count += 1;
      const made = makeMatch(service, pool, match)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => underway.delete(made));
      underway.add(made);
      if (underway.size >= matchesAtOnceMax) await Promise.race(underway);
      if (count >= matchesInTurnMax || failures.length > 0) break;
    }
    await Promise.all(underway);
    if (failures.length > 0) throw failures[0];
    return count >= matchesInTurnMax;
  }

  async #storeStatistics(pool: HopperPool): Promise<void> {
    const { tickets, context } = this.#service;
    const waitMs = pool.waitMs ?? pool.rules.hopper.typicalWaitMs;
    const { population } = pool;
    const text = `${Math.round(waitMs / 1_000)} ${population}`;
    const nowMs = context.clock.nowMs();
    const last = this.#statistics.get(pool.key) ?? { text: '', atMs: 0 };
    if (text === last.text || Math.abs(nowMs - last.atMs) < statisticsEveryMs) return;
    // A hopper in which nobody ever was has no figures.
    if (last.text === '' && population === 0 && pool.waitMs === undefined) return;
    this.#statistics.set(pool.key, { text, atMs: nowMs });
    await tickets.putStatistics(pool.key, { kind: 'statistics', waitMs, population });
  }

  #note(change: SessionChange): void {
    if (!concernsTickets(change)) return;
    const { context } = this.#service;
    const noted = noteSessionChange(this.#service, change)
      .catch((error: unknown) => context.failed(error))
      .finally(() => this.#noted.delete(noted));
    this.#noted.add(noted);
  }
}

function isMatch(
  found: StoredValue<TicketRecord> | StoredValue<MatchRecord>,
): found is StoredValue<MatchRecord> {
  return found.value.kind === 'match';
}

/** False where `work` fails; what it throws is added to the failures. */
async function attempt(failures: unknown[], work: () => Promise<boolean>): Promise<boolean> {
  try {
    return await work();
  } catch (error) {
    failures.push(error);
    return false;
  }
}

/** Rejects with the first failure, once all that was begun has ended. */
async function inParallel<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<unknown>,
): Promise<void> {
  for (let at = 0; at < items.length; at += parallelMax) {
    const outcomes = await Promise.allSettled(items.slice(at, at + parallelMax).map(work));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }
}

async function countWaiting(tickets: TicketStore, key: HopperKey): Promise<number> {
  let count = 0;
  for await (const { value } of tickets.tickets(key)) {
    if (value.status === 'searching') count += value.players.length;
  }
  return count;
}
