/** `properties.system` of a session. @source docs/wire/sessions.md "properties.system", docs/wire/clients.md "What clients need" */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import { at, startKit } from '../../src/testing/kit.ts';
import {
  assertIsText,
  blankTemplate,
  creation,
  newSession,
  read,
  type SessionParts,
} from './new-session.ts';
import { assertRefusedBy, assertStatus } from './answers.ts';

const write = (system: JsonObject) => ({ properties: { system } });

// @source docs/wire/clients.md "What clients need"
for (const [name, value] of [
  ['turn', [0]],
  ['keywords', ['ranked', 'Europe']],
  ['joinRestriction', 'local'],
  ['joinRestriction', 'followed'],
  ['joinRestriction', 'none'],
  ['readRestriction', 'none'],
  ['closed', true],
  ['closed', false],
  ['locked', false],
  ['matchmaking', { targetSessionConstants: { custom: { gsiSet: 'x', none: null } } }],
  ['matchmaking', { serverConnectionString: 'West Europe' }],
  ['matchmakingResubmit', true],
  ['matchmakingResubmit', false],
  ['allocateCloudCompute', true],
  ['description', { text: 'two seats, bring a mic', locale: 'en' }],
  ['searchHandleVisibility', 'xboxlive'],
  ['scheduledTime', '2026-12-05T20:15:00Z'],
  ['serverConnectionStringCandidates', ['West Europe', 'North Europe']],
] as const) {
  test(`W14 ${name} can be set to ${JSON.stringify(value)} and removed`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const { reference, session } = await newSession(kit, ada);
    const byDefault = at(session, `properties.system.${name}`);

    const set = assertStatus(await ada.putSession(reference, write({ [name]: value })), 200);
    assert.deepEqual(at(set.json, `properties.system.${name}`), value);
    assert.deepEqual(at((await read(ada, reference)).json, `properties.system.${name}`), value);

    const removed = assertStatus(await ada.putSession(reference, write({ [name]: null })), 200);
    assert.deepEqual(at(removed.json, `properties.system.${name}`), byDefault);
  });
}

// @source docs/wire/clients.md "What clients need", docs/wire/sessions.md "properties.system"
test('W14 locked can be set together with closed', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);

  const { json } = assertStatus(
    await ada.putSession(reference, write({ closed: true, locked: true })),
    200,
  );

  assert.equal(at(json, 'properties.system.closed'), true);
  assert.equal(at(json, 'properties.system.locked'), true);
});

// @source docs/wire/clients.md "What clients need", docs/wire/sessions.md "properties.system"
for (const restriction of ['local', 'followed', 'none']) {
  test(`W14 both restrictions can be ${restriction}`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const { reference } = await newSession(kit, ada);
    const both = { joinRestriction: restriction, readRestriction: restriction };

    const { json } = assertStatus(await ada.putSession(reference, write(both)), 200);

    assert.equal(at(json, 'properties.system.joinRestriction'), restriction);
    assert.equal(at(json, 'properties.system.readRestriction'), restriction);
  });
}

// @source docs/wire/clients.md "What clients need", docs/wire/sessions.md "properties.system"
for (const initializationSucceeded of [true, false]) {
  test(`W14 initializationSucceeded ${initializationSucceeded} answers 409 while nothing is evaluated`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const { reference, created } = await newSession(kit, ada);

    assertIsText(
      assertRefusedBy(
        await ada.putSession(reference, write({ initializationSucceeded })),
        409,
        'initializationNotEvaluating',
      ),
    );
    assert.equal((await read(ada, reference)).etag, created.etag);
  });
}

// @source docs/wire/sessions.md "The document"
test('W14 what nobody wrote is not answered', async () => {
  await using kit = await startKit();
  const { session } = await newSession(kit, kit.user('ada'));

  assert.deepEqual(at(session, 'properties.system'), { turn: [] });
});

type Wrong = {
  readonly what: string;
  readonly system: JsonObject;
  readonly parts?: SessionParts;
};

const styled: SessionParts = {
  constants: { capabilities: { userAuthorizationStyle: true } },
};

