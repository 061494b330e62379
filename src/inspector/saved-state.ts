/**
 * The whole state of a store as one file that people can read and change, and the way back. What comes back
 * goes through the same commits as every change: members are notified, searches and history follow.
 */

import * as v from 'valibot';
import { checkConnections } from '../directory/check-connections.ts';
import { commitHandles, commitSession } from '../directory/commit-session.ts';
import type { Context } from '../directory/context.ts';
import { allSessions } from '../directory/list-sessions.ts';
import type { Cause } from '../domain/cause.ts';
import type { Handle } from '../domain/handle/handle.ts';
import { viewHandle } from '../domain/handle/view.ts';
import { isGuid, isXuid, type Guid, type Xuid } from '../domain/ids.ts';
import { isJsonObject, type Json, type JsonObject, parseExactJson } from '../domain/json.ts';
import type { ListEntry, OwnListName } from '../domain/people/list.ts';
import { Refusal } from '../domain/refusal.ts';
import { hintsOf } from '../domain/session/hints.ts';
import { isLarge, withRows } from '../domain/session/large.ts';
import { keyOf, parseSessionReference, type SessionKey } from '../domain/session/reference.ts';
import type { Member, Session } from '../domain/session/session.ts';
import { nextDueMs } from '../domain/session/timeouts.ts';
import { viewSession } from '../domain/session/view.ts';
import { exactObject, integer, parseShape, text, titleObject } from '../domain/shape.ts';
import { latestTimeMs, type Milliseconds } from '../domain/time.ts';
import type { LoadedState, SavedState } from './api-types.ts';

/** Handles and rows that are read in one go, and all invites that are read. */
const pageMax = 1_000;
const invitesMax = 100_000;

/** How often a session is written again that somebody else changes meanwhile. */
const attemptsMax = 10;

const listNames: readonly OwnListName[] = ['follows', 'avoids', 'mutes'];

const cause: Cause = { kind: 'admin', by: 'inspector', reason: 'a saved state was loaded' };

/** Everything that the store has of sessions, handles, gamertags of their people, and lists of these. */
export async function saveState(context: Context): Promise<SavedState> {
  const { store, clock, people, names } = context;
  const sessions: Session[] = [];
  const handles: Handle[] = [];
  const xuids = new Set<Xuid>();
  for await (const page of allSessions(context)) {
    for (const session of page) {
      const key = keyOf(session.reference);
      const whole = isLarge(session)
        ? { ...session, members: await allRows(context, key) }
        : session;
      sessions.push(whole);
      for (const { xuid } of whole.members) xuids.add(xuid);
      handles.push(...(await store.handlesFor(key)));
    }
  }
  for (const id of await store.expired(latestTimeMs, invitesMax)) {
    const invite = await store.handle(id);
    if (invite?.type !== 'invite') continue;
    handles.push(invite);
    xuids.add(invite.invitedXuid);
  }
  const users = await Promise.all(
    [...xuids].sort().map(async (xuid) => {
      const gamertag = names.of(xuid);
      const lists = await Promise.all(
        listNames.map(async (list) => [list, await people.list(xuid, list)] as const),
      );
      return {
        xuid,
        ...(gamertag !== undefined && { gamertag }),
        ...Object.fromEntries(lists.filter(([, entries]) => entries.length > 0)),
      };
    }),
  );
  return {
    openmpsdState: 1,
    savedMs: clock.nowMs(),
    sessions: sessions as unknown as readonly JsonObject[],
    handles: handles as unknown as readonly JsonObject[],
    users,
  };
}

async function allRows({ store }: Context, key: SessionKey): Promise<readonly Member[]> {
  const rows: Member[] = [];
  for (;;) {
    const page = await store.memberRows(key, pageMax, rows.at(-1)?.xuid);
    rows.push(...page);
    if (page.length < pageMax) return rows;
  }
}

