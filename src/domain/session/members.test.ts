import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ada,
  bert,
  cleo,
  decide,
  dora,
  leave,
  me,
  referee,
  refuse,
  reserve,
  sampleTemplate,
  sampleUser,
  sessionOf,
  sessionReserving,
  startMs,
  system,
  write,
} from '../../testing/samples.ts';
import type { Json, JsonObject } from '../json.ts';
import { limits } from '../limits.ts';
import type { RefusalCode } from '../refusal.ts';
import { memberOf, type Member, type MemberStatus, type Session } from './session.ts';

const laterMs = startMs + 5_000;
const connectivity = sampleTemplate({ capabilities: { connectivity: true } });

function own(session: Session, { xuid } = ada): Member {
  const member = memberOf(session, xuid);
  assert.ok(member);
  return member;
}

test('a new member is known by the token alone', () => {
  const lies = { constants: { system: { xuid: bert.xuid, index: 7, initialize: true } } };
  const session = write(undefined, { members: { me: lies } }, { by: ada });
  assert.deepEqual(own(session), {
    index: 0,
    xuid: ada.xuid,
    gamertag: 'Ada',
    status: 'inactive',
    statusSinceMs: startMs,
    joinTimeMs: startMs,
    constants: { custom: {} },
    properties: { system: {}, custom: {} },
    titleId: ada.titleId,
    deviceId: ada.deviceId,
  });
});

test('what a token does not say is not there', () => {
  const bare = { kind: 'user', xuid: ada.xuid, sandbox: 'RETAIL' } as const;
  const { gamertag, titleId, deviceId } = own(write(undefined, me(), { by: bare }));
  assert.deepEqual([gamertag, titleId, deviceId], [undefined, undefined, undefined]);
});

test('custom constants of a member are any JSON, given when joining and never again', () => {
  const given: readonly Json[] = ['a string', 7, false, ['x', null], { skill: 3 }];
  for (const custom of given) {
    const session = write(undefined, { members: { me: { constants: { custom } } } });
    assert.deepEqual(own(session).constants.custom, custom);
    const again = write(session, {
      members: { me: { constants: { system: { xuid: '1' }, custom: 'other' } } },
    });
    assert.equal(again, session);
  }
  const nothing = write(undefined, { members: { me: { constants: { custom: null } } } });
  assert.deepEqual(own(nothing).constants.custom, {});
});

/** The status before a write of these properties.system, and after. */
const statusChanges: readonly (readonly [
  before: MemberStatus,
  written: JsonObject,
  after: MemberStatus,
])[] = [
  ['inactive', {}, 'inactive'],
  ['inactive', { active: true }, 'active'],
  ['inactive', { ready: true }, 'ready'],
  ['inactive', { active: false, ready: false }, 'inactive'],
  ['active', {}, 'active'],
  ['active', { active: true }, 'active'],
  ['active', { active: false }, 'inactive'],
  ['active', { active: null }, 'inactive'],
  ['active', { active: false, ready: false }, 'inactive'],
  ['active', { ready: false }, 'active'],
  ['active', { ready: true }, 'ready'],
  ['active', { active: false, ready: true }, 'ready'],
  ['ready', {}, 'ready'],
  ['ready', { active: true }, 'active'],
  ['ready', { ready: true }, 'ready'],
  ['ready', { ready: false }, 'inactive'],
  ['ready', { ready: null }, 'inactive'],
  ['ready', { active: false }, 'ready'],
  ['reserved', {}, 'inactive'],
  ['reserved', { active: true }, 'active'],
  ['reserved', { ready: true }, 'ready'],
];

const beginnings: Readonly<Record<MemberStatus, () => Session>> = {
  reserved: () => sessionReserving([ada]),
  inactive: () => write(undefined, me({})),
  ready: () => write(undefined, me({ ready: true })),
  active: () => write(undefined, me({ active: true })),
};

for (const [before, written, after] of statusChanges) {
  test(`a member who is ${before} and writes ${JSON.stringify(written)} is ${after}`, () => {
    const begun = beginnings[before]();
    assert.equal(own(begun).status, before);
    const member = own(write(begun, me(written), { nowMs: laterMs }));
    assert.equal(member.status, after);
    assert.equal(member.statusSinceMs, before === after ? startMs : laterMs);
  });
}

