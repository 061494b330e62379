/**
 * Ratios on a machine whose speed swings by half within seconds: two ways are measured in short slices
 * that take turns, each slice is compared with the one beside it, and the median of these ratios counts.
 */

/** Two slices, one right after the other. */
export type Pair<S> = { readonly on: S; readonly off: S };

/** The median of the ratios of pairs, and how far they lie apart. */
export type Ratio = {
  readonly ratio: number;
  /** A quarter of the ratios is below the first, a quarter above the second. */
  readonly quarters: readonly [number, number];
  readonly pairs: number;
};

/** How long a slice is measured; many of them are in a second in which the machine stays the same. */
export const sliceMs = 200;
/** The part before it that does not count: a server wakes up and its caches fill. */
export const droppedMs = 60;
/** Pairs at first that do not count: they are for the compilers. */
const warmUpPairs = 3;

/**
 * So many pairs, after those for the compilers. The order within a pair turns each time, so that a machine that
 * becomes slower all the while favours neither.
 */
export async function measurePairs<S>(
  count: number,
  measureOn: () => Promise<S>,
  measureOff: () => Promise<S>,
): Promise<readonly Pair<S>[]> {
  const pairs: Pair<S>[] = [];
  for (let n = 0; n < warmUpPairs + count; n += 1) {
    const isOnFirst = n % 2 === 1;
    const first = await (isOnFirst ? measureOn() : measureOff());
    const second = await (isOnFirst ? measureOff() : measureOn());
    pairs.push(isOnFirst ? { on: first, off: second } : { on: second, off: first });
  }
  return pairs.slice(warmUpPairs);
}

/** How much more of something there is in slices that are on: the ratio of each pair by itself. */
export function ratioOf<S>(pairs: readonly Pair<S>[], of: (slice: S) => number): Ratio {
  const ratios = pairs.map(({ on, off }) => of(on) / of(off));
  return {
    ratio: median(ratios),
    quarters: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
    pairs: pairs.length,
  };
}

/** The middle of these values; NaN of none. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** What this part of the values is below, between two of them where it falls there; NaN of none. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = Float64Array.from(values).sort();
  const place = part * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return place % 1 === 0 ? below : below + (above - below) * (place % 1);
}
