/** Session templates as clients read them. @source docs/wire/service-configs.md "Service configs and session templates" */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { at, demoScid, startKit } from '../../src/testing/kit.ts';
import { assertIsText } from './new-session.ts';
import { assertRefusedBy, assertStatus } from './answers.ts';

const all = `/serviceconfigs/${demoScid}/sessiontemplates`;

// @source docs/wire/service-configs.md "Asking for templates"
test('GET sessiontemplates answers the name of every template of the service config', async () => {
  await using kit = await startKit();

  const { json, headers } = assertStatus(await kit.user('ada').request('GET', all), 200);

  assert.deepEqual(Object.keys(json), ['results']);
  const names = json.results as readonly string[];
  assert.ok(names.includes('deathmatch') && names.includes('LobbySession'), String(names));
  assert.equal(new Set(names).size, names.length);
  assert.equal(headers.get('content-type'), 'application/json');
  assert.equal(headers.get('cache-control'), 'no-cache, no-store');
});

// @source docs/wire/service-configs.md "Service configs and session templates", docs/wire/unknowns.md "the document of a template"
test('GET of one template answers its document', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');

  const { json } = assertStatus(await ada.request('GET', `${all}/deathmatch`), 200);

  assert.equal(at(json, 'contractVersion'), 107);
  assert.equal(at(json, 'constants.system.maxMembersCount'), 16);
  assert.equal(at(json, 'constants.system.visibility'), 'open');
  assert.equal(at(json, 'constants.system.capabilities.gameplay'), true);
});

// @source docs/wire/README.md "Every request"
test('a template is found by its name in any case', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const path = `/ServiceConfigs/${demoScid.toUpperCase()}/SESSIONTEMPLATES/DeathMatch`;

  const { text } = assertStatus(await ada.request('GET', path), 200);

  assert.equal(text, (await ada.request('GET', `${all}/deathmatch`)).text);
});

// @source docs/wire/service-configs.md "Service configs and session templates"
test('a template of contract 105 is answered as upgraded to 107', async () => {
  await using kit = await startKit();

  const { json } = assertStatus(await kit.user('ada').request('GET', `${all}/legacy105`), 200);

  assert.equal(at(json, 'constants.system.timeouts'), undefined);
  assert.equal(at(json, 'constants.system.reservedRemovalTimeout'), 30_000);
  assert.equal(at(json, 'constants.system.readyRemovalTimeout'), 180_000);
  assert.equal(at(json, 'constants.system.sessionEmptyTimeout'), 0);
});

// @source docs/wire/sessions.md "Owners"
test('the demo templates for groups and for thousands make sessions as they say', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const [group, crowd] = [kit.reference('lfg'), kit.reference('large')];

  assertStatus(await ada.join(group), 201);
  const healer = { members: { me: { roles: { class: 'healer' } } } };
  assertStatus(await bob.join(group), 200);
  const { json } = assertStatus(await bob.putSession(group, healer), 200);
  assert.equal(at(json, 'roleTypes.class.roles.healer.count'), 1);
  assert.deepEqual(at(json, 'properties.system.owners'), [0]);

  assertStatus(await ada.join(crowd), 201);
  const joined = assertStatus(await bob.join(crowd), 200);
  assert.deepEqual(Object.keys(joined.json.members ?? {}), ['me']);
});

// @source docs/wire/README.md "Every request"
test('templates that are not there answer 404, those of other titles 403', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const stranger = kit.user('stranger', { tid: '4' });

  assertIsText(
    assertRefusedBy(await ada.request('GET', `${all}/no-such-template`), 404, 'templateUnknown'),
  );
  const unknown = `/serviceconfigs/${randomUUID()}/sessiontemplates`;
  for (const path of [unknown, `${unknown}/deathmatch`]) {
    assertIsText(assertRefusedBy(await ada.request('GET', path), 404, 'serviceConfigUnknown'));
  }
  for (const path of [all, `${all}/deathmatch`]) {
    assertIsText(
      assertRefusedBy(await stranger.request('GET', path), 403, 'serviceConfigForbidden'),
    );
  }
});

// @source docs/wire/README.md "Every request"
test('templates are only read', async () => {
  await using kit = await startKit();

  for (const path of [all, `${all}/deathmatch`]) {
    const answer = assertRefusedBy(
      await kit.user('ada').request('PUT', path, { body: {} }),
      405,
      'verbNotAllowed',
    );
    assert.match(answer.headers.get('allow') ?? '', /\bGET\b/);
  }
});

// @source docs/wire/service-configs.md "Service configs and session templates"
test('the TypeScript client reads templates', async () => {
  await using kit = await startKit();
  const { client } = kit.user('ada');

  const templates = await client.getSessionTemplates(demoScid);
  const one = await client.getSessionTemplate(demoScid, 'LobbySession');

  assert.ok(templates.includes('LobbySession'));
  assert.equal(one.constants?.system?.maxMembersCount, 8);
  await assert.rejects(client.getSessionTemplate(demoScid, 'none'), { code: 'templateUnknown' });
});
