import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ada,
  asRefusal,
  decide,
  notRefused,
  refuse,
  sessionOf,
  write,
} from '../../testing/samples.ts';
import { defaultBounds } from './bounds.ts';
import { formatJson, type JsonObject, parseExactJson } from '../json.ts';
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

test('in system objects it is kept and answered, elsewhere it is dropped, and each is named', () => {
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
  assert.equal(document['later'], undefined);
  // The same again changes nothing; null removes it as it does any other field.
  const again = notRefused(decide(session, later, { unknownMembers: 'keep' }));
  assert.equal(again.kind, 'unchanged');
  const removed = write(
    session,
    { properties: { system: { later: null, matchmaking: null } } },
    { unknownMembers: 'keep' },
  );
  assert.doesNotMatch(formatJson(viewSession(removed, 107)['properties']), /later/);
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
