/** Writes on a condition. @source docs/wire/sessions.md "Preconditions", docs/wire/clients.md "What clients need" */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, joinBody, startKit } from '../../src/testing/kit.ts';
import { assertRefusedBy, assertStatus, leave } from './answers.ts';
import { assertCarriesDocument, blankTemplate, newSession, read } from './new-session.ts';

const setMap = (map: string) => ({ properties: { custom: { map } } });

// @source docs/wire/clients.md "What clients need"
test('W2 If-None-Match * answers 201 when it creates, 412 with the document when the session exists', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = kit.reference();

  const first = await ada.putSession(reference, joinBody(), { ifNoneMatch: '*' });
  const second = await ada.putSession(
    reference,
    { ...joinBody(), ...setMap('dunes') },
    { ifNoneMatch: '*' },
  );

  assert.equal(first.status, 201);
  assert.equal(second.status, 412);
  assert.equal(second.refusal, 'sessionExists');
  assertCarriesDocument(second);
  assert.equal(second.etag, first.etag);
  assert.equal(second.text, first.text);
  assert.equal((await read(ada, reference)).etag, first.etag);
});

// @source docs/wire/sessions.md "Preconditions", docs/wire/clients.md "What clients need", docs/wire/unknowns.md "If-Match on a missing session"
test('W3 If-Match * answers 200 when the session exists, 412 without a body when it does not', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);
  const missing = kit.reference();

  assertStatus(await ada.putSession(reference, setMap('dunes'), { ifMatch: '*' }), 200);
  const refused = assertRefusedBy(
    await ada.putSession(missing, joinBody(), { ifMatch: '*' }),
    412,
    'sessionMissing',
  );

  assert.equal(refused.text, '');
  assert.equal(refused.etag, undefined);
  assertStatus(await ada.getSession(missing), 204);
});

// @source docs/wire/sessions.md "Preconditions", docs/wire/clients.md "Multiplayer Manager"
test('W3 leaving with If-Match * a session that does not exist answers 412', async () => {
  await using kit = await startKit();
  const missing = kit.reference();

  assertRefusedBy(
    await kit.user('ada').putSession(missing, leave, { ifMatch: '*' }),
    412,
    'sessionMissing',
  );
});

// @source docs/wire/sessions.md "Preconditions", docs/wire/clients.md "What clients need"
test('W4 If-Match with the current ETag answers 200, a stale one 412 with the current document', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference, created } = await newSession(kit, ada);

  const current = await ada.putSession(reference, setMap('atoll'), { ifMatch: created.etag });
  const stale = await ada.putSession(reference, setMap('dunes'), { ifMatch: created.etag });

  assert.equal(current.status, 200);
  assert.equal(stale.status, 412);
  assert.equal(stale.refusal, 'etagDiffers');
  assertCarriesDocument(stale);
  assert.equal(stale.etag, current.etag);
  assert.equal(stale.text, current.text);
  assert.equal(stale.headers.get('cache-control'), 'no-cache, no-store');
  assert.equal(at((await read(ada, reference)).json, 'properties.custom.map'), 'atoll');
});

// @source docs/wire/sessions.md "Preconditions"
test('W4 If-Match with an ETag on a session that does not exist answers 412 and creates nothing', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { created } = await newSession(kit, ada);
  const missing = kit.reference();

  const answer = await ada.putSession(missing, joinBody(), { ifMatch: created.etag });

  assert.equal(answer.status, 412);
  assert.equal(answer.text, '');
  assertStatus(await ada.getSession(missing), 204);
});

// @source docs/wire/clients.md "What clients need"
test('W5 the ETag of a 412 lets the next try pass', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference, created } = await newSession(kit, ada);
  await ada.putSession(reference, setMap('atoll'));
  const stale = await ada.putSession(reference, setMap('dunes'), { ifMatch: created.etag });

  const { json } = assertStatus(
    await ada.putSession(reference, setMap('dunes'), { ifMatch: stale.etag }),
    200,
  );

  assert.equal(at(json, 'properties.custom.map'), 'dunes');
});

// @source docs/wire/sessions.md "PUT"
test('W5 writes that change nothing leave the ETag good', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);
  const { etag } = await ada.putSession(reference, setMap('atoll'));

  for (const body of [setMap('atoll'), {}, setMap('atoll')]) {
    const answer = assertStatus(await ada.putSession(reference, body, { ifMatch: etag }), 200);
    assert.equal(answer.etag, etag);
  }
});

