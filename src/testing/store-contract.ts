/**
 * The promises of `Store`, as tests that run on every store there is. The outcome of a run names
 * the store, so that CI can tell that each was there.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as endOfRound } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { ActivityHandle, Handle } from '../domain/handle/handle.ts';
import { formatJson, isRawNumber, parseExactJson, type JsonObject } from '../domain/json.ts';
import type { SessionKey } from '../domain/session/reference.ts';
import type { Member } from '../domain/session/session.ts';
import {
  StoreUnavailable,
  type CommitSuccess,
  type Hint,
  type ListEntry,
  type PendingTaps,
  type SessionPut,
  type Store,
} from '../store/store.ts';
import { testHistory } from './history-contract.ts';
import { testRecords } from './record-contract.ts';
import { anyStoreSteps, runSteps } from './store-model.ts';
import {
  deleteOf,
  putOf,
  storedActivity,
  storedGuid,
  storedInvite,
  storedKey,
  storedMember,
  storedScid,
  storedSession,
  storedTransfer,
} from './store-samples.ts';

const committed: CommitSuccess = { kind: 'committed' };
const otherScid = '00000000-0000-4000-8000-0000000000AB';
/** For what a store does after its answer; a busy machine takes its time. */
const patienceMs = 60_000;

/**
 * Defines the tests; `open` opens an empty store each time it is called. Of a store that is far
 * away fewer random steps are asked.
 */
export function testStoreContract(
  name: string,
  open: () => Promise<Store>,
  { mixedStepsCount = 10_000 } = {},
): void {
  describe(`store contract: ${name}`, () => {
    describe('sessions', () => testSessions(open));
    describe('writers in each other’s way', () => testRaces(open));
    describe('title data', () => testTitleData(open));
    describe('handles', () => testHandles(open));
    describe('activities', () => testActivities(open));
    describe('invites', () => testInvites(open));
    describe('times', () => testTimes(open));
    describe('what is known here', () => testRecent(open));
    describe('hints', () => testHints(open));
    describe('members of large sessions', () => testMemberRows(open));
    describe('search changes', () => testSearchChanges(open));
    describe('lists', () => testLists(open));
    describe('records', () => testRecords(open, mixedStepsCount / 5));
    describe('history', () => testHistory(open));
    describe('nodes', () => testNodes(open));
    describe('sightings', () => testSightings(open));
    describe('batches', () => testBatches(open));
    describe('life', () => testLife(open));
    describe('laws', () => testLaws(open, mixedStepsCount));
  });
}

type OpenStore = () => Promise<Store>;

function testSessions(open: OpenStore): void {
  test('a key without a record has none', async () => {
    await using store = await open();
    assert.equal(await store.session(storedKey('a')), undefined);
  });

  test('what is put is there, from revision 1, and each put raises it by one', async () => {
    await using store = await open();
    for (const expectRevision of [0, 1, 2]) {
      const put = putOf('a', expectRevision, { custom: { turn: expectRevision } });
      const revision = expectRevision + 1;
      assert.deepEqual(await store.commit({ session: put }), { ...committed, revision });
      assert.deepEqual(await store.session(put.key), {
        revision,
        session: put.session,
      });
    }
  });

  test('records of different keys do not meet', async () => {
    await using store = await open();
    await store.commit({ session: putOf('a', 0, { custom: { is: 'a' } }) });
    await store.commit({ session: putOf('b', 0, { custom: { is: 'b' } }) });
    await store.commit({ session: deleteOf('b', 1) });
    assert.deepEqual((await store.session(storedKey('a')))?.session.properties.custom, { is: 'a' });
    assert.equal(await store.session(storedKey('b')), undefined);
  });

  test('a put that expects another revision conflicts, with the record as it stands', async () => {
    await using store = await open();
    await store.commit({ session: putOf('a', 0) });
    await store.commit({ session: putOf('a', 1, { custom: { by: 'winner' } }) });
    const current = { revision: 2, session: storedSession('a', { by: 'winner' }) };
    for (const expectRevision of [0, 1, 3]) {
      const put = putOf('a', expectRevision, { custom: { by: 'loser' } });
      assert.deepEqual(await store.commit({ session: put }), { kind: 'conflict', current });
      assert.deepEqual(await store.session(storedKey('a')), current);
    }
  });

  test('a put that expects a record where none is conflicts, and creates nothing', async () => {
    await using store = await open();
    assert.deepEqual(await store.commit({ session: putOf('a', 1) }), {
      kind: 'conflict',
      current: undefined,
    });
    assert.equal(await store.session(storedKey('a')), undefined);
  });

  test('what is deleted is gone', async () => {
    await using store = await open();
    await store.commit({ session: putOf('a', 0, { dueMs: 5 }) });
    const outcome = await store.commit({ session: deleteOf('a', 1) });
    assert.deepEqual(outcome, { ...committed, revision: 2 });
    assert.equal(await store.session(storedKey('a')), undefined);
    assert.deepEqual(await store.due(5, 10), []);
  });

  test('a delete that expects another revision conflicts, and deletes nothing', async () => {
    await using store = await open();
    await store.commit({ session: putOf('a', 0) });
    const current = { revision: 1, session: storedSession('a') };
    for (const expectRevision of [0, 2]) {
      assert.deepEqual(await store.commit({ session: deleteOf('a', expectRevision) }), {
        kind: 'conflict',
        current,
      });
    }
    assert.deepEqual(await store.session(storedKey('a')), current);
  });

  test('a delete that expects nothing where nothing is, is done', async () => {
    await using store = await open();
    assert.deepEqual(await store.commit({ session: deleteOf('a', 0) }), committed);
    assert.equal(await store.session(storedKey('a')), undefined);
  });

  test('a writer from before a delete gets a conflict', async () => {
    await using store = await open();
    await store.commit({ session: putOf('a', 0) });
    await store.commit({ session: deleteOf('a', 1) });
    for (const session of [putOf('a', 1), deleteOf('a', 1)]) {
      assert.deepEqual(await store.commit({ session }), { kind: 'conflict', current: undefined });
    }
  });

  test('a writer from before a delete does not write into the next life', async () => {
    await using store = await open();
    await store.commit({ session: putOf('a', 0, { custom: { life: 1 } }) });
    await store.commit({ session: putOf('a', 1, { custom: { life: 1 } }) });
    await store.commit({ session: deleteOf('a', 2) });
    await store.commit({ session: putOf('a', 0, { custom: { life: 2 } }) });
    const current = await store.session(storedKey('a'));
    assert.deepEqual(current?.session, storedSession('a', { life: 2 }));
    for (const session of [1, 2].flatMap((late) => [putOf('a', late), deleteOf('a', late)])) {
      assert.deepEqual(await store.commit({ session }), { kind: 'conflict', current });
    }
    assert.deepEqual(await store.session(storedKey('a')), current);
  });

  test('a session that was created again is written and deleted as any other', async () => {
    await using store = await open();
    let expectRevision = 0;
    for (const life of [1, 2, 3]) {
      const begun = await store.commit({ session: putOf('a', 0, { custom: { life } }) });
      const { revision } = (await store.session(storedKey('a'))) ?? assert.fail();
      assert.ok(revision > expectRevision);
      assert.deepEqual(begun, { ...committed, revision });
      expectRevision = revision + 1;
      const written = await store.commit({ session: putOf('a', revision) });
      assert.deepEqual(written, { ...committed, revision: expectRevision });
      assert.equal((await store.session(storedKey('a')))?.revision, expectRevision);
      const ended = await store.commit({ session: deleteOf('a', expectRevision) });
      assert.deepEqual(ended, { ...committed, revision: expectRevision + 1 });
    }
  });
}

