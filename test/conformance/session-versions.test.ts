/** One session in the shapes of contract versions 104, 105 and 107. @source docs/wire/sessions.md "The document", docs/wire/sessions.md "Contract versions" */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { formatSessionPath } from '../../src/domain/session/reference.ts';
import { at, joinBody, startKit } from '../../src/testing/kit.ts';
import { assertRefusedBy, assertStatus, timePattern } from './answers.ts';
import { anHourMs, assertIsText, blankTemplate, newSession } from './new-session.ts';

const secureDeviceAddress = 'QVFDQUZyK0JpTi92Z3c9PQ==';

// @source docs/wire/sessions.md "The document"
test('the recorded document of contract 105, member by member', async () => {
  await using kit = await startKit();
  const ada = kit.user('2 Dev 708864413', { tid: '174925616' });
  const me = (connection: string, id: string) => ({
    constants: { system: { xuid: ada.xuid, initialize: true } },
    properties: {
      system: {
        active: true,
        connection,
        secureDeviceAddress,
        subscription: { id, changeTypes: ['everything'] },
      },
    },
  });
  const earlier = await ada.putSession(
    kit.reference('LobbySession'),
    { members: { me: me(randomUUID(), randomUUID()) } },
    { contractVersion: 105 },
  );
  const deviceToken = String(at(earlier.json, 'members.0.deviceToken'));
  assert.match(deviceToken, /^[0-9a-f]{32}$/);
  const connection = randomUUID();
  const id = randomUUID().toUpperCase();

  const { json } = assertStatus(
    await ada.putSession(
      { ...kit.reference('LobbySession'), name: randomUUID().toUpperCase() },
      {
        members: { me: me(connection, id) },
        properties: {
          system: {
            joinRestriction: 'followed',
            readRestriction: 'followed',
            host: deviceToken,
          },
          custom: { Joinability: 'joinable_by_friends' },
        },
      },
      { contractVersion: 105 },
    ),
    201,
  );

  const { correlationId, branch, startTime } = json;
  assert.match(String(startTime), timePattern);
  assert.deepEqual(json, {
    membersInfo: { first: 0, next: 1, count: 1, accepted: 1, active: 1 },
    constants: {
      system: {
        version: 1,
        maxMembersCount: 8,
        visibility: 'open',
        inviteProtocol: 'game',
        capabilities: {
          connectivity: true,
          connectionRequiredForActiveMembers: true,
          crossPlay: true,
          userAuthorizationStyle: true,
        },
        timeouts: { reserved: 30_000, inactive: 0, ready: 180_000, sessionEmpty: 0 },
      },
      custom: {},
    },
    properties: {
      system: {
        joinRestriction: 'followed',
        readRestriction: 'followed',
        turn: [],
        host: deviceToken,
        matchmaking: {},
      },
      custom: { Joinability: 'joinable_by_friends' },
    },
    servers: {},
    members: {
      0: {
        next: 1,
        joinTime: startTime,
        constants: { system: { xuid: ada.xuid, index: 0 }, custom: {} },
        properties: {
          system: {
            secureDeviceAddress,
            subscription: { changeTypes: ['everything'], id },
            active: true,
            connection,
          },
          custom: {},
        },
        gamertag: '2 Dev 708864413',
        activeTitleId: '174925616',
        deviceToken,
      },
    },
    correlationId,
    contractVersion: 105,
    branch,
    changeNumber: 1,
    startTime,
  });
});

const timeouts107 = {
  reservedRemovalTimeout: 30_000,
  inactiveRemovalTimeout: 0,
  readyRemovalTimeout: 180_000,
  sessionEmptyTimeout: 0,
};

// @source docs/wire/sessions.md "Contract versions"
for (const contractVersion of [104, 105]) {
  // @source docs/wire/unknowns.md "contract versions 104 and 106"
  test(`contract ${contractVersion} nests the timeouts and always has matchmaking; 107 does neither`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const { reference, created } = await newSession(kit, ada);

    const old = assertStatus(await ada.getSession(reference, { contractVersion }), 200);
    const current = assertStatus(await ada.getSession(reference), 200);

    assert.equal(old.json.contractVersion, contractVersion);
    assert.deepEqual(at(old.json, 'constants.system.timeouts'), {
      reserved: 30_000,
      inactive: 0,
      ready: 180_000,
      sessionEmpty: 0,
    });
    for (const name of Object.keys(timeouts107)) {
      assert.equal(at(old.json, `constants.system.${name}`), undefined, name);
    }
    assert.deepEqual(at(old.json, 'properties.system.matchmaking'), {});

    assert.equal(current.json.contractVersion, 107);
    for (const [name, value] of Object.entries(timeouts107)) {
      assert.equal(at(current.json, `constants.system.${name}`), value, name);
    }
    assert.equal(at(current.json, 'constants.system.timeouts'), undefined);
    assert.equal(at(current.json, 'properties.system.matchmaking'), undefined);

    assert.equal(old.etag, created.etag, 'the ETag is of the state, not of the shape');
    const body = { properties: { custom: { map: 'atoll' } } };
    assertStatus(
      await ada.putSession(reference, body, { contractVersion, ifMatch: created.etag }),
      200,
    );
  });
}

