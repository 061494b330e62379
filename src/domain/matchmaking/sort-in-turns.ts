/**
 * Sorting of many items in turns: a generator that yields after each. A turn takes a few milliseconds
 * also where the engine has not compiled the code yet.
 */

/** Items that are sorted at once, that are merged in a turn, and that are looked at in a turn. */
const sortedAtOnce = 512;
const mergedInTurn = 1_024;
const lookedAtInTurn = 4_096;

type Compare = (a: number, b: number) => number;

/** The items in order. The answers for two of them must not change in between. */
export function* sortInTurns(items: Int32Array, compare: Compare): Generator<void, Int32Array> {
  let from = items.slice();
  for (let at = 0; at < from.length; at += sortedAtOnce) {
    if (at > 0) yield;
    from.subarray(at, at + sortedAtOnce).sort(compare);
  }
  let to = new Int32Array(from.length);
  for (let width = sortedAtOnce; width < from.length; width *= 2) {
    yield;
    for (let at = 0; at < from.length; at += 2 * width) {
      const end = at + 2 * width;
      const [first, second] = [from.subarray(at, at + width), from.subarray(at + width, end)];
      yield* mergeInto(to.subarray(at, end), { first, second, compare });
    }
    [from, to] = [to, from];
  }
  return from;
}

/** The items of two lists that are in order, in order; of equal ones, those of `first` come first. */
export function* mergeInTurns(
  first: Int32Array,
  second: Int32Array,
  compare: Compare,
): Generator<void, Int32Array> {
  const merged = new Int32Array(first.length + second.length);
  yield* mergeInto(merged, { first, second, compare });
  return merged;
}

type Merge = {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly compare: Compare;
};

function* mergeInto(merged: Int32Array, { first, second, compare }: Merge): Generator<void> {
  const [last, next] = [first.at(-1), second[0]];
  if (last === undefined || next === undefined || compare(last, next) <= 0) {
    merged.set(first);
    merged.set(second, first.length);
    return;
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
}

/** The items that `keeps` is true of, in their order. */
export function* filterInTurns(
  items: Int32Array,
  keeps: (item: number) => boolean,
): Generator<void, Int32Array> {
  const kept = new Int32Array(items.length);
  let count = 0;
  for (let at = 0; at < items.length; at += 1) {
    if (at % lookedAtInTurn === lookedAtInTurn - 1) yield;
    const item = items[at] as number;
    if (!keeps(item)) continue;
    kept[count] = item;
    count += 1;
  }
  return kept.subarray(0, count);
}