test('a member cannot become active and ready at once', () => {
  const refusal = refuse(sessionOf([ada]), me({ active: true, ready: true }));
  assert.equal(refusal.code, 'requestInvalid');
  assert.equal(refusal.detail, '$.members.me.properties.system');
});

const guid = '91a3266d-0000-4000-8000-000000000001';

/** What is written of properties.system, and what is kept of it. */
const kept: readonly (readonly [written: JsonObject, kept: JsonObject])[] = [
  [
    { connection: '85B40569-0000-4000-8000-00000000000A' },
    { connection: '85B40569-0000-4000-8000-00000000000A' },
  ],
  [
    { subscription: { id: '81A3266D-0000-4000-8000-000000000001', changeTypes: ['everything'] } },
    { subscription: { id: '81A3266D-0000-4000-8000-000000000001', changeTypes: ['everything'] } },
  ],
  [{ subscription: { id: '81a3266d-0000-4000-8000-000000000001', changeTypes: [] } }, {}],
  [{ subscription: null }, {}],
  [
    { subscription: { id: '81a3266d-0000-4000-8000-000000000001' } },
    { subscription: { id: '81a3266d-0000-4000-8000-000000000001' } },
  ],
  [
    { secondarySubscriptions: { [guid]: { changeTypes: ['Roles'], rta: { connection: guid } } } },
    { secondarySubscriptions: { [guid]: { changeTypes: ['Roles'], rta: { connection: guid } } } },
  ],
  [{ secondarySubscriptions: { [guid]: {} } }, { secondarySubscriptions: { [guid]: {} } }],
  [{ secondarySubscriptions: null }, {}],
  [{ secureDeviceAddress: '' }, {}],
  [{ encounters: ['met'] }, {}],
  [
    { initializationGroup: [1], groups: ['red'] },
    { initializationGroup: [1, 0], groups: ['red'] },
  ],
  [
    {
      measurements: {
        '457e': { latency: 40, bandwidthDown: 1, bandwidthUp: 2, custom: { a: null } },
      },
    },
    {
      measurements: {
        '457e': { latency: 40, bandwidthDown: 1, bandwidthUp: 2, custom: { a: null } },
      },
    },
  ],
  [
    { serverMeasurements: { west: { latency: 1.5 } } },
    { serverMeasurements: { west: { latency: 1.5 } } },
  ],
  [{ rolePreference: { squad: 'leader' } }, { rolePreference: { squad: 'leader' } }],
  [{ subscriptions: { everything: true } }, { subscriptions: { everything: true } }],
];

for (const [written, stays] of kept) {
  test(`of ${JSON.stringify(written).slice(0, 60)} a member keeps ${JSON.stringify(stays).slice(0, 30)}`, () => {
    assert.deepEqual(own(write(undefined, me(written))).properties.system, stays);
  });
}

test('an empty subscription ends the one before, another one takes its place whole', () => {
  const subscription = { id: '81A3266D-0000-4000-8000-000000000001', changeTypes: ['host'] };
  const session = write(undefined, me({ active: true, subscription }));
  const other = { id: '91A3266D-0000-4000-8000-000000000001', changeTypes: ['everything'] };
  assert.deepEqual(own(write(session, me({ subscription: other }))).properties.system, {
    subscription: other,
  });
  const ended = write(session, me({ subscription: { ...subscription, changeTypes: [] } }));
  assert.deepEqual(own(ended).properties.system, {});
});

test('measurements are replaced as a whole and do not name the own device', () => {
  const address = { active: true, secureDeviceAddress: 'MS4xLjEuMQ==' };
  const session = write(undefined, me({ ...address, measurements: { a: { latency: 1 } } }), {
    template: connectivity,
  });
  const again = write(session, me({ measurements: { b: { latency: 2 } } }));
  assert.deepEqual(own(again).properties.system.measurements, { b: { latency: 2 } });
  const token = own(session).deviceToken ?? '';
  const refusal = refuse(session, me({ measurements: { [token.toUpperCase()]: { latency: 1 } } }));
  assert.equal(refusal.detail, '$.members.me.properties.system.measurements');
});

