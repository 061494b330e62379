/** What one write may ask for, and how large a session may become. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import { at, isAimed, startKit } from '../../src/testing/kit.ts';
import {
  anHourMs,
  assertIsText,
  blankTemplate,
  creation,
  newSession,
  read,
} from './new-session.ts';
import { assertRefusedBy, assertStatus } from './answers.ts';

const reservations = (count: number): JsonObject => ({
  members: Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      `reserve_${i}`,
      { constants: { system: { xuid: String(3_000_000 + i) } } },
    ]),
  ),
});

const roleTypes = (count: number): JsonObject => ({
  roleTypes: Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`type${i}`, { roles: { a: {} } }]),
  ),
});

// @source docs/wire/sessions.md "Bounds"
test('a document grows no further than its properties can be written back', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);
  const grow = (key: string) =>
    ada.putSession(reference, { properties: { custom: { [key]: 'x'.repeat(600_000) } } });

  assertStatus(await grow('first'), 200);
  assertIsText(assertRefusedBy(await grow('second'), 413, 'documentTooLarge'));

  const { json } = await read(ada, reference);
  assert.equal(at(json, 'properties.custom.second'), undefined);
  assertStatus(await ada.putSession(reference, { properties: json['properties'] ?? null }), 200);
  assertStatus(await ada.putSession(reference, { members: { me: null } }), 204);
});

// @source docs/wire/sessions.md "Bounds"
for (const [code, status, detail, body] of [
  ['tooManyMembers', 400, '$.members max 200', reservations(201)],
  ['tooManyRoles', 400, '$.roleTypes max 100', roleTypes(101)],
  [
    'tooManyItems',
    400,
    '$.properties.system.turn max 1000',
    { properties: { system: { turn: Array(1_001).fill(0) } } },
  ],
  [
    'tooManyItems',
    400,
    '$.members.me.properties.system.encounters max 1000',
    { members: { me: { properties: { system: { encounters: Array(1_001).fill('x') } } } } },
  ],
  [
    'memberTooLarge',
    413,
    'bytes max 65536',
    { members: { me: { properties: { custom: { a: 'x'.repeat(70_000) } } } } },
  ],
] as const) {
  test(`a write that asks for too much is refused: ${code}, ${detail}`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const { reference, created } = await newSession(kit, ada);

    const answer = assertRefusedBy(await ada.putSession(reference, body), status, code);

    assertIsText(answer);
    assert.equal(answer.detail, detail);
    assert.equal((await read(ada, reference)).etag, created.etag);
  });
}

/** So many members, each with a name of its own. */
const many = (count: number, prefix = 'k'): JsonObject =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}`, i]));

// @source docs/wire/README.md "Every request", docs/wire/sessions.md "Bounds"
test('a body has so many values, and an object so many members, and no more', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference, created } = await newSession(kit, ada);
  for (const [detail, custom] of [
    ['values max 25000', { list: Array(25_000).fill(0) }],
    ['members max 5000', { object: many(5_001) }],
  ] as const) {
    const answer = await ada.putSession(reference, { properties: { custom } });
    assertIsText(assertRefusedBy(answer, 400, 'tooManyItems'));
    assert.equal(answer.detail, detail);
  }
  assert.equal((await read(ada, reference)).etag, created.etag);

  assertStatus(await ada.putSession(reference, { properties: { custom: many(5_000) } }), 200);
  const more = await ada.putSession(reference, { properties: { custom: many(1, 'one more ') } });
  assert.equal(assertRefusedBy(more, 400, 'tooManyItems').detail, '$.properties.custom max 5000');
  assertStatus(await ada.putSession(reference, { properties: { custom: { k0: null } } }), 200);
});

// @source docs/wire/sessions.md "Bounds"
test('seats for a hundred users with two hundred values each are reserved in one write', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);
  const seats = Array.from({ length: 99 }, (_, i) => [
    `reserve_${i}`,
    { constants: { system: { xuid: String(3_000_000 + i) }, custom: many(200) } },
  ]);
  assertStatus(await ada.putSession(reference, { members: Object.fromEntries(seats) }), 200);
  const { json } = await read(ada, reference);
  assert.equal(at(json, 'membersInfo.count'), 100);
  assert.deepEqual(at(json, 'members.99.constants.custom'), many(200));
});

// @source docs/wire/time.md "Sessions that nobody is active in"
test('a session with endless timeouts ends a day after the last one left', {
  skip: isAimed && 'the clock of a server under MPSD_TARGET cannot be moved',
}, async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = kit.reference(blankTemplate);
  const constants = {
    sessionEmptyTimeout: null,
    reservedRemovalTimeout: null,
    inactiveRemovalTimeout: null,
  };
  assertStatus(await ada.putSession(reference, creation({ constants })), 201);
  const seat = { reserve_0: { constants: { system: { xuid: bob.xuid } } } };
  assertStatus(await ada.putSession(reference, { members: seat }), 200);
  await kit.advance(anHourMs * 48);
  assertStatus(await ada.putSession(reference, { members: { me: null } }), 200);

  // The seat was held for two days while somebody was in; nobody is in now.
  await kit.advance(1);
  const { json } = await read(kit.service(), reference);
  assert.equal(at(json, 'membersInfo.count'), 0);
  assert.equal(json['nextTimer'], undefined);

  await kit.advance(anHourMs * 24);
  assertStatus(await ada.getSession(reference), 204);
});

// @source docs/wire/time.md "Sessions that nobody is active in"
for (const [status, body, daysMax] of [
  ['inactive', { active: false }, 2],
  ['ready', { ready: true }, 3],
] as const) {
  test(`a session with endless timeouts whose only member is ${status} ends within ${daysMax} days`, {
    skip: isAimed && 'the clock of a server under MPSD_TARGET cannot be moved',
  }, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const reference = kit.reference(blankTemplate);
    const constants = {
      sessionEmptyTimeout: null,
      reservedRemovalTimeout: null,
      inactiveRemovalTimeout: null,
      readyRemovalTimeout: null,
    };
    assertStatus(await ada.putSession(reference, creation({ constants })), 201);
    await kit.advance(anHourMs * 75);
    // Who is active keeps it alive, for however long.
    const member = { members: { me: { properties: { system: body } } } };
    assertStatus(await ada.putSession(reference, member), 200);

    const { json } = await read(ada, reference);
    assert.equal(json['nextTimer'], undefined);
    for (let day = 0; day < daysMax; day += 1) await kit.advance(anHourMs * 24);

    assertStatus(await ada.getSession(reference), 204);
  });
}
