/** Checks of what callers give. JavaScript has no types, and what is wrong should be said before a request is sent. */

/** Throws a TypeError for what is no object; `example` shows one. */
export function requireObject(value: unknown, what: string, example: string): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return;
  throw new TypeError(`The ${what} must be an object, such as ${example}, not ${shown(value)}.`);
}

/** Throws a TypeError for what is no array. */
export function requireList(value: unknown, what: string): void {
  if (Array.isArray(value)) return;
  throw new TypeError(
    `The ${what} must be an array, such as ['2814639011617876'], not ${shown(value)}.`,
  );
}

/** Throws a TypeError for a member of `settings` that `known` does not have: a misspelt one would do nothing. */
export function requireKnown(settings: object, known: object, what: string): void {
  const names = Object.keys(known);
  for (const name of Object.keys(settings)) {
    if (names.includes(name)) continue;
    const meant = names.find((one) => one.toLowerCase() === name.toLowerCase());
    const hint = meant === undefined ? `it has ${names.join(', ')}` : `did you mean "${meant}"?`;
    throw new TypeError(`${what} has no option "${name}"; ${hint}`);
  }
}

/** Throws a RangeError for what is no time limit, in milliseconds; Infinity is one. */
export function requireTimeLimit(timeoutMs: number): void {
  if (typeof timeoutMs === 'number' && timeoutMs > 0) return;
  throw new RangeError(
    `The timeoutMs must be a number of milliseconds above 0, or Infinity, not ${shown(timeoutMs)}.`,
  );
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
