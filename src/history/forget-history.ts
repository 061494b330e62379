import type { SweepStep } from '../directory/sweep.ts';

/** Branches whose old changes are forgotten at once, so that requests get their turn. */
const branchesMax = 100;

/** Nobody waits for what is forgotten, so that not every sweep looks for it. */
const everySweeps = 30;

/** Steps of one look: together as many as sessions may end meanwhile. */
const stepsMax = 500;

/** Forgets what is older than the history is kept. */
export const sweepHistory: SweepStep = async ({ store, clock, node, settings }) => {
  if (node.sweepsCount % everySweeps !== 0) return 'done';
  const { keptMs } = settings.history;
  for (let step = 0; step < stepsMax; step += 1) {
    if ((await store.forgetHistory(clock.nowMs(), keptMs, branchesMax)) === 'done') break;
  }
  return 'done';
};
