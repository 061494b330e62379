/**
 * What a store should do, written as plainly as can be, and steps that try it: lists, searched
 * from end to end.
 */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { activityIdOf } from '../domain/handle/activity-id.ts';
import type { Handle } from '../domain/handle/handle.ts';
import { formatJson, type JsonObject, parseExactJson } from '../domain/json.ts';
import { keyOf, type SessionKey } from '../domain/session/reference.ts';
import type { Member } from '../domain/session/session.ts';
import type { Milliseconds } from '../domain/time.ts';
import { historySlack } from '../store/history-store.ts';
import type {
  Batch,
  Hint,
  MemberRow,
  SessionDelete,
  SessionPut,
  SessionRecord,
  Store,
} from '../store/store.ts';
import {
  deleteOf,
  putOf,
  storedActivity,
  storedReference,
  storedGuid,
  storedHistory,
  storedInvite,
  storedKey,
  storedMember,
  storedTransfer,
} from './store-samples.ts';

const names = ['a', 'b', 'c'] as const;
const xuids = ['11', '22', '33'] as const;
const scids = [storedGuid(0xa), storedGuid(0xb)] as const;
const idsCount = 6;
const timesMs = [10, 20, 30] as const;
const hints = ['xuid:11', 'node:0000000a', 'connection:c'] as const satisfies readonly Hint[];
const requestIds = [undefined, undefined, storedGuid(0xc), storedGuid(0xd)] as const;

/** What a commit expects of its session: what is there, or something else. */
type Expectation = 'what is there' | 'nothing' | 'the one before' | 'the one after';

type SessionStep = {
  readonly kind: 'put' | 'delete';
  readonly name: string;
  readonly expect: Expectation;
  readonly count: number;
  readonly dueMs: Milliseconds | undefined;
  /** True when its history keeps the change. */
  readonly isKept: boolean;
  readonly more: Pick<SessionPut, 'addHints' | 'removeHints' | 'memberRows'>;
};

export type StoreStep =
  | {
      readonly kind: 'commit';
      readonly session: SessionStep | undefined;
      readonly beside: Omit<Batch, 'session'>;
    }
  | {
      readonly kind: 'ask';
      readonly name: string;
      readonly id: string;
      readonly hint: Hint;
      readonly after: string;
      readonly xuids: readonly string[];
      readonly scid: string | undefined;
      readonly nowMs: Milliseconds;
      readonly limit: number;
    };

/** `count` steps, commits of all sorts for the most part, on few enough keys that they meet. */
export function anyStoreSteps(count: number): fc.Arbitrary<readonly StoreStep[]> {
  const name = fc.constantFrom(...names);
  const xuid = fc.constantFrom(...xuids);
  const scid = anyCase(fc.constantFrom(...scids));
  const idFrom = (min: number, max: number) =>
    anyCase(fc.integer({ min, max: max - 1 }).map(storedGuid));
  // A client may choose an id that is taken; one that the server draws is not.
  // Either may name an owner, as those that the server draws for activities do.
  const ownedId = (count: number) =>
    anyCase(
      fc.tuple(xuid, fc.nat({ max: count - 1 })).map(([owner, n]) => {
        return activityIdOf(owner, storedGuid(n));
      }),
    );
  const chosenId = fc.oneof(idFrom(0, idsCount), ownedId(2));
  const drawnId = idFrom(idsCount, 2 * idsCount);
  const id = fc.oneof(idFrom(0, 2 * idsCount), ownedId(4));
  const timeMs = fc.constantFrom(...timesMs);
  const requestId = fc.constantFrom(...requestIds);
  const handle: fc.Arbitrary<Handle> = fc
    .record({
      type: fc.nat({ max: 2 }),
      chosenId,
      drawnId,
      isOwned: fc.boolean(),
      name,
      other: name,
      xuid,
      scid,
      timeMs,
      requestId,
    })
    .map(({ type, chosenId, drawnId, isOwned, name, other, xuid, scid, timeMs, requestId }) => {
      const id = requestId === undefined ? drawnId : chosenId;
      const more = requestId === undefined ? {} : { requestId };
      if (type === 0) {
        const reference = { ...storedReference(name), scid };
        // Drawn anew in each service config.
        const n = 2 + scids.findIndex((each) => same(each, scid));
        const isDrawn = requestId === undefined && isOwned;
        const own = isDrawn ? activityIdOf(xuid, storedGuid(n)) : id;
        return storedActivity(own, name, { ...more, reference, ownerXuid: xuid });
      }
      if (type === 1) return { ...storedTransfer(id, { origin: other, target: name }), ...more };
      return storedInvite(id, name, { ...more, invitedXuid: xuid, expirationMs: timeMs });
    });
  const row: fc.Arbitrary<MemberRow> = fc.record({
    member: fc.record({ xuid, index: fc.nat({ max: 9 }) }).map(({ xuid, index }) => {
      return storedMember(xuid, index);
    }),
    dueMs: fc.option(timeMs, { nil: undefined }),
  });
  const someHints = fc.uniqueArray(fc.constantFrom(...hints));
  const more = fc.record(
    {
      addHints: someHints,
      removeHints: someHints,
      memberRows: fc.record({
        put: fc.uniqueArray(row, { maxLength: 2, selector: ({ member }) => member.xuid }),
        remove: fc.uniqueArray(xuid, { maxLength: 2 }),
      }),
    },
    { requiredKeys: [] },
  );
  const session: fc.Arbitrary<SessionStep> = fc.record({
    kind: fc.constantFrom('put', 'put', 'put', 'delete'),
    name,
    expect: fc.constantFrom<Expectation[]>(
      ...Array<Expectation>(5).fill('what is there'),
      'nothing',
      'the one before',
      'the one after',
    ),
    count: fc.nat(),
    dueMs: fc.option(timeMs, { nil: undefined }),
    isKept: fc.boolean(),
    more,
  });
  const beside = fc.record(
    {
      handle,
      removeHandles: fc.array(id, { maxLength: 2 }),
    },
    { requiredKeys: [] },
  );
  const commit = fc.record({
    kind: fc.constant('commit' as const),
    session: fc.option(session, { nil: undefined }),
    beside,
  });
  const ask = fc.record({
    kind: fc.constant('ask' as const),
    name,
    id,
    hint: fc.constantFrom(...hints),
    after: fc.constantFrom('', ...names.map(storedKey)),
    xuids: fc.array(xuid, { maxLength: 4 }),
    scid: fc.option(scid, { nil: undefined }),
    nowMs: fc.constantFrom(0, ...timesMs, 40),
    limit: fc.nat({ max: idsCount }),
  });
  const step = fc.oneof({ weight: 3, arbitrary: commit }, { weight: 2, arbitrary: ask });
  return fc.array(step, { minLength: count, maxLength: count, size: 'max' });
}

