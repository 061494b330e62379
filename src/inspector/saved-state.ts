/**
 * The whole state of a store as one file that people can read and change, and the way back. What comes back
 * goes through the same commits as every change: members are notified, searches and history follow.
 */

import * as v from 'valibot';
import { bansGroup } from '../directory/bans.ts';
import { checkConnections } from '../directory/check-connections.ts';
import { commitHandles, commitSession } from '../directory/commit-session.ts';
import type { Context } from '../directory/context.ts';
import { allSessions } from '../directory/list-sessions.ts';
import type { Cause } from '../domain/cause.ts';
import type { Handle } from '../domain/handle/handle.ts';
import type { Guid, Xuid } from '../domain/ids.ts';
import { type Json, type JsonObject, parseExactJson } from '../domain/json.ts';
import type { ListEntry, OwnListName } from '../domain/people/list.ts';
import { Refusal } from '../domain/refusal.ts';
import { hintsOf } from '../domain/session/hints.ts';
import { isLarge, withRows } from '../domain/session/large.ts';
import { keyOf, type SessionKey } from '../domain/session/reference.ts';
import type { Member, Session } from '../domain/session/session.ts';
import { nextDueMs } from '../domain/session/timeouts.ts';
import { viewSession } from '../domain/session/view.ts';
import {
  checkShape,
  exactObject,
  integer,
  type ShapeProblem,
  titleObject,
} from '../domain/shape.ts';
import { splitUnknown, type UnknownMembers } from '../domain/unknown-members.ts';
import { latestTimeMs, type Milliseconds } from '../domain/time.ts';
import { hopperKeyOf } from '../matchmaking/ticket-store.ts';
import type { LoadedState, SavedRecord, SavedState } from './api-types.ts';
import { placesOf, putRecords, readRecords, removeRecords, tooLarge } from './saved-records.ts';
import {
  handleShapes,
  recordName,
  savedTables,
  sessionShape,
  shapeOfKind,
  shapeOfRecord,
  timeMs,
  xuid,
} from './state-shapes.ts';
import { unlessDamaged } from '../store/store.ts';

/** Rows that are read in one go, and invites that are read. */
const pageMax = 1_000;
const invitesMax = 100_000;

/** How often a session is written again that somebody else changes meanwhile. */
const attemptsMax = 10;

const listNames: readonly OwnListName[] = ['follows', 'avoids', 'mutes'];

const cause: Cause = { kind: 'admin', by: 'inspector', reason: 'a saved state was loaded' };

/**
 * All sessions and handles of the store, gamertags and lists of their people, and records of the services.
 *
 * Refuses: tooManyItems.
 */
export async function saveState(context: Context): Promise<SavedState | Refusal> {
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
  const invites = await invitesOf(context);
  if (invites instanceof Refusal) return invites;
  const records = await readRecords(context);
  if (records instanceof Refusal) return records;
  for (const id of invites) {
    const invite = await unlessDamaged(store.handle(id));
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
  // Stores list them in no order; a file of the same state is the same.
  sessions.sort((a, b) => (keyOf(a.reference) < keyOf(b.reference) ? -1 : 1));
  handles.sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    openmpsdState: 1,
    savedMs: clock.nowMs(),
    sessions: sessions as unknown as readonly JsonObject[],
    handles: handles as unknown as readonly JsonObject[],
    users,
    records,
  };
}

/** Refuses: tooManyItems. */
async function invitesOf({ store }: Context): Promise<readonly Guid[] | Refusal> {
  const invites = await store.expired(latestTimeMs, invitesMax + 1);
  return invites.length > invitesMax ? tooLarge(`${invitesMax} invites`) : invites;
}

