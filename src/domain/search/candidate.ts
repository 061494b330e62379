/**
 * What a search sees of a session and its search handle: values and lists under the paths by which
 * filters name them, flat, so that a filter and an index need to know no field by itself.
 *
 * @source documented: session browse
 */

import type { SearchHandle } from '../handle/handle.ts';
import { isLarge, tallyOf, withoutRows } from '../session/large.ts';
import { ownersOf } from '../session/owners.ts';
import { restrictionsOf } from '../session/properties.ts';
import { keyOf, type SessionKey } from '../session/reference.ts';
import type { Member, Session } from '../session/session.ts';
import { parseTime, type Milliseconds } from '../time.ts';
import type { ListPath, SessionField } from './fields.ts';

export type SearchCandidate = {
  /** Of the session. */
  readonly key: SessionKey;
  /** Of the search handle. */
  readonly createTimeMs: Milliseconds;
  /** By path, `numbers/rank`; strings in lower case, times in milliseconds. What is absent is not. */
  readonly values: Readonly<Record<string, string | number | true>>;
  /** In lower case. Empty ones may be absent. */
  readonly lists: { readonly [list in ListPath]?: readonly string[] };
};

/**
 * The candidate that a session is by the search handle that it carries; undefined without one. Who
 * is in a large session is not told, only how many.
 */
export function candidateOf(whole: Session): SearchCandidate | undefined {
  const session = isLarge(whole) ? withoutRows(whole) : whole;
  const handle = session.searchHandle;
  if (handle === undefined) return undefined;
  const { searchAttributes: attributes } = handle;
  const lists: Required<SearchCandidate['lists']> = {
    tags: folded(attributes.tags),
    achievementIds: folded(attributes.achievementIds),
    'session/memberXuids': session.members.map(({ xuid }) => xuid),
    'session/ownerXuids': ownersOf(session).map(({ xuid }) => xuid),
    'session/keywords': folded(session.properties.system.keywords),
  };
  return {
    key: keyOf(session.reference),
    createTimeMs: handle.createTimeMs,
    values: {
      ...sessionValues(session, handle),
      ...roleValues(session),
      ...attributeValues(attributes),
    },
    lists: Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)),
  };
}

function attributeValues({
  numbers = {},
  strings = {},
  language,
  locale,
}: SearchHandle['searchAttributes']): SearchCandidate['values'] {
  return Object.fromEntries([
    ...Object.entries(numbers).map(([name, value]) => [`numbers/${name.toLowerCase()}`, value]),
    ...Object.entries(strings).map(([name, value]) => [
      `strings/${name.toLowerCase()}`,
      value.toLowerCase(),
    ]),
    ...(language === undefined ? [] : [['language', language.toLowerCase()]]),
    ...(locale === undefined ? [] : [['locale', locale.toLowerCase()]]),
  ]);
}

function sessionValues(
  session: Session,
  { createTimeMs, titleId, searchAttributes }: SearchHandle,
): SearchCandidate['values'] {
  const { reference, constants, properties } = session;
  const { visibility, inviteProtocol, maxMembersCount } = constants.system;
  const { join, read } = restrictionsOf(session);
  const membersCount = tallyOf(session).count;
  const registrationState = registrationStateOf(session);
  const { targetMembersCount } = searchAttributes;
  const { scheduledTime = '' } = properties.system;
  const scheduledTimeMs = parseTime(scheduledTime) ?? searchAttributes.scheduledTimeMs;
  return {
    'session/scid': reference.scid.toLowerCase(),
    'session/templateName': reference.templateName.toLowerCase(),
    'session/visibility': visibility,
    'session/joinRestriction': join,
    'session/readRestriction': read,
    'session/postedTime': createTimeMs,
    'session/membersCount': membersCount,
    'session/maxMembersCount': maxMembersCount,
    'session/maxMembersCountRemaining': maxMembersCount - membersCount,
    'session/needs': (targetMembersCount ?? maxMembersCount) - membersCount,
    ...(properties.system.closed && { 'session/closed': true as const }),
    ...(titleId !== undefined && { 'session/titleId': titleId }),
    ...(inviteProtocol !== undefined && { 'session/inviteProtocol': inviteProtocol }),
    ...(registrationState !== undefined && { 'session/registrationState': registrationState }),
    ...(scheduledTimeMs !== undefined && { 'session/scheduledTime': scheduledTimeMs }),
    ...(targetMembersCount !== undefined && {
      'session/targetMembersCount': targetMembersCount,
      'session/targetMembersCountRemaining': targetMembersCount - membersCount,
    }),
  } satisfies { readonly [field in SessionField]?: string | number | true };
}

/** Written by the service that runs the tournament. @source guess: unknowns.md "where session fields of filters come from" */
function registrationStateOf({ servers }: Session): string | undefined {
  const state = servers['tournaments']?.properties.system['registrationState'];
  return typeof state === 'string' ? state.toLowerCase() : undefined;
}

/** `session/roles/{type}/{role}/…`: how many hold a role, its target (else its max), what is missing. */
function roleValues({ roleTypes = {}, members }: Session): SearchCandidate['values'] {
  const values: [string, number][] = [];
  for (const [type, { roles }] of Object.entries(roleTypes)) {
    for (const [role, { target, max }] of Object.entries(roles)) {
      const count = members.filter((member) => hasRole(member, type, role)).length;
      const wanted = target ?? max;
      const path = `session/roles/${type}/${role}`.toLowerCase();
      values.push([`${path}/count`, count]);
      if (wanted !== undefined) {
        values.push([`${path}/target`, wanted], [`${path}/needs`, wanted - count]);
      }
    }
  }
  return Object.fromEntries(values);
}

function hasRole({ roles = {} }: Member, type: string, role: string): boolean {
  return Object.hasOwn(roles, type) && roles[type] === role;
}

function folded(list: readonly string[] = []): readonly string[] {
  return [...new Set(list.map((one) => one.toLowerCase()))];
}
