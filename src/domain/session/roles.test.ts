import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import {
  ada,
  asRefusal,
  bert,
  cleo,
  dora,
  leave,
  me,
  notRefused,
  referee,
  refuse,
  reserve,
  sampleTemplate,
  sessionOf,
  write,
} from '../../testing/samples.ts';
import { parseRequestJson, type JsonObject } from '../json.ts';
import { memberOf, type Session, type RoleTypes } from './session.ts';
import { memberRolesShape, parseRoleTypesRequest, viewRoleTypes } from './roles.ts';
import { sessionShownBy } from './refusal-with-session.ts';

const roleTypes: RoleTypes = {
  squad: {
    mutableRoleSettings: ['max'],
    roles: { leader: { max: 1 }, medic: { max: 2, target: 1 }, constructor: {} },
  },
  rank: { ownerManaged: true, roles: { chief: {}, private: {} } },
};
const template = sampleTemplate({ capabilities: { hasOwners: true } }, { roleTypes });

const myRoles = (roles: JsonObject): JsonObject => ({ members: { me: { roles } } });
const rolesOf = (index: number, roles: JsonObject): JsonObject => ({
  members: { [index]: { roles } },
});
const settings = (roles: JsonObject): JsonObject => ({ roleTypes: { squad: { roles } } });

/** Ada owns it, Bert and Cleo are in it. */
const session = sessionOf([ada, bert, cleo], { template });

const held = (session: Session, index: number) =>
  session.members.find((member) => member.index === index)?.roles;

test('a member takes a role of each type at most, and gives it up by null', () => {
  const leader = write(session, myRoles({ squad: 'leader' }), { by: bert });
  assert.deepEqual(held(leader, 1), { squad: 'leader' });
  const medic = write(leader, myRoles({ squad: 'medic' }), { by: bert });
  assert.deepEqual(held(medic, 1), { squad: 'medic' });
  const none = write(medic, myRoles({ squad: null }), { by: bert });
  assert.equal(held(none, 1), undefined);
  assert.equal(write(none, myRoles({ squad: null }), { by: bert }), none);
});

test('roles of other types stay as they are', () => {
  const chief = write(session, rolesOf(1, { rank: 'chief' }));
  const both = write(chief, myRoles({ squad: 'leader' }), { by: bert });
  assert.deepEqual(held(both, 1), { rank: 'chief', squad: 'leader' });
  assert.deepEqual(held(write(both, me({ ready: true }), { by: bert }), 1), held(both, 1));
});

test('a role may be taken with the write that joins', () => {
  const joined = write(session, { members: { me: { roles: { squad: 'medic' } } } }, { by: dora });
  assert.deepEqual(memberOf(joined, dora.xuid)?.roles, { squad: 'medic' });
});

test('a full role is refused to the next one, and the write changes nothing', () => {
  const full = write(session, myRoles({ squad: 'leader' }), { by: bert });
  const refusal = refuse(full, myRoles({ squad: 'leader' }), { by: cleo });
  assert.equal(refusal.code, 'roleFull');
  assert.equal(refusal.detail, 'squad.leader max 1');
  assert.equal(
    refuse(full, { members: { me: { roles: { squad: 'leader' } } } }, { by: dora }).code,
    'roleFull',
  );
  assert.deepEqual(held(write(full, myRoles({ squad: 'leader' }), { by: bert }), 1), {
    squad: 'leader',
  });
});

test('a role is free again when its member leaves, is removed, or gives it up', () => {
  const full = write(session, myRoles({ squad: 'leader' }), { by: bert });
  for (const [body, by] of [
    [leave, bert],
    [{ members: { 1: null } }, ada],
    [{ members: { 1: null } }, referee],
    [myRoles({ squad: null }), bert],
  ] as const) {
    const free = write(full, body, { by });
    assert.deepEqual(held(write(free, myRoles({ squad: 'leader' }), { by: cleo }), 2), {
      squad: 'leader',
    });
  }
});

test('two members change places in full roles within one write of the owner', () => {
  const first = write(session, rolesOf(0, { squad: 'leader' }));
  const one = write(first, settings({ medic: { max: 1 } }));
  const full = write(one, myRoles({ squad: 'medic' }), { by: bert });
  const swapped = write(full, {
    members: { me: { roles: { squad: 'medic' } }, 1: { roles: { squad: 'leader' } } },
  });
  assert.deepEqual([held(swapped, 0), held(swapped, 1)], [{ squad: 'medic' }, { squad: 'leader' }]);
});

test('what owners manage they assign: to others and to themselves', () => {
  assert.deepEqual(held(write(session, rolesOf(1, { rank: 'private' })), 1), { rank: 'private' });
  assert.deepEqual(held(write(session, myRoles({ rank: 'chief' })), 0), { rank: 'chief' });
  assert.deepEqual(held(write(session, rolesOf(1, { rank: 'chief' }), { by: referee }), 1), {
    rank: 'chief',
  });
  assert.equal(refuse(session, myRoles({ rank: 'chief' }), { by: bert }).code, 'ownerRequired');
  const chief = write(session, rolesOf(1, { rank: 'chief' }));
  assert.equal(refuse(chief, myRoles({ rank: null }), { by: bert }).code, 'ownerRequired');
  assert.equal(write(chief, myRoles({ rank: 'chief' }), { by: bert }), chief);
});