function testRaces(open: OpenStore): void {
  test('of many who create a session at once, one wins and the others are shown it', async () => {
    await using store = await open();
    const writers = [...Array(20).keys()];
    const outcomes = await Promise.all(
      writers.map((by) => store.commit({ session: putOf('a', 0, { custom: { by } }) })),
    );
    const winners = writers.filter((by) => outcomes[by]?.kind === 'committed');
    assert.equal(winners.length, 1);
    const current = { revision: 1, session: storedSession('a', { by: winners[0] ?? null }) };
    assert.deepEqual(await store.session(storedKey('a')), current);
    for (const outcome of outcomes.filter(({ kind }) => kind === 'conflict')) {
      assert.deepEqual(outcome, { kind: 'conflict', current });
    }
  });

  test('of many who change or delete a session at once, one wins', async () => {
    await using store = await open();
    await store.commit({ session: putOf('a', 0) });
    const outcomes = await Promise.all(
      [...Array(20).keys()].map((by) =>
        store.commit({
          session: by % 2 === 0 ? putOf('a', 1, { custom: { by } }) : deleteOf('a', 1),
          handle: storedActivity(storedGuid(by), 'a'),
        }),
      ),
    );
    const winners = [...outcomes.keys()].filter((by) => outcomes[by]?.kind === 'committed');
    assert.equal(winners.length, 1);
    const winner = winners[0] ?? assert.fail();
    const current = await store.session(storedKey('a'));
    assert.deepEqual(
      current?.session,
      winner % 2 === 0 ? storedSession('a', { by: winner }) : undefined,
    );
    const handles = await store.handlesFor(storedKey('a'));
    assert.deepEqual(idsOf(handles), [storedGuid(winner)]);
  });

  test('no increment of a counter is lost, and its readers never see it go back', async () => {
    await using store = await open();
    await store.commit({ session: putOf('a', 0, { custom: { count: 0 } }) });
    let done = false;
    const writers = [...Array(8).keys()].map(async () => {
      for (let step = 0; step < 10; ) {
        const { revision, session } = (await store.session(storedKey('a'))) ?? assert.fail();
        const count = Number(session.properties.custom.count) + 1;
        const outcome = await store.commit({
          session: putOf('a', revision, { custom: { count } }),
        });
        if (outcome.kind === 'committed') step += 1;
      }
    });
    const reader = (async () => {
      let seen = 0;
      while (!done) {
        const { revision, session } = (await store.session(storedKey('a'))) ?? assert.fail();
        assert.ok(revision >= seen);
        assert.equal(session.properties.custom.count, revision - 1);
        seen = revision;
        await new Promise(setImmediate);
      }
    })();
    await Promise.all(writers);
    done = true;
    await reader;
    assert.equal((await store.session(storedKey('a')))?.session.properties.custom.count, 80);
  });

  test('commits to many sessions at once all take effect', async () => {
    await using store = await open();
    const names = [...Array(200).keys()].map(String);
    const outcomes = await Promise.all(
      names.map((name) => store.commit({ session: putOf(name, 0, { custom: { name } }) })),
    );
    assert.ok(outcomes.every(({ kind }) => kind === 'committed'));
    for (const name of names) {
      assert.deepEqual((await store.session(storedKey(name)))?.session.properties.custom, { name });
    }
  });

  test('a read that begins after a commit was acknowledged sees it', async () => {
    await using store = await open();
    const readers: Promise<void>[] = [];
    for (let revision = 0; revision < 20; revision += 1) {
      const outcome = await store.commit({ session: putOf('a', revision) });
      assert.deepEqual(outcome, { ...committed, revision: revision + 1 });
      readers.push(
        store.session(storedKey('a')).then((record) => {
          assert.ok((record?.revision ?? 0) > revision);
        }),
        store.sessions([storedKey('a')]).then(([record]) => {
          assert.ok((record?.revision ?? 0) > revision);
        }),
      );
    }
    await Promise.all(readers);
  });

  test('of many keys each record comes in its place, as it would by itself', async () => {
    await using store = await open();
    await store.commit({ session: putOf('a', 0) });
    await store.commit({ session: putOf('b', 0) });
    await store.commit({ session: putOf('b', 1) });
    await store.commit({ session: putOf('c', 0) });
    await store.commit({ session: deleteOf('c', 1) });
    const keys = ['b', 'c', 'd', 'a', 'b'].map(storedKey);
    const alone = await Promise.all(keys.map((key) => store.session(key)));
    assert.deepEqual(await store.sessions(keys), alone);
    assert.deepEqual(
      alone.map((record) => record?.revision),
      [2, undefined, undefined, 1, 2],
    );
    assert.deepEqual(await store.sessions([]), []);
  });
}

/** Texts that a careless store gives back otherwise: numbers, keys and strings that are data. */
const titleTexts = [
  '{"n":12345678901234567890,"f":1.50,"z":-0,"e":1e400,"t":0.10,"i":9007199254740993}',
  '{"__proto__":{"x":1},"constructor":null,"toString":[],"":0}',
  '{"s":"\\ud800","t":"\\udc00\\ud800","u":"é€😀","c":"\\u0000\\u001f\\"\\\\"}',
  '{"\\ud800":1,"a\\u0000b":2}',
  '{"null":null,"nested":{"null":null,"list":[null,[],{}]}}',
  '{"2":"two","1":"one","b":"b","a":"a"}',
];

function testTitleData(open: OpenStore): void {
  for (const text of titleTexts) {
    test(`custom data comes back as it was: ${text}`, async () => {
      await using store = await open();
      const custom = parseExactJson(text) as JsonObject;
      await store.commit({ session: putOf('a', 0, { custom }) });
      const record = await store.session(storedKey('a'));
      assert.equal(formatJson(record?.session), formatJson(storedSession('a', custom)));
      const back = record?.session.properties.custom ?? assert.fail();
      assert.deepEqual(Object.keys(back), Object.keys(custom));
      for (const [key, value] of Object.entries(custom)) {
        assert.equal(
          isRawNumber(Object.getOwnPropertyDescriptor(back, key)?.value),
          isRawNumber(value),
        );
      }
    });
  }

  test('numbers outside custom data come back as numbers', async () => {
    await using store = await open();
    await store.commit({ session: putOf('a', 0, { custom: { n: 1 } }) });
    const session = (await store.session(storedKey('a')))?.session;
    assert.equal(session?.startTimeMs, 1_474_404_600_518);
    assert.equal(session?.members[0]?.statusSinceMs, 1_474_404_600_518);
  });

  test('a large document is kept', async () => {
    await using store = await open();
    const custom = { map: 'é'.repeat(1_000_000) };
    await store.commit({ session: putOf('a', 0, { custom }) });
    const record = await store.session(storedKey('a'));
    assert.ok(formatJson(record?.session) === formatJson(storedSession('a', custom)));
  });

  test('what a handle holds comes back as it was', async () => {
    await using store = await open();
    const invite = storedInvite(storedGuid(1), 'a', {
      inviteAttributes: { titleId: '174925616', contextString: '\ud800 é€😀 \u0000' },
      gameTypes: parseExactJson('{"__proto__":{"titleId":"1"},"n":1.50}') as JsonObject,
    });
    await store.commit({ handle: invite });
    assert.equal(formatJson(await store.handle(invite.id)), formatJson(invite));
  });
}

