/**
 * Whether a user is online, and in which titles: what the titles say in heartbeats, and the sessions
 * in which the user is active.
 *
 * @source docs/wire/neighbours.md "Presence"
 */

import { digest, type TitleId, type Xuid } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import { limits } from '../limits.ts';
import { formatTime, type Milliseconds } from '../time.ts';

/** What a title says of a user on a device, as it is stored. */
export type PresenceRecord = {
  readonly deviceType: string;
  readonly titleId: TitleId;
  readonly state: 'active' | 'inactive';
  readonly placement: string;
  /** The id of a rich presence text: there are no texts here. */
  readonly richPresence?: string;
  /** When any of this was said for the first time. */
  readonly sinceMs: Milliseconds;
  /** When it ends unless it is said again, or ended. */
  readonly untilMs: Milliseconds;
};

/** The name of the record of a user's title on a device, among those of the user. */
export function presenceRecordId(titleId: TitleId, deviceId: string | undefined): string {
  return `${titleId}.${digest(`device ${deviceId ?? ''}`)}`;
}

/** What a heartbeat says. */
export type Heartbeat = Pick<PresenceRecord, 'state' | 'placement' | 'richPresence'>;

/** The record after a heartbeat. */
export function applyHeartbeat(
  former: PresenceRecord | undefined,
  heartbeat: Heartbeat,
  { titleId, deviceType }: Pick<PresenceRecord, 'titleId' | 'deviceType'>,
  nowMs: Milliseconds,
): PresenceRecord {
  const isSame =
    former !== undefined &&
    former.untilMs > nowMs &&
    former.state === heartbeat.state &&
    former.placement === heartbeat.placement &&
    former.richPresence === heartbeat.richPresence;
  return {
    deviceType,
    titleId,
    ...heartbeat,
    sinceMs: isSame ? former.sinceMs : nowMs,
    untilMs: nowMs + limits.presenceMsMax,
  };
}

/** Where the device of a user is not known: tokens do not name its type. */
export const usualDeviceType = 'Win32';

/** A title in which a user is, by a heartbeat or a session. */
export type TitlePresence = Omit<PresenceRecord, 'untilMs'>;

export type LastSeenTitle = {
  readonly deviceType: string;
  readonly titleId: TitleId;
  readonly atMs: Milliseconds;
};

export type UserPresence = {
  readonly xuid: Xuid;
  readonly titles: readonly TitlePresence[];
  /** Where the user was last, as far as it is remembered. */
  readonly lastSeen?: LastSeenTitle;
};

/**
 * The presence of a user with these records, who is active in sessions of `sessionTitles`. A title is
 * there once for each device; a session adds its title when no heartbeat has it.
 */
export function presenceOf(
  xuid: Xuid,
  records: readonly PresenceRecord[],
  sessionTitles: readonly { readonly titleId: TitleId; readonly sinceMs: Milliseconds }[],
  nowMs: Milliseconds,
): UserPresence {
  const titles: TitlePresence[] = records
    .filter(({ untilMs }) => untilMs > nowMs)
    .map(({ untilMs: _, ...title }) => title);
  for (const { titleId, sinceMs } of sessionTitles) {
    if (titles.some((title) => title.titleId === titleId && title.state === 'active')) continue;
    titles.push({
      deviceType: usualDeviceType,
      titleId,
      state: 'active',
      placement: 'full',
      sinceMs,
    });
  }
  const [latest] = records
    .filter(({ untilMs }) => untilMs <= nowMs)
    .sort((one, other) => other.untilMs - one.untilMs);
  const lastSeen = latest && {
    deviceType: latest.deviceType,
    titleId: latest.titleId,
    atMs: latest.untilMs,
  };
  return { xuid, titles, ...(lastSeen && { lastSeen }) };
}

/** When the user stopped playing a title, by heartbeats; undefined while one goes on, or without any. */
export function stoppedMsOf(
  records: readonly PresenceRecord[],
  titleId: TitleId,
  nowMs: Milliseconds,
): Milliseconds | undefined {
  const ends = records.filter((one) => one.titleId === titleId).map(({ untilMs }) => untilMs);
  return ends.length === 0 || ends.some((endMs) => endMs > nowMs) ? undefined : Math.max(...ends);
}

export type PresenceState = 'Online' | 'Away' | 'Offline';

/** Online where a title is active, away where all are inactive. */
export function presenceStateOf({ titles }: UserPresence): PresenceState {
  if (titles.length === 0) return 'Offline';
  return titles.some(({ state }) => state === 'active') ? 'Online' : 'Away';
}

export const presenceLevels = ['user', 'device', 'title', 'all'] as const;
/** How much is shown: each one what the former ones show, and more. */
export type PresenceLevel = (typeof presenceLevels)[number];

/** The presence record that clients read. */
export function viewPresence(
  presence: UserPresence,
  level: PresenceLevel,
  titleName: (titleId: TitleId) => string,
): JsonObject {
  const { xuid, titles, lastSeen } = presence;
  const state = presenceStateOf(presence);
  return {
    xuid,
    state,
    ...(state === 'Offline'
      ? lastSeen && {
          lastSeen: {
            deviceType: lastSeen.deviceType,
            titleId: lastSeen.titleId,
            titleName: titleName(lastSeen.titleId),
            timestamp: formatTime(lastSeen.atMs),
          },
        }
      : level !== 'user' && {
          devices: [...Map.groupBy(titles, ({ deviceType }) => deviceType)].map(
            ([type, onDevice]) => ({
              type,
              ...(level !== 'device' && {
                titles: onDevice.map((title) => viewTitle(title, level, titleName)),
              }),
            }),
          ),
        }),
  };
}

function viewTitle(
  { titleId, state, placement, richPresence, sinceMs }: TitlePresence,
  level: PresenceLevel,
  titleName: (titleId: TitleId) => string,
): JsonObject {
  return {
    id: titleId,
    name: titleName(titleId),
    placement,
    state,
    lastModified: formatTime(sinceMs),
    ...(level === 'all' && richPresence !== undefined && { activity: { richPresence } }),
  };
}

/** What those who watch a user hear: of devices and of titles, as the client libraries read it. */
export type PresenceEvents = {
  /** By device type: true of one that the user is on now. */
  readonly devices: readonly (readonly [deviceType: string, isOn: boolean])[];
  readonly titles: readonly (readonly [titleId: TitleId, isIn: boolean])[];
};

/** What has begun and ended between two looks at a user. */
export function presenceEvents(before: UserPresence, after: UserPresence): PresenceEvents {
  return {
    devices: changesOf(
      before.titles.map(({ deviceType }) => deviceType),
      after.titles.map(({ deviceType }) => deviceType),
    ),
    titles: changesOf(activeTitles(before), activeTitles(after)),
  };
}

function activeTitles({ titles }: UserPresence): readonly TitleId[] {
  return titles.filter(({ state }) => state === 'active').map(({ titleId }) => titleId);
}

function changesOf(
  before: readonly string[],
  after: readonly string[],
): readonly (readonly [string, boolean])[] {
  const [was, is] = [new Set(before), new Set(after)];
  return [
    ...[...was].filter((one) => !is.has(one)).map((one) => [one, false] as const),
    ...[...is].filter((one) => !was.has(one)).map((one) => [one, true] as const),
  ];
}
