/**
 * The services beside the session directory, as the client sees them: gamertags, people, presence,
 * permissions, and activities without sessions.
 *
 * @source docs/wire/neighbours.md "Services beside the session directory"
 */

import { requireList } from './arguments.ts';
import { errorOf, listOf } from './answer.ts';
import { chunksOf } from './chunks.ts';
import { formatPathPart } from './reference.ts';
import type { TimeText, TitleId, Xuid } from './session-document.ts';
import type { Answer, Call, CallOptions } from './transport.ts';

/** A user: the caller, one by xuid, or one by gamertag. */
export type UserName = 'me' | { readonly xuid: Xuid } | { readonly gamertag: string };

/** The settings of a user that were asked for, by their names; one that is not known is empty. */
export type Profile = {
  readonly xuid: Xuid;
  readonly settings: Readonly<Record<string, string>>;
};

/** A person as the people hub shows one. @source docs/wire/neighbours.md "People hub" */
export type Person = {
  readonly xuid: Xuid;
  readonly gamertag: string;
  readonly displayName: string;
  readonly modernGamertag: string;
  readonly modernGamertagSuffix: string;
  readonly uniqueModernGamertag: string;
  readonly isFavorite: boolean;
  readonly isFollowingCaller: boolean;
  readonly isFollowedByCaller: boolean;
  readonly presenceState: PresenceState;
  readonly presenceText: string;
  readonly lastSeenDateTimeUtc?: TimeText;
  readonly presenceDetails?: readonly {
    readonly Device: string;
    readonly TitleId: TitleId;
    readonly State: string;
    readonly IsGame: boolean;
    readonly IsPrimary: boolean;
    readonly PresenceText: string;
    /** The id of a text of the title. */
    readonly RichPresenceText: string;
  }[];
  readonly recentPlayer?: {
    readonly titles: readonly {
      readonly titleId: TitleId;
      readonly titleName: string;
      readonly lastPlayedWithDateTime: TimeText;
      readonly encounterType: 'Default' | 'Teammate' | 'Opponent';
    }[];
    readonly text: string;
  };
};

export type PresenceState = 'Online' | 'Away' | 'Offline';

/** Where a user is. @source docs/wire/neighbours.md "Presence" */
export type PresenceRecord = {
  readonly xuid: Xuid;
  readonly state: PresenceState;
  /** Absent of who is offline, and at level `user`. */
  readonly devices?: readonly {
    readonly type: string;
    /** Absent at level `device`. */
    readonly titles?: readonly {
      readonly id: TitleId;
      readonly name: string;
      readonly placement: string;
      readonly state: 'active' | 'inactive';
      readonly lastModified: TimeText;
      readonly activity?: { readonly richPresence?: string };
    }[];
  }[];
  readonly lastSeen?: {
    readonly deviceType: string;
    readonly titleId: TitleId;
    readonly titleName: string;
    readonly timestamp: TimeText;
  };
};

/** Which presence is asked for. */
export type PresenceQuery = {
  /** Leaves out who is offline. */
  readonly onlineOnly?: boolean;
  /** Presence in these titles only. */
  readonly titleIds?: readonly TitleId[];
  /** What is shown of each user; all unless given. */
  readonly level?: 'user' | 'device' | 'title' | 'all';
};

/** Whether the caller may do something that concerns a user. */
export type PermissionCheck = {
  readonly xuid: Xuid;
  readonly permission: string;
  readonly isAllowed: boolean;
  /** Such as `BlockListRestrictsTarget`. */
  readonly reasons: readonly string[];
};

/** What a user plays in a title. @source docs/wire/activity.md "Activities" */
export type TitleActivity = {
  /** At most 512 characters. Absent where the caller may not join. */
  readonly connectionString?: string;
  readonly joinRestriction: 'Public' | 'Followed' | 'InviteOnly';
  readonly maxPlayers?: number;
  readonly currentPlayers?: number;
  readonly groupId?: string;
  readonly platform?: string;
};

/** The activities of one user, in the title that was asked for. */
export type UserActivities = {
  readonly xuid: Xuid;
  readonly activities: readonly (TitleActivity & { readonly titleId: number })[];
};

/** Whom the caller has met. */
export type Encounter = {
  readonly xuid: Xuid;
  /** Now unless given. */
  readonly metMs?: number;
  readonly type?: 'Default' | 'Teammate' | 'Opponent';
};

