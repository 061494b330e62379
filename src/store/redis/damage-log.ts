import { LRUCache } from 'lru-cache';
import { DamagedRecord } from '../store.ts';
import { isDamagedKey } from './redis-commands.ts';

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

  /**
   * What `parse` gives. Throws DamagedRecord when it throws, and logs once that `name` cannot be read; `thing`
   * is what tells it from others, where `name` does not.
   */
  parsed<T>(name: string, parse: () => T, thing = name): T {
    try {
      return parse();
    } catch (cause) {
      return this.#fail(name, cause, thing);
    }
  }

  /** What is read from a key. Throws DamagedRecord, as `parsed`, when the key holds something else. */
  async read<T>(name: string, reading: Promise<T>): Promise<T> {
    try {
      return await reading;
    } catch (error) {
      if (!isDamagedKey(error)) throw error;
      return this.#fail(name, error, name);
    }
  }

  #fail(name: string, cause: unknown, thing: string): never {
    const consequence = 'What needs it is answered with 503, and lists leave it out.';
    this.note(thing, `${name} cannot be read: ${String(cause)}. ${consequence}`);
    throw new DamagedRecord(`The store holds damaged data: ${name} cannot be read.`, { cause });
  }

  /** As `parsed`; undefined for what cannot be read. */
  parsedUnlessDamaged<T>(name: string, parse: () => T, thing = name): T | undefined {
    try {
      return this.parsed(name, parse, thing);
    } catch {
      return undefined;
    }
  }

  /** Notes that a thing is whole: if it is damaged again, that is logged. */
  noteWhole(thing: string): void {
    this.#known.delete(thing);
  }
}
