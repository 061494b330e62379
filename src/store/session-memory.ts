/** Longer texts are looked at for how many values they hold. */
const lookedAtFrom = 4_096;

/** A session, its entry in a cache, and what belongs to it whatever its size. */
const bytesOfAny = 512;
/** The text itself, its parts as they are stored, as they are answered, and the whole answer. */
const bytesOfChar = 4;
/** An item of an array or a property, and what a property or its object takes more. */
const bytesOfValue = 22;
const bytesOfProperty = 38;
/** Of short texts, which are much alike: what a character comes to, its values included. */
const bytesOfCharWithValues = 5;

/**
 * About how much memory a session takes that is kept parsed, once it has been written and answered:
 * its values and the texts that are remembered with them. `text` is that which is stored.
 *
 * Not far from the truth for documents of players, one long text, and nothing but small values.
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
