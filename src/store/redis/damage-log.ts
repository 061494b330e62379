import { LRUCache } from 'lru-cache';

/** Damaged things that are known at once; of more, those not read for longest are logged again. */
const knownMax = 10_000;

/** Log lines about damaged things in the store: one for each, however often it is read. */
export class DamageLog {
  readonly #log: (line: string) => void;
  readonly #known = new LRUCache<string, true>({ max: knownMax });

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** Logs `problem`, unless it is known that this thing is damaged. */
  note(thing: string, problem: string): void {
    if (!this.#known.has(thing)) this.#log(`error: ${problem}`);
    this.#known.set(thing, true);
  }

  /** Notes that a thing is whole: if it is damaged again, that is logged. */
  noteWhole(thing: string): void {
    this.#known.delete(thing);
  }
}
