/** Shoulder taps: who is notified of which change, how, and when. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { formatTime } from '../../src/domain/time.ts';
import { at, isAimed, startKit } from '../../src/testing/kit.ts';
import { newSession } from './new-session.ts';
import { guidPattern, needsClock, needsOwnServer, timePattern } from './answers.ts';
import { type Subscriber, subscriber } from './subscriber.ts';

const options = { timeout: 300_000 };
const windowMs = 2_500;
const noWindow = { settings: { tapWindowMs: 0 } };
const ownServer = { ...options, skip: isAimed && needsOwnServer };
const ownClock = { ...options, skip: isAimed && needsClock };

/** @source docs/wire/rta.md "Taps" */
test('R9 the frame of a tap is the recorded one', options, async () => {
  await using kit = await startKit();
  await using ada = await subscriber(kit.user('ada'));
  const reference = { ...kit.reference(), name: kit.reference().name.toUpperCase() };
  const { json } = await ada.join(reference);
  await ada.user.putSession(reference, { properties: { custom: { map: 'atoll' } } });
  const [kind, id, data] = await ada.line.nextFrame();
  assert.deepEqual([kind, id], [3, 0]);
  const { ncid, shoulderTaps } = data as { ncid: string; shoulderTaps: Record<string, unknown>[] };
  assert.match(ncid, guidPattern);
  const [tap] = shoulderTaps;
  assert.match(String(tap?.['timestamp']), timePattern);
  const { scid, templateName, name } = reference;
  assert.deepEqual(shoulderTaps, [
    {
      timestamp: tap?.['timestamp'],
      subscription: ada.subscriptionId.toLowerCase(),
      resourceType: 'mpsd/session',
      resource: `${scid}~${templateName}~${name}`.toLowerCase(),
      branch: json['branch'],
      changeNumber: 2,
    },
  ]);
});

/** @source docs/wire/rta.md "Taps" */
test('the writer gets a tap, but nobody by the write that creates', ownServer, async () => {
  await using kit = await startKit(noWindow);
  await using ada = await subscriber(kit.user('ada'));
  await using ben = await subscriber(kit.user('ben'));
  const reference = kit.reference();
  await ada.join(reference);
  assert.deepEqual(await ada.line.framesSoFar(), []);
  await ben.join(reference);
  for (const { line, subscriptionId } of [ada, ben]) {
    const [tap, ...others] = await line.nextTaps();
    assert.deepEqual(
      [tap?.changeNumber, tap?.subscription, others],
      [2, subscriptionId.toLowerCase(), []],
    );
  }
  await ben.join(reference);
  assert.deepEqual(await ada.line.framesSoFar(), [], 'nothing changed');
});

/** @source docs/wire/rta.md "Taps", docs/wire/unknowns.md "the window of taps" */
test(
  'R10 at once when idle; then one event a window, with the newest number of each session',
  ownClock,
  async () => {
    await using kit = await startKit();
    await using ada = await subscriber(kit.user('ada'));
    const [lobby, game] = [kit.reference(), kit.reference()];
    await ada.join(lobby);
    await ada.join(game);
    let scores = 0;
    const score = async (reference: typeof lobby): Promise<void> => {
      scores += 1;
      await ada.user.putSession(reference, { properties: { custom: { scores } } });
    };
    const numbers = async (): Promise<unknown> =>
      (await ada.line.nextTaps()).map(({ resource, changeNumber }) => [
        resource.endsWith(lobby.name) ? 'lobby' : 'game',
        changeNumber,
      ]);

    await score(lobby);
    assert.deepEqual(await numbers(), [['lobby', 2]], 'at once');
    for (const reference of [lobby, game, lobby, game]) await score(reference);
    await kit.advance(windowMs - 1);
    assert.deepEqual(await ada.line.framesSoFar(), [], 'the window is open');
    await kit.advance(1);
    assert.deepEqual(await numbers(), [
      ['lobby', 4],
      ['game', 3],
    ]);
    await score(game);
    assert.deepEqual(await ada.line.framesSoFar(), [], 'that event began a window');
    await kit.advance(windowMs);
    assert.deepEqual(await numbers(), [['game', 4]]);
    await kit.advance(windowMs);
    assert.deepEqual(await ada.line.framesSoFar(), []);
    await score(lobby);
    assert.deepEqual(await numbers(), [['lobby', 5]], 'idle again');
  },
);

