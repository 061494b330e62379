/**
 * Whom a user has played with lately: a list for each user, the latest encounter first.
 *
 * @source docs/wire/activity.md "Recent players"
 */

import type { TitleId, Xuid } from '../ids.ts';
import { limits } from '../limits.ts';
import type { Milliseconds } from '../time.ts';

export const encounterTypes = ['Default', 'Teammate', 'Opponent'] as const;
export type EncounterType = (typeof encounterTypes)[number];

export type Encounter = {
  readonly xuid: Xuid;
  readonly metMs: Milliseconds;
  readonly type: EncounterType;
};

/** Whom each of some users has met. */
export type EncountersOf = ReadonlyMap<Xuid, readonly Encounter[]>;

export type RecentPlayer = Encounter & { readonly titleId: TitleId };

/**
 * The list of `owner` with these encounters in a title: each player once, by the latest encounter;
 * of equal times the one that came later. The owner is not on it, and no encounter is later than
 * `nowMs`: a clock that is wrong must not put somebody first for ever.
 */
export function addEncounters(
  owner: Xuid,
  players: readonly RecentPlayer[],
  titleId: TitleId,
  encounters: readonly Encounter[],
  nowMs: Milliseconds,
): readonly RecentPlayer[] {
  const byXuid = new Map(players.map((player) => [player.xuid, player]));
  for (const { xuid, metMs, type } of encounters) {
    const known = byXuid.get(xuid);
    const met = { xuid, metMs: Math.min(metMs, nowMs), type, titleId };
    if (xuid !== owner && (known === undefined || met.metMs >= known.metMs)) byXuid.set(xuid, met);
  }
  return [...byXuid.values()]
    .sort((one, other) => other.metMs - one.metMs)
    .slice(0, limits.recentPlayersKeptMax);
}
