/**
 * Presence: heartbeats in the store, and the sessions in which users are active.
 *
 *     presence   group xuid, id title and device   a PresenceRecord; kept a while after its end
 */

import { sweepRecords } from '../directory/change-record.ts';
import type { Context } from '../directory/context.ts';
import type { UserCaller } from '../domain/caller.ts';
import type { TitleId, Xuid } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import { limits } from '../domain/limits.ts';
import {
  applyHeartbeat,
  type Heartbeat,
  presenceOf,
  type PresenceRecord,
  presenceRecordId,
  usualDeviceType,
  type UserPresence,
} from '../domain/presence/presence.ts';
import { Refusal } from '../domain/refusal.ts';
import { parseSessionKey } from '../domain/session/reference.ts';
import type { SessionChange } from '../domain/session/session-change.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Share } from '../store/store.ts';

const presence = 'presence';
/** Titles on devices of one user that are looked at. */
const recordsMax = 100;
/** Sessions of one user that are looked at. */
const sessionsMax = 20;

/** To those who watch a user: look again. */
export type PresenceMessage = { readonly kind: 'presence' };

/**
 * Nothing once the heartbeat of the caller's title is stored.
 *
 * Refuses: titleRequired for a token without a title.
 *
 * @source docs/wire/neighbours.md "Presence"
 */
export async function noteHeartbeat(
  context: Context,
  caller: UserCaller,
  heartbeat: Heartbeat,
): Promise<Refusal | undefined> {
  const { store, clock } = context;
  const { xuid, titleId, deviceId } = caller;
  if (titleId === undefined) return titleRequired();
  const nowMs = clock.nowMs();
  const id = presenceRecordId(titleId, deviceId);
  const former = recordOf((await store.record(presence, xuid, id))?.value);
  const device = { titleId, deviceType: former?.deviceType ?? usualDeviceType };
  const next = applyHeartbeat(former, heartbeat, device, nowMs);
  await store.commitRecords(presence, xuid, [{ id, value: next, dueMs: next.untilMs }]);
  if (next.sinceMs === nowMs) notifyWatchers(context, xuid);
  return undefined;
}

function titleRequired(): Refusal {
  return new Refusal(
    'titleRequired',
    'The token names no title, and presence is that of a title; use a token with a title id.',
  );
}

/** Nothing once the caller's title is ended on the caller's device. Refuses: titleRequired. */
export async function endPresence(
  context: Context,
  { xuid, titleId, deviceId }: UserCaller,
): Promise<Refusal | undefined> {
  const { store, clock } = context;
  if (titleId === undefined) return titleRequired();
  const nowMs = clock.nowMs();
  const id = presenceRecordId(titleId, deviceId);
  const former = recordOf((await store.record(presence, xuid, id))?.value);
  if (former === undefined || former.untilMs <= nowMs) return undefined;
  const ended = { ...former, untilMs: nowMs };
  await store.commitRecords(presence, xuid, [
    { id, value: ended, dueMs: nowMs + limits.lastSeenMsMax },
  ]);
  notifyWatchers(context, xuid);
  return undefined;
}

/** What titles have said of a user, ended ones included. */
export async function presenceRecords(
  { store }: Pick<Context, 'store'>,
  xuid: Xuid,
): Promise<readonly PresenceRecord[]> {
  const records = await store.records(presence, xuid, recordsMax);
  return records.flatMap(({ value }) => recordOf(value) ?? []);
}

function recordOf(value: JsonObject | undefined): PresenceRecord | undefined {
  return value as PresenceRecord | undefined;
}

/** Where a user is now. */
export async function readPresence(context: Context, xuid: Xuid): Promise<UserPresence> {
  const [records, sessionTitles] = await Promise.all([
    presenceRecords(context, xuid),
    titlesOfSessions(context, xuid),
  ]);
  return presenceOf(xuid, records, sessionTitles, context.clock.nowMs());
}

/**
 * Where a user is, as the viewer may know it: whom one has blocked does not see that one is online.
 *
 * @source docs/wire/neighbours.md "Presence"
 */
export async function readPresenceFor(
  context: Context,
  xuid: Xuid,
  viewer: Xuid | undefined,
): Promise<UserPresence> {
  return (await maySeePresence(context, xuid, viewer))
    ? readPresence(context, xuid)
    : { xuid, titles: [] };
}

/** False of a viewer whom the user has blocked. */
export async function maySeePresence(
  { people }: Context,
  xuid: Xuid,
  viewer: Xuid | undefined,
): Promise<boolean> {
  return viewer === undefined || viewer === xuid || !(await people.avoids(xuid, viewer));
}

/** The titles of sessions in which a user is active, and since when. */
async function titlesOfSessions(
  { store, catalog }: Context,
  xuid: Xuid,
): Promise<readonly { readonly titleId: TitleId; readonly sinceMs: Milliseconds }[]> {
  const keys = await store.sessionsBy(`xuid:${xuid}`, sessionsMax);
  if (keys.length === 0) return [];
  const records = await store.sessions(keys);
  return records.flatMap((record, i) => {
    const member = record?.session.members.find((one) => one.xuid === xuid);
    const { scid } = parseSessionKey(keys[i] ?? '');
    const titleId = member?.titleId ?? catalog().get(scid.toLowerCase())?.titles[0]?.titleId;
    return member?.status === 'active' && titleId !== undefined
      ? [{ titleId, sinceMs: member.statusSinceMs }]
      : [];
  });
}

/**
 * Ends the heartbeats that were not repeated in time, and forgets those that ended long ago. The
 * result says whether there may be more.
 */
export function sweepPresence(context: Context, share?: Share): Promise<'done' | 'more'> {
  return sweepRecords(
    context,
    presence,
    share,
    (value, nowMs) => {
      const forgetMs = Number(value['untilMs']) + limits.lastSeenMsMax;
      return forgetMs <= nowMs ? undefined : { value, dueMs: forgetMs };
    },
    (xuid) => notifyWatchers(context, xuid),
  );
}

/** Notes that members have become active or stopped being so: their titles are where they are. */
export function followSessions(
  context: Pick<Context, 'bus' | 'failed'>,
  { members }: SessionChange,
): void {
  for (const { former, member } of members) {
    const xuid = (member ?? former)?.xuid;
    const hasChanged = (former?.status === 'active') !== (member?.status === 'active');
    if (xuid !== undefined && hasChanged) notifyWatchers(context, xuid);
  }
}

/** Lets those who watch this user look again. Nobody waits for it. */
function notifyWatchers({ bus, failed }: Pick<Context, 'bus' | 'failed'>, xuid: Xuid): void {
  const topic = `presence:${xuid}` as const;
  if (!bus.isHeard(topic)) return;
  const message: PresenceMessage = { kind: 'presence' };
  bus.publish(topic, message).catch(failed);
}
