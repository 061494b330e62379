/** Parts of a session under URIs of their own. @source docs/wire/sessions.md "Element URIs" */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import { formatSessionPath, type SessionReference } from '../../src/domain/session/reference.ts';
import { at, joinBody, type KitAnswer, type KitUser, startKit } from '../../src/testing/kit.ts';
import { assertRefusedBy, assertStatus, etagPattern } from './answers.ts';
import {
  assertCarriesDocument,
  assertIsText,
  indexOf,
  memberOf,
  newSession,
  read,
} from './new-session.ts';

type Send = (
  method: string,
  element: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<KitAnswer>;

/** What this user asks of the elements of a session. */
const elementsOf =
  (user: KitUser, reference: SessionReference): Send =>
  (method, element, body, headers = {}) =>
    user.request(method, `${formatSessionPath(reference)}/${element}`, {
      headers,
      ...(body !== undefined && { body }),
    });

const joining = (joinBody().members as JsonObject).me as JsonObject;

// @source docs/wire/sessions.md "Element URIs"
// @source docs/wire/unknowns.md "elements that are not there"
test('GET of an element answers the part of the document', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada, { custom: { map: 'atoll' } });
  assertStatus(await bob.join(reference), 200);
  const server = { constants: { custom: { x: 1 } } };
  assertStatus(await kit.service().putSession(reference, { servers: { 'west us': server } }), 200);
  const { json } = await read(ada, reference);

  for (const [element, part] of [
    ['constants', json.constants],
    ['properties', json.properties],
    ['members', json.members],
    ['members/me', at(json, 'members.0')],
    ['members/0', at(json, 'members.0')],
    ['members/1', at(json, 'members.1')],
    ['servers/west%20us', at(json, 'servers.west us')],
  ] as const) {
    const answer = assertStatus(await elementsOf(ada, reference)('GET', element), 200);
    assert.deepEqual(answer.json, part, element);
    assert.equal(answer.headers.get('content-type'), 'application/json');
  }
});

// @source docs/wire/sessions.md "Element URIs"
// @source docs/wire/unknowns.md "elements that are not there"
test('an element that is not there answers 204 to GET and DELETE', async () => {
  await using kit = await startKit();
  const [ada, eve] = kit.users('ada', 'eve');
  const { reference, created } = await newSession(kit, ada);

  for (const [user, method, element] of [
    [ada, 'GET', 'members/7'],
    [ada, 'GET', 'members/seven'],
    [ada, 'GET', 'servers/none'],
    [eve, 'GET', 'members/me'],
    [eve, 'DELETE', 'members/me'],
    [kit.service(), 'GET', 'members/me'],
    [kit.service(), 'DELETE', 'members/7'],
    [kit.service(), 'DELETE', 'servers/none'],
  ] as const) {
    const answer = await elementsOf(user, reference)(method, element);
    assert.deepEqual([method, element, answer.status], [method, element, 204], answer.text);
    assert.equal(answer.text, '');
  }
  assert.equal((await read(ada, reference)).etag, created.etag);
});

// @source docs/wire/sessions.md "Element URIs"
// @source docs/wire/unknowns.md "elements that are not there"
test('every element of a session that does not exist answers 404', async () => {
  await using kit = await startKit();
  const reference = kit.reference();
  const [ada, service] = [kit.user('ada'), kit.service()];

  for (const [user, method, element, body] of [
    [ada, 'GET', 'constants', undefined],
    [ada, 'GET', 'properties', undefined],
    [ada, 'PUT', 'properties', {}],
    [ada, 'GET', 'members', undefined],
    [ada, 'GET', 'members/me', undefined],
    [ada, 'PUT', 'members/me', joining],
    [ada, 'DELETE', 'members/me', undefined],
    [ada, 'GET', 'members/0', undefined],
    [service, 'DELETE', 'members/0', undefined],
    [service, 'GET', 'servers/x', undefined],
    [service, 'PUT', 'servers/x', {}],
    [service, 'DELETE', 'servers/x', undefined],
  ] as const) {
    const answer = await elementsOf(user, reference)(method, element, body);
    assert.deepEqual([method, element, answer.status], [method, element, 404], answer.text);
    assert.equal(answer.refusal, 'sessionGone');
    assertIsText(answer);
  }
  assertStatus(await ada.getSession(reference), 204);
});