test('the creator, who becomes the owner, may take a managed role at once', () => {
  const created = write(undefined, myRoles({ rank: 'chief' }), { template });
  assert.deepEqual(held(created, 0), { rank: 'chief' });
});

test('only an owner or a service assigns the roles of others', () => {
  const refusal = refuse(session, rolesOf(0, { squad: 'medic' }), { by: bert });
  assert.equal(refusal.code, 'ownerRequired');
  assert.equal(sessionShownBy(refusal), session);
  const unowned = sessionOf([ada, bert], { template: sampleTemplate({}, { roleTypes: {} }) });
  assert.equal(refuse(unowned, rolesOf(1, { squad: 'medic' })).code, 'memberNotYours');
  assert.equal(
    refuse(session, { members: { 1: { roles: { squad: 'medic' }, properties: {} } } }).code,
    'memberNotYours',
  );
});

test('a reservation may be given a role, holds its place, and keeps it when it is taken', () => {
  const reserved = write(session, reserve(dora));
  const cast = write(reserved, rolesOf(3, { squad: 'leader' }));
  assert.equal(refuse(cast, myRoles({ squad: 'leader' }), { by: bert }).code, 'roleFull');
  assert.deepEqual(held(write(cast, me(), { by: dora }), 3), { squad: 'leader' });
  assert.deepEqual(held(write(cast, myRoles({ squad: 'medic' }), { by: dora }), 3), {
    squad: 'medic',
  });
});

/** What does not fit the role types of the session, or itself. */
const strange: readonly (readonly [body: JsonObject, detail: string])[] = [
  [myRoles({ clan: 'x' }), '$.members.me.roles.clan'],
  [myRoles({ clan: null }), '$.members.me.roles.clan'],
  [myRoles({ squad: 'cook' }), '$.members.me.roles.squad'],
  [myRoles({ squad: 'Leader' }), '$.members.me.roles.squad'],
  [myRoles({ squad: 'toString' }), '$.members.me.roles.squad'],
  [myRoles({ constructor: 'x' }), '$.members.me.roles.constructor'],
  [myRoles({ squad: 1 }), '$.members.me.roles.squad'],
  [rolesOf(7, { squad: 'medic' }), '$.members.7'],
  [{ roleTypes: { clan: {} } }, '$.roleTypes.clan'],
  [{ roleTypes: { Squad: {} } }, '$.roleTypes.Squad'],
  [{ roleTypes: { squad: { rolls: {} } } }, '$.roleTypes.squad.rolls'],
  [settings({ cook: { max: 1 } }), '$.roleTypes.squad.roles.cook'],
  [settings({ 'co ok': { max: 1 } }), '$.roleTypes.squad.roles["co ok"]'],
  [settings({ medic: { max: 0 } }), '$.roleTypes.squad.roles.medic.max'],
  [settings({ medic: { max: 1.5 } }), '$.roleTypes.squad.roles.medic.max'],
];

for (const [body, detail] of strange) {
  test(`${JSON.stringify(body)} is refused at ${detail}`, () => {
    const refusal = refuse(session, body);
    assert.equal(refusal.code, 'requestInvalid');
    assert.equal(refusal.detail, detail);
  });
}

test('owners change what the type lists as mutable, and nothing else', () => {
  const changed = write(session, settings({ medic: { max: 5 } }));
  assert.deepEqual(changed.roleTypes?.['squad']?.roles['medic'], { max: 5, target: 1 });
  assert.equal(changed.changeNumber, session.changeNumber + 1);
  assert.deepEqual(write(session, settings({ medic: { max: null } })).roleTypes?.['squad']?.roles, {
    ...roleTypes['squad']?.roles,
    medic: { target: 1 },
  });
  for (const body of [
    settings({ medic: { target: 2 } }),
    { roleTypes: { squad: { ownerManaged: true } } },
    { roleTypes: { squad: { mutableRoleSettings: ['max', 'target'] } } },
    { roleTypes: { rank: { roles: { chief: { max: 3 } } } } },
  ]) {
    assert.equal(refuse(session, body).code, 'roleSettingsFixed');
    assert.equal(refuse(session, body, { by: bert }).code, 'ownerRequired');
  }
  assert.equal(
    refuse(session, settings({ medic: { max: 5 } }), { by: bert }).code,
    'ownerRequired',
  );
  assert.equal(write(session, settings({ medic: { max: 5 } }), { by: referee }).changeNumber, 4);
});

test('settings that hold already may be sent by anybody, and so may the document', () => {
  const document = viewRoleTypes(session) ?? {};
  assert.equal(write(session, { roleTypes: document }, { by: bert }), session);
  assert.equal(write(session, settings({ medic: { max: 2, target: 1 } }), { by: bert }), session);
  assert.equal(write(session, { roleTypes: {} }, { by: bert }), session);
});

