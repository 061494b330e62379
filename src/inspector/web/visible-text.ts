/** Text that users chose, without what would hide or reorder other text. */

/** Controls, lone surrogates, and what changes the direction of text or has no width. */
const invisible = /[\p{Cc}\p{Cs}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** The text with each invisible character as its escape: `\u202e`. */
export function visibleText(text: string): string {
  return text.replace(
    invisible,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
