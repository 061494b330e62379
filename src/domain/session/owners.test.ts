import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ada,
  asRefusal,
  bert,
  cleo,
  decide,
  dora,
  handleFacts,
  leave,
  me,
  notRefused,
  referee,
  refuse,
  reserve,
  sampleReference,
  sampleTemplate,
  sessionOf,
  sessionReserving,
  startMs,
  system,
  write,
} from '../../testing/samples.ts';
import { createInvite } from '../handle/create.ts';
import type { JsonObject } from '../json.ts';
import { isOwner, ownersOf, ownersToAsk } from './owners.ts';
import { memberOf, type Session } from './session.ts';
import { applyTimeouts } from './timeouts.ts';
import { viewSession } from './view.ts';
import { sessionShownBy } from './refusal-with-session.ts';

const owned = (policies?: JsonObject, more: JsonObject = {}) =>
  sampleTemplate({
    capabilities: { hasOwners: true },
    ...(policies && { ownershipPolicies: policies }),
    ...more,
  });
const oldest = owned({ migration: 'oldest' });

const ownerXuids = (session: Session | undefined) =>
  session && ownersOf(session).map(({ xuid }) => xuid);

/** As `sessionOf`, with a second between the joins. */
function joinedInTurn(template: ReturnType<typeof owned>): Session {
  const begun = write(undefined, me(), { template });
  const second = write(begun, me(), { by: bert, nowMs: startMs + 1_000 });
  return write(second, me(), { by: cleo, nowMs: startMs + 2_000 });
}

test('the creator owns the session, a user who joins does not', () => {
  const session = sessionOf([ada, bert], { template: oldest });
  assert.deepEqual(ownerXuids(session), [ada.xuid]);
  assert.deepEqual(
    [isOwner(session, ada), isOwner(session, bert), isOwner(session, referee)],
    [true, false, false],
  );
  const { properties } = viewSession(session, 107);
  assert.deepEqual(properties, { system: { owners: [0], turn: [] }, custom: {} });
  const unowned = sessionOf([ada]);
  assert.deepEqual(ownerXuids(unowned), []);
  assert.equal(JSON.stringify(viewSession(unowned, 107)).includes('owners'), false);
});

test('of a session made without members the first who joins is the owner', () => {
  for (const template of [owned(), oldest]) {
    const reserved = sessionReserving([bert, cleo], { template });
    assert.deepEqual(ownerXuids(reserved), []);
    const joined = write(reserved, { ...me(), ...system({ closed: true }) }, { by: cleo });
    assert.deepEqual(ownerXuids(joined), [cleo.xuid]);
    assert.deepEqual(ownerXuids(write(joined, me(), { by: bert })), [cleo.xuid]);
  }
});

test('oldest: the accepted member who joined first follows, reservations do not', () => {
  const session = write(joinedInTurn(oldest), reserve(dora));
  const left = write(session, leave);
  assert.deepEqual(ownerXuids(left), [bert.xuid]);
  assert.deepEqual(left.properties.system.owners, [1]);
  const reservedFirst = write(
    undefined,
    { ...me(), ...membersOf(reserve(dora)) },
    { template: oldest },
  );
  const last = write(write(reservedFirst, me(), { by: bert, nowMs: startMs + 1 }), leave);
  assert.deepEqual(ownerXuids(last), [bert.xuid]);
});

function membersOf(body: JsonObject): JsonObject {
  const own = me().members as JsonObject;
  return { members: { ...own, ...(body.members as JsonObject) } };
}

test('oldest: who takes a reservation joins at that time', () => {
  const begun = write(undefined, membersOf(reserve(dora)), { template: oldest });
  const bertIn = write(begun, me(), { by: bert, nowMs: startMs + 1_000 });
  const doraIn = write(bertIn, me(), { by: dora, nowMs: startMs + 2_000 });
  assert.deepEqual(ownerXuids(write(doraIn, leave)), [bert.xuid]);
});

// @source docs/wire/unknowns.md "the first member is the owner"
test('oldest: a session with reservations alone has no owner until one is taken', () => {
  const begun = write(undefined, membersOf(reserve(dora)), { template: oldest });
  const left = write(begun, leave);
  assert.deepEqual(ownerXuids(left), []);
  assert.equal(Object.hasOwn(left.properties.system, 'owners'), false);
  assert.deepEqual(ownerXuids(write(left, me(), { by: dora })), [dora.xuid]);
});