type User = { readonly xuid: Xuid; readonly gamertag?: string } & {
  readonly [list in OwnListName]?: readonly ListEntry[];
};

/** A file as it is loaded. */
export type ParsedState = {
  readonly savedMs: Milliseconds;
  readonly sessions: readonly Session[];
  readonly handles: readonly Handle[];
  readonly users: readonly User[];
};

const entryShape = exactObject({
  xuid: text(isXuid, 'a xuid: decimal digits'),
  addedMs: integer(0, latestTimeMs),
  isFavorite: v.optional(v.boolean('Expected true or false')),
});
const list = v.optional(v.array(entryShape, 'Expected an array'));
const stateShape = exactObject({
  openmpsdState: integer(1, 1),
  savedMs: integer(0, latestTimeMs),
  sessions: v.array(titleObject, 'Expected an array'),
  handles: v.array(titleObject, 'Expected an array'),
  users: v.array(
    exactObject({
      xuid: text(isXuid, 'a xuid: decimal digits'),
      gamertag: v.optional(v.string('Expected a text')),
      follows: list,
      avoids: list,
      mutes: list,
    }),
    'Expected an array',
  ),
});

/**
 * The state that a file holds. What is wrong in it is refused before anything is changed.
 *
 * Refuses: bodyNotJson, requestInvalid.
 */
export function parseState(file: string): ParsedState | Refusal {
  let value: Json;
  try {
    value = parseExactJson(file);
  } catch (error) {
    return new Refusal('bodyNotJson', `The file is not JSON: ${(error as Error).message}.`);
  }
  const state = parseShape(stateShape, value);
  if (state instanceof Refusal) return state;
  const keys = new Set<SessionKey>();
  for (const [n, session] of state.sessions.entries()) {
    const problem = sessionProblem(session as unknown as Session);
    if (problem !== undefined) return invalid(`$.sessions[${n}]`, problem);
    const key = keyOf((session as unknown as Session).reference);
    if (keys.has(key)) return invalid(`$.sessions[${n}]`, `${key} is there twice`);
    keys.add(key);
  }
  for (const [n, handle] of state.handles.entries()) {
    const problem = handleProblem(handle as unknown as Handle);
    if (problem !== undefined) return invalid(`$.handles[${n}]`, problem);
  }
  return state as unknown as ParsedState;
}

function invalid(path: string, problem: string): Refusal {
  return new Refusal('requestInvalid', `${path}: ${problem}.`, { detail: path });
}

/** Undefined for a session that can be shown, searched and timed out. */
function sessionProblem(session: Session): string | undefined {
  const { reference, branch, changeNumber, members, nextMemberIndex } = session;
  if (!isJsonObject(reference) || parseSessionReference(reference) instanceof Refusal) {
    return 'its reference names no session';
  }
  if (!isGuid(branch) || !Number.isSafeInteger(changeNumber) || changeNumber < 1) {
    return 'it has no branch and change number';
  }
  if (!Array.isArray(members) || !Number.isSafeInteger(nextMemberIndex)) return 'it has no members';
  const indexes = members.map(({ index }) => index);
  const isOrdered = indexes.every((index, at) => at === 0 || index > (indexes[at - 1] ?? 0));
  if (!isOrdered || (indexes.at(-1) ?? -1) >= nextMemberIndex)
    return 'its members are not in order';
  try {
    viewSession(session, 107);
    hintsOf(session);
    nextDueMs(session);
    return undefined;
  } catch (error) {
    return `it is not a session as the server saves it (${(error as Error).message})`;
  }
}

function handleProblem(handle: Handle): string | undefined {
  const isNamed =
    isGuid(handle.id) &&
    isJsonObject(handle.reference) &&
    !(parseSessionReference(handle.reference) instanceof Refusal);
  if (!isNamed) return 'it is not a handle of a session';
  try {
    return viewHandle(handle) === undefined ? 'it is of no known type' : undefined;
  } catch (error) {
    return `it is not a handle as the server saves it (${(error as Error).message})`;
  }
}

