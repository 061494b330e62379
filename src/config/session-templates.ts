/**
 * One session template of a service config file, checked by the rules that a session created from
 * it would be held to.
 *
 * @source docs/wire/service-configs.md "Service configs and session templates", docs/wire/sessions.md "Constants", docs/wire/sessions.md "properties.system", docs/wire/sessions.md "Owners"
 */

import * as v from 'valibot';
import {
  formatJson,
  isJsonObject,
  type Json,
  type JsonObject,
  plainOutsideCustom,
} from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import {
  type ConstantsSystem,
  constantsProblems,
  constantsWarnings,
  resolveConstantsSystem,
} from '../domain/session/constants.ts';
import { hasOlderNames, newestContractVersion } from '../domain/session/contract-version.ts';
import { writeProperties } from '../domain/session/properties.ts';
import { type PropertiesRequest, propertiesRequest } from '../domain/session/request.ts';
import {
  isTargetWithinMax,
  mutableRoleSettingsShape,
  roleNameShape,
} from '../domain/session/roles.ts';
import type { Session, Role, RoleTypes } from '../domain/session/session.ts';
import type { SessionTemplate } from '../domain/session/template.ts';
import { writtenConstantsIn } from '../domain/session/written-constants.ts';
import { exactObject, formatStep, integer, titleObject } from '../domain/shape.ts';
import { parseOrReport, type Report } from './config-problem.ts';

const contractVersions = [104, 105, 107] as const;

const templateShape = exactObject({
  contractVersion: v.picklist(contractVersions, 'Expected 104, 105 or 107'),
  constants: titleObject,
  properties: v.optional(titleObject),
  roleTypes: v.optional(titleObject),
});

/** The template of this name; undefined when problems were reported. */
export function parseSessionTemplate(
  name: string,
  raw: Json,
  path: string,
  report: Report,
): SessionTemplate | undefined {
  const plain = plainOutsideCustom(raw);
  const template = parseOrReport(templateShape, plain, path, report);
  // The parts are looked at in any case, so that no problem hides another.
  const parts = isJsonObject(plain) ? plain : {};
  const contractVersion =
    contractVersions.find((one) => one === parts.contractVersion) ?? newestContractVersion;
  const constants = parseConstants(parts.constants, contractVersion, path, report);
  const resolved = constants && resolveConstantsSystem(constants.system, contractVersion);
  if (resolved) reportConstants(resolved, contractVersion, path, report);
  const properties = parseProperties(parts.properties, resolved, path, report);
  const roleTypes = parseRoleTypes(parts.roleTypes, resolved, path, report);
  if (template === undefined || constants === undefined || properties === undefined) {
    return undefined;
  }
  return { name, contractVersion, constants, properties, ...(roleTypes && { roleTypes }) };
}

function parseConstants(
  constants: Json | undefined,
  contractVersion: number,
  path: string,
  report: Report,
): SessionTemplate['constants'] | undefined {
  if (!isJsonObject(constants)) return undefined;
  const shape = writtenConstantsIn(contractVersion);
  const parsed = parseOrReport(shape, constants, `${path}.constants`, report);
  return parsed && { system: (parsed.system ?? {}) as JsonObject, custom: parsed.custom ?? {} };
}

function reportConstants(
  resolved: ConstantsSystem,
  contractVersion: number,
  path: string,
  report: Report,
): void {
  for (const problem of constantsProblems(resolved)) {
    const name = hasOlderNames(contractVersion)
      ? problem.path.replace(/^memberInitialization/, 'managedInitialization')
      : problem.path;
    report(`${path}.constants.system.${name}`, problem.reason);
  }
  for (const warning of constantsWarnings(resolved)) {
    report(`${path}.constants.system.${warning.path}`, warning.reason, 'warning');
  }
}

/** What only a session that is there can have. */
const notInTemplates = ['turn', 'host', 'initializationSucceeded', 'owners'] as const;

function parseProperties(
  properties: Json | undefined,
  resolved: ConstantsSystem | undefined,
  path: string,
  report: Report,
): SessionTemplate['properties'] | undefined {
  if (properties === undefined) return { system: {}, custom: {} };
  if (!isJsonObject(properties)) return undefined;
  const parsed = parseOrReport(propertiesRequest, properties, `${path}.properties`, report);
  if (parsed === undefined || resolved === undefined) return undefined;
  const system = new Map(Object.entries(parsed.system ?? {}));
  for (const field of notInTemplates) {
    if (!system.delete(field)) continue;
    report(
      `${path}.properties.system.${field}`,
      'A template cannot set this: it is about members of one session; remove it',
    );
  }
  // A write names the first rule it breaks; without that field it names the next.
  for (;;) {
    const request: PropertiesRequest = { ...parsed, system: Object.fromEntries(system) };
    const written = writeProperties(emptySession(resolved), request);
    if (!(written instanceof Refusal)) return written.properties;
    const place = written.detail ?? '$.properties';
    report(`${path}${place.slice(1)}`, reasonOf(written, place));
    if (!system.delete(place.split('.')[3] ?? '')) return undefined;
  }
}

/** The text of a refusal without the place that it begins with. */
function reasonOf({ text }: Refusal, place: string): string {
  return (text.startsWith(place) ? text.slice(place.length) : text).trim().replace(/\.$/, '');
}

/** A session with these constants and nothing else: what a template's properties are written to. */
function emptySession(system: ConstantsSystem): Session {
  const none = '00000000-0000-0000-0000-000000000000';
  return {
    reference: { scid: none, templateName: 'none', name: 'none' },
    branch: none,
    changeNumber: 1,
    correlationId: none,
    startTimeMs: 0,
    constants: { system, custom: {} },
    properties: { system: {}, custom: {} },
    members: [],
    nextMemberIndex: 0,
    servers: {},
    formerXuids: [],
  };
}

const roleTypeShape = exactObject({
  ownerManaged: v.optional(v.boolean('Expected true or false')),
  mutableRoleSettings: v.optional(mutableRoleSettingsShape),
  roles: titleObject,
});

const roleShape = v.pipe(
  exactObject({ max: v.optional(integer(1)), target: v.optional(integer(0)) }),
  v.forward(
    v.check(
      ({ max, target }) => isTargetWithinMax({ max, target } as Role),
      'Expected at most max',
    ),
    ['target'],
  ),
);

/** The role types with ordinary numbers; what is wrong with them is reported. */
function parseRoleTypes(
  roleTypes: Json | undefined,
  resolved: ConstantsSystem | undefined,
  path: string,
  report: Report,
): RoleTypes | undefined {
  if (!isJsonObject(roleTypes)) return undefined;
  // A role may be named "custom", whose numbers were left exact.
  const plain: JsonObject = JSON.parse(formatJson(roleTypes));
  for (const [typeName, value] of Object.entries(plain)) {
    const place = `${path}.roleTypes${formatStep(typeName)}`;
    parseOrReport(roleNameShape, typeName, place, report);
    const roleType = parseOrReport(roleTypeShape, value, place, report);
    if (roleType?.ownerManaged && resolved && !resolved.capabilities.hasOwners) {
      report(`${place}.ownerManaged`, 'needs capability hasOwners');
    }
    const roles = isJsonObject(value) ? value.roles : undefined;
    for (const [roleName, role] of isJsonObject(roles) ? Object.entries(roles) : []) {
      const rolePlace = `${place}.roles${formatStep(roleName)}`;
      parseOrReport(roleNameShape, roleName, rolePlace, report);
      parseOrReport(roleShape, role, rolePlace, report);
    }
  }
  // With problems reported nobody gets to see it.
  return plain as unknown as RoleTypes;
}
