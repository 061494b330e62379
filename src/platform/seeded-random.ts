/** Chance that can be repeated: the same seed draws the same. */
export type Random = {
  /** From 0 to just below 1. */
  fraction(): number;
  /** A whole number from 0 to `below` - 1. */
  below(below: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
};

/** The draws of a seed (a linear congruential generator with a mixed output; not for secrets). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const draw = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b);
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
  const below = (bound: number): number => Math.floor(draw() * bound);
  return {
    fraction: draw,
    below,
    chance: (probability) => draw() < probability,
    pick(from) {
      const picked = from[below(from.length)];
      if (picked === undefined) throw new Error('nothing to pick from');
      return picked;
    },
  };
}
