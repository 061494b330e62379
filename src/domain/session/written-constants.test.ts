import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../json.ts';
import { checkShape } from '../shape.ts';
import { writtenConstantsIn } from './written-constants.ts';

const read: readonly (readonly [
  contractVersion: number,
  system: JsonObject,
  expected: JsonObject,
])[] = [
  [107, { inactiveRemovalTimeout: null }, { inactiveRemovalTimeout: null }],
  [107, { visibility: 'OPEN' }, { visibility: 'open' }],
  [
    107,
    { memberInitialization: { externalEvaluation: true } },
    { memberInitialization: { externalEvaluation: true } },
  ],
  [105, { timeouts: { inactive: 5 } }, { inactiveRemovalTimeout: 5 }],
  [
    104,
    { managedInitialization: { autoEvaluate: true } },
    { memberInitialization: { externalEvaluation: false } },
  ],
];

for (const [contractVersion, system, expected] of read) {
  test(`${JSON.stringify(system)} of ${contractVersion} is read by the names of 107`, () => {
    assert.deepEqual(checkShape(writtenConstantsIn(contractVersion), { system }), {
      value: { system: expected },
    });
  });
}

const refused: readonly (readonly [
  contractVersion: number,
  system: JsonObject,
  path: string,
  expected: RegExp,
])[] = [
  [
    107,
    { timeouts: {} },
    '$.system.timeouts',
    /104 and 105; in 107 write reservedRemovalTimeout, inactiveRemovalTimeout, readyRemovalTimeout, sessionEmptyTimeout$/,
  ],
  [
    107,
    { managedInitialization: {} },
    '$.system.managedInitialization',
    /in 107 write memberInitialization$/,
  ],
  [
    107,
    { memberInitialization: { autoEvaluate: true } },
    '$.system.memberInitialization.autoEvaluate',
    /in 107 write its opposite, externalEvaluation$/,
  ],
  [107, { maxMembers: 3 }, '$.system.maxMembers', /not known/],
  [
    105,
    { reservedRemovalTimeout: 1 },
    '$.system.reservedRemovalTimeout',
    /in 104 and 105 write timeouts\.reserved$/,
  ],
  [
    105,
    { inactiveRemovalTimeout: null },
    '$.system.inactiveRemovalTimeout',
    /write timeouts\.inactive$/,
  ],
  [105, { readyRemovalTimeout: 1 }, '$.system.readyRemovalTimeout', /write timeouts\.ready$/],
  [
    105,
    { sessionEmptyTimeout: 1 },
    '$.system.sessionEmptyTimeout',
    /write timeouts\.sessionEmpty$/,
  ],
  [
    105,
    { memberInitialization: {} },
    '$.system.memberInitialization',
    /write managedInitialization$/,
  ],
  [
    105,
    { managedInitialization: { externalEvaluation: true } },
    '$.system.managedInitialization.externalEvaluation',
    /write its opposite, autoEvaluate$/,
  ],
  [105, { timeouts: { forfeit: 1 } }, '$.system.timeouts.forfeit', /not known/],
  [105, { timeouts: { ready: -1 } }, '$.system.timeouts.ready', /integer of at least 0/],
  [105, { timeouts: 5 }, '$.system.timeouts', /an object/],
  [
    105,
    { managedInitialization: { autoEvaluate: 'yes' } },
    '$.system.managedInitialization.autoEvaluate',
    /true or false/,
  ],
  [
    105,
    { managedInitialization: { joinTimeout: 'soon' } },
    '$.system.managedInitialization.joinTimeout',
    /integer/,
  ],
  [107, { maxMembersCount: 0 }, '$.system.maxMembersCount', /from 1 to 10000/],
  [
    107,
    { measurementServerAddresses: { West: { secureDeviceAddress: '' } } },
    '$.system.measurementServerAddresses.West',
    /lower-case/,
  ],
  [
    107,
    { measurementServerAddresses: { west: { secureDeviceAddress: 'abc' } } },
    '$.system.measurementServerAddresses.west.secureDeviceAddress',
    /base64/,
  ],
  [107, { capabilities: { flying: true } }, '$.system.capabilities.flying', /not known/],
];

for (const [contractVersion, system, path, expected] of refused) {
  test(`${JSON.stringify(system)} of ${contractVersion} is refused at ${path}`, () => {
    const checked = checkShape(writtenConstantsIn(contractVersion), { system });
    assert.ok('problems' in checked);
    assert.deepEqual(
      checked.problems.map((problem) => problem.path),
      [path],
    );
    assert.match(checked.problems[0]?.expected ?? '', expected);
  });
}