/** @source docs/wire/rta.md "Taps" */
test(
  'R11 the end of a session is notified by a tap without a change number, to the last one too',
  ownServer,
  async () => {
    await using kit = await startKit(noWindow);
    await using ada = await subscriber(kit.user('ada'));
    const reference = kit.reference('LobbySession');
    const { json } = await ada.join(reference);
    await ada.user.putSession(reference, { members: { me: null } });
    const [tap] = await ada.line.nextTaps();
    assert.equal(tap?.branch, json['branch']);
    assert.ok(tap !== undefined && !Object.hasOwn(tap, 'changeNumber'));
    // The next life is another branch; the end of the former one does not silence it.
    await ada.join(reference);
    await ada.user.putSession(reference, { properties: { custom: { a: 1 } } });
    const [next] = await ada.line.nextTaps();
    assert.equal(next?.changeNumber, 2);
    assert.notEqual(next?.branch, json['branch']);
  },
);

/** @source docs/wire/rta.md "Taps", docs/wire/time.md "Time", docs/wire/unknowns.md "who hears of a removal" */
test('a user who leaves is not notified, the others are', ownServer, async () => {
  await using kit = await startKit(noWindow);
  await using ada = await subscriber(kit.user('ada'));
  await using ben = await subscriber(kit.user('ben'));
  const reference = kit.reference();
  await ada.join(reference);
  await ben.join(reference);
  await ada.line.nextTaps();
  await ben.line.nextTaps();
  await ben.user.putSession(reference, { members: { me: null } });
  assert.equal((await ada.line.nextTaps())[0]?.changeNumber, 3);
  assert.deepEqual(await ben.line.framesSoFar(), []);
});

/** @source docs/wire/unknowns.md "who hears of a removal", docs/wire/time.md "Time" */
test('a user who is removed, by a service or by time, is notified', ownClock, async () => {
  await using kit = await startKit(noWindow);
  await using ada = await subscriber(kit.user('ada'));
  await using ben = await subscriber(kit.user('ben'), ['membersList']);
  const constants = { inactiveRemovalTimeout: 20_000 };
  const { reference } = await newSession(kit, ada.user, { constants });
  await ada.join(reference);
  const joined = await ben.join(reference, { active: false });
  await ada.line.framesSoFar();
  await ben.line.framesSoFar();
  await kit.service().putSession(reference, { members: { 1: null } });
  const number = Number(joined.json['changeNumber']);
  assert.equal((await ben.line.nextTaps())[0]?.changeNumber, number + 1);
  assert.equal((await ada.line.nextTaps())[0]?.changeNumber, number + 1);

  await ben.join(reference, { active: false });
  await ada.line.nextTaps();
  await ben.line.nextTaps();
  await kit.advance(20_000);
  assert.equal((await ben.line.nextTaps())[0]?.changeNumber, number + 3, 'the sweep removes');
  assert.equal((await ada.line.nextTaps())[0]?.changeNumber, number + 3);
});

/** @source docs/wire/sessions.md "Members" */
test(
  'W21 taps carry the newest subscription id; without a subscription there are none',
  ownServer,
  async () => {
    await using kit = await startKit(noWindow);
    await using ada = await subscriber(kit.user('ada'));
    const reference = kit.reference();
    await ada.join(reference);
    const id = '0A0B0C0D-0000-4000-8000-00000000000F';
    await ada.join(reference, { subscription: { id, changeTypes: ['EVERYTHING'] } });
    assert.equal((await ada.line.nextTaps())[0]?.subscription, id.toLowerCase());
    await ada.join(reference, { subscription: { id, changeTypes: [] } });
    await ada.user.putSession(reference, { properties: { custom: { a: 1 } } });
    assert.deepEqual(await ada.line.framesSoFar(), []);
  },
);

/** @source docs/wire/handles.md "POST /handles" */
test(
  'H2 setting an activity taps with its createTime; a transfer handle taps those in the target',
  ownServer,
  async () => {
    await using kit = await startKit(noWindow);
    await using ada = await subscriber(kit.user('ada'));
    const [lobby, game] = [kit.reference(), kit.reference()];
    await ada.join(lobby);
    await ada.join(game);
    const activity = await ada.user.postHandle({
      version: 1,
      type: 'activity',
      sessionRef: { ...lobby },
    });
    const [tap] = await ada.line.nextTaps();
    assert.equal(tap?.timestamp, activity.json['createTime']);
    assert.equal(tap?.changeNumber, 2);
    await ada.user.postHandle({
      version: 1,
      type: 'transfer',
      sessionRef: { ...game },
      originSessionRef: { ...lobby },
    });
    const [second] = await ada.line.nextTaps();
    assert.ok(second?.resource.endsWith(game.name));
    assert.equal(second?.changeNumber, 2);
  },
);

