/** Milliseconds since the Unix epoch, or a span of them. */
export type Milliseconds = number;

/** The last time that clients can read: years have four digits. */
export const latestTimeMs: Milliseconds = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/**
 * The time of an ISO 8601 text in UTC, to the millisecond; undefined for any other text. The
 * inverse of `formatTime`.
 */
export function parseTime(text: string): Milliseconds | undefined {
  const [, moment, fraction = ''] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(text) ?? [];
  if (moment === undefined) return undefined;
  const timeMs = Date.parse(`${moment}.${fraction.slice(0, 3).padEnd(3, '0')}Z`);
  // Engines read the 31st of February as a day in March.
  const isMoment = !Number.isNaN(timeMs) && new Date(timeMs).toISOString().startsWith(moment);
  return isMoment ? timeMs : undefined;
}

/** `2016-09-20T20:50:00.5180000Z`: seven digits of fraction and Z, as every client parses it. */
export function formatTime(timeMs: Milliseconds): string {
  return `${new Date(timeMs).toISOString().slice(0, -1)}0000Z`;
}