// @source docs/wire/sessions.md "properties.system"
const wrong: readonly Wrong[] = [
  { what: 'eleven keywords', system: { keywords: [...'abcdefghijk'] } },
  { what: 'a keyword of 101 characters', system: { keywords: ['x'.repeat(101)] } },
  { what: 'an empty keyword', system: { keywords: [''] } },
  { what: 'a keyword that is no string', system: { keywords: [1] } },
  {
    what: 'keywords of a private session',
    system: { keywords: ['k'] },
    parts: { constants: { visibility: 'private' } },
  },
  { what: 'the turn of nobody', system: { turn: [1] } },
  { what: 'the turn of a xuid', system: { turn: ['2814639011617876'] } },
  { what: 'a restriction that is none', system: { joinRestriction: 'friends' } },
  { what: 'reading less open than joining', system: { readRestriction: 'followed' } },
  {
    what: 'reading local, joining followed',
    system: { joinRestriction: 'followed', readRestriction: 'local' },
  },
  {
    what: 'joining more open than reading is already',
    system: { joinRestriction: 'none' },
    parts: { properties: { joinRestriction: 'local', readRestriction: 'local' } },
  },
  {
    what: 'joinRestriction none with userAuthorizationStyle',
    system: { joinRestriction: 'none', readRestriction: 'none' },
    parts: styled,
  },
  {
    what: 'readRestriction none with userAuthorizationStyle',
    system: { readRestriction: 'none' },
    parts: styled,
  },
  { what: 'locked and not closed', system: { locked: true } },
  { what: 'locked and opened', system: { closed: false, locked: true } },
  {
    what: 'a client result without clientMatchmaking',
    system: { matchmaking: { clientResult: { status: 'searching' } } },
  },
  { what: 'a matchmaking member that is not known', system: { matchmaking: { speed: 9 } } },
  { what: 'candidates that are no strings', system: { serverConnectionStringCandidates: [1] } },
];

for (const { what, system, parts } of wrong) {
  test(`${what}: refused, and nothing changes`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const { reference, created } = await newSession(kit, ada, parts);

    const answer = assertRefusedBy(
      await ada.putSession(reference, write(system)),
      400,
      'requestInvalid',
    );

    assertIsText(answer);
    assert.match(answer.detail ?? '', /^\$\.properties\.system\./);
    assert.equal((await read(ada, reference)).etag, created.etag);
  });
}

// @source docs/wire/sessions.md "properties.system"
test('wrong properties keep a session from being created', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = kit.reference(blankTemplate);

  assertRefusedBy(
    await ada.putSession(reference, creation({ properties: { locked: true } })),
    400,
    'requestInvalid',
  );

  assertStatus(await ada.getSession(reference), 204);
});

// @source docs/wire/sessions.md "properties.system", docs/wire/clients.md "Multiplayer Manager"
// @source docs/wire/unknowns.md "opening unlocks"
test('opening a session unlocks it', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada, { properties: { closed: true, locked: true } });

  const opened = assertStatus(await ada.putSession(reference, write({ closed: false })), 200);
  const closed = assertStatus(await ada.putSession(reference, write({ closed: true })), 200);

  assert.equal(at(opened.json, 'properties.system.locked') ?? false, false);
  assert.equal(at(closed.json, 'properties.system.locked') ?? false, false);
});

// @source docs/wire/sessions.md "properties.system"
test('with clientMatchmaking a client result is kept', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada, {
    constants: { capabilities: { clientMatchmaking: true } },
  });
  const matchmaking = { clientResult: { status: 'searching', typicalWait: 30 } };

  const { json } = assertStatus(await ada.putSession(reference, write({ matchmaking })), 200);

  assert.deepEqual(at(json, 'properties.system.matchmaking'), matchmaking);
});

// @source docs/wire/sessions.md "properties.system"
test('ten keywords of a hundred characters are taken', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);
  const keywords = Array.from({ length: 10 }, (_, i) => `${i}`.padEnd(100, 'k'));

  const { json } = assertStatus(await ada.putSession(reference, write({ keywords })), 200);

  assert.deepEqual(at(json, 'properties.system.keywords'), keywords);
});

// @source docs/wire/sessions.md "Constants"
test('a restriction that is removed goes back to its default', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada, {
    ...styled,
    properties: { joinRestriction: 'followed', readRestriction: 'followed' },
  });

  const { json } = assertStatus(
    await ada.putSession(reference, write({ joinRestriction: null, readRestriction: null })),
    200,
  );

  assert.equal(at(json, 'properties.system.joinRestriction'), 'local');
  assert.equal(at(json, 'properties.system.readRestriction'), 'local');
});

// @source docs/wire/sessions.md "The document", docs/wire/service-configs.md "Service configs and session templates"
test('properties of the template are there from the beginning, unless the creator writes others', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');

  const untouched = await newSession(kit, ada, { templateName: 'GameSession' });
  const written = await newSession(kit, ada, {
    templateName: 'GameSession',
    properties: { joinRestriction: 'followed', readRestriction: 'followed' },
  });

  assert.equal(at(untouched.session, 'properties.system.joinRestriction'), 'local');
  assert.equal(at(untouched.session, 'properties.system.readRestriction'), 'local');
  assert.equal(at(written.session, 'properties.system.joinRestriction'), 'followed');
  assert.equal(at(written.session, 'properties.system.readRestriction'), 'followed');
});
