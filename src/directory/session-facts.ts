import { xuidsOf, type Caller } from '../domain/caller.ts';
import { grants } from '../domain/handle/access.ts';
import type { Handle, TransferHandle } from '../domain/handle/handle.ts';
import type { Guid, Xuid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import { followersToAsk, type AccessFacts } from '../domain/session/access.ts';
import { ownersToAsk } from '../domain/session/owners.ts';
import type { Session } from '../domain/session/session.ts';
import type { SessionTemplate } from '../domain/session/template.ts';
import {
  connectionToAsk,
  takesOneMore,
  type SessionWrite,
  type WriteFacts,
} from '../domain/session/write.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { People } from '../people/people.ts';
import type { Context } from './context.ts';
import { hasEnded } from './live-nodes.ts';
import { readCurrent } from './transact.ts';
import { sessionsLeft } from './user-bounds.ts';

/** Who uses a session, and how. */
export type AccessRequest = { readonly caller: Caller; readonly use: 'read' | 'write' };

/**
 * All facts for a write, beside the session. There is a promise only where people or another node
 * must be asked, or the origin of a transfer must be read.
 *
 * Refuses: tooBusy.
 */
export function gatherWriteFacts(
  context: Context,
  session: Session | undefined,
  write: SessionWrite,
  around: { readonly template: SessionTemplate; readonly handle?: Handle | undefined },
  nowMs: Milliseconds,
): WriteFacts | Promise<WriteFacts | Refusal> {
  const { ids, settings } = context;
  const { template, handle } = around;
  const { caller } = write;
  const access = gatherAccessThrough(context, session, { caller, use: 'write' }, handle);
  const connection = connectionToAsk(session, write);
  const ended = connection === undefined ? false : hasEnded(context, connection);
  const left =
    caller.kind === 'user' && takesOneMore(session, write)
      ? sessionsLeft(context, caller.xuid, write.reference.scid)
      : Infinity;
  // Each by its name: this object is made for each write, and spreading is slower.
  const facts = (known: AccessFacts, isEnded: boolean, sessionsLeft: number): WriteFacts => ({
    granted: known.granted,
    followed: known.followed,
    blockedByOwner: known.blockedByOwner,
    sessionsLeft,
    isEnded: (one: Guid) => isEnded && one === connection,
    graces: settings,
    bounds: settings.bounds,
    template,
    nowMs,
    // Only a new session needs one.
    freshGuid: session === undefined ? ids.guid() : '',
    deviceTokenKey: settings.deviceTokenKey,
  });
  return access instanceof Promise || ended instanceof Promise || left instanceof Promise
    ? Promise.all([access, ended, left]).then(([known, isEnded, sessions]) =>
        known instanceof Refusal ? known : facts(known, isEnded, sessions),
      )
    : facts(access, ended, left);
}

/**
 * The facts for access to a session, through `handle` if there is one: it may lift the
 * restrictions.
 *
 * Refuses: tooBusy.
 */
export function gatherAccessThrough(
  context: Context,
  session: Session | undefined,
  request: AccessRequest,
  handle: Handle | undefined,
): AccessFacts | Promise<AccessFacts | Refusal> {
  if (handle?.type === 'transfer') return gatherWithOrigin(context, session, request, handle);
  const granted = handle !== undefined && grants(handle, request.caller, session, undefined);
  return gatherAccessFacts(context, session, request, granted);
}

async function gatherWithOrigin(
  context: Context,
  session: Session | undefined,
  request: AccessRequest,
  handle: TransferHandle,
): Promise<AccessFacts | Refusal> {
  const { caller } = request;
  const origin = await readCurrent(context, handle.origin, xuidsOf(caller));
  if (origin instanceof Refusal) return origin;
  const granted = grants(handle, caller, session, origin?.session);
  return gatherAccessFacts(context, session, request, granted);
}

/**
 * The facts for access to a session, or to one that does not exist. People are asked only if it
 * matters; otherwise there is no promise. Whether an owner has blocked the caller matters to a
 * write only.
 */
export function gatherAccessFacts(
  { people }: Context,
  session: Session | undefined,
  { caller, use }: AccessRequest,
  granted = false,
): AccessFacts | Promise<AccessFacts> {
  const followers = session && !granted ? followersToAsk(session, caller) : undefined;
  const owners = session && use === 'write' ? ownersToAsk(session, caller) : undefined;
  return caller.kind === 'service' || (followers === undefined && owners === undefined)
    ? { granted, followed: false, blockedByOwner: false }
    : askPeople(people, caller.xuid, { granted, followers, owners });
}

async function askPeople(
  people: People,
  xuid: Xuid,
  {
    granted,
    followers,
    owners = [],
  }: {
    readonly granted: boolean;
    readonly followers: readonly Xuid[] | undefined;
    readonly owners: readonly Xuid[] | undefined;
  },
): Promise<AccessFacts> {
  const followed = followers !== undefined && (await people.anyFollows(followers, xuid));
  const avoids = await Promise.all(owners.map((owner) => people.avoids(owner, xuid)));
  return { granted, followed, blockedByOwner: avoids.includes(true) };
}
