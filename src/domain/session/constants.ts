/**
 * Constants: fixed when a session is created, by the template and, where that says nothing, by the
 * creating request.
 *
 * @source docs/wire/sessions.md "Constants"
 */

import * as v from 'valibot';
import { isTitleId, isXuid } from '../ids.ts';
import { isJsonObject, jsonEquals, type Json, type JsonObject } from '../json.ts';
import { limits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { exactObject, integer, list, text, word } from '../shape.ts';
import { templateDefaults } from './contract-version.ts';

const visibilities = ['private', 'visible', 'open'] as const;
export type Visibility = (typeof visibilities)[number];

export const flag = v.nullish(v.boolean('Expected true or false'));

const capabilityEntries = {
  connectivity: flag,
  suppressPresenceActivityCheck: flag,
  gameplay: flag,
  large: flag,
  connectionRequiredForActiveMembers: flag,
  cloudCompute: flag,
  autoPopulateServerCandidates: flag,
  clientMatchmaking: flag,
  userAuthorizationStyle: flag,
  crossPlay: flag,
  broadcast: flag,
  team: flag,
  arbitration: flag,
  hasOwners: flag,
  searchable: flag,
};
export type Capability = keyof typeof capabilityEntries;
export const capabilityNames = Object.keys(capabilityEntries);

const timeoutMs = v.nullish(integer(0));
const xuidText = text(isXuid, 'a xuid (a string of decimal digits)');
export const base64 = text(
  (given) => given.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(given),
  'base64',
);

export const memberInitializationEntries = {
  joinTimeout: timeoutMs,
  measurementTimeout: timeoutMs,
  evaluationTimeout: timeoutMs,
  externalEvaluation: flag,
  membersNeededToStart: v.nullish(integer(0, limits.membersMax)),
};

/**
 * The members of `constants.system` that a template or a creating request may write; null: unset.
 */
export const constantsSystemEntries = {
  version: v.nullish(integer(1)),
  maxMembersCount: v.nullish(integer(1, limits.membersLargeMax)),
  visibility: v.nullish(word(visibilities)),
  initiators: v.nullish(v.array(xuidText, 'Expected an array of xuids')),
  inviteProtocol: v.nullish(word(['game', 'tournamentgame', 'chat', 'gameparty', 'party'])),
  reservedRemovalTimeout: timeoutMs,
  inactiveRemovalTimeout: timeoutMs,
  readyRemovalTimeout: timeoutMs,
  sessionEmptyTimeout: timeoutMs,
  capabilities: v.nullish(exactObject(capabilityEntries)),
  metrics: v.nullish(
    exactObject({ latency: flag, bandwidthDown: flag, bandwidthUp: flag, custom: flag }),
  ),
  memberInitialization: v.nullish(exactObject(memberInitializationEntries)),
  peerToPeerRequirements: v.nullish(
    exactObject({ latencyMaximum: timeoutMs, bandwidthMinimum: v.nullish(integer(0)) }),
  ),
  peerToHostRequirements: v.nullish(
    exactObject({
      latencyMaximum: timeoutMs,
      bandwidthDownMinimum: v.nullish(integer(0)),
      bandwidthUpMinimum: v.nullish(integer(0)),
      hostSelectionMetric: v.nullish(
        word(['latency', 'bandwidthup', 'bandwidthdown', 'bandwidth']),
      ),
    }),
  ),
  measurementServerAddresses: v.nullish(
    v.record(
      text((name) => name === name.toLowerCase(), 'a lower-case name'),
      exactObject({ secureDeviceAddress: base64 }),
      'Expected an object of server addresses by name',
    ),
  ),
  cloudComputePackage: v.nullish(
    exactObject({
      crossSandbox: flag,
      titleId: v.nullish(text(isTitleId, 'a title id (a decimal string)')),
      gsiSet: v.nullish(v.string('Expected a string')),
      variant: v.nullish(v.string('Expected a string')),
    }),
  ),
  arbitration: v.nullish(exactObject({ forfeitTimeout: timeoutMs, arbitrationTimeout: timeoutMs })),
  broadcastViewerTitleIds: v.nullish(
    v.array(text(isTitleId, 'a title id (a decimal string)'), 'Expected an array of title ids'),
  ),
  ownershipPolicies: v.nullish(
    exactObject({
      migration: v.nullish(word(['oldest', 'endsession'])),
      allowNonOwnerInviteHandles: flag,
      nonOwnerModifiableSystemProperties: v.nullish(
        list(
          v.string('Expected the name of a property'),
          { lengthMax: limits.nameListMax },
          `an array of at most ${limits.nameListMax} property names`,
        ),
      ),
    }),
  ),
};

/** Defaults that all contract versions share. */
const defaults = {
  version: 1,
  maxMembersCount: limits.membersMax,
  visibility: 'open',
  capabilities: {},
  reservedRemovalTimeout: 30_000,
  readyRemovalTimeout: 180_000,
  sessionEmptyTimeout: 0,
};

/** Defaults of `arbitration`; null there means never. */
export const arbitrationDefaults = { forfeitTimeout: 60_000, arbitrationTimeout: 300_000 };

/** Defaults within an object, where the object exists. */
const nestedDefaults = {
  peerToPeerRequirements: { latencyMaximum: 250, bandwidthMinimum: 10_000 },
  peerToHostRequirements: {
    latencyMaximum: 250,
    bandwidthDownMinimum: 100_000,
    bandwidthUpMinimum: 1_000,
    hostSelectionMetric: 'latency',
  },
  arbitration: arbitrationDefaults,
  ownershipPolicies: {
    migration: 'endsession',
    allowNonOwnerInviteHandles: false,
    nonOwnerModifiableSystemProperties: [],
  },
};

/** `constants.system` by the names of 107, checked; null unsets. */
export type WrittenConstantsSystem = v.InferOutput<
  v.StrictObjectSchema<typeof constantsSystemEntries, undefined>
>;

type WithoutNulls<T> = T extends readonly (infer Item)[]
  ? readonly Item[]
  : T extends object
    ? { readonly [K in keyof T]: WithoutNulls<Exclude<T[K], null | undefined>> }
    : T;

/** Members with a default are always there, except timeouts: null unsets these. */
type WithDefaults<T, Defaults> = T & {
  readonly [K in Exclude<keyof T & keyof Defaults, `${string}Timeout`>]-?: Exclude<T[K], undefined>;
};

type NestedDefaults = typeof nestedDefaults &
  Pick<ReturnType<typeof templateDefaults>, 'memberInitialization'>;

type NestedWithDefaults<T> = {
  readonly [K in keyof T]: K extends 'capabilities'
    ? { readonly [name in Capability]?: true }
    : K extends keyof NestedDefaults
      ? WithDefaults<Exclude<T[K], undefined>, NestedDefaults[K]>
      : T[K];
};

/**
 * `constants.system` of a session, with the defaults filled in. A timeout that is absent never
 * ends. Only capabilities that are on are kept.
 */
export type ConstantsSystem = WithDefaults<
  NestedWithDefaults<WithoutNulls<WrittenConstantsSystem>>,
  typeof defaults
>;

/**
 * `requested` merged into `template`: what the template sets stays, a null too; the rest may be
 * given. Objects are merged member by member. A requested null is "never" for a timeout; elsewhere
 * it asks for nothing.
 *
 * Refuses: constantsConflict, naming the constant.
 */
export function layOver(
  template: JsonObject,
  requested: JsonObject,
  path: string,
): JsonObject | Refusal {
  const laid = new Map(Object.entries(template));
  for (const [key, value] of Object.entries(requested)) {
    if (value === null && !isTimeout(key)) continue;
    const set = laid.get(key);
    if (set === undefined) laid.set(key, value);
    else if (isJsonObject(set) && isJsonObject(value)) {
      const inner = layOver(set, value, `${path}.${key}`);
      if (inner instanceof Refusal) return inner;
      laid.set(key, inner);
    } else if (!jsonEquals(set, value)) return conflict(`${path}.${key}`, set, value);
  }
  return Object.fromEntries(laid);
}

/**
 * The same for `custom`: what the template sets stays, key by key of the outermost object. Values
 * are compared whole; a null asks for no such key.
 *
 * Refuses: constantsConflict, naming the key.
 *
 * @source docs/wire/sessions.md "Constants", docs/wire/sessions.md "Merge"
 */
export function layOverCustom(
  template: JsonObject,
  requested: JsonObject,
  path: string,
): JsonObject | Refusal {
  const laid = new Map(Object.entries(template));
  for (const [key, value] of Object.entries(requested)) {
    const set = laid.get(key);
    if (set === undefined) {
      if (value !== null) laid.set(key, value);
    } else if (!jsonEquals(set, value)) return conflict(`${path}.${key}`, set, value);
  }
  return Object.fromEntries(laid);
}

/** True of the names of timeouts, which null sets to "never". */
function isTimeout(name: string): boolean {
  return name.endsWith('Timeout');
}

function conflict(path: string, set: Json, requested: Json): Refusal {
  return new Refusal(
    'constantsConflict',
    `${path} is ${JSON.stringify(set)} and cannot be made ${JSON.stringify(requested)}: constants are fixed by the template and by the write that creates the session.`,
    { detail: path },
  );
}

/**
 * `written` with the defaults of `contractVersion`, that of the template, for what is absent. Null
 * is "never" for a timeout and the default for the rest. Whether the constants fit together:
 * `constantsProblems`.
 */
export function resolveConstantsSystem(
  written: JsonObject,
  contractVersion: number,
): ConstantsSystem {
  const { memberInitialization, ...differing } = templateDefaults(contractVersion);
  const nested = new Map<string, JsonObject>(
    Object.entries({
      ...nestedDefaults,
      memberInitialization: {
        ...(isEvaluatedByTitle(written, contractVersion) && { evaluationTimeout: 5_000 }),
        ...memberInitialization,
      },
    }),
  );
  const filled = fill({ ...defaults, ...differing, ...neededMetrics(written) }, written);
  const resolved = Object.fromEntries(
    Object.entries(filled).map(([key, value]) => [
      key,
      isJsonObject(value) ? fill(nested.get(key) ?? {}, value) : value,
    ]),
  );
  const capabilities = Object.entries(resolved.capabilities ?? {}).filter(([, on]) => on);
  return {
    ...resolved,
    capabilities: Object.fromEntries(capabilities),
  } as ConstantsSystem;
}

function fill(defaults: JsonObject, written: JsonObject): JsonObject {
  const filled = new Map(Object.entries(defaults));
  for (const [key, value] of Object.entries(written)) {
    if (value !== null) filled.set(key, value);
    else if (isTimeout(key)) filled.delete(key);
  }
  return Object.fromEntries(filled);
}

function isEvaluatedByTitle(written: JsonObject, contractVersion: number): boolean {
  const initialization = written.memberInitialization;
  const { externalEvaluation } = templateDefaults(contractVersion).memberInitialization;
  if (!isJsonObject(initialization)) return false;
  return (initialization.externalEvaluation ?? externalEvaluation) === true;
}

/**
 * The metrics that members measure when only requirements are written: those of the requirements.
 */
function neededMetrics(written: JsonObject): JsonObject {
  const isWritten = (name: string): boolean => isJsonObject(written[name]);
  return isWritten('peerToPeerRequirements') || isWritten('peerToHostRequirements')
    ? { metrics: { latency: true, bandwidthDown: true, bandwidthUp: true, custom: false } }
    : {};
}

/** One constant that does not fit the others: its path below `constants.system`, and why. */
export type ConstantsProblem = { readonly path: string; readonly reason: string };

/** All constants that do not fit the others. @source docs/wire/sessions.md "Constants" */
export function constantsProblems(system: ConstantsSystem): readonly ConstantsProblem[] {
  const { capabilities: has } = system;
  const problems: ConstantsProblem[] = [];
  const unless = (fine: unknown, path: string, reason: string): void => {
    if (!fine) problems.push({ path, reason });
  };
  if (has.large) {
    for (const name of [
      'connectivity',
      'userAuthorizationStyle',
      'autoPopulateServerCandidates',
      'team',
      'arbitration',
      'hasOwners',
    ] as const) {
      unless(!has[name], `capabilities.${name}`, 'does not go with capability large');
    }
    unless(
      !system.memberInitialization,
      'memberInitialization',
      'does not go with capability large',
    );
    unless(
      !system.measurementServerAddresses,
      'measurementServerAddresses',
      'does not go with capability large',
    );
  } else {
    unless(
      system.maxMembersCount <= limits.membersMax,
      'maxMembersCount',
      `is above ${limits.membersMax}, which needs capability large`,
    );
  }
  unless(!has.broadcast || has.large, 'capabilities.broadcast', 'needs capability large');
  unless(!has.arbitration || has.gameplay, 'capabilities.arbitration', 'needs capability gameplay');
  unless(!has.team || !has.gameplay, 'capabilities.team', 'does not go with capability gameplay');
  unless(
    !system.ownershipPolicies || has.hasOwners,
    'ownershipPolicies',
    'needs capability hasOwners',
  );
  for (const name of ['peerToPeerRequirements', 'peerToHostRequirements'] as const) {
    unless(!system[name] || has.connectivity, name, 'needs capability connectivity');
  }
  // With requirements, the metrics may come from them; naming both would confuse.
  unless(
    !system.metrics ||
      has.connectivity ||
      system.peerToPeerRequirements ||
      system.peerToHostRequirements,
    'metrics',
    'needs capability connectivity',
  );
  // An absent timeout never ends.
  const { forfeitTimeout = Infinity, arbitrationTimeout = Infinity } = system.arbitration ?? {};
  unless(
    arbitrationTimeout >= forfeitTimeout,
    'arbitration.arbitrationTimeout',
    'must be at least forfeitTimeout',
  );
  const needed = system.memberInitialization?.membersNeededToStart ?? 0;
  unless(
    needed <= system.maxMembersCount,
    'memberInitialization.membersNeededToStart',
    'is above maxMembersCount',
  );
  return problems;
}

/**
 * What the documentation forbids and the service accepts, since titles and samples use it.
 *
 * @source docs/wire/sessions.md "Constants"
 */
export function constantsWarnings({
  capabilities: has,
}: ConstantsSystem): readonly ConstantsProblem[] {
  return has.searchable && has.userAuthorizationStyle && !has.hasOwners
    ? [
        {
          path: 'capabilities.searchable',
          reason: 'together with userAuthorizationStyle should have capability hasOwners',
        },
      ]
    : [];
}
