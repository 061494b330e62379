import { readList } from '../directory/read-people.ts';
import type { Context } from '../directory/context.ts';
import { xuidOf, type Caller } from '../domain/caller.ts';
import type { Xuid } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import { limits } from '../domain/limits.ts';
import {
  type Decorations,
  type HubPerson,
  viewHubPeople,
  viewHubPerson,
} from '../domain/people/hub.ts';
import type { ListEntry } from '../domain/people/list.ts';
import { Refusal } from '../domain/refusal.ts';
import { titleNameOf } from '../domain/session/template.ts';
import { readRecentPlayers } from './recent-players.ts';
import { yieldToEventLoop } from '../platform/yield-to-event-loop.ts';
import { readPresenceFor } from './presence.ts';
import { findByGamertag, gamertagsOf } from './profiles.ts';
import { mayActFor } from './users.ts';

/** Which people of a user are asked for. */
export type HubRelation =
  | { readonly kind: 'follows' | 'followers' | 'recentPlayers' | 'nobody' }
  | { readonly kind: 'xuids'; readonly xuids: readonly Xuid[] }
  /** Without a beginning: the caller. */
  | { readonly kind: 'search'; readonly beginning: string; readonly max: number };

/** People whose presence and gamertag are read at once. */
const atOnceMax = 50;

/**
 * The people of `owner`, decorated. Of a long list at most 1,000, the first ones.
 *
 * Refuses: userNotYours for the recent players of somebody else.
 *
 * @source docs/wire/neighbours.md "People hub"
 */
export async function readPeopleHub(
  context: Context,
  owner: Xuid,
  relation: HubRelation,
  decorations: Decorations,
  caller: Caller,
): Promise<JsonObject | Refusal> {
  const found = await findPeople(context, owner, relation, caller);
  if (found instanceof Refusal) return found;
  const shown = found.slice(0, limits.hubPeopleMax);
  const people: HubPerson[] = [];
  for (let at = 0; at < shown.length; at += atOnceMax) {
    if (at > 0) await yieldToEventLoop();
    people.push(...(await decorate(context, shown.slice(at, at + atOnceMax), decorations, caller)));
  }
  const titleName = titleNameOf(context.catalog());
  return viewHubPeople(people.map((one) => viewHubPerson(one, decorations, titleName)));
}

type FoundPerson = Pick<HubPerson, 'xuid' | 'addedMs' | 'recentPlayer'>;

async function findPeople(
  context: Context,
  owner: Xuid,
  relation: HubRelation,
  caller: Caller,
): Promise<readonly FoundPerson[] | Refusal> {
  switch (relation.kind) {
    case 'nobody':
      return [];
    case 'xuids':
      return relation.xuids.map((xuid) => ({ xuid }));
    case 'search': {
      const { beginning, max } = relation;
      if (beginning === '') return [{ xuid: xuidOf(caller) ?? owner }];
      return (await findByGamertag(context, beginning, max)).map((xuid) => ({ xuid }));
    }
    case 'recentPlayers': {
      const refusal = mayActFor(owner, caller);
      if (refusal) return refusal;
      const players = await readRecentPlayers(context, owner);
      return players.map((recentPlayer) => ({ xuid: recentPlayer.xuid, recentPlayer }));
    }
    case 'follows': {
      const entries = await readList(context, owner, 'follows', caller);
      return entries instanceof Refusal ? entries : entries.map(listed);
    }
    case 'followers':
      return (await context.people.list(owner, 'followers')).map(listed);
  }
}

function listed({ xuid, addedMs }: ListEntry): FoundPerson {
  return { xuid, addedMs };
}

async function decorate(
  context: Context,
  found: readonly FoundPerson[],
  decorations: Decorations,
  caller: Caller,
): Promise<readonly HubPerson[]> {
  const xuids = found.map(({ xuid }) => xuid);
  const viewer = xuidOf(caller);
  const { people } = context;
  const lists = (name: 'follows' | 'followers' | 'avoids' | 'mutes') =>
    viewer === undefined ? [] : people.listed(viewer, name, xuids);
  const [names, follows, followers, avoids, mutes] = await Promise.all([
    gamertagsOf(context, xuids),
    lists('follows'),
    lists('followers'),
    decorations.detail ? lists('avoids') : [],
    decorations.detail ? lists('mutes') : [],
  ]);
  const favorites = new Set(follows.filter(({ isFavorite }) => isFavorite).map(({ xuid }) => xuid));
  const [followed, following, blocked, muted] = [follows, followers, avoids, mutes].map(
    (entries) => new Set(entries.map(({ xuid }) => xuid)),
  );
  return Promise.all(
    found.map(async (one) => {
      const { xuid } = one;
      return {
        ...one,
        gamertag: names.get(xuid) ?? '',
        isFavorite: favorites.has(xuid),
        isFollowedByCaller: followed?.has(xuid) === true,
        isFollowingCaller: following?.has(xuid) === true,
        isBlocked: blocked?.has(xuid) === true,
        isMuted: muted?.has(xuid) === true,
        presence: await readPresenceFor(context, xuid, viewer),
        counts: decorations.detail ? await countsOf(context, xuid) : undefined,
      };
    }),
  );
}

async function countsOf({ people }: Context, xuid: Xuid): Promise<HubPerson['counts']> {
  const [follows, followers] = await Promise.all([
    people.size(xuid, 'follows', limits.followsMax),
    people.size(xuid, 'followers', limits.followersCountedMax),
  ]);
  return { follows, followers };
}
