import type { Guid } from '../domain/ids.ts';
import type { Hopper } from '../domain/matchmaking/hopper.ts';
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
  const seconds = (waitMs: number | undefined): number =>
    Math.round((waitMs ?? hopper.typicalWaitMs) / 1_000);
  if (service.isShared) {
    const stored = await service.tickets.statistics(pool.key);
    return { waitSeconds: seconds(stored?.waitMs), population: stored?.population ?? 0 };
  }
  await pool.load(service.tickets);
  return { waitSeconds: seconds(pool.waitMs), population: pool.population };
}
