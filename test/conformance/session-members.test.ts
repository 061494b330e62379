/** What members write of themselves. @source docs/wire/sessions.md "Members", docs/wire/clients.md "What clients need" */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import { at, demoTitleId, joinBody, startKit } from '../../src/testing/kit.ts';
import {
  anHourMs,
  assertIsText,
  blankTemplate,
  newSession,
  ofMember,
  read,
} from './new-session.ts';
import { assertRefusedBy, assertStatus } from './answers.ts';

/** The body that writes these system properties of the caller. */
const mySystem = (system: JsonObject) => ({ members: { me: { properties: { system } } } });

const patient = { inactiveRemovalTimeout: anHourMs };
const secureDeviceAddress = 'QUFBQUFBQUExMjM0NTY3ODkwMTIzNDU2Nzg5MA==';

// @source docs/wire/clients.md "What clients need"
for (const [what, me, status] of [
  ['with nothing', {}, 'inactive'],
  ['with constants only', { constants: { system: { xuid: '1' } } }, 'inactive'],
  ['as active', { properties: { system: { active: true } } }, 'active'],
  ['as ready', { properties: { system: { ready: true } } }, 'ready'],
  ['as inactive', { properties: { system: { active: false, ready: false } } }, 'inactive'],
] as const) {
  test(`W10 a user joins ${what} and is ${status}`, async () => {
    await using kit = await startKit();
    const [ada, bob] = kit.users('ada', 'bob');
    const { reference } = await newSession(kit, ada, { constants: patient });

    const { json } = assertStatus(await bob.putSession(reference, { members: { me } }), 200);

    const { active, ready } = ofMember(json, bob, 'properties.system') as JsonObject;
    assert.equal(active ?? false, status === 'active');
    assert.equal(ready ?? false, status === 'ready');
    assert.equal(ofMember(json, bob, 'reserved'), undefined);
    assert.equal(at(json, 'membersInfo.accepted'), 2);
    assert.equal(at(json, 'membersInfo.active'), status === 'active' ? 2 : 1);
    assert.equal(
      ofMember(json, bob, 'activeTitleId'),
      status === 'active' ? demoTitleId : undefined,
    );
  });
}

// @source docs/wire/clients.md "What clients need", docs/wire/sessions.md "Merge"
for (const custom of ['a string', 7, true, [1, null, 'x'], { team: 'red', none: null }]) {
  test(`W10 custom constants of a member are kept as written: ${JSON.stringify(custom)}`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');

    const { session } = await newSession(kit, ada, { me: { constants: { custom } } });

    assert.deepEqual(ofMember(session, ada, 'constants.custom'), custom);
  });
}

// @source docs/wire/clients.md "What clients need"
test('W11 active false and ready false make the member inactive', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada, { constants: patient });

  const { json } = assertStatus(
    await ada.putSession(reference, mySystem({ active: false, ready: false })),
    200,
  );

  assert.equal(at(json, 'membersInfo.active'), 0);
  assert.equal(at(json, 'membersInfo.accepted'), 1);
  assert.equal(ofMember(json, ada, 'activeTitleId'), undefined);
  const back = assertStatus(await ada.putSession(reference, mySystem({ active: true })), 200);
  assert.equal(at(back.json, 'membersInfo.active'), 1);
});

// @source docs/wire/sessions.md "Members"
test('a member is not active and ready at once', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference, created } = await newSession(kit, ada);

  assertIsText(
    assertRefusedBy(
      await ada.putSession(reference, mySystem({ active: true, ready: true })),
      400,
      'requestInvalid',
    ),
  );
  assert.equal((await read(ada, reference)).etag, created.etag);
});

