import { readRateLimits } from '../config/read-rate-limits.ts';
import { openClientAddresses } from '../http/client-address.ts';
import { RequestLimits } from '../http/request-limits.ts';
import { CannotStart } from './cannot-start.ts';
import type { NodeCore } from './core.ts';
import type { ServerSettings } from './options.ts';

/** The limits of requests of a node. */
export type NodeLimits = {
  readonly requestLimits: RequestLimits;
  /** That there are limits, and which. */
  readonly notice: string;
  /** Reads the limits again; the problems found, if any, leave the former ones in place. */
  reload(): Promise<readonly string[]>;
};

/** The limits that were asked for. Throws CannotStart with every problem of their file. */
export async function openNodeLimits(
  asked: string,
  { context: { store, failed } }: Pick<NodeCore, 'context'>,
  { trustedProxies }: Pick<ServerSettings, 'trustedProxies'>,
): Promise<NodeLimits> {
  const read = await readRateLimits(asked);
  if ('problems' in read) throw new CannotStart(read.problems);
  const { sharedCounts } = store;
  const requestLimits = new RequestLimits(read.limits, {
    addresses: openClientAddresses(trustedProxies),
    countTogether: sharedCounts && ((...count) => sharedCounts.add(...count)),
    failed,
  });
  return {
    requestLimits,
    notice: `Rate limits: ${asked}.`,
    async reload() {
      const again = await readRateLimits(asked);
      if ('problems' in again) return again.problems;
      requestLimits.use(again.limits);
      return [];
    },
  };
}
