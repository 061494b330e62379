import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ada,
  asRefusal,
  bert,
  decide,
  notRefused,
  referee,
  refuse,
  sessionOf,
  write,
} from '../../testing/samples.ts';
import { defaultBounds } from './bounds.ts';
import { formatJson, isJsonObject, type Json, type JsonObject, parseExactJson } from '../json.ts';
import { parseChangeTypes } from '../tap/change-types.ts';
import { formatSession } from './document-text.ts';
import { memberNames, sessionNames } from './extra.ts';
import { parseSessionRequest, type SessionRequest } from './request.ts';
import { viewSession } from './view.ts';

const keep = { bounds: defaultBounds, unknownMembers: 'keep' } as const;
const parse = (body: JsonObject, version = 107): SessionRequest =>
  notRefused(parseSessionRequest(body, version, keep)) as SessionRequest;

const later: JsonObject = {
  later: true,
  members: {
    me: {
      later: 1,
      properties: {
        system: {
          active: true,
          later: { a: [1] },
          subscription: { id: '81a3266d-0000-4000-8000-000000000001', later: 'x' },
        },
      },
    },
  },
  properties: { system: { closed: true, later: [{}], matchmaking: { later: 1 } } },
  constants: { system: { later: 5, capabilities: { later: true } } },
};

test('unknown members are refused, unless the policy keeps them', () => {
  for (const part of Object.keys(later)) {
    const refusal = refuse(undefined, { [part]: later[part] ?? null });
    assert.equal(refusal.code, 'requestInvalid');
    assert.match(refusal.text, /not known here/);
  }
});

test('each is kept, answered and named', () => {
  assert.deepEqual(parse(later).unknownMembers?.toSorted(), [
    '$.constants.system.capabilities.later',
    '$.constants.system.later',
    '$.later',
    '$.members.me.later',
    '$.members.me.properties.system.later',
    '$.members.me.properties.system.subscription.later',
    '$.properties.system.later',
    '$.properties.system.matchmaking.later',
  ]);
  const session = write(undefined, later, { unknownMembers: 'keep' });
  const document = viewSession(session, 107);
  const text = formatJson(document);
  assert.match(text, /"later":\{"a":\[1\]\}/);
  assert.match(text, /"later":\[\{\}\]/);
  assert.match(text, /"matchmaking":\{"later":1\}/);
  assert.match(text, /"subscription":\{[^}]*"later":"x"/);
  assert.match(text, /"later":5/);
  assert.equal(document['later'], true);
  // The same again changes nothing; null removes it as it does any other field.
  const again = notRefused(decide(session, later, { unknownMembers: 'keep' }));
  assert.equal(again.kind, 'unchanged');
  const removed = write(
    session,
    { later: null, properties: { system: { later: null, matchmaking: null } } },
    { unknownMembers: 'keep' },
  );
  assert.doesNotMatch(formatJson(viewSession(removed, 107)['properties']), /later/);
  assert.equal(viewSession(removed, 107)['later'], undefined);
});

/** One unknown member in each object of a body, whose value says where it stands. */
const everywhere: JsonObject = {
  x: '$',
  constants: { x: 'constants', system: { x: 'constants.system', maxMembersCount: 8 } },
  properties: { x: 'properties', system: { x: 'properties.system' } },
  roleTypes: { team: { x: 'type', roles: { red: { x: 'role', max: 4 } } } },
  members: {
    me: {
      x: 'me',
      constants: { x: 'me.constants', system: { x: 'me.constants.system' } },
      properties: { x: 'me.properties', system: { x: 'me.properties.system', active: true } },
    },
    reserve_0: {
      x: 'seat',
      constants: { x: 'seat.constants', system: { x: 'seat.constants.system', xuid: bert.xuid } },
    },
  },
  servers: {
    matchmaking: {
      x: 'server',
      constants: { x: 'server.constants' },
      properties: { x: 'server.properties', system: { x: 'server.properties.system' } },
    },
  },
};

/** Every value of a member `x`, wherever it stands. */
function findX(value: Json): readonly Json[] {
  if (Array.isArray(value)) return value.flatMap(findX);
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([name, one]) => (name === 'x' ? [one] : findX(one)));
}

// Kills: any place whose unknown members are dropped; a write that drops those of an earlier one.
test('in every object of a session it is kept, also by a later write', () => {
  const policy = { unknownMembers: 'keep' } as const;
  const { servers, ...body } = everywhere;
  const created = write(undefined, body, policy);
  const session = write(created, { servers: servers ?? {} }, { ...policy, by: referee });
  const places = findX(everywhere).toSorted();
  assert.deepEqual(findX(viewSession(session, 107)).toSorted(), places);
  assert.equal(formatSession(session, 107), formatJson(viewSession(session, 107)));
  const later = write(
    session,
    {
      y: 1,
      properties: { custom: { a: 1 } },
      members: { me: { properties: { custom: { a: 1 } } } },
    },
    policy,
  );
  assert.deepEqual(findX(viewSession(later, 107)).toSorted(), places);
  const joined = write(later, { members: { me: {} } }, { ...policy, by: bert });
  assert.deepEqual(findX(viewSession(joined, 107)).toSorted(), places);
  const servers2 = { matchmaking: { properties: { custom: { a: 1 } } } };
  const served = write(joined, { servers: servers2 }, { ...policy, by: referee });
  assert.deepEqual(findX(viewSession(served, 107)).toSorted(), places);
});

