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

/** Of a text, without its characters: the entry, its place in the maps, the head of the text. */
const bytesOfAny = 250;

/**
 * Texts of search results, by session and form: those of the sessions used last, in so many bytes. A
 * text takes a tenth of the parsed session, so far more results fit than sessions fit into the cache of
 * a store.
 */
export class ResultTexts {
  readonly #texts: LRUCache<SessionKey, ReadonlyMap<ResultText['form'], ResultText>>;

  /** `bytesMax` must be above 0. */
  constructor(bytesMax: number) {
    this.#texts = new LRUCache({ maxSize: bytesMax });
  }

  /** The text in this form, while the session has not changed by time. */
  find(key: SessionKey, form: number, nowMs: Milliseconds): string | undefined {
    const known = this.#texts.get(key)?.get(form);
    if (known === undefined) return undefined;
    return known.dueMs !== undefined && known.dueMs <= nowMs ? undefined : known.text;
  }

  /** Stores it beside the other forms. What is larger than all of `bytesMax` is not stored. */
  set(key: SessionKey, result: ResultText): void {
    const forms = new Map(this.#texts.peek(key)).set(result.form, result);
    const size = [...forms.values()].reduce((sum, { text }) => sum + bytesOf(text), 0);
    this.#texts.set(key, forms, { size });
  }

  delete(key: SessionKey): void {
    this.#texts.delete(key);
  }
}

/** V8 keeps two bytes for each character once one of them is beyond Latin-1. */
function bytesOf(text: string): number {
  return bytesOfAny + (/[\u0100-\uffff]/.test(text) ? 2 * text.length : text.length);
}
