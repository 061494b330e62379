/** In longer texts the values are counted. */
const lookedAtFrom = 4_096;

/** A session and its entry in a cache, without its size. */
const bytesOfAny = 512;
/** The text itself, its parts as they are stored, as they are answered, and the whole answer. */
const bytesOfChar = 4;
/** An item of an array or a property, and what a property or its object takes more. */
const bytesOfValue = 22;
const bytesOfProperty = 38;
/** For short texts, which are similar: the memory of a character, its values included. */
const bytesOfCharWithValues = 5;

/**
 * An estimate of the memory of a parsed session, once it has been written and answered: its values
 * and their cached texts. `text` is the stored one. Close for documents of players, one long text,
 * and many small values.
 */
export function sessionMemoryBytes(text: string): number {
  return text.length < lookedAtFrom
    ? bytesOfAny + bytesOfCharWithValues * text.length
    : bytesOfAny +
        bytesOfChar * text.length +
        bytesOfValue * countOf(',', text) +
        bytesOfProperty * countOf(':', text);
}

function countOf(char: string, text: string): number {
  let count = 0;
  for (let at = text.indexOf(char); at >= 0; at = text.indexOf(char, at + 1)) count += 1;
  return count;
}
