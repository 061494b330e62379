import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ada,
  bert,
  decide,
  dora,
  leave,
  me,
  notRefused,
  referee,
  refuse,
  reserve,
  sampleTemplate,
  sessionOf,
  startMs,
  system,
  write,
  type Circumstances,
} from '../../testing/samples.ts';
import type { JsonObject } from '../json.ts';
import { Refusal } from '../refusal.ts';
import { etagOf } from './etag.ts';
import type { Session } from './session.ts';
import { viewSession } from './view.ts';
import { sessionShownBy } from './refusal-with-session.ts';

const session = sessionOf([ada, bert], { template: sampleTemplate({ maxMembersCount: 8 }) });
const lasting = sessionOf([ada], { template: sampleTemplate({ sessionEmptyTimeout: 60_000 }) });

/** Writes to an existing session of Ada and Bert, or of Ada only that may be empty. */
const outcomes: readonly (readonly [
  what: string,
  begun: Session,
  body: JsonObject,
  circumstances: Circumstances,
  outcome: 'updated' | 'unchanged' | 'deleted',
])[] = [
  ['says nothing', session, {}, {}, 'unchanged'],
  ['says nothing, if it is there', session, {}, { ifMatch: '*' }, 'unchanged'],
  ['says nothing, if it is as read', session, {}, { ifMatch: etagOf(session) }, 'unchanged'],
  ['says what holds', session, me({ active: true }), {}, 'unchanged'],
  [
    'repeats the joining',
    session,
    { members: { me: { constants: { system: { xuid: '1' }, custom: 1 } } } },
    {},
    'unchanged',
  ],
  ['only asks for what is not kept', session, me({ encounters: ['met'] }), {}, 'unchanged'],
  [
    'removes what is not there',
    session,
    { properties: { system: { closed: null }, custom: { a: null } } },
    {},
    'unchanged',
  ],
  ['changes properties', session, { properties: { custom: { a: 1 } } }, {}, 'updated'],
  ['changes the own member', session, me({ ready: true }), {}, 'updated'],
  ['changes, if it is as read', session, me({}, { a: 1 }), { ifMatch: etagOf(session) }, 'updated'],
  ['joins', session, me(), { by: dora }, 'updated'],
  ['reserves', session, reserve(dora), {}, 'updated'],
  ['leaves', session, leave, {}, 'updated'],
  ['leaves as the last', lasting, leave, {}, 'updated'],
  [
    'removes all by a service',
    session,
    { members: { 0: null, 1: null } },
    { by: referee },
    'deleted',
  ],
  [
    'removes all and reserves, by a service',
    session,
    { members: { 0: null, 1: null, ...(reserve(dora)['members'] as JsonObject) } },
    { by: referee },
    'updated',
  ],
  ['leaves as the last where none may be empty', sessionOf([ada]), leave, {}, 'deleted'],
  [
    'leaves and reserves',
    sessionOf([ada]),
    { members: { me: null, ...(reserve(bert)['members'] as JsonObject) } },
    {},
    'updated',
  ],
];

for (const [what, begun, body, circumstances, outcome] of outcomes) {
  test(`a write that ${what}: ${outcome}`, () => {
    const decision = notRefused(decide(begun, body, circumstances));
    assert.equal(decision.kind, outcome);
    if (decision.kind === 'unchanged') assert.equal(decision.session, begun);
    if (decision.kind === 'updated') {
      assert.equal(decision.session.changeNumber, begun.changeNumber + 1);
      assert.notEqual(etagOf(decision.session), etagOf(begun));
    }
  });
}

test('a created session begins at change 1, whatever the write said beside joining', () => {
  const body = { ...me(), ...system({ closed: true, turn: [0] }) };
  const decision = notRefused(decide(undefined, body));
  assert.equal(decision.kind, 'created');
  assert.ok(decision.kind === 'created' && decision.session.changeNumber === 1);
});

test('what clients do not see is stored without being a change', () => {
  const elsewhere = { ...ada, deviceId: 'device-9' };
  const moved = notRefused(decide(session, me(), { by: elsewhere }));
  assert.ok(moved.kind === 'updated');
  assert.equal(moved.session.changeNumber, session.changeNumber);
  assert.equal(moved.session.members[0]?.deviceId, 'device-9');
  assert.deepEqual(viewSession(moved.session, 107), viewSession(session, 107));
});

test('another title is a change of an active member, and hidden for any other', () => {
  const other = { ...ada, titleId: '99' };
  const active = notRefused(decide(session, me({}), { by: other }));
  assert.ok(active.kind === 'updated' && active.session.changeNumber === session.changeNumber + 1);
  const idle = write(session, me({ active: false }));
  const hidden = notRefused(decide(idle, me({}), { by: other }));
  assert.ok(hidden.kind === 'updated' && hidden.session.changeNumber === idle.changeNumber);
});

test('restrictions that are written as they hold by default are no change', () => {
  const template = sampleTemplate({ capabilities: { userAuthorizationStyle: true } });
  const styled = sessionOf([ada], { template });
  const same = write(styled, system({ joinRestriction: 'local', readRestriction: 'local' }));
  assert.equal(same.changeNumber, styled.changeNumber);
  const shown = write(session, system({ joinRestriction: 'none' }));
  assert.equal(shown.changeNumber, session.changeNumber + 1);
});

