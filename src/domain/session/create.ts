/**
 * A new session: constants from template and request, properties from the template.
 *
 * @source docs/wire/sessions.md "Constants", docs/wire/sessions.md "PUT"
 */

import { xuidOf, type Caller } from '../caller.ts';
import type { Guid } from '../ids.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { createMemo } from '../memo.ts';
import { Refusal } from '../refusal.ts';
import type { Milliseconds } from '../time.ts';
import { mayPlay } from './access.ts';
import type { SessionBounds } from './bounds.ts';
import {
  constantsProblems,
  layOver,
  layOverCustom,
  resolveConstantsSystem,
  type ConstantsSystem,
} from './constants.ts';
import { mergeExtra, partNames } from './extra.ts';
import { correlationIdOf, type SessionReference } from './reference.ts';
import type { SessionRequest } from './request.ts';
import { createRoleTypes } from './roles.ts';
import { memberTimeouts, type Session, stageTimeouts, type TimeoutName } from './session.ts';
import type { SessionTemplate } from './template.ts';

/**
 * A new session without members, before the other steps of the creating write.
 *
 * Refuses: privilegeMissing, constantsConflict, requestInvalid, notAnInitiator, roleSettingsFixed,
 * notInLargeSession.
 */
export function createSession(
  reference: SessionReference,
  request: SessionRequest,
  template: SessionTemplate,
  caller: Caller,
  facts: {
    readonly nowMs: Milliseconds;
    readonly freshGuid: Guid;
    readonly bounds: SessionBounds;
  },
): Session | Refusal {
  const privilege = mayPlay(caller);
  if (privilege) return privilege;
  const constants = constantsOf(template, request.constants);
  if (constants instanceof Refusal) return constants;
  const refusal = mayInitiate(constants.system, reference, request, caller);
  if (refusal) return refusal;
  const { hasOwners } = constants.system.capabilities;
  const roleTypes = createRoleTypes(template.roleTypes, request.roleTypes, hasOwners);
  if (roleTypes instanceof Refusal) return roleTypes;
  return {
    reference,
    branch: facts.freshGuid,
    changeNumber: 1,
    correlationId: correlationIdOf(reference),
    startTimeMs: facts.nowMs,
    constants,
    properties: template.properties,
    ...(roleTypes && { roleTypes }),
    members: [],
    nextMemberIndex: 0,
    servers: {},
    ...(caller.kind === 'user' && { createdBy: caller.xuid }),
    formerXuids: [],
    emptySinceMs: facts.nowMs,
    ...endOf(constants.system, template, facts.bounds),
  };
}

/**
 * The limits for a session without active members, where the creating write and the defaults would
 * keep it for longer than a creator may ask for. Templates may set any value.
 *
 * @source docs/wire/time.md "Sessions that nobody is active in"
 */
function endOf(
  system: ConstantsSystem,
  template: SessionTemplate,
  { emptyMsMax }: SessionBounds,
): Pick<Session, 'emptyMsMax' | 'templateTimeouts'> {
  const long = longTimeouts(system, emptyMsMax);
  const { system: set } = template.constants;
  const setInitialization = memberInitializationOf(template);
  const isSet = (name: TimeoutName): boolean =>
    Object.hasOwn(set, name) || Object.hasOwn(setInitialization, name);
  const templateTimeouts = long.filter(isSet);
  if (templateTimeouts.length === long.length) return {};
  return { emptyMsMax, ...(templateTimeouts.length > 0 && { templateTimeouts }) };
}

/** The timeouts of the session that never end, or later than `timeoutMsMax`. */
function longTimeouts(system: ConstantsSystem, timeoutMsMax: Milliseconds): readonly TimeoutName[] {
  const isLong = (timeoutMs: Milliseconds | undefined): boolean =>
    (timeoutMs ?? Infinity) > timeoutMsMax;
  const { memberInitialization } = system;
  return [
    ...memberTimeouts.filter((name) => isLong(system[name])),
    ...stageTimeouts.filter(
      (name) =>
        memberInitialization !== undefined &&
        (name !== 'evaluationTimeout' || memberInitialization.externalEvaluation) &&
        isLong(memberInitialization[name]),
    ),
  ];
}

function memberInitializationOf({ constants }: SessionTemplate): JsonObject {
  const { memberInitialization } = constants.system;
  return isJsonObject(memberInitialization) ? memberInitialization : {};
}

type Constants = Session['constants'];

