import type { SessionKey } from '../domain/session/reference.ts';
import { copyInto } from './copy-into.ts';
import type { Hint } from './store.ts';

/** Which sessions have which hints, in memory. */
export class HintIndex {
  readonly #keys = new Map<Hint, Set<SessionKey>>();
  readonly #hints = new Map<SessionKey, Set<Hint>>();

  add(key: SessionKey, hints: readonly Hint[]): void {
    for (const hint of hints) {
      addTo(this.#keys, hint, key);
      addTo(this.#hints, key, hint);
    }
  }

  remove(key: SessionKey, hints: readonly Hint[]): void {
    for (const hint of hints) {
      removeFrom(this.#keys, hint, key);
      removeFrom(this.#hints, key, hint);
    }
  }

  /** Adds all that another index holds. */
  copyFrom(other: HintIndex): void {
    copyInto(this.#keys, other.#keys);
    copyInto(this.#hints, other.#hints);
  }

  /** All hints of this session. */
  of(key: SessionKey): readonly Hint[] {
    return [...(this.#hints.get(key) ?? [])];
  }

  /** @see SessionStore.sessionsBy */
  keysBy(hint: Hint, limit: number, after = ''): readonly SessionKey[] {
    const keys = [...(this.#keys.get(hint) ?? [])].filter((key) => key > after);
    return keys.sort().slice(0, limit);
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
