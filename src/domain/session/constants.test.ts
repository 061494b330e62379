import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asRefusal } from '../../testing/samples.ts';
import { type JsonObject, parseExactJson } from '../json.ts';
import {
  constantsProblems,
  constantsWarnings,
  layOver,
  layOverCustom,
  resolveConstantsSystem,
} from './constants.ts';

const path = '$.constants.system';

const laid: readonly (readonly [
  what: string,
  template: JsonObject,
  requested: JsonObject,
  expected: JsonObject,
])[] = [
  [
    'what the template leaves open may be given',
    { version: 1 },
    { maxMembersCount: 4 },
    { version: 1, maxMembersCount: 4 },
  ],
  [
    'what the template sets may be repeated',
    { visibility: 'open' },
    { visibility: 'open' },
    { visibility: 'open' },
  ],
  [
    'objects are laid over each other member by member',
    { capabilities: { gameplay: true } },
    { capabilities: { gameplay: true, connectivity: true } },
    { capabilities: { gameplay: true, connectivity: true } },
  ],
  [
    'the order of keys does not count',
    { a: [{ b: 1, c: 2 }] },
    { a: [{ c: 2, b: 1 }] },
    { a: [{ b: 1, c: 2 }] },
  ],
  [
    'null asks for a timeout that never runs out',
    {},
    { readyRemovalTimeout: null },
    { readyRemovalTimeout: null },
  ],
  [
    'null asks for nothing elsewhere',
    { visibility: 'open' },
    { visibility: null, inviteProtocol: null },
    { visibility: 'open' },
  ],
  [
    'null repeats a forced unset',
    { readyRemovalTimeout: null },
    { readyRemovalTimeout: null },
    { readyRemovalTimeout: null },
  ],
];

for (const [what, template, requested, expected] of laid) {
  test(`lay over: ${what}`, () => {
    assert.deepEqual(layOver(template, requested, path), expected);
  });
}

const conflicts: readonly (readonly [
  template: JsonObject,
  requested: JsonObject,
  place: string,
])[] = [
  [{ visibility: 'open' }, { visibility: 'private' }, 'visibility'],
  [{ capabilities: { large: false } }, { capabilities: { large: true } }, 'capabilities.large'],
  [{ capabilities: null }, { capabilities: { large: true } }, 'capabilities'],
  [{ readyRemovalTimeout: null }, { readyRemovalTimeout: 0 }, 'readyRemovalTimeout'],
  [{ readyRemovalTimeout: 0 }, { readyRemovalTimeout: null }, 'readyRemovalTimeout'],
  [{ initiators: ['1', '2'] }, { initiators: ['2', '1'] }, 'initiators'],
  [
    { memberInitialization: { joinTimeout: 1 } },
    { memberInitialization: { joinTimeout: null } },
    'memberInitialization.joinTimeout',
  ],
];

for (const [template, requested, place] of conflicts) {
  test(`lay over: ${JSON.stringify(requested)} conflicts with ${JSON.stringify(template)}`, () => {
    const refusal = asRefusal(layOver(template, requested, path), 'constantsConflict');
    assert.equal(refusal.detail, `${path}.${place}`);
    assert.ok(refusal.text.startsWith(`${path}.${place} is `), refusal.text);
  });
}

/** @source docs/wire/sessions.md "Constants", docs/wire/sessions.md "Merge" */
test('custom constants are laid over each other key by key, never within a value', () => {
  const template = { rules: { rounds: 3 }, pauseTimeout: 5 };
  const custom = (requested: JsonObject) => layOverCustom(template, requested, '$.c');
  assert.deepEqual(custom({ rules: { rounds: 3 }, map: { none: null } }), {
    ...template,
    map: { none: null },
  });
  assert.deepEqual(custom({ map: null, startTimeout: null }), template);
  for (const [key, requested] of [
    ['rules', { rules: { rounds: 3, timeLimit: 300 } }],
    ['rules', { rules: {} }],
    ['rules', { rules: null }],
    ['pauseTimeout', { pauseTimeout: null }],
  ] as const) {
    assert.equal(asRefusal(custom(requested), 'constantsConflict').detail, `$.c.${key}`);
  }
});