function testHandles(open: OpenStore): void {
  const activity = storedActivity(storedGuid(1), 'a', { titleId: '174925616' });
  const invite = storedInvite(storedGuid(2), 'a');
  const transfer = storedTransfer(storedGuid(3), { origin: 'a', target: 'b' });

  test('an unknown id has no handle', async () => {
    await using store = await open();
    assert.equal(await store.handle(storedGuid(1)), undefined);
  });

  test('handles of every type are kept, with or without a session', async () => {
    await using store = await open();
    await keep(store, activity, invite);
    await store.commit({ session: putOf('b', 0), handle: transfer });
    for (const handle of [activity, invite, transfer]) {
      assert.deepEqual(await store.handle(handle.id), handle);
    }
  });

  test('ids are compared without regard to case', async () => {
    await using store = await open();
    await keep(store, activity, { ...transfer, id: transfer.id.toLowerCase() });
    assert.deepEqual(await store.handle(activity.id.toLowerCase()), activity);
    assert.equal((await store.handle(transfer.id))?.type, 'transfer');
    await store.commit({ handle: { ...activity, id: activity.id.toLowerCase(), titleId: '2' } });
    assert.deepEqual(await store.handle(activity.id), activity);
    await store.commit({ removeHandles: [activity.id.toLowerCase(), transfer.id] });
    assert.equal(await store.handle(activity.id), undefined);
    assert.equal(await store.handle(transfer.id), undefined);
  });

  test('an id that another request took is answered with its handle, and nothing is done', async () => {
    await using store = await open();
    const taken = { ...activity, requestId: storedGuid(21) };
    await store.commit({ session: putOf('a', 0), handle: taken });
    const other = storedInvite(activity.id.toLowerCase(), 'b', {
      expirationMs: 7,
      requestId: storedGuid(22),
    });
    for (const session of [putOf('b', 0, { dueMs: 5 }), putOf('a', 1), deleteOf('a', 1)]) {
      const outcome = await store.commit({
        session,
        handle: other,
        removeHandles: [activity.id],
      });
      assert.deepEqual(outcome, { kind: 'taken', handle: taken });
    }
    assert.equal(await store.session(storedKey('b')), undefined);
    assert.equal((await store.session(storedKey('a')))?.revision, 1);
    assert.deepEqual(await store.due(5, 10), []);
    assert.deepEqual(await store.handle(activity.id), taken);
    assert.deepEqual(await store.expired(7, 10), []);
    assert.deepEqual(await store.activitiesOf([activity.ownerXuid]), [taken]);

    await store.commit({ removeHandles: [activity.id] });
    assert.deepEqual(await store.commit({ handle: activity }), committed);
  });

  test('of many who take an id at once one gets it, and the others learn who', async () => {
    await using store = await open();
    const requests = [...Array(10).keys()];
    const outcomes = await Promise.all(
      requests.map((n) =>
        store.commit({
          session: putOf(String(n), 0),
          handle: storedActivity(storedGuid(1), String(n), { requestId: storedGuid(20 + n) }),
        }),
      ),
    );
    const handle = (await store.handle(storedGuid(1))) ?? assert.fail();
    const first = { ...committed, revision: 1 };
    for (const n of requests) {
      const isWinner = handle.requestId === storedGuid(20 + n);
      assert.deepEqual(outcomes[n], isWinner ? first : { kind: 'taken', handle });
      assert.equal((await store.session(storedKey(String(n)))) !== undefined, isWinner);
    }
  });

  test('an id that is there already, by the same request, is left as it is', async () => {
    await using store = await open();
    await store.commit({ handle: invite });
    const other = storedInvite(invite.id, 'b', { expirationMs: 7 });
    const outcome = await store.commit({ session: putOf('b', 0), handle: other });
    assert.deepEqual(outcome, { ...committed, revision: 1 });
    assert.deepEqual(await store.handle(invite.id), invite);
    assert.equal((await store.session(storedKey('b')))?.revision, 1);
    assert.deepEqual(await store.expired(7, 10), []);
  });

  test('what is removed is gone, and unknown ids are no error', async () => {
    await using store = await open();
    await keep(store, activity, invite, transfer);
    const removeHandles = [activity.id, storedGuid(99), transfer.id, activity.id];
    assert.deepEqual(await store.commit({ removeHandles }), committed);
    assert.equal(await store.handle(activity.id), undefined);
    assert.equal(await store.handle(transfer.id), undefined);
    assert.deepEqual(await store.handle(invite.id), invite);
    assert.deepEqual(await store.handlesFor(storedKey('a')), []);
    assert.deepEqual(await store.handlesFor(storedKey('b')), []);
  });

  test('handlesFor lists activities on a session and transfers to it, and no invites', async () => {
    await using store = await open();
    const second = storedActivity(storedGuid(4), 'A', { ownerXuid: '2814000000000009' });
    await keep(store, activity, invite, transfer, second);
    assert.deepEqual(idsOf(await store.handlesFor(storedKey('a'))), [activity.id, second.id]);
    assert.deepEqual(await store.handlesFor(storedKey('b')), [transfer]);
    assert.deepEqual(await store.handlesFor(storedKey('c')), []);
  });

  test('handles outlive the session that a batch deletes without them', async () => {
    await using store = await open();
    await store.commit({ session: putOf('a', 0), handle: activity });
    await store.commit({ session: deleteOf('a', 1) });
    assert.deepEqual(await store.handlesFor(storedKey('a')), [activity]);
  });
}

function testActivities(open: OpenStore): void {
  const of = (id: number, xuid: string, scid = storedScid): ActivityHandle =>
    storedActivity(storedGuid(id), 'a', {
      ownerXuid: xuid,
      reference: { scid, templateName: 'DeathMatch', name: 'a' },
    });
  const set = (store: Store, handle: ActivityHandle): ReturnType<Store['commit']> =>
    store.commit({ handle });

  test('they come in the order of the users asked for, each user once', async () => {
    await using store = await open();
    for (const handle of [of(1, '11'), of(2, '22'), of(3, '33')]) await set(store, handle);
    assert.deepEqual(await store.activitiesOf(['33', '44', '11', '33', '22']), [
      of(3, '33'),
      of(1, '11'),
      of(2, '22'),
    ]);
    assert.deepEqual(await store.activitiesOf([]), []);
  });

  test('a user has one in each service config; scids are compared without case', async () => {
    await using store = await open();
    const [here, there] = [of(1, '11', storedScid), of(2, '11', otherScid)];
    await set(store, here);
    await set(store, there);
    assert.deepEqual(await store.activitiesOf(['11']), [there, here]);
    assert.deepEqual(await store.activitiesOf(['11'], storedScid.toLowerCase()), [here]);
    assert.deepEqual(await store.activitiesOf(['11'], otherScid.toUpperCase()), [there]);
    assert.deepEqual(await store.activitiesOf(['11'], storedGuid(5)), []);
  });

  test('a new one takes the place of the former, which is dropped', async () => {
    await using store = await open();
    await set(store, of(1, '11', storedScid));
    const next = { ...of(2, '11', storedScid.toLowerCase()), titleId: '2' };
    await set(store, next);
    assert.deepEqual(await store.activitiesOf(['11']), [next]);
    assert.deepEqual(await store.handle(next.id), next);
    await comesToBe(() => store.handlesFor(storedKey('a')), [next]);
    await comesToBe(() => store.handle(storedGuid(1)), undefined);
    await store.commit({ removeHandles: [storedGuid(1)] });
    assert.deepEqual(await store.activitiesOf(['11']), [next]);
  });

  test('one that another session has takes the place of the former on this one', async () => {
    await using store = await open();
    await set(store, of(1, '11'));
    const elsewhere = storedActivity(storedGuid(2), 'b', { ownerXuid: '11' });
    await set(store, elsewhere);
    await comesToBe(() => store.handlesFor(storedKey('a')), []);
    assert.deepEqual(await store.handlesFor(storedKey('b')), [elsewhere]);
  });

  test('one that is there already does not take the place of what came after it', async () => {
    await using store = await open();
    await set(store, of(1, '11'));
    await set(store, of(2, '22'));
    await set(store, { ...of(1, '22'), titleId: '2' });
    assert.deepEqual(await store.activitiesOf(['11', '22']), [of(1, '11'), of(2, '22')]);
  });

  test('one that is removed is nobody’s, and its id may become that of another user', async () => {
    await using store = await open();
    await set(store, of(1, '11'));
    await set(store, of(2, '22'));
    await store.commit({ removeHandles: [storedGuid(1).toLowerCase()] });
    assert.deepEqual(idsOf(await store.activitiesOf(['11', '22'])), [storedGuid(2)]);
    await set(store, of(1, '33'));
    assert.deepEqual(await store.activitiesOf(['11', '22', '33']), [of(2, '22'), of(1, '33')]);
  });

  test('what a batch both puts and removes is gone', async () => {
    await using store = await open();
    const handle = of(1, '11');
    await store.commit({ handle, removeHandles: [handle.id] });
    assert.equal(await store.handle(handle.id), undefined);
    assert.deepEqual(await store.activitiesOf(['11']), []);
  });
}

