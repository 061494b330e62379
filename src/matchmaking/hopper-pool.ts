import { explainTicket, type WhyNot } from '../domain/matchmaking/explain.ts';
import type { Hopper } from '../domain/matchmaking/hopper.ts';
import { candidateOf, type HopperRules, hopperRules } from '../domain/matchmaking/hopper-rules.ts';
import type { Guid } from '../domain/ids.ts';
import { jsonEquals } from '../domain/json.ts';
import type { Match } from '../domain/matchmaking/match.ts';
import { MatchPool } from '../domain/matchmaking/match-pool.ts';
import { searchMatches } from '../domain/matchmaking/matcher.ts';
import {
  isWaiting,
  matchTicketOf,
  type TicketRecord,
} from '../domain/matchmaking/ticket-record.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { HopperKey, StoredValue, TicketStore } from './ticket-store.ts';

/** How much the wait of one ticket counts in the mean of those matched lately. */
const waitWeight = 0.1;

/** Tickets that are offered in a turn, once the rules have changed. */
const offeredInTurn = 500;

/** Tickets that are read to explain one, and for how long they are good enough. */
const sampleMax = 1_000;
const sampleMs: Milliseconds = 1_000;

/**
 * The tickets of one hopper that wait, as this process knows them. A process that works the hopper knows
 * all of them; another one knows none, or those that it has read to explain one.
 */
export class HopperPool {
  readonly key: HopperKey;
  #configured: Hopper;
  #pool: MatchPool;
  readonly #stored = new Map<Guid, StoredValue<TicketRecord>>();
  #population = 0;
  /** Goes through the tickets that the pool has not yet, since the rules have changed. */
  #toOffer: Iterator<StoredValue<TicketRecord>> | undefined;
  /** Since it was asked for; undefined: it has no tickets. */
  #loading: Promise<void> | undefined;
  #readingWait: Promise<void> | undefined;
  /** So often all tickets were forgotten. */
  #unloadedCount = 0;
  /** True while it has every ticket that waits. */
  #isComplete = false;
  #sample: { readonly readMs: Milliseconds; readonly tickets: readonly TicketRecord[] } | undefined;
  /** The mean wait of those who were matched lately; undefined while nobody was. */
  waitMs: Milliseconds | undefined;

  constructor(key: HopperKey, hopper: Hopper) {
    this.key = key;
    this.#configured = hopper;
    this.#pool = new MatchPool(hopperRules(hopper));
  }

  get rules(): HopperRules {
    return this.#pool.rules;
  }

  /** The hopper as it is configured now. Where it has changed, the next search offers its tickets anew. */
  configure(hopper: Hopper): void {
    if (hopper === this.#configured) return;
    this.#configured = hopper;
    if (jsonEquals(hopper, this.rules.hopper)) return;
    this.#pool = new MatchPool(hopperRules(hopper));
    this.#toOffer = this.#stored.values();
  }

  /** In turns: there may be many. */
  *#offerAll(): Generator<undefined> {
    for (let count = 1; this.#toOffer !== undefined; count += 1) {
      const next = this.#toOffer.next();
      if (next.done) this.#toOffer = undefined;
      else if (this.#pool.get(next.value.value.id) === undefined) this.#offer(next.value.value);
      if (count % offeredInTurn === 0) yield undefined;
    }
  }

  /**
   * Reads all tickets, unless that was done. What changes from now on is put while they are read. Where
   * they are forgotten meanwhile, it ends early.
   */
  load(tickets: TicketStore): Promise<void> {
    this.#loading ??= this.#readAll(tickets, this.#unloadedCount);
    return this.#loading;
  }

  async #readAll(tickets: TicketStore, unloadedCount: number): Promise<void> {
    try {
      await this.loadWait(tickets);
      for await (const stored of tickets.tickets(this.key)) {
        if (this.#unloadedCount > unloadedCount) return;
        this.put(stored);
      }
      this.#isComplete = this.#unloadedCount === unloadedCount;
    } catch (error) {
      if (this.#unloadedCount === unloadedCount) this.unload();
      throw error;
    }
  }

  /** Takes the mean wait that the store has, unless it is known. The tickets are not waited for. */
  async loadWait(tickets: TicketStore): Promise<void> {
    this.#readingWait ??= this.#readWait(tickets);
    await this.#readingWait;
  }

  async #readWait(tickets: TicketStore): Promise<void> {
    try {
      this.waitMs ??= (await tickets.statistics(this.key))?.waitMs;
    } catch (error) {
      this.#readingWait = undefined;
      throw error;
    }
  }

  /** Forgets all tickets: another process works the hopper. */
  unload(): void {
    if (this.#loading === undefined) return;
    this.#loading = undefined;
    this.#readingWait = undefined;
    this.#unloadedCount += 1;
    this.#isComplete = false;
    this.#pool = new MatchPool(this.rules);
    this.#stored.clear();
    this.#toOffer = undefined;
    this.#population = 0;
  }

  /** The ticket as it is stored now; one that does not wait is not kept. */
  put(stored: StoredValue<TicketRecord>): void {
    const { value, revision } = stored;
    if (this.#loading === undefined) return;
    const known = this.#stored.get(value.id);
    if (known?.revision === revision) return;
    if (!isWaiting(value)) {
      this.remove(value.id);
      return;
    }
    this.#population += value.players.length - (known?.value.players.length ?? 0);
    this.#stored.set(value.id, stored);
    this.#offer(value);
  }

  #offer(value: TicketRecord): void {
    // A session that does not show its ticket yet must show it first.
    if (value.isPending) this.#pool.remove(value.id);
    else this.#pool.put(candidateOf(this.rules, matchTicketOf(value)));
  }

  remove(id: Guid): void {
    this.#population -= this.#stored.get(id)?.value.players.length ?? 0;
    this.#stored.delete(id);
    this.#pool.remove(id);
  }

  stored(id: Guid): StoredValue<TicketRecord> | undefined {
    return this.#stored.get(id);
  }

  /** See `searchMatches`. */
  *search(nowMs: Milliseconds): Generator<Match | undefined> {
    yield* this.#offerAll();
    yield* searchMatches(this.#pool, nowMs);
  }

  /**
   * Why this ticket waits. Where another process works the hopper, or its tickets are still read, some of
   * them are read for this, at most once a second.
   */
  async explain(ticket: TicketRecord, tickets: TicketStore, nowMs: Milliseconds): Promise<WhyNot> {
    const asCandidate = (one: TicketRecord) => candidateOf(this.rules, matchTicketOf(one));
    const others = this.#isComplete
      ? this.#pool.candidates()
      : (await this.#readSample(tickets, nowMs)).map(asCandidate);
    return explainTicket(this.rules, asCandidate(ticket), others, nowMs);
  }

  async #readSample(tickets: TicketStore, nowMs: Milliseconds): Promise<readonly TicketRecord[]> {
    if (this.#sample && Math.abs(nowMs - this.#sample.readMs) < sampleMs) {
      return this.#sample.tickets;
    }
    const read: TicketRecord[] = [];
    for await (const { value } of tickets.tickets(this.key)) {
      if (isWaiting(value) && !value.isPending) read.push(value);
      if (read.length >= sampleMax) break;
    }
    this.#sample = { readMs: nowMs, tickets: read };
    return read;
  }

  /** People who wait, not tickets. */
  get population(): number {
    return this.#population;
  }

  noteWait(waitMs: Milliseconds): void {
    this.waitMs =
      this.waitMs === undefined ? waitMs : this.waitMs + waitWeight * (waitMs - this.waitMs);
  }
}