// @source docs/wire/sessions.md "Element URIs"
test('PUT properties merges and answers the whole session', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada, { custom: { map: 'atoll', mode: 'x' } });
  const body = { system: { closed: true }, custom: { map: 'dunes', mode: null } };

  const answer = assertStatus(await elementsOf(ada, reference)('PUT', 'properties', body), 200);

  assert.equal(at(answer.json, 'properties.system.closed'), true);
  assert.deepEqual(at(answer.json, 'properties.custom'), { map: 'dunes' });
  assert.match(answer.etag ?? '', etagPattern);
  const found = await read(ada, reference);
  assert.equal(found.etag, answer.etag);
  assert.equal(found.text, answer.text);
});

// @source docs/wire/sessions.md "Element URIs"
test('properties can be put back as they were read', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference, created } = await newSession(kit, ada, {
    properties: { turn: [0], joinRestriction: 'followed', readRestriction: 'followed' },
    custom: { map: 'atoll' },
  });
  const elements = elementsOf(ada, reference);
  const { text } = assertStatus(await elements('GET', 'properties'), 200);

  const answer = assertStatus(await elements('PUT', 'properties', text), 200);

  assert.equal(answer.etag, created.etag);
});

// @source docs/wire/sessions.md "Element URIs", docs/wire/sessions.md "Access"
test('PUT members/me joins, changes and is refused as the write it stands for', async () => {
  await using kit = await startKit();
  const [ada, bob, eve] = kit.users('ada', 'bob', 'eve');
  const { reference } = await newSession(kit, ada, { constants: { maxMembersCount: 2 } });
  const elements = elementsOf(bob, reference);

  const joined = assertStatus(await elements('PUT', 'members/me', joining), 200);
  assert.equal(indexOf(joined.json, bob), 1);
  const changed = assertStatus(
    await elements('PUT', 'members/me', { properties: { custom: { score: 7 } } }),
    200,
  );
  assert.equal(at(changed.json, 'members.1.properties.custom.score'), 7);
  assertRefusedBy(
    await elementsOf(eve, reference)('PUT', 'members/me', joining),
    400,
    'sessionFull',
  );
});

// @source docs/wire/sessions.md "Element URIs", docs/wire/sessions.md "Access"
test('PUT properties by somebody who is no member is refused with the document', async () => {
  await using kit = await startKit();
  const { reference } = await newSession(kit, kit.user('ada'));

  const answer = assertRefusedBy(
    await elementsOf(kit.user('eve'), reference)('PUT', 'properties', { custom: { x: 1 } }),
    403,
    'notAMember',
  );

  assertCarriesDocument(answer);
  assert.ok(answer.json.constants, 'the whole session, not the element');
});

// @source docs/wire/sessions.md "Element URIs", docs/wire/sessions.md "Access"
test('the elements of a private session are nobody else’s to read', async () => {
  await using kit = await startKit();
  const { reference } = await newSession(kit, kit.user('ada'), {
    constants: { visibility: 'private' },
  });
  const elements = elementsOf(kit.user('eve'), reference);

  for (const element of ['constants', 'properties', 'members', 'members/me', 'members/0']) {
    assertIsText(assertRefusedBy(await elements('GET', element), 403, 'sessionPrivate'));
  }
});

// @source docs/wire/sessions.md "Element URIs"
test('DELETE members/me leaves: 200 with the session, 204 when it is gone with its last member', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada);
  assertStatus(await bob.join(reference), 200);

  const left = assertStatus(await elementsOf(ada, reference)('DELETE', 'members/me'), 200);
  assert.equal(memberOf(left.json, ada), undefined);
  assert.equal(left.etag, (await read(bob, reference)).etag);
  assertStatus(await elementsOf(ada, reference)('DELETE', 'members/me'), 204);
  const gone = assertStatus(await elementsOf(bob, reference)('DELETE', 'members/me'), 204);
  assert.equal(gone.text, '');
  assertStatus(await bob.getSession(reference), 204);
});

