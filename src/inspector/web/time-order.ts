/** Rows of the log in the order in which things began. */

import type { ActivityRow } from '../api-types.ts';

/**
 * The rows, which come in the order in which they ended, with each request before what began while it was answered.
 * No row goes further back than its own duration: a clock that was moved puts nothing into the past.
 */
export function inTimeOrder(rows: readonly ActivityRow[]): readonly ActivityRow[] {
  const ordered: ActivityRow[] = [];
  for (const row of rows) {
    // Times are whole milliseconds, durations are not: the end may be later by what was cut off.
    const endMs = row.atMs + (row.kind === 'request' ? row.durationMs + 1 : 0);
    let at = ordered.length;
    for (; at > 0; at -= 1) {
      const beforeMs = ordered[at - 1]?.atMs ?? 0;
      if (beforeMs <= row.atMs || beforeMs > endMs) break;
    }
    ordered.splice(at, 0, row);
  }
  return ordered;
}
