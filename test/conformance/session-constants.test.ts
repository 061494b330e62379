/** Constants: from the template, and from the creating write. @source docs/wire/sessions.md "Constants" */

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import { at, demoScid, isAimed, joinBody, type Kit, startKit } from '../../src/testing/kit.ts';
import { assertRefusedBy, assertStatus, needsOwnServer } from './answers.ts';
import {
  anHourMs,
  assertIsText,
  blankTemplate,
  creation,
  newSession,
  read,
} from './new-session.ts';

// @source docs/wire/sessions.md "Constants"
test('a session that nobody gave constants has the defaults', async () => {
  await using kit = await startKit();
  const { session } = await newSession(kit, kit.user('ada'));

  const { capabilities, ...system } = at(session, 'constants.system') as JsonObject;
  assert.deepEqual(system, {
    version: 1,
    maxMembersCount: 100,
    visibility: 'open',
    reservedRemovalTimeout: 30_000,
    inactiveRemovalTimeout: 0,
    readyRemovalTimeout: 180_000,
    sessionEmptyTimeout: 0,
  });
  assert.deepEqual(capabilities ?? {}, {});
});

// @source docs/wire/clients.md "What clients need"
for (const constants of [
  { version: 7 },
  { maxMembersCount: 1 },
  { maxMembersCount: 100 },
  { visibility: 'private' },
  { visibility: 'visible' },
  { visibility: 'open' },
  { initiators: ['2814639011617876', '3210'] },
  { inviteProtocol: 'game' },
  { inviteProtocol: 'tournamentgame' },
  {
    reservedRemovalTimeout: 1,
    inactiveRemovalTimeout: 2,
    readyRemovalTimeout: 3,
    sessionEmptyTimeout: 4,
  },
  {
    capabilities: {
      connectivity: true,
      suppressPresenceActivityCheck: true,
      gameplay: true,
      connectionRequiredForActiveMembers: true,
      crossPlay: true,
      userAuthorizationStyle: true,
      clientMatchmaking: true,
      cloudCompute: true,
      autoPopulateServerCandidates: true,
    },
  },
  { capabilities: { searchable: true } },
  // As a sample of Microsoft's does.
  { capabilities: { searchable: true, userAuthorizationStyle: true } },
  { capabilities: { team: true } },
  {
    capabilities: { connectivity: true },
    metrics: { latency: true, bandwidthDown: false, bandwidthUp: true, custom: false },
  },
  {
    capabilities: { connectivity: true },
    metrics: { latency: true, bandwidthDown: true, bandwidthUp: false, custom: false },
    peerToPeerRequirements: { latencyMaximum: 100, bandwidthMinimum: 5_000 },
  },
  {
    capabilities: { connectivity: true },
    metrics: { latency: true, bandwidthDown: true, bandwidthUp: true, custom: false },
    peerToHostRequirements: {
      latencyMaximum: 100,
      bandwidthDownMinimum: 90_000,
      bandwidthUpMinimum: 900,
      hostSelectionMetric: 'bandwidthup',
    },
  },
  { measurementServerAddresses: { 'west us': { secureDeviceAddress: 'MS4xLjEuMQ==' } } },
  { cloudComputePackage: { crossSandbox: true, titleId: '896928775', gsiSet: 'x' } },
] as const) {
  test(`W15 constants are set at creation: ${JSON.stringify(constants)}`, async () => {
    await using kit = await startKit();
    const initiators = 'initiators' in constants ? constants.initiators : [];
    const ada = initiators[0] ? kit.user('ada', { xuid: initiators[0] }) : kit.user('ada');

    const { reference, session } = await newSession(kit, ada, { constants });

    for (const document of [session, (await read(ada, reference)).json]) {
      for (const [name, value] of Object.entries(constants)) {
        assert.deepEqual(at(document, `constants.system.${name}`), value, name);
      }
    }
  });
}