test('a device token belongs to its address and goes with it', () => {
  const begin = (secureDeviceAddress: string): Session =>
    write(undefined, me({ active: true, secureDeviceAddress }), { template: connectivity });
  const token = own(begin('MS4xLjEuMQ==')).deviceToken;
  assert.match(token ?? '', /^[0-9a-f]{32}$/);
  assert.equal(own(begin('MS4xLjEuMQ==')).deviceToken, token);
  assert.notEqual(own(begin('Mi4yLjIuMg==')).deviceToken, token);
  assert.equal(own(write(begin('MS4xLjEuMQ=='), me({}))).deviceToken, token);
  assert.equal(
    own(write(begin('MS4xLjEuMQ=='), me({ secureDeviceAddress: '' }))).deviceToken,
    undefined,
  );
});

/** Writes of the own member, in a session with these capabilities, that are refused. */
const refused: readonly (readonly [
  written: JsonObject,
  code: RefusalCode,
  field: string,
  capabilities?: JsonObject,
])[] = [
  [{ secureDeviceAddress: 'MS4xLjEuMQ==' }, 'requestInvalid', 'secureDeviceAddress'],
  [
    { secureDeviceAddress: 'no base64' },
    'requestInvalid',
    'secureDeviceAddress',
    { connectivity: true },
  ],
  [{ connection: 'no guid' }, 'requestInvalid', 'connection'],
  [{ connection: '' }, 'requestInvalid', 'connection'],
  [{ subscription: { id: 'no guid', changeTypes: [] } }, 'requestInvalid', 'subscription.id'],
  [
    { subscription: { id: '81a3266d-0000-4000-8000-000000000001', changeTypes: ['all'] } },
    'requestInvalid',
    'subscription.changeTypes[0]',
  ],
  [{ secondarySubscriptions: { first: {} } }, 'requestInvalid', 'secondarySubscriptions.first'],
  [
    { secondarySubscriptions: { [guid]: { changeTypes: ['all'] } } },
    'requestInvalid',
    `secondarySubscriptions["${guid}"].changeTypes[0]`,
  ],
  [
    { measurements: { '457e': { latency: '40' } } },
    'requestInvalid',
    'measurements["457e"].latency',
  ],
  [{ active: 'true' }, 'requestInvalid', 'active'],
  [{ activeTitleId: '1' }, 'requestInvalid', 'activeTitleId'],
  [
    { active: true },
    'connectionRequired',
    'connection',
    { connectionRequiredForActiveMembers: true },
  ],
  [
    { active: true, connection: null },
    'connectionRequired',
    'connection',
    { connectionRequiredForActiveMembers: true },
  ],
];

for (const [written, code, field, capabilities] of refused) {
  test(`a member's ${JSON.stringify(written).slice(0, 70)} is refused as ${code}`, () => {
    const template = sampleTemplate(capabilities && { capabilities });
    const refusal = refuse(write(undefined, me({}), { template }), me(written));
    assert.equal(refusal.code, code, refusal.text);
    assert.equal(refusal.detail, `$.members.me.properties.system.${field}`);
  });
}

test('where a connection is required an active member cannot take it away, an inactive one may lack it', () => {
  const template = sampleTemplate({ capabilities: { connectionRequiredForActiveMembers: true } });
  const connection = '00000000-0000-0000-0000-000000000000';
  const active = write(undefined, me({ active: true, connection }), { template });
  assert.equal(refuse(active, me({ connection: null })).code, 'connectionRequired');
  const inactive = write(active, me({ active: false, connection: null }));
  assert.equal(own(inactive).status, 'inactive');
});

test('custom properties of a member are merged by key, null removes', () => {
  const session = write(undefined, me({}, { health: 41, nested: { a: null }, gone: 1 }));
  const again = write(session, me({}, { health: 42, gone: null }));
  assert.deepEqual(own(again).properties.custom, { health: 42, nested: { a: null } });
});

