/** Servers of a session: what game services keep in it. @source docs/wire/sessions.md "PUT", docs/wire/sessions.md "Access", docs/wire/sessions.md "Servers" */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, demoScid, isAimed, joinBody, startKit } from '../../src/testing/kit.ts';
import {
  assertCarriesDocument,
  assertIsText,
  blankTemplate,
  newSession,
  read,
} from './new-session.ts';
import { assertRefusedBy, assertStatus } from './answers.ts';

// @source docs/wire/sessions.md "Access"
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

  const written = assertStatus(
    await kit.service().putSession(reference, { servers: { matchmaking } }),
    200,
  );

  assert.equal(written.json.changeNumber, 2);
  assert.notEqual(written.etag, created.etag);
  assert.deepEqual(at((await read(ada, reference)).json, 'servers'), { matchmaking });
});

// @source docs/wire/sessions.md "Merge"
test('the properties of a server merge key by key', async () => {
  await using kit = await startKit();
  const service = kit.service();
  const { reference } = await newSession(kit, kit.user('ada'));
  const write = async (properties: object) =>
    assertStatus(
      await service.putSession(reference, { servers: { dedicated: { properties } } }),
      200,
    );
  await write({ system: { status: 'starting', port: 1 }, custom: { a: 1, b: { c: 2 } } });

  const { json } = await write({ system: { status: 'up' }, custom: { a: null, b: { d: 3 } } });

  assert.deepEqual(at(json, 'servers.dedicated.properties'), {
    system: { status: 'up', port: 1 },
    custom: { b: { d: 3 } },
  });
});

// @source docs/wire/sessions.md "PUT"
test('null removes a server, and leaves the others', async () => {
  await using kit = await startKit();
  const service = kit.service();
  const { reference } = await newSession(kit, kit.user('ada'));
  assertStatus(await service.putSession(reference, { servers: { one: {}, other: {} } }), 200);

  const removed = assertStatus(
    await service.putSession(reference, { servers: { one: null } }),
    200,
  );
  const again = assertStatus(await service.putSession(reference, { servers: { one: null } }), 200);

  assert.deepEqual(Object.keys(removed.json.servers as object), ['other']);
  assert.equal(again.etag, removed.etag);
});

// @source docs/wire/sessions.md "Access"
test('a user writes no servers, member or not', async () => {
  await using kit = await startKit();
  const [ada, eve] = kit.users('ada', 'eve');
  const { reference, created } = await newSession(kit, ada);

  for (const servers of [{ x: {} }, { x: null }]) {
    const answer = assertRefusedBy(
      await ada.putSession(reference, { servers }),
      403,
      'serviceRequired',
    );
    assertCarriesDocument(answer);
  }
  assertStatus(await eve.putSession(reference, { servers: { x: {} } }), 403);
  assertStatus(await eve.putSession(reference, { ...joinBody(), servers: { x: {} } }), 403);
  assert.equal((await read(ada, reference)).etag, created.etag);
});

// @source docs/wire/sessions.md "Access"
test('a user may send servers that are empty', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference, created } = await newSession(kit, ada);

  const answer = assertStatus(await ada.putSession(reference, { servers: {} }), 200);

  assert.equal(answer.etag, created.etag);
});

// @source docs/wire/README.md "Every request"
test('a server has a name like any other', async () => {
  await using kit = await startKit();
  const service = kit.service();
  const { reference } = await newSession(kit, kit.user('ada'));

  for (const name of ['a~b', 'a/b', '', 'x'.repeat(101)]) {
    assertIsText(
      assertRefusedBy(
        await service.putSession(reference, { servers: { [name]: {} } }),
        400,
        'requestInvalid',
      ),
    );
  }
  const names = ['__proto__', 'constructor', 'west us 2'];
  const body = `{"servers":{${names.map((name) => `${JSON.stringify(name)}:{}`).join(',')}}}`;
  const { json } = assertStatus(await service.putSession(reference, body), 200);
  assert.deepEqual(Object.keys(json.servers as object), names);
});

