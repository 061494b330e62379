import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ada,
  asRefusal,
  bert,
  cleo,
  dora,
  me,
  notRefused,
  referee,
  reserve,
  sampleReference,
  sampleTemplate,
  sessionOf,
  startMs,
  system,
  write,
} from '../../testing/samples.ts';
import { formatTime } from '../time.ts';
import {
  matchesQuery,
  mayQuery,
  parseBatchQuery,
  parseSessionQuery,
  viewFoundSession,
  type SessionQuery,
} from './session-query.ts';

const parse = (query: string) => parseSessionQuery(new URLSearchParams(query));
const queryOf = (query: string): SessionQuery => notRefused(parse(query));

const plain = {
  includesPrivate: false,
  includesReservations: false,
  includesInactive: false,
  take: 100,
};

test('a query says which sessions, and has everything else left out', () => {
  assert.deepEqual(parse('keyword=Foo'), { ...plain, xuids: [], keyword: 'Foo' });
  assert.deepEqual(parse('xuid=17'), { ...plain, xuids: ['17'] });
  assert.deepEqual(parse('xuid=17&visibility=OPEN&private=true&inactive=True&take=10'), {
    ...plain,
    xuids: ['17'],
    visibility: 'open',
    includesPrivate: true,
    includesInactive: true,
    take: 10,
  });
  assert.deepEqual(parse('XUID=17&Reservations=TRUE&private=false&version=2&take=0&other=1'), {
    ...plain,
    xuids: ['17'],
    includesReservations: true,
    versionMax: 2,
    take: 0,
  });
});

test('a parameter that is not as it must be is refused by name', () => {
  const cases = [
    ['', 'query', 'a keyword, a xuid, or both'],
    ['private=true', 'query', 'a keyword, a xuid, or both'],
    ['keyword=', 'query.keyword', '1 to 100 characters'],
    [`keyword=${'k'.repeat(101)}`, 'query.keyword', '1 to 100 characters'],
    ['xuid=me', 'query.xuid', 'a xuid'],
    ['xuid=', 'query.xuid', 'a xuid'],
    ['xuid=1&xuid=2', 'query.xuid', 'only once'],
    ['xuid=1&XUID=2', 'query.xuid', 'only once'],
    ['xuid=1&private=1', 'query.private', '"true", "false"'],
    ['xuid=1&inactive=', 'query.inactive', '"true", "false"'],
    ['xuid=1&reservations=yes', 'query.reservations', '"true", "false"'],
    ['xuid=1&visibility=any', 'query.visibility', '"open"'],
    ['xuid=1&visibility=private', 'query.visibility', 'private=true'],
    ['xuid=1&version=0', 'query.version', 'an integer from 1 to 2147483647'],
    ['xuid=1&version=2147483648', 'query.version', 'an integer from 1'],
    ['xuid=1&take=101', 'query.take', 'an integer from 0 to 100'],
    ['xuid=1&take=-1', 'query.take', 'an integer from 0 to 100'],
    ['xuid=1&take=1.0', 'query.take', 'an integer from 0 to 100'],
    ['xuid=1&take=', 'query.take', 'an integer from 0 to 100'],
  ] as const;
  for (const [query, place, expected] of cases) {
    const refusal = asRefusal(parse(query), 'requestInvalid');
    assert.equal(refusal.detail, place, query);
    assert.ok(refusal.text.includes(expected), `${query}: ${refusal.text}`);
  }
});

test('a batch names its users in the body, each counts once', () => {
  const batch = (query: string, body: object) =>
    parseBatchQuery(new URLSearchParams(query), body as never);
  assert.deepEqual(batch('keyword=k', { xuids: ['2', '1', '2'] }), {
    ...plain,
    xuids: ['2', '1'],
    keyword: 'k',
  });
  const cases = [
    ['xuid=1', { xuids: ['1'] }, 'query.xuid'],
    ['keyword=k', {}, '$.xuids'],
    ['keyword=k', { xuids: [] }, '$.xuids'],
    ['', { xuids: '1' }, '$.xuids'],
    ['', { xuids: [1] }, '$.xuids[0]'],
    ['', { xuids: ['1'], take: 1 }, '$.take'],
    ['', { xuids: Array.from({ length: 1_001 }, (_, i) => `${i}`) }, '$.xuids'],
  ] as const;
  for (const [query, body, place] of cases) {
    assert.equal(asRefusal(batch(query, body), 'requestInvalid').detail, place);
  }
});

test('private sessions and reservations are for those they belong to, and for services', () => {
  const own = `xuid=${ada.xuid}`;
  const cases = [
    [ada, own, undefined],
    [ada, `${own}&private=true&reservations=true&inactive=true`, undefined],
    [ada, `xuid=${bert.xuid}&inactive=true`, undefined],
    [ada, `xuid=${bert.xuid}&private=true`, 'queryNotYours'],
    [ada, `xuid=${bert.xuid}&reservations=true`, 'queryNotYours'],
    [ada, 'keyword=k&private=true', 'queryNotYours'],
    [ada, 'keyword=k&reservations=true', 'queryNotYours'],
    [ada, 'keyword=k&inactive=true', 'requestInvalid'],
    [referee, `xuid=${bert.xuid}&private=true&reservations=true`, undefined],
    [referee, 'keyword=k&private=true', undefined],
    [referee, 'keyword=k&reservations=true', 'requestInvalid'],
    [referee, 'keyword=k&inactive=true', 'requestInvalid'],
  ] as const;
  for (const [caller, query, code] of cases) {
    assert.equal(mayQuery(queryOf(query), caller)?.code, code, `${caller.kind} ${query}`);
  }
});

