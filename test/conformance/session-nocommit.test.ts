/** `?nocommit=true`: what a write would do. @source docs/wire/sessions.md "PUT" */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, joinBody, startKit } from '../../src/testing/kit.ts';
import { formatSessionPath } from '../../src/domain/session/reference.ts';
import { activityOf, assertRefusedBy, assertStatus, leave } from './answers.ts';
import { blankTemplate, memberOf, newSession, read } from './new-session.ts';

const setMap = (map: string) => ({ properties: { custom: { map } } });
const nocommit = true;

// @source docs/wire/sessions.md "PUT"
test('a preview of a creation answers 201 with the document and creates nothing', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = kit.reference();

  const { json } = assertStatus(await ada.putSession(reference, joinBody(), { nocommit }), 201);

  assert.equal(json.changeNumber, 1);
  assert.ok(memberOf(json, ada));
  assertStatus(await ada.getSession(reference), 204);
  assertStatus(await ada.putSession(reference, joinBody(), { ifNoneMatch: '*' }), 201);
});

// @source docs/wire/sessions.md "PUT", docs/wire/unknowns.md "a preview has no ETag"
test('a preview of a change answers the document changed, without an ETag, and changes nothing', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference, created } = await newSession(kit, ada, { custom: { map: 'atoll' } });

  const changed = assertStatus(await ada.putSession(reference, setMap('dunes'), { nocommit }), 200);
  const joined = assertStatus(await bob.putSession(reference, joinBody(), { nocommit }), 200);

  assert.equal(at(changed.json, 'properties.custom.map'), 'dunes');
  assert.equal(changed.json.changeNumber, 2);
  assert.ok(memberOf(joined.json, bob));
  assert.equal(changed.headers.get('etag'), null);
  assert.equal(joined.headers.get('etag'), null);
  const same = assertStatus(await ada.putSession(reference, setMap('atoll'), { nocommit }), 200);
  assert.equal(same.headers.get('etag'), created.etag);
  const after = await read(ada, reference);
  assert.equal(after.etag, created.etag);
  assert.equal(after.text, created.text);
});

// @source docs/wire/sessions.md "PUT"
test('a preview of the last member’s leaving answers 204, and the session and its activity stay', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);
  const { json: activity } = await ada.postHandle(activityOf(reference));
  const before = await read(ada, reference);

  assertStatus(await ada.putSession(reference, leave, { nocommit }), 204);

  assert.equal((await read(ada, reference)).etag, before.etag);
  assertStatus(await ada.request('GET', `/handles/${String(activity.id)}`), 200);
});

// @source docs/wire/sessions.md "PUT"
test('a preview is refused by the rule that would refuse the write', async () => {
  await using kit = await startKit();
  const [ada, eve] = kit.users('ada', 'eve');
  const { reference, created } = await newSession(kit, ada, { properties: { closed: true } });

  assertRefusedBy(await eve.putSession(reference, joinBody(), { nocommit }), 403, 'sessionClosed');
  assertRefusedBy(
    await ada.putSession(reference, {}, { nocommit, ifNoneMatch: '*' }),
    412,
    'sessionExists',
  );
  assertRefusedBy(
    await ada.putSession(kit.reference(), {}, { nocommit, ifMatch: '*' }),
    412,
    'sessionMissing',
  );
  assertRefusedBy(
    await ada.putSession(reference, { extra: 1 }, { nocommit }),
    400,
    'requestInvalid',
  );
  assert.equal((await read(ada, reference)).etag, created.etag);
});

// @source docs/wire/sessions.md "PUT"
test('a preview of a session that would end at once answers 204', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');

  assertStatus(await ada.putSession(kit.reference(blankTemplate), {}, { nocommit }), 204);
});

// @source docs/wire/sessions.md "PUT"
test('nocommit=false is an ordinary write', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { scid, templateName, name } = kit.reference();
  const path = `/serviceconfigs/${scid}/sessionTemplates/${templateName}/sessions/${name}?nocommit=false`;

  assertStatus(await ada.request('PUT', path, { body: joinBody() }), 201);

  assertStatus(await ada.getSession({ scid, templateName, name }), 200);
});

// @source docs/wire/sessions.md "PUT"
test('the TypeScript client previews a write', async () => {
  await using kit = await startKit();
  const { client } = kit.user('ada');
  const reference = kit.reference(blankTemplate);
  const me = { properties: { system: { active: true } } };

  const preview = await client.writeSession(reference, { members: { me } }, { preview: true });

  assert.equal(preview.status, 'created');
  assert.equal(await client.getSession(reference), undefined);
});

// @source docs/wire/sessions.md "PUT"
test('nocommit is understood in any case and as 1, and no other value is it', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);
  const path = formatSessionPath(reference);
  for (const query of ['nocommit=True', 'NoCommit=TRUE', 'nocommit=1', 'a=b&NOCOMMIT=true']) {
    assertStatus(await ada.request('PUT', `${path}?${query}`, { body: setMap('dunes') }), 200);
    assert.equal(at((await read(ada, reference)).json, 'properties.custom.map'), undefined, query);
  }
  for (const query of ['nocommit=false', 'nocommit=0', 'nocommit', 'commit=true']) {
    assertStatus(await ada.request('PUT', `${path}?${query}`, { body: setMap(query) }), 200);
    assert.equal(at((await read(ada, reference)).json, 'properties.custom.map'), query);
  }
});