function testInvites(open: OpenStore): void {
  const of = (id: number, invitedXuid: string, createTimeMs: number) =>
    storedInvite(storedGuid(id), 'a', { invitedXuid, createTimeMs });

  test('those of a user, the oldest first, expired ones too, until they are removed', async () => {
    await using store = await open();
    const [first, second, third] = [of(9, '22', 10), of(1, '22', 20), of(5, '22', 30)];
    await keep(store, first, of(2, '33', 5), { ...second, expirationMs: 0 }, third);
    await keep(store, storedActivity(storedGuid(7), 'a'));
    assert.deepEqual(await store.invitesOf('22'), [first, { ...second, expirationMs: 0 }, third]);
    assert.deepEqual(await store.invitesOf('44'), []);
    await store.commit({ removeHandles: [second.id.toLowerCase()] });
    assert.deepEqual(await store.invitesOf('22'), [first, third]);
    assert.deepEqual(await store.invitesOf('33'), [of(2, '33', 5)]);
  });
}

function testRecent(open: OpenStore): void {
  const recently = (store: Store, name: string) => store.lastKnown(storedKey(name))?.record;

  test('what is known, if anything, is what was last committed', async () => {
    await using store = await open();
    for (const session of [putOf('a', 0), putOf('a', 1), deleteOf('a', 2)]) {
      await store.commit({ session });
      const known = store.lastKnown(storedKey('a'));
      assert.deepEqual(known?.record, known && (await store.session(storedKey('a'))));
    }
  });

  test('a commit may build on what is known and not yet acknowledged', async () => {
    await using store = await open();
    await store.commit({ session: putOf('a', 0, { custom: { count: 0 } }) });
    const writers = [...Array(8).keys()].map(async () => {
      for (let step = 0; step < 10; ) {
        const record =
          recently(store, 'a') ?? (await store.session(storedKey('a'))) ?? assert.fail();
        const count = Number(record.session.properties.custom.count) + 1;
        const session = putOf('a', record.revision, { custom: { count } });
        if ((await store.commit({ session })).kind === 'committed') step += 1;
        // Else another writer of this process won, or the record is older than what is there.
        else await store.session(storedKey('a'));
      }
    });
    await Promise.all(writers);
    const { session } = (await store.session(storedKey('a'))) ?? assert.fail();
    assert.equal(session.properties.custom.count, 80);
  });
}

/** That a hint lists these in the end: one that was removed may be listed for a moment more. */
async function assertKeeps(store: Store, hint: Hint, keys: readonly SessionKey[]): Promise<void> {
  const endMs = performance.now() + patienceMs;
  let listed = await store.sessionsBy(hint, 10);
  while (listed.length > keys.length && performance.now() < endMs) {
    await endOfRound();
    listed = await store.sessionsBy(hint, 10);
  }
  assert.deepEqual(listed, keys);
}

function testHints(open: OpenStore): void {
  const [ada, bert] = ['xuid:11', 'xuid:22'] as const;

  test('all sessions are listed page by page, and none that is gone', async () => {
    await using store = await open();
    const listed = async (limit: number): Promise<readonly string[]> => {
      const keys: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await store.sessionKeys(limit, cursor);
        keys.push(...page.keys);
        ({ cursor } = page);
      } while (cursor !== undefined);
      return keys.sort();
    };
    assert.deepEqual(await listed(2), []);
    const names = ['d', 'b', 'a', 'c', 'é}:session:*'];
    for (const name of names) await store.commit({ session: putOf(name, 0) });
    const all = names.map(storedKey).sort();
    for (const limit of [1, 2, 5, 1_000]) assert.deepEqual(await listed(limit), all);
    await store.commit({ session: deleteOf('b', 1) });
    assert.deepEqual(
      await listed(2),
      all.filter((key) => key !== storedKey('b')),
    );
  });

  test('what is kept is counted, part by part', async () => {
    await using store = await open();
    const counted = async (): Promise<Record<string, number>> => {
      const sums: Record<string, number> = {};
      let cursor: string | undefined;
      do {
        const part = await store.countPart(cursor);
        for (const [kind, count] of Object.entries(part.counts)) {
          sums[kind] = (sums[kind] ?? 0) + count;
        }
        ({ cursor } = part);
      } while (cursor !== undefined);
      return sums;
    };
    const none = { sessions: 0, joined: 0, reserved: 0, handles: 0, activities: 0, invites: 0 };
    assert.deepEqual(await counted(), none);
    const put = (name: string, revision: number, members: readonly Member[]): SessionPut => {
      const made = putOf(name, revision);
      return { ...made, session: { ...made.session, members } };
    };
    const [eleven, twentyTwo] = [storedMember('11', 0), storedMember('22', 1)];
    const seat = { ...storedMember('33', 2), status: 'reserved' } as const;
    await store.commit({
      session: {
        ...put('a', 0, [eleven, twentyTwo, seat]),
        addHints: [ada, bert, 'seat:33', 'holder:11', 'keyword:s~xuid:44'],
      },
      handle: storedActivity(storedGuid(1), 'a'),
    });
    await store.commit({
      session: { ...put('b', 0, [eleven]), addHints: [ada] },
      handle: storedTransfer(storedGuid(2), { origin: 'b', target: 'a' }),
    });
    await store.commit({ handle: storedInvite(storedGuid(3), 'a') });
    await store.commit({ handle: storedInvite(storedGuid(4), 'a') });
    assert.deepEqual(await counted(), {
      sessions: 2,
      joined: 3,
      reserved: 1,
      handles: 4,
      activities: 1,
      invites: 2,
    });
    await store.commit({ removeHandles: [1, 2, 3, 4].map(storedGuid) });
    await store.commit({ session: deleteOf('b', 1) });
    await store.commit({
      session: { ...put('a', 1, [twentyTwo]), removeHints: [ada, 'seat:33'] },
    });
    // Removed hints may be counted for a moment more.
    await comesToBe(counted, { ...none, sessions: 1, joined: 1 });
  });

  test('sessions are found by what was added and not removed again', async () => {
    await using store = await open();
    assert.deepEqual(await store.sessionsBy(ada, 10), []);
    await store.commit({ session: { ...putOf('a', 0), addHints: [ada, bert] } });
    await store.commit({ session: { ...putOf('b', 0), addHints: [ada] } });
    assert.deepEqual(await store.sessionsBy(ada, 10), [storedKey('a'), storedKey('b')]);
    assert.deepEqual(await store.sessionsBy(bert, 10), [storedKey('a')]);
    await store.commit({ session: { ...putOf('a', 1), addHints: [ada], removeHints: [bert] } });
    assert.deepEqual(await store.sessionsBy(ada, 10), [storedKey('a'), storedKey('b')]);
    await assertKeeps(store, bert, []);
  });

  test('they are listed page by page in the order of keys', async () => {
    await using store = await open();
    const names = ['d', 'b', 'a', 'c', 'e'];
    for (const name of names) {
      await store.commit({ session: { ...putOf(name, 0), addHints: [ada] } });
    }
    const keys = [...names].sort().map(storedKey);
    assert.deepEqual(await store.sessionsBy(ada, 2), keys.slice(0, 2));
    assert.deepEqual(await store.sessionsBy(ada, 2, keys[1]), keys.slice(2, 4));
    assert.deepEqual(await store.sessionsBy(ada, 2, keys[3]), keys.slice(4));
    assert.deepEqual(await store.sessionsBy(ada, 2, keys[4]), []);
    assert.deepEqual(await store.sessionsBy(ada, 10, storedKey('bb')), keys.slice(2));
    assert.deepEqual(await store.sessionsBy(ada, 0), []);
  });

  test('a session loses all of its hints when it is deleted', async () => {
    await using store = await open();
    await store.commit({ session: { ...putOf('a', 0), addHints: [ada] } });
    await store.commit({ session: { ...putOf('a', 1), addHints: [bert] } });
    await store.commit({ session: { ...putOf('b', 0), addHints: [bert] } });
    await store.commit({ session: deleteOf('a', 2) });
    await assertKeeps(store, ada, []);
    await assertKeeps(store, bert, [storedKey('b')]);
    await store.commit({ session: putOf('a', 0) });
    await assertKeeps(store, ada, []);
  });

  test('a commit that conflicts removes none', async () => {
    await using store = await open();
    await store.commit({ session: { ...putOf('a', 0), addHints: [ada] } });
    await store.commit({ session: { ...putOf('a', 0), removeHints: [ada] } });
    await store.commit({ session: deleteOf('a', 7) });
    assert.deepEqual(await store.sessionsBy(ada, 10), [storedKey('a')]);
  });

  test('keywords of any text keep apart', async () => {
    await using store = await open();
    const keywords: readonly Hint[] = ['\ud800', '\ud801', '', 'é€😀', '\u0000', '"', '~'].map(
      (keyword): Hint => `keyword:${storedScid.toLowerCase()}~${keyword}`,
    );
    await store.commit({ session: { ...putOf('a', 0), addHints: keywords } });
    for (const [n, keyword] of keywords.entries()) {
      assert.deepEqual(await store.sessionsBy(keyword, 10), [storedKey('a')]);
      await store.commit({ session: { ...putOf('a', n + 1), removeHints: [keyword] } });
      await assertKeeps(store, keyword, []);
    }
  });
}

