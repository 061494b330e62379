/**
 * Puts copies of the entries of `from` into `to`; a value that is neither a map nor a set stays the
 * same.
 */
export function copyInto<K, V>(to: Map<K, V>, from: ReadonlyMap<K, V>): void {
  for (const [key, value] of from) to.set(key, copyOf(value));
}

function copyOf<T>(value: T): T {
  if (value instanceof Set) return new Set(value) as T;
  if (!(value instanceof Map)) return value;
  const copy = new Map();
  copyInto(copy, value);
  return copy as T;
}