async function allRows({ store }: Context, key: SessionKey): Promise<readonly Member[]> {
  const rows: Member[] = [];
  for (;;) {
    const page = await store.memberRows(key, pageMax, rows.at(-1)?.xuid);
    rows.push(...page);
    // They are stored by xuid; a session lists its members by index.
    if (page.length < pageMax) return rows.sort((a, b) => a.index - b.index);
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
  /** Undefined: the records of the store stay as they are. */
  readonly records?: readonly SavedRecord[];
};

const entryShape = exactObject({
  xuid,
  addedMs: timeMs,
  isFavorite: v.optional(v.boolean('Expected true or false')),
});
const list = v.optional(v.array(entryShape, 'Expected an array'));
const recordShape = exactObject({
  table: v.picklist(
    savedTables,
    `Expected one of ${savedTables.map((table) => `"${table}"`).join(', ')}`,
  ),
  group: recordName,
  id: recordName,
  dueMs: v.optional(timeMs),
  value: titleObject,
});
const stateShape = exactObject({
  openmpsdState: integer(1, 1),
  savedMs: timeMs,
  sessions: v.array(titleObject, 'Expected an array'),
  handles: v.array(titleObject, 'Expected an array'),
  users: v.array(
    exactObject({
      xuid,
      gamertag: v.optional(v.string('Expected a text')),
      follows: list,
      avoids: list,
      mutes: list,
    }),
    'Expected an array',
  ),
  // Files of older versions have none.
  records: v.optional(v.array(recordShape, 'Expected an array')),
});

/** Problems that one refusal lists. */
const problemsMax = 20;

/**
 * The state that a file holds. All that is wrong in it is refused before anything is changed. By the policy
 * `keep` sessions may have members that nobody knows.
 *
 * Refuses: bodyNotJson, requestInvalid.
 */
export function parseState(file: string, unknownMembers: UnknownMembers): ParsedState | Refusal {
  let value: Json;
  try {
    value = parseExactJson(file);
  } catch (error) {
    return new Refusal('bodyNotJson', `The file is not JSON: ${(error as Error).message}.`);
  }
  const checked = checkShape(stateShape, value);
  if ('problems' in checked) return invalid(checked.problems);
  const state = checked.value as unknown as ParsedState;
  const problems = [
    ...problemsOf(
      state.sessions,
      '$.sessions',
      (session, path) => sessionProblems(session, path, unknownMembers),
      ({ reference }) => keyOf(reference),
    ),
    ...problemsOf(state.handles, '$.handles', handleProblems, ({ id }) => id),
    ...problemsOf(
      state.records ?? [],
      '$.records',
      recordProblems,
      ({ table, group, id }) => `${table} ${group} ${id}`,
    ),
  ];
  return problems.length > 0 ? invalid(problems) : state;
}

/** Names every place that does not fit, up to a bound. */
function invalid(problems: readonly ShapeProblem[]): Refusal {
  const shown = problems
    .slice(0, problemsMax)
    .map(({ path, expected }) => `${path}: ${expected}.`)
    .join(' ');
  const rest = problems.length - problemsMax;
  return new Refusal('requestInvalid', rest > 0 ? `${shown} And ${rest} more.` : shown, {
    detail: problems[0]?.path ?? '$',
  });
}

/** All that `check` finds, and those items whose key an earlier one has. Items with problems have no key. */
function problemsOf<T>(
  items: readonly T[],
  path: string,
  check: (item: T, path: string) => readonly ShapeProblem[],
  keyOfItem: (item: T) => string,
): readonly ShapeProblem[] {
  const keys = new Set<string>();
  return items.flatMap((item, n) => {
    const place = `${path}[${n}]`;
    const problems = check(item, place);
    if (problems.length > 0) return problems;
    const key = keyOfItem(item).toLowerCase();
    if (keys.has(key)) return [{ path: place, expected: `${key} is there twice` }];
    keys.add(key);
    return [];
  });
}

/** What keeps a session from being shown, searched and timed out, and members that it cannot have. */
function sessionProblems(
  session: Session,
  path: string,
  unknownMembers: UnknownMembers,
): readonly ShapeProblem[] {
  const value = unknownMembers === 'keep' ? splitUnknown(sessionShape, session).known : session;
  const checked = checkShape(sessionShape, value, path);
  if ('problems' in checked) return checked.problems;
  const problem = sessionProblem(session);
  return problem === undefined ? [] : [{ path, expected: problem }];
}

function sessionProblem(session: Session): string | undefined {
  const { members, nextMemberIndex } = session;
  const indexes = members.map(({ index }) => index);
  const isOrdered = indexes.every((index, at) => at === 0 || index > (indexes[at - 1] ?? 0));
  if (!isOrdered || (indexes.at(-1) ?? -1) >= nextMemberIndex)
    return 'its members are not in order';
  if (new Set(members.map(({ xuid: one }) => one)).size < members.length) {
    return 'a user is in it twice';
  }
  try {
    viewSession(session, 107);
    hintsOf(session);
    nextDueMs(session);
    return undefined;
  } catch (error) {
    return `it is not a session as the server saves it (${(error as Error).message})`;
  }
}

function handleProblems(handle: Handle, path: string): readonly ShapeProblem[] {
  const shape = shapeOfKind(handleShapes, handle.type);
  if (shape === undefined) {
    const types = Object.keys(handleShapes).map((type) => `"${type}"`);
    return [{ path: `${path}.type`, expected: `Expected one of ${types.join(', ')}` }];
  }
  const checked = checkShape(shape, handle, path);
  return 'problems' in checked ? checked.problems : [];
}

/** What keeps a record from being read, found and removed by the service that it is of. */
function recordProblems(record: SavedRecord, path: string): readonly ShapeProblem[] {
  const { table, group, id, dueMs, value } = record;
  const shape = shapeOfRecord(table, value);
  if (shape === undefined) {
    return [{ path: `${path}.value.kind`, expected: `no record of "${table}" is like this` }];
  }
  const checked = checkShape(shape, value, `${path}.value`);
  if ('problems' in checked) return checked.problems;
  const problems: ShapeProblem[] = [];
  const expect = (holds: boolean, name: string, expected: string): void => {
    if (!holds) problems.push({ path: `${path}.${name}`, expected });
  };
  // A ticket that is matched has none until the match is made.
  expect(dueMs !== undefined || table === 'matchmaking', 'dueMs', 'This member is missing');
  if (table === 'bans') {
    expect(group === bansGroup, 'group', `Expected "${bansGroup}"`);
    expect(id === value['xuid'], 'id', 'Expected the xuid of the ban');
  }
  if (table === 'matchmaking' && value['kind'] !== 'statistics') {
    const hopper = hopperKeyOf(String(value['scid']), String(value['hopper']));
    expect(group === hopper, 'group', `Expected that of the hopper, "${hopper}"`);
  }
  return problems;
}

/**
 * Makes the store hold this state, and no other sessions and handles. When it fails on the way, a part of it
 * is there; loading it again completes it. `moveClock` sets the clock to the time of the file. `forgetRecords`
 * makes the services of this process read their records again.
 *
 * Refuses: tooManyItems, before anything is changed; tooBusy. Throws StoreUnavailable.
 */
export async function loadState(
  context: Context,
  state: ParsedState,
  {
    isShared,
    moveClock,
    forgetRecords,
  }: {
    readonly isShared: boolean;
    readonly moveClock: (toMs: Milliseconds) => void;
    readonly forgetRecords: () => Promise<void>;
  },
): Promise<LoadedState | Refusal> {
  const invites = await invitesOf(context);
  if (invites instanceof Refusal) return invites;
  const places = state.records && (await placesOf(context));
  if (places instanceof Refusal) return places;
  // Before the sessions: otherwise the time that has passed since would end them at once.
  moveClock(state.savedMs);
  // Before the sessions: a ticket whose session changes would be canceled, and say so in the session.
  if (places) {
    await removeRecords(context, places);
    await forgetRecords();
  }
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
  const removeHandles = invites.filter((id) => !kept.has(id.toLowerCase()));
  if (removeHandles.length > 0) await commitHandles(context, { removeHandles });
  for (const handle of state.handles) await commitHandles(context, { handle });
  for (const user of state.users) await loadUser(context, user);
  if (state.records) {
    await putRecords(context, state.records, isShared);
    await forgetRecords();
  }
  // Of connections that are not open any more.
  checkConnections(context, connectionsOf(state.sessions));
  return {
    sessionsCount: wanted.size,
    handlesCount: state.handles.length,
    recordsCount: state.records?.length ?? 0,
    removedSessionsCount: gone.length,
  };
}

/**
 * Not by `transact`: what replaces a session is not decided on it, and timeouts that are due by the moved
 * clock must not end the former one before its change number is taken over.
 *
 * Refuses: tooBusy.
 */
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
  return new Refusal(
    'tooBusy',
    `Session ${key} changes all the time. A part of the file is loaded; load the file again.`,
  );
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
