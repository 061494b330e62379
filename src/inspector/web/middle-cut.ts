/** Where a long name is cut when it has too little room: in the middle, so that its end stays. */

/** Characters of the end that stay. */
const tailLength = 8;
/** Shorter names have the room that they need nearly everywhere. */
const uncutLength = 20;

const characters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** The part of a name that may be cut at its end, and the part that stays; together they are the name. */
export function splitName(name: string): { readonly head: string; readonly tail: string } {
  const parts = Array.from(characters.segment(name), ({ segment }) => segment);
  if (parts.length <= uncutLength) return { head: name, tail: '' };
  return {
    head: parts.slice(0, -tailLength).join(''),
    tail: parts.slice(-tailLength).join(''),
  };
}
