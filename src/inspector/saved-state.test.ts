/** The saved state as a whole: what one server saves, another one loads and saves again. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { JsonObject } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import { keyOf } from '../domain/session/reference.ts';
import { type RunningServer, type ServerOptions, startServer } from '../server.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import type { Store } from '../store/store.ts';
import { demoScid, demoTitleId, Kit, type KitUser } from '../testing/kit.ts';
import { type ManualClock, manualClock } from '../testing/manual-clock.ts';
import { openTestContexts } from '../testing/test-context.ts';
import type { LoadedState, SavedState } from './api-types.ts';
import { loadState, parseState, saveState } from './saved-state.ts';

const adminToken = 'a-token-of-this-test-0123456789abcdef';
const admin = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };

type Server = { readonly server: RunningServer; readonly kit: Kit; readonly clock: ManualClock };

async function start(more: Pick<ServerOptions, 'store' | 'data'>): Promise<Server> {
  const clock = manualClock(Date.UTC(2026, 0, 1));
  const server = await startServer({
    port: 0,
    ...more,
    clock,
    control: true,
    tapWindowMs: 0,
    adminToken,
  });
  return { server, kit: new Kit(server.url, undefined), clock };
}

let first: Server;
/** Another kind of store: a file does not depend on it. */
let second: Server;
let folder = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'openmpsd-state-'));
  [first, second] = await Promise.all([
    start({ store: 'memory' }),
    start({ store: 'sqlite', data: folder }),
  ]);
});

after(async () => {
  await Promise.all([first.server.close(), second.server.close()]);
  await rm(folder, { recursive: true, force: true });
});

type RecordEntry = NonNullable<SavedState['records']>[number];

async function save({ server }: Server): Promise<SavedState> {
  const answer = await fetch(`${server.url}/inspector/api/v1/state`);
  assert.equal(answer.status, 200);
  const state = (await answer.json()) as SavedState;
  return { ...state, ...(state.records && { records: state.records.map(withoutPopulation) }) };
}

/** The matcher counts by itself, and at any time, how many wait. */
function withoutPopulation(record: RecordEntry): RecordEntry {
  const isCounted = 'population' in record.value;
  return isCounted ? { ...record, value: { ...record.value, population: 0 } } : record;
}

async function load({ server }: Server, state: unknown): Promise<LoadedState> {
  const answer = await fetch(`${server.url}/inspector/api/v1/state`, {
    method: 'PUT',
    body: JSON.stringify(state),
  });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return JSON.parse(text) as LoadedState;
}

async function search(user: KitUser, kit: Kit): Promise<void> {
  const reference = kit.reference('LobbySession');
  assert.equal((await user.join(reference)).status, 201);
  const ticket = await user.request('POST', `/serviceconfigs/${demoScid}/hoppers/quick`, {
    body: { giveUpDuration: 120, preserveSession: 'never', ticketSessionRef: reference },
  });
  assert.equal(ticket.status, 200, ticket.text);
}

/** Something of everything that a store keeps. */
async function fill({ server, kit }: Server): Promise<KitUser> {
  const [ada, ben, cleo, dan] = ['ada', 'ben', 'cleo', 'dan'].map((name) => kit.user(name)) as [
    KitUser,
    KitUser,
    KitUser,
    KitUser,
  ];
  const lfg = kit.reference('lfg');
  await ada.join(lfg, { roles: { class: 'tank' } });
  await ben.join(lfg);
  await ada.putSession(lfg, { members: { 1: null } });
  await ada.postHandle({
    version: 1,
    type: 'search',
    sessionRef: lfg,
    searchAttributes: { tags: ['a'] },
  });
  const large = kit.reference('large');
  await ada.join(large);
  await ben.join(large);
  const game = kit.reference('GameSession');
  await ada.putSession(game, {
    constants: {
      system: {
        memberInitialization: { joinTimeout: 30_000, membersNeededToStart: 1 },
        capabilities: { connectivity: true },
      },
    },
    properties: { custom: { exact: 1, map: 'atoll' }, system: { keywords: ['ranked'] } },
    members: {
      me: {
        constants: { system: { initialize: true }, custom: { skin: 7 } },
        properties: {
          system: {
            active: true,
            connection: '6f1c8f4e-2c3b-4a63-9d6b-000000000001',
            secureDeviceAddress: 'YWRh',
            subscription: { id: 'x', changeTypes: ['host', 'everything'] },
            measurements: { [ben.xuid]: { latency: 3.5 } },
          },
        },
      },
      reserve_0: { constants: { system: { xuid: ben.xuid } } },
    },
  });
  await kit
    .service()
    .putSession(game, { servers: { dedicated: { properties: { custom: { a: 1 } } } } });
  await ada.postHandle({ version: 1, type: 'activity', sessionRef: large });
  await ada.postHandle({
    version: 1,
    type: 'invite',
    sessionRef: lfg,
    invitedXuid: cleo.xuid,
    inviteAttributes: { titleId: demoTitleId },
  });
  await ada.follow(ben);
  await search(cleo, kit);
  const own = `/titles/${demoTitleId}/users/${ada.xuid}/activities`;
  const activity = { sequenceNumber: '7', connectionString: 'conn=1', joinRestriction: 'Followed' };
  const put = await ada.request('PUT', own, { body: activity });
  assert.equal(put.status, 204, put.text);
  await ada.request('POST', `/titles/${demoTitleId}/invites`, {
    body: { invitedUsers: [ben.xuid] },
  });
  await ada.request('POST', '/users/me/devices/current/titles/current', {
    body: { state: 'active' },
  });
  const ban = await fetch(`${server.url}/admin/users/${dan.xuid}/ban`, {
    method: 'PUT',
    headers: admin,
    body: JSON.stringify({ seconds: 3_600, reason: 'a test' }),
  });
  assert.ok(ban.ok, await ban.text());
  await server.sweep();
  return dan;
}

