import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ada,
  bert,
  cleo,
  decide,
  leave,
  me,
  notRefused,
  referee,
  reserve,
  sampleReference,
  sampleTemplate,
  sampleUser,
  sessionOf,
  system,
  write,
} from '../../testing/samples.ts';
import { formatJson, parseExactJson, type JsonObject } from '../json.ts';
import { correlationIdOf } from './reference.ts';
import type { Session } from './session.ts';
import { formatSession, renderSession } from './document-text.ts';
import { viewMembers, viewMembersInfo, viewSession } from './view.ts';

const recorder = sampleUser(1, '2 Dev 708864413', {
  xuid: '2814646326226712',
  titleId: '174925616',
});

/** The lobby of the recorded client, as it asked for it. @source docs/wire/sessions.md "The document" */
function recordedLobby(): Session {
  const template = sampleTemplate({
    maxMembersCount: 8,
    visibility: 'open',
    inviteProtocol: 'game',
    capabilities: {
      connectivity: true,
      connectionRequiredForActiveMembers: true,
      crossPlay: true,
      userAuthorizationStyle: true,
    },
    reservedRemovalTimeout: 30_000,
    inactiveRemovalTimeout: 0,
    readyRemovalTimeout: 180_000,
    sessionEmptyTimeout: 0,
  });
  const join = {
    properties: {
      system: { joinRestriction: 'followed', readRestriction: 'followed' },
      custom: { Joinability: 'joinable_by_friends' },
    },
    members: {
      me: {
        constants: { system: { xuid: '2814646326226712', initialize: true } },
        properties: {
          system: {
            active: true,
            connection: '85b40569-0000-4000-8000-000000000001',
            secureDeviceAddress: 'QVFDREVG',
            subscription: {
              id: '81A3266D-0000-4000-8000-000000000001',
              changeTypes: ['everything'],
            },
          },
        },
      },
    },
  };
  return write(undefined, join, { template, by: recorder, contractVersion: 105 });
}

/** As recorded, the values ours. @source docs/wire/sessions.md "The document" */
const recorded = (host: string): JsonObject => ({
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
      timeouts: { reserved: 30000, inactive: 0, ready: 180000, sessionEmpty: 0 },
    },
    custom: {},
  },
  properties: {
    system: {
      joinRestriction: 'followed',
      readRestriction: 'followed',
      turn: [],
      host,
      matchmaking: {},
    },
    custom: { Joinability: 'joinable_by_friends' },
  },
  servers: {},
  members: {
    '0': {
      next: 1,
      joinTime: '2016-09-20T20:50:00.5180000Z',
      constants: { system: { xuid: '2814646326226712', index: 0 }, custom: {} },
      properties: {
        system: {
          secureDeviceAddress: 'QVFDREVG',
          subscription: { changeTypes: ['everything'], id: '81A3266D-0000-4000-8000-000000000001' },
          active: true,
          connection: '85b40569-0000-4000-8000-000000000001',
        },
        custom: {},
      },
      gamertag: '2 Dev 708864413',
      activeTitleId: '174925616',
      deviceToken: host,
    },
  },
  correlationId: correlationIdOf(sampleReference),
  contractVersion: 105,
  branch: '17a13f76-0000-4000-8000-000000000001',
  changeNumber: 2,
  startTime: '2016-09-20T20:50:00.5180000Z',
});

test('the members of a document are in the order of recorded ones', () => {
  const lobby = recordedLobby();
  const host = lobby.members[0]?.deviceToken ?? '';
  for (const document of [viewSession(lobby, 105), JSON.parse(formatSession(lobby, 107))]) {
    assert.deepEqual(Object.keys(document), Object.keys(recorded(host)));
  }
});

test('memberInitialization is shown as it was written, and its defaults hold', () => {
  const template = sampleTemplate({
    memberInitialization: { membersNeededToStart: 1, joinTimeout: null },
  });
  const joining = { members: { me: { constants: { system: { initialize: true } } } } };
  const session = write(undefined, joining, { template });
  const shown = { membersNeededToStart: 1 };
  for (const document of [viewSession(session, 107), JSON.parse(formatSession(session, 107))]) {
    assert.deepEqual(document.constants.system.memberInitialization, shown);
  }
  const older = viewSession(session, 105)['constants'] as unknown as Session['constants'];
  assert.deepEqual((older.system as unknown as JsonObject)['managedInitialization'], shown);
  assert.equal(session.constants.system.memberInitialization?.measurementTimeout, 30_000);
  // What was read may be sent back, and so may current values.
  for (const memberInitialization of [shown, { measurementTimeout: 30_000 }]) {
    const constants = { system: { memberInitialization } };
    assert.equal(notRefused(decide(session, { constants })).kind, 'unchanged');
  }
});

test('in contract 105 a document is as it was recorded', () => {
  const lobby = recordedLobby();
  const host = lobby.members[0]?.deviceToken ?? '';
  const hosted = write(lobby, system({ host }), { by: recorder });
  assert.deepEqual(viewSession(hosted, 105), recorded(host));
});

test('in contract 107 it differs in the names of timeouts, in matchmaking, and in its version', () => {
  const lobby = recordedLobby();
  const host = lobby.members[0]?.deviceToken ?? '';
  const hosted = write(lobby, system({ host }), { by: recorder });
  const older = recorded(host);
  const { timeouts, ...constants } = (older['constants'] as { system: JsonObject }).system;
  const properties = older['properties'] as { system: JsonObject; custom: JsonObject };
  const { matchmaking, ...propertiesSystem } = properties.system;
  assert.deepEqual(viewSession(hosted, 107), {
    ...older,
    contractVersion: 107,
    constants: {
      system: {
        ...constants,
        reservedRemovalTimeout: 30000,
        inactiveRemovalTimeout: 0,
        readyRemovalTimeout: 180000,
        sessionEmptyTimeout: 0,
      },
      custom: {},
    },
    properties: { ...properties, system: propertiesSystem },
  });
});

