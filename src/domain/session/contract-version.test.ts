import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../json.ts';
import {
  downgradeConstantsSystem,
  templateDefaults,
  upgradeConstantsSystem,
} from './contract-version.ts';

/** @source docs/wire/sessions.md "The document" */
const recorded105: JsonObject = {
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
};

const sameIn107: JsonObject = {
  version: 1,
  maxMembersCount: 8,
  visibility: 'open',
  inviteProtocol: 'game',
  capabilities: recorded105.capabilities ?? null,
  reservedRemovalTimeout: 30_000,
  inactiveRemovalTimeout: 0,
  readyRemovalTimeout: 180_000,
  sessionEmptyTimeout: 0,
};

test('the recorded constants of contract 105 go to 107 and come back', () => {
  assert.deepEqual(upgradeConstantsSystem(recorded105, 105), sameIn107);
  assert.deepEqual(downgradeConstantsSystem(sameIn107, 105), recorded105);
});

// @source docs/wire/unknowns.md "contract versions 104 and 106"
test('104 and 106 have the names of 105', () => {
  for (const contractVersion of [104, 106]) {
    assert.deepEqual(upgradeConstantsSystem(recorded105, contractVersion), sameIn107);
    assert.deepEqual(downgradeConstantsSystem(sameIn107, contractVersion), recorded105);
  }
});

const upgrades: readonly (readonly [what: string, older: JsonObject, newest: JsonObject])[] = [
  [
    'managedInitialization, with autoEvaluate as its opposite',
    { managedInitialization: { joinTimeout: 1, autoEvaluate: true } },
    { memberInitialization: { joinTimeout: 1, externalEvaluation: false } },
  ],
  [
    'managedInitialization without autoEvaluate: the default is not written down',
    { managedInitialization: { membersNeededToStart: 3 } },
    { memberInitialization: { membersNeededToStart: 3 } },
  ],
  [
    'nulls, which unset',
    { timeouts: { inactive: null }, managedInitialization: null },
    { inactiveRemovalTimeout: null, memberInitialization: null },
  ],
  [
    'null for all timeouts',
    { timeouts: null },
    {
      reservedRemovalTimeout: null,
      inactiveRemovalTimeout: null,
      readyRemovalTimeout: null,
      sessionEmptyTimeout: null,
    },
  ],
  ['no timeouts', { timeouts: {} }, {}],
  [
    'unknown members, for the check of the shape to name',
    { surprise: 1, timeouts: { ready: 5, forfeit: 6 }, managedInitialization: { autoEvaluate: 7 } },
    {
      surprise: 1,
      readyRemovalTimeout: 5,
      timeouts: { forfeit: 6 },
      memberInitialization: { externalEvaluation: 7 },
    },
  ],
  [
    'wrong types',
    { timeouts: 5, managedInitialization: 'x' },
    { timeouts: 5, memberInitialization: 'x' },
  ],
];

for (const [what, older, newest] of upgrades) {
  test(`upgrade of ${what}`, () => {
    assert.deepEqual(upgradeConstantsSystem(older, 105), newest);
  });
}

test('a session without timeouts and member initialization shows neither in 105', () => {
  assert.deepEqual(downgradeConstantsSystem({ version: 1 }, 105), { version: 1 });
});

/** @source docs/wire/initialization.md "Stages" */
test('defaults differ between the versions', () => {
  const older = {
    inactiveRemovalTimeout: 7_200_000,
    memberInitialization: {
      joinTimeout: 5_000,
      measurementTimeout: 5_000,
      externalEvaluation: true,
      membersNeededToStart: 2,
    },
  };
  assert.deepEqual(templateDefaults(104), older);
  assert.deepEqual(templateDefaults(105), older);
  assert.deepEqual(templateDefaults(107), {
    inactiveRemovalTimeout: 0,
    memberInitialization: {
      joinTimeout: 10_000,
      measurementTimeout: 30_000,
      externalEvaluation: false,
      membersNeededToStart: 1,
    },
  });
});