// Kills: a table that is not saved, a part of a session that a shape does not know, a due time that is lost.
test('what another server loads, it saves as the same file', async () => {
  const banned = await fill(first);
  const state = await save(first);
  assert.deepEqual(
    [...new Set(state.records?.map(({ table }) => table))],
    ['matchmaking', 'activities', 'activityInvites', 'presence', 'bans'],
  );
  const loaded = await load(second, state);
  assert.equal(loaded.recordsCount, state.records?.length);
  assert.deepEqual(await save(second), state);
  // Again onto what is there: only the change numbers of the sessions rise.
  await load(second, state);
  const again = await save(second);
  assert.deepEqual(again.records, state.records);
  assert.equal(again.sessions.length, state.sessions.length);

  const other = second.kit.user('x', { xuid: banned.xuid });
  assert.equal((await other.join(second.kit.reference())).refusal, 'banned');
  // The ticket that was loaded waits for another one, and its session shows the match.
  const eve = second.kit.user('eve');
  await search(eve, second.kit);
  await second.server.sweep();
  const after = await save(second);
  const statuses = after.records
    ?.filter(({ value }) => value['kind'] === 'ticket')
    .map(({ value }) => value['status']);
  assert.deepEqual(statuses, ['found', 'found']);
  // And what is not in a file is not there afterwards; the ban ends at once.
  await load(second, { ...state, records: [] });
  assert.deepEqual((await save(second)).records, []);
  assert.notEqual((await other.join(second.kit.reference())).refusal, 'banned');
});

test('a file without records leaves those that are there', async () => {
  const state = await save(first);
  const { records, ...rest } = state;
  await load(second, state);
  assert.equal((await load(second, rest)).recordsCount, 0);
  assert.deepEqual((await save(second)).records, records);
});

// Kills: the first problem alone, an unknown member that is kept, a record of a table that is not known; a key
// that is read of an item that does not fit, or a kind that every object has.
test('every place of a file that does not fit is named, and nothing is loaded', async () => {
  const state = await save(first);
  const [session, ...others] = state.sessions as [JsonObject, ...JsonObject[]];
  const [record] = state.records ?? [];
  assert.ok(record);
  const broken = {
    ...state,
    sessions: [
      { ...session, colour: 'red', changeNumber: 0, members: [{ xuid: 'x' }] },
      ...others,
      { ...session, reference: { scid: demoScid, templateName: 7, name: 'one' } },
      others[0],
    ],
    handles: [
      { ...state.handles[0], extra: 1 },
      { ...state.handles[0], id: { toString: 1 } },
      { ...state.handles[0], type: { toString: 1 } },
    ],
    records: [
      { ...record, value: { ...record.value, status: 'lost' } },
      { ...record, value: { kind: 'constructor' } },
      { ...record, value: { kind: { toString: 1 } } },
      { ...record, table: 'x' },
    ],
  };
  const before = await save(second);
  // The lists are looked at once the outer shape fits.
  const outer = parseState(JSON.stringify(broken), 'refuse');
  assert.ok(outer instanceof Refusal);
  assert.match(outer.text, /^\$\.records\[3\]\.table: Expected one of "matchmaking"/);
  const text = JSON.stringify({ ...broken, records: broken.records.slice(0, -1) });
  assert.ok(parseState(text, 'keep') instanceof Refusal);
  const refused = await fetch(`${second.server.url}/inspector/api/v1/state`, {
    method: 'PUT',
    body: text,
  });
  const said = await refused.text();
  assert.equal(refused.status, 400, said);
  for (const place of [
    '$.sessions[0].colour: This member is not known here',
    '$.sessions[0].changeNumber: Expected an integer of at least 1',
    '$.sessions[0].members[0].xuid: Expected a xuid',
    '$.sessions[0].members[0].index: This member is missing',
    `$.sessions[${others.length + 1}].reference.templateName: Expected a name`,
    `$.sessions[${others.length + 2}]: ${keyOf(others[0]?.['reference'] as never)} is there twice`,
    '$.handles[0].extra: This member is not known here',
    '$.handles[1].id: Expected a GUID',
    '$.handles[2].type: Expected one of "activity"',
    '$.records[0].value.status: Expected one of "searching"',
    '$.records[1].value.kind: no record of "matchmaking" is like this',
    '$.records[2].value.kind: no record of "matchmaking" is like this',
  ]) {
    assert.ok(said.includes(place), `${place} is not in: ${said}`);
  }
  assert.deepEqual(await save(second), before);
  // By the policy "keep" a session may have what nobody knows, as it may on the wire.
  const kept = { ...state, sessions: [{ ...session, colour: 'red' }, ...others] };
  assert.ok(!(parseState(JSON.stringify(kept), 'keep') instanceof Refusal));
});