/** By template, the constants of a session whose creator asked for none. */
const plainConstants = createMemo<SessionTemplate, Constants | Refusal>();

/** Sessions with the plain constants of a template share one value, and its texts. */
function constantsOf(
  template: SessionTemplate,
  asked: SessionRequest['constants'],
): Constants | Refusal {
  if (asked !== undefined) return layConstants(template, asked);
  return plainConstants.get(template) ?? plainConstants.set(template, layConstants(template, {}));
}

function layConstants(
  template: SessionTemplate,
  asked: NonNullable<SessionRequest['constants']>,
): Constants | Refusal {
  const written = layOver(
    template.constants.system,
    (asked.system ?? {}) as JsonObject,
    '$.constants.system',
  );
  if (written instanceof Refusal) return written;
  const custom = layOverCustom(template.constants.custom, asked.custom ?? {}, '$.constants.custom');
  if (custom instanceof Refusal) return custom;
  const system = resolveConstantsSystem(written, template.contractVersion);
  const refusal = constantsRefusal(system);
  if (refusal) return refusal;
  const { memberInitialization } = written;
  return {
    system,
    custom,
    ...(isJsonObject(memberInitialization) && {
      memberInitialization: withoutNulls(memberInitialization),
    }),
    ...mergeExtra(undefined, asked, partNames),
  };
}

function withoutNulls(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));
}

function constantsRefusal(system: ConstantsSystem): Refusal | undefined {
  const [problem] = constantsProblems(system);
  if (problem === undefined) return undefined;
  const path = `$.constants.system.${problem.path}`;
  return new Refusal('requestInvalid', `${path} ${problem.reason}.`, { detail: path });
}

function mayInitiate(
  { initiators, capabilities }: ConstantsSystem,
  { name }: SessionReference,
  { servers }: SessionRequest,
  caller: Caller,
): Refusal | undefined {
  if (capabilities.broadcast && xuidOf(caller) !== name) {
    return new Refusal(
      'nameInvalid',
      "A session with capability broadcast must be named by its broadcaster's xuid.",
      { detail: name },
    );
  }
  if (capabilities.arbitration && caller.kind !== 'service') {
    return new Refusal(
      'serviceRequired',
      'A session with capability arbitration is created by a game service (claim svc).',
      { detail: 'capability arbitration' },
    );
  }
  if (capabilities.arbitration && !servers.some(isArbitration)) {
    return new Refusal(
      'requestInvalid',
      '$.servers.arbitration: A session with capability arbitration is created together with its server "arbitration".',
      { detail: '$.servers.arbitration' },
    );
  }
  if (initiators === undefined || caller.kind === 'service') return undefined;
  return initiators.includes(caller.xuid)
    ? undefined
    : new Refusal(
        'notAnInitiator',
        'Only the users listed in constants.system.initiators may create this session.',
        { detail: '$.constants.system.initiators' },
      );
}

function isArbitration({ name, request }: SessionRequest['servers'][number]): boolean {
  return name === 'arbitration' && request !== null;
}

/**
 * Undefined when constants in a write to an existing session are equal to its own.
 *
 * Refuses: constantsConflict.
 */
export function mayRepeatConstants(session: Session, request: SessionRequest): Refusal | undefined {
  const asked = request.constants;
  if (asked === undefined) return undefined;
  const system = (asked.system ?? {}) as JsonObject;
  const custom = asked.custom ?? {};
  const heldSystem = withUnset(session.constants.system, system);
  const unset = Object.keys(custom).map((key) => [key, null] as const);
  const heldCustom = Object.fromEntries([...unset, ...Object.entries(session.constants.custom)]);
  const conflicts = [
    layOver(heldSystem, system, '$.constants.system'),
    layOverCustom(heldCustom, custom, '$.constants.custom'),
  ];
  return conflicts.find((laid) => laid instanceof Refusal);
}

/** A constant that a session does not have: a flag is off, a timeout is "never". */
function offOrNull(asked: Json): Json {
  return typeof asked === 'boolean' ? false : null;
}

/** `held`, with unset values for what `asked` names beyond it, so that merging conflicts. */
function withUnset(held: JsonObject, asked: JsonObject): JsonObject {
  const named = new Map(Object.entries(held));
  for (const [key, value] of Object.entries(asked)) {
    const set = named.get(key);
    if (set === undefined) named.set(key, offOrNull(value));
    else if (isJsonObject(set) && isJsonObject(value)) named.set(key, withUnset(set, value));
  }
  return Object.fromEntries(named);
}