// @source docs/wire/sessions.md "Constants"
test('W15 a timeout of null never runs out and is not answered', async () => {
  await using kit = await startKit();
  const names = [
    'reservedRemovalTimeout',
    'inactiveRemovalTimeout',
    'readyRemovalTimeout',
    'sessionEmptyTimeout',
  ];

  const { session } = await newSession(kit, kit.user('ada'), {
    constants: Object.fromEntries(names.map((name) => [name, null])),
  });

  for (const name of names) assert.equal(at(session, `constants.system.${name}`), undefined, name);
});

// @source docs/wire/sessions.md "Constants"
test('W15 requirements and metrics that are left open have their defaults', async () => {
  await using kit = await startKit();

  const { session } = await newSession(kit, kit.user('ada'), {
    constants: {
      capabilities: { connectivity: true },
      peerToPeerRequirements: {},
      peerToHostRequirements: {},
    },
  });

  assert.deepEqual(at(session, 'constants.system.peerToPeerRequirements'), {
    latencyMaximum: 250,
    bandwidthMinimum: 10_000,
  });
  assert.deepEqual(at(session, 'constants.system.peerToHostRequirements'), {
    latencyMaximum: 250,
    bandwidthDownMinimum: 100_000,
    bandwidthUpMinimum: 1_000,
    hostSelectionMetric: 'latency',
  });
  assert.equal(at(session, 'constants.system.metrics.latency'), true);
  assert.equal(at(session, 'constants.system.metrics.bandwidthDown'), true);
});

// @source docs/wire/sessions.md "Constants"
test('W15 custom constants are kept as they were written', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = kit.reference();
  const custom = { map: { name: 'atoll', none: null }, ids: ['x'] };

  const { json } = assertStatus(
    await ada.putSession(reference, { constants: { custom }, ...joinBody() }),
    201,
  );

  assert.deepEqual(at(json, 'constants.custom'), custom);
});

// @source docs/wire/sessions.md "Constants"
for (const [path, system] of [
  ['version', { version: 0 }],
  ['maxMembersCount', { maxMembersCount: 0 }],
  ['maxMembersCount', { maxMembersCount: 101 }],
  ['maxMembersCount', { maxMembersCount: 2.5 }],
  ['maxMembersCount', { maxMembersCount: '8' }],
  ['visibility', { visibility: 'secret' }],
  ['initiators', { initiators: 'ada' }],
  ['inviteProtocol', { inviteProtocol: 'smoke signals' }],
  ['reservedRemovalTimeout', { reservedRemovalTimeout: -1 }],
  ['sessionEmptyTimeout', { sessionEmptyTimeout: '5m' }],
  ['capabilities.flying', { capabilities: { flying: true } }],
  ['capabilities.gameplay', { capabilities: { gameplay: 1 } }],
  ['cloudComputePackage', { cloudComputePackage: [] }],
  ['shoeSize', { shoeSize: 44 }],
] as const) {
  test(`constants.system ${JSON.stringify(system)} is refused at ${path}`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const reference = kit.reference(blankTemplate);

    const answer = assertRefusedBy(
      await ada.putSession(reference, creation({ constants: system })),
      400,
      'requestInvalid',
    );

    assertIsText(answer);
    assert.ok(answer.detail?.startsWith(`$.constants.system.${path}`), answer.detail);
    assertStatus(await ada.getSession(reference), 204);
  });
}

// @source docs/wire/sessions.md "Constants"
for (const system of [
  { capabilities: { broadcast: true } },
  { capabilities: { arbitration: true } },
  { capabilities: { team: true, gameplay: true } },
  { ownershipPolicies: { migration: 'oldest' } },
  { metrics: { latency: true } },
  { peerToPeerRequirements: {} },
  { peerToHostRequirements: { latencyMaximum: 100 } },
]) {
  test(`constants that do not go together are refused: ${JSON.stringify(system)}`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const reference = kit.reference(blankTemplate);

    assertIsText(
      assertRefusedBy(
        await ada.putSession(reference, creation({ constants: system })),
        400,
        'requestInvalid',
      ),
    );
    assertStatus(await ada.getSession(reference), 204);
  });
}

