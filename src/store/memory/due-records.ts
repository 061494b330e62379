import type { Milliseconds } from '../../domain/time.ts';

type DueRecord = { readonly group: string; readonly id: string; readonly dueMs: Milliseconds };

/** Entries from which on those are dropped that are no longer true. */
const entriesAtFirst = 1_024;

/**
 * Records by the time when they are due: a heap. An entry stays when its record changes, and is dropped
 * when its turn comes, or when there are twice as many entries as there were true ones.
 */
export class DueRecords {
  readonly #isTrue: (due: DueRecord) => boolean;
  #heap: DueRecord[] = [];
  #lengthMax = entriesAtFirst;

  /** `isTrue`: the record is due at this time. */
  constructor(isTrue: (due: DueRecord) => boolean) {
    this.#isTrue = isTrue;
  }

  add(due: DueRecord): void {
    if (this.#heap.length >= this.#lengthMax) this.#dropOthers();
    this.#push(due);
  }

  #dropOthers(): void {
    const kept = new Map(this.#heap.map((due) => [nameOf(due), due]));
    this.#heap = [];
    for (const due of kept.values()) if (this.#isTrue(due)) this.#push(due);
    this.#lengthMax = Math.max(entriesAtFirst, 2 * this.#heap.length);
  }

  #push(due: DueRecord): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(due);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((heap[parent] as DueRecord).dueMs <= due.dueMs) break;
      heap[at] = heap[parent] as DueRecord;
      at = parent;
    }
    heap[at] = due;
  }

  /** The first records that are due at `nowMs`, at most `limit`, the longest overdue first. */
  first(nowMs: Milliseconds, limit: number): readonly DueRecord[] {
    const found = new Map<string, DueRecord>();
    while (found.size < limit) {
      const [top] = this.#heap;
      if (top === undefined || top.dueMs > nowMs) break;
      this.#removeFirst();
      if (this.#isTrue(top)) found.set(nameOf(top), top);
    }
    for (const due of found.values()) this.#push(due);
    return [...found.values()];
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (left === undefined) break;
      if (right !== undefined && right.dueMs < left.dueMs) child += 1;
      const smaller = heap[child] as DueRecord;
      if (smaller.dueMs >= last.dueMs) break;
      heap[at] = smaller;
      at = child;
    }
    heap[at] = last;
  }
}

function nameOf({ group, id, dueMs }: DueRecord): string {
  return `${group} ${id} ${dueMs}`;
}
