import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ada,
  bert,
  decide,
  leave,
  me,
  referee,
  refuse,
  reserve,
  sampleReference,
  sampleTemplate,
  sessionOf,
  startMs,
  write,
  type Circumstances,
} from '../../testing/samples.ts';
import type { JsonObject } from '../json.ts';
import { Refusal, type RefusalCode } from '../refusal.ts';
import { correlationIdOf } from './reference.ts';

const constants = (system: JsonObject, custom?: JsonObject): JsonObject => ({
  constants: { system, ...(custom && { custom }) },
});

test('a new session is all defaults but for what template and request say', () => {
  const template = sampleTemplate(
    { maxMembersCount: 8, capabilities: { gameplay: true, crossPlay: false } },
    {
      constants: {
        system: { maxMembersCount: 8, capabilities: { gameplay: true, crossPlay: false } },
        custom: { a: 1 },
      },
      properties: { system: { keywords: ['k'] }, custom: { map: 'atoll' } },
      roleTypes: { squad: { roles: { leader: { max: 1 } } } },
    },
  );
  const body = { ...me(), ...constants({ inactiveRemovalTimeout: 5 }, { b: 2 }) };
  const { members, ...session } = write(undefined, body, { template });
  assert.equal(members.length, 1);
  assert.deepEqual(session, {
    reference: sampleReference,
    branch: '17a13f76-0000-4000-8000-000000000001',
    changeNumber: 1,
    correlationId: correlationIdOf(sampleReference),
    startTimeMs: startMs,
    constants: {
      system: {
        version: 1,
        maxMembersCount: 8,
        visibility: 'open',
        capabilities: { gameplay: true },
        reservedRemovalTimeout: 30_000,
        readyRemovalTimeout: 180_000,
        inactiveRemovalTimeout: 5,
        sessionEmptyTimeout: 0,
      },
      custom: { a: 1, b: 2 },
    },
    properties: { system: { keywords: ['k'] }, custom: { map: 'atoll' } },
    roleTypes: { squad: { roles: { leader: { max: 1 } } } },
    nextMemberIndex: 1,
    servers: {},
    createdBy: ada.xuid,
    formerXuids: [],
  });
});

const stays = sampleTemplate({ sessionEmptyTimeout: 60_000 });

/** Writes to a session that does not exist, and their results. */
const outcomes: readonly (readonly [
  what: string,
  body: JsonObject,
  circumstances: Circumstances,
  outcome: 'created' | 'absent' | RefusalCode,
])[] = [
  ['joins', me(), {}, 'created'],
  ['only reserves, by a service', reserve(bert), { by: referee }, 'created'],
  ['only reserves, by a user', reserve(bert), {}, 'created'],
  ['says nothing and the session may be empty', {}, { template: stays }, 'created'],
  ['says nothing and the session may not be empty', {}, {}, 'absent'],
  ['leaves', leave, {}, 'absent'],
  ['leaves and the session may be empty', leave, { template: stays }, 'absent'],
  [
    'leaves and writes',
    { ...leave, properties: { custom: { a: 1 } } },
    { template: stays },
    'absent',
  ],
  ['leaves if there is one', leave, { ifMatch: '*' }, 'sessionMissing'],
  ['leaves by handle or element', leave, { onlyExisting: true }, 'sessionGone'],
  ['joins by handle or element', me(), { onlyExisting: true }, 'sessionGone'],
  ['joins by handle if there is one', me(), { onlyExisting: true, ifMatch: '*' }, 'sessionGone'],
  ['joins if there is none', me(), { ifNoneMatch: '*' }, 'created'],
  ['joins if there is one', me(), { ifMatch: '*' }, 'sessionMissing'],
  ['joins without the privilege', me(), { by: { ...ada, privileges: [] } }, 'privilegeMissing'],
  [
    'says nothing without the privilege',
    {},
    { by: { ...ada, privileges: [] } },
    'privilegeMissing',
  ],
  ['writes me as a service', me(), { by: referee }, 'userRequired'],
  ['writes a member by index', { members: { 0: {} } }, {}, 'memberNotYours'],
  ['removes a member by index', { members: { 0: null } }, {}, 'memberNotYours'],
];

for (const [what, body, circumstances, outcome] of outcomes) {
  test(`a write that ${what}, without a session: ${outcome}`, () => {
    const decision = decide(undefined, body, circumstances);
    assert.equal(decision instanceof Refusal ? decision.code : decision.kind, outcome);
  });
}

/**
 * Constants of a template and a request, and the constants of the session, or why they conflict.
 */