function anyCase(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(text, fc.boolean())
    .map(([given, lower]) => (lower ? given.toLowerCase() : given));
}

/** Takes the steps on `store`, which is empty, and fails where its answers differ from the model's. */
export async function runSteps(store: Store, steps: readonly StoreStep[]): Promise<void> {
  const model = new Model();
  for (const step of steps) {
    if (step.kind === 'commit') await commitBoth(store, model, step);
    else await askBoth(store, model, step);
  }
}

async function commitBoth(
  store: Store,
  model: Model,
  { session: step, beside }: Extract<StoreStep, { kind: 'commit' }>,
): Promise<void> {
  const current = step && model.record(storedKey(step.name));
  const expected = step && revisionOf(step.expect, current?.revision ?? 0);
  const branch = step && model.branchOf(storedKey(step.name));
  const session = step && partOf(step, expected ?? 0, branch ?? '');
  const outcome = await store.commit({ ...beside, ...(session && { session }) });

  const there = beside.handle && model.handle(beside.handle.id);
  if (there && there.requestId !== beside.handle?.requestId) {
    assert.deepEqual(outcome, { kind: 'taken', handle: there });
    return;
  }
  if (session && session.expectRevision !== (current?.revision ?? 0)) {
    assert.deepEqual(outcome, { kind: 'conflict', current });
    return;
  }
  assert.ok(outcome.kind === 'committed');
  if (session?.kind === 'put') {
    const record = (await store.session(session.key)) ?? assert.fail();
    assert.equal(outcome.revision, record.revision);
    if (current) assert.equal(record.revision, current.revision + 1);
    else assert.ok(record.revision > model.revisionMax(session.key), 'the revision is a new one');
    assert.equal(formatJson(record.session), formatJson(session.session));
    model.put(session, record);
    model.keepChange(session);
  } else if (session) {
    // One that deletes nothing changes nothing.
    if (current) model.keepChange(session);
    model.delete(session.key);
  }
  model.apply(beside);
}

function partOf(
  { kind, name, count, dueMs, isKept, more }: SessionStep,
  expectRevision: number,
  branch: string,
): SessionPut | SessionDelete {
  const history = isKept && { history: storedHistory(branch, { change: { count } }) };
  if (kind === 'delete') return { ...deleteOf(name, expectRevision), ...history };
  const time = dueMs !== undefined && { dueMs };
  return { ...putOf(name, expectRevision, { custom: { count }, ...time }), ...more, ...history };
}

function revisionOf(expectation: Expectation, current: number): number {
  switch (expectation) {
    case 'what is there':
      return current;
    case 'nothing':
      return 0;
    case 'the one before':
      return Math.max(0, current - 1);
    case 'the one after':
      return current + 1;
  }
}