// @source docs/wire/README.md "Every request"
test('a body on DELETE is not read', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada);
  assertStatus(await bob.join(reference), 200);

  assertStatus(await elementsOf(bob, reference)('DELETE', 'members/me', 'no JSON at all'), 200);
});

// @source docs/wire/sessions.md "Element URIs", docs/wire/sessions.md "Members"
test('DELETE members/{index} is for services; users remove only themselves', async () => {
  await using kit = await startKit();
  const [ada, bob, cyd] = kit.users('ada', 'bob', 'cyd');
  const { reference } = await newSession(kit, ada);
  for (const user of [bob, cyd]) assertStatus(await user.join(reference), 200);

  const refused = assertRefusedBy(
    await elementsOf(ada, reference)('DELETE', 'members/1'),
    403,
    'memberNotYours',
  );
  assertCarriesDocument(refused);
  const removed = assertStatus(
    await elementsOf(kit.service(), reference)('DELETE', 'members/1'),
    200,
  );
  assert.equal(memberOf(removed.json, bob), undefined);
  assert.ok(memberOf(removed.json, cyd));
});

// @source docs/wire/sessions.md "Element URIs"
test('a service puts, reads and deletes a server; a user only reads it', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);
  const asService = elementsOf(kit.service(), reference);
  const asUser = elementsOf(ada, reference);
  const server = { properties: { system: { status: 'up' }, custom: { port: 1 } } };

  const put = assertStatus(await asService('PUT', 'servers/dedicated', server), 200);
  assert.deepEqual(at(put.json, 'servers.dedicated.properties'), server.properties);
  const found = assertStatus(await asUser('GET', 'servers/dedicated'), 200);
  assert.deepEqual(at(found.json, 'properties'), server.properties);
  assertRefusedBy(await asUser('PUT', 'servers/dedicated', server), 403, 'serviceRequired');
  assertRefusedBy(await asUser('DELETE', 'servers/dedicated'), 403, 'serviceRequired');
  const deleted = assertStatus(await asService('DELETE', 'servers/dedicated'), 200);
  assert.deepEqual(deleted.json.servers, {});
  assertStatus(await asService('DELETE', 'servers/dedicated'), 204);
});

// @source docs/wire/sessions.md "Element URIs", docs/wire/refusals.md "Refusals"
test('If-Match holds for writes to elements', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference, created } = await newSession(kit, ada);
  const current = assertStatus(await bob.join(reference), 200);
  const stale = { 'if-match': created.etag ?? '' };
  const elements = elementsOf(ada, reference);

  for (const [method, element, body] of [
    ['PUT', 'properties', { custom: { map: 'dunes' } }],
    ['PUT', 'members/me', { properties: { custom: { score: 1 } } }],
    ['DELETE', 'members/me', undefined],
  ] as const) {
    const answer = assertRefusedBy(
      await elements(method, element, body, stale),
      412,
      'etagDiffers',
    );
    assert.equal(answer.text, current.text);
    assert.equal(answer.etag, current.etag);
  }
  const fresh = { 'if-match': current.etag ?? '' };
  assertStatus(await elements('PUT', 'properties', { custom: { map: 'dunes' } }, fresh), 200);
});

// @source docs/wire/sessions.md "Element URIs"
test('a preview by an element stores nothing', async () => {
  await using kit = await startKit();
  const [ada, service] = [kit.user('ada'), kit.service()];
  const { reference } = await newSession(kit, ada, { custom: { map: 'atoll' } });
  assertStatus(await service.putSession(reference, { servers: { x: {} } }), 200);
  const before = await read(ada, reference);

  for (const [user, method, element, body, status] of [
    [ada, 'PUT', 'properties', { custom: { map: 'dunes' } }, 200],
    [ada, 'PUT', 'members/me', { properties: { custom: { ready: true } } }, 200],
    [ada, 'DELETE', 'members/me', undefined, 204],
    [service, 'DELETE', 'members/0', undefined, 204],
    [service, 'PUT', 'servers/y', {}, 200],
    [service, 'DELETE', 'servers/x', undefined, 200],
  ] as const) {
    const answer = await elementsOf(user, reference)(method, `${element}?nocommit=true`, body);
    assert.deepEqual([method, element, answer.status], [method, element, status], answer.text);
  }

  assert.equal((await read(ada, reference)).text, before.text);
});