// @source docs/wire/sessions.md "Members"
// @source docs/wire/unknowns.md "active needs a connection"
test('with connectionRequiredForActiveMembers an active member has a connection', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = kit.reference(blankTemplate);
  const constants = {
    system: { ...patient, capabilities: { connectionRequiredForActiveMembers: true } },
  };
  const connection = randomUUID();

  assertIsText(
    assertRefusedBy(
      await ada.putSession(reference, { constants, ...mySystem({ active: true }) }),
      400,
      'connectionRequired',
    ),
  );
  assertStatus(await ada.putSession(reference, { constants, members: { me: {} } }), 201);
  assertRefusedBy(
    await ada.putSession(reference, mySystem({ active: true })),
    400,
    'connectionRequired',
  );
  assertStatus(await ada.putSession(reference, mySystem({ active: true, connection })), 200);
  // it is the member after the merge that counts
  assertStatus(await ada.putSession(reference, mySystem({ active: true })), 200);
  assertRefusedBy(
    await ada.putSession(reference, mySystem({ connection: null })),
    400,
    'connectionRequired',
  );
});

// @source docs/wire/sessions.md "Members"
// @source docs/wire/unknowns.md "active needs a connection"
test('any GUID is a connection, and is kept in the case of its writer', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);

  for (const connection of [
    '00000000-0000-0000-0000-000000000000',
    randomUUID().toUpperCase(),
    randomUUID(),
  ]) {
    const { json } = assertStatus(await ada.putSession(reference, mySystem({ connection })), 200);
    assert.equal(ofMember(json, ada, 'properties.system.connection'), connection);
  }
  assertRefusedBy(
    await ada.putSession(reference, mySystem({ connection: 'no-guid' })),
    400,
    'requestInvalid',
  );
});

// @source docs/wire/clients.md "What clients need", docs/wire/sessions.md "Members"
for (const [name, value, answered] of [
  ['secureDeviceAddress', secureDeviceAddress, secureDeviceAddress],
  ['secureDeviceAddress', '', undefined],
  ['groups', ['red', 'blue'], ['red', 'blue']],
  ['encounters', ['2814639011617876'], undefined],
  ['initializationGroup', [0], [0]],
  [
    'measurements',
    {
      '0f795505a7f6cd8e76d89dc49c4ce278': {
        latency: 90,
        bandwidthDown: 20_000,
        bandwidthUp: 10_000,
        custom: { loss: 0.5 },
      },
    },
    {
      '0f795505a7f6cd8e76d89dc49c4ce278': {
        latency: 90,
        bandwidthDown: 20_000,
        bandwidthUp: 10_000,
        custom: { loss: 0.5 },
      },
    },
  ],
  ['serverMeasurements', { 'west us': { latency: 52 } }, { 'west us': { latency: 52 } }],
  ['rolePreference', { lfg: 'confirmed' }, { lfg: 'confirmed' }],
] as const) {
  test(`W16 a member writes ${name} ${JSON.stringify(value).slice(0, 20)}`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const { reference } = await newSession(kit, ada, {
      constants: { capabilities: { connectivity: true } },
    });

    const { json } = assertStatus(
      await ada.putSession(reference, mySystem({ [name]: value })),
      200,
    );
    assert.deepEqual(ofMember(json, ada, `properties.system.${name}`), answered);

    const without = assertStatus(await ada.putSession(reference, mySystem({ [name]: null })), 200);
    assert.equal(ofMember(without.json, ada, `properties.system.${name}`), undefined);
  });
}

// @source docs/wire/sessions.md "Members"
test('W16 measurements are replaced whole', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada, {
    constants: { capabilities: { connectivity: true } },
  });
  const measurements = (token: string) => mySystem({ measurements: { [token]: { latency: 10 } } });
  assertStatus(await ada.putSession(reference, measurements('a'.repeat(32))), 200);

  const { json } = assertStatus(await ada.putSession(reference, measurements('b'.repeat(32))), 200);

  assert.deepEqual(ofMember(json, ada, 'properties.system.measurements'), {
    ['b'.repeat(32)]: { latency: 10 },
  });
});