test('a batch with anybody else in it is not the caller’s own', () => {
  const asked = new URLSearchParams('private=true');
  const query = notRefused(parseBatchQuery(asked, { xuids: [ada.xuid, bert.xuid] }));
  assert.equal(mayQuery(query, ada)?.code, 'queryNotYours');
  assert.equal(mayQuery(query, referee), undefined);
});

test('who is in a session, by status', () => {
  const template = sampleTemplate({ reservedRemovalTimeout: null, inactiveRemovalTimeout: null });
  let session = sessionOf([ada, bert, cleo], { template });
  session = write(session, reserve(dora));
  session = write(session, me({ ready: true }), { by: bert });
  session = write(session, me({}), { by: cleo });
  session = write(session, me({ active: false }), { by: cleo });
  const found = (more: string) =>
    [ada, bert, cleo, dora, { xuid: '99' }]
      .filter(({ xuid }) => matchesQuery(session, queryOf(`xuid=${xuid}${more}`), xuid))
      .map(({ xuid }) => viewFoundSession(session, 105, xuid))
      .map(({ xuid, status }) => [xuid, status]);
  const active = [ada.xuid, 'active'];
  const inactive = [
    [bert.xuid, 'inactive'],
    [cleo.xuid, 'inactive'],
  ];
  const reserved = [dora.xuid, 'reserved'];
  assert.deepEqual(found(''), [active]);
  assert.deepEqual(found('&inactive=true'), [active, ...inactive]);
  assert.deepEqual(found('&reservations=true'), [active, reserved]);
  assert.deepEqual(found('&reservations=true&inactive=true'), [active, ...inactive, reserved]);
});

test('visibility, version and keyword select', () => {
  const withSystem = (constants: object, properties: object = {}) =>
    sessionOf([ada], { template: sampleTemplate(constants as never) }, system(properties as never));
  const cases = [
    [withSystem({}), 'xuid=1', true],
    [withSystem({ visibility: 'private' }), 'xuid=1', false],
    [withSystem({ visibility: 'private' }), 'xuid=1&private=true', true],
    [withSystem({}), 'xuid=1&visibility=private&private=true', false],
    [withSystem({ visibility: 'private' }), 'xuid=1&visibility=private&private=true', true],
    [withSystem({}), 'xuid=1&visibility=open', true],
    [withSystem({}), 'xuid=1&visibility=full', false],
    [withSystem({}), 'xuid=1&visibility=visible', false],
    [withSystem({ visibility: 'visible' }), 'xuid=1&visibility=visible', true],
    [withSystem({ maxMembersCount: 1 }), 'xuid=1&visibility=open', false],
    [withSystem({ maxMembersCount: 1 }), 'xuid=1&visibility=full', true],
    [withSystem({ maxMembersCount: 1 }), 'xuid=1', true],
    [withSystem({ maxMembersCount: 1, visibility: 'visible' }), 'xuid=1&visibility=full', false],
    [withSystem({ version: 2 }), 'xuid=1&version=1', false],
    [withSystem({ version: 2 }), 'xuid=1&version=2', true],
    [withSystem({ version: 2 }), 'xuid=1&version=3', true],
    [withSystem({}), 'keyword=k', false],
    [withSystem({}, { keywords: ['Äpfel', 'K'] }), 'keyword=k', true],
    [withSystem({}, { keywords: ['Äpfel', 'K'] }), 'keyword=äPFEL', true],
    [withSystem({}, { keywords: ['Äpfel', 'K'] }), 'keyword=kk', false],
  ] as const;
  for (const [session, query, expected] of cases) {
    assert.equal(matchesQuery(session, queryOf(query)), expected, query);
  }
});

test('a result is what wire 1.7 shows, with what is absent left out', () => {
  const template = sampleTemplate({ maxMembersCount: 2 });
  const session = write(
    sessionOf([ada], { template }, system({ keywords: ['k'], turn: [], closed: true })),
    { ...system({ turn: [0], joinRestriction: 'followed' }), ...reserve(bert) },
  );
  const common = {
    startTime: formatTime(startMs),
    sessionRef: sampleReference,
    accepted: 1,
    visibility: 'full',
    joinRestriction: 'followed',
    keywords: ['k'],
  };
  assert.deepEqual(viewFoundSession(session, 105), common);
  assert.deepEqual(viewFoundSession(session, 105, ada.xuid), {
    ...common,
    xuid: ada.xuid,
    status: 'active',
    myTurn: true,
  });
  assert.deepEqual(viewFoundSession(session, 105, bert.xuid), {
    ...common,
    xuid: bert.xuid,
    status: 'reserved',
  });
  const visible = sessionOf([ada], { template: sampleTemplate({ visibility: 'visible' }) });
  assert.deepEqual(viewFoundSession(write(visible, system({ joinRestriction: 'local' })), 105), {
    startTime: formatTime(startMs),
    sessionRef: sampleReference,
    accepted: 1,
    visibility: 'visible',
  });
});