/** What the services need of the client. */
export type NeighbourParts = {
  readonly send: (call: Call, options?: CallOptions) => Promise<Answer>;
  /** The caller; undefined while not known. */
  readonly xuid: () => Xuid | undefined;
  readonly nowMs: () => number;
};

const profilesPerCallMax = 1_000;
const peoplePerCallMax = 1_000;
const presencesPerCallMax = 1_000;
const permissionUsersPerCallMax = 100;
const activityUsersPerCallMax = 30;
const invitedPerCallMax = 16;
const encountersPerCallMax = 100;
const heartbeatSecondsUsual = 300;
const firstTickMs = Date.UTC(2015, 0, 1);

/**
 * The services beside the session directory as one user or game service sees them. Lists of any length are
 * asked for in as many calls as are needed. Every method rejects with a `MultiplayerError` as those of
 * the `MultiplayerService` do.
 */
export class NeighbourServices {
  readonly #parts: NeighbourParts;
  #sequenceNumber = 0;

  constructor(parts: NeighbourParts) {
    this.#parts = parts;
  }

  // profile

  /**
   * The profile of one user; undefined when nobody has this gamertag.
   *
   * @source docs/wire/neighbours.md "Profile"
   */
  async getProfile(
    user: UserName = 'me',
    settings: readonly string[] = ['Gamertag'],
    options?: CallOptions,
  ): Promise<Profile | undefined> {
    const query = new URLSearchParams({ settings: settings.join(',') });
    const path = `/users/${formatUser(user)}/profile/settings?${query}`;
    const answer = await this.#parts.send({ verb: 'GET', path, repeat: 'always' }, options);
    if (answer.status === 404 && answer.code === 'gamertagUnknown') return undefined;
    return listOf<RawProfile>(answer, 'profileUsers').map(profileOf)[0];
  }