/**
 * Makes the store hold this state, and no other sessions and handles. When it fails on the way, a part of it
 * is there; loading it again completes it.
 *
 * Refuses: tooBusy. Throws StoreUnavailable.
 */
export async function loadState(
  context: Context,
  state: ParsedState,
): Promise<LoadedState | Refusal> {
  const wanted = new Map(state.sessions.map((session) => [keyOf(session.reference), session]));
  const gone: Session[] = [];
  for await (const page of allSessions(context)) {
    gone.push(...page.filter(({ reference }) => !wanted.has(keyOf(reference))));
  }
  for (const { reference } of gone) {
    const refusal = await put(context, reference, undefined);
    if (refusal) return refusal;
  }
  for (const session of wanted.values()) {
    const refusal = await put(context, session.reference, session);
    if (refusal) return refusal;
  }
  const kept = new Set(state.handles.map(({ id }) => id.toLowerCase()));
  const invites = await context.store.expired(latestTimeMs, invitesMax);
  const removeHandles = invites.filter((id) => !kept.has(id.toLowerCase()));
  if (removeHandles.length > 0) await commitHandles(context, { removeHandles });
  for (const handle of state.handles) await commitHandles(context, { handle });
  for (const user of state.users) await loadUser(context, user);
  // Of connections that are not open any more.
  checkConnections(context, connectionsOf(state.sessions));
  return {
    sessionsCount: wanted.size,
    handlesCount: state.handles.length,
    removedSessionsCount: gone.length,
  };
}

/** Refuses: tooBusy. */
async function put(
  context: Context,
  reference: Session['reference'],
  next: Session | undefined,
): Promise<Refusal | undefined> {
  const { store, clock } = context;
  const key = keyOf(reference);
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const record = await store.session(key);
    if (record === undefined && next === undefined) return undefined;
    // Rows and hints of the former life must not be left.
    const before = record && (await wholeOf(context, key, record));
    const former = before?.session;
    const isOtherLife = former !== undefined && next !== undefined && former.branch !== next.branch;
    const outcome = await commitSession(context, {
      reference,
      before,
      next: isOtherLife ? undefined : next && newest(next, former),
      cause,
      atMs: clock.nowMs(),
    });
    if (outcome.kind === 'committed' && !isOtherLife) return undefined;
  }
  return new Refusal('tooBusy', `Session ${key} changes all the time; load the file again.`);
}

async function wholeOf(
  context: Context,
  key: SessionKey,
  record: { readonly revision: number; readonly session: Session },
) {
  if (!isLarge(record.session)) return record;
  return { ...record, session: withRows(record.session, await allRows(context, key)) };
}

/** Clients believe that the change number of a life never goes back. */
function newest(next: Session, former: Session | undefined): Session {
  const changeNumber = Math.max(next.changeNumber, (former?.changeNumber ?? 0) + 1);
  return { ...next, changeNumber };
}

async function loadUser({ people, names }: Context, user: User): Promise<void> {
  names.note(user.xuid, user.gamertag);
  for (const name of listNames) {
    const entries = user[name] ?? [];
    await people.change(user.xuid, name, (known) => {
      const kept = new Set(entries.map(({ xuid }) => xuid));
      const remove = known.map(({ xuid }) => xuid).filter((xuid) => !kept.has(xuid));
      if (entries.length === 0 && remove.length === 0) return undefined;
      return {
        change: { put: entries, remove },
        notice: { notificationType: 'Changed', xuids: [...kept, ...remove] },
      };
    });
  }
}

function connectionsOf(sessions: readonly Session[]): readonly Guid[] {
  return [
    ...new Set(
      sessions.flatMap(({ members }) =>
        members.flatMap(({ properties }) => properties.system.connection?.toLowerCase() ?? []),
      ),
    ),
  ];
}
