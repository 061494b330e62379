/** Times and durations as people read them. */

/** `12 s`, `3 min`, `2 h`, `4 d`: the largest unit, cut. */
export function durationText(ms: number): string {
  const seconds = Math.floor(Math.abs(ms) / 1_000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** `now`, or `12 s ago`. */
export function agoText(atMs: number, nowMs: number): string {
  return nowMs - atMs < 1_000 ? 'now' : `${durationText(nowMs - atMs)} ago`;
}

/**
 * `42 s`, `14 min 33 s`, `2 h 5 min`, `3 d 4 h`: time left in its two largest units, rounded up to a whole
 * second, never below zero. Not `14:33`, which reads like a time of the day.
 */
export function countdownText(ms: number): string {
  const left = Math.max(0, Math.ceil(ms / 1_000));
  const units = [
    [Math.floor(left / 86_400), 'd'],
    [Math.floor(left / 3_600) % 24, 'h'],
    [Math.floor(left / 60) % 60, 'min'],
    [left % 60, 's'],
  ] as const;
  const first = units.findIndex(([count]) => count > 0);
  if (first < 0) return '0 s';
  return units
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

/** `14:03:22`, in the time zone of the browser; with milliseconds when asked for. */
export function clockText(atMs: number, more: { readonly withMs?: boolean } = {}): string {
  const at = new Date(atMs);
  const pad = (value: number, width = 2): string => String(value).padStart(width, '0');
  const text = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
  return more.withMs === true ? `${text}.${pad(at.getMilliseconds(), 3)}` : text;
}

/** `2026-11-30 14:03:22`. */
export function dateText(atMs: number): string {
  const at = new Date(atMs);
  const pad = (value: number): string => String(value).padStart(2, '0');
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${clockText(atMs)}`;
}

/** `0.4 ms`, `12 ms`, `1.2 s`. */
export function tookText(ms: number): string {
  if (ms < 1) return `${ms.toFixed(1)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** `1,234`. */
export function countText(count: number): string {
  return count.toLocaleString('en');
}

/** `1 call`, `1,234 calls`. */
export function countedText(count: number, one: string): string {
  return `${countText(count)} ${one}${count === 1 ? '' : 's'}`;
}
