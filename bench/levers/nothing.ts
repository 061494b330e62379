import type { Lever } from '../measured-cost.ts';

/** Changes nothing: what a flip test says of it is the noise of the machine. */
export const lever: Lever = { set: () => undefined };
