/** Sorting of many items in turns of some milliseconds: a generator that yields after each. */

/** Items that are sorted at once, and that are merged in a turn. */
const sortedAtOnce = 1_024;
const mergedInTurn = 8_192;

type Compare = (a: number, b: number) => number;

/** The items in order. The answers for two of them must not change in between. */
export function* sortInTurns(items: Int32Array, compare: Compare): Generator<void, Int32Array> {
  let runs: Int32Array[] = [];
  for (let at = 0; at < items.length; at += sortedAtOnce) {
    if (at > 0) yield;
    runs.push(items.slice(at, at + sortedAtOnce).sort(compare));
  }
  while (runs.length > 1) {
    const longer: Int32Array[] = [];
    for (let i = 0; i < runs.length; i += 2) {
      const [first, second] = [runs[i] as Int32Array, runs[i + 1]];
      longer.push(second ? yield* mergeInTurns(first, second, compare) : first);
    }
    runs = longer;
  }
  return runs[0] ?? new Int32Array(0);
}

/** The items of two lists that are in order, in order; of equal ones, those of `first` come first. */
export function* mergeInTurns(
  first: Int32Array,
  second: Int32Array,
  compare: Compare,
): Generator<void, Int32Array> {
  const merged = new Int32Array(first.length + second.length);
  const [last, next] = [first.at(-1), second[0]];
  if (last === undefined || next === undefined || compare(last, next) <= 0) {
    merged.set(first);
    merged.set(second, first.length);
    return merged;
  }
  for (let at = 0, i = 0, j = 0; at < merged.length; at += 1) {
    if (at % mergedInTurn === mergedInTurn - 1) yield;
    const isFirst =
      j >= second.length ||
      (i < first.length && compare(first[i] as number, second[j] as number) <= 0);
    merged[at] = (isFirst ? first[i] : second[j]) as number;
    if (isFirst) i += 1;
    else j += 1;
  }
  return merged;
}