// @source docs/wire/sessions.md "Constants"
test('a session with arbitration is created by a service that adds server "arbitration"', async () => {
  await using kit = await startKit();
  const reference = kit.reference(blankTemplate);
  const constants = {
    system: {
      sessionEmptyTimeout: anHourMs,
      capabilities: { arbitration: true, gameplay: true },
      arbitration: { forfeitTimeout: 1_000, arbitrationTimeout: 2_000 },
    },
  };
  const servers = { arbitration: { constants: { system: {} } } };

  assertRefusedBy(
    await kit.user('ada').putSession(reference, { constants, ...joinBody() }),
    403,
    'serviceRequired',
  );
  assertRefusedBy(await kit.service().putSession(reference, { constants }), 400, 'requestInvalid');

  const { json } = assertStatus(
    await kit.service().putSession(reference, { constants, servers }),
    201,
  );
  assert.deepEqual(at(json, 'constants.system.arbitration'), constants.system.arbitration);
});

// @source docs/wire/sessions.md "Constants"
test('what the template sets cannot be set otherwise; equal values pass', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = kit.reference('deathmatch');
  const put = (system: JsonObject) => ada.putSession(reference, creation({ constants: system }));

  for (const [path, system] of [
    ['maxMembersCount', { maxMembersCount: 8 }],
    ['visibility', { visibility: 'private' }],
    ['inactiveRemovalTimeout', { inactiveRemovalTimeout: 0 }],
    ['inactiveRemovalTimeout', { inactiveRemovalTimeout: null }],
    ['capabilities.gameplay', { capabilities: { gameplay: false } }],
  ] as const) {
    const answer = assertRefusedBy(await put(system), 409, 'constantsConflict');
    assertIsText(answer);
    assert.match(answer.detail ?? '', new RegExp(`constants\\.system\\.${path}$`));
    assertStatus(await ada.getSession(reference), 204);
  }
  const { json } = assertStatus(
    await put({ maxMembersCount: 16, capabilities: { gameplay: true, crossPlay: true } }),
    201,
  );
  assert.equal(at(json, 'constants.system.maxMembersCount'), 16);
  assert.equal(at(json, 'constants.system.capabilities.crossPlay'), true, 'left open');
  assert.equal(at(json, 'constants.system.capabilities.connectivity'), true, 'of the template');
});

// @source docs/wire/sessions.md "Constants"
test('a later write may repeat constants and not change them', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = kit.reference(blankTemplate);
  const constants = {
    system: {
      maxMembersCount: 8,
      capabilities: { connectivity: true },
      metrics: { latency: true },
    },
    custom: { map: 'atoll', rules: { rounds: 3 } },
  };
  const created = assertStatus(await ada.putSession(reference, { constants, ...joinBody() }), 201);

  for (const same of [
    constants,
    { system: { maxMembersCount: 8 } },
    { system: { visibility: 'open' } },
    { system: {}, custom: {} },
    { system: { capabilities: { connectivity: true, gameplay: false } } },
    { custom: { map: 'atoll' } },
    { custom: { rules: { rounds: 3 } } },
    created.json.constants,
  ]) {
    const answer = assertStatus(await ada.putSession(reference, { constants: same }), 200);
    assert.equal(answer.etag, created.etag);
  }
  for (const [path, other] of [
    ['system.maxMembersCount', { system: { maxMembersCount: 9 } }],
    ['system.version', { system: { version: 2 } }],
    ['system.initiators', { system: { initiators: [ada.xuid] } }],
    ['system.capabilities.crossPlay', { system: { capabilities: { crossPlay: true } } }],
    ['system.metrics.bandwidthUp', { system: { metrics: { bandwidthUp: true } } }],
    ['custom.map', { custom: { map: 'dunes' } }],
    ['custom.rules', { custom: { rules: { rounds: 5 } } }],
    ['custom.rules', { custom: { rules: { rounds: 3, timeLimit: 300 } } }],
    ['custom.mode', { custom: { mode: 'teams' } }],
  ] as const) {
    const answer = assertRefusedBy(
      await ada.putSession(reference, { constants: other }),
      409,
      'constantsConflict',
    );
    assertIsText(answer);
    assert.equal(answer.detail, `$.constants.${path}`);
  }
  assert.equal((await read(ada, reference)).etag, created.etag);
});