function testMemberRows(open: OpenStore): void {
  const key = storedKey('a');
  const row = (xuid: string, dueMs?: number, index = Number(xuid)) => ({
    member: storedMember(xuid, index),
    dueMs,
  });

  test('rows are put, replaced and removed with the session', async () => {
    await using store = await open();
    assert.equal(await store.memberRow(key, '1'), undefined);
    const put = [row('1'), row('2', 20)];
    await store.commit({ session: { ...putOf('a', 0), memberRows: { put } } });
    await store.commit({ session: putOf('a', 1) });
    assert.deepEqual(await store.memberRow(key, '1'), row('1').member);
    assert.deepEqual(await store.memberRow(key, '2'), row('2').member);
    assert.equal(await store.memberRow(key, '3'), undefined);
    assert.equal(await store.memberRow(storedKey('b'), '1'), undefined);
    const memberRows = { put: [row('1', undefined, 7), row('3')], remove: ['2', '4', '3'] };
    await store.commit({ session: { ...putOf('a', 2), memberRows } });
    assert.deepEqual(await store.memberRow(key, '1'), storedMember('1', 7));
    assert.equal(await store.memberRow(key, '2'), undefined);
    assert.equal(await store.memberRow(key, '3'), undefined);
  });

  test('of a commit that conflicts none is put or removed', async () => {
    await using store = await open();
    await store.commit({ session: { ...putOf('a', 0), memberRows: { put: [row('1')] } } });
    const memberRows = { put: [row('2')], remove: ['1'] };
    await store.commit({ session: { ...putOf('a', 0), memberRows } });
    assert.deepEqual(await store.memberRow(key, '1'), row('1').member);
    assert.equal(await store.memberRow(key, '2'), undefined);
  });

  test('all rows of a session go with it and do not come back', async () => {
    await using store = await open();
    const put = [row('1', 10), row('2', 20)];
    await store.commit({ session: { ...putOf('a', 0), memberRows: { put } } });
    await store.commit({ session: { ...putOf('b', 0), memberRows: { put } } });
    await store.commit({ session: deleteOf('a', 1) });
    await store.commit({ session: putOf('a', 0) });
    assert.equal(await store.memberRow(key, '1'), undefined);
    assert.deepEqual(await store.memberRowsDue(key, Infinity, 10), []);
    assert.deepEqual(await store.memberRow(storedKey('b'), '1'), row('1').member);
  });

  test('the longest overdue come first, no more than asked for, none too early', async () => {
    await using store = await open();
    const put = [row('3', 30), row('1', 10), row('9'), row('2', 20)];
    await store.commit({ session: { ...putOf('a', 0), memberRows: { put } } });
    const members = ['1', '2', '3'].map((xuid) => row(xuid).member);
    assert.deepEqual(await store.memberRowsDue(key, 9, 10), []);
    assert.deepEqual(await store.memberRowsDue(key, 20, 10), members.slice(0, 2));
    assert.deepEqual(await store.memberRowsDue(key, 1e15, 1), members.slice(0, 1));
    assert.deepEqual(await store.memberRowsDue(key, Infinity, 10), members);
    assert.deepEqual(await store.memberRowsDue(storedKey('b'), Infinity, 10), []);
    const memberRows = { put: [row('1'), row('9', 5)], remove: ['2'] };
    await store.commit({ session: { ...putOf('a', 1), memberRows } });
    assert.deepEqual(await store.memberRowsDue(key, Infinity, 10), [
      row('9').member,
      row('3').member,
    ]);
  });

  test('all of them are listed page by page in the order of their xuids', async () => {
    await using store = await open();
    const xuids = ['5', '30', '1', '22', '4'];
    const put = xuids.map((xuid) => row(xuid));
    await store.commit({ session: { ...putOf('a', 0), memberRows: { put } } });
    const members = [...xuids].sort().map((xuid) => row(xuid).member);
    assert.deepEqual(await store.memberRows(key, 10), members);
    assert.deepEqual(await store.memberRows(key, 2), members.slice(0, 2));
    assert.deepEqual(await store.memberRows(key, 2, members[1]?.xuid), members.slice(2, 4));
    assert.deepEqual(await store.memberRows(key, 2, members[3]?.xuid), members.slice(4));
    assert.deepEqual(await store.memberRows(key, 2, members[4]?.xuid), []);
    assert.deepEqual(await store.memberRows(storedKey('b'), 2), []);
  });

  test('what is known and not yet durable comes with its rows', async () => {
    await using store = await open();
    await store.commit({ session: { ...putOf('a', 0), memberRows: { put: [row('3')] } } });
    const first = store.commit({
      session: { ...putOf('a', 1), memberRows: { put: [row('1'), row('2')] } },
    });
    const second = store.commit({ session: { ...putOf('a', 2), memberRows: { remove: ['1'] } } });
    const known = store.lastKnown(key);
    // A store may know nothing, or no more than what is durable.
    if (known?.record?.revision === 3 && !known.isCommitted) {
      assert.equal(known.rows?.has('1') && known.rows.get('1') === undefined, true);
      assert.deepEqual(known.rows?.get('2'), row('2').member);
      assert.equal(known.rows?.has('3'), false);
    }
    const outcomes = await Promise.all([first, second]);
    assert.equal(outcomes[0].kind, 'committed');
    assert.deepEqual(await store.memberRow(key, '2'), row('2').member);
  });
}

