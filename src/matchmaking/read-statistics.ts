import type { Guid } from '../domain/ids.ts';
import type { Hopper } from '../domain/matchmaking/hopper.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { HopperPool } from './hopper-pool.ts';
import { poolOf, type Service } from './service.ts';

export type HopperStatistics = { readonly waitSeconds: number; readonly population: number };

/**
 * How long players of this hopper have waited lately, and how many wait now.
 *
 * @source docs/wire/matchmaking.md "Tickets"
 */
export async function readStatistics(
  service: Service,
  scid: Guid,
  hopper: Hopper,
): Promise<HopperStatistics> {
  const pool = poolOf(service, scid, hopper);
  if (service.isShared) {
    const stored = await service.tickets.statistics(pool.key);
    const waitSeconds = inSeconds(stored?.waitMs ?? hopper.typicalWaitMs);
    return { waitSeconds, population: stored?.population ?? 0 };
  }
  await pool.load(service.tickets);
  const waitSeconds = inSeconds(pool.waitMs ?? hopper.typicalWaitMs);
  return { waitSeconds, population: pool.population };
}

/** How long players of this hopper have waited lately, also while its tickets are still read. */
export async function readWaitSeconds(
  { tickets, isShared }: Pick<Service, 'tickets' | 'isShared'>,
  pool: HopperPool,
): Promise<number> {
  if (!isShared) await pool.loadWait(tickets);
  const waitMs = isShared ? (await tickets.statistics(pool.key))?.waitMs : pool.waitMs;
  return inSeconds(waitMs ?? pool.rules.hopper.typicalWaitMs);
}

function inSeconds(waitMs: Milliseconds): number {
  return Math.round(waitMs / 1_000);
}
