/**
 * The tickets that wait in a hopper, kept in order from one search to the next: what comes and goes in
 * between is sorted in, so that a search over many tickets begins at once.
 */

import type { Guid, Xuid } from '../ids.ts';
import type { Milliseconds } from '../time.ts';
import { cycleOf } from './expansion.ts';
import { type Candidate, groupCodeOf, type HopperRules } from './hopper-rules.ts';
import { LanePairs } from './lane-pairs.ts';
import { Lane, laneKeyOf, laneNameOf } from './lanes.ts';
import { filterInTurns, mergeInTurns, sortInTurns } from './sort-in-turns.ts';
import { TicketColumns, ticketFlags } from './ticket-columns.ts';

/** Tickets that are looked at in a turn: a few milliseconds of work. */
const lookedAtInTurn = 2_048;
const lanesFoundInTurn = 512;

const slotsAtFirst = 64;

/** Tickets that have not expired, who waits the longest first. */
export type WaitingTickets = {
  readonly slots: Int32Array;
  readonly cycles: Int32Array;
  readonly places: Uint16Array;
};

/** What is to take the place of a lane's columns. */
type SortedLane = { readonly lane: Lane; readonly columns: TicketColumns };

export class MatchPool {
  readonly rules: HopperRules;
  readonly pairs: LanePairs;
  /** By slot. */
  readonly #candidates: (Candidate | undefined)[] = [];
  readonly #slotOf = new Map<Guid, number>();
  /** Slots that can be given again. */
  readonly #free: number[] = [];
  #slotsCount = 0;
  #bySlot: TicketColumns;
  /** The lane of a ticket that is sorted in, its row there, and 1 while it is offered; by slot. */
  #laneOf: (Lane | undefined)[] = [];
  #rowOf: Int32Array = new Int32Array(slotsAtFirst);
  #isOffered = new Uint8Array(slotsAtFirst);
  /** Beside the tickets, which a search does not have to touch then, and which may have gone; by slot. */
  readonly #ids: Guid[] = [];
  #sinceMs = new Float64Array(slotsAtFirst);
  #expiresMs = new Float64Array(slotsAtFirst);
  /** Slots in the order of the wait. */
  #byWait: Int32Array = new Int32Array(0);
  readonly #lanes = new Map<string, Lane>();
  #lanesByWait: Lane[] = [];
  /** Slots that are not sorted in yet; of those whose tickets have gone since, 0 in `#isFresh`. */
  #fresh: number[] = [];
  #isFresh = new Uint8Array(slotsAtFirst);
  /** Slots of tickets that have gone and may still be in the orders. */
  #gone: number[] = [];
  /** How many tickets have this player. */
  readonly #ticketsOf = new Map<Xuid, number>();

