import { RequestLimits } from '../../src/http/request-limits.ts';
import type { Lever } from '../flip.ts';

const { prototype } = RequestLimits;
const { ofAddress, ofCaller, ofService } = prototype;
const countsNothing = (): undefined => undefined;

/** Counts requests against their limits; off: none is counted. */
export const lever: Lever = {
  set(isOn) {
    prototype.ofAddress = isOn ? ofAddress : countsNothing;
    prototype.ofCaller = isOn ? ofCaller : countsNothing;
    prototype.ofService = isOn ? ofService : countsNothing;
  },
};