test('a conflict shows numbers of the title as they were written', () => {
  const [set, asked] = ['{"big":1.50}', '{"big":1.5}'].map((text) => parseExactJson(text));
  const refusal = asRefusal(
    layOverCustom(set as JsonObject, asked as JsonObject, '$.constants.custom'),
    'constantsConflict',
  );
  assert.match(refusal.text, /big is 1\.50 and cannot be made 1\.5:/);
});

/** @source docs/wire/sessions.md "Constants" */
test('constants that say nothing get the defaults of contract 107', () => {
  assert.deepEqual(resolveConstantsSystem({}, 107), {
    version: 1,
    maxMembersCount: 100,
    visibility: 'open',
    capabilities: {},
    reservedRemovalTimeout: 30_000,
    inactiveRemovalTimeout: 0,
    readyRemovalTimeout: 180_000,
    sessionEmptyTimeout: 0,
  });
});

/** @source docs/wire/sessions.md "PUT" */
test('in a template of 104 or 105 an inactive member is removed after two hours', () => {
  for (const contractVersion of [104, 105]) {
    const { inactiveRemovalTimeout } = resolveConstantsSystem({}, contractVersion);
    assert.equal(inactiveRemovalTimeout, 7_200_000);
  }
});

const nested: readonly (readonly [
  written: JsonObject,
  contractVersion: number,
  expected: JsonObject,
])[] = [
  [
    { memberInitialization: {} },
    107,
    {
      memberInitialization: {
        joinTimeout: 10_000,
        measurementTimeout: 30_000,
        externalEvaluation: false,
        membersNeededToStart: 1,
      },
    },
  ],
  [
    { memberInitialization: { externalEvaluation: true } },
    107,
    {
      memberInitialization: {
        joinTimeout: 10_000,
        measurementTimeout: 30_000,
        evaluationTimeout: 5_000,
        externalEvaluation: true,
        membersNeededToStart: 1,
      },
    },
  ],
  [
    { memberInitialization: {} },
    105,
    {
      memberInitialization: {
        joinTimeout: 5_000,
        measurementTimeout: 5_000,
        evaluationTimeout: 5_000,
        externalEvaluation: true,
        membersNeededToStart: 2,
      },
    },
  ],
  [
    { memberInitialization: { joinTimeout: null, membersNeededToStart: null } },
    107,
    {
      memberInitialization: {
        measurementTimeout: 30_000,
        externalEvaluation: false,
        membersNeededToStart: 1,
      },
    },
  ],
  [
    { peerToPeerRequirements: { latencyMaximum: 90 } },
    107,
    {
      peerToPeerRequirements: { latencyMaximum: 90, bandwidthMinimum: 10_000 },
      metrics: { latency: true, bandwidthDown: true, bandwidthUp: true, custom: false },
    },
  ],
  [
    { peerToHostRequirements: {}, metrics: { latency: true } },
    107,
    {
      peerToHostRequirements: {
        latencyMaximum: 250,
        bandwidthDownMinimum: 100_000,
        bandwidthUpMinimum: 1_000,
        hostSelectionMetric: 'latency',
      },
      metrics: { latency: true },
    },
  ],
  [
    { arbitration: { forfeitTimeout: 1 } },
    107,
    { arbitration: { forfeitTimeout: 1, arbitrationTimeout: 300_000 } },
  ],
  [
    { ownershipPolicies: { migration: 'oldest' } },
    107,
    {
      ownershipPolicies: {
        migration: 'oldest',
        allowNonOwnerInviteHandles: false,
        nonOwnerModifiableSystemProperties: [],
      },
    },
  ],
];

for (const [written, contractVersion, expected] of nested) {
  test(`in ${contractVersion} ${JSON.stringify(written)} gets the defaults within`, () => {
    const resolved = resolveConstantsSystem(written, contractVersion);
    assert.deepEqual(resolved, { ...resolveConstantsSystem({}, contractVersion), ...expected });
  });
}

test('null is never for a timeout, and the default where there must be a value', () => {
  const resolved = resolveConstantsSystem(
    {
      inactiveRemovalTimeout: null,
      sessionEmptyTimeout: null,
      visibility: null,
      maxMembersCount: null,
      capabilities: null,
      inviteProtocol: null,
      memberInitialization: null,
    },
    107,
  );
  assert.deepEqual(resolved, {
    version: 1,
    maxMembersCount: 100,
    visibility: 'open',
    capabilities: {},
    reservedRemovalTimeout: 30_000,
    readyRemovalTimeout: 180_000,
  });
});

