/** A part of a measurement in which something stood still, between two parts in which it was otherwise. */
export type Pair<S> = { readonly slice: S; readonly off: readonly [S, S] };

/** Each slice that is on, with its two neighbours that are off; slices take turns. */
export function pairsOf<S extends { readonly isOn: boolean }>(
  slices: readonly S[],
): readonly Pair<S>[] {
  return slices.flatMap((slice, i) => {
    const [before, after] = [slices[i - 1], slices[i + 1]];
    if (!slice.isOn || before === undefined || after === undefined) return [];
    return [{ slice, off: [before, after] }];
  });
}

/** What a slice has more than the mean of its neighbours, and its ratio to that. */
export function compare<S>(
  { slice, off: [before, after] }: Pair<S>,
  of: (slice: S) => number,
): { readonly more: number; readonly ratio: number } {
  const mean = (of(before) + of(after)) / 2;
  return { more: of(slice) - mean, ratio: of(slice) / mean };
}
