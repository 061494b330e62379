/**
 * What the Multiplayer Activity URIs ask for.
 *
 * @source docs/wire/activity.md "Activities", docs/wire/activity.md "Invites", docs/wire/activity.md "Recent players"
 */

import * as v from 'valibot';
import { isTitleId, isXuid, type TitleId, type Xuid } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import { limits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { exactObject, integer, list, parseShape, text, word } from '../shape.ts';
import { parseTime } from '../time.ts';
import { dropUnknown, type KnownPart } from '../unknown-members.ts';
import { type ActivityChange, joinRestrictions, platforms } from './activity.ts';
import { encounterTypes, type Encounter, type EncountersOf } from '../people/recent-players.ts';
import { parseSequenceNumber, type SequenceNumber } from './sequence-number.ts';

/** The title that a segment of a path names. Refuses: requestInvalid. */
export function parseTitleId(segment: string): TitleId | Refusal {
  return isTitleId(segment) ? segment : pathInvalid(segment, 'a title id (decimal, below 2^32)');
}

/** The user that a segment of a path names, by bare digits. Refuses: requestInvalid. */
export function parseUserId(segment: string): Xuid | Refusal {
  return isXuid(segment) ? segment : pathInvalid(segment, 'a xuid (decimal digits)');
}

function pathInvalid(segment: string, expected: string): Refusal {
  return new Refusal('requestInvalid', `"${segment}" in the path: Expected ${expected}.`, {
    detail: 'path',
  });
}

const sequenceExpectation = 'Expected an integer from 1 to 2^64-1, as a number or as a string';
const sequenceNumber = v.pipe(
  v.custom<unknown>((given) => parseSequenceNumber(given) !== undefined, sequenceExpectation),
  v.transform((given) => parseSequenceNumber(given) as SequenceNumber),
);

const xuid = text(isXuid, 'a xuid (a string of decimal digits)');

const connectionString = text(
  (given) => given.length <= limits.connectionStringCharactersMax,
  `a text of at most ${limits.connectionStringCharactersMax} characters`,
);
const groupId = text(
  (given) => given.length <= limits.groupIdCharactersMax,
  `a text of at most ${limits.groupIdCharactersMax} characters`,
);
/** Null says the same as nothing: playable anywhere. */
const platform = v.nullish(word(platforms));

const putBody = exactObject({
  sequenceNumber,
  connectionString,
  joinRestriction: word(joinRestrictions),
  maxPlayers: v.nullish(integer(2, limits.activityPlayersMax)),
  currentPlayers: v.nullish(integer(1, limits.activityPlayersMax)),
  groupId: v.nullish(groupId),
  platform,
});

const deleteBody = exactObject({ sequenceNumber });

/** The activity to set. Refuses: requestInvalid. */
export function parseActivity(body: JsonObject): Required<ActivityChange> | Refusal {
  const parsed = parseShape(putBody, body);
  if (parsed instanceof Refusal) return parsed;
  const { sequenceNumber: number, connectionString: how, joinRestriction, ...optional } = parsed;
  return {
    sequenceNumber: number,
    activity: { connectionString: how, joinRestriction, ...withoutNulls(optional) },
  };
}

function withoutNulls<T extends object>(
  object: T,
): { readonly [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== null && value !== undefined),
  ) as { readonly [K in keyof T]?: NonNullable<T[K]> };
}

/** The activity to remove. Refuses: requestInvalid. */
export function parseActivityRemoval(body: JsonObject): ActivityChange | Refusal {
  return parseShape(deleteBody, body);
}

const queryBody = exactObject({
  users: list(
    xuid,
    { lengthMax: limits.activityQueryUsersMax },
    `an array of at most ${limits.activityQueryUsersMax} xuids`,
  ),
});

/** Whose activities are asked for. Refuses: requestInvalid. */
export function parseActivityUsers(body: JsonObject): readonly Xuid[] | Refusal {
  const parsed = parseShape(queryBody, body);
  return parsed instanceof Refusal ? parsed : parsed.users;
}

export type InviteRequest = {
  readonly invitedUsers: readonly Xuid[];
  /** Absent: that of the sender's own activity. */
  readonly connectionString?: string;
};

const inviteEntries = {
  invitedUsers: list(
    xuid,
    { lengthMin: 1, lengthMax: limits.invitedUsersMax },
    `an array of 1 to ${limits.invitedUsersMax} xuids`,
  ),
  connectionString: v.nullish(connectionString),
  platform,
};
const inviteBody = exactObject(inviteEntries);
const serverInviteBody = exactObject({ ...inviteEntries, sender: xuid });

/** The invites that a user sends. Refuses: requestInvalid. */
export function parseInvites(body: JsonObject): InviteRequest | Refusal {
  const parsed = parseShape(inviteBody, body);
  return parsed instanceof Refusal ? parsed : invitesOf(parsed);
}

