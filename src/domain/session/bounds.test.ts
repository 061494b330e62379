import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultSettings } from '../../config/settings.ts';
import {
  ada,
  bert,
  type Circumstances,
  cleo,
  decide,
  leave,
  me,
  notRefused,
  referee,
  refuse,
  reserve,
  sampleTemplate,
  sampleUser,
  sessionOf,
  startMs,
  system,
  write,
} from '../../testing/samples.ts';
import { formatJson, type JsonObject } from '../json.ts';
import { limits } from '../limits.ts';
import type { RefusalCode } from '../refusal.ts';
import { defaultBounds } from './bounds.ts';
import { parseMemberRequest, parsePropertiesRequest } from './request.ts';
import type { Session } from './session.ts';
import { applyTimeouts, nextDueMs, nextTimerMs } from './timeouts.ts';
import { viewSession } from './view.ts';

const bounds = {
  ...defaultBounds,
  documentBytesMax: 2_000,
  memberBytesMax: 500,
  roleTypesMax: 2,
  rolesMax: 2,
  itemsMax: 3,
  writeMembersMax: 2,
  emptyMsMax: 60_000,
};

const keyed = (count: number, value: unknown = {}): JsonObject =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`a${i}`, value])) as JsonObject;
const roles = (types: number, each: number): JsonObject => ({
  roleTypes: keyed(types, { roles: keyed(each) }),
});
const seats = (count: number): JsonObject =>
  reserve(...Array.from({ length: count }, (_, i) => sampleUser(i + 10, 'Guest')));
const mySystem = (fields: JsonObject): JsonObject => ({
  members: { me: { properties: { system: fields } } },
});

test('the settings of a server that sets nothing are the default bounds', () => {
  const settings: Record<string, unknown> = defaultSettings();
  for (const [name, value] of Object.entries(defaultBounds)) assert.equal(settings[name], value);
});

/** Bodies at each limit, and one above it. */
const counted: readonly (readonly [
  code: RefusalCode,
  path: string,
  body: (count: number) => JsonObject,
  max: number,
])[] = [
  ['tooManyMembers', '$.members', seats, 2],
  ['tooManyRoles', '$.roleTypes', (count) => roles(count, 1), 2],
  ['tooManyRoles', '$.roleTypes.a0.roles', (count) => roles(1, count), 2],
  ['tooManyItems', '$.servers', (count) => ({ servers: keyed(count) }), 3],
  [
    'tooManyItems',
    '$.properties.system.turn',
    (count) => ({ ...me(), ...system({ turn: Array(count).fill(0) }) }),
    3,
  ],
  [
    'tooManyItems',
    '$.constants.system.initiators',
    (count) => ({ ...me(), constants: { system: { initiators: Array(count).fill(ada.xuid) } } }),
    3,
  ],
  ...['groups', 'encounters'].map(
    (field) =>
      [
        'tooManyItems',
        `$.members.me.properties.system.${field}`,
        (count: number) => mySystem({ [field]: Array(count).fill('x') }),
        3,
      ] as const,
  ),
  ...['measurements', 'serverMeasurements'].map(
    (field) =>
      [
        'tooManyItems',
        `$.members.me.properties.system.${field}`,
        (count: number) => mySystem({ [field]: keyed(count) }),
        3,
      ] as const,
  ),
];

for (const [code, path, body, max] of counted) {
  test(`${path} may be ${max} and not ${max + 1}`, () => {
    const refusal = refuse(undefined, body(max + 1), { bounds });
    assert.equal(refusal.code, code, refusal.text);
    assert.equal(refusal.detail, `${path} max ${max}`);
    const decision = decide(undefined, body(max), { bounds });
    assert.notEqual((decision as { readonly code?: string }).code, code);
  });
}

test('an element is held to the same bounds, named from its own root', () => {
  const turn = Array(4).fill(0);
  const rules = { bounds, unknownMembers: 'refuse' } as const;
  const ofProperties = parsePropertiesRequest({ system: { turn } }, rules);
  assert.equal((ofProperties as { readonly detail?: string }).detail, '$.system.turn max 3');
  const ofMember = parseMemberRequest({ properties: { system: { groups: turn } } }, rules);
  assert.equal(
    (ofMember as { readonly detail?: string }).detail,
    '$.properties.system.groups max 3',
  );
});

