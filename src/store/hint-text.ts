import type { Hint } from './store.ts';

/**
 * The text by which a store keeps a hint: the hint itself, unless it holds half a character (titles
 * choose their keywords), which UTF-8 cannot tell from other halves.
 */
export function hintText(hint: Hint): string {
  return hint.isWellFormed() ? hint : JSON.stringify(hint);
}
