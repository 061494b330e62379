/**
 * A lane: the tickets of a pool that no text of a MUST rule keeps apart, in the order of the number that
 * matters most, so that those near to a ticket are found quickly.
 */

import type { Rule } from './hopper.ts';
import type { Candidate, HopperRules } from './hopper-rules.ts';
import { TicketColumns } from './ticket-columns.ts';

/** What all tickets of a lane have; undefined in place of what goes with everything. */
export type LaneKey = readonly (string | undefined)[];

export class Lane {
  readonly name: string;
  readonly key: LaneKey;
  /** False: its tickets have no number, and are in the order of their wait. */
  readonly hasNumbers: boolean;
  /** Its tickets by their numbers, those with the same number by their wait. */
  columns: TicketColumns = new TicketColumns(0, 0);
  /** Of the search that was begun last: the order of the wait in the whole pool, and the cycle. */
  ranks: Int32Array<ArrayBuffer> = new Int32Array(0);
  cycles: Int32Array<ArrayBuffer> = new Int32Array(0);
  /** For each row a row from there on, or before it, that may be free. */
  #next: Int32Array<ArrayBuffer> = new Int32Array(1);
  #former: Int32Array<ArrayBuffer> = new Int32Array(1);
  /** True once a ticket was taken since all were free. */
  #isTouched = false;

  constructor({ name, key, hasNumbers }: Pick<Lane, 'name' | 'key' | 'hasNumbers'>) {
    this.name = name;
    this.key = key;
    this.hasNumbers = hasNumbers;
  }

  /** True when it goes with tickets of other lanes. */
  get isWild(): boolean {
    return this.key.includes(undefined);
  }

  goesWith(other: Lane): boolean {
    return this.key.every(
      (part, i) => part === undefined || other.key[i] === undefined || part === other.key[i],
    );
  }

  /** Takes over tickets in their order; `freeAll` comes next. */
  setColumns(columns: TicketColumns): void {
    const { length } = columns;
    this.columns = columns;
    this.ranks = new Int32Array(length);
    this.cycles = new Int32Array(length);
    this.#next = new Int32Array(length + 1);
    this.#former = new Int32Array(length + 1);
    this.#isTouched = true;
  }

  freeAll(): void {
    if (!this.#isTouched) return;
    this.#isTouched = false;
    const [next, former] = [this.#next, this.#former];
    for (let row = 0; row < next.length; row += 1) {
      next[row] = row;
      former[row] = row;
    }
  }

  take(row: number): void {
    this.#isTouched = true;
    this.#next[row] = row + 1;
    this.#former[row] = row - 1;
  }

  /** The first free row from `row` on; the length of the lane when there is none. */
  freeFrom(row: number): number {
    const next = this.#next;
    const end = next.length - 1;
    let free = row;
    while (free < end && next[free] !== free) free = next[free] as number;
    // Each row on the way leads to the end of it from now on, or a full lane would cost ever more.
    for (let at = row; at !== free && at < end; ) {
      const following = next[at] as number;
      next[at] = free;
      at = following;
    }
    return free;
  }

  /** The last free row up to `row`; -1 when there is none. */
  freeBefore(row: number): number {
    const former = this.#former;
    let free = row;
    while (free >= 0 && former[free] !== free) free = former[free] as number;
    for (let at = row; at !== free && at >= 0; ) {
      const following = former[at] as number;
      former[at] = free;
      at = following;
    }
    return free;
  }
}

/** The lane that a ticket belongs to; undefined: it lacks what it must have, and goes with no other. */
export function laneKeyOf(
  { rules }: HopperRules,
  numberIndex: number,
  { values, constantsKey }: Candidate,
): LaneKey | undefined {
  const key: (string | undefined)[] = [constantsKey];
  key.push(numberIndex >= 0 && !values[numberIndex] ? undefined : '');
  for (let i = 0; i < rules.length; i += 1) {
    const one = rules[i];
    if (one === undefined || !isLaneText(one.rule)) continue;
    if (values[i] === null) return undefined;
    key.push(values[i] as string | undefined);
  }
  return key;
}

/** True of a rule that parts the lanes: all tickets of a lane have the same text. */
export function isLaneText(rule: Rule): boolean {
  return rule.type === 'must' && rule.dataType === 'string';
}

/** The same for keys of the same lane alone. */
export function laneNameOf(key: LaneKey): string {
  return JSON.stringify(key.map((part) => part ?? 0));
}