/** The invites that a game service sends for a user. Refuses: requestInvalid. */
export function parseServerInvites(
  body: JsonObject,
): (InviteRequest & { readonly sender: Xuid }) | Refusal {
  const parsed = parseShape(serverInviteBody, body);
  return parsed instanceof Refusal ? parsed : { ...invitesOf(parsed), sender: parsed.sender };
}

function invitesOf({
  invitedUsers,
  connectionString: how,
}: v.InferOutput<typeof inviteBody>): InviteRequest {
  return {
    invitedUsers: [...new Set(invitedUsers)],
    ...(typeof how === 'string' && { connectionString: how }),
  };
}

const timestamp = v.pipe(
  text((given) => parseTime(given) !== undefined, 'a time in UTC (ISO 8601, with Z)'),
  v.transform((given) => parseTime(given) ?? 0),
);
const encounterType = v.nullish(word(encounterTypes), 'Default');
const network = v.nullish(word(['XboxLive']));

const recentPlayer = exactObject({ id: xuid, timestamp, encounterType, network });

const recentPlayers = list(
  recentPlayer,
  { lengthMin: 1, lengthMax: limits.recentPlayersMax },
  `an array of 1 to ${limits.recentPlayersMax} players`,
);

const recentPlayersBody = exactObject({ recentPlayers });

const recentPlayersOfUsersBody = exactObject({
  recentPlayersByXuid: list(
    exactObject({ xuid, recentPlayers }),
    { lengthMin: 1, lengthMax: limits.recentPlayerListsMax },
    `an array of 1 to ${limits.recentPlayerListsMax} lists of players`,
  ),
});

const recentPlayerGroupsBody = exactObject({
  recentPlayerGroups: list(
    exactObject({
      timestamp,
      encounterType,
      recentPlayers: list(
        exactObject({ id: xuid, network }),
        { lengthMin: 2, lengthMax: limits.recentPlayersMax },
        `an array of 2 to ${limits.recentPlayersMax} players`,
      ),
    }),
    { lengthMin: 1, lengthMax: limits.recentPlayerListsMax },
    `an array of 1 to ${limits.recentPlayerListsMax} groups`,
  ),
});

/** Whom the user `of` has met. Refuses: requestInvalid. */
export function parseRecentPlayers(body: JsonObject, of: Xuid): EncountersOf | Refusal {
  const parsed = parseShape(recentPlayersBody, body);
  if (parsed instanceof Refusal) return parsed;
  return new Map([[of, parsed.recentPlayers.map(encounterOf)]]);
}

/** Whom several users have met, as a game service says. Refuses: requestInvalid. */
export function parseRecentPlayersOfUsers(body: JsonObject): EncountersOf | Refusal {
  const parsed = parseShape(recentPlayersOfUsersBody, body);
  if (parsed instanceof Refusal) return parsed;
  const met = new Map<Xuid, Encounter[]>();
  for (const { xuid: of, recentPlayers: players } of parsed.recentPlayersByXuid) {
    add(met, of, players.map(encounterOf));
  }
  return met;
}

/** Groups in which everybody has met everybody. Refuses: requestInvalid. */
export function parseRecentPlayerGroups(body: JsonObject): EncountersOf | Refusal {
  const parsed = parseShape(recentPlayerGroupsBody, body);
  if (parsed instanceof Refusal) return parsed;
  const met = new Map<Xuid, Encounter[]>();
  for (const {
    timestamp: metMs,
    encounterType: type,
    recentPlayers: players,
  } of parsed.recentPlayerGroups) {
    const xuids = [...new Set(players.map(({ id }) => id))];
    for (const one of xuids) {
      const others = xuids.filter((other) => other !== one);
      add(
        met,
        one,
        others.map((other) => ({ xuid: other, metMs, type })),
      );
    }
  }
  return met;
}

function add(met: Map<Xuid, Encounter[]>, of: Xuid, encounters: readonly Encounter[]): void {
  met.set(of, [...(met.get(of) ?? []), ...encounters]);
}

function encounterOf({
  id,
  timestamp: metMs,
  encounterType: type,
}: v.InferOutput<typeof recentPlayer>): Encounter {
  return { xuid: id, metMs, type };
}

/** The bodies of Multiplayer Activity. */
export const activityBodies = {
  activity: putBody,
  removal: deleteBody,
  query: queryBody,
  invites: inviteBody,
  serverInvites: serverInviteBody,
  recentPlayers: recentPlayersBody,
  recentPlayersOfUsers: recentPlayersOfUsersBody,
  recentPlayerGroups: recentPlayerGroupsBody,
} as const;

/** A body of this kind without members that nobody knows. */
export function dropUnknownOfActivity(
  kind: keyof typeof activityBodies,
  body: JsonObject,
): KnownPart {
  return dropUnknown(activityBodies[kind], body);
}