async function askBoth(
  store: Store,
  model: Model,
  { name, id, hint, after, xuids, scid, nowMs, limit }: Extract<StoreStep, { kind: 'ask' }>,
): Promise<void> {
  const key = storedKey(name);
  // Before `session`, which may keep what it reads.
  assert.deepEqual(await store.sessions([key]), [model.record(key)]);
  assert.deepEqual(await store.session(key), model.record(key));
  await compareHistory(store, model, key);
  assert.deepEqual(await store.handle(id), model.handle(id));
  assert.deepEqual(byId(await store.handlesFor(key)), byId(model.handlesFor(key)));
  assert.deepEqual(await store.activitiesOf(xuids, scid), model.activitiesOf(xuids, scid));
  assert.deepEqual(
    await store.sessionsBy(hint, limit, after),
    model.sessionsBy(hint, after).slice(0, limit),
  );
  for (const xuid of xuids) {
    assert.deepEqual(await store.memberRow(key, xuid), model.rowOf(key, xuid)?.member);
    assert.deepEqual(byId(await store.invitesOf(xuid)), byId(model.invitesOf(xuid)));
  }
  assert.deepEqual(await store.memberRows(key, 10), model.rowsOf(key));
  const members = await store.memberRowsDue(key, nowMs, limit);
  assert.deepEqual(
    members.map(({ xuid }) => model.rowOf(key, xuid)?.dueMs),
    earliest(model.rowDueTimes(key), nowMs, limit),
  );
  for (const member of members) {
    assert.deepEqual(member, model.rowOf(key, member.xuid)?.member);
  }
  // Of equal times either may come first, so times are compared, and that no key comes twice.
  const due = await store.due(nowMs, limit);
  assert.deepEqual(
    due.map((each) => model.dueMs(each)),
    model.due(nowMs, limit),
  );
  assert.equal(new Set(due).size, due.length);
  const expired = await store.expired(nowMs, limit);
  assert.deepEqual(
    expired.map((each) => expirationOf(model.handle(each))),
    model.expired(nowMs, limit),
  );
  assert.equal(new Set(expired).size, expired.length);
}

async function compareHistory(store: Store, model: Model, key: SessionKey): Promise<void> {
  const branches = model.branchesOf(key);
  assert.deepEqual(await store.historyBranches(key), branches);
  // Those before do not change any more.
  for (const branch of branches.slice(0, 2)) {
    const found = await store.history(key, branch);
    const kept = model.changesOf(key, branch);
    const { changesMax } = storedHistory(branch);
    assert.ok(found.length >= Math.min(kept.length, changesMax), 'the newest are there');
    assert.ok(found.length <= changesMax + historySlack, 'not many more are there');
    assert.deepEqual(
      found.map(({ change }) => change),
      kept.slice(0, found.length),
    );
    const revisions = found.map(({ revision }) => revision);
    assert.deepEqual(
      revisions,
      [...new Set(revisions)].sort((a, b) => b - a),
    );
  }
}