test('who comes back is a member like any other', () => {
  const left = write(joinedInTurn(oldest), leave);
  const back = write(left, me());
  assert.deepEqual(ownerXuids(back), [bert.xuid]);
  assert.equal(memberOf(back, ada.xuid)?.index, 3);
});

for (const [what, template] of [
  ['by default', owned()],
  ['by policy', owned({ migration: 'endsession' })],
  ['however long it may be empty', owned(undefined, { sessionEmptyTimeout: 3_600_000 })],
] as const) {
  test(`endsession, ${what}: with the last owner the session ends`, () => {
    const session = write(joinedInTurn(template), reserve(dora));
    assert.deepEqual(decide(session, leave), { kind: 'deleted' });
    assert.deepEqual(decide(session, { members: { 0: null } }, { by: referee }), {
      kind: 'deleted',
    });
    assert.equal(write(session, leave, { by: bert }).members.length, 3);
  });
}

test('an owner who times out is one who goes', () => {
  const idle = (template: ReturnType<typeof owned>) =>
    write(joinedInTurn(template), me({ active: false }), { nowMs: startMs + 3_000 });
  assert.deepEqual(ownerXuids(idle(oldest)), [ada.xuid]);
  assert.deepEqual(ownerXuids(applyTimeouts(idle(oldest), startMs + 3_000)), [bert.xuid]);
  assert.equal(applyTimeouts(idle(owned()), startMs + 3_000), undefined);
});

test('owners remove others by index, and the session keeps who removed whom', () => {
  const session = joinedInTurn(oldest);
  const kicked = write(session, { members: { 1: null } });
  assert.equal(memberOf(kicked, bert.xuid), undefined);
  assert.deepEqual(kicked.kicks, [{ xuid: bert.xuid, by: ada.xuid, atMs: startMs }]);
  assert.equal(JSON.stringify(viewSession(kicked, 107)).includes('kicks'), false);
  const both = write(session, { members: { 1: null, 2: null } });
  assert.equal(both.members.length, 1);
  const reserved = write(session, reserve(dora));
  assert.equal(memberOf(write(reserved, { members: { 3: null } }), dora.xuid), undefined);
});

test('an owner kicks and leaves in one write', () => {
  const session = write(joinedInTurn(oldest), { members: { me: null, 1: null } });
  assert.deepEqual(ownerXuids(session), [cleo.xuid]);
});

test('removing an index without a member changes nothing', () => {
  const session = joinedInTurn(oldest);
  assert.equal(write(session, { members: { 9: null } }), session);
});

test('who was kicked is not let in again as a former member, who left is', () => {
  const session = write(joinedInTurn(oldest), system({ closed: true, locked: true }));
  const gone = write(write(session, { members: { 1: null } }), leave, { by: cleo });
  assert.equal(refuse(gone, me(), { by: bert }).code, 'sessionClosed');
  assert.equal(write(gone, me(), { by: cleo }).members.length, 2);
});

test('only owners and services remove others', () => {
  const session = joinedInTurn(oldest);
  const refusal = refuse(session, { members: { 0: null } }, { by: bert });
  assert.equal(refusal.code, 'ownerRequired');
  assert.equal(refusal.detail, '$.members.0');
  assert.equal(sessionShownBy(refusal), session);
  assert.equal(refuse(sessionOf([ada, bert]), { members: { 1: null } }).code, 'memberNotYours');
  assert.equal(refuse(session, { members: { 2: {} } }, { by: bert }).code, 'ownerRequired');
  const written = { members: { 2: { properties: {} } } };
  assert.equal(refuse(session, written, { by: bert }).code, 'memberNotYours');
  assert.equal(refuse(session, written).code, 'memberNotYours');
});

const open = owned({
  migration: 'oldest',
  nonOwnerModifiableSystemProperties: ['closed', 'keywords'],
});

