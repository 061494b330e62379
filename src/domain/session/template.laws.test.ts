import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sampleTemplate } from '../../testing/samples.ts';
import type { JsonObject } from '../json.ts';
import { checkShape } from '../shape.ts';
import { resolveConstantsSystem } from './constants.ts';
import { viewTemplate } from './template.ts';
import { writtenConstantsIn } from './written-constants.ts';

const timeout = fc.constantFrom(0, 1_000, null);
const optional: { requiredKeys: never[]; noNullPrototype: true } = {
  requiredKeys: [],
  noNullPrototype: true,
};

const anySystem: fc.Arbitrary<JsonObject> = fc.record(
  {
    maxMembersCount: fc.constantFrom(4, null),
    inactiveRemovalTimeout: timeout,
    readyRemovalTimeout: timeout,
    memberInitialization: fc.option(
      fc.record(
        {
          joinTimeout: timeout,
          measurementTimeout: timeout,
          evaluationTimeout: timeout,
          externalEvaluation: fc.boolean(),
          membersNeededToStart: fc.nat(4),
        },
        optional,
      ),
      { nil: null },
    ),
  },
  optional,
);

const anyVersion = fc.constantFrom(104, 105, 107);

// Kills: a document in other names that is silent on a default in which the versions differ.
// @source docs/wire/unknowns.md "the document of a template"
test('a template shown in any version makes the sessions that the template makes', () => {
  fc.assert(
    fc.property(anySystem, anyVersion, anyVersion, (system, writtenIn, shownIn) => {
      const template = sampleTemplate(system, { contractVersion: writtenIn });
      const { constants } = viewTemplate(template, shownIn);
      const read = checkShape(writtenConstantsIn(shownIn), constants);
      assert.ok('value' in read, JSON.stringify(read));
      assert.deepEqual(
        resolveConstantsSystem((read.value.system ?? {}) as JsonObject, shownIn),
        resolveConstantsSystem(system, writtenIn),
      );
    }),
  );
});
