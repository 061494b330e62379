import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../json.ts';
import { downgradeConstantsSystem, upgradeConstantsSystem } from './contract-version.ts';

const timeout = fc.option(fc.nat(), { nil: null });
const flag = fc.option(fc.boolean(), { nil: null });
const plain = { noNullPrototype: true };
const initialization = {
  joinTimeout: timeout,
  measurementTimeout: timeout,
  evaluationTimeout: timeout,
  membersNeededToStart: fc.nat(100),
};
const shared = {
  version: fc.nat(),
  maxMembersCount: fc.nat(),
  visibility: fc.constantFrom('private', 'visible', 'open', null),
  capabilities: fc.dictionary(fc.constantFrom('gameplay', 'connectivity'), fc.boolean(), plain),
};
const optional: { requiredKeys: never[]; noNullPrototype: true } = {
  requiredKeys: [],
  noNullPrototype: true,
};

const newest: fc.Arbitrary<JsonObject> = fc.record(
  {
    ...shared,
    reservedRemovalTimeout: timeout,
    inactiveRemovalTimeout: timeout,
    readyRemovalTimeout: timeout,
    sessionEmptyTimeout: timeout,
    memberInitialization: fc.option(
      fc.record({ ...initialization, externalEvaluation: flag }, optional),
      { nil: null },
    ),
  },
  optional,
);

const older: fc.Arbitrary<JsonObject> = fc.record(
  {
    ...shared,
    timeouts: fc
      .record(
        { reserved: timeout, inactive: timeout, ready: timeout, sessionEmpty: timeout },
        optional,
      )
      .filter((timeouts) => Object.keys(timeouts).length > 0),
    managedInitialization: fc.option(
      fc.record({ ...initialization, autoEvaluate: flag }, optional),
      { nil: null },
    ),
  },
  optional,
);

const olderVersion = fc.constantFrom(104, 105, 106);

// Kills: a downgrade that drops null timeouts; one that forgets to turn externalEvaluation over.
test('constants of 107 come back from an older version as they went', () => {
  fc.assert(
    fc.property(newest, olderVersion, (system, version) => {
      const shown = downgradeConstantsSystem(system, version);
      assert.deepEqual(upgradeConstantsSystem(shown, version), system);
    }),
  );
});

// Kills: an upgrade that drops null timeouts; one that forgets to turn autoEvaluate over.
test('constants of an older version come back from 107 as they went', () => {
  fc.assert(
    fc.property(older, olderVersion, (system, version) => {
      const upgraded = upgradeConstantsSystem(system, version);
      assert.deepEqual(downgradeConstantsSystem(upgraded, version), system);
    }),
  );
});

// Kills: an upgrade that renames whatever the version is.
test('constants of 107 pass unchanged, whatever is in them', () => {
  const anything = fc.oneof(older, newest, fc.dictionary(fc.string(), fc.constant(null)));
  fc.assert(
    fc.property(anything, fc.constantFrom(107, 108), (system, version) => {
      assert.equal(upgradeConstantsSystem(system, version), system);
      assert.equal(downgradeConstantsSystem(system, version), system);
    }),
  );
});

// Kills: a list of members to keep in place of "all others". Counterexample: {"__proto__": 1}.
test('a member that no version knows stays where it is', () => {
  const unknown = fc.dictionary(
    fc.string().map((name) => `_${name}`),
    fc.nat(),
    { minKeys: 1 },
  );
  fc.assert(
    fc.property(older, unknown, fc.boolean(), (system, surprise, isProto) => {
      const strange = isProto ? JSON.parse('{"__proto__":1}') : surprise;
      const upgraded = upgradeConstantsSystem({ ...system, ...strange }, 105);
      for (const key of Object.keys(strange)) {
        assert.ok(Object.hasOwn(upgraded, key));
      }
    }),
  );
});