function testSearchChanges(open: OpenStore): void {
  const put = (name: string, revision: number) => ({
    session: { ...putOf(name, revision), isSearchChange: true },
  });

  /** Every change after the cursor, in pages of `limit`. */
  async function changesOf(store: Store, limit: number, from?: string) {
    const all: string[] = [];
    let cursor = from;
    for (;;) {
      const page = await store.searchChanges(cursor, limit);
      assert.ok(page.keys.length <= limit);
      all.push(...page.keys);
      cursor = page.cursor;
      if (page.keys.length < limit) return { keys: all, cursor };
    }
  }

  test('none of a store where nothing changed for searches', async () => {
    await using store = await open();
    await store.commit({ session: putOf('a', 0) });
    assert.deepEqual((await store.searchChanges(undefined, 10)).keys, []);
  });

  test('each session once, and after the cursor what changed since', async () => {
    await using store = await open();
    const names = ['c', 'a', 'b', 'd', 'e'];
    for (const name of names) await store.commit(put(name, 0));
    await store.commit({ session: putOf('d', 1) });
    for (const limit of [1, 2, 10]) {
      const { keys, cursor } = await changesOf(store, limit);
      assert.deepEqual([...keys].sort(), [...names].sort().map(storedKey));
      assert.deepEqual((await changesOf(store, limit, cursor)).keys, []);
    }
    const { cursor } = await changesOf(store, 2);
    await store.commit(put('b', 1));
    await store.commit(put('a', 1));
    await store.commit(put('b', 2));
    const since = await changesOf(store, 1, cursor);
    assert.deepEqual([...since.keys].sort(), ['a', 'b'].map(storedKey));
    assert.deepEqual((await changesOf(store, 10, since.cursor)).keys, []);
    assert.equal((await changesOf(store, 10)).keys.length, 5);
  });

  test('of one session the last change counts, however far each has read', async () => {
    await using store = await open();
    await store.commit(put('a', 0));
    const first = await changesOf(store, 10);
    await store.commit(put('a', 1));
    const second = await changesOf(store, 10, first.cursor);
    assert.deepEqual([first.keys, second.keys], [[storedKey('a')], [storedKey('a')]]);
    await store.commit({ session: { ...deleteOf('a', 2), isSearchChange: true } });
    await store.commit(put('b', 0));
    const third = await changesOf(store, 10, second.cursor);
    assert.deepEqual(
      third.keys.filter((key) => key !== storedKey('a')),
      [storedKey('b')],
    );
    assert.deepEqual((await changesOf(store, 10, third.cursor)).keys, []);
  });

  test('a change that conflicts is none', async () => {
    await using store = await open();
    await store.commit(put('a', 3));
    assert.deepEqual((await changesOf(store, 10)).keys, []);
  });
}

function testLists(open: OpenStore): void {
  const entry = (xuid: string, addedMs = Number(xuid), isFavorite?: boolean): ListEntry => ({
    xuid,
    addedMs,
    ...(isFavorite !== undefined && { isFavorite }),
  });

  test('entries come in the order in which they were first put', async () => {
    await using store = await open();
    assert.deepEqual(await store.list('11', 'follows'), []);
    await store.changeList('11', 'follows', { put: [entry('3'), entry('1', 1, true)] });
    await store.changeList('11', 'follows', { put: [entry('2', 2, false), entry('3', 9, true)] });
    const all = [entry('3', 9, true), entry('1', 1, true), entry('2', 2, false)];
    assert.deepEqual(await store.list('11', 'follows'), all);
    await store.changeList('11', 'follows', { put: [entry('4')], remove: ['3', '7'] });
    await store.changeList('11', 'follows', { put: [entry('3')] });
    assert.deepEqual(await store.list('11', 'follows'), [...all.slice(1), entry('4'), entry('3')]);
  });

  test('lists of a user, and of users, do not meet; an empty change is one', async () => {
    await using store = await open();
    await store.changeList('11', 'avoids', { put: [entry('3')] });
    await store.changeList('11', 'mutes', { put: [entry('4')] });
    await store.changeList('22', 'avoids', { put: [entry('5')] });
    await store.changeList('11', 'avoids', {});
    assert.deepEqual(await store.list('11', 'avoids'), [entry('3')]);
    assert.deepEqual(await store.list('11', 'mutes'), [entry('4')]);
    assert.deepEqual(await store.list('22', 'avoids'), [entry('5')]);
    assert.deepEqual(await store.list('22', 'mutes'), []);
  });

  test('those who are on a list are found among others, and counted', async () => {
    await using store = await open();
    assert.deepEqual(await store.listEntries('11', 'followers', ['1', '2']), []);
    assert.equal(await store.listSize('11', 'followers', 10), 0);
    const all = Array.from({ length: 30 }, (_, n) => entry(String(n), n));
    await store.changeList('11', 'followers', { put: all });
    await store.changeList('11', 'follows', { put: [entry('99')] });
    await store.changeList('22', 'followers', { put: [entry('98')] });
    await store.changeList('11', 'followers', { remove: ['7'] });
    const found = await store.listEntries('11', 'followers', ['29', '7', '3', '98', '99', '']);
    assert.deepEqual(
      [...found].sort((a, b) => a.addedMs - b.addedMs),
      [entry('3'), entry('29')],
    );
    assert.deepEqual(await store.listEntries('11', 'followers', []), []);
    assert.equal(await store.listSize('11', 'followers', 100), 29);
    assert.equal(await store.listSize('11', 'followers', 10), 10);
    assert.equal(await store.listSize('11', 'follows', 10), 1);
  });

  test('what a change both puts and drops is gone', async () => {
    await using store = await open();
    await store.changeList('11', 'mutes', { put: [entry('3'), entry('4')], remove: ['3'] });
    assert.deepEqual(await store.list('11', 'mutes'), [entry('4')]);
  });
}