const custom = (name: string, bytes: number): JsonObject => ({
  properties: { custom: { [name]: 'x'.repeat(bytes) } },
});

test('many small writes do not make a document larger than it may be', () => {
  let session = sessionOf([ada, bert]);
  let refusal: { readonly code?: string } = {};
  for (let i = 0; refusal.code === undefined && i < 100; i += 1) {
    const decision = decide(session, custom(`k${i}`, 100), { bounds });
    if ('session' in decision && decision.session !== undefined && 'kind' in decision) {
      session = decision.session;
    } else refusal = decision as { readonly code?: string };
  }
  assert.equal(refusal.code, 'documentTooLarge');
  const bytes = formatJson(viewSession(session, 107)).length;
  assert.ok(bytes > 1_500 && bytes < 2_500, `${bytes}`);
  // Writes that make it no larger are accepted: leaving, and removing data.
  notRefused(decide(session, leave, { bounds }));
  notRefused(decide(session, { properties: { custom: { k0: null } } }, { bounds }));
  assert.equal(refuse(session, me(), { by: cleo, bounds }).code, 'documentTooLarge');
});

test('the bytes of a document are those of UTF-8', () => {
  const session = sessionOf([ada]);
  // 900 units: 900 bytes, or 2,700.
  notRefused(decide(session, { properties: { custom: { a: 'x'.repeat(900) } } }, { bounds }));
  const refusal = refuse(session, { properties: { custom: { a: 'あ'.repeat(900) } } }, { bounds });
  assert.equal(refusal.code, 'documentTooLarge');
});

test('a document that is heavier than a lowered bound takes what makes it no heavier', () => {
  const heavy = write(sessionOf([ada]), custom('a', 3_000));
  notRefused(decide(heavy, custom('a', 2_900), { bounds }));
  notRefused(decide(heavy, me({ ready: true }), { bounds }));
  assert.equal(refuse(heavy, custom('b', 10), { bounds }).code, 'documentTooLarge');
});

test('a member may not be larger than it may be, and may become smaller', () => {
  const session = sessionOf([ada, bert]);
  const grow = (bytes: number): JsonObject => ({
    members: { me: { properties: { custom: { a: 'x'.repeat(bytes) } } } },
  });
  assert.equal(refuse(session, grow(500), { bounds }).code, 'memberTooLarge');
  const large = write(session, grow(900));
  notRefused(decide(large, grow(800), { bounds }));
  // It does not stop others.
  notRefused(decide(large, me({ ready: true }), { by: bert, bounds }));
  const joining = { members: { me: { constants: { custom: 'x'.repeat(500) } } } };
  assert.equal(refuse(session, joining, { by: cleo, bounds }).code, 'memberTooLarge');
});