class Model {
  #lives = new Map<SessionKey, number>();
  /** By key and branch, the newest first. */
  #changes = new Map<SessionKey, ReadonlyMap<string, readonly JsonObject[]>>();
  #sessions: readonly {
    readonly key: SessionKey;
    readonly record: SessionRecord;
    readonly dueMs: Milliseconds | undefined;
    readonly hints: ReadonlySet<Hint>;
    readonly rows: readonly MemberRow[];
  }[] = [];
  #revisionsGiven: readonly { readonly key: SessionKey; readonly revision: number }[] = [];
  #handles: readonly Handle[] = [];

  record(key: SessionKey): SessionRecord | undefined {
    return this.#sessions.find((each) => each.key === key)?.record;
  }

  revisionMax(key: SessionKey): number {
    const given = this.#revisionsGiven.filter((each) => each.key === key);
    return Math.max(0, ...given.map(({ revision }) => revision));
  }

  /** That of the session which is there, or of the next one. */
  branchOf(key: SessionKey): string {
    return storedGuid(this.#lives.get(key) ?? 0).toLowerCase();
  }

  branchesOf(key: SessionKey): readonly string[] {
    return [...(this.#changes.get(key)?.keys() ?? [])].reverse();
  }

  changesOf(key: SessionKey, branch: string): readonly JsonObject[] {
    return this.#changes.get(key)?.get(branch) ?? [];
  }

  keepChange({ key, kind, history }: SessionPut | SessionDelete): void {
    if (history !== undefined) {
      const { branch, text } = history;
      const kept = [parseExactJson(text) as JsonObject, ...this.changesOf(key, branch)];
      this.#changes.set(key, new Map([...(this.#changes.get(key) ?? []), [branch, kept]]));
    }
    if (kind === 'delete') this.#lives.set(key, (this.#lives.get(key) ?? 0) + 1);
  }

  put(put: SessionPut, record: SessionRecord): void {
    const { key, dueMs, addHints = [], removeHints = [], memberRows } = put;
    const former = this.#sessions.find((each) => each.key === key);
    const hints = new Set([...(former?.hints ?? []), ...addHints]);
    for (const hint of removeHints) hints.delete(hint);
    const { put: added = [], remove = [] } = memberRows ?? {};
    const kept = (former?.rows ?? []).filter(
      (row) => !added.some(({ member }) => member.xuid === row.member.xuid),
    );
    const rows = [...kept, ...added].filter(({ member }) => !remove.includes(member.xuid));
    this.delete(key);
    this.#sessions = [...this.#sessions, { key, record, dueMs, hints, rows }];
    this.#revisionsGiven = [...this.#revisionsGiven, { key, revision: record.revision }];
  }

  delete(key: SessionKey): void {
    this.#sessions = this.#sessions.filter((each) => each.key !== key);
  }

  apply({ handle, removeHandles = [] }: Omit<Batch, 'session'>): void {
    if (handle && !this.handle(handle.id)) {
      this.#handles = [...this.#handles.filter((one) => !isReplaced(one, handle)), handle];
    }
    for (const id of removeHandles) {
      this.#handles = this.#handles.filter((each) => !same(each.id, id));
    }
  }

  sessionsBy(hint: Hint, after: string): readonly SessionKey[] {
    const found = this.#sessions.filter(({ key, hints }) => hints.has(hint) && key > after);
    return found.map(({ key }) => key).sort();
  }

  rowOf(key: SessionKey, xuid: string): MemberRow | undefined {
    const rows = this.#sessions.find((each) => each.key === key)?.rows;
    return rows?.find(({ member }) => member.xuid === xuid);
  }

  rowsOf(key: SessionKey): readonly Member[] {
    const rows = this.#sessions.find((each) => each.key === key)?.rows ?? [];
    return rows.map(({ member }) => member).sort((a, b) => (a.xuid < b.xuid ? -1 : 1));
  }

  rowDueTimes(key: SessionKey): readonly (Milliseconds | undefined)[] {
    const rows = this.#sessions.find((each) => each.key === key)?.rows ?? [];
    return rows.map(({ dueMs }) => dueMs);
  }

  invitesOf(xuid: string): readonly Handle[] {
    return this.#handles.filter((each) => each.type === 'invite' && each.invitedXuid === xuid);
  }

  handle(id: string): Handle | undefined {
    return this.#handles.find((each) => same(each.id, id));
  }

  handlesFor(key: SessionKey): readonly Handle[] {
    return this.#handles.filter((each) => each.type !== 'invite' && keyOf(each.reference) === key);
  }

  activitiesOf(xuids: readonly string[], scid: string | undefined): readonly Handle[] {
    const activities = this.#handles.filter((each) => each.type === 'activity');
    return xuids
      .filter((xuid, at) => xuids.indexOf(xuid) === at)
      .flatMap((xuid) =>
        scids
          .filter((each) => scid === undefined || same(each, scid))
          .flatMap((each) =>
            activities.filter((one) => one.ownerXuid === xuid && same(one.reference.scid, each)),
          ),
      );
  }

  dueMs(key: SessionKey): Milliseconds | undefined {
    return this.#sessions.find((each) => each.key === key)?.dueMs;
  }

  due(nowMs: Milliseconds, limit: number): readonly Milliseconds[] {
    return earliest(
      this.#sessions.map(({ dueMs }) => dueMs),
      nowMs,
      limit,
    );
  }

  expired(nowMs: Milliseconds, limit: number): readonly Milliseconds[] {
    return earliest(this.#handles.map(expirationOf), nowMs, limit);
  }
}

function earliest(
  times: readonly (Milliseconds | undefined)[],
  nowMs: Milliseconds,
  limit: number,
): readonly Milliseconds[] {
  const come = times.filter((timeMs) => timeMs !== undefined && timeMs <= nowMs);
  return (come as Milliseconds[]).sort((a, b) => a - b).slice(0, limit);
}

function expirationOf(handle: Handle | undefined): Milliseconds | undefined {
  return handle?.type === 'invite' ? handle.expirationMs : undefined;
}

function byId(handles: readonly Handle[]): readonly Handle[] {
  return [...handles].sort((a, b) => (a.id.toLowerCase() < b.id.toLowerCase() ? -1 : 1));
}

/** True of the activity in whose place `next` comes. */
function isReplaced(former: Handle, next: Handle): boolean {
  return (
    former.type === 'activity' &&
    next.type === 'activity' &&
    former.ownerXuid === next.ownerXuid &&
    same(former.reference.scid, next.reference.scid)
  );
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
