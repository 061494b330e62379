import { xuidOf, xuidsOf } from '../domain/caller.ts';
import { limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';
import { keyOf } from '../domain/session/reference.ts';
import { decideWrite, type SessionWrite, type WriteDecision } from '../domain/session/write.ts';
import { graceMsOf, markDisconnected, newConnections } from '../domain/session/disconnect.ts';
import { mayUseTemplate, type SessionTemplate } from '../domain/session/template.ts';
import type { Session } from '../domain/session/session.ts';
import type { ChangeOrigin } from '../domain/tap/tap.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { SessionRecord } from '../store/store.ts';
import { checkConnections, endedConnections } from './check-connections.ts';
import { gatherAccessFacts } from './session-facts.ts';
import { commitSession, tooBusy } from './commit-session.ts';
import { readSettledSession } from './settled-session.ts';
import { isWaitedFor, turnOf } from './turns.ts';
import type { World } from './world.ts';

/** How a write to a session is made. */
export type WriteOptions = {
  /** True when the handle that led here lifts the session's restrictions for the caller. */
  readonly granted: boolean;
  /** False: tell what the write would do, and do nothing. */
  readonly commit: boolean;
};

export type Written =
  | {
      readonly kind: 'created' | 'updated' | 'unchanged';
      readonly session: Session;
      /** False for a preview that was not stored: it has no etag. */
      readonly stored: boolean;
    }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'absent' };

/**
 * Load, settle, decide, commit; and again from the winner's session when another writer got in
 * between. The first try goes by what this process last heard of the session, which saves a read.
 *
 * Refuses: as decideWrite, serviceConfigUnknown, serviceConfigForbidden, templateUnknown, and
 * tooBusy after commitAttemptsMax lost races.
 *
 * @source contract 4
 */
export async function writeSession(
  world: World,
  write: SessionWrite,
  options: WriteOptions = { granted: false, commit: true },
): Promise<Written | Refusal> {
  const made = mayUseTemplate(world.catalog(), write.reference, write.caller);
  if (made instanceof Refusal) return made;
  const xuids = xuidsOf(write.caller);
  const key = keyOf(write.reference);
  using turns = new DisposableStack();
  // Where others wait already, a try out of turn would only make one of them lose again.
  let hasTurn = options.commit && isWaitedFor(world.store, key);
  if (hasTurn) turns.use(await turnOf(world.store, key));
  let known = options.commit && !hasTurn ? world.store.recent(key) : undefined;
  for (let attempt = 1; attempt <= limits.commitAttemptsMax; attempt += 1) {
    const isCurrent = known?.isCurrent ?? true;
    const record = await readSettledSession(world, write.reference, xuids, known);
    known = undefined;
    if (record instanceof Refusal) return record;
    const atMs = world.clock.nowMs();
    const decision = await decide(
      world,
      record?.session,
      write,
      made.template,
      options.granted,
      atMs,
    );
    const commits = !(decision instanceof Refusal) && isToCommit(decision);
    // What is answered without a commit must stand on what the store holds.
    if (!commits && !isCurrent) continue;
    if (decision instanceof Refusal) return decision;
    if (!isToCommit(decision)) {
      return decision.kind === 'unchanged' ? { ...decision, stored: true } : decision;
    }
    if (!options.commit) return preview(decision);
    const origin = { atMs, byXuid: xuidOf(write.caller) };
    const outcome = await commitDecision(world, record, decision, origin);
    if (outcome.kind === 'committed') {
      return decision.kind === 'deleted' ? decision : { ...decision, stored: true };
    }
    if (outcome.kind !== 'conflict') continue;
    if (hasTurn) known = { record: outcome.current, isCurrent: true };
    else {
      turns.use(await turnOf(world.store, key));
      hasTurn = true;
    }
  }
  return tooBusy();
}

type ToCommit = Extract<WriteDecision, { kind: 'created' | 'updated' | 'deleted' }>;

function isToCommit(decision: WriteDecision): decision is ToCommit {
  return decision.kind !== 'unchanged' && decision.kind !== 'absent';
}

async function decide(
  world: World,
  session: Session | undefined,
  write: SessionWrite,
  template: SessionTemplate,
  granted: boolean,
  nowMs: Milliseconds,
): Promise<WriteDecision | Refusal> {
  const access =
    session === undefined
      ? { granted, followed: false, blockedByOwner: false }
      : await gatherAccessFacts(world, session, write.caller, granted, 'write');
  return decideWrite(session, write, {
    ...access,
    template,
    nowMs,
    freshGuid: world.ids.guid(),
    deviceTokenKey: world.settings.deviceTokenKey,
  });
}

async function commitDecision(
  world: World,
  record: SessionRecord | undefined,
  decision: ToCommit,
  origin: ChangeOrigin,
): ReturnType<typeof commitSession> {
  if (decision.kind === 'deleted') {
    if (record === undefined) throw new Error('deleted a session that is not there');
    return commitSession(world, record, undefined, origin);
  }
  const before = record ?? { revision: 0 as const, session: decision.session };
  const graceMs = graceMsOf(decision.session, world.settings);
  const connections =
    graceMs === undefined ? [] : newConnections(record?.session, decision.session);
  if (graceMs === undefined || connections.length === 0)
    return commitSession(world, before, decision.session, origin);
  // Whoever writes a connection that has ended is disconnected from this moment; one that ends in
  // the moment of the commit is found by looking again after it.
  const ended = await endedConnections(world, connections);
  const next = markDisconnected(decision.session, (one) => ended.has(one), origin.atMs + graceMs);
  const outcome = await commitSession(world, before, next, origin);
  const alive = connections.filter((one) => !ended.has(one));
  if (outcome.kind === 'committed') checkConnections(world, alive);
  return outcome;
}

function preview(decision: ToCommit): Written {
  return decision.kind === 'deleted' ? decision : { ...decision, stored: false };
}