/** What a member who owns nothing may write of the session. */
const writings: readonly (readonly [properties: JsonObject, field: string | undefined])[] = [
  [{ system: { closed: true } }, undefined],
  [{ system: { keywords: ['a'] } }, undefined],
  [{ system: { closed: true, locked: true } }, 'locked'],
  [{ system: { joinRestriction: 'local' } }, 'joinRestriction'],
  [{ system: { host: 'nobody' } }, 'host'],
  [{ system: { turn: [0] } }, 'turn'],
  [{ system: { initializationSucceeded: true } }, 'initializationSucceeded'],
  [{ system: { matchmaking: { serverConnectionString: 'a' } } }, 'matchmaking'],
  [{ custom: { map: 'atoll' } }, undefined],
  // What holds already, or says nothing, is no change: clients send back what they read.
  [{ system: { locked: false, allocateCloudCompute: null, turn: [], matchmaking: {} } }, undefined],
  [{ system: { joinRestriction: 'none', readRestriction: 'none', owners: [0] } }, undefined],
];

for (const [properties, field] of writings) {
  // @source docs/wire/unknowns.md "custom properties in sessions with owners"
  test(`a member who is no owner ${field ? 'may not' : 'may'} write ${JSON.stringify(properties)}`, () => {
    const session = sessionOf([ada, bert], { template: open });
    const decision = decide(session, { properties }, { by: bert });
    if (field === undefined) {
      notRefused(decision);
      return;
    }
    const refusal = asRefusal(decision, 'ownerRequired');
    assert.equal(refusal.detail, `$.properties.system.${field}`);
    assert.equal(sessionShownBy(refusal), session);
  });
}

test('owners and services write what they like, and without the capability all do', () => {
  const session = sessionOf([ada, bert], { template: open });
  const body = system({ joinRestriction: 'followed', readRestriction: 'none' });
  assert.equal(write(session, body).properties.system.joinRestriction, 'followed');
  assert.equal(write(session, body, { by: referee }).properties.system.joinRestriction, 'followed');
  const unowned = sessionOf([ada, bert]);
  assert.equal(write(unowned, body, { by: bert }).properties.system.joinRestriction, 'followed');
});

test('who joins by the write is no owner of the session', () => {
  const session = sessionOf([ada], { template: open });
  const refusal = refuse(session, { ...me(), ...system({ locked: true }) }, { by: bert });
  assert.equal(refusal.code, 'ownerRequired');
});

test('owners may be sent back as they are and in no other way', () => {
  const session = sessionOf([ada, bert], { template: oldest });
  assert.equal(write(session, system({ owners: [0] })), session);
  assert.equal(write(session, system({ owners: [] })), session);
  assert.equal(write(session, system({ owners: null })), session);
  assert.equal(refuse(session, system({ owners: [1] })).detail, '$.properties.system.owners');
});

test('a user blocked by an owner may not join; full is checked first, then blocked, then closed', () => {
  const session = write(sessionOf([ada], { template: oldest }), system({ closed: true }));
  const circumstances = { by: dora, blockedByOwner: true, granted: true };
  assert.equal(refuse(session, me(), circumstances).code, 'blockedByOwner');
  const full = sessionOf([ada], {
    template: owned({ migration: 'oldest' }, { maxMembersCount: 1 }),
  });
  assert.equal(refuse(full, me(), circumstances).code, 'sessionFull');
  assert.equal(
    memberOf(write(write(session, reserve(dora)), me(), circumstances), dora.xuid)?.index,
    1,
  );
});

test('owners are asked about those who would join, and only in sessions that have owners', () => {
  const session = write(sessionOf([ada, bert], { template: oldest }), reserve(cleo));
  assert.deepEqual(ownersToAsk(session, dora), [ada.xuid]);
  for (const caller of [ada, bert, cleo, referee]) {
    assert.equal(ownersToAsk(session, caller), undefined);
  }
  assert.equal(ownersToAsk(sessionOf([ada]), dora), undefined);
});

test('only owners and services invite, unless all members may', () => {
  const request = {
    type: 'invite',
    reference: sampleReference,
    invitedXuid: dora.xuid,
    inviteAttributes: { titleId: '1' },
  } as const;
  const invite = (template: ReturnType<typeof owned>, by: typeof ada | typeof referee) =>
    createInvite(
      request,
      sampleReference,
      sessionOf([ada, bert], { template }),
      by,
      false,
      handleFacts(),
    );
  assert.equal(asRefusal(invite(oldest, bert)).code, 'ownerRequired');
  notRefused(invite(oldest, ada));
  notRefused(invite(oldest, referee));
  notRefused(invite(owned({ allowNonOwnerInviteHandles: true }), bert));
  notRefused(invite(sampleTemplate(), bert));
});
