/**
 * Constants as each contract version writes them: by its own names, and read into those of 107.
 *
 * @source docs/wire/service-configs.md "Service configs and session templates", docs/wire/sessions.md "Constants"
 */

import * as v from 'valibot';
import { exactObject, titleObject } from '../shape.ts';
import type { JsonObject } from '../json.ts';
import {
  constantsSystemEntries,
  memberInitializationEntries,
  type WrittenConstantsSystem,
} from './constants.ts';
import { hasOlderNames, timeoutNames, upgradeConstantsSystem } from './contract-version.ts';

export type WrittenConstants = {
  readonly system?: WrittenConstantsSystem | null | undefined;
  readonly custom?: JsonObject | null | undefined;
};

/** Stands where another version has a member; `hint` says what this one calls it. */
function misnamed(hint: string) {
  return v.optional(v.custom<never>(() => false, hint));
}

const { externalEvaluation, ...sameInitialization } = memberInitializationEntries;
const {
  reservedRemovalTimeout,
  inactiveRemovalTimeout,
  readyRemovalTimeout,
  sessionEmptyTimeout,
  memberInitialization,
  ...sameSystem
} = constantsSystemEntries;

const newestSystem = exactObject({
  ...constantsSystemEntries,
  memberInitialization: v.nullish(
    exactObject({
      ...memberInitializationEntries,
      autoEvaluate: misnamed(
        'This is the name in contract 104 and 105; in 107 write its opposite, externalEvaluation',
      ),
    }),
  ),
  timeouts: misnamed(
    `This is the name in contract 104 and 105; in 107 write ${timeoutNames.map(([, name]) => name).join(', ')}`,
  ),
  managedInitialization: misnamed(
    'This is the name in contract 104 and 105; in 107 write memberInitialization',
  ),
});

const olderSystem = exactObject({
  ...sameSystem,
  timeouts: v.nullish(
    exactObject({
      reserved: reservedRemovalTimeout,
      inactive: inactiveRemovalTimeout,
      ready: readyRemovalTimeout,
      sessionEmpty: sessionEmptyTimeout,
    }),
  ),
  managedInitialization: v.nullish(
    exactObject({
      ...sameInitialization,
      autoEvaluate: externalEvaluation,
      externalEvaluation: misnamed(
        'This is the name in contract 107; in 104 and 105 write its opposite, autoEvaluate',
      ),
    }),
  ),
  ...Object.fromEntries(
    timeoutNames.map(([older, name]) => [
      name,
      misnamed(`This is the name in contract 107; in 104 and 105 write timeouts.${older}`),
    ]),
  ),
  memberInitialization: misnamed(
    'This is the name in contract 107; in 104 and 105 write managedInitialization',
  ),
});

const newest = exactObject({ system: v.nullish(newestSystem), custom: v.nullish(titleObject) });

const older = exactObject({
  system: v.nullish(
    v.pipe(
      olderSystem,
      v.transform(
        (system) => upgradeConstantsSystem(system as JsonObject, 105) as WrittenConstantsSystem,
      ),
    ),
  ),
  custom: v.nullish(titleObject),
});

/**
 * The shape of `constants` as a template or a creating request of this version writes them. What
 * comes out has the names of 107; problems have the names that were written.
 */
export function writtenConstantsIn(
  contractVersion: number,
): v.GenericSchema<JsonObject, WrittenConstants> {
  return hasOlderNames(contractVersion) ? older : newest;
}
