/**
 * How rules are relaxed while a ticket waits.
 *
 * @source docs/wire/matchmaking.md "Expansion"
 */

import type { Milliseconds } from '../time.ts';
import type { Hopper, NumberRule, QualityRule } from './hopper.ts';

/** The cycle of a ticket that waits since `sinceMs`: 0 at first. */
export function cycleOf(
  { cycleMs }: Pick<Hopper, 'cycleMs'>,
  sinceMs: Milliseconds,
  nowMs: Milliseconds,
): number {
  return Math.max(0, Math.floor((nowMs - sinceMs) / cycleMs));
}

/** True while a rule of this type prevents matches. */
export function isBinding(
  { type }: { readonly type: 'must' | 'should' },
  { expansionCycles }: Pick<Hopper, 'expansionCycles'>,
  cycle: number,
): boolean {
  return type === 'must' || cycle <= expansionCycles;
}

/** Sums of decimal deltas may miss a whole number by a rounding error. */
const roundingMax = 1e-9;

/** The difference that a number rule allows. A MUST rule allows the same in every cycle. */
export function numberDiffMax(
  { type, maxDiff, expansionDelta }: Pick<NumberRule, 'type' | 'maxDiff' | 'expansionDelta'>,
  cycle: number,
): number {
  return type === 'must' ? maxDiff : maxDiff + Math.floor(cycle * expansionDelta + roundingMax);
}

/** From this maximum on, the latency between peers is relaxed linearly. */
const linearFromMs: Milliseconds = 256;
const linearStartMs: Milliseconds = 50;

/** The latency between peers that a rule allows. A MUST rule allows its maximum in every cycle. */
export function peerLatencyMaxMs(
  { type, latencyMaximum }: Pick<QualityRule, 'type' | 'latencyMaximum'>,
  { expansionCycles }: Pick<Hopper, 'expansionCycles'>,
  cycle: number,
): Milliseconds {
  if (type === 'must') return latencyMaximum;
  if (latencyMaximum < linearFromMs) return latencyMaximum * (cycle + 1);
  const lastMs = Math.max(linearStartMs, latencyMaximum - linearFromMs);
  if (expansionCycles <= 1) return lastMs;
  const steps = Math.min(cycle, expansionCycles - 1);
  return linearStartMs + ((lastMs - linearStartMs) * steps) / (expansionCycles - 1);
}

/** How much worse than its best server a ticket accepts. */
export function serverLatencyMarginMs(
  { scalingMaximum }: Pick<QualityRule, 'scalingMaximum'>,
  { expansionCycles }: Pick<Hopper, 'expansionCycles'>,
  cycle: number,
): Milliseconds {
  if (expansionCycles === 0) return scalingMaximum;
  return (scalingMaximum * Math.min(cycle, expansionCycles)) / expansionCycles;
}
