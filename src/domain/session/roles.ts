/**
 * Roles: what a member is in a session. Of each role type a member has at most one role; a role
 * may have a maximum, which holds, and a target, which is only shown.
 *
 * Invariant: no role has more members than its maximum.
 *
 * @source docs/wire/sessions.md "Roles", docs/wire/sessions.md "Members"
 */

import * as v from 'valibot';
import { isJsonObject, type Json, type JsonObject, plainOutsideCustom } from '../json.ts';
import { limits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { exactObject, formatStep, integer, list, parseShape, text, titleObject } from '../shape.ts';
import {
  type Session,
  roleSettings,
  type RoleSetting,
  type Role,
  type RoleType,
  type RoleTypes,
} from './session.ts';

/** A role type in a write; null says nothing, but unsets `max` and `target`. */
export type RoleTypeRequest = {
  readonly ownerManaged?: boolean | null | undefined;
  readonly mutableRoleSettings?: readonly RoleSetting[] | null | undefined;
  readonly roles: Readonly<
    Record<string, { readonly [setting in RoleSetting]?: number | null | undefined }>
  >;
};

/** Role types of a write: new ones, or changed settings. */
export type RoleTypesRequest = Readonly<Record<string, RoleTypeRequest>>;

/** Roles that a write gives to one member, or, null, takes away; `path` is the member's there. */
export type RoleAssignment = {
  readonly index: number;
  readonly roles: Readonly<Record<string, string | null>>;
  readonly path: string;
};

/** The name of a role or a role type. */
export const roleNameShape = text(
  (given) => /^[a-z0-9]+$/.test(given) && given.length <= limits.nameCharactersMax,
  `a name of 1 to ${limits.nameCharactersMax} lower-case letters and digits`,
);

/** Which settings of a type's roles owners may change. */
export const mutableRoleSettingsShape = list(
  v.picklist(roleSettings, 'Expected "max" or "target"'),
  { lengthMax: limits.nameListMax },
  `an array of at most ${limits.nameListMax} names`,
);

/** The roles that a member asks for, by type; titles choose the keys, so all are checked. */
export const memberRolesShape = v.pipe(
  v.custom<Readonly<Record<string, string | null>>>(isJsonObject, 'Expected an object'),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    // Others are not looked for: each costs as much as a small request.
    const roles = dataset.value;
    const key = Object.keys(roles).find((one) => typeof (roles[one] ?? '') !== 'string');
    if (key === undefined) return;
    addIssue({
      message: 'Expected the name of a role, or null',
      path: [{ type: 'object', origin: 'value', input: roles, key, value: roles[key] } as never],
    });
  }),
);

const roleTypeRequestShape = exactObject({
  ownerManaged: v.nullish(v.boolean('Expected true or false')),
  mutableRoleSettings: v.nullish(mutableRoleSettingsShape),
  roles: v.nullish(titleObject),
});

const roleRequestShape = exactObject({
  max: v.nullish(integer(1)),
  target: v.nullish(integer(0)),
  // The server's own part of the document, which may be sent back.
  count: v.nullish(integer(0)),
  memberXuids: v.nullish(v.array(v.string('Expected a xuid'), 'Expected an array of xuids')),
});

/** A type or a role may be named "custom", whose numbers were left exact. */
const parsePlain: typeof parseShape = (schema, value, path) =>
  parseShape(schema, plainOutsideCustom(value as Json), path);

/** The role types that a body names. Refuses: requestInvalid. */
export function parseRoleTypesRequest(
  body: JsonObject,
  parse: typeof parseShape = parsePlain,
): RoleTypesRequest | Refusal {
  const types: [string, RoleTypeRequest][] = [];
  for (const [typeName, value] of Object.entries(body)) {
    const path = `$.roleTypes${formatStep(typeName)}`;
    const named = parseShape(roleNameShape, typeName, path);
    if (named instanceof Refusal) return named;
    const type = parse(roleTypeRequestShape, value, path);
    if (type instanceof Refusal) return type;
    const roles: [string, RoleTypeRequest['roles'][string]][] = [];
    // Each role is parsed as it was sent.
    const sent = value as typeof type;
    for (const [roleName, role] of Object.entries(sent.roles ?? {})) {
      const rolePath = `${path}.roles${formatStep(roleName)}`;
      const name = parseShape(roleNameShape, roleName, rolePath);
      if (name instanceof Refusal) return name;
      const parsed = parse(roleRequestShape, role, rolePath);
      if (parsed instanceof Refusal) return parsed;
      const { count: _count, memberXuids: _xuids, ...settings } = parsed;
      roles.push([roleName, settings]);
    }
    types.push([typeName, { ...type, roles: Object.fromEntries(roles) }]);
  }
  return Object.fromEntries(types);
}

/**
 * The role types of a new session: the template's, with the settings that the request may change,
 * and those that the request adds.
 *
 * Refuses: requestInvalid, roleSettingsFixed.
 */
