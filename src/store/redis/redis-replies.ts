/** Values in the formats of Redis. */

import type { Milliseconds } from '../../domain/time.ts';
import { parseStoredObject } from '../stored-text.ts';
import type { Reply } from './redis-link.ts';

/** The object of a stored text. Throws WrongText. */
export function parseStored<T>(text: Reply): T {
  return parseStoredObject(String(text)) as unknown as T;
}

/** A time as the score of a sorted set. */
export function formatScore(timeMs: Milliseconds): string {
  return timeMs === Infinity ? '+inf' : String(timeMs);
}

/** The time that `formatScore` wrote; undefined of an empty text. */
export function parseScore(text = ''): Milliseconds | undefined {
  if (text === '') return undefined;
  return text === '+inf' ? Infinity : Number(text);
}

/** The command, and what follows its key, that reads the earliest names of a sorted set of times. */
export function earliestUntil(
  nowMs: Milliseconds,
  limit: number,
): readonly [command: string, ...rest: string[]] {
  return ['ZRANGE', '-inf', formatScore(nowMs), 'BYSCORE', 'LIMIT', '0', String(limit)];
}

/** The pairs of a reply that lists names and values in turn. */
export function pairsOf(reply: Reply): [string, string][] {
  const list = reply as readonly string[];
  return Array.from({ length: list.length / 2 }, (_, n) => [
    String(list[2 * n]),
    String(list[2 * n + 1]),
  ]);
}
