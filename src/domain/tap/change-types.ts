/**
 * What kind of change a change is: the aspects of a session that a subscription can ask for.
 *
 * @source contract 9, wire 4.6
 */

import { jsonEquals } from '../json.ts';
import { memberChanges } from '../session/member-changes.ts';
import {
  type MemberPropertiesSystem,
  restrictionsOf,
  type SessionPropertiesSystem,
} from '../session/properties.ts';
import { changeTypes } from '../session/request.ts';
import type { Member, Session } from '../session/session.ts';

export type ChangeType = (typeof changeTypes)[number];

/** Some change types as one number, so that what is asked for and what happened meet in one step. */
export type ChangeTypes = number;

const bits: ReadonlyMap<string, ChangeTypes> = new Map(
  changeTypes.map((type, at) => [type.toLowerCase(), 1 << at]),
);

/** The types of these names, which clients write in any case; names of none count for nothing. */
export function parseChangeTypes(names: readonly string[]): ChangeTypes {
  return names.reduce((types, name) => types | (bits.get(name.toLowerCase()) ?? 0), 0);
}

/** The names of the types, in the order in which they are known. */
export function formatChangeTypes(types: ChangeTypes): readonly ChangeType[] {
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
/** Of every change of a member. @source guess: unknowns.md "change types of party clients" */
const membersOnly = parseChangeTypes(['membersOnly']);

/** Which type a change of each field is. Total: a new field must choose. */
const typeOfProperty: Readonly<Record<keyof SessionPropertiesSystem, ChangeType>> = {
  host: 'host',
  closed: 'joinability',
  locked: 'joinability',
  // What is in force counts, not what was written; see below.
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

/** Which type a change of each field of a member's properties is. Total as well. */
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

/** Without the fields whose change is `everything` and nothing else: every change is that. */
function typesByField<T extends object>(
  typeOf: Readonly<Record<keyof T, ChangeType>>,
): readonly (readonly [keyof T, ChangeTypes])[] {
  const fields = Object.keys(typeOf) as (keyof T)[];
  return fields
    .map((field) => [field, parseChangeTypes([typeOf[field]])] as const)
    .filter(([, type]) => type !== everything);
}

/**
 * The types of the change from `before` to `next`: `everything`, of which every change is one, and
 * those that it is besides. What both sessions share is not looked into.
 */
export function changeTypesOf(before: Session, next: Session): ChangeTypes {
  let types = everything;
  if (before.properties !== next.properties) {
    types |= typesOfFields(before.properties.system, next.properties.system, propertyTypes);
    if (restrictionsOf(before).join !== restrictionsOf(next).join) types |= joinability;
    if (!jsonEquals(before.properties.custom, next.properties.custom)) types |= customProperty;
  }
  if (before.members !== next.members) {
    for (const { former, member } of memberChanges(before.members, next.members)) {
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
    // Whoever held a seat only is now among those who are in.
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