  constructor(rules: HopperRules) {
    this.rules = rules;
    this.pairs = new LanePairs(rules, this.#candidates);
    this.#bySlot = new TicketColumns(slotsAtFirst, this.pairs.indexes.all.length);
  }

  get size(): number {
    return this.#slotOf.size;
  }

  /** In place of a ticket with the same id. */
  put(candidate: Candidate): void {
    const { id } = candidate.ticket;
    this.remove(id);
    const slot = this.#free.pop() ?? this.#slotsCount;
    if (slot === this.#slotsCount) this.#slotsCount += 1;
    if (slot >= this.#bySlot.length) this.#grow();
    const flags = this.#flagsOf(candidate);
    const code = groupCodeOf(this.rules, candidate);
    this.#bySlot.setRow(slot, candidate, { flags, code }, this.pairs.indexes);
    this.#candidates[slot] = candidate;
    this.#ids[slot] = id;
    this.#laneOf[slot] = undefined;
    this.#sinceMs[slot] = candidate.ticket.sinceMs;
    this.#expiresMs[slot] = candidate.ticket.expiresMs ?? Number.POSITIVE_INFINITY;
    this.#slotOf.set(id, slot);
    this.#fresh.push(slot);
    this.#isFresh[slot] = 1;
  }

  #flagsOf({ ticket, avoids, lacksValue }: Candidate): number {
    let flags = 0;
    if (lacksValue) flags |= ticketFlags.lacksValue;
    if (ticket.preserved) flags |= ticketFlags.isPreserved;
    if (avoids) flags |= ticketFlags.hasAvoids;
    for (const { xuid } of ticket.players) {
      const others = this.#ticketsOf.get(xuid) ?? 0;
      // Of two tickets with the same player the later one is marked: that is enough to look closer.
      if (others > 0) flags |= ticketFlags.sharesPlayer;
      this.#ticketsOf.set(xuid, others + 1);
    }
    return flags;
  }

  #grow(): void {
    this.#bySlot = this.#bySlot.doubled();
    const { length } = this.#bySlot;
    this.#rowOf = longer(this.#rowOf, new Int32Array(length));
    this.#isFresh = longer(this.#isFresh, new Uint8Array(length));
    this.#isOffered = longer(this.#isOffered, new Uint8Array(length));
    this.#sinceMs = longer(this.#sinceMs, new Float64Array(length));
    this.#expiresMs = longer(this.#expiresMs, new Float64Array(length));
  }

  /** A search that goes on does not find it any more. */
  remove(id: Guid): void {
    const slot = this.#slotOf.get(id);
    const candidate = slot === undefined ? undefined : this.#candidates[slot];
    if (slot === undefined || candidate === undefined) return;
    this.take(slot);
    this.#slotOf.delete(id);
    this.#candidates[slot] = undefined;
    for (const { xuid } of candidate.ticket.players) {
      const others = (this.#ticketsOf.get(xuid) ?? 0) - 1;
      if (others > 0) this.#ticketsOf.set(xuid, others);
      else this.#ticketsOf.delete(xuid);
    }
    this.#isFresh[slot] = 0;
    this.#gone.push(slot);
  }

  get(id: Guid): Candidate | undefined {
    const slot = this.#slotOf.get(id);
    return slot === undefined ? undefined : this.#candidates[slot];
  }

  /** All tickets, in the order in which they were put. */
  *candidates(): Generator<Candidate> {
    for (const slot of this.#slotOf.values()) {
      const candidate = this.#candidates[slot];
      if (candidate !== undefined) yield candidate;
    }
  }

  /** The ticket in this slot; undefined: it has gone. */
  at(slot: number): Candidate | undefined {
    return this.#candidates[slot];
  }

  /** The lane that offers this ticket; undefined: it is taken, or goes with no other. */
  laneOf(slot: number): Lane | undefined {
    return this.#isOffered[slot] === 1 ? this.#laneOf[slot] : undefined;
  }

  rowOf(slot: number): number {
    return this.#rowOf[slot] as number;
  }

  /**
   * Those with tickets that the search offers, by the ticket that waits the longest: in whatever order
   * the lanes were made, the search looks at them in the same one.
   */
  get lanes(): readonly Lane[] {
    return this.#lanesByWait;
  }

  /** The ticket is not offered again in this search. */
  take(slot: number): void {
    if (this.#isOffered[slot] !== 1) return;
    this.#isOffered[slot] = 0;
    this.#laneOf[slot]?.take(this.#rowOf[slot] as number);
  }

  /**
   * Sorts in what has come, in turns of some milliseconds. Then all tickets are offered that wait. In
   * between tickets may be put and removed; what is put is offered in the next search.
   */
  *prepare(nowMs: Milliseconds): Generator<void, WaitingTickets> {
    yield* this.#sortIn();
    for (const lane of this.#lanes.values()) {
      lane.freeAll();
      yield;
    }
    this.#isOffered.fill(0);
    const lanes = new Set<Lane>();
    const { hopper } = this.rules;
    const { length } = this.#byWait;
    const slots = new Int32Array(length);
    const cycles = new Int32Array(length);
    const places = new Uint16Array(length);
    let count = 0;
    for (let rank = 0; rank < length; rank += 1) {
      if (rank % lookedAtInTurn === lookedAtInTurn - 1) yield;
      const slot = this.#byWait[rank] as number;
      const row = this.#rowOf[slot] as number;
      const lane = this.#laneOf[slot];
      const isGone = this.#candidates[slot] === undefined;
      if (isGone || (this.#expiresMs[slot] as number) <= nowMs) {
        // A ticket that went while the columns were made is in none: the row is another ticket's.
        if (lane?.columns.slots[row] === slot) lane.take(row);
        continue;
      }
      const cycle = cycleOf(hopper, this.#sinceMs[slot] as number, nowMs);
      if (lane !== undefined) {
        lane.ranks[row] = rank;
        lane.cycles[row] = cycle;
        lanes.add(lane);
        this.#isOffered[slot] = 1;
      }
      slots[count] = slot;
      cycles[count] = cycle;
      places[count] = this.#bySlot.places[slot] as number;
      count += 1;
    }
    this.#lanesByWait = [...lanes];
    return {
      slots: slots.subarray(0, count),
      cycles: cycles.subarray(0, count),
      places: places.subarray(0, count),
    };
  }

  /** New orders are made beside those that hold, and take their place in one step at the end. */
  *#sortIn(): Generator<void> {
    const freshCount = this.#fresh.length;
    const goneCount = this.#gone.length;
    if (freshCount === 0 && goneCount === 0) return;
    const isThere = (slot: number): boolean => this.#candidates[slot] !== undefined;
    const fresh = Int32Array.from(this.#fresh);
    yield;
    const come = yield* filterInTurns(fresh, (slot) => this.#isFresh[slot] === 1);
    const compareWaits = (a: number, b: number): number => this.#compareWaits(a, b);
    const comeByWait = yield* sortInTurns(come, compareWaits);
    const stay = yield* filterInTurns(this.#byWait, isThere);
    const byWait = yield* mergeInTurns(stay, comeByWait, compareWaits);
    const comeTo = yield* this.#lanesOf(comeByWait);
    const sorted: SortedLane[] = [];
    const changed = goneCount > 0 ? [...this.#lanes.values(), ...comeTo.keys()] : comeTo.keys();
    for (const lane of new Set(changed)) {
      const columns = yield* this.#columnsWith(lane, Int32Array.from(comeTo.get(lane) ?? []));
      if (columns) sorted.push({ lane, columns });
    }
    const { laneOf, rowOf } = yield* this.#placesWith(sorted);
    for (const { lane, columns } of sorted) {
      lane.setColumns(columns);
      if (columns.length === 0) this.#lanes.delete(lane.name);
    }
    this.#laneOf = laneOf;
    // There may be more slots by now.
    this.#rowOf = longer(rowOf, new Int32Array(this.#rowOf.length));
    this.#byWait = byWait;
    for (const slot of come) this.#isFresh[slot] = 0;
    this.#fresh = this.#fresh.slice(freshCount);
    for (let i = 0; i < goneCount; i += 1) this.#free.push(this.#gone[i] as number);
    this.#gone = this.#gone.slice(goneCount);
    yield;
  }

  /** As `byWait`, also for tickets that have gone. */
  #compareWaits(a: number, b: number): number {
    const difference = (this.#sinceMs[a] as number) - (this.#sinceMs[b] as number);
    if (difference !== 0) return difference;
    const [left, right] = [this.#ids[a] as Guid, this.#ids[b] as Guid];
    return left < right ? -1 : left > right ? 1 : 0;
  }

  *#lanesOf(slots: Int32Array): Generator<void, Map<Lane, number[]>> {
    const found = new Map<Lane, number[]>();
    for (let i = 0; i < slots.length; i += 1) {
      if (i % lanesFoundInTurn === lanesFoundInTurn - 1) yield;
      const slot = slots[i] as number;
      const lane = this.#laneFor(slot);
      if (lane === undefined) continue;
      const others = found.get(lane);
      if (others) others.push(slot);
      else found.set(lane, [slot]);
    }
    return found;
  }

  #laneFor(slot: number): Lane | undefined {
    const candidate = this.#candidates[slot];
    const { nearest } = this.pairs.indexes;
    const key = candidate && laneKeyOf(this.rules, nearest, candidate);
    if (key === undefined) return undefined;
    const name = laneNameOf(key);
    const known = this.#lanes.get(name);
    if (known) return known;
    const lane = new Lane({ name, key, hasNumbers: nearest >= 0 && key[1] !== undefined });
    this.#lanes.set(name, lane);
    return lane;
  }

  /** The columns of a lane without what has gone and with what has come; undefined: they stay as they are. */
  *#columnsWith(lane: Lane, come: Int32Array): Generator<void, TicketColumns | undefined> {
    const bySlot = this.#bySlot;
    const former = lane.columns;
    const isThere = (slot: number): boolean => this.#candidates[slot] !== undefined;
    const stay = yield* filterInTurns(former.slots, isThere);
    if (come.length === 0 && stay.length === former.length && stay.length > 0) return undefined;
    const compare = (a: number, b: number): number => {
      const [left, right] = [bySlot.numbers[a] as number, bySlot.numbers[b] as number];
      return (lane.hasNumbers ? left - right : 0) || this.#compareWaits(a, b);
    };
    // They came in the order of the wait.
    const sorted = lane.hasNumbers ? yield* sortInTurns(come, compare) : come;
    const slots = yield* mergeInTurns(stay, sorted, compare);
    const columns = new TicketColumns(slots.length, bySlot.mins.length);
    for (let row = 0; row < slots.length; row += 1) {
      if (row % lookedAtInTurn === lookedAtInTurn - 1) yield;
      columns.copyRow(row, bySlot, slots[row] as number);
    }
    return columns;
  }

  /** Where each ticket is once these lanes have their columns. */
  *#placesWith(
    sorted: readonly SortedLane[],
  ): Generator<void, { readonly laneOf: (Lane | undefined)[]; readonly rowOf: Int32Array }> {
    const { length } = this.#bySlot;
    const laneOf = new Array<Lane | undefined>(length).fill(undefined);
    const rowOf = new Int32Array(length);
    const columnsOf = new Map(sorted.map(({ lane, columns }) => [lane, columns]));
    for (const lane of this.#lanes.values()) {
      const { slots } = columnsOf.get(lane) ?? lane.columns;
      for (let row = 0; row < slots.length; row += 1) {
        if (row % lookedAtInTurn === lookedAtInTurn - 1) yield;
        const slot = slots[row] as number;
        laneOf[slot] = lane;
        rowOf[slot] = row;
      }
    }
    return { laneOf, rowOf };
  }
}

function longer<Column extends { set(from: ArrayLike<number>): void }>(
  from: ArrayLike<number>,
  to: Column,
): Column {
  to.set(from);
  return to;
}