// @source docs/wire/sessions.md "Members"
test('W16 a member does not measure itself', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference, session } = await newSession(kit, ada, {
    constants: { capabilities: { connectivity: true } },
    me: { properties: { system: { active: true, secureDeviceAddress } } },
  });
  const own = String(ofMember(session, ada, 'deviceToken'));

  const answer = assertRefusedBy(
    await ada.putSession(reference, mySystem({ measurements: { [own]: { latency: 1 } } })),
    400,
    'requestInvalid',
  );

  assert.equal(answer.detail, '$.members.me.properties.system.measurements');
});

// @source docs/wire/sessions.md "Members"
test('W16 a secure device address is base64 and needs connectivity; an empty one needs nothing', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const connected = await newSession(kit, ada, {
    constants: { capabilities: { connectivity: true } },
  });
  const apart = await newSession(kit, ada);

  for (const wrong of ['not base64!', 'QUFB====', 'QUF', 'QU FB']) {
    assertRefusedBy(
      await ada.putSession(connected.reference, mySystem({ secureDeviceAddress: wrong })),
      400,
      'requestInvalid',
    );
  }
  assertRefusedBy(
    await ada.putSession(apart.reference, mySystem({ secureDeviceAddress })),
    400,
    'requestInvalid',
  );
  const { json } = assertStatus(
    await ada.putSession(apart.reference, mySystem({ secureDeviceAddress: '' })),
    200,
  );
  assert.equal(ofMember(json, ada, 'properties.system.secureDeviceAddress'), undefined);
  assert.equal(ofMember(json, ada, 'deviceToken'), undefined);
});

// @source docs/wire/clients.md "What clients need", docs/wire/sessions.md "Members"
test('W18 constants that a member repeats are ignored', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference, created } = await newSession(kit, ada, {
    me: { constants: { custom: { team: 'red' } } },
  });

  for (const constants of [
    { system: { xuid: ada.xuid, initialize: true } },
    { system: { xuid: '1' }, custom: { team: 'blue' } },
    { custom: 'text' },
  ]) {
    const body = { members: { me: { constants } } };
    const answer = assertStatus(await ada.putSession(reference, body), 200);
    assert.equal(answer.etag, created.etag);
    assert.equal(answer.text, created.text);
  }
});

// @source docs/wire/sessions.md "Members", docs/wire/sessions.md "The document"
test('initialize is not answered where nothing is initialized', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');

  const { session } = await newSession(kit, ada, {
    me: { constants: { system: { xuid: ada.xuid, initialize: true } } },
  });

  assert.deepEqual(ofMember(session, ada, 'constants.system'), { xuid: ada.xuid, index: 0 });
});

// @source docs/wire/sessions.md "Members"
test('a member may write itself by its index', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada);
  assertStatus(await bob.join(reference), 200);

  const written = assertStatus(
    await bob.putSession(reference, { members: { 1: { properties: { custom: { score: 7 } } } } }),
    200,
  );
  assert.equal(ofMember(written.json, bob, 'properties.custom.score'), 7);
  const left = assertStatus(await bob.putSession(reference, { members: { 1: null } }), 200);
  assert.equal(at(left.json, 'membersInfo.count'), 1);
});

// @source docs/wire/clients.md "What clients need", docs/wire/sessions.md "Members"
test('W21 a new subscription id is taken with each write, and kept in the case of its writer', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);

  for (const id of [randomUUID(), randomUUID().toUpperCase(), randomUUID()]) {
    const subscription = { id, changeTypes: ['everything'] };
    const { json } = assertStatus(await ada.putSession(reference, mySystem({ subscription })), 200);
    assert.deepEqual(ofMember(json, ada, 'properties.system.subscription'), subscription);
  }
});

// @source docs/wire/rta.md "Taps"
test('W21 a subscription may name every change type there is', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);
  const changeTypes = [
    'host',
    'initialization',
    'matchmakingStatus',
    'membersList',
    'membersStatus',
    'joinability',
    'customProperty',
    'membersCustomProperty',
    'roles',
    'scheduledtime',
    'cloudCompute',
    'membersOnly',
  ];
  const subscription = { id: randomUUID(), changeTypes };

  const { json } = assertStatus(await ada.putSession(reference, mySystem({ subscription })), 200);

  assert.deepEqual(ofMember(json, ada, 'properties.system.subscription'), subscription);
  const wrong = { id: randomUUID(), changeTypes: ['weather'] };
  assertRefusedBy(
    await ada.putSession(reference, mySystem({ subscription: wrong })),
    400,
    'requestInvalid',
  );
});