/** @source docs/wire/time.md "Time", docs/wire/rta.md "Taps" */
test('what time changes is notified, with the time at which it was seen', ownClock, async () => {
  await using kit = await startKit(noWindow);
  await using ada = await subscriber(kit.user('ada'));
  const reference = kit.reference('LobbySession');
  await ada.join(reference);
  await ada.user.putSession(reference, {
    members: { reserve_0: { constants: { system: { xuid: kit.user('ben').xuid } } } },
  });
  await ada.line.nextTaps();
  await kit.advance(30_000);
  const [tap] = await ada.line.nextTaps();
  assert.equal(tap?.changeNumber, 3);
  assert.equal(tap.timestamp, formatTime(kit.nowMs()));
});

type Change = {
  readonly type: string;
  /** By Ben, who is in the session with Ada. */
  readonly write: Record<string, unknown>;
};

const me = (more: unknown): Record<string, unknown> => ({ members: { me: more } });

/** Each with the changes that those who ask for it hear of; there is one for each type. */
const changes: readonly Change[] = [
  { type: 'customProperty', write: { properties: { custom: { map: 'atoll' } } } },
  { type: 'membersCustomProperty', write: me({ properties: { custom: { team: 'blue' } } }) },
  { type: 'joinability', write: { properties: { system: { closed: true } } } },
  { type: 'membersStatus', write: me({ properties: { system: { active: false } } }) },
  {
    type: 'membersList',
    write: { members: { reserve_0: { constants: { system: { xuid: '9' } } } } },
  },
  { type: 'everything', write: { properties: { system: { keywords: ['casual'] } } } },
];

/** @source docs/wire/rta.md "Taps" */
test('R13 each is notified of the changes asked for, and of no others', ownServer, async () => {
  await using kit = await startKit(noWindow);
  const types = [...changes.map(({ type }) => type), 'host', 'initialization', 'matchmakingStatus'];
  const reference = kit.reference();
  const listeners: Subscriber[] = [];
  const ben = kit.user('ben');
  await ben.join(reference);
  for (const type of types) {
    const listener = await subscriber(kit.user(type), [type]);
    await listener.join(reference);
    listeners.push(listener);
  }
  for (const { line } of listeners) await line.framesSoFar();
  for (const { type, write } of changes) {
    const { status, text } = await ben.putSession(reference, write);
    assert.equal(status, 200, text);
    for (const [n, { line }] of listeners.entries()) {
      const asked = types[n];
      const heard = (await line.framesSoFar()).length;
      const expected = asked === type || asked === 'everything' ? 1 : 0;
      assert.equal(heard, expected, `a change of ${type} to one who asked for ${asked}`);
    }
  }
  const matchmaking = { properties: { system: { status: 'searching' } } };
  const served = await kit.service().putSession(reference, { servers: { matchmaking } });
  assert.equal(served.status, 200, served.text);
  const heard = await Promise.all(listeners.map(({ line }) => line.framesSoFar()));
  const sent = types.filter((_type, n) => (heard[n]?.length ?? 0) > 0);
  assert.deepEqual(sent, ['everything', 'matchmakingStatus']);
  for (const { line } of listeners) await line.cut();
});

/** @source docs/wire/sessions.md "Members", docs/wire/rta.md "Life of a connection" */
test(
  'members who share a connection are notified each by the own subscription',
  ownServer,
  async () => {
    await using kit = await startKit(noWindow);
    await using ada = await subscriber(kit.user('ada'));
    const reference = kit.reference();
    await ada.join(reference);
    const ben = kit.user('ben');
    const id = '0a0b0c0d-0000-4000-8000-00000000000f';
    const subscription = { id, changeTypes: ['everything'] };
    const system = { active: true, connection: ada.connection.toUpperCase(), subscription };
    await ben.putSession(reference, { members: { me: { properties: { system } } } });
    const taps = await ada.line.nextTaps();
    assert.deepEqual(
      taps.map((tap) => tap.subscription),
      [ada.subscriptionId.toLowerCase(), id],
    );
  },
);