// @source docs/wire/sessions.md "Element URIs"
test('GET of an element answers 304 to who has it', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference, created } = await newSession(kit, ada);

  for (const element of ['constants', 'properties', 'members', 'members/me', 'members/0']) {
    for (const [tag, status] of [
      [created.etag ?? '', 304],
      [`W/${created.etag}`, 304],
      ['"x"', 200],
    ] as const) {
      const headers = { 'if-none-match': tag };
      assertStatus(await elementsOf(ada, reference)('GET', element, undefined, headers), status);
    }
  }
});

// @source docs/wire/sessions.md "Element URIs"
test('members/me_{xuid} is the own member, and nobody else’s', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada);
  assertStatus(await bob.join(reference), 200);
  const element = `members/me_${bob.xuid}`;

  const found = assertStatus(await elementsOf(bob, reference)('GET', element), 200);
  assert.equal(at(found.json, 'constants.system.xuid'), bob.xuid);
  assertStatus(await elementsOf(ada, reference)('GET', element), 204);
  assertRefusedBy(await elementsOf(ada, reference)('DELETE', element), 403, 'memberNotYours');
  assert.ok(memberOf((await read(ada, reference)).json, bob));

  assertStatus(await elementsOf(bob, reference)('DELETE', element), 200);
  assert.equal(memberOf((await read(ada, reference)).json, bob), undefined);
});

// @source docs/wire/README.md "Every request"
for (const [method, element, allowed] of [
  ['PUT', 'constants', ['GET']],
  ['DELETE', 'properties', ['GET', 'PUT']],
  ['PUT', 'members', ['GET']],
  ['POST', 'members/me', ['GET', 'PUT', 'DELETE']],
  ['PUT', 'members/0', ['GET', 'DELETE']],
  ['PATCH', 'servers/x', ['GET', 'PUT', 'DELETE']],
] as const) {
  test(`${method} ${element} answers 405 and names the verbs there are`, async () => {
    await using kit = await startKit();
    const elements = elementsOf(kit.user('ada'), kit.reference());

    const answer = assertRefusedBy(await elements(method, element, {}), 405, 'verbNotAllowed');

    const verbs = (answer.headers.get('allow') ?? '')
      .split(/,\s*/)
      .filter((verb) => verb !== 'HEAD');
    assert.deepEqual(verbs.toSorted(), [...allowed].toSorted());
  });
}

// @source docs/wire/sessions.md "Element URIs"
test('a body that is wrong in an element is refused with its path there', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);
  const elements = elementsOf(ada, reference);

  for (const [element, body, path] of [
    ['properties', { system: { closed: 'yes' } }, '$.system.closed'],
    ['members/me', { properties: { system: { active: 7 } } }, '$.properties.system.active'],
    ['members/me', { extra: 1 }, '$.extra'],
  ] as const) {
    const answer = assertRefusedBy(await elements('PUT', element, body), 400, 'requestInvalid');
    assert.equal(answer.detail, path);
  }
});

// @source docs/wire/sessions.md "Element URIs"
test('the TypeScript client reads and removes members', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada);
  assertStatus(await bob.join(reference), 200);
  const service = kit.service().client;

  const member = await ada.client.getMember(reference, 1);
  const me = await bob.client.getMember(reference, 'me');
  assert.deepEqual(member, me);
  assert.equal(me?.constants.system.xuid, bob.xuid);
  assert.equal(await ada.client.getMember(reference, 9), undefined);

  assert.equal((await service.removeMember(reference, 1)).status, 'updated');
  assert.equal((await service.removeMember(reference, 0)).status, 'deleted');
  assert.equal(await service.getMember(reference, 0), undefined);
});
