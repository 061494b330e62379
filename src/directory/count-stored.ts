import { yieldToEventLoop } from '../platform/yield-to-event-loop.ts';
import type { SessionFinder, StoredCounts } from '../store/store.ts';

/** How many of each are stored. */
type StoredSums = Omit<StoredCounts, 'handles'> & { readonly transfers: number };

/**
 * What the store holds, counted in at most `partsMax` parts of some milliseconds each; `isMore` says that
 * this is not all. Throws StoreUnavailable.
 */
export async function countStored(
  { store }: { readonly store: SessionFinder },
  partsMax = Number.POSITIVE_INFINITY,
): Promise<StoredSums & { readonly isMore: boolean }> {
  const sums = { sessions: 0, joined: 0, reserved: 0, handles: 0, activities: 0, invites: 0 };
  let cursor: string | undefined;
  let partsCount = 0;
  do {
    const part = await store.countPart(cursor);
    for (const kind of Object.keys(sums) as (keyof typeof sums)[]) {
      sums[kind] += part.counts[kind] ?? 0;
    }
    ({ cursor } = part);
    partsCount += 1;
    await yieldToEventLoop();
  } while (cursor !== undefined && partsCount < partsMax);
  const { handles, ...others } = sums;
  // Handles that come and go while they are counted may be counted in one of these alone.
  const transfers = Math.max(0, handles - sums.activities - sums.invites);
  return { ...others, transfers, isMore: cursor !== undefined };
}
