import type { Hint } from './store.ts';

/**
 * The text of a hint in a store: the hint itself, unless it has half a surrogate pair (titles
 * choose keywords), which UTF-8 cannot distinguish from others.
 */
export function hintText(hint: Hint): string {
  return hint.isWellFormed() ? hint : JSON.stringify(hint);
}
