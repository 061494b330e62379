import { xuidsOf, type Caller } from '../domain/caller.ts';
import {
  createActivity,
  createInvite,
  createSearch,
  createTransfer,
  isSameHandle,
  type HandleDecision,
  type HandleFacts,
} from '../domain/handle/create.ts';
import type { Handle, SearchHandle } from '../domain/handle/handle.ts';
import type { HandleRequest } from '../domain/handle/request.ts';
import { viewInviteNotification } from '../domain/handle/view.ts';
import { limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';
import type { SessionReference } from '../domain/session/reference.ts';
import { mayUseTemplate } from '../domain/session/template.ts';
import type { Batch, Committed, Conflict, SessionRecord, Taken } from '../store/store.ts';
import { hasLostConnection } from './check-connections.ts';
import { commitSession, tooBusy } from './commit-session.ts';
import { isLive } from './read-handle.ts';
import { readSettledSession } from './settled-session.ts';
import { tellUser } from './tell-user.ts';
import type { Context } from './context.ts';

/** A handle that was made, or that an earlier request with the same id had made. */
export type MadeHandle = { readonly handle: Handle; readonly created: boolean };

/**
 * The handle that a request asks for: checked, confirmed by its session, and kept. A request that is
 * repeated with its own id is answered with the handle it has made, while that is live; an invite is
 * made once, whatever became of it.
 *
 * Refuses: as createActivity, createInvite, createTransfer, createSearch; handleIdTaken; serviceConfigUnknown,
 * serviceConfigForbidden, templateUnknown, tooBusy.
 *
 * @source contract 8
 */
export async function createHandle(
  world: Context,
  request: HandleRequest,
  caller: Caller,
): Promise<MadeHandle | Refusal> {
  const made = mayUseTemplate(world.catalog(), request.reference, caller);
  if (made instanceof Refusal) return made;
  if (request.type === 'transfer') {
    const origin = mayUseTemplate(world.catalog(), request.origin, caller);
    if (origin instanceof Refusal) return origin;
  }

  for (let attempt = 1; attempt <= limits.commitAttemptsMax; attempt += 1) {
    const earlier = request.id === undefined ? undefined : await world.store.handle(request.id);
    if (earlier !== undefined) {
      const answer = answerEarlier(earlier, request, caller);
      if (answer instanceof Refusal || earlier.type === 'invite') return answer;
      const live = await isLive(world, earlier);
      if (live instanceof Refusal) return live;
      if (live) return answer;
      // What is left of one that leads nowhere any more: the request is for another like it.
      await world.store.commit({ removeHandles: [earlier.id] });
    }
    const reference = {
      ...request.reference,
      name: request.reference.name ?? world.ids.guid(),
    };
    const record = await readSettledSession(world, reference, xuidsOf(caller));
    if (record instanceof Refusal) return record;
    const decision = await decide(world, request, reference, record, caller, {
      nowMs: world.clock.nowMs(),
      freshGuid: world.ids.guid(),
      inviteLifetimeMs: world.settings.inviteLifetimeMs,
      ...made,
    });
    if (decision instanceof Refusal) return decision;
    const outcome = await commitHandle(world, record, decision);
    if (outcome.kind === 'committed') {
      const { handle } = decision;
      if (handle.type === 'invite') {
        const data = viewInviteNotification(handle);
        tellUser(world, handle.invitedXuid, { kind: 'invite', id: handle.id, data });
      }
      return { handle, created: true };
    }
    if (outcome.kind === 'taken') return answerEarlier(outcome.handle, request, caller);
  }
  return tooBusy();
}

/** The answer to a request with the id of a handle that is there. */
function answerEarlier(
  handle: Handle,
  request: HandleRequest,
  caller: Caller,
): MadeHandle | Refusal {
  if (isSameHandle(handle, request, caller)) return { handle, created: false };
  return new Refusal(
    'handleIdTaken',
    `A handle with id ${handle.id} exists and says something else; send a fresh id, or none.`,
    { detail: '$.id' },
  );
}

async function decide(
  world: Context,
  request: HandleRequest,
  reference: SessionReference,
  record: SessionRecord | undefined,
  caller: Caller,
  facts: HandleFacts,
): Promise<HandleDecision | Refusal> {
  switch (request.type) {
    case 'activity': {
      const isDisconnected = await hasLostConnection(world, record?.session, caller);
      return createActivity(request, reference, record?.session, caller, isDisconnected, facts);
    }
    case 'invite': {
      const isBlocked =
        caller.kind === 'user' && (await world.people.avoids(request.invitedXuid, caller.xuid));
      return createInvite(request, reference, record?.session, caller, isBlocked, facts);
    }
    case 'transfer': {
      const origin = await readSettledSession(world, request.origin, xuidsOf(caller));
      if (origin instanceof Refusal) return origin;
      return createTransfer(request, record?.session, origin?.session, caller, facts);
    }
    case 'search':
      return createSearch(request, record?.session, caller, facts);
  }
}

async function commitHandle(
  world: Context,
  record: SessionRecord | undefined,
  { handle, session }: HandleDecision,
): Promise<Committed | Conflict | Taken> {
  const beside: Batch = {
    handles: [handle],
    ...(handle.type === 'search' && replacing(record?.session.searchHandle)),
  };
  return session === undefined || record === undefined
    ? world.store.commit(beside)
    : commitSession(world, record, session, { atMs: handle.createTimeMs }, beside);
}

function replacing(former: SearchHandle | undefined): Batch {
  return former === undefined ? {} : { removeHandles: [former.id] };
}
