/**
 * What has another value in a replay: ids, ETags, tokens, times. It is learned from answers, and put
 * into the requests that follow.
 */

import { isGuid } from '../domain/ids.ts';
import type { Milliseconds } from '../domain/time.ts';

/** GUIDs and times, wherever they stand in a text; not in the middle of a longer number. */
const varying =
  /(?<![0-9a-f])(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)/gi;

/** A text of JSON: quotes, and what is between them; or all that follows a quote that nothing closes. */
const quoted = /"(?:[^"\\]|\\.)*(?:"|\\?$)/gs;

/** Times of a title's own that are as far from the capture mean a date, and stay. */
const nearMs: Milliseconds = 7 * 24 * 3_600_000;

export type TranslationOptions = {
  /** When the capture began, and when the replay does. */
  readonly capturedMs: Milliseconds;
  readonly replayedMs: Milliseconds;
  /** By how much times may differ after they were shifted. */
  readonly toleranceMs: Milliseconds;
};

export class Translation {
  readonly #options: TranslationOptions;
  /** Captured to present; GUIDs in lower case. */
  readonly #present = new Map<string, string>();
  /** Present to captured, so that two that were captured do not become one. */
  readonly #captured = new Map<string, string>();
  /** Between the clocks of both servers; undefined until both have said what time it is. */
  #shiftMs: Milliseconds | undefined;

  constructor(options: TranslationOptions) {
    this.#options = options;
  }

  /** From now on, `captured` is `present`. */
  set(captured: string, present: string): void {
    this.#present.set(captured.toLowerCase(), present);
    this.#captured.set(present.toLowerCase(), captured.toLowerCase());
  }

  /** What a whole text, an ETag or a token, is now; itself when nothing else is known. */
  whole(captured: string): string {
    // A GUID keeps the case of its letters.
    if (isGuid(captured)) return this.text(captured);
    return this.#present.get(captured.toLowerCase()) ?? this.text(captured);
  }

  /** `captured` with each id and each time in it as it is now. */
  text(captured: string): string {
    return captured.replaceAll(varying, (found) => {
      const timeMs = found.includes('T') ? Date.parse(found) : Number.NaN;
      if (!Number.isNaN(timeMs)) return this.#time(found, timeMs);
      const present = this.#present.get(found.toLowerCase());
      if (present === undefined) return found;
      return found === found.toUpperCase() && /[a-f]/i.test(found)
        ? present.toUpperCase()
        : present;
    });
  }

  /** The body of a request: each text in it as it is now, everything else as it was written. */
  body(captured: string): string {
    return captured.replaceAll(quoted, (literal) => {
      let text: string;
      try {
        text = JSON.parse(literal);
      } catch {
        return literal;
      }
      const present = this.whole(text);
      return present === text ? literal : JSON.stringify(present);
    });
  }

  #time(text: string, capturedMs: Milliseconds): string {
    if (Math.abs(capturedMs - this.#options.capturedMs) > nearMs) return text;
    const digits = /\.(\d+)Z$/.exec(text)?.[1] ?? '';
    const shifted = new Date(this.atMs(capturedMs)).toISOString();
    // As many digits as there were: seven of the service, three of JavaScript, or none.
    const fraction = shifted.slice(20, 23).padEnd(digits.length, '0').slice(0, digits.length);
    return `${shifted.slice(0, 19)}${digits === '' ? '' : `.${fraction}`}Z`;
  }

  /** A time of the capture as it is in the replay. */
  atMs(capturedMs: Milliseconds): Milliseconds {
    const { capturedMs: from, replayedMs: to } = this.#options;
    return capturedMs + (this.#shiftMs ?? to - from);
  }

  /**
   * True when `present` says in the replay what `captured` said: the same words, and ids and times that
   * are as they were translated. Ids and tokens that were not known are learned.
   */
  matches(captured: string, present: string): boolean {
    if (this.whole(captured) === present) return true;
    const [old, now] = [splitText(captured), splitText(present)];
    if (old.words.join('\0') !== now.words.join('\0')) return false;
    return old.varying.every((one, at) => this.#matchesOne(one, now.varying[at] ?? ''));
  }

  /** As `matches`; and a token, of any form, that was not known is learned. */
  matchesToken(captured: string, present: string): boolean {
    if (this.matches(captured, present)) return true;
    const isNew =
      !this.#present.has(captured.toLowerCase()) && !this.#captured.has(present.toLowerCase());
    if (isNew) this.set(captured, present);
    return isNew;
  }

  #matchesOne(captured: string, present: string): boolean {
    const [oldMs, nowMs] = [Date.parse(captured), Date.parse(present)];
    if (captured.includes('T') && !Number.isNaN(oldMs)) return this.matchesTime(oldMs, nowMs);
    const known = this.#present.get(captured.toLowerCase());
    if (known !== undefined) return known.toLowerCase() === present.toLowerCase();
    if (captured.toLowerCase() === present.toLowerCase()) return true;
    if (this.#captured.has(present.toLowerCase())) return false;
    this.set(captured, present.toLowerCase());
    return true;
  }

  /** True when both times are equally far from those that were compared first. */
  matchesTime(capturedMs: Milliseconds, presentMs: Milliseconds): boolean {
    if (Number.isNaN(presentMs)) return false;
    if (capturedMs === presentMs) return true;
    this.#shiftMs ??= presentMs - capturedMs;
    return Math.abs(presentMs - capturedMs - this.#shiftMs) <= this.#options.toleranceMs;
  }
}

/** A text apart: what varies, and the words around it. */
function splitText(text: string): {
  readonly words: readonly string[];
  readonly varying: readonly string[];
} {
  return { words: text.split(varying), varying: text.match(varying) ?? [] };
}
