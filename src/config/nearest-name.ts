/**
 * The name that `given` is with the fewest mistakes; undefined where each would need more than `mistakesMax`.
 * A mistake is a character that is missing, too many, wrong, or swapped with its neighbour.
 */
export function nearestName(
  given: string,
  names: Iterable<string>,
  mistakesMax: number,
): string | undefined {
  let left = mistakesMax;
  let nearest: string | undefined;
  for (const name of names) {
    if (Math.abs(name.length - given.length) > left) continue;
    const mistakes = countMistakes(given, name);
    if (mistakes > left) continue;
    nearest = name;
    // Only a better one replaces it.
    left = mistakes - 1;
  }
  return nearest;
}

/** The edit distance: characters that are missing, too many, wrong, or swapped with their neighbour. */
function countMistakes(one: string, other: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const isSame = one[row - 1] === other[column - 1];
      const isSwapped =
        row > 1 &&
        column > 1 &&
        one[row - 1] === other[column - 2] &&
        one[row - 2] === other[column - 1];
      current[column] = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
        isSwapped ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    beforeLast = last;
    last = current;
  }
  return last[other.length] ?? 0;
}
