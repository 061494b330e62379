import { LRUCache } from 'lru-cache';
import type { SessionKey } from '../domain/session/reference.ts';
import type { Milliseconds } from '../domain/time.ts';

/** The text of a search result that is the same for all who may search. */
export type ResultText = {
  readonly text: string;
  /** What it includes of the session; each form has a text of its own. */
  readonly form: number;
  /** When the session changes by time; undefined: it does not. */
  readonly dueMs: Milliseconds | undefined;
};

/** Of an entry, without its text: the entry, its place in the map, the head of the text. */
const bytesOfAny = 250;

/**
 * Texts of search results, by session: those used last, in so many bytes. A text takes a tenth of the
 * parsed session, so far more results fit than sessions fit into the cache of a store.
 */
export class ResultTexts {
  readonly #texts: LRUCache<SessionKey, ResultText>;

  /** `bytesMax` must be above 0. */
  constructor(bytesMax: number) {
    this.#texts = new LRUCache({ maxSize: bytesMax });
  }

  /** The text in this form, while the session has not changed by time. */
  find(key: SessionKey, form: number, nowMs: Milliseconds): string | undefined {
    const known = this.#texts.get(key);
    if (known === undefined || known.form !== form) return undefined;
    return known.dueMs !== undefined && known.dueMs <= nowMs ? undefined : known.text;
  }

  /** Stores it in place of another form. One that is larger than all of `bytesMax` is not stored. */
  set(key: SessionKey, result: ResultText): void {
    this.#texts.set(key, result, { size: bytesOfAny + Buffer.byteLength(result.text) });
  }

  delete(key: SessionKey): void {
    this.#texts.delete(key);
  }
}