  /** The profiles of these users, each once, in their order. @source docs/wire/neighbours.md "Profile" */
  async getProfiles(
    xuids: readonly Xuid[],
    settings: readonly string[] = ['Gamertag'],
    options?: CallOptions,
  ): Promise<readonly Profile[]> {
    return this.#inChunks(distinctXuids(xuids), profilesPerCallMax, async (userIds) => {
      const body = { userIds, settings };
      const answer = await this.#ask('/users/batch/profile/settings', body, options);
      return listOf<RawProfile>(answer, 'profileUsers').map(profileOf);
    });
  }

  // people

  /**
   * Whom the caller follows, who follows the caller, or whom the caller has met: at most 1,000, with
   * gamertags and presence.
   *
   * @source docs/wire/neighbours.md "People hub"
   */
  async getPeople(
    relation: 'follows' | 'followers' | 'recentPlayers' = 'follows',
    options?: CallOptions,
  ): Promise<readonly Person[]> {
    const name = { follows: 'social', followers: 'followers', recentPlayers: 'recentplayers' };
    return this.#people(name[relation], '', options);
  }

  /** These users, each once, with gamertags and presence. @source docs/wire/neighbours.md "People hub" */
  async getPeopleByXuid(xuids: readonly Xuid[], options?: CallOptions): Promise<readonly Person[]> {
    return this.#inChunks(distinctXuids(xuids), peoplePerCallMax, async (some) => {
      const path = `/users/me/people/batch/decoration/${decorations}`;
      return listOf<Person>(await this.#ask(path, { xuids: some }, options), 'people');
    });
  }

  /** Users whose gamertag begins so, in any case of letters. @source docs/wire/neighbours.md "People hub" */
  async searchPeople(
    beginning: string,
    { max = 25, ...options }: CallOptions & { readonly max?: number } = {},
  ): Promise<readonly Person[]> {
    const query = new URLSearchParams({ q: beginning, maxItems: String(max) });
    return this.#people('search', `?${query}`, options);
  }

  async #people(
    relation: string,
    query: string,
    options?: CallOptions,
  ): Promise<readonly Person[]> {
    const path = `/users/me/people/${relation}/decoration/${decorations}${query}`;
    const call = { verb: 'GET', path, repeat: 'always' } as const;
    return listOf<Person>(await this.#parts.send(call, options), 'people');
  }

  // presence

  /**
   * The caller is in the title of its token, for six minutes. Milliseconds until this should be said
   * again.
   *
   * @source docs/wire/neighbours.md "Presence"
   */
  async setPresence(
    { isActive = true, richPresence }: PresenceChange = {},
    options?: CallOptions,
  ): Promise<number> {
    const body = {
      state: isActive ? 'active' : 'inactive',
      ...(richPresence !== undefined && { activity: { richPresence: { id: richPresence } } }),
    };
    const call = { verb: 'POST', path: presencePath, body, repeat: 'always' } as const;
    const answer = await this.#do(call, options);
    return Number(answer.header('X-Heartbeat-After') ?? heartbeatSecondsUsual) * 1_000;
  }

  /** The caller has left the title of its token. @source docs/wire/neighbours.md "Presence" */
  async endPresence(options?: CallOptions): Promise<void> {
    await this.#do({ verb: 'DELETE', path: presencePath, repeat: 'always' }, options);
  }

  /** Where these users are, each once, in their order. @source docs/wire/neighbours.md "Presence" */
  async getPresence(
    xuids: readonly Xuid[],
    { onlineOnly = false, titleIds, level = 'all' }: PresenceQuery = {},
    options?: CallOptions,
  ): Promise<readonly PresenceRecord[]> {
    return this.#inChunks(distinctXuids(xuids), presencesPerCallMax, async (users) => {
      const body = { users, level, onlineOnly, ...(titleIds && { titles: titleIds }) };
      return listOf<PresenceRecord>(await this.#ask('/users/batch', body, options));
    });
  }

  // permissions

  /**
   * Whether the caller may do each of these with each of these users: `PlayMultiplayer`,
   * `CommunicateUsingVoice` and so on.
   *
   * @source docs/wire/neighbours.md "Permissions"
   */
  async checkPermissions(
    xuids: readonly Xuid[],
    permissions: readonly string[],
    options?: CallOptions,
  ): Promise<readonly PermissionCheck[]> {
    return this.#inChunks(distinctXuids(xuids), permissionUsersPerCallMax, async (some) => {
      const body = { users: some.map((xuid) => ({ xuid })), permissions };
      const answer = await this.#ask('/users/me/permission/validate', body, options);
      return listOf<RawPermissions>(answer, 'responses').flatMap(({ user, permissions: checked }) =>
        checked.map(({ isAllowed, reasons }, i) => ({
          xuid: user.xuid,
          permission: permissions[i] ?? '',
          isAllowed,
          reasons: reasons.map(({ reason }) => reason),
        })),
      );
    });
  }

  // activities without sessions

  /**
   * The caller plays this in the title; replaces its former activity there. The caller's xuid must be
   * known, else this throws a TypeError.
   *
   * @source docs/wire/activity.md "Activities"
   */
  async setTitleActivity(
    titleId: TitleId,
    activity: TitleActivity & { readonly connectionString: string },
    options?: CallOptions,
  ): Promise<void> {
    const path = this.#activityPath(titleId, 'setTitleActivity');
    const body = { sequenceNumber: this.#nextSequenceNumber(), ...activity };
    await this.#do({ verb: 'PUT', path, body, repeat: 'always' }, options);
  }

  /** The caller plays nothing in the title any more. Throws as `setTitleActivity`. */
  async clearTitleActivity(titleId: TitleId, options?: CallOptions): Promise<void> {
    const path = this.#activityPath(titleId, 'clearTitleActivity');
    const body = { sequenceNumber: this.#nextSequenceNumber() };
    await this.#do({ verb: 'DELETE', path, body, repeat: 'always' }, options);
  }

  /** What these users play in the title, each once. @source docs/wire/activity.md "Activities" */
  async getTitleActivities(
    titleId: TitleId,
    xuids: readonly Xuid[],
    options?: CallOptions,
  ): Promise<readonly UserActivities[]> {
    return this.#inChunks(distinctXuids(xuids), activityUsersPerCallMax, async (users) => {
      const path = `/titles/${formatPathPart(titleId, 'title id')}/activities/query`;
      const answer = await this.#ask(path, { users }, options);
      return listOf<RawActivities>(answer, 'userActivities').map(({ userId, activities }) => ({
        xuid: userId,
        activities: activities ?? [],
      }));
    });
  }

  /**
   * Invites these users into the caller's activity, or to `connectionString`. An invite is sent again when
   * no answer came: it takes the place of the former one.
   *
   * @source docs/wire/activity.md "Invites"
   */
  async sendActivityInvites(
    titleId: TitleId,
    xuids: readonly Xuid[],
    { connectionString, ...options }: CallOptions & { readonly connectionString?: string } = {},
  ): Promise<void> {
    const path = `/titles/${formatPathPart(titleId, 'title id')}/invites`;
    for (const invitedUsers of chunksOf(distinctXuids(xuids), invitedPerCallMax)) {
      const body = { invitedUsers, ...(connectionString !== undefined && { connectionString }) };
      await this.#do({ verb: 'POST', path, body, repeat: 'always' }, options);
    }
  }

  /** Whom the caller has met in the title. @source docs/wire/activity.md "Recent players" */
  async noteRecentPlayers(
    titleId: TitleId,
    encounters: readonly Encounter[],
    options?: CallOptions,
  ): Promise<void> {
    const path = `/titles/${formatPathPart(titleId, 'title id')}/recentplayers`;
    requireList(encounters, 'encounters');
    for (const some of chunksOf(encounters, encountersPerCallMax)) {
      const recentPlayers = some.map(({ xuid, metMs = this.#parts.nowMs(), type = 'Default' }) => ({
        id: xuid,
        timestamp: new Date(metMs).toISOString(),
        encounterType: type,
      }));
      await this.#do({ verb: 'POST', path, body: { recentPlayers }, repeat: 'always' }, options);
    }
  }

  #activityPath(titleId: TitleId, method: string): string {
    const xuid = this.#parts.xuid();
    if (xuid === undefined) {
      throw new TypeError(
        `${method} must know whose activity: give "xuid" to the MultiplayerService.`,
      );
    }
    return `/titles/${formatPathPart(titleId, 'title id')}/users/${formatPathPart(xuid, 'xuid')}/activities`;
  }

  /** As XSAPI counts, so that both may write for one user: 6.5 ms steps since 2015. */
  #nextSequenceNumber(): number {
    const steps = Math.floor(((this.#parts.nowMs() - firstTickMs) * 10_000) / 65_536);
    this.#sequenceNumber = Math.max(steps, this.#sequenceNumber + 1);
    return this.#sequenceNumber;
  }

  async #inChunks<T, Result>(
    items: readonly T[],
    size: number,
    ask: (some: readonly T[]) => Promise<readonly Result[]>,
  ): Promise<readonly Result[]> {
    const results: Result[] = [];
    for (const some of chunksOf(items, size)) results.push(...(await ask(some)));
    return results;
  }

  /** A question in a body. */
  #ask(path: string, body: unknown, options?: CallOptions): Promise<Answer> {
    return this.#parts.send({ verb: 'POST', path, body, repeat: 'always' }, options);
  }

  async #do(call: Call, options?: CallOptions): Promise<Answer> {
    const answer = await this.#parts.send(call, options);
    if (answer.status >= 300) throw errorOf(answer);
    return answer;
  }
}

