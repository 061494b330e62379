/**
 * Change types: the aspects of a session that a subscription can ask for.
 *
 * @source docs/wire/rta.md "Taps"
 */

import { jsonEquals } from '../json.ts';
import { memberChanges } from '../session/session-change.ts';
import { restrictionsOf } from '../session/properties.ts';
import { changeTypes } from '../session/request.ts';
import type {
  Member,
  Session,
  MemberPropertiesSystem,
  SessionPropertiesSystem,
} from '../session/session.ts';

export type ChangeType = (typeof changeTypes)[number];

/**
 * A set of change types, one bit each, so that a subscription and a change are compared at once.
 */
export type ChangeTypes = number;

const bits: ReadonlyMap<string, ChangeTypes> = new Map(
  changeTypes.map((type, at) => [type.toLowerCase(), 1 << at]),
);

/** The types of these names, in any letter case; unknown names are ignored. */
export function parseChangeTypes(names: readonly string[]): ChangeTypes {
  return names.reduce((types, name) => types | (bits.get(name.toLowerCase()) ?? 0), 0);
}

/** The names of a set of types, in the order of the protocol. */
export function namesOfChangeTypes(types: ChangeTypes): readonly ChangeType[] {
  return changeTypes.filter((_type, at) => (types & (1 << at)) !== 0);
}

const everything = parseChangeTypes(['everything']);
const initialization = parseChangeTypes(['initialization']);
const joinability = parseChangeTypes(['joinability']);
const customProperty = parseChangeTypes(['customProperty']);
const matchmakingStatus = parseChangeTypes(['matchmakingStatus']);
const membersList = parseChangeTypes(['membersList']);
const membersStatus = parseChangeTypes(['membersStatus']);
const membersCustomProperty = parseChangeTypes(['membersCustomProperty']);
const roles = parseChangeTypes(['roles']);
/** Of every change of a member. @source docs/wire/unknowns.md "change types of party clients" */
const membersOnly = parseChangeTypes(['membersOnly']);

/** The type of a change of each field. Total: a new field must choose. */
const typeOfProperty: Readonly<Record<keyof SessionPropertiesSystem, ChangeType>> = {
  host: 'host',
  closed: 'joinability',
  locked: 'joinability',
  // Its type depends on what is in force, not on what was written: see `changeTypesOf`.
  joinRestriction: 'everything',
  readRestriction: 'everything',
  keywords: 'everything',
  turn: 'everything',
  matchmaking: 'everything',
  matchmakingResubmit: 'everything',
  serverConnectionStringCandidates: 'everything',
  allocateCloudCompute: 'cloudCompute',
  owners: 'everything',
  description: 'everything',
  searchHandleVisibility: 'everything',
  scheduledTime: 'scheduledTime',
};

/** The same for the fields of a member's properties. */
const typeOfMemberProperty: Readonly<Record<keyof MemberPropertiesSystem, ChangeType>> = {
  initializationGroup: 'initialization',
  connection: 'everything',
  subscription: 'everything',
  secureDeviceAddress: 'everything',
  groups: 'everything',
  measurements: 'everything',
  serverMeasurements: 'everything',
  rolePreference: 'everything',
  subscriptions: 'everything',
  secondarySubscriptions: 'everything',
};

const propertyTypes = typesByField(typeOfProperty);
const memberPropertyTypes = typesByField(typeOfMemberProperty);

/** The types by field, without fields that are only `everything`, which every change is. */
function typesByField<T extends object>(
  typeOf: Readonly<Record<keyof T, ChangeType>>,
): readonly (readonly [keyof T, ChangeTypes])[] {
  const fields = Object.keys(typeOf) as (keyof T)[];
  return fields
    .map((field) => [field, parseChangeTypes([typeOf[field]])] as const)
    .filter(([, type]) => type !== everything);
}

/**
 * The types of the change from `before` to `next`; every change is `everything` among others. Values
 * that both sessions share are not compared. `changes` are those of the members, where known.
 */
export function changeTypesOf(
  before: Session,
  next: Session,
  changes = memberChanges(before.members, next.members),
): ChangeTypes {
  let types = everything;
  if (before.properties !== next.properties) {
    types |= typesOfFields(before.properties.system, next.properties.system, propertyTypes);
    if (restrictionsOf(before).join !== restrictionsOf(next).join) types |= joinability;
    if (!jsonEquals(before.properties.custom, next.properties.custom)) types |= customProperty;
  }
  if (before.members !== next.members) {
    for (const { former, member } of changes) {
      types |= typesOfMember(former, member);
      if (!jsonEquals(former?.roles, member?.roles)) types |= roles;
    }
  }
  if (!jsonEquals(before.roleTypes, next.roleTypes)) types |= roles;
  if (isFull(before) !== isFull(next)) types |= joinability;
  if (
    !jsonEquals(before.initialization, next.initialization) ||
    !jsonEquals(before.hostCandidates, next.hostCandidates)
  ) {
    types |= initialization;
  }
  if (before.servers !== next.servers) {
    const { matchmaking: former } = before.servers;
    const { matchmaking } = next.servers;
    if (!jsonEquals(former?.properties.system, matchmaking?.properties.system)) {
      types |= matchmakingStatus;
    }
  }
  return types;
}

function typesOfMember(former: Member | undefined, member: Member | undefined): ChangeTypes {
  if (member === undefined) return membersList | membersOnly;
  if (former === undefined) {
    const hasCustom = Object.keys(member.properties.custom).length > 0;
    return membersList | membersOnly | (hasCustom ? membersCustomProperty : 0);
  }
  let types = membersOnly;
  if (former.status !== member.status) {
    types |= membersStatus;
    // A reservation was taken: there is one more member.
    if (former.status === 'reserved') types |= membersList;
  }
  if (
    former.initialize !== member.initialize ||
    former.initializationEpisode !== member.initializationEpisode ||
    former.initializationFailure !== member.initializationFailure
  ) {
    types |= initialization;
  }
  const [before, next] = [former.properties, member.properties];
  if (before === next) return types;
  types |= typesOfFields(before.system, next.system, memberPropertyTypes);
  if (!jsonEquals(before.custom, next.custom)) types |= membersCustomProperty;
  return types;
}

function typesOfFields<T extends object>(
  before: T,
  next: T,
  typesOf: readonly (readonly [keyof T, ChangeTypes])[],
): ChangeTypes {
  if (before === next) return 0;
  let types = 0;
  for (const [field, type] of typesOf) {
    if (!jsonEquals(before[field], next[field])) types |= type;
  }
  return types;
}

function isFull({ tally, members, constants }: Session): boolean {
  return (tally?.count ?? members.length) >= constants.system.maxMembersCount;
}