const refused: readonly (readonly [
  template: JsonObject,
  requested: JsonObject,
  code: RefusalCode,
  detail: string,
  circumstances?: Circumstances,
])[] = [
  [
    { maxMembersCount: 8 },
    { maxMembersCount: 9 },
    'constantsConflict',
    '$.constants.system.maxMembersCount',
  ],
  [
    { capabilities: { gameplay: true } },
    { capabilities: { gameplay: false } },
    'constantsConflict',
    '$.constants.system.capabilities.gameplay',
  ],
  [{}, { maxMembersCount: 0 }, 'requestInvalid', '$.constants.system.maxMembersCount'],
  [{}, { visibility: 'full' }, 'requestInvalid', '$.constants.system.visibility'],
  [{}, { other: 1 }, 'requestInvalid', '$.constants.system.other'],
  [{}, { metrics: { latency: true } }, 'requestInvalid', '$.constants.system.metrics'],
  [{ initiators: ['1'] }, {}, 'notAnInitiator', '$.constants.system.initiators'],
  [{}, { initiators: [bert.xuid] }, 'notAnInitiator', '$.constants.system.initiators'],
  [
    { capabilities: { arbitration: true, gameplay: true } },
    {},
    'serviceRequired',
    'capability arbitration',
  ],
  [
    { capabilities: { large: true, hasOwners: true } },
    {},
    'requestInvalid',
    '$.constants.system.capabilities.hasOwners',
  ],
  [
    { memberInitialization: { membersNeededToStart: 2 } },
    {},
    'initializationMembersNeeded',
    'membersNeededToStart 2',
  ],
];

for (const [system, requested, code, detail, circumstances] of refused) {
  test(`${JSON.stringify(requested)} on a template with ${JSON.stringify(system)} is refused as ${code}`, () => {
    const body = { ...me(), ...constants(requested) };
    const refusal = refuse(undefined, body, { template: sampleTemplate(system), ...circumstances });
    assert.equal(refusal.code, code, refusal.text);
    assert.equal(refusal.detail, detail);
  });
}

test('initiators and services create', () => {
  const template = sampleTemplate({ initiators: [bert.xuid, ada.xuid] });
  assert.equal(write(undefined, me(), { template }).members.length, 1);
  assert.equal(write(undefined, reserve(bert), { template, by: referee }).members.length, 1);
  const arbitrated = sampleTemplate({ capabilities: { arbitration: true, gameplay: true } });
  const arbitration = { servers: { arbitration: {} } };
  const seats = { ...reserve(bert), ...arbitration };
  assert.equal(write(undefined, seats, { template: arbitrated, by: referee }).members.length, 1);
  const without = refuse(undefined, reserve(bert), { template: arbitrated, by: referee });
  assert.equal(without.detail, '$.servers.arbitration');
});

const session = sessionOf(
  [ada],
  {
    template: sampleTemplate({
      maxMembersCount: 8,
      capabilities: { gameplay: true },
      readyRemovalTimeout: null,
    }),
  },
  constants({ inactiveRemovalTimeout: 5, inviteProtocol: 'game' }, { a: { b: [1] } }),
);

/** Constants in a write to an existing session: equal ones pass, all others conflict. */
const repeated: readonly (readonly [constants: JsonObject, conflicting: string | undefined])[] = [
  [{}, undefined],
  [{ system: {} }, undefined],
  [{ system: null, custom: null }, undefined],
  [
    { system: { maxMembersCount: 8, inactiveRemovalTimeout: 5, inviteProtocol: 'Game' } },
    undefined,
  ],
  [{ system: { version: 1, visibility: 'open', reservedRemovalTimeout: 30_000 } }, undefined],
  [{ system: { capabilities: { gameplay: true, large: false } } }, undefined],
  [{ system: { capabilities: {} } }, undefined],
  [{ custom: { a: { b: [1] } } }, undefined],
  [{ system: { maxMembersCount: 9 } }, '$.constants.system.maxMembersCount'],
  [{ system: { readyRemovalTimeout: 1 } }, '$.constants.system.readyRemovalTimeout'],
  [{ system: { initiators: [ada.xuid] } }, '$.constants.system.initiators'],
  [{ system: { metrics: { latency: true } } }, '$.constants.system.metrics'],
  [{ system: { capabilities: { large: true } } }, '$.constants.system.capabilities.large'],
  [{ system: { capabilities: { gameplay: false } } }, '$.constants.system.capabilities.gameplay'],
  [{ custom: { a: { b: [2] } } }, '$.constants.custom.a'],
  [{ custom: { a: { b: [1], c: null } } }, '$.constants.custom.a'],
  [{ custom: { a: {} } }, '$.constants.custom.a'],
  [{ custom: { a: null } }, '$.constants.custom.a'],
  [{ custom: { other: null } }, undefined],
  [{ custom: { other: 1 } }, '$.constants.custom.other'],
];

for (const [asked, conflicting] of repeated) {
  test(`constants ${JSON.stringify(asked)} of an existing session ${conflicting ? 'conflict' : 'pass'}`, () => {
    const decision = decide(session, { constants: asked });
    if (conflicting === undefined) assert.deepEqual(decision, { kind: 'unchanged', session });
    else {
      assert.ok(decision instanceof Refusal && decision.code === 'constantsConflict');
      assert.equal(decision.detail, conflicting);
    }
  });
}