/** What a title says of its user. */
export type PresenceChange = {
  readonly isActive?: boolean;
  /** The id of a text of the title. */
  readonly richPresence?: string;
};

const presencePath = '/users/me/devices/current/titles/current';
const decorations = 'detail,preferredColor,presenceDetail,multiplayerSummary';

type RawProfile = {
  readonly id: Xuid;
  readonly settings: readonly { readonly id: string; readonly value: string }[];
};

type RawPermissions = {
  readonly user: { readonly xuid: Xuid };
  readonly permissions: readonly {
    readonly isAllowed: boolean;
    readonly reasons: readonly { readonly reason: string }[];
  }[];
};

type RawActivities = {
  readonly userId: Xuid;
  /** Null where the service could not find them out. */
  readonly activities: UserActivities['activities'] | null;
};

function profileOf({ id, settings }: RawProfile): Profile {
  return {
    xuid: id,
    settings: Object.fromEntries(settings.map((setting) => [setting.id, setting.value])),
  };
}

function formatUser(user: UserName): string {
  if (user === 'me') return 'me';
  return 'xuid' in user
    ? `xuid(${formatPathPart(user.xuid, 'xuid')})`
    : `gt(${formatPathPart(user.gamertag, 'gamertag')})`;
}

function distinctXuids(xuids: readonly Xuid[]): readonly Xuid[] {
  requireList(xuids, 'xuids');
  return [...new Set(xuids)];
}
