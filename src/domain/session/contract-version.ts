/**
 * What constants are called, and what holds where they are silent, in each contract version.
 * Inside there is one shape, that of 107; 104 and 105 share the older one.
 *
 * | 104, 105 | 107 |
 * | --- | --- |
 * | `timeouts.reserved`, `.inactive`, `.ready` | `reservedRemovalTimeout`, `inactive…`, `ready…` |
 * | `timeouts.sessionEmpty` | `sessionEmptyTimeout` |
 * | `managedInitialization` | `memberInitialization` |
 * | `managedInitialization.autoEvaluate` | the opposite of `memberInitialization.externalEvaluation` |
 *
 * @source docs/wire/service-configs.md "Service configs and session templates", docs/wire/sessions.md "Contract versions", docs/wire/initialization.md "Stages"
 */

import { isJsonObject, type Json, type JsonObject } from '../json.ts';

/** The newest contract version: the shape that is stored. */
export const newestContractVersion = 107;

/** True of a contract version that writes constants by their older names. */
export function hasOlderNames(contractVersion: number): boolean {
  return contractVersion < newestContractVersion;
}

/** The older name of a timeout, below `timeouts`, and its name in 107. */
export const timeoutNames = [
  ['reserved', 'reservedRemovalTimeout'],
  ['inactive', 'inactiveRemovalTimeout'],
  ['ready', 'readyRemovalTimeout'],
  ['sessionEmpty', 'sessionEmptyTimeout'],
] as const;

/**
 * `constants.system` as `contractVersion` writes it, by the names of 107. A member that the older
 * shape does not have stays, so that the check of the shape can name it.
 */
export function upgradeConstantsSystem(system: JsonObject, contractVersion: number): JsonObject {
  if (!hasOlderNames(contractVersion)) return system;
  const { timeouts, managedInitialization, ...same } = system;
  return {
    ...same,
    ...(timeouts !== undefined && upgradeTimeouts(timeouts)),
    ...(managedInitialization !== undefined && {
      memberInitialization: upgradeInitialization(managedInitialization),
    }),
  };
}

function upgradeTimeouts(timeouts: Json): JsonObject {
  // Null unsets all four: they never end.
  if (timeouts === null) return Object.fromEntries(timeoutNames.map(([, name]) => [name, null]));
  if (!isJsonObject(timeouts)) return { timeouts };
  const unknown = new Map(Object.entries(timeouts));
  const upgraded: [string, Json][] = [];
  for (const [older, name] of timeoutNames) {
    const value = unknown.get(older);
    if (value !== undefined) upgraded.push([name, value]);
    unknown.delete(older);
  }
  return {
    ...(unknown.size > 0 && { timeouts: Object.fromEntries(unknown) }),
    ...Object.fromEntries(upgraded),
  };
}

function upgradeInitialization(initialization: Json): Json {
  if (!isJsonObject(initialization)) return initialization;
  const { autoEvaluate, ...same } = initialization;
  return {
    ...same,
    ...(autoEvaluate !== undefined && { externalEvaluation: opposite(autoEvaluate) }),
  };
}

/**
 * `constants.system` by the names of `contractVersion`; the inverse of `upgradeConstantsSystem`.
 */
export function downgradeConstantsSystem(system: JsonObject, contractVersion: number): JsonObject {
  if (!hasOlderNames(contractVersion)) return system;
  const same = new Map(Object.entries(system));
  const timeouts: [string, Json][] = [];
  for (const [older, name] of timeoutNames) {
    const value = same.get(name);
    if (value !== undefined) timeouts.push([older, value]);
    same.delete(name);
  }
  const initialization = same.get('memberInitialization');
  same.delete('memberInitialization');
  return {
    ...Object.fromEntries(same),
    ...(timeouts.length > 0 && { timeouts: Object.fromEntries(timeouts) }),
    ...(initialization !== undefined && {
      managedInitialization: downgradeInitialization(initialization),
    }),
  };
}

function downgradeInitialization(initialization: Json): Json {
  if (!isJsonObject(initialization)) return initialization;
  const { externalEvaluation, ...same } = initialization;
  return {
    ...same,
    ...(externalEvaluation !== undefined && { autoEvaluate: opposite(externalEvaluation) }),
  };
}

/** A value that is no boolean stays, so that the check of the shape can name it. */
function opposite(flag: Json): Json {
  return typeof flag === 'boolean' ? !flag : flag;
}

/**
 * Defaults that differ between versions: for a template of this version that says nothing, by the
 * names of 107. `memberInitialization` applies member by member, and only where the object exists.
 */
export function templateDefaults(contractVersion: number): {
  readonly inactiveRemovalTimeout: number;
  readonly memberInitialization: typeof newestDefaults.memberInitialization;
} {
  return hasOlderNames(contractVersion) ? olderDefaults : newestDefaults;
}

const olderDefaults = {
  inactiveRemovalTimeout: 7_200_000,
  memberInitialization: {
    joinTimeout: 5_000,
    measurementTimeout: 5_000,
    externalEvaluation: true,
    membersNeededToStart: 2,
  },
};

const newestDefaults = {
  inactiveRemovalTimeout: 0,
  memberInitialization: {
    joinTimeout: 10_000,
    measurementTimeout: 30_000,
    externalEvaluation: false,
    membersNeededToStart: 1,
  },
};
