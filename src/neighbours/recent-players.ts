/**
 * Lists of recent players, kept in the store:
 *
 *     recentPlayers   group xuid, id "list"   { players: [ RecentPlayer … ] }
 */

import { changeRecord } from '../directory/change-record.ts';
import type { Context } from '../directory/context.ts';
import {
  addEncounters,
  type Encounter,
  type EncountersOf,
  type RecentPlayer,
} from '../domain/people/recent-players.ts';
import type { TitleId, Xuid } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Refusal } from '../domain/refusal.ts';
import { unlessDamaged } from '../store/store.ts';

const recentPlayers = 'recentPlayers';
const listId = 'list';
/** Lists that are changed at once. */
const atOnceMax = 20;

/** Whom a user has played with lately, the latest first. */
export async function readRecentPlayers(
  { store }: Pick<Context, 'store'>,
  xuid: Xuid,
): Promise<readonly RecentPlayer[]> {
  return playersOf((await store.record(recentPlayers, xuid, listId))?.value);
}

function playersOf(value: JsonObject | undefined): readonly RecentPlayer[] {
  return (value?.['players'] ?? []) as readonly RecentPlayer[];
}

/**
 * Nothing once each of these users has those they have met on their list; each list is whole, and they
 * come one after the other. A damaged list is left as it is.
 *
 * Refuses: tooBusy.
 *
 * @source docs/wire/activity.md "Recent players"
 */
export async function noteEncounters(
  context: Context,
  titleId: TitleId,
  met: EncountersOf,
): Promise<Refusal | undefined> {
  const lists = [...met];
  for (let at = 0; at < lists.length; at += atOnceMax) {
    const outcomes = await Promise.all(
      lists
        .slice(at, at + atOnceMax)
        .map(([owner, encounters]) =>
          unlessDamaged(addToList(context, owner, titleId, encounters)),
        ),
    );
    const refusal = outcomes.find((outcome) => outcome !== undefined);
    if (refusal) return refusal;
  }
  return undefined;
}

function addToList(
  context: Context,
  owner: Xuid,
  titleId: TitleId,
  encounters: readonly Encounter[],
): Promise<Refusal | undefined> {
  const place = { table: recentPlayers, group: owner, id: listId };
  return changeRecord(context, place, (value) => {
    const nowMs = context.clock.nowMs();
    return {
      value: { players: addEncounters(owner, playersOf(value), titleId, encounters, nowMs) },
    };
  });
}