export function createRoleTypes(
  template: RoleTypes | undefined,
  request: RoleTypesRequest = {},
  hasOwners = false,
): RoleTypes | undefined | Refusal {
  const known = new Map(Object.entries(template ?? {}));
  const asked = Object.entries(request);
  const added: [string, RoleType][] = [];
  for (const [typeName, type] of asked.filter(([name]) => !known.has(name))) {
    const path = `$.roleTypes${formatStep(typeName)}`;
    if (type.ownerManaged === true && !hasOwners) {
      return invalid(`${path}.ownerManaged`, 'needs the capability hasOwners');
    }
    const { ownerManaged, mutableRoleSettings, roles: asked, ...extra } = type;
    const roles = Object.entries(asked).map(([name, role]) => [name, tidy(role)] as const);
    const wrong = roles.find(([, role]) => !isTargetWithinMax(role));
    if (wrong) return targetAboveMax(`${path}.roles${formatStep(wrong[0])}`);
    added.push([
      typeName,
      {
        ...extra,
        ...(ownerManaged != null && { ownerManaged }),
        ...(mutableRoleSettings && { mutableRoleSettings }),
        roles: Object.fromEntries(roles),
      },
    ]);
  }
  const changed = changeRoleTypes(
    template,
    Object.fromEntries(asked.filter(([name]) => known.has(name))),
  );
  if (changed instanceof Refusal || added.length === 0) return changed;
  return Object.fromEntries([...Object.entries(changed ?? {}), ...added]);
}

/**
 * The role types with the settings that a write changes; `current` itself when it changes none.
 * Whether the writer may is decided elsewhere.
 *
 * Refuses: requestInvalid for an unknown type or role or a target above its max, roleSettingsFixed.
 */
export function changeRoleTypes(
  current: RoleTypes | undefined,
  request: RoleTypesRequest,
): RoleTypes | undefined | Refusal {
  let types = current;
  for (const [typeName, asked] of Object.entries(request)) {
    const path = `$.roleTypes${formatStep(typeName)}`;
    const type = ownOf(types, typeName);
    if (type === undefined) return noSuchType(path, typeName, current);
    const fixed = fixedSetting(type, asked);
    if (fixed !== undefined) return settingsFixed(`${path}.${fixed}`);
    for (const [roleName, settings] of Object.entries(asked.roles)) {
      const rolePath = `${path}.roles${formatStep(roleName)}`;
      const role = ownOf(type.roles, roleName);
      if (role === undefined) return noSuchRole(rolePath, typeName, type);
      const changed = roleSettings.filter(
        (setting) =>
          settings[setting] !== undefined && (settings[setting] ?? undefined) !== role[setting],
      );
      const locked = changed.find((setting) => !type.mutableRoleSettings?.includes(setting));
      if (locked !== undefined) return settingsFixed(`${rolePath}.${locked}`);
      if (changed.length === 0) continue;
      const written = tidy({ ...role, ...definedOf(settings) });
      if (!isTargetWithinMax(written)) return targetAboveMax(rolePath);
      types = withRole(types ?? {}, typeName, roleName, written);
    }
  }
  return types;
}

function withRole(types: RoleTypes, typeName: string, roleName: string, role: Role): RoleTypes {
  const type = ownOf(types, typeName) ?? { roles: {} };
  return withOwn(types, typeName, { ...type, roles: withOwn(type.roles, roleName, role) });
}

function fixedSetting(type: RoleType, asked: RoleTypeRequest): string | undefined {
  if (asked.ownerManaged != null && asked.ownerManaged !== (type.ownerManaged ?? false)) {
    return 'ownerManaged';
  }
  const held = type.mutableRoleSettings ?? [];
  const same = asked.mutableRoleSettings ?? held;
  const isSame = roleSettings.every((setting) => held.includes(setting) === same.includes(setting));
  return isSame ? undefined : 'mutableRoleSettings';
}

function definedOf(settings: RoleTypeRequest['roles'][string]): RoleTypeRequest['roles'][string] {
  const named = roleSettings.filter((setting) => settings[setting] !== undefined);
  return Object.fromEntries(named.map((setting) => [setting, settings[setting]]));
}

function tidy({ max, target, ...extra }: RoleTypeRequest['roles'][string]): Role {
  return { ...extra, ...(max != null && { max }), ...(target != null && { target }) };
}

/** True of a role whose target can be reached. */
export function isTargetWithinMax({ max, target }: Role): boolean {
  return (target ?? 0) <= (max ?? Infinity);
}

/**
 * The session with roles given and taken. Callers who may not write a member at all are refused
 * before; `managesRoles` says whether the writer may assign what only owners assign.
 *
 * Refuses: requestInvalid for an unknown member, role type or role; ownerRequired.
 */
