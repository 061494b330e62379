import { xuidOf, xuidsOf } from '../domain/caller.ts';
import type { Guid } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';
import { keyOf, type SessionKey } from '../domain/session/reference.ts';
import { decideWrite, type SessionWrite, type WriteDecision } from '../domain/session/write.ts';
import { graceMsOf, markDisconnected, newConnections } from '../domain/session/disconnect.ts';
import { mayUseTemplate } from '../domain/session/template.ts';
import { memberOf, type Session } from '../domain/session/session.ts';
import type { ChangeOrigin } from '../domain/tap/tap.ts';
import type { SessionRecord } from '../store/store.ts';
import { checkConnections, endedConnections } from './check-connections.ts';
import { gatherAccessFacts } from './session-facts.ts';
import { commitSession, tooBusy } from './commit-session.ts';
import { isSettled, readSettledSession } from './settled-session.ts';
import { isWaitedFor, turnOf } from './turns.ts';
import type { Context } from './context.ts';

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
 * What must be waited for is found out before, as far as it can be. From the record to the commit that
 * stands on it there is then no turn of the event loop, and writers of one process do not lose races to
 * each other; but where people are asked, rows of a large session read, or the session deleted.
 *
 * Refuses: as decideWrite, serviceConfigUnknown, serviceConfigForbidden, templateUnknown, and
 * tooBusy after commitAttemptsMax lost races.
 *
 * @source contract 4
 */
export async function writeSession(
  world: Context,
  write: SessionWrite,
  options: WriteOptions = { granted: false, commit: true },
): Promise<Written | Refusal> {
  const { store, clock } = world;
  const made = mayUseTemplate(world.catalog(), write.reference, write.caller);
  if (made instanceof Refusal) return made;
  const xuids = xuidsOf(write.caller);
  const key = keyOf(write.reference);
  const ended = await endedAmongWritten(world, write, key);
  using turns = new DisposableStack();
  // Where others wait already, a try out of turn would only make one of them lose again.
  let hasTurn = options.commit && isWaitedFor(store, key);
  if (hasTurn) turns.use(await turnOf(store, key));
  let known = options.commit && !hasTurn ? store.lastKnown(key) : undefined;
  for (let attempt = 1; attempt <= limits.commitAttemptsMax; attempt += 1) {
    const isCommitted = known?.isCommitted ?? true;
    const record =
      known && isSettled(known, clock.nowMs())
        ? known.record
        : await readSettledSession(world, write.reference, xuids, known);
    if (record instanceof Refusal) return record;
    // While a session was read that nobody knew here, another writer may have begun to write it.
    const newer = options.commit && attempt === 1 && !known ? store.lastKnown(key) : undefined;
    const isOvertaken = newer !== undefined && newer.record?.revision !== record?.revision;
    known = isOvertaken ? newer : undefined;
    if (isOvertaken) continue;
    const atMs = clock.nowMs();
    const { caller } = write;
    const access = gatherAccessFacts(world, record?.session, caller, options.granted, 'write');
    const facts = access instanceof Promise ? await access : access;
    const decision = decideWrite(record?.session, write, {
      ...facts,
      template: made.template,
      nowMs: atMs,
      // Drawn when it is asked for: only a new session has need of it.
      get freshGuid() {
        return world.ids.guid();
      },
      deviceTokenKey: world.settings.deviceTokenKey,
    });
    const commits = !(decision instanceof Refusal) && isToCommit(decision);
    // What is answered without a commit must stand on what the store holds.
    if (!commits && !isCommitted) continue;
    if (decision instanceof Refusal) return decision;
    if (!isToCommit(decision)) {
      return decision.kind === 'unchanged' ? { ...decision, stored: true } : decision;
    }
    if (!options.commit) return preview(decision);
    const origin = { atMs, byXuid: xuidOf(write.caller) };
    const outcome = await commitDecision(world, record, decision, ended, origin);
    if (outcome.kind === 'committed') {
      return decision.kind === 'deleted' ? decision : { ...decision, stored: true };
    }
    if (outcome.kind !== 'conflict') continue;
    if (hasTurn) known = { record: outcome.current, isCommitted: true };
    else {
      turns.use(await turnOf(store, key));
      hasTurn = true;
    }
  }
  return tooBusy();
}

type ToCommit = Extract<WriteDecision, { kind: 'created' | 'updated' | 'deleted' }>;

function isToCommit(decision: WriteDecision): decision is ToCommit {
  return decision.kind !== 'unchanged' && decision.kind !== 'absent';
}

/** Of connections that a write may bring, those that have ended; by what was looked up. */
type Ended = { readonly lookedUp: readonly Guid[]; readonly ended: ReadonlySet<Guid> };

const nothingWritten: Ended = { lookedUp: [], ended: new Set() };

/** Of a connection that the caller has in the session already, as far as that is known, nothing is looked up. */
async function endedAmongWritten(
  world: Context,
  { request, caller }: SessionWrite,
  key: SessionKey,
): Promise<Ended> {
  const connection = request.me?.properties?.system?.connection?.toLowerCase();
  if (connection === undefined) return nothingWritten;
  const session = world.store.lastKnown(key)?.record?.session;
  const own = session && memberOf(session, xuidOf(caller));
  if (own?.properties.system.connection?.toLowerCase() === connection) return nothingWritten;
  const lookedUp = [connection];
  return { lookedUp, ended: await endedConnections(world, lookedUp) };
}

async function commitDecision(
  world: Context,
  record: SessionRecord | undefined,
  decision: ToCommit,
  { lookedUp, ended: endedWritten }: Ended,
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
  // the moment of the commit is found by looking again after it. A member who is active again may
  // rest on a connection that was written before.
  const ended = connections.every((one) => lookedUp.includes(one))
    ? endedWritten
    : await endedConnections(world, connections);
  const next = markDisconnected(decision.session, (one) => ended.has(one), origin.atMs + graceMs);
  const outcome = await commitSession(world, before, next, origin);
  const alive = connections.filter((one) => !ended.has(one));
  if (outcome.kind === 'committed') checkConnections(world, alive);
  return outcome;
}

function preview(decision: ToCommit): Written {
  return decision.kind === 'deleted' ? decision : { ...decision, stored: false };
}
