import type { Milliseconds } from '../domain/time.ts';
import type { Clock } from './clock.ts';
import type { Conditions } from './conditions.ts';

/** How long a record is left alone after it could not be processed. */
export const setAsideMs: Milliseconds = 5 * 60_000;

/** Records that are remembered; of more, those that failed the longest ago are forgotten. */
export const setAsideMax = 10_000;

export type SetAsideParts = {
  readonly clock: Pick<Clock, 'elapsedMs'>;
  readonly conditions: Conditions;
  readonly log: (line: string) => void;
  /** True of errors that say nothing about the record, such as a store that is away. */
  readonly isOutage: (error: unknown) => boolean;
  /** True of errors that were logged where they arose. */
  readonly isLogged?: (error: unknown) => boolean;
};

/**
 * Records that could not be processed: by a sweep, a search, a delivery. Each is logged once, with
 * its key, and left alone for a time, so that it never stops the work on others.
 */
export class SetAside {
  readonly #parts: SetAsideParts;
  /** By key: until when it is left alone. */
  readonly #untilMs = new Map<string, Milliseconds>();

  constructor(parts: SetAsideParts) {
    this.#parts = parts;
  }

  /** How many records are set aside. */
  get size(): number {
    return this.#untilMs.size;
  }

  /**
   * The first records that are not set aside, at most `countMax`. `read` is asked for as many more as
   * may stand before them.
   */
  async firstOthers<Item>(
    countMax: number,
    keyOf: (item: Item) => string,
    read: (limit: number) => Promise<readonly Item[]>,
  ): Promise<readonly Item[]> {
    const items = await read(countMax + this.size);
    return items.filter((item) => !this.has(keyOf(item))).slice(0, countMax);
  }

  /** True while the record is to be left alone. */
  has(key: string): boolean {
    return this.#parts.clock.elapsedMs() < (this.#untilMs.get(key) ?? Number.NEGATIVE_INFINITY);
  }

  /**
   * What `work` gives; undefined when it failed, or the record is left alone. Rejects with outages,
   * which concern all records alike.
   */
  async attempt<Result>(
    what: string,
    key: string,
    work: () => Result | Promise<Result>,
  ): Promise<Result | undefined> {
    if (this.has(key)) return undefined;
    try {
      const result = await work();
      if (this.#untilMs.delete(key) && this.size === 0) this.#parts.conditions.clear(condition);
      return result;
    } catch (error) {
      if (this.#parts.isOutage(error)) throw error;
      this.#add(what, key, error);
      return undefined;
    }
  }

  #add(what: string, key: string, error: unknown): void {
    const { clock, conditions, log } = this.#parts;
    if (!this.#untilMs.delete(key) && !this.#parts.isLogged?.(error)) {
      const cause = error instanceof Error ? error.stack : String(error);
      log(`error: ${what} of ${JSON.stringify(key)} failed, and it is set aside: ${cause}`);
    }
    this.#untilMs.set(key, clock.elapsedMs() + setAsideMs);
    if (this.size > setAsideMax) {
      const [oldest = ''] = this.#untilMs.keys();
      this.#untilMs.delete(oldest);
    }
    conditions.raise(
      condition,
      'Some records cannot be processed and are set aside; the log names them.',
    );
  }
}

const condition = 'records set aside';