test('a reservation holds a seat with an index, who made it, and nothing else', () => {
  const session = write(sessionOf([ada]), {
    members: {
      reserve_1: { constants: { system: { xuid: cleo.xuid, initialize: true }, custom: 'second' } },
      reserve_0: { constants: { system: { xuid: Number(bert.xuid) } } },
    },
  });
  assert.deepEqual(session.members.slice(1), [
    {
      index: 1,
      xuid: bert.xuid,
      status: 'reserved',
      statusSinceMs: startMs,
      joinTimeMs: startMs,
      reservedBy: ada.xuid,
      constants: { custom: {} },
      properties: { system: {}, custom: {} },
    },
    {
      index: 2,
      xuid: cleo.xuid,
      status: 'reserved',
      statusSinceMs: startMs,
      joinTimeMs: startMs,
      reservedBy: ada.xuid,
      constants: { custom: 'second' },
      properties: { system: {}, custom: {} },
    },
  ]);
});

test('the first write of a reserved user makes a member of the same index, joined now', () => {
  const session = write(sessionOf([ada]), reserve(bert));
  const joined = write(session, me(), { by: bert, nowMs: laterMs });
  const { index, status, gamertag, joinTimeMs } = own(joined, bert);
  assert.deepEqual(
    { index, status, gamertag, joinTimeMs },
    {
      index: 1,
      status: 'active',
      gamertag: 'Bert',
      joinTimeMs: laterMs,
    },
  );
  assert.equal(joined.nextMemberIndex, 2);
});

test('what a reservation says in its constants holds, whatever the joiner says', () => {
  for (const custom of ['theirs', {}]) {
    const seat = { constants: { system: { xuid: bert.xuid }, custom } };
    const session = write(sessionOf([ada]), { members: { reserve_0: seat } });
    const joined = write(
      session,
      { members: { me: { constants: { custom: 'mine' } } } },
      { by: bert },
    );
    assert.deepEqual(own(joined, bert).constants.custom, custom);
  }
});

test('who is in already, or reserved in the same request, is not reserved again', () => {
  const session = sessionOf([ada, bert]);
  assert.equal(write(session, reserve(bert, ada)), session);
  const twice = write(session, reserve(cleo, cleo, bert));
  assert.equal(twice.members.length, 3);
  const self = write(undefined, {
    members: { ...(me()['members'] as JsonObject), ...(reserve(ada)['members'] as JsonObject) },
  });
  assert.deepEqual(
    self.members.map(({ status }) => status),
    ['active'],
  );
});

test('members and reservations together fill the seats', () => {
  const template = sampleTemplate({ maxMembersCount: 3 });
  const session = write(sessionOf([ada], { template }), reserve(bert, cleo));
  assert.equal(refuse(session, reserve(dora)).code, 'sessionFull');
  assert.equal(refuse(session, me(), { by: dora }).code, 'sessionFull');
  // Nobody takes the reserved seat, and its user gets in.
  assert.equal(write(session, me(), { by: bert }).members.length, 3);
});

test('a creating write is bound by the seats as well', () => {
  const template = sampleTemplate({ maxMembersCount: 2 });
  const body = {
    members: {
      ...(me()['members'] as JsonObject),
      ...(reserve(bert, cleo)['members'] as JsonObject),
    },
  };
  assert.equal(refuse(undefined, body, { template }).code, 'sessionFull');
});

test('indexes go on from the last one, never back', () => {
  const session = sessionOf([ada, bert, cleo]);
  const without = write(session, leave, { by: cleo });
  const back = write(without, me(), { by: cleo });
  assert.deepEqual(
    back.members.map(({ index }) => index),
    [0, 1, 3],
  );
  const other = write(write(back, leave, { by: ada }), me(), { by: dora });
  assert.deepEqual(
    other.members.map(({ index }) => index),
    [1, 3, 4],
  );
});

test('a leaver takes host and turn along', () => {
  const host = (session: Session): string => own(session).deviceToken ?? '';
  const joined = write(undefined, me({ active: true, secureDeviceAddress: 'MS4xLjEuMQ==' }), {
    template: connectivity,
  });
  const both = write(joined, me(), { by: bert });
  const session = write(both, system({ host: host(joined), turn: [0, 1], closed: true }));
  const adaLeft = write(session, leave, { by: ada });
  assert.deepEqual(adaLeft.properties.system, { turn: [1], closed: true });
  const bertLeft = write(session, leave, { by: bert });
  assert.deepEqual(bertLeft.properties.system, { host: host(joined), turn: [0], closed: true });
});

