import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ada,
  decide,
  me,
  notRefused,
  referee,
  refuse,
  sessionOf,
  write,
} from '../../testing/samples.ts';
import { formatJson, parseExactJson, type JsonObject } from '../json.ts';
import type { RefusalCode } from '../refusal.ts';
import type { Session } from './session.ts';

const by = referee;
const servers = (entries: JsonObject): JsonObject => ({ servers: entries });

const begun: Session = write(
  sessionOf([ada]),
  servers({
    matchmaking: {
      constants: { system: { kind: 'hopper' }, custom: { id: 7 } },
      properties: {
        system: { status: 'searching', typicalWait: 30, statusDetails: 'd' },
        custom: { a: { x: 1 }, b: 2 },
      },
    },
  }),
  { by },
);

test('an entry has all its parts, whatever was written of it', () => {
  assert.deepEqual(write(sessionOf([ada]), servers({ game: {} }), { by }).servers, {
    game: { constants: { system: {}, custom: {} }, properties: { system: {}, custom: {} } },
  });
});

// @source docs/wire/unknowns.md "constants of servers"
test('properties are merged by key, constants may be repeated', () => {
  const session = write(
    begun,
    servers({
      matchmaking: {
        constants: { custom: { id: 7 } },
        properties: { system: { status: 'found', typicalWait: null }, custom: { a: { y: null } } },
      },
    }),
    { by },
  );
  assert.deepEqual(session.servers, {
    matchmaking: {
      constants: { system: { kind: 'hopper' }, custom: { id: 7 } },
      properties: {
        system: { status: 'found', statusDetails: 'd' },
        custom: { a: { y: null }, b: 2 },
      },
    },
  });
});

test('null removes an entry, also one that is not there', () => {
  assert.deepEqual(write(begun, servers({ matchmaking: null }), { by }).servers, {});
  assert.equal(write(begun, servers({ other: null }), { by }), begun);
});

test('an entry is data by its name too', () => {
  const text = '{"servers":{"__proto__":{"properties":{"custom":{"n":1.50}}},"constructor":{}}}';
  const session = write(begun, parseExactJson(text) as JsonObject, { by });
  assert.deepEqual(Object.keys(session.servers), ['matchmaking', '__proto__', 'constructor']);
  assert.match(formatJson(session.servers), /"__proto__":.*"n":1\.50/);
});

const refused: readonly (readonly [entries: JsonObject, code: RefusalCode, detail: string])[] = [
  [
    { matchmaking: { constants: { system: { kind: 'other' } } } },
    'constantsConflict',
    '$.servers.matchmaking.constants.system.kind',
  ],
  [
    { matchmaking: { constants: { custom: { id: 8 } } } },
    'constantsConflict',
    '$.servers.matchmaking.constants.custom.id',
  ],
  [{ 'a/b': {} }, 'requestInvalid', '$.servers'],
  [{ game: 1 }, 'requestInvalid', '$.servers.game'],
  [{ game: { other: {} } }, 'requestInvalid', '$.servers.game.other'],
  [{ game: { properties: { custom: [] } } }, 'requestInvalid', '$.servers.game.properties.custom'],
];

for (const [entries, code, detail] of refused) {
  // @source docs/wire/unknowns.md "constants of servers"
  test(`a service's ${JSON.stringify(entries).slice(0, 60)} is refused as ${code}`, () => {
    const refusal = refuse(begun, servers(entries), { by });
    assert.equal(refusal.code, code, refusal.text);
    assert.equal(refusal.detail, detail);
  });
}

test('users write no entries, not even null ones, and not with the creating write', () => {
  for (const entries of [{ game: {} }, { matchmaking: null }]) {
    assert.equal(refuse(begun, servers(entries)).code, 'serviceRequired');
    assert.equal(refuse(undefined, { ...me(), ...servers(entries) }).code, 'serviceRequired');
  }
  assert.equal(notRefused(decide(begun, { servers: {} })).kind, 'unchanged');
});