// @source docs/architecture.md "Promises"
test('of many writes on the same ETag exactly one passes', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference, created } = await newSession(kit, ada);
  const maps = Array.from({ length: 10 }, (_, i) => `map ${i}`);

  const answers = await Promise.all(
    maps.map((map) => ada.putSession(reference, setMap(map), { ifMatch: created.etag })),
  );

  const statuses = answers.map(({ status }) => status).toSorted();
  assert.deepEqual(statuses, [200, ...Array(9).fill(412)]);
  const winner = answers.find(({ status }) => status === 200);
  const found = await read(ada, reference);
  assert.equal(found.etag, winner?.etag);
  assert.equal(found.json.changeNumber, 2);
});

// @source docs/wire/sessions.md "PUT"
test('the condition is looked at before access: an outsider with a stale ETag is answered 412', async () => {
  await using kit = await startKit();
  const [ada, eve] = kit.users('ada', 'eve');
  const { reference, created } = await newSession(kit, ada);
  const current = await ada.putSession(reference, setMap('atoll'));

  const stale = assertRefusedBy(
    await eve.putSession(reference, setMap('dunes'), { ifMatch: created.etag }),
    412,
    'etagDiffers',
  );
  assertCarriesDocument(stale);
  assert.equal(stale.etag, current.etag);
  assertRefusedBy(
    await eve.putSession(reference, setMap('dunes'), { ifMatch: current.etag }),
    403,
    'notAMember',
  );
});

// @source docs/wire/sessions.md "Preconditions"
test('a 412 shows the document to nobody who may not read it', async () => {
  await using kit = await startKit();
  const { reference } = await newSession(kit, kit.user('ada'), {
    constants: { visibility: 'private' },
    custom: { secret: 'rosebud' },
  });
  const eve = kit.user('eve');

  for (const condition of [{ ifNoneMatch: '*' }, { ifMatch: `"${'0'.repeat(32)}"` }]) {
    const answer = assertStatus(await eve.putSession(reference, joinBody(), condition), 412);
    assert.ok(!answer.text.includes('rosebud'));
    assert.notEqual(answer.headers.get('content-type'), 'application/json');
    assert.equal(answer.etag, undefined);
  }
});

// @source docs/wire/sessions.md "PUT"
test('a preview is refused by a stale ETag', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference, created } = await newSession(kit, ada);
  await ada.putSession(reference, setMap('atoll'));

  const preview = { ifMatch: created.etag, nocommit: true };
  assertStatus(await ada.putSession(reference, setMap('dunes'), preview), 412);
});

// @source docs/wire/sessions.md "Preconditions", docs/wire/unknowns.md "preconditions of who may not read"
test('a 412 tells nothing of a session that the caller may not read', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const restricted = { joinRestriction: 'local', readRestriction: 'local' };
  const { reference, created } = await newSession(kit, ada, { properties: restricted });
  for (const ifMatch of ['"0123456789abcdef0123456789abcdef"', created.etag ?? '']) {
    const asked = bob.putSession(reference, joinBody(), { ifMatch });
    const refused = assertRefusedBy(await asked, 412, 'etagDiffers');
    assert.equal(refused.etag, undefined);
    assert.equal(refused.headers.get('x-mpsd-detail'), null);
    const { etag } = created;
    assert.ok(!refused.text.includes(etag ?? ''));
  }
});

// @source docs/wire/sessions.md "PUT"
test('the TypeScript client tells created, updated, outOfSync and deleted', async () => {
  await using kit = await startKit();
  const { client } = kit.user('ada');
  const reference = kit.reference(blankTemplate);
  const me = { properties: { system: { active: true } } };

  const created = await client.tryWriteSession(
    reference,
    { members: { me } },
    { mode: 'createNew' },
  );
  const again = await client.tryWriteSession(reference, { members: { me } }, { mode: 'createNew' });
  const updated = await client.tryWriteSession(reference, setMap('atoll'), {
    mode: 'updateExisting',
  });
  const stale = await client.tryWriteSession(reference, setMap('dunes'), {
    etag: created.etag ?? '',
  });
  const deleted = await client.leaveSession(reference);

  assert.deepEqual(
    [created, again, updated, stale, deleted].map(({ status }) => status),
    ['created', 'outOfSync', 'updated', 'outOfSync', 'deleted'],
  );
  assert.equal(again.etag, created.etag);
  assert.equal(stale.etag, updated.etag);
  assert.deepEqual(stale.session, updated.session);
  assert.equal(await client.getSession(reference), undefined);
});
