/** Servers of a session: what game services keep in it. @source contract 4, 5, wire 3.6 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, joinBody, startKit } from '../../src/testing/kit.ts';
import {
  assertCarriesDocument,
  assertIsText,
  expectRefusal,
  expectStatus,
  newSession,
  read,
} from './new-session.ts';

// @source contract 5: servers are written by a service principal
test('a service writes a server, and every reader sees it', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference, created } = await newSession(kit, ada);
  const matchmaking = {
    constants: { system: {}, custom: { hopper: 'ranked' } },
    properties: {
      system: { status: 'searching', statusDetails: '', typicalWait: 30 },
      custom: { ticketId: 'x', none: [null] },
    },
  };

  const written = await expectStatus(
    200,
    kit.service().putSession(reference, { servers: { matchmaking } }),
  );

  assert.equal(written.json.changeNumber, 2);
  assert.notEqual(written.etag, created.etag);
  assert.deepEqual(at((await read(ada, reference)).json, 'servers'), { matchmaking });
});

// @source contract 4.1 merge
test('the properties of a server merge key by key', async () => {
  await using kit = await startKit();
  const service = kit.service();
  const { reference } = await newSession(kit, kit.user('ada'));
  const write = (properties: object) =>
    expectStatus(200, service.putSession(reference, { servers: { dedicated: { properties } } }));
  await write({ system: { status: 'starting', port: 1 }, custom: { a: 1, b: { c: 2 } } });

  const { json } = await write({ system: { status: 'up' }, custom: { a: null, b: { d: 3 } } });

  assert.deepEqual(at(json, 'servers.dedicated.properties'), {
    system: { status: 'up', port: 1 },
    custom: { b: { d: 3 } },
  });
});

// @source contract 4, body
test('null removes a server, and leaves the others', async () => {
  await using kit = await startKit();
  const service = kit.service();
  const { reference } = await newSession(kit, kit.user('ada'));
  await expectStatus(200, service.putSession(reference, { servers: { one: {}, other: {} } }));

  const removed = await expectStatus(
    200,
    service.putSession(reference, { servers: { one: null } }),
  );
  const again = await expectStatus(200, service.putSession(reference, { servers: { one: null } }));

  assert.deepEqual(Object.keys(removed.json.servers as object), ['other']);
  assert.equal(again.etag, removed.etag);
});

// @source contract 5 "servers: service principal"
test('a user writes no servers, member or not', async () => {
  await using kit = await startKit();
  const [ada, eve] = [kit.user('ada'), kit.user('eve')];
  const { reference, created } = await newSession(kit, ada);

  for (const servers of [{ x: {} }, { x: null }]) {
    const answer = await expectRefusal(
      403,
      'serviceRequired',
      ada.putSession(reference, { servers }),
    );
    assertCarriesDocument(answer);
  }
  await expectStatus(403, eve.putSession(reference, { servers: { x: {} } }));
  await expectStatus(403, eve.putSession(reference, { ...joinBody(), servers: { x: {} } }));
  assert.equal((await read(ada, reference)).etag, created.etag);
});

// @source contract 5: an empty "servers" asks for nothing
test('a user may send servers that are empty', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference, created } = await newSession(kit, ada);

  const answer = await expectStatus(200, ada.putSession(reference, { servers: {} }));

  assert.equal(answer.etag, created.etag);
});

// @source contract 2, names
test('a server has a name like any other', async () => {
  await using kit = await startKit();
  const service = kit.service();
  const { reference } = await newSession(kit, kit.user('ada'));

  for (const name of ['a~b', 'a/b', '', 'x'.repeat(101)]) {
    assertIsText(
      await expectRefusal(
        400,
        'requestInvalid',
        service.putSession(reference, { servers: { [name]: {} } }),
      ),
    );
  }
  const names = ['__proto__', 'constructor', 'west us 2'];
  const body = `{"servers":{${names.map((name) => `${JSON.stringify(name)}:{}`).join(',')}}}`;
  const { json } = await expectStatus(200, service.putSession(reference, body));
  assert.deepEqual(Object.keys(json.servers as object), names);
});

// @source contract 4: a service is no member, and needs to be none
test('a service writes properties of a session that it is not in, also of a private one', async () => {
  await using kit = await startKit();
  const { reference } = await newSession(kit, kit.user('ada'), {
    constants: { visibility: 'private' },
  });

  const { json } = await expectStatus(
    200,
    kit.service().putSession(reference, {
      properties: { system: { closed: true }, custom: { phase: 'over' } },
    }),
  );

  assert.equal(at(json, 'properties.system.closed'), true);
  assert.equal(at(json, 'properties.custom.phase'), 'over');
});
