/**
 * Every use of the directory, with the n-th call to the store failing or its answer lost, for every
 * n. Then the same request again, as a client would: it must end as if nothing had gone wrong.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeActivity, queryActivitiesOf } from '../../src/activity/activities.ts';
import { pendingActivityInvites, sendActivityInvites } from '../../src/activity/invites.ts';
import { changePeople } from '../../src/directory/change-people.ts';
import { createHandle } from '../../src/directory/create-handle.ts';
import { deleteHandle } from '../../src/directory/delete-handle.ts';
import { catchUpSearch } from '../../src/search/follow-search.ts';
import { queryActivities } from '../../src/directory/query-handles.ts';
import { querySessions } from '../../src/directory/query-sessions.ts';
import { readHandle } from '../../src/directory/read-handle.ts';
import { readSession } from '../../src/directory/read-session.ts';
import { searchHandles } from '../../src/directory/search-handles.ts';
import { sweep } from '../../src/directory/sweep.ts';
import type { Context } from '../../src/directory/context.ts';
import { writeSession } from '../../src/directory/write-session.ts';
import type { UserCaller } from '../../src/domain/caller.ts';
import { parseHandleRequest } from '../../src/domain/handle/request.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import type { ListRequest, OwnListName } from '../../src/domain/people/list.ts';
import { parseSessionQuery } from '../../src/domain/query/session-query.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { oldestFirst } from '../../src/domain/search/order.ts';
import { parseSessionRequest } from '../../src/domain/session/request.ts';
import { viewSession } from '../../src/domain/session/view.ts';
import { endPresence, noteHeartbeat, readPresence } from '../../src/neighbours/presence.ts';
import { gamertagOf, findByGamertag, storeSeenNames } from '../../src/neighbours/profiles.ts';
import { noteEncounters, readRecentPlayers } from '../../src/neighbours/recent-players.ts';
import { storedPeople } from '../../src/people/stored-people.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import { StoreUnavailable } from '../../src/store/store.ts';
import { demoScid } from '../../src/testing/demo.ts';
import { faultAt, type Fault, faultyStore } from '../../src/testing/faulty-store.ts';
import { manualClock, type ManualClock } from '../../src/testing/manual-clock.ts';
import { openTestContexts } from '../../src/testing/test-context.ts';

const user = (n: number): UserCaller => ({ kind: 'user', xuid: String(n), sandbox: 'RETAIL' });
const [ada, ben] = [user(1), user(2)];
const lobby = { scid: demoScid, templateName: 'deathmatch', name: 'lobby' };
const game = { ...lobby, name: 'game' };
const hall = { ...lobby, templateName: 'blank', name: 'hall' };
const guid = (n: number): string => `11111111-0000-4000-8000-00000000000${n}`;
const active = { members: { me: { properties: { system: { active: true } } } } };

async function put(context: Context, caller: UserCaller, body: JsonObject, reference = lobby) {
  const request = parseSessionRequest(body, 107);
  assert.ok(!(request instanceof Refusal));
  const written = await writeSession(context, {
    reference,
    request,
    preconditions: {},
    caller,
    onlyExisting: false,
  });
  // A second leave is refused, since the first one happened: for a client that is as good.
  assert.ok(!(written instanceof Refusal) || written.code === 'notAMember', String(written));
}

async function post(context: Context, caller: UserCaller, body: JsonObject) {
  const request = parseHandleRequest({ version: 1, sessionRef: lobby, ...body });
  assert.ok(!(request instanceof Refusal));
  const made = await createHandle(context, request, caller);
  assert.ok(!(made instanceof Refusal));
}

async function change(
  context: Context,
  kind: ListRequest['kind'],
  xuids: readonly string[],
  list: OwnListName = 'follows',
) {
  assert.equal(await changePeople(context, ada.xuid, list, { kind, xuids }, ada), undefined);
}

type Use = {
  readonly name: string;
  readonly before: (context: Context, clock: ManualClock) => Promise<unknown>;
  readonly act: (context: Context) => Promise<unknown>;
};

const searchable = async (context: Context): Promise<void> => {
  const constants = { system: { capabilities: { searchable: true } } };
  await put(context, ada, { constants, ...active }, hall);
};

const found = async (context: Context): Promise<void> => {
  await searchable(context);
  await post(context, ada, { type: 'search', id: guid(6), sessionRef: hall });
};

const together = async (context: Context): Promise<void> => {
  await put(context, ada, active);
  await put(context, ben, active);
  await put(context, ada, active, game);
  await post(context, ada, { type: 'activity', id: guid(1) });
};

const keyword = { properties: { system: { keywords: ['k'] } } };

const uses: readonly Use[] = [
  { name: 'creating', before: async () => {}, act: (context) => put(context, ada, active) },
  {
    name: 'joining',
    before: (context) => put(context, ada, active),
    act: (context) => put(context, ben, active),
  },
  {
    name: 'writing properties',
    before: together,
    act: (context) => put(context, ada, { properties: { custom: { map: 'atoll' } } }),
  },
  {
    name: 'leaving',
    before: together,
    act: (context) => put(context, ada, { members: { me: null } }),
  },
  {
    name: 'leaving last, which ends the session',
    before: async (context) => {
      await together(context);
      await put(context, ben, { members: { me: null } });
    },
    act: (context) => put(context, ada, { members: { me: null } }),
  },
  {
    name: 'setting an activity',
    before: together,
    act: (context) => post(context, ben, { type: 'activity', id: guid(2) }),
  },
  {
    name: 'replacing an activity',
    before: together,
    act: (context) => post(context, ada, { type: 'activity', id: guid(3), sessionRef: game }),
  },
  {
    name: 'inviting',
    before: together,
    act: (context) =>
      post(context, ada, {
        type: 'invite',
        id: guid(4),
        invitedXuid: '9',
        inviteAttributes: { titleId: '1' },
      }),
  },
  {
    name: 'making a transfer handle',
    before: together,
    act: (context) =>
      post(context, ada, {
        type: 'transfer',
        id: guid(5),
        sessionRef: game,
        originSessionRef: lobby,
      }),
  },
  {
    name: 'deleting a handle',
    before: together,
    act: (context) => deleteHandle(context, guid(1), ada),
  },
  {
    name: 'making a search handle',
    before: searchable,
    act: (context) => post(context, ada, { type: 'search', id: guid(6), sessionRef: hall }),
  },
  {
    name: 'replacing a search handle',
    before: found,
    act: (context) => post(context, ada, { type: 'search', id: guid(7), sessionRef: hall }),
  },
  {
    name: 'deleting a search handle',
    before: found,
    act: (context) => deleteHandle(context, guid(6), ada),
  },
  {
    name: 'joining a session with a search handle',
    before: found,
    act: (context) => put(context, ben, active, hall),
  },
  {
    name: 'ending a session with a search handle',
    before: found,
    act: (context) => put(context, ada, { members: { me: null } }, hall),
  },
  {
    name: 'settling by a read',
    before: async (context, clock) => {
      await put(context, ada, { members: { me: {} } });
      await put(context, ben, active);
      clock.advance(900_000);
    },
    act: (context) => readSession(context, lobby, ben),
  },
  {
    name: 'sweeping',
    before: async (context, clock) => {
      await put(context, ada, { members: { me: {} } });
      await put(context, ada, { members: { me: {} } }, game);
      clock.advance(900_000);
    },
    act: sweep,
  },
  {
    name: 'following',
    before: (context) => change(context, 'add', ['3']),
    act: (context) => change(context, 'add', ['2', '3', '4']),
  },
  {
    name: 'unfollowing',
    before: (context) => change(context, 'add', ['2', '3', '4']),
    act: (context) => change(context, 'remove', ['2', '4']),
  },
  {
    name: 'making a favourite',
    before: (context) => change(context, 'add', ['2', '3']),
    act: (context) => change(context, 'favor', ['2']),
  },
  {
    name: 'blocking',
    before: async () => {},
    act: (context) => change(context, 'add', ['2'], 'avoids'),
  },
  {
    name: 'setting what a user plays',
    before: (context) => play(context, '3'),
    act: (context) => play(context, '4', 'there'),
  },
  {
    name: 'ending what a user plays',
    before: (context) => play(context, '3'),
    act: (context) => changeActivity(context, '1', '7', { sequenceNumber: '4' }, ada),
  },
  {
    name: 'inviting into an activity',
    before: (context) => play(context, '3'),
    act: (context) => sendActivityInvites(context, '7', '1', { invitedUsers: ['2', '9'] }, ada),
  },
  {
    name: 'noting recent players',
    before: (context) => noteEncounters(context, '7', new Map([['1', [met('2', 1)]]])),
    act: (context) =>
      noteEncounters(
        context,
        '7',
        new Map([
          ['1', [met('3', 2)]],
          ['2', [met('1', 2)]],
        ]),
      ),
  },
  { name: 'a heartbeat', before: async () => {}, act: (context) => beat(context, 'active') },
  {
    name: 'another heartbeat',
    before: (context) => beat(context, 'active'),
    act: (context) => beat(context, 'inactive'),
  },
  {
    name: 'the end of a presence',
    before: (context) => beat(context, 'active'),
    act: (context) => endPresence(context, { ...ada, titleId: '7' }),
  },
  {
    name: 'storing gamertags',
    before: (context) => name(context, 'Eve'),
    act: (context) => name(context, 'Ada'),
  },
  {
    name: 'a query for sessions',
    before: async (context, clock) => {
      await put(context, ada, { ...keyword, members: { me: {} } });
      await put(context, ben, active);
      clock.advance(900_000);
    },
    act: findSessions,
  },
];

function play(context: Context, sequenceNumber: string, connectionString = 'here') {
  const activity = { connectionString, joinRestriction: 'Public' } as const;
  return changeActivity(context, '1', '7', { sequenceNumber, activity }, ada);
}

function met(xuid: string, metMs: number) {
  return { xuid, metMs, type: 'Default' } as const;
}

function beat(context: Context, state: 'active' | 'inactive') {
  return noteHeartbeat(context, { ...ada, titleId: '7' }, { state, placement: 'full' });
}

async function name(context: Context, gamertag: string) {
  context.names.note('1', gamertag);
  return storeSeenNames(context);
}

/** What is kept beside the sessions, as a node that has seen nobody knows it. */
async function visibleRecords(context: Context): Promise<unknown> {
  const other = makeContext(context.store, { clock: context.clock });
  const invites = await pendingActivityInvites(other, '9', () => true);
  return {
    played: await queryActivitiesOf(other, ['1'], undefined, ben),
    invites: invites.map(({ data }) => data),
    recent: [await readRecentPlayers(other, '1'), await readRecentPlayers(other, '2')],
    presence: await readPresence(other, '1'),
    gamertags: [
      await gamertagOf(other, '1'),
      await findByGamertag(other, 'ada', 9),
      await findByGamertag(other, 'eve', 9),
    ],
  };
}