// @source docs/wire/clients.md "Multiplayer Manager"
test('the second user of a JoinGame may repeat the constants of the first', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = kit.reference(blankTemplate);
  const constants = { system: { version: 1, initiators: [ada.xuid, bob.xuid] } };

  assertStatus(await ada.putSession(reference, { constants, ...joinBody() }), 201);
  assertStatus(await bob.putSession(reference, { constants, ...joinBody() }), 200);
});

const ownTemplates = {
  serviceConfigs: [
    {
      scid: demoScid,
      titles: [{ titleId: 1234567890 }],
      sessionTemplates: {
        endless: {
          contractVersion: 107,
          constants: {
            system: { inactiveRemovalTimeout: null, readyRemovalTimeout: null },
            custom: { season: 3 },
          },
          properties: { system: { keywords: ['k'] }, custom: { map: 'atoll' } },
        },
        teams: {
          contractVersion: 107,
          constants: {},
          roleTypes: { team: { roles: { red: { max: 4, target: 2 }, blue: { max: 4 } } } },
        },
      },
    },
  ],
};

/** A kit whose server has `ownTemplates`. */
async function startKitWithOwnTemplates(): Promise<Kit> {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-templates-'));
  try {
    const config = join(folder, 'config.json');
    await writeFile(config, JSON.stringify(ownTemplates));
    return await startKit({ config });
  } finally {
    await rm(folder, { recursive: true });
  }
}

// @source docs/wire/sessions.md "Constants"
test('a null in the template cannot be overridden, nor can its custom constants', {
  skip: isAimed && needsOwnServer,
}, async () => {
  await using kit = await startKitWithOwnTemplates();
  const ada = kit.user('ada');
  const reference = kit.reference('endless');
  const put = (constants: JsonObject) => ada.putSession(reference, { constants, ...joinBody() });

  assertRefusedBy(await put({ system: { readyRemovalTimeout: 5 } }), 409, 'constantsConflict');
  assertRefusedBy(await put({ custom: { season: 4 } }), 409, 'constantsConflict');
  const { json } = assertStatus(
    await put({ system: { inactiveRemovalTimeout: null }, custom: { season: 3, week: 1 } }),
    201,
  );

  assert.equal(at(json, 'constants.system.inactiveRemovalTimeout'), undefined);
  assert.equal(at(json, 'constants.system.readyRemovalTimeout'), undefined);
  assert.deepEqual(at(json, 'constants.custom'), { season: 3, week: 1 });
  assert.deepEqual(at(json, 'properties.system.keywords'), ['k']);
  assert.deepEqual(at(json, 'properties.custom'), { map: 'atoll' });
});

// @source docs/wire/sessions.md "Owners"
test('role types of a template are answered, each role with its count and its members', {
  skip: isAimed && needsOwnServer,
}, async () => {
  await using kit = await startKitWithOwnTemplates();

  const { session } = await newSession(kit, kit.user('ada'), { templateName: 'teams' });

  assert.deepEqual(at(session, 'roleTypes.team.roles'), {
    red: { max: 4, target: 2, count: 0, memberXuids: [] },
    blue: { max: 4, count: 0, memberXuids: [] },
  });
});
