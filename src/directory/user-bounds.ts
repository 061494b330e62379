/**
 * How much of a service config or a title counts for one user: sessions, and invites that wait.
 *
 * The store knows the sessions, and is asked only when there may be too many. It does not know who
 * sent the invites that wait; each process counts those that it has stored itself.
 */

import type { Caller } from '../domain/caller.ts';
import type { Handle } from '../domain/handle/handle.ts';
import type { Guid, TitleId, Xuid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import { keyPrefixOf, type SessionKey } from '../domain/session/reference.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Context } from './context.ts';

/** Sessions that a user joins before the store is asked for the first time. */
const firstJoins = 16;

const keyOfUser = (xuid: Xuid, scid: Guid): string => `${xuid}~${scid.toLowerCase()}`;

/**
 * In how many more sessions of this service config the user may be, who is about to be in one more.
 * There is a promise only where the store must be asked.
 */
export function sessionsLeft(context: Context, xuid: Xuid, scid: Guid): number | Promise<number> {
  const { userCounts, settings } = context;
  const max = settings.sessionsPerUserMax;
  const key = keyOfUser(xuid, scid);
  const count = userCounts.sessions.get(key) ?? Math.max(0, max - firstJoins);
  if (count < max) {
    userCounts.sessions.set(key, count + 1);
    return max - count;
  }
  return countSessions(context, xuid, scid).then((stored) => {
    userCounts.sessions.set(key, Math.min(max, stored + 1));
    return max - stored;
  });
}

/** Sessions that count for this user, as many as a user may have at most. */
async function countSessions(
  { store, settings }: Context,
  xuid: Xuid,
  scid: Guid,
): Promise<number> {
  const prefix = keyPrefixOf(scid);
  const found = new Set<SessionKey>();
  for (const hint of [`xuid:${xuid}`, `holder:${xuid}`] as const) {
    const keys = await store.sessionsBy(hint, settings.sessionsPerUserMax, prefix);
    for (const key of keys) if (key.startsWith(prefix)) found.add(key);
  }
  return found.size;
}

/** How many more invites the caller may send in this service config; of a service any number. */
export function invitesLeft(
  context: Context,
  { reference }: { readonly reference: { readonly scid: Guid } },
  caller: Caller,
): number {
  if (caller.kind === 'service') return Infinity;
  const waiting = waitingInvites(context, keyOfUser(caller.xuid, reference.scid));
  return context.settings.invitesPerUserMax - waiting.length;
}

/** Counts an invite of a user that is about to be stored; any other handle is none. */
export function noteInvite(context: Context, handle: Handle): void {
  const sent = sentBy(handle);
  if (sent === undefined) return;
  const waiting = waitingInvites(context, sent.key);
  context.userCounts.inviteExpirations.set(sent.key, [...waiting, sent.expirationMs]);
}

/** Counts an invite no longer that was deleted. */
export function forgetInvite(context: Context, handle: Handle): void {
  const sent = sentBy(handle);
  if (sent === undefined) return;
  const waiting = waitingInvites(context, sent.key);
  const at = waiting.indexOf(sent.expirationMs);
  if (at >= 0) context.userCounts.inviteExpirations.set(sent.key, waiting.toSpliced(at, 1));
}

/**
 * Counts invites of a user into its activity of a title, which are about to be stored. One to a user who
 * has one from this sender takes its place.
 *
 * Refuses: tooManyInvites, and counts none of them.
 *
 * @source docs/wire/activity.md "Invites"
 */
export function noteActivityInvites(
  { userCounts, clock, settings }: Context,
  titleId: TitleId,
  sender: Xuid,
  invited: readonly Xuid[],
): Refusal | undefined {
  const nowMs = clock.nowMs();
  const key = `${sender}~${titleId}`;
  const known = userCounts.activityInvites.get(key) ?? new Map<Xuid, Milliseconds>();
  const waiting = new Map([...known].filter(([, atMs]) => atMs > nowMs));
  for (const xuid of invited) waiting.set(xuid, nowMs + settings.inviteLifetimeMs);
  if (waiting.size > settings.invitesPerUserMax) {
    return new Refusal(
      'tooManyInvites',
      `With these ${waiting.size} users would have an invite of the sender into title ${titleId} that has not expired; at most ${settings.invitesPerUserMax} may.`,
    );
  }
  userCounts.activityInvites.set(key, waiting);
  return undefined;
}

/** The key of the user who sent an invite, and its end; undefined of others, and of services. */
function sentBy(
  handle: Handle,
): { readonly key: string; readonly expirationMs: Milliseconds } | undefined {
  if (handle.type !== 'invite' || handle.sender.kind !== 'user') return undefined;
  const key = keyOfUser(handle.sender.xuid, handle.reference.scid);
  return { key, expirationMs: handle.expirationMs };
}

/** When the invites expire that this user has sent and that have not expired yet. */
function waitingInvites({ userCounts, clock }: Context, key: string): readonly Milliseconds[] {
  const nowMs = clock.nowMs();
  return (userCounts.inviteExpirations.get(key) ?? []).filter((atMs) => atMs > nowMs);
}