async function findSessions(context: Context): Promise<readonly (string | undefined)[]> {
  const query = parseSessionQuery([['keyword', 'k']]);
  assert.ok(!(query instanceof Refusal));
  const found = await querySessions(context, { scid: demoScid }, query, ben);
  assert.ok(!(found instanceof Refusal));
  return found.map(({ session }) => session.reference.name);
}

/** All that callers can see, without what differs by when and how often something was tried. */
async function visible(context: Context): Promise<unknown> {
  const sessions = await Promise.all(
    [lobby, game, hall].map(async (reference) => {
      const session = await readSession(context, reference, {
        kind: 'service',
        name: 's',
        sandbox: 'RETAIL',
      });
      if (session === undefined || session instanceof Refusal) return session;
      const { branch, changeNumber, ...document } = viewSession(session, 107);
      return document;
    }),
  );
  const handles = await Promise.all(
    [1, 2, 3, 4, 5, 6, 7].map(async (n) => {
      const handle = await readHandle(context, guid(n), {
        kind: 'service',
        name: 's',
        sandbox: 'RETAIL',
      });
      return handle instanceof Refusal ? handle.code : handle.type;
    }),
  );
  const activities = await queryActivities(context, { owners: { xuids: ['1', '2'] } }, ben);
  assert.ok(!(activities instanceof Refusal));
  const search = await searchHandles(
    context,
    { scid: demoScid, order: oldestFirst, take: 100 },
    ben,
    { relatedInfo: true, roleInfo: false, customProperties: false },
  );
  assert.ok(!(search instanceof Refusal));
  const lists = await Promise.all(
    ['1', '2', '3', '4'].flatMap((xuid) =>
      (['follows', 'followers', 'avoids'] as const).map((list) => context.people.list(xuid, list)),
    ),
  );
  return {
    sessions,
    handles,
    activities: activities.map(({ handle }) => handle.id),
    found: search.results.map((text) => {
      const { id, relatedInfo } = JSON.parse(text);
      return [id, relatedInfo.membersCount];
    }),
    foundSessions: await findSessions(context),
    lists,
    records: await visibleRecords(context),
  };
}

const makeContext = await openTestContexts();

async function end(use: Use, number: number, fault: Fault | undefined) {
  const clock = manualClock();
  const store = openMemoryStore();
  const healthy = makeContext(store, { clock });
  await use.before(healthy, clock);
  // So that the index is what the commits make it, and not what the first search finds.
  await catchUpSearch(healthy);
  const line = faultyStore(store, fault === undefined ? () => undefined : faultAt(number, fault));
  const faulty = { ...healthy, store: line, people: storedPeople(line, { clock }) };
  await use
    .act(faulty)
    .catch((error) => assert.ok(error instanceof StoreUnavailable, String(error)));
  const callsCount = line.callsCount;
  if (fault !== undefined) await use.act(healthy);
  return { callsCount, visible: await visible(healthy) };
}

for (const use of uses) {
  test(`${use.name}: any call to the store may fail or lose its answer`, async () => {
    const expected = await end(use, 0, undefined);
    assert.ok(expected.callsCount > 0);
    for (const fault of ['fails', 'losesAnswer'] as const) {
      for (let number = 1; number <= expected.callsCount; number += 1) {
        const actual = await end(use, number, fault);
        assert.deepEqual(actual.visible, expected.visible, `call ${number} ${fault}`);
      }
    }
  });
}
