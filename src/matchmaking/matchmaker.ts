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
import type { Match } from '../domain/matchmaking/match.ts';
import { matchSteps } from '../domain/matchmaking/matcher.ts';
import type { TicketRequest } from '../domain/matchmaking/ticket-request.ts';
import { Refusal } from '../domain/refusal.ts';
import type { SessionChange } from '../domain/session/session-change.ts';
import type { Milliseconds } from '../domain/time.ts';
import { yieldToEventLoop } from '../platform/yield-to-event-loop.ts';
import { createTicket, type TicketReceipt } from './create-ticket.ts';
import { endTicket, settleTicket } from './end-ticket.ts';
import { finishMatch } from './finish-match.ts';
import type { HopperPool } from './hopper-pool.ts';
import { HopperLeases } from './hopper-lease.ts';
import { makeMatch } from './make-match.ts';
import { type HopperStatistics, readStatistics } from './read-statistics.ts';
import { createService, loadPool, mayUseHopper, poolOf, type Service } from './service.ts';
import { deleteTicket, readTicket, type TicketPath } from './use-ticket.ts';
import { concernsTickets, noteSessionChange } from './watch-sessions.ts';

/** Matches that are stored at the same time. */
const parallelMatchesMax = 16;

/** Records that are looked at in one go. */
const dueMax = 200;

/** How often the figures of a hopper are stored, where they have changed. */
const statisticsEveryMs: Milliseconds = 5_000;

export class Matchmaker {
  readonly #service: Service;
  readonly #leases: HopperLeases;
  readonly #statistics = new Map<string, { readonly text: string; readonly atMs: Milliseconds }>();
  /** What sessions have said and was not looked at yet. */
  readonly #noted = new Set<Promise<void>>();

  constructor(context: Context, isShared: boolean) {
    this.#service = createService(context, isShared);
    this.#leases = new HopperLeases(context, isShared);
    context.sessionListeners.push((change) => this.#note(change));
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

  /**
   * Does what is due, then matches what can be matched in every hopper. What fails in one does not keep
   * the others from being worked; the first failure is thrown at the end.
   */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    await this.#attempt(failures, () => this.#doDue());
    for (const config of this.#service.context.catalog().values()) {
      for (const hopper of config.hoppers?.values() ?? []) {
        await this.#attempt(failures, () => this.#work(config.scid, hopper));
      }
    }
    await Promise.all(this.#noted);
    if (failures.length > 0) throw failures[0];
  }

  async #attempt(failures: unknown[], work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      failures.push(error);
    }
  }

  /** Expires tickets, removes those that have ended long ago, and finishes what was begun. */
  async #doDue(): Promise<void> {
    const { tickets, context } = this.#service;
    const due = await tickets.due(context.clock.nowMs(), dueMax + context.setAside.size);
    for (const { group, id } of due.slice(0, dueMax)) {
      await context.setAside.attempt('matchmaking', `${group}/${id}`, () =>
        this.#lookAt(group, id),
      );
    }
  }

  async #lookAt(key: string, id: Guid): Promise<void> {
    const service = this.#service;
    const match = await service.tickets.match(key, id);
    if (match) return finishMatch(service, key, match);
    const ticket = await service.tickets.ticket(key, id);
    if (ticket === undefined) return;
    const { value, revision } = ticket;
    if (value.isPending) await settleTicket(service, key, ticket);
    else if (value.status === 'searching') await endTicket(service, key, id, 'expired');
    else await service.tickets.commit(key, [{ id, expectRevision: revision, value: undefined }]);
  }

  async #work(scid: Guid, hopper: Hopper): Promise<void> {
    const service = this.#service;
    const pool = poolOf(service, scid, hopper);
    if (!(await this.#leases.mayWork(pool.key))) return;
    const beganMs = performance.now();
    await loadPool(service, pool, true);
    const found = await this.#search(pool);
    for (let at = 0; at < found.length; at += parallelMatchesMax) {
      const slice = found.slice(at, at + parallelMatchesMax);
      const outcomes = await Promise.allSettled(
        slice.map((match) => makeMatch(service, pool, match)),
      );
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    }
    const { clock, observers } = service.context;
    observers.current?.({
      kind: 'hopperWorked',
      atMs: clock.nowMs(),
      hopper: hopper.name,
      durationMs: performance.now() - beganMs,
      population: pool.population,
    });
    await this.#storeStatistics(pool);
  }

  async #search(pool: HopperPool): Promise<readonly Match[]> {
    const nowMs = this.#service.context.clock.nowMs();
    const search = matchSteps(pool.rules, pool.candidates(nowMs), nowMs);
    for (;;) {
      const step = search.next();
      if (step.done) return step.value;
      await yieldToEventLoop();
    }
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
