/**
 * The tickets that wait in a hopper, kept in order from one search to the next: what comes and goes in
 * between is sorted in, so that a search over many tickets begins at once.
 */

import type { Guid, Xuid } from '../ids.ts';
import type { Milliseconds } from '../time.ts';
import { cycleOf } from './expansion.ts';
import { byWait, type Candidate, type HopperRules } from './hopper-rules.ts';
import { LanePairs } from './lane-pairs.ts';
import { Lane, laneKeyOf, laneNameOf } from './lanes.ts';
import { TicketColumns, ticketFlags } from './ticket-columns.ts';

/** New tickets that are sorted in at once, or this part of those that are: some milliseconds of work. */
const newInTurnMin = 2_000;
const partInTurn = 1 / 8;

const slotsAtFirst = 64;

/** Tickets that have not expired, who waits the longest first. */
export type WaitingTickets = {
  readonly slots: Int32Array;
  readonly cycles: Int32Array;
  readonly places: Uint16Array;
};

type Compare = (a: number, b: number) => number;

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
  /** The lane that offers the ticket, and the row there; by slot. */
  readonly #laneOf: (Lane | undefined)[] = [];
  #rowOf = new Int32Array(slotsAtFirst);
  /** Beside the tickets, so that a search does not have to touch each of them; by slot. */
  #sinceMs = new Float64Array(slotsAtFirst);
  #expiresMs = new Float64Array(slotsAtFirst);
  /** Slots in the order of the wait. */
  #byWait: Int32Array<ArrayBuffer> = new Int32Array(0);
  readonly #lanes = new Map<string, Lane>();
  /** Slots that are not sorted in yet. */
  readonly #fresh = new Set<number>();
  /** Slots of tickets that have gone and are still in the orders. */
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
    this.#bySlot.setRow(slot, candidate, this.#flagsOf(candidate), this.pairs.indexes);
    this.#candidates[slot] = candidate;
    this.#sinceMs[slot] = candidate.ticket.sinceMs;
    this.#expiresMs[slot] = candidate.ticket.expiresMs ?? Number.POSITIVE_INFINITY;
    this.#laneOf[slot] = undefined;
    this.#slotOf.set(id, slot);
    this.#fresh.add(slot);
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
    const rowOf = new Int32Array(length);
    rowOf.set(this.#rowOf);
    this.#rowOf = rowOf;
    const [sinceMs, expiresMs] = [new Float64Array(length), new Float64Array(length)];
    sinceMs.set(this.#sinceMs);
    expiresMs.set(this.#expiresMs);
    this.#sinceMs = sinceMs;
    this.#expiresMs = expiresMs;
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
    if (this.#fresh.delete(slot)) this.#free.push(slot);
    else this.#gone.push(slot);
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
    return this.#laneOf[slot];
  }

  rowOf(slot: number): number {
    return this.#rowOf[slot] as number;
  }

  get lanes(): Iterable<Lane> {
    return this.#lanes.values();
  }

  /** The ticket is not offered again in this search. */
  take(slot: number): void {
    const lane = this.#laneOf[slot];
    if (lane === undefined) return;
    this.#laneOf[slot] = undefined;
    lane.take(this.#rowOf[slot] as number);
  }

  /** Sorts in what has come, in turns of some milliseconds. Then all tickets are offered that wait. */
  *prepare(nowMs: Milliseconds): Generator<void, WaitingTickets> {
    for (;;) {
      this.#sortIn(this.#nextFresh());
      if (this.#fresh.size === 0) break;
      yield;
    }
    for (const lane of this.#lanes.values()) {
      lane.freeAll();
      const { slots } = lane.columns;
      for (let row = 0; row < slots.length; row += 1) this.#laneOf[slots[row] as number] = lane;
    }
    const { hopper } = this.rules;
    const { length } = this.#byWait;
    const slots = new Int32Array(length);
    const cycles = new Int32Array(length);
    const places = new Uint16Array(length);
    let count = 0;
    for (let rank = 0; rank < length; rank += 1) {
      const slot = this.#byWait[rank] as number;
      const cycle = cycleOf(hopper, this.#sinceMs[slot] as number, nowMs);
      const lane = this.#laneOf[slot];
      if (lane !== undefined) {
        const row = this.#rowOf[slot] as number;
        lane.ranks[row] = rank;
        lane.cycles[row] = cycle;
      }
      if ((this.#expiresMs[slot] as number) <= nowMs) {
        this.take(slot);
        continue;
      }
      slots[count] = slot;
      cycles[count] = cycle;
      places[count] = this.#bySlot.places[slot] as number;
      count += 1;
    }
    return {
      slots: slots.subarray(0, count),
      cycles: cycles.subarray(0, count),
      places: places.subarray(0, count),
    };
  }

  #nextFresh(): number[] {
    const next: number[] = [];
    const count = Math.max(newInTurnMin, this.#byWait.length * partInTurn);
    for (const slot of this.#fresh) {
      if (next.length >= count) break;
      next.push(slot);
      this.#fresh.delete(slot);
    }
    return next;
  }

  #sortIn(come: number[]): void {
    const gone = this.#gone;
    if (come.length === 0 && gone.length === 0) return;
    this.#gone = [];
    const compare = (a: number, b: number): number => {
      const [left, right] = [this.#candidates[a], this.#candidates[b]];
      return left && right ? byWait(left, right) : 0;
    };
    come.sort(compare);
    this.#byWait = this.#byWaitWith(come, compare);
    const comeTo = new Map<Lane, number[]>();
    for (const slot of come) {
      const lane = this.#laneFor(slot);
      if (lane === undefined) continue;
      const others = comeTo.get(lane);
      if (others) others.push(slot);
      else comeTo.set(lane, [slot]);
    }
    const changed = new Set<Lane>(comeTo.keys());
    if (gone.length > 0) for (const lane of this.#lanes.values()) changed.add(lane);
    for (const lane of changed) this.#sortInto(lane, comeTo.get(lane) ?? [], compare);
    for (const slot of gone) this.#free.push(slot);
  }

  #byWaitWith(come: readonly number[], compare: Compare): Int32Array<ArrayBuffer> {
    const stay = this.#byWait.filter((slot) => this.#candidates[slot] !== undefined);
    const all = new Int32Array(stay.length + come.length);
    const [last, first] = [stay.at(-1), come[0]];
    // Who comes later waits less, nearly always.
    if (last === undefined || first === undefined || compare(last, first) <= 0) {
      all.set(stay);
      all.set(come, stay.length);
      return all;
    }
    for (let at = 0, i = 0, j = 0; at < all.length; at += 1) {
      const [a, b] = [stay[i], come[j]];
      const isStaying = b === undefined || (a !== undefined && compare(a, b) <= 0);
      all[at] = (isStaying ? a : b) as number;
      if (isStaying) i += 1;
      else j += 1;
    }
    return all;
  }

  #sortInto(lane: Lane, come: number[], compareWaits: Compare): void {
    const [former, bySlot] = [lane.columns, this.#bySlot];
    const { slots, numbers } = former;
    const stay = new Int32Array(former.length);
    let stayCount = 0;
    for (let row = 0; row < slots.length; row += 1) {
      if (this.#candidates[slots[row] as number] === undefined) continue;
      stay[stayCount] = row;
      stayCount += 1;
    }
    if (come.length === 0 && stayCount === slots.length) return;
    if (come.length === 0 && stayCount === 0) {
      this.#lanes.delete(lane.name);
      return;
    }
    const numberOf = (slot: number): number => bySlot.numbers[slot] as number;
    if (lane.hasNumbers) come.sort((a, b) => numberOf(a) - numberOf(b) || compareWaits(a, b));
    const next = new TicketColumns(
      stayCount + come.length,
      former.mins.length || bySlot.mins.length,
    );
    for (let at = 0, i = 0, j = 0; at < next.length; at += 1) {
      const row = stay[i] as number;
      const slot = come[j];
      let isStaying = slot === undefined;
      if (i < stayCount && slot !== undefined) {
        const difference = lane.hasNumbers ? (numbers[row] as number) - numberOf(slot) : 0;
        isStaying = (difference || compareWaits(slots[row] as number, slot)) <= 0;
      }
      if (isStaying) {
        next.copyRow(at, former, row);
        i += 1;
      } else {
        next.copyRow(at, bySlot, slot as number);
        j += 1;
      }
      this.#rowOf[next.slots[at] as number] = at;
    }
    lane.setColumns(next);
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
}