test('a matchmaking object that says something is shown in every version', () => {
  const session = write(sessionOf([ada]), system({ matchmaking: { serverConnectionString: 's' } }));
  for (const version of [104, 105, 107]) {
    const { properties } = viewSession(session, version) as { properties: { system: JsonObject } };
    assert.deepEqual(properties.system['matchmaking'], { serverConnectionString: 's' });
  }
});

test('members are a linked list over the gaps of those who left', () => {
  const joined = write(sessionOf([ada, bert, cleo]), reserve(sampleUser(4, 'Dora')));
  const session = write(joined, leave, { by: bert });
  const next = Object.entries(viewMembers(session)).map(([index, member]) => [
    index,
    (member as JsonObject)['next'],
  ]);
  assert.deepEqual(next, [
    ['0', 2],
    ['2', 3],
    ['3', 4],
  ]);
  assert.deepEqual(viewMembersInfo(session), {
    first: 0,
    next: 4,
    count: 3,
    accepted: 2,
    active: 2,
  });
});

test('without members both ends of the list are the next index', () => {
  const template = sampleTemplate({ sessionEmptyTimeout: 60_000 });
  const fresh = write(undefined, {}, { template });
  assert.deepEqual(viewSession(fresh, 107)['members'], {});
  assert.deepEqual(viewMembersInfo(fresh), { first: 0, next: 0, count: 0, accepted: 0, active: 0 });
  const left = write(write(fresh, me()), leave);
  assert.deepEqual(viewMembersInfo(left), { first: 1, next: 1, count: 0, accepted: 0, active: 0 });
});

const statuses: readonly (readonly [what: string, session: Session, shown: JsonObject])[] = [
  [
    'a reservation',
    write(undefined, reserve(ada), { by: referee }),
    { reserved: true, properties: { system: {}, custom: {} } },
  ],
  [
    'an inactive member',
    write(undefined, me({})),
    { gamertag: 'Ada', properties: { system: {}, custom: {} } },
  ],
  [
    'a ready member',
    write(undefined, me({ ready: true })),
    { gamertag: 'Ada', properties: { system: { ready: true }, custom: {} } },
  ],
  [
    'an active member',
    write(undefined, me({ active: true })),
    {
      gamertag: 'Ada',
      activeTitleId: ada.titleId ?? '',
      properties: { system: { active: true }, custom: {} },
    },
  ],
  [
    'an active member whose turn it is',
    write(sessionOf([ada]), system({ turn: [0] })),
    {
      gamertag: 'Ada',
      activeTitleId: ada.titleId ?? '',
      properties: { system: { active: true }, custom: {} },
      turn: true,
    },
  ],
  [
    'an active member of a token without title and gamertag',
    write(undefined, me(), { by: { kind: 'user', xuid: ada.xuid, sandbox: 'RETAIL' } }),
    { properties: { system: { active: true }, custom: {} } },
  ],
];

for (const [what, session, shown] of statuses) {
  test(`${what} shows what it has, and nothing that it has not`, () => {
    assert.deepEqual(viewMembers(session), {
      '0': {
        next: 1,
        joinTime: '2016-09-20T20:50:00.5180000Z',
        constants: { system: { xuid: ada.xuid, index: 0 }, custom: {} },
        ...shown,
      },
    });
  });
}

test('nextTimer is there exactly while a timeout is pending', () => {
  const session = sessionOf([ada]);
  assert.equal(viewSession(session, 107)['nextTimer'], undefined);
  const reserved = write(session, reserve(bert));
  assert.equal(viewSession(reserved, 107)['nextTimer'], '2016-09-20T20:50:30.5180000Z');
});

test('role types of the template are shown without members', () => {
  const roleTypes = { squad: { ownerManaged: true, roles: { leader: { max: 1 }, medic: {} } } };
  const session = write(undefined, me(), { template: sampleTemplate({}, { roleTypes }) });
  assert.deepEqual(viewSession(session, 107)['roleTypes'], {
    squad: {
      ownerManaged: true,
      roles: {
        leader: { max: 1, count: 0, memberXuids: [] },
        medic: { count: 0, memberXuids: [] },
      },
    },
  });
  assert.equal(Object.hasOwn(viewSession(sessionOf([ada]), 107), 'roleTypes'), false);
});

test('the text of a document has title data byte for byte', () => {
  const custom = '{"__proto__":{"id":12345678901234567890},"constructor":1.50,"n":null,"empty":{}}';
  const body = parseExactJson(
    `{"properties":{"custom":${custom}},"members":{"me":{"constants":{"custom":${custom}},"properties":{"system":{"active":true},"custom":${custom}}}}}`,
  ) as JsonObject;
  const text = renderSession(write(undefined, body), 107);
  // A null at the top of a custom property asks for removal; in constants it is data.
  const stored = custom.replace('"n":null,', '');
  assert.equal(text.split(stored).length - 1, 2);
  assert.ok(text.includes(`"custom":${custom}`));
});

test('the text is made once for each state and shape, and by the shape asked for', () => {
  const session = recordedLobby();
  for (const version of [104, 105, 107, 108]) {
    const text = renderSession(session, version);
    assert.equal(renderSession(session, version), text);
    const shape = Math.min(version, 107);
    assert.equal(text, formatJson(viewSession(session, shape)));
  }
});