test('only capabilities that are on are kept', () => {
  const { capabilities } = resolveConstantsSystem(
    { capabilities: { gameplay: true, large: false, team: null } },
    107,
  );
  assert.deepEqual(capabilities, { gameplay: true });
});

const initialization = { memberInitialization: {} };
const problems: readonly (readonly [system: JsonObject, ...problems: string[]])[] = [
  [{}],
  [{ maxMembersCount: 100 }],
  [{ maxMembersCount: 101 }, 'maxMembersCount is above 100, which needs capability large'],
  [{ maxMembersCount: 10_000, capabilities: { large: true } }],
  [
    {
      capabilities: {
        large: true,
        connectivity: true,
        userAuthorizationStyle: true,
        autoPopulateServerCandidates: true,
        team: true,
        arbitration: true,
        gameplay: true,
      },
    },
    'capabilities.connectivity does not go with capability large',
    'capabilities.userAuthorizationStyle does not go with capability large',
    'capabilities.autoPopulateServerCandidates does not go with capability large',
    'capabilities.team does not go with capability large',
    'capabilities.arbitration does not go with capability large',
    'capabilities.team does not go with capability gameplay',
  ],
  [
    { capabilities: { large: true }, measurementServerAddresses: {}, ...initialization },
    'memberInitialization does not go with capability large',
    'measurementServerAddresses does not go with capability large',
  ],
  [{ capabilities: { broadcast: true } }, 'capabilities.broadcast needs capability large'],
  [{ capabilities: { broadcast: true, large: true } }],
  [{ capabilities: { arbitration: true } }, 'capabilities.arbitration needs capability gameplay'],
  [{ capabilities: { arbitration: true, gameplay: true } }],
  [{ capabilities: { team: true } }],
  [{ ownershipPolicies: {} }, 'ownershipPolicies needs capability hasOwners'],
  [{ ownershipPolicies: {}, capabilities: { hasOwners: true } }],
  [{ capabilities: { searchable: true, userAuthorizationStyle: true } }],
  [{ capabilities: { searchable: true } }],
  [{ capabilities: { searchable: true, userAuthorizationStyle: true, hasOwners: true } }],
  [{ metrics: { latency: true } }, 'metrics needs capability connectivity'],
  [
    { peerToPeerRequirements: {}, peerToHostRequirements: {} },
    'peerToPeerRequirements needs capability connectivity',
    'peerToHostRequirements needs capability connectivity',
  ],
  [{ capabilities: { connectivity: true }, metrics: {}, peerToPeerRequirements: {} }],
  [
    { arbitration: { forfeitTimeout: 2, arbitrationTimeout: 1 } },
    'arbitration.arbitrationTimeout must be at least forfeitTimeout',
  ],
  [
    { arbitration: { forfeitTimeout: null } },
    'arbitration.arbitrationTimeout must be at least forfeitTimeout',
  ],
  [{ arbitration: { arbitrationTimeout: null } }],
  [{ arbitration: { forfeitTimeout: 300_000 } }],
  [
    { maxMembersCount: 2, memberInitialization: { membersNeededToStart: 3 } },
    'memberInitialization.membersNeededToStart is above maxMembersCount',
  ],
  [{ maxMembersCount: 2, memberInitialization: { membersNeededToStart: 2 } }],
];

for (const [system, ...expected] of problems) {
  test(`${JSON.stringify(system)} has ${expected.length} problems`, () => {
    const found = constantsProblems(resolveConstantsSystem(system, 107));
    assert.deepEqual(
      found.map(({ path, reason }) => `${path} ${reason}`),
      expected,
    );
  });
}

test('a warning is for searchable with userAuthorizationStyle and without hasOwners', () => {
  const warned = (capabilities: JsonObject): readonly string[] =>
    constantsWarnings(resolveConstantsSystem({ capabilities }, 107)).map(({ path }) => path);
  const both = { searchable: true, userAuthorizationStyle: true };
  assert.deepEqual(warned(both), ['capabilities.searchable']);
  assert.deepEqual(warned({ ...both, hasOwners: true }), []);
  assert.deepEqual(warned({ searchable: true }), []);
});