// @source docs/wire/sessions.md "PUT"
// @source docs/wire/unknowns.md "services write everything but me"
test('a service writes properties of a session that it is not in, also of a private one', async () => {
  await using kit = await startKit();
  const { reference } = await newSession(kit, kit.user('ada'), {
    constants: { visibility: 'private' },
  });

  const { json } = assertStatus(
    await kit.service().putSession(reference, {
      properties: { system: { closed: true }, custom: { phase: 'over' } },
    }),
    200,
  );

  assert.equal(at(json, 'properties.system.closed'), true);
  assert.equal(at(json, 'properties.custom.phase'), 'over');
});

// @source docs/wire/sessions.md "Servers", docs/wire/unknowns.md "the matchmaking entry is exact"
test('the matchmaking entry is checked by its documented fields', async () => {
  await using kit = await startKit();
  const service = kit.service();
  const { reference } = await newSession(kit, kit.user('ada'));
  const put = (system: object) =>
    service.putSession(reference, { servers: { matchmaking: { properties: { system } } } });
  const targetSessionRef = { scid: demoScid, templateName: 'deathmatch', name: 'target' };

  for (const status of ['searching', 'expired', 'found', 'canceled', 'failed']) {
    const { json } = assertStatus(await put({ status }), 200);
    assert.equal(at(json, 'servers.matchmaking.properties.system.status'), status);
  }
  const { json } = assertStatus(
    await put({
      status: 'found',
      statusDetails: 'ok',
      typicalWait: 12,
      targetSessionRef,
      lockId: 'x',
    }),
    200,
  );
  assert.deepEqual(at(json, 'servers.matchmaking.properties.system'), {
    status: 'found',
    statusDetails: 'ok',
    typicalWait: 12,
    targetSessionRef,
    lockId: 'x',
  });
  const path = '$.servers.matchmaking.properties.system';
  for (const [system, place] of [
    [{ status: 'lost' }, '.status'],
    [{ status: 7 }, '.status'],
    [{ typicalWait: -1 }, '.typicalWait'],
    [{ typicalWait: '12' }, '.typicalWait'],
    [{ statusDetails: {} }, '.statusDetails'],
    [{ targetSessionRef: { scid: demoScid, templateName: 'x' } }, '.targetSessionRef.name'],
    [{ targetSessionRef: { ...targetSessionRef, scid: 'x' } }, '.targetSessionRef.scid'],
    [{ other: 1 }, '.other'],
  ] as const) {
    const refused = assertRefusedBy(await put(system), 400, 'requestInvalid');
    assert.equal(refused.detail, `${path}${place}`);
  }
  const cleared = assertStatus(await put({ typicalWait: null, targetSessionRef: null }), 200);
  assert.deepEqual(at(cleared.json, 'servers.matchmaking.properties.system'), {
    status: 'found',
    statusDetails: 'ok',
    lockId: 'x',
  });
});

// @source docs/wire/unknowns.md "the order of server candidates", docs/wire/initialization.md "Stages"
test('server candidates are computed from what the members measured', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada, {
    constants: {
      capabilities: { autoPopulateServerCandidates: true },
      inactiveRemovalTimeout: 3_600_000,
      measurementServerAddresses: Object.fromEntries(
        ['west', 'east', 'north'].map((name) => [name, { secureDeviceAddress: 'QUFB' }]),
      ),
    },
  });
  const measure = async (user: typeof ada, latencies: Record<string, number>) => {
    const serverMeasurements = Object.fromEntries(
      Object.entries(latencies).map(([name, latency]) => [name, { latency }]),
    );
    const { json } = assertStatus(
      await user.putSession(reference, {
        members: { me: { properties: { system: { serverMeasurements } } } },
      }),
      200,
    );
    return at(json, 'properties.system.serverConnectionStringCandidates');
  };

  assert.deepEqual(await measure(ada, { east: 80, west: 20, nowhere: 1 }), ['west', 'east']);
  // Two of them know the east and the west, where the mean is lower in the east.
  assert.deepEqual(await measure(bob, { west: 200, east: 90, north: 1 }), [
    'east',
    'west',
    'north',
  ]);
  const left = assertStatus(await bob.putSession(reference, { members: { me: null } }), 200);
  assert.deepEqual(at(left.json, 'properties.system.serverConnectionStringCandidates'), [
    'west',
    'east',
  ]);
});

