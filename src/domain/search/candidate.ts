/**
 * What a search sees of a session and its search handle: values and lists under the paths by which
 * filters name them, flat, so that a filter and an index know no single field.
 *
 * @source docs/wire/search.md "Filters"
 */

import type { SearchHandle } from '../handle/handle.ts';
import { isLarge, tallyOf, withoutRows } from '../session/large.ts';
import { ownersOf } from '../session/owners.ts';
import { restrictionsOf } from '../session/properties.ts';
import { keyOf, type SessionKey } from '../session/reference.ts';
import type { Member, Session } from '../session/session.ts';
import { parseTime, type Milliseconds } from '../time.ts';
import { isSessionField, listPaths, type ListPath, type SessionField } from './fields.ts';

export type SearchCandidate = {
  /** Of the session. */
  readonly key: SessionKey;
  /** Of the search handle. */
  readonly createTimeMs: Milliseconds;
  /** Fields that all sessions have or may have; strings in lower case, times in milliseconds. */
  readonly values: { readonly [field in SessionField]?: Value };
  /**
   * What clients choose the names of: attributes, roles and members of lists, in lower case.
   *
   *     lines  = "\n" { line "\n" }
   *     line   = field "=" value | letter of the list ":" value
   *
   * One text in place of objects, so that names which nobody else has cost no more than common ones.
   */
  readonly lines: string;
};

export type Value = string | number | true;

/**
 * The content of a candidate, by path: `numbers/rank`, `session/membersCount`. Absent values are
 * left out.
 */
export type CandidateValues = {
  readonly values: Readonly<Record<string, Value>>;
  readonly lists: { readonly [list in ListPath]?: readonly string[] };
};

/**
 * The candidate of a session with a search handle; undefined without one. Of a large session only
 * the number of members is known.
 */
export function candidateOf(whole: Session): SearchCandidate | undefined {
  return whole.searchHandle && candidateBy(whole, whole.searchHandle);
}

/**
 * What a filter sees of any session: one without a search handle has no attributes, and was posted when it
 * was created. Searches do not find it.
 */
export function anyCandidateOf(whole: Session): SearchCandidate {
  return candidateBy(
    whole,
    whole.searchHandle ?? { createTimeMs: whole.startTimeMs, searchAttributes: {} },
  );
}

type HandleParts = Pick<SearchHandle, 'createTimeMs' | 'searchAttributes' | 'titleId'>;

function candidateBy(whole: Session, handle: HandleParts): SearchCandidate {
  const session = isLarge(whole) ? withoutRows(whole) : whole;
  const { searchAttributes: attributes } = handle;
  return packCandidate(keyOf(session.reference), handle.createTimeMs, {
    values: {
      ...sessionValues(session, handle),
      ...roleValues(session),
      ...attributeValues(attributes),
    },
    lists: {
      tags: folded(attributes.tags),
      achievementIds: folded(attributes.achievementIds),
      'session/memberXuids': session.members.map(({ xuid }) => xuid),
      'session/ownerXuids': ownersOf(session).map(({ xuid }) => xuid),
      'session/keywords': folded(session.properties.system.keywords),
    },
  });
}

/** The candidate of this key with this content. */
export function packCandidate(
  key: SessionKey,
  createTimeMs: Milliseconds,
  { values, lists }: CandidateValues,
): SearchCandidate {
  const common: [string, Value][] = [];
  const lines: string[] = [''];
  for (const [field, value] of Object.entries(values)) {
    if (isSessionField(field)) common.push([field, value]);
    else lines.push(`${escaped(field)}=${escaped(String(value))}`);
  }
  for (const list of listPaths) {
    for (const member of lists[list] ?? []) lines.push(lineOf(list, member));
  }
  // Joined at once, so that the text is one piece of memory.
  const text = lines.length === 1 ? '' : [...lines, ''].join('\n');
  return { key, createTimeMs, values: Object.fromEntries(common), lines: text };
}

/** The value of the field; undefined when the candidate has none. */
export function fieldValue({ values, lines }: SearchCandidate, field: string): Value | undefined {
  if (isSessionField(field)) return values[field];
  const start = lines.indexOf(`\n${escaped(field)}=`);
  if (start === -1) return undefined;
  const from = start + escaped(field).length + 2;
  return parseValue(field, lines.slice(from, lines.indexOf('\n', from)));
}

/** True when the value, in lower case, is in the list. */
export function isOnList({ lines }: SearchCandidate, list: ListPath, value: string): boolean {
  return lines.includes(`\n${lineOf(list, value)}\n`);
}

/** A line of a candidate: a value, or a member of a list by the line itself. */
export type Line =
  | { readonly line: string; readonly field: string; readonly value: Value }
  | { readonly line: string; readonly list: ListPath; readonly member: string };

/** The lines of a candidate. */
export function linesOf({ lines }: SearchCandidate): readonly Line[] {
  return lines === '' ? [] : lines.slice(1, -1).split('\n').map(parseLine);
}

function parseLine(line: string): Line {
  if (line[1] === ':') {
    const list = listOfLetter[line[0] as ListLetter];
    return { line, list, member: unescaped(line.slice(2)) };
  }
  const end = line.indexOf('=');
  const field = unescaped(line.slice(0, end));
  return { line, field, value: parseValue(field, line.slice(end + 1)) };
}

/** The line of a member of a list. */
export function lineOf(list: ListPath, member: string): string {
  return `${letterOfList[list]}:${escaped(member)}`;
}

const letterOfList = {
  tags: 't',
  achievementIds: 'a',
  'session/memberXuids': 'm',
  'session/ownerXuids': 'o',
  'session/keywords': 'k',
} as const satisfies Record<ListPath, string>;

type ListLetter = (typeof letterOfList)[ListPath];

const listOfLetter = Object.fromEntries(
  Object.entries(letterOfList).map(([list, letter]) => [letter, list]),
) as Readonly<Record<ListLetter, ListPath>>;

function parseValue(field: string, text: string): Value {
  const isNumber = field.startsWith('numbers/') || field.startsWith('session/roles/');
  return isNumber ? Number(text) : unescaped(text);
}

/**
 * Without the characters that end a line or a field. No name of a field has a colon as its second
 * character.
 */
function escaped(text: string): string {
  return /[\\\n=]/.test(text)
    ? text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('=', '\\e')
    : text;
}

function unescaped(text: string): string {
  return text.includes('\\')
    ? text.replaceAll(/\\(.)/g, (_, letter) =>
        letter === 'n' ? '\n' : letter === 'e' ? '=' : '\\',
      )
    : text;
}

function attributeValues({
  numbers = {},
  strings = {},
  language,
  locale,
}: SearchHandle['searchAttributes']): CandidateValues['values'] {
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
  { createTimeMs, titleId, searchAttributes }: HandleParts,
): CandidateValues['values'] {
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

/** Written by the service that runs the tournament. @source docs/wire/unknowns.md "where session fields of filters come from" */
function registrationStateOf({ servers }: Session): string | undefined {
  const state = servers['tournaments']?.properties.system['registrationState'];
  return typeof state === 'string' ? state.toLowerCase() : undefined;
}

/**
 * `session/roles/{type}/{role}/…`: the number of members with a role, its target (else its max),
 * what is missing.
 */
function roleValues({ roleTypes = {}, members }: Session): CandidateValues['values'] {
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
