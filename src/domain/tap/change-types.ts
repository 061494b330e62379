/**
 * What kind of change a change is: the aspects of a session that a subscription can ask for.
 *
 * @source contract 9, wire 4.6
 */

import { jsonEquals } from '../json.ts';
import { tallyOf } from '../session/large.ts';
import {
  type MemberPropertiesSystem,
  restrictionsOf,
  type SessionPropertiesSystem,
} from '../session/properties.ts';
import type { changeTypes } from '../session/request.ts';
import type { Member, Session } from '../session/session.ts';

export type ChangeType = (typeof changeTypes)[number];

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
  allocateCloudCompute: 'everything',
  owners: 'everything',
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
};

/**
 * The types of the change from `before` to `next`: `everything`, of which every change is one, and
 * those that it is besides.
 */
export function changeTypesOf(before: Session, next: Session): ReadonlySet<ChangeType> {
  const types = new Set<ChangeType>(['everything']);
  if (before.properties !== next.properties) {
    addProperties(types, before.properties.system, next.properties.system, typeOfProperty);
    if (restrictionsOf(before).join !== restrictionsOf(next).join) types.add('joinability');
    if (!jsonEquals(before.properties.custom, next.properties.custom)) types.add('customProperty');
  }
  if (before.members !== next.members) addMembers(types, before, next);
  if (isFull(before) !== isFull(next)) types.add('joinability');
  if (
    !jsonEquals(before.initialization, next.initialization) ||
    !jsonEquals(before.hostCandidates, next.hostCandidates)
  ) {
    types.add('initialization');
  }
  if (before.servers !== next.servers) {
    const { matchmaking: former } = before.servers;
    const { matchmaking } = next.servers;
    if (!jsonEquals(former?.properties.system, matchmaking?.properties.system)) {
      types.add('matchmakingStatus');
    }
  }
  return types;
}

function addMembers(types: Set<ChangeType>, before: Session, next: Session): void {
  const left = new Map(before.members.map((member) => [member.index, member]));
  for (const member of next.members) {
    const former = left.get(member.index);
    left.delete(member.index);
    if (former === undefined) {
      types.add('membersList');
      if (Object.keys(member.properties.custom).length > 0) types.add('membersCustomProperty');
    } else if (former !== member) addMember(types, former, member);
  }
  if (left.size > 0) types.add('membersList');
}

function addMember(types: Set<ChangeType>, former: Member, member: Member): void {
  if (former.status !== member.status) {
    types.add('membersStatus');
    // Whoever held a seat only is now among those who are in.
    if (former.status === 'reserved') types.add('membersList');
  }
  if (
    former.initialize !== member.initialize ||
    former.initializationEpisode !== member.initializationEpisode ||
    former.initializationFailure !== member.initializationFailure
  ) {
    types.add('initialization');
  }
  const [before, next] = [former.properties, member.properties];
  if (before === next) return;
  addProperties(types, before.system, next.system, typeOfMemberProperty);
  if (!jsonEquals(before.custom, next.custom)) types.add('membersCustomProperty');
}

function addProperties<T extends object>(
  types: Set<ChangeType>,
  before: T,
  next: T,
  typeOf: Readonly<Record<keyof T, ChangeType>>,
): void {
  if (before === next) return;
  for (const field of Object.keys(typeOf) as (keyof T)[]) {
    if (!jsonEquals(before[field], next[field])) types.add(typeOf[field]);
  }
}

function isFull(session: Session): boolean {
  return tallyOf(session).count >= session.constants.system.maxMembersCount;
}