// Kills: an unknown member that is stored over one that the server writes.
test('what the document says itself is not written over', () => {
  const policy = { unknownMembers: 'keep' } as const;
  const session = write(undefined, { members: { me: {} } }, policy);
  const document = viewSession(session, 107);
  const spoiled = write(
    session,
    {
      ...Object.fromEntries([...sessionNames].map((name) => [name, 'spoiled'])),
      ...{ constants: null, properties: null, servers: null, roleTypes: null, membersOnly: null },
      members: {
        me: {
          ...Object.fromEntries([...memberNames].map((name) => [name, 'spoiled'])),
          ...{ constants: null, properties: { custom: { a: 1 } }, roles: null },
        },
      },
    },
    policy,
  );
  const { members, changeNumber, ...rest } = viewSession(spoiled, 107);
  const { members: before, changeNumber: _before, ...restBefore } = document;
  assert.deepEqual(rest, restBefore);
  assert.equal(changeNumber, 2);
  assert.doesNotMatch(formatJson(members), /spoiled/);
});

// Kills: numbers of unknown members that are read as ordinary ones; those of known members that stay
// exact.
test('numbers keep all digits where nobody knows the member, and are numbers where it is known', () => {
  const text =
    '{"x":12345678901234567890,"constants":{"system":{"maxMembersCount":8.0,"x":[1.50]}},' +
    '"roleTypes":{"custom":{"x":1.0,"roles":{"custom":{"max":4.0,"x":1.0}}}},' +
    '"members":{"me":{"x":{"a":1e400},"properties":{"system":{"active":true,"x":9007199254740993}}}}}';
  const session = write(undefined, parseExactJson(text) as JsonObject, { unknownMembers: 'keep' });
  assert.equal(session.constants.system.maxMembersCount, 8);
  assert.equal(session.roleTypes?.['custom']?.roles['custom']?.max, 4);
  const document = formatJson(viewSession(session, 107));
  for (const kept of [
    '"x":12345678901234567890',
    '"x":[1.50]',
    '"x":{"a":1e400}',
    '"x":9007199254740993',
  ]) {
    assert.ok(document.includes(kept), kept);
  }
  assert.equal(document.split('"x":1.0').length, 3);
});

// Kills: an unknown change type that is refused, forgotten, or taken for everything.
test('change types that nobody knows are kept and named, and ask for nothing', () => {
  const subscription = { id: '81a3266d-0000-4000-8000-000000000001', changeTypes: ['later'] };
  const body = { members: { me: { properties: { system: { active: true, subscription } } } } };
  assert.equal(refuse(undefined, body).code, 'requestInvalid');
  assert.deepEqual(parse(body).unknownMembers, ['$.members.me.changeTypes.later']);
  const session = write(undefined, body, { unknownMembers: 'keep' });
  assert.deepEqual(session.members[0]?.properties.system.subscription, subscription);
  assert.equal(parseChangeTypes(subscription.changeTypes), 0);
  const wrong = { ...subscription, changeTypes: [1] };
  const refused = { members: { me: { properties: { system: { subscription: wrong } } } } };
  assert.equal(
    asRefusal(parseSessionRequest(refused, 107, keep)).detail,
    '$.members.me.properties.system.subscription.changeTypes[0]',
  );
});

test('known members are checked as usual, and misnamed ones are reported', () => {
  const wrong = { properties: { system: { later: 1, closed: 'yes' } } };
  assert.equal(
    asRefusal(parseSessionRequest(wrong, 107, keep)).detail,
    '$.properties.system.closed',
  );
  const misnamed = { constants: { system: { timeouts: {} } } };
  assert.equal(
    asRefusal(parseSessionRequest(misnamed, 107, keep)).detail,
    '$.constants.system.timeouts',
  );
});

test('the older names of constants are read as ever', () => {
  const body = { constants: { system: { later: 1, timeouts: { inactive: 5, later: 1 } } } };
  assert.deepEqual(parse(body, 105).constants?.system, { later: 1, inactiveRemovalTimeout: 5 });
});

test('names leave out keys that clients choose, and of many names few are reported', () => {
  const measurements = Object.fromEntries(
    Array.from({ length: 50 }, (_, i) => [`${i}a`, { latency: 1, [`later${i}`]: 1 }]),
  );
  const body = { members: { me: { properties: { system: { measurements } } } } };
  const names = parse(body).unknownMembers ?? [];
  assert.equal(names.length, 20);
  assert.ok(
    names.every((name) => name.startsWith('$.members.me.properties.system.measurements.*')),
  );
});

test('a name that objects inherit is a name like any other', () => {
  const body = parseExactJson(
    '{"properties":{"system":{"__proto__":{"a":1},"constructor":2}}}',
  ) as JsonObject;
  const session = write(sessionOf([ada]), body, { unknownMembers: 'keep' });
  const system = formatJson(viewSession(session, 107)['properties']);
  assert.match(system, /"__proto__":\{"a":1\},"constructor":2/);
});
