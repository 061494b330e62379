/**
 * People with what else is known of them, as the people hub shows them.
 *
 * @source docs/wire/neighbours.md "People hub"
 */

import type { RecentPlayer } from './recent-players.ts';
import type { TitleId, Xuid } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import { presenceStateOf, type TitlePresence, type UserPresence } from '../presence/presence.ts';
import { gamertagParts } from '../profile/profile.ts';
import { formatTime, type Milliseconds } from '../time.ts';

/** What may be asked for beside a person; names that are not known are ignored. */
export type Decorations = {
  readonly detail: boolean;
  readonly preferredColor: boolean;
  readonly presenceDetail: boolean;
  readonly multiplayerSummary: boolean;
};

/** The decorations of a comma list, compared without regard to case; `titlehistory(1234)` is known to have none. */
export function parseDecorations(names: string): Decorations {
  const asked = names.split(',').map((name) => name.trim().toLowerCase());
  return {
    detail: asked.includes('detail'),
    preferredColor: asked.includes('preferredcolor'),
    presenceDetail: asked.includes('presencedetail'),
    multiplayerSummary: asked.includes('multiplayersummary'),
  };
}

/** What is known of a person, as the caller stands to them. */
export type HubPerson = {
  readonly xuid: Xuid;
  readonly gamertag: string;
  readonly isFavorite: boolean;
  readonly isFollowingCaller: boolean;
  readonly isFollowedByCaller: boolean;
  readonly presence: UserPresence;
  /** When the person was put on the list that was asked for. */
  readonly addedMs?: Milliseconds | undefined;
  readonly recentPlayer?: RecentPlayer | undefined;
  readonly counts?: { readonly followers: number; readonly follows: number } | undefined;
  readonly isBlocked?: boolean;
  readonly isMuted?: boolean;
};

/** The colors of everybody: there are no others. */
const preferredColor = {
  primaryColor: '107c10',
  secondaryColor: '102b14',
  tertiaryColor: '155715',
} as const;

/** A person; texts that this server has none of are empty. */
export function viewHubPerson(
  person: HubPerson,
  decorations: Decorations,
  titleName: (titleId: TitleId) => string,
): JsonObject {
  const { xuid, gamertag, presence, addedMs, recentPlayer, counts } = person;
  const { lastSeen, titles } = presence;
  const state = presenceStateOf(presence);
  const [first] = titles;
  return {
    xuid,
    isFavorite: person.isFavorite,
    isFollowingCaller: person.isFollowingCaller,
    isFollowedByCaller: person.isFollowedByCaller,
    isIdentityShared: false,
    ...(addedMs !== undefined && { addedDateTimeUtc: formatTime(addedMs) }),
    displayName: gamertag,
    realName: '',
    displayPicRaw: '',
    showUserAsAvatar: '0',
    gamertag,
    gamerScore: '0',
    ...gamertagParts(gamertag),
    xboxOneRep: 'GoodPlayer',
    presenceState: state,
    presenceText: first ? titleName(first.titleId) : state,
    isBroadcasting: false,
    isQuarantined: false,
    isXbox360Gamerpic: false,
    ...(lastSeen && { lastSeenDateTimeUtc: formatTime(lastSeen.atMs) }),
    ...(recentPlayer && { recentPlayer: viewRecentPlayer(recentPlayer, titleName) }),
    ...(decorations.presenceDetail && {
      presenceDetails: titles.map((title, i) => viewPresenceDetail(title, i === 0, titleName)),
    }),
    ...(decorations.multiplayerSummary && {
      multiplayerSummary: { InMultiplayerSession: titles.length > 0 ? 1 : 0, InParty: 0 },
    }),
    ...(decorations.preferredColor && { preferredColor }),
    ...(decorations.detail &&
      counts && {
        detail: {
          accountTier: 'Gold',
          bio: '',
          isVerified: false,
          location: '',
          tenure: '0',
          watermarks: [],
          blocked: person.isBlocked ?? false,
          mute: person.isMuted ?? false,
          followerCount: counts.followers,
          followingCount: counts.follows,
          hasGamePass: false,
        },
      }),
  };
}

function viewPresenceDetail(
  { deviceType, titleId, state, richPresence }: TitlePresence,
  isPrimary: boolean,
  titleName: (titleId: TitleId) => string,
): JsonObject {
  return {
    IsBroadcasting: false,
    Device: deviceType,
    PresenceText: titleName(titleId),
    State: state === 'active' ? 'Active' : 'Inactive',
    TitleId: titleId,
    IsPrimary: isPrimary,
    IsGame: true,
    RichPresenceText: richPresence ?? '',
  };
}

function viewRecentPlayer(
  { titleId, metMs, type }: RecentPlayer,
  titleName: (titleId: TitleId) => string,
): JsonObject {
  return {
    titles: [
      {
        titleId,
        titleName: titleName(titleId),
        lastPlayedWithDateTime: formatTime(metMs),
        encounterType: type,
      },
    ],
    text: titleName(titleId),
  };
}

/** The answer with these people. */
export function viewHubPeople(people: readonly JsonObject[]): JsonObject {
  return { people };
}
