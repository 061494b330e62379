import type { SessionKey } from '../domain/session/reference.ts';
import type { Hint } from './store.ts';

/** Which sessions have which hints, in memory. */
export class HintIndex {
  /** Most hints are of one session, and a set for each would be most of the memory of the index. */
  readonly #keys = new Map<Hint, SessionKey | Set<SessionKey>>();
  readonly #hints = new Map<SessionKey, Set<Hint>>();

  add(key: SessionKey, hints: readonly Hint[]): void {
    if (hints.length === 0) return;
    let ofKey = this.#hints.get(key);
    if (ofKey === undefined) {
      ofKey = new Set();
      this.#hints.set(key, ofKey);
    }
    for (const hint of hints) {
      ofKey.add(hint);
      const known = this.#keys.get(hint);
      if (known === undefined) this.#keys.set(hint, key);
      else if (typeof known !== 'string') known.add(key);
      else if (known !== key) this.#keys.set(hint, new Set([known, key]));
    }
  }

  remove(key: SessionKey, hints: readonly Hint[]): void {
    for (const hint of hints) {
      const known = this.#keys.get(hint);
      if (known instanceof Set) known.delete(key);
      if (known === key || (known instanceof Set && known.size === 0)) this.#keys.delete(hint);
      removeFrom(this.#hints, key, hint);
    }
  }

  /** Adds all that another index holds. */
  copyFrom(other: HintIndex): void {
    for (const [key, hints] of other.#hints) this.add(key, [...hints]);
  }

  /** All hints of this session. */
  of(key: SessionKey): readonly Hint[] {
    return [...(this.#hints.get(key) ?? [])];
  }

  /** @see SessionStore.sessionsBy */
  keysBy(hint: Hint, limit: number, after = ''): readonly SessionKey[] {
    const known = this.#keys.get(hint) ?? [];
    const keys = typeof known === 'string' ? [known] : [...known];
    return keys
      .filter((key) => key > after)
      .sort()
      .slice(0, limit);
  }
}

/** Adds a value to the set of this key. */
export function addTo<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const set = sets.get(key);
  if (set) set.add(value);
  else sets.set(key, new Set([value]));
}

/** Removes a value from the set of this key, and the set with its last value. */
export function removeFrom<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const set = sets.get(key);
  set?.delete(value);
  if (set?.size === 0) sets.delete(key);
}
