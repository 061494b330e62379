/** Users, as the inspector shows them: from sessions, connections and tokens, read and nothing more. */

import { queryActivitiesOf } from '../activity/activities.ts';
import type { Context } from '../directory/context.ts';
import { viewActivity } from '../domain/activity/view.ts';
import type { Ban } from '../domain/ban.ts';
import type { ServiceCaller } from '../domain/caller.ts';
import { confirmsActivity, isPending } from '../domain/handle/confirm.ts';
import type { Handle } from '../domain/handle/handle.ts';
import type { Xuid } from '../domain/ids.ts';
import { keyOf } from '../domain/session/reference.ts';
import { memberOf } from '../domain/session/session.ts';
import { memberDueMs } from '../domain/session/timeouts.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { ConnectionRow, UserDetail, UserList, UserRow } from './api-types.ts';
import type { Page } from './query.ts';
import type { LiveSessionList } from './session-list.ts';
import { viewName } from './session-rows.ts';
import { viewHandleRow } from './view-session.ts';
import { unlessDamaged } from '../store/store.ts';

/** Users who were seen this long ago are listed, though they are in no session. */
const seenMsMax: Milliseconds = 3_600_000;

/** Sessions of one user that are shown. */
const sessionsMax = 500;

/** Sees everything, and is in nothing. */
const viewer: ServiceCaller = { kind: 'service', name: 'inspector', sandbox: 'RETAIL' };

export type UserSources = {
  readonly context: Context;
  readonly sessions: LiveSessionList;
  readonly connections: () => readonly ConnectionRow[];
  /** Those that are not over. */
  readonly bans: () => readonly Ban[];
};

/** The users whose xuid or gamertag has this text; those who are in most sessions first. */
export async function readUsers(
  sources: UserSources,
  { text, skip, take }: Page & { readonly text: string | undefined },
): Promise<UserList> {
  const rows = [...(await allUsers(sources)).values()];
  const found = rows
    .filter(
      ({ xuid, gamertag = '' }) =>
        text === undefined || xuid.includes(text) || gamertag.toLowerCase().includes(text),
    )
    .sort(
      (a, b) =>
        b.connectionsCount - a.connectionsCount ||
        b.sessionsCount - a.sessionsCount ||
        (a.xuid < b.xuid ? -1 : 1),
    );
  return {
    totalCount: rows.length,
    matchedCount: found.length,
    skip,
    users: found.slice(skip, skip + take),
  };
}

async function allUsers({
  context,
  sessions,
  connections,
  bans,
}: UserSources): Promise<ReadonlyMap<Xuid, UserRow>> {
  const users = new Map<Xuid, UserRow>();
  const put = (xuid: Xuid, more: Partial<UserRow>): void => {
    const gamertag = context.names.of(xuid);
    const known = users.get(xuid) ?? {
      xuid,
      ...(gamertag !== undefined && { gamertag }),
      sessionsCount: 0,
      connectionsCount: 0,
    };
    users.set(xuid, { ...known, ...more });
  };
  for (const { xuid, gamertag } of await sessions.people()) {
    const sessionsCount = (users.get(xuid)?.sessionsCount ?? 0) + 1;
    put(xuid, { sessionsCount, ...(gamertag !== undefined && { gamertag }) });
  }
  for (const { xuid } of connections()) {
    put(xuid, { connectionsCount: (users.get(xuid)?.connectionsCount ?? 0) + 1 });
  }
  for (const [xuid, seenMs] of context.presence.since(context.clock.nowMs() - seenMsMax)) {
    put(xuid, { seenMs });
  }
  for (const ban of bans()) put(ban.xuid, { ban: viewBan(ban) });
  return users;
}

/** Everything about one user; of a user whom nobody knows, nothing. */
export async function readUser(
  { context, connections, bans }: UserSources,
  xuid: Xuid,
  tickets: UserDetail['tickets'],
): Promise<UserDetail> {
  const { store, people, clock } = context;
  const nowMs = clock.nowMs();
  const [inSessions, activities, invites, follows, avoids, mutes, ofTitles] = await Promise.all([
    sessionsOf(context, xuid),
    store.activitiesOf([xuid]),
    store.invitesOf(xuid),
    people.list(xuid, 'follows'),
    people.list(xuid, 'avoids'),
    people.list(xuid, 'mutes'),
    queryActivitiesOf(context, [xuid], undefined, viewer),
  ]);
  const live = await Promise.all(activities.map((handle) => isConfirmed(context, handle)));
  const own = connections().filter((connection) => connection.xuid === xuid);
  const gamertag =
    context.names.of(xuid) ?? inSessions.find((one) => one.gamertag !== undefined)?.gamertag;
  const ban = bans().find((one) => one.xuid === xuid);
  const seenMs = context.presence.since(0).find(([seen]) => seen === xuid)?.[1];
  return {
    nowMs,
    row: {
      xuid,
      ...(gamertag !== undefined && { gamertag }),
      sessionsCount: inSessions.length,
      connectionsCount: own.length,
      ...(seenMs !== undefined && { seenMs }),
      ...(ban && { ban: viewBan(ban) }),
    },
    sessions: inSessions.map(({ shown }) => shown),
    connections: own,
    activities: activities.filter((_handle, at) => live[at]).map(viewHandleRow),
    invites: invites
      .filter((handle) => handle.type === 'invite' && isPending(handle, nowMs))
      .map(viewHandleRow),
    people: {
      follows: follows.map((entry) => entry.xuid),
      avoids: avoids.map((entry) => entry.xuid),
      mutes: mutes.map((entry) => entry.xuid),
    },
    titleActivities: ofTitles.flatMap((one) => one.activities.map(viewActivity)),
    tickets,
  };
}

function viewBan({ untilMs, by, reason }: Ban): NonNullable<UserRow['ban']> {
  return { untilMs, by, ...(reason !== undefined && { reason }) };
}

type InSession = {
  readonly shown: UserDetail['sessions'][number];
  readonly gamertag: string | undefined;
};

async function sessionsOf({ store }: Context, xuid: Xuid): Promise<readonly InSession[]> {
  const [joined, reserved] = await Promise.all([
    store.sessionsBy(`xuid:${xuid}`, sessionsMax),
    store.sessionsBy(`seat:${xuid}`, sessionsMax),
  ]);
  const keys = [...new Set([...joined, ...reserved])];
  const records = await store.sessions(keys);
  const found = await Promise.all(
    records.map(async (record, at): Promise<InSession | undefined> => {
      const key = keys[at] ?? '';
      if (record === undefined) return undefined;
      const { session } = record;
      const member = memberOf(session, xuid) ?? (await unlessDamaged(store.memberRow(key, xuid)));
      if (member === undefined) return undefined;
      const dueMs = memberDueMs(member, session);
      return {
        gamertag: member.gamertag,
        shown: {
          session: viewName(session.reference),
          key,
          status: member.status,
          index: member.index,
          joinedMs: member.joinTimeMs,
          ...(dueMs !== undefined && { dueMs }),
        },
      };
    }),
  );
  return found.filter((one) => one !== undefined);
}

/** True of an activity that its session confirms, as it is stored now. */
async function isConfirmed({ store }: Context, handle: Handle): Promise<boolean> {
  if (handle.type !== 'activity') return true;
  const record = await unlessDamaged(store.session(keyOf(handle.reference)));
  return confirmsActivity(record?.session, handle, true);
}