function testNodes(open: OpenStore): void {
  test('a node is alive from its first lease until it is given up', async () => {
    await using store = await open();
    assert.deepEqual(await store.nodes(), []);
    assert.equal(await store.renewNode('0000000a', 60_000), 'held');
    assert.equal(await store.renewNode('0000000b', 60_000), 'held');
    assert.equal(await store.renewNode('0000000a', 60_000), 'held');
    const nodes = await store.nodes();
    assert.deepEqual(
      [...nodes].sort((a, b) => (a.node < b.node ? -1 : 1)),
      [
        { node: '0000000a', isAlive: true },
        { node: '0000000b', isAlive: true },
      ],
    );
    await store.forgetNode('0000000a');
    await store.forgetNode('0000000c');
    assert.deepEqual(await store.nodes(), [{ node: '0000000b', isAlive: true }]);
  });

  // Kills: claims of one name that keep others out.
  test('a claim is for the first who asks, until it ends', async () => {
    await using store = await open();
    assert.equal(await store.acquireOnce('a', 1_000, 61_000), true);
    assert.equal(await store.acquireOnce('a', 1_000, 61_000), false);
    assert.equal(await store.acquireOnce('b', 1_000, 61_000), true);
    const both = [store.acquireOnce('c', 1_000, 61_000), store.acquireOnce('c', 1_000, 61_000)];
    assert.deepEqual((await Promise.all(both)).sort(), [false, true]);
  });

  // Kills: a count that each process has for itself; an addition that is lost or made twice.
  test('a count of several processes begins with nothing and grows by what is added', async () => {
    await using store = await open();
    const { sharedCounts } = store;
    if (sharedCounts === undefined) return;
    assert.equal(await sharedCounts.add('a {b} 1', 3, 60_000), 3);
    const added = await Promise.all([1, 2, 3].map((by) => sharedCounts.add('a {b} 1', by, 60_000)));
    assert.equal(Math.max(...added), 9);
    assert.equal(new Set(added).size, 3);
    assert.equal(await sharedCounts.add('a {b} 2', 1, 60_000), 1);
  });

  // Kills: taps of a commit that nobody is asked to forget; of a deletion, lost; of a session that was created
  // again, under a revision that nobody forgets.
  test('the taps of a commit are pending until they are forgotten, if the commit says so', async () => {
    await using store = await open();
    const steps = [
      { session: { ...putOf('a', 0), pendingTaps: { kind: 'taps', n: 1 } } },
      { session: { ...deleteOf('a', 1), pendingTaps: { kind: 'taps', n: 2 } } },
      // Its revision is not 1.
      { session: { ...putOf('a', 0), pendingTaps: { kind: 'taps', n: 3 } } },
    ];
    for (const { session } of steps) {
      const { key, pendingTaps } = session;
      const outcome = await store.commit({ session });
      assert.ok(outcome.kind === 'committed');
      const { revision = assert.fail(), hasPendingTaps: isKept = false } = outcome;
      const kept = isKept ? [{ key, revision, pendingTaps }] : [];
      assert.equal(isKept, store.pendingNotifications !== undefined);
      assert.deepEqual(await pendingOf(store), kept);
      await store.pendingNotifications?.forget(key, revision);
      assert.deepEqual(await pendingOf(store), []);
    }
    const bare = await store.commit({ session: putOf('b', 0) });
    assert.ok(bare.kind === 'committed' && bare.hasPendingTaps === undefined);
    assert.deepEqual(await pendingOf(store), []);
  });

  test('taps that are forgotten twice are no error', async () => {
    await using store = await open();
    await store.commit({ session: { ...putOf('a', 0), pendingTaps: {} } });
    await store.pendingNotifications?.forget(storedKey('a'), 1);
    await store.pendingNotifications?.forget(storedKey('a'), 1);
    await store.pendingNotifications?.forget(storedKey('b'), 7);
    assert.deepEqual(await pendingOf(store), []);
  });
}

function testSightings(open: OpenStore): void {
  test('nothing is known of users who were not seen', async () => {
    await using store = await open();
    assert.deepEqual(await store.lastSeen([]), new Map());
    assert.deepEqual(await store.lastSeen(['11', '22']), new Map());
    await store.noteSeen([], 0);
  });

  test('of several sightings the latest counts, in whatever order they are noted', async () => {
    await using store = await open();
    const nowMs = Date.UTC(2026, 0, 1);
    await store.noteSeen(
      [
        ['11', nowMs + 2],
        ['22', nowMs],
      ],
      nowMs,
    );
    await store.noteSeen([['11', nowMs + 1]], nowMs);
    await store.noteSeen([['22', nowMs + 3]], nowMs);
    assert.deepEqual(
      await store.lastSeen(['33', '22', '11']),
      new Map([
        ['11', nowMs + 2],
        ['22', nowMs + 3],
      ]),
    );
    assert.deepEqual(await store.lastSeen(['22', '22']), new Map([['22', nowMs + 3]]));
  });

  test('what was seen from the bound on is not forgotten', async () => {
    await using store = await open();
    const nowMs = Date.UTC(2026, 0, 1);
    await store.noteSeen([['11', nowMs]], nowMs);
    await store.noteSeen([['22', nowMs + 60_000]], nowMs);
    assert.deepEqual((await store.lastSeen(['11'])).get('11'), nowMs);
  });

  test('thousands of users are noted and asked for at once', async () => {
    await using store = await open();
    const sightings = Array.from({ length: 1_000 }, (_, n) => [String(n + 1), n + 1] as const);
    await store.noteSeen(sightings, 0);
    assert.deepEqual(await store.lastSeen(sightings.map(([xuid]) => xuid)), new Map(sightings));
  });
}

function testTimes(open: OpenStore): void {
  test('due: the longest overdue first, no more than asked for, none too early', async () => {
    await using store = await open();
    for (const [name, dueMs] of [
      ['c', 30],
      ['a', 10],
      ['d', 40],
      ['b', 20],
    ] as const) {
      await store.commit({ session: putOf(name, 0, { dueMs }) });
    }
    await store.commit({ session: putOf('never', 0) });
    const keys = ['a', 'b', 'c', 'd'].map(storedKey);
    assert.deepEqual(await store.due(9, 10), []);
    assert.deepEqual(await store.due(10, 10), keys.slice(0, 1));
    assert.deepEqual(await store.due(35, 10), keys.slice(0, 3));
    assert.deepEqual(await store.due(35, 2), keys.slice(0, 2));
    assert.deepEqual(await store.due(1e15, 10), keys);
    assert.deepEqual(await store.due(1e15, 0), []);
  });

  test('due: the shares of all nodes make up everything', async () => {
    await using store = await open();
    const names = Array.from({ length: 30 }, (_, n) => `session-${n}`);
    for (const name of names) await store.commit({ session: putOf(name, 0, { dueMs: 10 }) });
    const shares = [0, 1, 2].map((index) => store.due(10, 100, { index, of: 3 }));
    const found = new Set((await Promise.all(shares)).flat());
    assert.deepEqual([...found].sort(), names.map(storedKey).sort());
  });

  test('due: the time of the last put holds, whichever it was', async () => {
    await using store = await open();
    const times = [undefined, 20, 20, 10, undefined, 0, -5] as const;
    for (const [revision, dueMs] of times.entries()) {
      await store.commit({
        session: putOf('a', revision, dueMs === undefined ? {} : { dueMs }),
      });
      const keys = dueMs === undefined ? [] : [storedKey('a')];
      assert.deepEqual(await store.due(1e15, 10), keys);
      if (dueMs !== undefined) {
        assert.deepEqual(await store.due(dueMs, 10), keys);
        assert.deepEqual(await store.due(dueMs - 1, 10), []);
      }
    }
  });

  test('due: a put that conflicts does not move it', async () => {
    await using store = await open();
    await store.commit({ session: putOf('a', 0, { dueMs: 10 }) });
    await store.commit({ session: putOf('a', 0, { dueMs: 5 }) });
    assert.deepEqual(await store.due(9, 10), []);
  });

  test('due: times beyond the exact integers are kept', async () => {
    await using store = await open();
    const dueMs = Number.MAX_SAFE_INTEGER + 1_474_404_600_518;
    await store.commit({ session: putOf('a', 0, { dueMs }) });
    assert.equal((await store.session(storedKey('a')))?.revision, 1);
    assert.deepEqual(await store.due(Number.MAX_SAFE_INTEGER, 10), []);
    assert.deepEqual(await store.due(dueMs, 10), [storedKey('a')]);
  });

  test('expired: invites only, the longest expired first, no more than asked for', async () => {
    await using store = await open();
    const ids = [1, 2, 3].map((n) => storedGuid(n).toLowerCase());
    const [first, second, third] = ids as [string, string, string];
    await keep(
      store,
      storedInvite(third, 'a', { expirationMs: 30 }),
      storedInvite(first, 'a', { expirationMs: 10 }),
      storedInvite(second, 'b', { expirationMs: 20 }),
      storedActivity(storedGuid(4), 'a', { createTimeMs: 0 }),
      { ...storedTransfer(storedGuid(5), { origin: 'a', target: 'b' }), createTimeMs: 0 },
    );
    assert.deepEqual(await store.expired(9, 10), []);
    assert.deepEqual(await store.expired(10, 10), [first]);
    assert.deepEqual(await store.expired(1e15, 2), [first, second]);
    assert.deepEqual(await store.expired(1e15, 10), ids);
    await store.commit({ removeHandles: [first] });
    assert.deepEqual(await store.expired(1e15, 10), [second, third]);
    assert.equal((await store.handle(second))?.type, 'invite');
  });
}