test('a host token that another member shares stays when one of them leaves', () => {
  const address = { active: true, secureDeviceAddress: 'MS4xLjEuMQ==' };
  const joined = write(undefined, me(address), { template: connectivity });
  const both = write(joined, me(address), { by: bert });
  const hosted = write(both, system({ host: own(joined).deviceToken ?? '' }));
  assert.equal(write(hosted, leave, { by: ada }).properties.system.host, own(joined).deviceToken);
});

test('accepted members who left are remembered once, the newest last, reservations are not', () => {
  const session = write(sessionOf([ada, bert, cleo]), reserve(dora));
  const left = [bert, dora, cleo].reduce((now, by) => write(now, leave, { by }), session);
  assert.deepEqual(left.formerXuids, [bert.xuid, cleo.xuid]);
  const again = write(write(left, me(), { by: bert }), leave, { by: bert });
  assert.deepEqual(again.formerXuids, [cleo.xuid, bert.xuid]);
});

// @source docs/wire/unknowns.md "how many former members are remembered"
test('of those who left only so many are remembered', () => {
  let session = sessionOf([ada]);
  for (let n = 0; n <= limits.formerMembersMax; n += 1) {
    const by = sampleUser(100 + n, 'Guest');
    session = write(write(session, me(), { by }), leave, { by });
  }
  assert.equal(session.formerXuids.length, limits.formerMembersMax);
  assert.equal(session.formerXuids[0], sampleUser(101, '').xuid);
});

// @source docs/wire/unknowns.md "the activity of a member who becomes ready"
test('a member goes inactive without the activity handle, and keeps it when ready', () => {
  const session = sessionOf([ada]);
  const [member] = session.members;
  assert.ok(member);
  const acting = { ...session, members: [{ ...member, activityHandleId: 'h' }] };
  assert.equal(own(write(acting, me({ ready: true }))).activityHandleId, 'h');
  assert.equal(own(write(acting, me({ active: false }))).activityHandleId, undefined);
  assert.equal(own(write(acting, me({}, { a: 1 }))).activityHandleId, 'h');
});

test('users remove only themselves, services remove anybody who is a member', () => {
  const session = sessionOf([ada, bert]);
  const remove = (index: number): JsonObject => ({ members: { [index]: null } });
  assert.deepEqual(
    write(session, remove(0), { by: ada }).members.map(({ index }) => index),
    [1],
  );
  assert.equal(refuse(session, remove(1), { by: ada }).code, 'memberNotYours');
  assert.equal(refuse(session, remove(7), { by: ada }).detail, '$.members.7');
  assert.deepEqual(
    write(session, remove(1), { by: referee }).members.map(({ index }) => index),
    [0],
  );
  assert.equal(write(session, remove(7), { by: referee }), session);
  assert.deepEqual(decide(session, { members: { 0: null, 1: null } }, { by: referee }), {
    kind: 'deleted',
  });
});

// @source docs/wire/unknowns.md "one's own member by index"
test('the own member may be written by its index', () => {
  const session = sessionOf([ada, bert]);
  const body = { members: { 1: { properties: { custom: { a: 1 } } } } };
  assert.deepEqual(own(write(session, body, { by: bert }), bert).properties.custom, { a: 1 });
  assert.equal(refuse(session, body, { by: ada }).code, 'memberNotYours');
  assert.equal(refuse(session, body, { by: referee }).code, 'memberNotYours');
});

test('a reservation is taken, or declined, by index as well as by me', () => {
  const session = write(sessionOf([ada]), reserve(bert));
  const taken = write(session, { members: { 1: {} } }, { by: bert });
  assert.equal(own(taken, bert).status, 'inactive');
  for (const body of [leave, { members: { 1: null } }]) {
    assert.equal(write(session, body, { by: bert }).members.length, 1);
  }
});
