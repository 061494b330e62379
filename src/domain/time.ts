/** Milliseconds since the Unix epoch, or a span of them. */
export type Milliseconds = number;

/** The last moment that clients can read: years have four digits. */
export const latestTimeMs: Milliseconds = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** `2016-09-20T20:50:00.5180000Z`: seven digits of fraction and Z, as every client parses it. */
export function formatTime(timeMs: Milliseconds): string {
  return `${new Date(timeMs).toISOString().slice(0, -1)}0000Z`;
}

const timePattern =
  /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?<zone>Z|[+-]\d\d:\d\d)?)?$/i;

/** The time that an ISO 8601 text says, to the millisecond; without a zone, in UTC. */
export function parseTime(text: string): Milliseconds | undefined {
  const found = timePattern.exec(text);
  if (!found) return undefined;
  const isZoned = found.groups?.['zone'] !== undefined || text.length === 'YYYY-MM-DD'.length;
  const timeMs = Date.parse((isZoned ? text : `${text}Z`).toUpperCase());
  return Number.isNaN(timeMs) ? undefined : timeMs;
}
