/**
 * How much one write may ask for and one session may hold: settings of the server, so that one
 * client cannot use up what all share. Items are counted before any is parsed; sizes are checked of
 * the session that a write would leave.
 *
 * @source docs/wire/sessions.md "Bounds"
 */

import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { Refusal, type RefusalCode } from '../refusal.ts';
import { formatStep } from '../shape.ts';
import type { Milliseconds } from '../time.ts';

export type SessionBounds = {
  /** UTF-8 of constants, properties, role types, members and servers as clients read them. */
  readonly documentBytesMax: number;
  /** UTF-8 of one member as clients read it. */
  readonly memberBytesMax: number;
  /** Role types that a write names. */
  readonly roleTypesMax: number;
  /** Roles of one type that a write names. */
  readonly rolesMax: number;
  /** Items of an array, or of an object with keys that clients choose, in a system object; servers. */
  readonly itemsMax: number;
  /** Reservations, and members by index, of one write together. */
  readonly writeMembersMax: number;
  /** How long a session stays without members, where its template does not say. */
  readonly emptyMsMax: Milliseconds;
};

/** The defaults. */
export const defaultBounds: SessionBounds = {
  documentBytesMax: 1_048_576,
  memberBytesMax: 65_536,
  roleTypesMax: 100,
  rolesMax: 100,
  itemsMax: 1_000,
  writeMembersMax: 200,
  emptyMsMax: 86_400_000,
};

/**
 * Undefined when a session body is within the limits.
 *
 * Refuses: tooManyMembers, tooManyRoles, tooManyItems.
 */
export function mayAskForSoMany(body: JsonObject, bounds: SessionBounds): Refusal | undefined {
  const { members, roleTypes, servers } = body;
  const { writeMembersMax, itemsMax } = bounds;
  return (
    tooMany('tooManyMembers', '$.members', isJsonObject(members) ? members : {}, writeMembersMax) ??
    tooMany('tooManyItems', '$.servers', isJsonObject(servers) ? servers : {}, itemsMax) ??
    tooManyRoles(roleTypes, bounds) ??
    tooManyItems(body['constants'], '$.constants', bounds) ??
    tooManyItems(body['properties'], '$.properties', bounds) ??
    tooManyOfMembers(members, bounds)
  );
}

/**
 * The same for a body that is `properties` only, named from its own root.
 *
 * Refuses: tooManyItems.
 */
export function mayAskForSoManyProperties(
  body: JsonObject,
  bounds: SessionBounds,
): Refusal | undefined {
  return tooManyItems(body, '$', bounds);
}

/** The same for a body that is one member only, named from its own root. Refuses: tooManyItems. */
export function mayAskForSoManyOfMember(
  body: JsonObject,
  bounds: SessionBounds,
): Refusal | undefined {
  return tooManyItems(body['properties'], '$.properties', bounds);
}

function tooManyOfMembers(members: Json | undefined, bounds: SessionBounds): Refusal | undefined {
  if (!isJsonObject(members)) return undefined;
  for (const key in members) {
    const member = members[key];
    if (!isJsonObject(member)) continue;
    const refusal = tooManyItems(
      member['properties'],
      `$.members${formatStep(key)}.properties`,
      bounds,
    );
    if (refusal) return refusal;
  }
  return undefined;
}

function tooManyRoles(
  roleTypes: Json | undefined,
  { roleTypesMax, rolesMax }: SessionBounds,
): Refusal | undefined {
  if (!isJsonObject(roleTypes)) return undefined;
  const refusal = tooMany('tooManyRoles', '$.roleTypes', roleTypes, roleTypesMax);
  if (refusal) return refusal;
  for (const [name, type] of Object.entries(roleTypes)) {
    const roles = isJsonObject(type) ? type['roles'] : undefined;
    const path = `$.roleTypes${formatStep(name)}.roles`;
    const ofType = isJsonObject(roles) && tooMany('tooManyRoles', path, roles, rolesMax);
    if (ofType) return ofType;
  }
  return undefined;
}

/** Objects in a system object whose keys clients choose and whose values the server reads. */
const keyedFields: ReadonlySet<string> = new Set([
  'measurements',
  'serverMeasurements',
  'secondarySubscriptions',
  'measurementServerAddresses',
]);

/** Checks the members of a system object that have items. */
function tooManyItems(
  part: Json | undefined,
  path: string,
  { itemsMax }: SessionBounds,
): Refusal | undefined {
  const system = isJsonObject(part) ? part['system'] : undefined;
  if (!isJsonObject(system)) return undefined;
  for (const field in system) {
    const value = system[field];
    if (typeof value !== 'object' || value === null) continue;
    if (!Array.isArray(value) && !keyedFields.has(field)) continue;
    const refusal = tooMany('tooManyItems', `${path}.system.${field}`, value, itemsMax);
    if (refusal) return refusal;
  }
  return undefined;
}

function tooMany(code: RefusalCode, path: string, given: object, max: number): Refusal | undefined {
  const count = Array.isArray(given) ? given.length : countUpTo(given, max + 1);
  return count <= max
    ? undefined
    : new Refusal(code, `${path}: Expected at most ${max}.`, { detail: `${path} max ${max}` });
}

/** The number of keys, counted up to `max`. */
function countUpTo(object: object, max: number): number {
  let count = 0;
  for (const _ in object) {
    count += 1;
    if (count === max) break;
  }
  return count;
}