// Kills: a ban that no request finds, a record that is never due and so never read, saved or removed again, a
// ticket in a hopper that is not its own.
test('a record whose service would not find it is refused', async () => {
  const state = await save(first);
  const broken = (state.records ?? []).map(({ dueMs, ...record }) => ({
    ...record,
    group: `${record.group}x`,
    id: `${record.id}x`,
  }));
  const refusal = parseState(JSON.stringify({ ...state, records: broken }), 'refuse');
  assert.ok(refusal instanceof Refusal);
  const expected = broken.flatMap(({ table, value }, n) => {
    const place = `$.records[${n}]`;
    if (value['kind'] === 'statistics') return [];
    if (table === 'matchmaking') {
      const hopper = state.records?.[n]?.group;
      return [`${place}.group: Expected that of the hopper, "${hopper}".`];
    }
    const missing = `${place}.dueMs: This member is missing.`;
    if (table !== 'bans') return [missing];
    return [
      missing,
      `${place}.group: Expected "all".`,
      `${place}.id: Expected the xuid of the ban.`,
    ];
  });
  assert.equal(refusal.text, expected.join(' '));
});

const makeContext = await openTestContexts();
const movedTo: number[] = [];
const loading = {
  isShared: false,
  moveClock: (toMs: number): void => void movedTo.push(toMs),
  forgetRecords: async () => undefined,
};

/** An empty store, but for these methods. */
function storeWith(methods: Partial<Store>): Store {
  return new Proxy<Store>(openMemoryStore(), {
    get(target, name) {
      const member: unknown = Reflect.get(Object.hasOwn(methods, name) ? methods : target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

// Kills: a file in which a part of the store is missing, a load that leaves a part of it, and a refused load that
// has moved the clock.
test('a store with more than is read at once is refused, before anything of it is removed', async () => {
  const crowd = Array.from({ length: 100_001 }, (_, n) => n);
  const fails = (): never => assert.fail('it is written to');
  const unwritten = { commit: fails, commitRecords: fails };
  const records = storeWith({
    ...unwritten,
    dueRecords: async (table, _nowMs, limit) =>
      crowd.slice(0, table === 'presence' ? limit : 0).map((n) => ({ group: 'a', id: `${n}` })),
  });
  const invites = storeWith({
    ...unwritten,
    expired: async (_nowMs, limit) => crowd.slice(0, limit).map(String),
  });
  const parsed = parseState(JSON.stringify(await save(first)), 'refuse');
  assert.ok(!(parsed instanceof Refusal));
  for (const [store, what] of [
    [records, '100000 records of "presence"'],
    [invites, '100000 invites'],
  ] as const) {
    const context = makeContext(store);
    for (const refusal of [await saveState(context), await loadState(context, parsed, loading)]) {
      assert.ok(refusal instanceof Refusal);
      assert.equal(refusal.code, 'tooManyItems');
      assert.ok(refusal.text.startsWith(`The store holds more than ${what}:`), refusal.text);
    }
  }
  assert.deepEqual(movedTo, []);
});

// Kills: a refusal that reads as if nothing had been loaded.
test('a session that changes all the time is refused with what is loaded already', async () => {
  const store = storeWith({ commit: async () => ({ kind: 'conflict', current: undefined }) });
  const parsed = parseState(JSON.stringify(await save(first)), 'refuse');
  assert.ok(!(parsed instanceof Refusal));
  const refusal = await loadState(makeContext(store), parsed, loading);
  assert.ok(refusal instanceof Refusal);
  assert.equal(refusal.code, 'tooBusy');
  assert.match(
    refusal.text,
    /changes all the time\. A part of the file is loaded; load the file again\.$/,
  );
});
