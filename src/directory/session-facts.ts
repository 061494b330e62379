import { xuidsOf, type Caller } from '../domain/caller.ts';
import { grants } from '../domain/handle/access.ts';
import type { Handle, TransferHandle } from '../domain/handle/handle.ts';
import type { Guid, Xuid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import { followersToAsk, type AccessFacts } from '../domain/session/access.ts';
import { ownersToAsk } from '../domain/session/owners.ts';
import type { Session } from '../domain/session/session.ts';
import type { SessionTemplate } from '../domain/session/template.ts';
import { connectionToAsk, type SessionWrite, type WriteFacts } from '../domain/session/write.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { People } from '../people/people.ts';
import type { Context } from './context.ts';
import { hasEnded } from './live-nodes.ts';
import { readCurrent } from './transact.ts';

/** What a use of a session comes with. */
export type AccessRequest = {
  readonly caller: Caller;
  /** The handle that led here; it may lift the restrictions of the session for the caller. */
  readonly handle?: Handle | undefined;
  readonly use: 'read' | 'write';
};

/**
 * All that a write depends on beside the session. There is a promise only where people or another
 * node must be asked, or the origin of a transfer be read.
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
  const access = gatherAccessFacts(context, session, { caller, handle, use: 'write' });
  const connection = connectionToAsk(session, write);
  const ended = connection === undefined ? false : hasEnded(context, connection);
  const facts = (known: AccessFacts, isEnded: boolean): WriteFacts => ({
    ...known,
    isEnded: (one: Guid) => isEnded && one === connection,
    graces: settings,
    template,
    nowMs,
    // Drawn when it is asked for: only a new session has need of it.
    get freshGuid() {
      return ids.guid();
    },
    deviceTokenKey: settings.deviceTokenKey,
  });
  return access instanceof Promise || ended instanceof Promise
    ? Promise.all([access, ended]).then(([known, isEnded]) =>
        known instanceof Refusal ? known : facts(known, isEnded),
      )
    : facts(access, ended);
}

/**
 * What access to a session depends on; to one that is not there, on nobody. People are asked only if
 * it matters, and without need there is no promise. Whether an owner has blocked the caller matters
 * to a write alone.
 *
 * Refuses: tooBusy.
 */
export function gatherAccessFacts(
  context: Context,
  session: Session | undefined,
  request: AccessRequest,
): AccessFacts | Promise<AccessFacts | Refusal> {
  const { handle, caller } = request;
  if (handle?.type === 'transfer') return gatherWithOrigin(context, session, request, handle);
  const granted = handle !== undefined && grants(handle, caller, session, undefined);
  return gatherPeopleFacts(context, session, request, granted);
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
  return gatherPeopleFacts(context, session, request, granted);
}

function gatherPeopleFacts(
  { people }: Context,
  session: Session | undefined,
  { caller, use }: AccessRequest,
  granted: boolean,
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