test('max is never below the members of a role, and target never above max', () => {
  const [one, two] = [bert, cleo].map((by) => ({ by }));
  const full = write(
    write(session, myRoles({ squad: 'medic' }), one),
    myRoles({ squad: 'medic' }),
    two,
  );
  assert.equal(refuse(full, settings({ medic: { max: 1 } })).code, 'roleFull');
  const open = sampleTemplate(
    { capabilities: { hasOwners: true } },
    {
      roleTypes: {
        squad: { mutableRoleSettings: ['max', 'target'], roles: { medic: { max: 2 } } },
      },
    },
  );
  const refusal = refuse(sessionOf([ada], { template: open }), settings({ medic: { target: 3 } }));
  assert.equal(refusal.detail, '$.roleTypes.squad.roles.medic.target');
});

// @source docs/wire/unknowns.md "role settings without owners"
test('the creating write adds role types to those of the template, and may not change these', () => {
  const mine = { crew: { ownerManaged: true, roles: { pilot: { max: 1, target: 1 }, cook: {} } } };
  const created = write(undefined, { ...me(), roleTypes: mine }, { template });
  assert.deepEqual(created.roleTypes, { ...roleTypes, ...mine });
  assert.equal(created.changeNumber, 1);
});

const badTypes: readonly (readonly [types: JsonObject, code: string, detail: string])[] = [
  [{ crew: { ownerManaged: true } }, 'requestInvalid', '$.roleTypes.crew.ownerManaged'],
  [
    { crew: { roles: { a: { max: 1, target: 2 } } } },
    'requestInvalid',
    '$.roleTypes.crew.roles.a.target',
  ],
  [
    { squad: { roles: { medic: { target: 2 } } } },
    'roleSettingsFixed',
    '$.roleTypes.squad.roles.medic.target',
  ],
  [{ squad: { roles: { cook: {} } } }, 'requestInvalid', '$.roleTypes.squad.roles.cook'],
];

for (const [types, code, detail] of badTypes) {
  test(`a session is not created with role types ${JSON.stringify(types)}`, () => {
    const { squad } = roleTypes;
    assert.ok(squad);
    const refusal = refuse(
      undefined,
      { ...me(), roleTypes: types },
      { template: sampleTemplate({}, { roleTypes: { squad } }) },
    );
    assert.deepEqual([refusal.code, refusal.detail], [code, detail]);
  });
}

test('names of roles that every object inherits are names like any other', () => {
  const built = write(session, myRoles({ squad: 'constructor' }), { by: bert });
  assert.deepEqual(held(built, 1), { squad: 'constructor' });
  const types = parseRoleTypesRequest({ constructor: { roles: { prototype: { max: 1 } } } });
  assert.deepEqual(Object.keys(types), ['constructor']);
  assert.equal(asRefusal(parseRoleTypesRequest({ ['__proto__x']: {} })).code, 'requestInvalid');
});

test('numbers of a type named "custom" are ordinary ones', () => {
  const body = parseRequestJson('{"custom":{"roles":{"a":{"max":2.0}}}}') as JsonObject;
  const types = notRefused(parseRoleTypesRequest(body));
  assert.equal(types['custom']?.roles['a']?.max, 2);
});

test('an owner who leaves may still assign roles in the same write', () => {
  const left = write(
    sessionOf([ada, bert], {
      template: sampleTemplate(
        { capabilities: { hasOwners: true }, ownershipPolicies: { migration: 'oldest' } },
        { roleTypes },
      ),
    }),
    { members: { me: null, 1: { roles: { rank: 'chief' } } } },
  );
  assert.deepEqual(held(left, 1), { rank: 'chief' });
});

test('each role is shown with how many have it and who', () => {
  const cast = write(session, myRoles({ squad: 'medic' }), { by: cleo });
  const both = write(cast, rolesOf(1, { squad: 'medic', rank: 'private' }));
  assert.deepEqual(viewRoleTypes(both), {
    squad: {
      mutableRoleSettings: ['max'],
      roles: {
        leader: { max: 1, count: 0, memberXuids: [] },
        medic: { max: 2, target: 1, count: 2, memberXuids: [bert.xuid, cleo.xuid] },
        constructor: { count: 0, memberXuids: [] },
      },
    },
    rank: {
      ownerManaged: true,
      roles: {
        chief: { count: 0, memberXuids: [] },
        private: { count: 1, memberXuids: [bert.xuid] },
      },
    },
  });
  assert.equal(viewRoleTypes(sessionOf([ada])), undefined);
});

test('of roles that are no names the first is named, and no other looked for', () => {
  const { issues } = v.safeParse(memberRolesShape, { a: 'host', b: {}, c: 0, d: [] });
  assert.deepEqual(
    issues?.map(({ path }) => path?.map(({ key }) => key)),
    [['b']],
  );
});