/** @source docs/wire/unknowns.md "whose connection a tap goes to" */
test('a connection hears nothing of sessions that its user is not in', ownServer, async () => {
  await using kit = await startKit(noWindow);
  await using ada = await subscriber(kit.user('ada'));
  const [ben, cleo] = kit.users('ben', 'cleo');
  const [reference, others] = [kit.reference(), kit.reference()];
  await ada.join(reference);
  const subscription = { id: randomUUID(), changeTypes: ['everything'] };
  const system = { active: true, connection: ada.connection, subscription };
  // Cleo plays in Ada's session over Ada's connection; Ben knows its id from the document.
  await cleo.putSession(reference, { members: { me: { properties: { system } } } });
  await ada.line.nextTaps();
  await ben.putSession(others, { members: { me: { properties: { system } } } });
  await ben.putSession(others, { properties: { custom: { a: 1 } } });
  await ben.putSession(others, { members: { me: null } });
  assert.deepEqual(await ada.line.framesSoFar(), []);
  await ada.join(reference, { subscription: { id: randomUUID(), changeTypes: ['host'] } });
  await ada.line.framesSoFar();
  await cleo.putSession(reference, { properties: { custom: { a: 1 } } });
  const taps = await ada.line.nextTaps();
  assert.deepEqual(
    taps.map((tap) => tap.subscription),
    [subscription.id],
    'Ada is in it, though this change is not one that she asked for',
  );
});

/** The recorded session of a lobby and its game, with its taps. @source docs/wire/clients.md "A recorded lobby" */
test('the recorded sequence, taps included', ownClock, async () => {
  await using kit = await startKit();
  await using ada = await subscriber(kit.user('ada'));
  const { user } = ada;
  const lobby = kit.reference('LobbySession');
  const game = kit.reference('GameSession');
  const version = { contractVersion: 105 };
  const address = { secureDeviceAddress: 'MS4xLjEuMQ==' };
  const system = { joinRestriction: 'followed', readRestriction: 'followed' };

  const created = await user.putSession(
    lobby,
    { properties: { system }, members: { me: ada.me(address) } },
    version,
  );
  assert.equal(created.status, 201);
  const activity = await user.postHandle({
    version: 1,
    type: 'activity',
    sessionRef: { ...lobby },
  });
  const [first] = await ada.line.nextTaps();
  assert.deepEqual([first?.changeNumber, first?.timestamp], [2, activity.json['createTime']]);

  const pending = { properties: { custom: { GameSessionTransferHandle: 'pending~1' } } };
  const stale = await user.putSession(lobby, pending, { ...version, ifMatch: created.etag });
  assert.deepEqual([stale.status, stale.json['changeNumber']], [412, 2]);
  const host = at(created.json, 'members.0.deviceToken') ?? '';
  const hosted = await user.putSession(
    lobby,
    { properties: { system: { host } } },
    { ...version, ifMatch: '*' },
  );
  assert.equal(hosted.json['changeNumber'], 3);

  const begun = await user.putSession(game, { members: { me: ada.me(address) } }, version);
  assert.equal(begun.status, 201);
  const transfer = await user.postHandle({
    version: 1,
    type: 'transfer',
    sessionRef: { ...game },
    originSessionRef: { ...lobby },
  });
  const stalest = await user.putSession(
    game,
    { properties: { system: { host } } },
    { ...version, ifMatch: begun.etag },
  );
  assert.deepEqual([stalest.status, stalest.json['changeNumber']], [412, 2]);
  const completed = `completed~${transfer.json['id']}`;
  await user.putSession(
    lobby,
    { properties: { custom: { GameSessionTransferHandle: completed } } },
    { ...version, ifMatch: '*' },
  );
  await user.putSession(
    game,
    { properties: { system: { host } } },
    { ...version, ifMatch: stalest.etag },
  );
  assert.deepEqual(await ada.line.framesSoFar(), []);
  await kit.advance(windowMs);
  assert.deepEqual(
    (await ada.line.nextTaps()).map(({ resource, changeNumber }) => [
      resource.split('~')[1],
      changeNumber,
    ]),
    [
      ['lobbysession', 4],
      ['gamesession', 3],
    ],
  );

  const pong = new Promise((resolve) => ada.line.socket.once('pong', resolve));
  await kit.advance(11_000);
  await pong;
  await user.putSession(game, { members: { me: null } }, { ...version, ifMatch: '*' });
  const [last, ...more] = await ada.line.nextTaps();
  assert.deepEqual(
    [last?.resource.split('~')[1], last?.changeNumber, more],
    ['gamesession', undefined, []],
  );
});
