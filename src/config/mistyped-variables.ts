/** Environment variables that look like those of settings, and are none: they would be ignored in silence. */

type Environment = Readonly<Record<string, string | undefined>>;

const prefix = 'MPSD_';

/**
 * A sentence for each variable of `env` that is nearly one of `names`, or nearly `<name>_FILE`, and is
 * none; values are not shown. Others that begin with `MPSD_` are not ours to judge: tests, clients and
 * Kubernetes make such names too.
 */
export function findMistypedVariables(
  env: Environment,
  names: readonly string[],
): readonly string[] {
  const known = new Set(names.flatMap((name) => [name, `${name}_FILE`]));
  return Object.keys(env).flatMap((given) => {
    if (!given.startsWith(prefix) || known.has(given)) return [];
    const nearest = nearestOf(given, known);
    if (nearest === undefined) return [];
    return [`${given} is no setting and is ignored; did you mean ${nearest}?`];
  });
}

/** The name with the fewest mistakes; undefined where there would be too many. */
function nearestOf(given: string, known: ReadonlySet<string>): string | undefined {
  // With more, short names would be near to everything.
  const length = given.length - prefix.length;
  let mistakesMax = length <= 4 ? 1 : length < 12 ? 2 : 3;
  let nearest: string | undefined;
  for (const name of known) {
    if (Math.abs(name.length - given.length) > mistakesMax) continue;
    const mistakes = countMistakes(given, name);
    if (mistakes > mistakesMax) continue;
    nearest = name;
    // Only a better one replaces it.
    mistakesMax = mistakes - 1;
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