function testBatches(open: OpenStore): void {
  const former = storedActivity(storedGuid(1), 'a');
  const next = storedActivity(storedGuid(2), 'a');

  test('an empty batch is committed', async () => {
    await using store = await open();
    assert.deepEqual(await store.commit({}), committed);
    assert.deepEqual(await store.commit({ removeHandles: [] }), committed);
  });

  test('session, handles and removals take effect together', async () => {
    await using store = await open();
    const invite = storedInvite(storedGuid(3), 'a');
    await keep(store, former, invite);
    const batch = {
      session: putOf('a', 0, { dueMs: 5 }),
      handle: next,
      removeHandles: [invite.id],
    };
    assert.deepEqual(await store.commit(batch), { ...committed, revision: 1 });
    assert.equal((await store.session(storedKey('a')))?.revision, 1);
    assert.deepEqual(await store.due(5, 10), [storedKey('a')]);
    assert.deepEqual(await store.handlesFor(storedKey('a')), [next]);
    assert.deepEqual(await store.activitiesOf([next.ownerXuid]), [next]);
    assert.equal(await store.handle(former.id), undefined);
    assert.equal(await store.handle(invite.id), undefined);
  });

  test('of a batch that conflicts nothing takes effect', async () => {
    await using store = await open();
    await store.commit({ handle: former });
    for (const session of [putOf('a', 1, { dueMs: 5 }), deleteOf('a', 1)]) {
      const outcome = await store.commit({
        session,
        handle: next,
        removeHandles: [former.id],
      });
      assert.equal(outcome.kind, 'conflict');
    }
    assert.deepEqual(await store.due(5, 10), []);
    assert.equal(await store.handle(next.id), undefined);
    assert.deepEqual(await store.handle(former.id), former);
    assert.deepEqual(await store.activitiesOf([former.ownerXuid]), [former]);
  });
}

function testLife(open: OpenStore): void {
  test('the secret is 32 bytes, the same each time, and another in another store', async () => {
    await using store = await open();
    await using other = await open();
    const secret = await store.secret();
    assert.equal(secret.length, 32);
    assert.deepEqual(Uint8Array.from(await store.secret()), Uint8Array.from(secret));
    assert.notDeepEqual(Uint8Array.from(await other.secret()), Uint8Array.from(secret));
  });

  test('once disposed of, twice if need be, every method throws StoreUnavailable', async () => {
    const store = await open();
    await store.commit({ session: putOf('a', 0), handle: storedActivity(storedGuid(1), 'a') });
    await Promise.all([store[Symbol.asyncDispose](), store[Symbol.asyncDispose]()]);
    await store[Symbol.asyncDispose]();
    const { pendingNotifications } = store;
    const calls = [
      () => store.session(storedKey('a')),
      () => store.sessions([storedKey('a')]),
      () => store.handle(storedGuid(1)),
      () => store.activitiesOf(['11']),
      () => store.handlesFor(storedKey('a')),
      () => store.due(0, 1),
      () => store.expired(0, 1),
      () => store.commit({}),
      () => store.commit({ session: putOf('a', 1) }),
      () => store.secret(),
      () => store.invitesOf('11'),
      () => store.sessionsBy('xuid:11', 1),
      () => store.sessionKeys(1),
      () => store.countPart(),
      () => store.memberRow(storedKey('a'), '11'),
      () => store.memberRows(storedKey('a'), 1),
      () => store.memberRowsDue(storedKey('a'), 0, 1),
      () => store.searchChanges(undefined, 1),
      () => store.list('11', 'mutes'),
      () => store.changeList('11', 'mutes', {}),
      () => store.record('a', 'b', 'c'),
      () => store.records('a', 'b', 1),
      () => store.dueRecords('a', 0, 1),
      () => store.commitRecords('a', 'b', []),
      () => store.commitRecords('a', 'b', [{ id: 'c', value: {} }]),
      () => store.renewNode('0000000a', 1_000),
      () => store.nodes(),
      () => store.noteSeen([['11', 1]], 0),
      () => store.lastSeen(['11']),
      () => store.forgetNode('0000000a'),
      () => store.acquireOnce('a', 0, 1),
      ...(pendingNotifications
        ? [
            () => pendingNotifications.read(0, 1),
            () => pendingNotifications.forget(storedKey('a'), 1),
          ]
        : []),
    ];
    for (const call of calls) await assert.rejects(call, StoreUnavailable);
  });

  test('disposing waits for the commits under way', async () => {
    const store = await open();
    let settledCount = 0;
    const commits = [...Array(50).keys()].map(async (n) => {
      const outcome = await store.commit({ session: putOf(String(n), 0) });
      settledCount += 1;
      return outcome;
    });
    await store[Symbol.asyncDispose]();
    assert.equal(settledCount, 50);
    for (const { kind } of await Promise.all(commits)) assert.equal(kind, 'committed');
  });
}

function testLaws(open: OpenStore, mixedStepsCount: number): void {
  // Kills: sessions kept as what a plain JSON.parse makes of their text.
  test('any custom object comes back with the same text', async () => {
    await using store = await open();
    let n = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.string({ unit: 'binary' }), anyCustomText()),
        async (texts) => {
          n += 1;
          const members = Object.entries(texts).map(([key, text]) => `${formatJson(key)}:${text}`);
          const custom = parseExactJson(`{${members.join()}}`) as JsonObject;
          await store.commit({ session: putOf(String(n), 0, { custom }) });
          const record = await store.session(storedKey(String(n)));
          assert.equal(formatJson(record?.session.properties.custom), `{${members.join()}}`);
        },
      ),
      { numRuns: 100 },
    );
  });

  // Kills: revisions that start again at 1 after a delete; due times left behind by a delete or by
  // a put without one; handles replaced by a second put; pointers left behind by a removal; hints
  // and rows that outlive their session.
  test(`${mixedStepsCount} mixed steps go as a simple model of a store says`, async () => {
    await fc.assert(
      fc.asyncProperty(anyStoreSteps(mixedStepsCount / 20), async (steps) => {
        await using store = await open();
        await runSteps(store, steps);
      }),
      { numRuns: 20 },
    );
  });
}

/** Keeps these, each by a commit of its own. */
async function keep(store: Store, ...handles: readonly Handle[]): Promise<void> {
  for (const handle of handles) assert.deepEqual(await store.commit({ handle }), committed);
}

function idsOf(handles: readonly Handle[]): readonly string[] {
  return handles.map(({ id }) => id).sort();
}

/** JSON texts that print as they were written: what `parseExactJson` must bring through. */
function anyCustomText(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.json().map((text) => formatJson(JSON.parse(text))),
    fc
      .tuple(fc.bigInt(), fc.nat(), fc.boolean())
      .map(([whole, digits, zero]) => `${whole}.${digits}${zero ? '0' : ''}`),
    fc.bigInt().map(String),
    fc.tuple(fc.integer(), fc.integer()).map(([n, exponent]) => `${n}e${exponent}`),
    fc.constantFrom('-0', '0.0', '1e400', '-1.50', '"\\ud800"'),
  );
}

/** What nobody waits for is so after a while. */
async function comesToBe(look: () => Promise<unknown>, expected: unknown): Promise<void> {
  const endMs = performance.now() + patienceMs;
  let seen = await look();
  while (!isDeepStrictEqual(seen, expected) && performance.now() < endMs) {
    await endOfRound();
    seen = await look();
  }
  assert.deepEqual(seen, expected);
}

async function pendingOf({ pendingNotifications }: Store): Promise<readonly PendingTaps[]> {
  return pendingNotifications?.read(0, 10) ?? [];
}