// @source docs/wire/sessions.md "Members"
test('W21 a subscription without change types is accepted', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);
  const subscription = { id: randomUUID(), changeTypes: [] };

  assertStatus(await ada.putSession(reference, mySystem({ subscription })), 200);
});

// @source docs/wire/sessions.md "Members"
test('a subscription that names no change types is kept as it is', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);
  const subscription = { id: randomUUID() };

  assertStatus(await ada.putSession(reference, mySystem({ subscription })), 200);

  const { json } = await read(ada, reference);
  assert.deepEqual(ofMember(json, ada, 'properties.system.subscription'), subscription);
});

// @source docs/wire/sessions.md "Members", docs/wire/unknowns.md "secondary subscriptions"
test('secondary subscriptions are kept, and replaced as a whole', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);
  const one = () => ({ changeTypes: ['membersList'], rta: { connection: randomUUID() } });

  for (const secondarySubscriptions of [
    { [randomUUID()]: one(), [randomUUID()]: one() },
    { [randomUUID()]: { changeTypes: ['roles'] } },
  ]) {
    assertStatus(await ada.putSession(reference, mySystem({ secondarySubscriptions })), 200);
    const { json } = await read(ada, reference);
    assert.deepEqual(
      ofMember(json, ada, 'properties.system.secondarySubscriptions'),
      secondarySubscriptions,
    );
  }
  const removed = await ada.putSession(reference, mySystem({ secondarySubscriptions: null }));
  assert.equal(ofMember(removed.json, ada, 'properties.system.secondarySubscriptions'), undefined);
});

// @source docs/wire/sessions.md "Members", docs/wire/unknowns.md "membersOnly"
test('a party client names its own member by me_ and its xuid, and no other', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada);
  const byXuid = (xuid: string, me: JsonObject | null): JsonObject => ({
    membersOnly: true,
    members: { [`me_${xuid}`]: me },
  });
  const joining = { properties: { system: { active: true }, custom: { mic: true } } };

  const joined = assertStatus(await bob.putSession(reference, byXuid(bob.xuid, joining)), 200);
  assert.equal(ofMember(joined.json, bob, 'properties.custom.mic'), true);
  assertRefusedBy(
    await bob.putSession(reference, byXuid(ada.xuid, { properties: { custom: { mic: false } } })),
    403,
    'memberNotYours',
  );
  assertRefusedBy(await bob.putSession(reference, byXuid(ada.xuid, null)), 403, 'memberNotYours');
  const left = assertStatus(await bob.putSession(reference, byXuid(bob.xuid, null)), 200);
  assert.equal(at(left.json, 'membersInfo.count'), 1);
});

// @source docs/wire/clients.md "What clients need", docs/wire/sessions.md "Members"
// @source docs/wire/unknowns.md "device tokens"
test('W22 a secure device address yields a device token that stays the same', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference, session } = await newSession(kit, ada, {
    constants: { capabilities: { connectivity: true } },
    me: { properties: { system: { active: true, secureDeviceAddress } } },
  });
  const token = ofMember(session, ada, 'deviceToken');
  assert.match(String(token), /^[0-9a-f]{32}$/);
  assert.equal(
    ofMember(session, ada, 'properties.system.secureDeviceAddress'),
    secureDeviceAddress,
  );

  const other = mySystem({ secureDeviceAddress: 'MS4xLjEuMQ==' });
  const changed = assertStatus(await ada.putSession(reference, other), 200);
  assert.notEqual(ofMember(changed.json, ada, 'deviceToken'), token);
  const back = assertStatus(
    await ada.putSession(reference, mySystem({ secureDeviceAddress })),
    200,
  );
  assert.equal(ofMember(back.json, ada, 'deviceToken'), token);

  // the same address is the same device, no matter who writes it
  const joined = assertStatus(
    await bob.join(reference, { properties: { system: { active: true, secureDeviceAddress } } }),
    200,
  );
  assert.equal(ofMember(joined.json, bob, 'deviceToken'), token);
  const without = assertStatus(
    await ada.putSession(reference, mySystem({ secureDeviceAddress: '' })),
    200,
  );
  assert.equal(ofMember(without.json, ada, 'deviceToken'), undefined);
});