test('the parts of one write see each other in their order', () => {
  // The new member's own index may be in the turn, the removed member's may not.
  const joined = write(session, { ...me(), ...system({ turn: [2] }) }, { by: dora });
  assert.deepEqual(joined.properties.system.turn, [2]);
  const removing = { members: { 1: null }, ...system({ turn: [1] }) };
  assert.equal(refuse(session, removing, { by: referee }).detail, '$.properties.system.turn');
  // A seat that becomes free is available for the reservation beside it.
  const full = sessionOf([ada, bert], { template: sampleTemplate({ maxMembersCount: 2 }) });
  const swapped = write(
    full,
    { members: { 1: null, ...(reserve(dora)['members'] as JsonObject) } },
    { by: referee },
  );
  assert.deepEqual(
    swapped.members.map(({ xuid }) => xuid),
    [ada.xuid, dora.xuid],
  );
});

/** Of two faults of a write the answer names the one that is checked first. */
const order: readonly (readonly [
  what: string,
  body: JsonObject,
  circumstances: Circumstances,
  code: string,
])[] = [
  ['precondition before access', {}, { by: dora, ifMatch: '"stale"' }, 'etagDiffers'],
  [
    'access before constants',
    { constants: { system: { maxMembersCount: 9 } } },
    { by: dora },
    'notAMember',
  ],
  [
    'constants before members',
    { constants: { system: { maxMembersCount: 9 } }, ...me({ active: true, ready: true }) },
    {},
    'constantsConflict',
  ],
];

for (const [what, body, circumstances, code] of order) {
  test(`${what}`, () => assert.equal(refuse(session, body, circumstances).code, code));
}

test('members before properties: the place in the member is named', () => {
  const refusal = refuse(session, {
    ...me({ secureDeviceAddress: 'MS4xLjEuMQ==' }),
    ...system({ turn: [7] }),
  });
  assert.equal(refusal.detail, '$.members.me.properties.system.secureDeviceAddress');
});

test('a write that races an activity is detected by its etag', () => {
  const touched = { ...session, changeNumber: session.changeNumber + 1 };
  const refusal = decide(touched, system({ closed: true }), { ifMatch: etagOf(session) });
  assert.ok(refusal instanceof Refusal && refusal.code === 'etagDiffers');
  assert.equal(sessionShownBy(refusal), touched);
  const again = write(touched, system({ closed: true }), { ifMatch: refusal.detail ?? '' });
  assert.equal(again.changeNumber, touched.changeNumber + 1);
});

// Kills: the etag of a session in a refusal to a caller who may not read it; an answer that depends
// on whether a tag is current.
test('a 412 reveals nothing of a session that the caller may not read', () => {
  const hidden = write(session, system({ joinRestriction: 'local', readRestriction: 'local' }));
  for (const ifMatch of ['"stale"', etagOf(hidden)]) {
    const refusal = refuse(hidden, {}, { by: dora, ifMatch });
    assert.deepEqual(
      [refusal.code, refusal.detail, sessionShownBy(refusal)],
      ['etagDiffers', undefined, undefined],
    );
  }
  for (const ifNoneMatch of ['"stale"', etagOf(hidden)]) {
    assert.equal(refuse(hidden, {}, { by: dora, ifNoneMatch }).code, 'notAMember');
  }
  assert.equal(refuse(hidden, {}, { by: dora, ifNoneMatch: '*' }).code, 'sessionExists');
  assert.equal(refuse(hidden, {}, { ifMatch: '"stale"' }).detail, etagOf(hidden), 'members may');
});

// Kills: a bound on what a member writes, or on services; one that leaving or a reservation counts for.
test('a user who is in as many sessions as may be comes into no other', () => {
  const reserved = write(session, reserve(dora));
  const none = { sessionsLeft: 0 };
  for (const [what, on, body, by, code] of [
    ['joining', session, me(), dora, 'tooManySessions'],
    ['taking a seat', reserved, me(), dora, 'tooManySessions'],
    ['creating', undefined, me(), dora, 'tooManySessions'],
    ['creating for others', undefined, reserve(bert), dora, 'tooManySessions'],
    ['writing as a member', session, me({ active: true, ready: false }), ada, undefined],
    ['leaving', session, leave, ada, undefined],
    ['giving up a seat', reserved, leave, dora, undefined],
    ['leaving what is not there', undefined, leave, dora, undefined],
    ['a service', session, reserve(dora), referee, undefined],
  ] as const) {
    const decision = decide(on, body, { by, ...none });
    assert.equal(decision instanceof Refusal ? decision.code : undefined, code, what);
    assert.ok(!(decide(on, body, { by, sessionsLeft: 1 }) instanceof Refusal), what);
  }
});

test('a later life has another branch, another start, the same correlation id', () => {
  const reborn = write(undefined, me(), {
    freshGuid: '17a13f76-0000-4000-8000-00000000000b',
    nowMs: startMs + 1,
  });
  assert.notEqual(reborn.branch, session.branch);
  assert.equal(reborn.correlationId, session.correlationId);
  assert.equal(reborn.startTimeMs, startMs + 1);
  assert.equal(reborn.changeNumber, 1);
});

test('the reference stays in the case of the write that created the session', () => {
  const shouted = { ...session.reference, name: session.reference.name.toUpperCase() };
  const after = write(session, system({ closed: true }), { reference: shouted });
  assert.deepEqual(after.reference, session.reference);
});