export function assignRoles(
  session: Session,
  assignments: readonly RoleAssignment[],
  managesRoles: boolean,
): Session | Refusal {
  let assigned = session;
  for (const { index, roles, path } of assignments) {
    const member = assigned.members.find((one) => one.index === index);
    if (member === undefined) return invalid(path, `names no member of this session`);
    const changed = new Map(Object.entries(member.roles ?? {}));
    for (const [typeName, roleName] of Object.entries(roles)) {
      const rolePath = `${path}.roles${formatStep(typeName)}`;
      const type = ownOf(session.roleTypes, typeName);
      if (type === undefined) return noSuchType(rolePath, typeName, session.roleTypes);
      if (roleName !== null && ownOf(type.roles, roleName) === undefined) {
        return noSuchRole(rolePath, typeName, type);
      }
      if ((changed.get(typeName) ?? null) === roleName) continue;
      if (type.ownerManaged === true && !managesRoles) {
        return new Refusal(
          'ownerRequired',
          `Roles of type "${typeName}" are assigned by an owner of the session (ownerManaged).`,
          { detail: rolePath },
        );
      }
      if (roleName === null) changed.delete(typeName);
      else changed.set(typeName, roleName);
    }
    const { roles: _former, ...rest } = member;
    const written = changed.size === 0 ? rest : { ...rest, roles: Object.fromEntries(changed) };
    assigned = {
      ...assigned,
      members: assigned.members.map((one) => (one === member ? written : one)),
    };
  }
  return assigned;
}

/**
 * Undefined when no role has more members than its maximum. Checked once all roles of a write are
 * assigned, so that two members may change places in full roles.
 *
 * Refuses: roleFull.
 */
export function mayHoldRoles({ roleTypes = {}, members }: Session): Refusal | undefined {
  const holders = holdersOf(members);
  for (const [typeName, { roles }] of Object.entries(roleTypes)) {
    for (const [roleName, { max = Infinity }] of Object.entries(roles)) {
      const count = holders.get(typeName)?.get(roleName)?.length ?? 0;
      if (count > max) {
        return new Refusal(
          'roleFull',
          `Role "${roleName}" of type "${typeName}" is full: it is for at most ${max} and would have ${count}.`,
          { detail: `${typeName}.${roleName} max ${max}` },
        );
      }
    }
  }
  return undefined;
}

/** Xuids by role type and role. */
function holdersOf(
  members: Session['members'],
): ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> {
  const holders = new Map<string, Map<string, string[]>>();
  for (const { roles, xuid } of members) {
    for (const [typeName, roleName] of Object.entries(roles ?? {})) {
      const ofType = holders.get(typeName) ?? new Map<string, string[]>();
      const ofRole = ofType.get(roleName) ?? [];
      ofRole.push(xuid);
      holders.set(typeName, ofType.set(roleName, ofRole));
    }
  }
  return holders;
}

/**
 * Role types as documents and search results show them: each role with `count` and `memberXuids`.
 * Undefined when the session has none.
 */
export function viewRoleTypes({ roleTypes, members }: Session): JsonObject | undefined {
  if (roleTypes === undefined) return undefined;
  const holders = holdersOf(members);
  return mapValues(roleTypes, (type, typeName) => ({
    ...type,
    roles: mapValues(type.roles, (role, roleName) => {
      const memberXuids = holders.get(typeName)?.get(roleName) ?? [];
      return { ...role, count: memberXuids.length, memberXuids };
    }),
  }));
}

function mapValues<T>(
  object: Readonly<Record<string, T>>,
  view: (value: T, key: string) => JsonObject,
): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, view(value, key)]));
}

/** The value of this very key: every object inherits names such as "constructor". */
function ownOf<T>(object: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined;
}

function withOwn<T>(
  object: Readonly<Record<string, T>>,
  key: string,
  value: T,
): Readonly<Record<string, T>> {
  return Object.fromEntries(new Map(Object.entries(object)).set(key, value));
}

function noSuchType(path: string, typeName: string, types: RoleTypes | undefined): Refusal {
  return invalid(path, `names role type "${typeName}"; the session has ${listed(types ?? {})}`);
}

function noSuchRole(path: string, typeName: string, { roles }: RoleType): Refusal {
  return invalid(
    path,
    `names a role that type "${typeName}" does not have; it has ${listed(roles)}`,
  );
}

function listed(named: object): string {
  const names = Object.keys(named);
  return names.length === 0 ? 'none' : names.map((name) => `"${name}"`).join(', ');
}

function targetAboveMax(path: string): Refusal {
  return invalid(`${path}.target`, 'must be at most max');
}

function settingsFixed(path: string): Refusal {
  return new Refusal(
    'roleSettingsFixed',
    `${path} is fixed: owners may change of a role only what the mutableRoleSettings of its type list.`,
    { detail: path },
  );
}

function invalid(path: string, reason: string): Refusal {
  return new Refusal('requestInvalid', `${path} ${reason}.`, { detail: path });
}