// @source docs/wire/clients.md "What clients need", docs/wire/sessions.md "properties.system"
test('W22 host takes the device token of a member; an unknown one drops the field', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference, session } = await newSession(kit, ada, {
    constants: { capabilities: { connectivity: true } },
    me: { properties: { system: { active: true, secureDeviceAddress } } },
  });
  const token = String(ofMember(session, ada, 'deviceToken'));
  const setHost = async (host: string | null) =>
    assertStatus(await ada.putSession(reference, { properties: { system: { host } } }), 200);

  assert.equal(at((await setHost(token)).json, 'properties.system.host'), token);
  assert.equal(at((await setHost('0'.repeat(32))).json, 'properties.system.host'), undefined);
  assert.equal(at((await setHost(token)).json, 'properties.system.host'), token);
  assert.equal(at((await setHost(null)).json, 'properties.system.host'), undefined);
  assert.equal(at((await setHost('')).json, 'properties.system.host'), undefined);
});

// @source docs/wire/sessions.md "properties.system", docs/wire/sessions.md "Members"
test('a member whose turn it is shows it', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada);
  assertStatus(await bob.join(reference), 200);

  const { json } = assertStatus(
    await ada.putSession(reference, { properties: { system: { turn: [1] } } }),
    200,
  );

  assert.equal(ofMember(json, ada, 'turn') ?? false, false);
  assert.equal(ofMember(json, bob, 'turn'), true);
});

// @source docs/wire/sessions.md "Members"
test('an active member shows the title of its token', async () => {
  await using kit = await startKit();
  const [ada, bob] = [kit.user('ada'), kit.user('bob', { tid: '896928775' })];
  const { reference } = await newSession(kit, ada);

  const { json } = assertStatus(await bob.join(reference), 200);

  assert.equal(ofMember(json, ada, 'activeTitleId'), demoTitleId);
  assert.equal(ofMember(json, bob, 'activeTitleId'), '896928775');
});

// @source docs/wire/sessions.md "Merge"
test('custom properties of a member merge key by key, a system property is replaced whole', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada, {
    me: { properties: { system: { active: true, groups: ['a', 'b'] }, custom: { x: 1, y: 2 } } },
  });

  const { json } = assertStatus(
    await ada.putSession(reference, {
      members: { me: { properties: { system: { groups: ['c'] }, custom: { y: { z: 3 } } } } },
    }),
    200,
  );

  assert.deepEqual(ofMember(json, ada, 'properties.system.groups'), ['c']);
  assert.equal(ofMember(json, ada, 'properties.system.active'), true);
  assert.deepEqual(ofMember(json, ada, 'properties.custom'), { x: 1, y: { z: 3 } });
});

// @source docs/wire/sessions.md "Members"
test('a member whose token names no gamertag has none', async () => {
  await using kit = await startKit();
  const reference = kit.reference();
  const path = `/serviceconfigs/${reference.scid}/sessionTemplates/${reference.templateName}/sessions/${reference.name}`;

  const { json } = assertStatus(
    await kit.request('PUT', path, {
      headers: {
        authorization: `XBL3.0 x=-;xuid=${kit.user('ada').xuid}`,
        'x-xbl-contract-version': '107',
      },
      body: joinBody(),
    }),
    201,
  );

  assert.equal(ofMember(json, kit.user('ada'), 'gamertag'), undefined);
  assert.equal(ofMember(json, kit.user('ada'), 'activeTitleId'), undefined);
});