// @source docs/wire/initialization.md "Stages"
test('without the capability server candidates are as they were written', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);

  const { json } = assertStatus(
    await ada.putSession(reference, {
      properties: { system: { serverConnectionStringCandidates: ['b', 'a'] } },
      members: { me: { properties: { system: { serverMeasurements: { a: { latency: 1 } } } } } },
    }),
    200,
  );

  assert.deepEqual(at(json, 'properties.system.serverConnectionStringCandidates'), ['b', 'a']);
});

// @source docs/wire/unknowns.md "what arbitration timeouts write", docs/wire/sessions.md "Servers"
test('an arbitrated game is canceled when nobody is active at forfeitTimeout, else it runs out', {
  skip: isAimed && 'a server under MPSD_TARGET has its own clock',
}, async () => {
  await using kit = await startKit();
  const [ada, service] = [kit.user('ada'), kit.service()];
  const begin = async () => {
    const reference = kit.reference(blankTemplate);
    const startTime = new Date(kit.nowMs() + 10_000).toISOString();
    const { json } = assertStatus(
      await service.putSession(reference, {
        constants: {
          system: {
            sessionEmptyTimeout: null,
            capabilities: { arbitration: true, gameplay: true },
            arbitration: { forfeitTimeout: 1_000, arbitrationTimeout: 5_000 },
          },
        },
        servers: { arbitration: { constants: { system: { startTime } } } },
      }),
      201,
    );
    return { reference, nextTimer: json.nextTimer, changeNumber: json.changeNumber };
  };
  const [empty, played, reported] = [await begin(), await begin(), await begin()];
  const atStart = kit.nowMs() + 10_000;
  for (const { reference } of [played, reported]) assertStatus(await ada.join(reference), 200);
  const resultState = 'completed';
  assertStatus(
    await service.putSession(reported.reference, {
      servers: { arbitration: { properties: { system: { resultState } } } },
    }),
    200,
  );

  const resultOf = async ({ reference }: typeof empty) =>
    at((await read(service, reference)).json, 'servers.arbitration.properties.system');
  assert.equal(Date.parse(String(empty.nextTimer)), atStart + 1_000);
  const timer = (await read(ada, played.reference)).json.nextTimer;
  assert.equal(Date.parse(String(timer)), atStart + 5_000);
  assert.equal((await read(ada, reported.reference)).json.nextTimer, undefined);

  await kit.advance(10_999);
  assert.deepEqual(await resultOf(empty), {});
  await kit.advance(1);
  const canceled = (await read(service, empty.reference)).json;
  assert.equal(canceled.changeNumber, Number(empty.changeNumber) + 1);
  assert.equal(canceled.nextTimer, undefined);
  assert.deepEqual(await resultOf(empty), { resultState: 'canceled', resultSource: 'arbitration' });
  assert.deepEqual(await resultOf(played), {});
  kit.advanceWithoutSweep(4_000);
  assert.deepEqual(await resultOf(played), {
    resultState: 'noresults',
    resultSource: 'arbitration',
  });
  assert.deepEqual(await resultOf(reported), { resultState });
});

// @source docs/wire/sessions.md "Servers"
test('the start of an arbitration is a time', async () => {
  await using kit = await startKit();
  const { reference } = await newSession(kit, kit.user('ada'));

  const refused = assertRefusedBy(
    await kit.service().putSession(reference, {
      servers: { arbitration: { constants: { system: { startTime: 'soon' } } } },
    }),
    400,
    'requestInvalid',
  );

  assert.equal(refused.detail, '$.servers.arbitration.constants.system.startTime');
});
