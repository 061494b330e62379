/** Milliseconds since the Unix epoch, or a span of them. */
export type Milliseconds = number;

/** The last moment that clients can read: years have four digits. */
export const latestTimeMs: Milliseconds = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** `2016-09-20T20:50:00.5180000Z`: seven digits of fraction and Z, as every client parses it. */
export function formatTime(timeMs: Milliseconds): string {
  return `${new Date(timeMs).toISOString().slice(0, -1)}0000Z`;
}