// @source docs/wire/sessions.md "Constants"
test('a timeout that never runs out is absent in each version', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada, {
    constants: { reservedRemovalTimeout: null, readyRemovalTimeout: null },
  });

  const { json } = assertStatus(await ada.getSession(reference, { contractVersion: 105 }), 200);

  assert.deepEqual(at(json, 'constants.system.timeouts'), { inactive: 0, sessionEmpty: 0 });
});

// @source docs/wire/sessions.md "Contract versions"
test('a client of contract 105 writes timeouts in its own shape', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = kit.reference(blankTemplate);
  const timeouts = { reserved: 1_000, inactive: anHourMs, ready: 2_000, sessionEmpty: 3_000 };

  assertStatus(
    await ada.putSession(
      reference,
      { constants: { system: { timeouts } }, ...joinBody() },
      { contractVersion: 105 },
    ),
    201,
  );

  const { json } = assertStatus(await ada.getSession(reference), 200);
  assert.deepEqual(
    Object.fromEntries(
      Object.keys(timeouts107).map((name) => [name, at(json, `constants.system.${name}`)]),
    ),
    {
      reservedRemovalTimeout: 1_000,
      inactiveRemovalTimeout: anHourMs,
      readyRemovalTimeout: 2_000,
      sessionEmptyTimeout: 3_000,
    },
  );
  const back = assertStatus(await ada.getSession(reference, { contractVersion: 105 }), 200);
  assert.deepEqual(at(back.json, 'constants.system.timeouts'), timeouts);
});

// @source docs/wire/sessions.md "Merge"
for (const contractVersion of [104, 105, 107]) {
  test(`constants as received in contract ${contractVersion} may be repeated`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const { reference } = await newSession(kit, ada, { templateName: 'LobbySession' });
    const received = await ada.getSession(reference, { contractVersion });

    const answer = assertStatus(
      await ada.putSession(reference, { constants: received.json.constants }, { contractVersion }),
      200,
    );

    assert.equal(answer.etag, received.etag);
  });
}

// @source docs/wire/service-configs.md "Service configs and session templates"
test('a session of a template of contract 105 is answered in both shapes', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference, session } = await newSession(kit, ada, { templateName: 'legacy105' });

  assert.equal(at(session, 'constants.system.reservedRemovalTimeout'), 30_000);
  assert.equal(at(session, 'constants.system.readyRemovalTimeout'), 180_000);
  assert.equal(at(session, 'constants.system.timeouts'), undefined);
  const old = assertStatus(await ada.getSession(reference, { contractVersion: 105 }), 200);
  assert.equal(at(old.json, 'constants.system.timeouts.reserved'), 30_000);
});

// @source docs/wire/sessions.md "Members"
test('the subscriptions of contract 105 are accepted', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);
  const subscriptions = { everything: { profile: 'everything' } };

  assertStatus(
    await ada.putSession(
      reference,
      { members: { me: { properties: { system: { subscriptions } } } } },
      { contractVersion: 105 },
    ),
    200,
  );
});

// @source docs/wire/README.md "Every request"
test('a version above 107 counts as 107', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference, created } = await newSession(kit, ada);

  const answer = assertStatus(await ada.getSession(reference, { contractVersion: 9_999 }), 200);

  assert.equal(answer.text, created.text);
});

// @source docs/wire/README.md "Every request"
for (const version of [undefined, '', '103', '1', '0', '-105', '10x', '105.5', 'latest']) {
  test(`contract version ${JSON.stringify(version)} answers 400`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const { reference } = await newSession(kit, ada);

    const answer = assertRefusedBy(
      await kit.request('GET', formatSessionPath(reference), {
        headers: {
          authorization: ada.authorization,
          ...(version !== undefined && { 'x-xbl-contract-version': version }),
        },
      }),
      400,
      'contractVersionMissing',
    );

    assertIsText(answer);
  });
}