/** So many members, each with a name of its own. */
const many = (count: number, from = 0): JsonObject =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${from + n}`, n]));

// Kills: members that are counted in a body alone; a member, a server or what nobody knows that is
// not looked at.
test('many writes do not give an object more members than it may have', () => {
  const max = limits.objectMembersMax;
  const service = { by: referee };
  const keep = { unknownMembers: 'keep' } as const;
  const servers = (custom: JsonObject): JsonObject => ({
    servers: { a: { properties: { custom } } },
  });
  for (const [path, body, by] of [
    ['$.properties.custom', (custom) => ({ properties: { custom } }), {}],
    [
      '$.members.0.properties.custom',
      (custom) => ({ members: { me: { properties: { custom } } } }),
      {},
    ],
    ['$.servers.a.properties.custom', servers, service],
    ['$', (extra) => extra, keep],
    ['$.properties', (properties) => ({ properties }), keep],
    ['$.members.0', (me) => ({ members: { me } }), keep],
  ] as readonly (readonly [string, (given: JsonObject) => JsonObject, Circumstances])[]) {
    const full = write(sessionOf([ada]), body(many(max)), by);
    const refusal = refuse(full, body(many(1, max)), by);
    assert.deepEqual([refusal.code, refusal.detail], ['tooManyItems', `${path} max ${max}`]);
    notRefused(decide(full, body({ k7: null }), by));
    notRefused(decide(full, body({ k7: 'another' }), by));
    notRefused(decide(full, leave));
  }
});

const never = {
  sessionEmptyTimeout: null,
  reservedRemovalTimeout: null,
  readyRemovalTimeout: null,
  inactiveRemovalTimeout: null,
};
const endless = { ...me({ active: true }), constants: { system: never } };

// @source docs/wire/unknowns.md "sessions that nobody is in"
test('a creating write cannot make an empty session that stays for ever', () => {
  const created = write(undefined, endless, { bounds });
  const empty = write(created, leave, { bounds });
  assert.equal(nextDueMs(empty), startMs + 60_000);
  assert.equal(nextTimerMs(empty), undefined);
  assert.equal(applyTimeouts(empty, startMs + 59_999), empty);
  assert.equal(applyTimeouts(empty, startMs + 60_000), undefined);
});

test('a creating write cannot make a session that reservations alone keep', () => {
  const reserving = write(write(undefined, endless, { bounds }), reserve(bert), { bounds });
  // While somebody is in the session, timeouts are as the constants say.
  assert.equal(nextDueMs(reserving), undefined);
  const left = write(reserving, leave, { bounds });
  assert.equal(nextDueMs(left), startMs + 60_000);
  const empty = applyTimeouts(left, startMs + 60_000);
  assert.equal(empty?.members.length, 0);
  assert.equal(empty && applyTimeouts(empty, startMs + 120_000), undefined);
});

test('nor one whose members are all inactive, ready or waiting to be evaluated', () => {
  const steps = (session: Session): number => {
    let left: Session | undefined = session;
    for (let step = 1; step < 5; step += 1) {
      left = left && applyTimeouts(left, startMs + step * 60_000);
      if (left === undefined) return step;
    }
    return Infinity;
  };
  const created = write(undefined, endless, { bounds });
  assert.equal(steps(created), Infinity);
  assert.equal(steps(write(created, me({ active: false }), { bounds })), 2);
  assert.equal(steps(write(created, me({ ready: true }), { bounds })), 3);
  // The stage of evaluating has no timeout unless one is written.
  const evaluated = write(
    undefined,
    {
      constants: { system: { ...never, memberInitialization: { externalEvaluation: true } } },
      members: {
        me: {
          constants: { system: { initialize: true } },
          properties: { system: { active: true } },
        },
      },
    },
    { bounds },
  );
  assert.equal(evaluated.initialization?.stage, 'evaluating');
  assert.equal(steps(write(evaluated, me({ ready: true }), { bounds })), 3);
});

test('a timeout that the template sets holds beside a bounded one', () => {
  const template = sampleTemplate({ inactiveRemovalTimeout: null, sessionEmptyTimeout: 90_000 });
  const constants = { system: { readyRemovalTimeout: null } };
  const body = { ...me({ active: true }), constants };
  const created = write(undefined, body, { bounds, template });
  const ready = write(created, me({ ready: true }), { bounds, template });
  const inactive = applyTimeouts(ready, startMs + 60_000);
  assert.equal(inactive?.members[0]?.status, 'inactive');
  assert.equal(inactive && nextDueMs(inactive), undefined);
  assert.equal(nextDueMs(write(created, leave, { bounds, template })), startMs + 90_000);
});

test('what a template sets is the operator’s', () => {
  const template = sampleTemplate(never);
  const created = write(undefined, me({ active: true }), { bounds, template });
  assert.equal(nextDueMs(write(created, leave, { bounds, template })), undefined);
});

test('a short timeout of the creating write stays as it is', () => {
  const constants = { system: { sessionEmptyTimeout: 1_000 } };
  const created = write(undefined, { ...me({ active: true }), constants }, { bounds });
  assert.equal(nextDueMs(write(created, leave, { bounds })), startMs + 1_000);
});
