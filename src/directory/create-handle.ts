import { xuidOf, xuidsOf, type Caller } from '../domain/caller.ts';
import type { Cause } from '../domain/cause.ts';
import {
  createActivity,
  createInvite,
  createSearch,
  createTransfer,
  isSameHandle,
  type HandleDecision,
  type HandleFacts,
} from '../domain/handle/create.ts';
import type { Handle } from '../domain/handle/handle.ts';
import type { HandleRequest } from '../domain/handle/request.ts';
import { viewInviteNotification } from '../domain/handle/view.ts';
import { Refusal } from '../domain/refusal.ts';
import type { SessionReference } from '../domain/session/reference.ts';
import type { Session } from '../domain/session/session.ts';
import { mayUseTemplate } from '../domain/session/template.ts';
import { commitHandles, type HandleChange } from './commit-session.ts';
import type { Context } from './context.ts';
import { hasLostConnection } from './live-nodes.ts';
import { notifyUser } from './notifications.ts';
import { isLive } from './read-handle.ts';
import { type Decision, readCurrent, transact } from './transact.ts';
import { invitesLeft, noteInvite } from './user-bounds.ts';

/** A new handle, or the one that an earlier request with the same id made. */
export type MadeHandle = { readonly handle: Handle; readonly created: boolean };

/**
 * The handle that a request asks for: checked, confirmed by its session, and stored. A repeated
 * request with its own id is answered with the handle that it made, while that is live; an invite
 * is made only once, even when it is gone.
 *
 * Refuses: as createActivity, createInvite, createTransfer, createSearch; handleIdTaken;
 * serviceConfigUnknown, serviceConfigForbidden, templateUnknown, tooBusy.
 *
 * @source docs/wire/handles.md "POST /handles"
 */
export async function createHandle(
  context: Context,
  request: HandleRequest,
  caller: Caller,
  cause: Cause = { kind: 'request', caller },
): Promise<MadeHandle | Refusal> {
  const made = mayUseTemplate(context.catalog(), request.reference, caller);
  if (made instanceof Refusal) return made;
  if (request.type === 'transfer') {
    const origin = mayUseTemplate(context.catalog(), request.origin, caller);
    if (origin instanceof Refusal) return origin;
  }
  const earlier = await answerEarlier(context, request, caller);
  if (earlier !== undefined) return earlier;

  const { ids, settings } = context;
  const name = request.reference.name ?? ids.guid();
  const reference = { ...request.reference, name };
  const answer = await transact(context, {
    reference,
    // An invite does not change the session.
    mode: request.type === 'invite' ? 'read' : 'write',
    xuids: xuidsOf(caller),
    cause,
    gather(current, nowMs) {
      const { inviteLifetimeMs, searchAttributesBytesMax } = settings;
      const freshGuid = ids.guid();
      const facts = { nowMs, freshGuid, inviteLifetimeMs, searchAttributesBytesMax, ...made };
      return gatherHandleFacts(context, request, current?.session, caller, facts);
    },
    decide(current, gathered) {
      // Counted and decided in one step: of many at once, each counts for the next.
      const facts = { ...gathered, invitesLeft: invitesLeft(context, request, caller) };
      const decision = decideHandle(request, reference, current?.session, caller, facts);
      if (decision instanceof Refusal) return decision;
      noteInvite(context, decision.handle);
      return toStore(decision, current?.session);
    },
    handleIdTaken: (other) => answerSame(other, request, caller),
  });
  if (!(answer instanceof Refusal) && answer.created && answer.handle.type === 'invite') {
    const { handle } = answer;
    const data = viewInviteNotification(handle);
    notifyUser(context, handle.invitedXuid, { kind: 'invite', id: handle.id, data });
  }
  return answer;
}

/**
 * The answer to a request whose own id a handle already has. Undefined when there is none, or when
 * it is no longer live: then it is removed.
 */
async function answerEarlier(
  context: Context,
  request: HandleRequest,
  caller: Caller,
): Promise<MadeHandle | Refusal | undefined> {
  if (request.id === undefined) return undefined;
  const handle = await context.store.handle(request.id);
  if (handle === undefined) return undefined;
  const answer = answerSame(handle, request, caller);
  if (answer instanceof Refusal || handle.type === 'invite') return answer;
  const live = await isLive(context, handle);
  if (live instanceof Refusal) return live;
  if (live) return answer;
  await commitHandles(context, { removeHandles: [handle.id] });
  return undefined;
}

/** The answer to a request with the id of an existing handle. */
function answerSame(handle: Handle, request: HandleRequest, caller: Caller): MadeHandle | Refusal {
  if (isSameHandle(handle, request, caller)) return { handle, created: false };
  return new Refusal(
    'handleIdTaken',
    `A handle with id ${handle.id} exists and says something else; send a fresh id, or none.`,
    { detail: '$.id' },
  );
}

/** The facts for making a handle, beside its session. */
type GatheredFacts = Omit<HandleFacts, 'invitesLeft'> & {
  /** True when the caller's connection is known to have ended. */
  readonly isDisconnected?: boolean;
  /** True when the invited user has blocked the sender. */
  readonly isBlocked?: boolean;
  /** The origin session of a transfer. */
  readonly origin?: Session | undefined;
};

function gatherHandleFacts(
  context: Context,
  request: HandleRequest,
  session: Session | undefined,
  caller: Caller,
  facts: Omit<HandleFacts, 'invitesLeft'>,
): GatheredFacts | Promise<GatheredFacts | Refusal> {
  switch (request.type) {
    case 'activity': {
      const lost = hasLostConnection(context, session, xuidOf(caller));
      return lost instanceof Promise
        ? lost.then((isDisconnected) => ({ ...facts, isDisconnected }))
        : { ...facts, isDisconnected: lost };
    }
    case 'search':
      return facts;
    case 'invite':
      return caller.kind === 'user'
        ? context.people
            .avoids(request.invitedXuid, caller.xuid)
            .then((isBlocked) => ({ ...facts, isBlocked }))
        : facts;
    case 'transfer':
      return readCurrent(context, request.origin, xuidsOf(caller)).then((origin) =>
        origin instanceof Refusal ? origin : { ...facts, origin: origin?.session },
      );
  }
}

function decideHandle(
  request: HandleRequest,
  reference: SessionReference,
  session: Session | undefined,
  caller: Caller,
  facts: GatheredFacts & HandleFacts,
): HandleDecision | Refusal {
  const { isDisconnected = false, isBlocked = false } = facts;
  switch (request.type) {
    case 'activity':
      return createActivity(request, reference, session, caller, isDisconnected, facts);
    case 'invite':
      return createInvite(request, reference, session, caller, isBlocked, facts);
    case 'transfer':
      return createTransfer(request, session, facts.origin, caller, facts);
    case 'search':
      return createSearch(request, session, caller, facts);
  }
}

function toStore(
  { handle, session: next }: HandleDecision,
  session: Session | undefined,
): Decision<MadeHandle> {
  const replaced = handle.type === 'search' ? session?.searchHandle : undefined;
  const handles: HandleChange = {
    handle,
    ...(replaced && { removeHandles: [replaced.id] }),
  };
  return { result: { handle, created: true }, next, handles };
}
