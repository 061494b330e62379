/**
 * What a filter and an order can name. All names compare without regard to case.
 *
 *     tags  achievementIds  session/keywords       lists
 *     session/memberXuids  session/ownerXuids      lists; `session/` may be left out
 *     tags/{tag}                                   is the tag there
 *     numbers/{name}  strings/{name}               attributes; `number`, `string`, `tag` are the same
 *     language  locale                             strings
 *     session/{field}                              see the table
 *     session/roles/{type}/{role}/{field}          count, target, needs
 *
 * @source docs/wire/search.md "POST /handles/query"
 */

export const listPaths = [
  'tags',
  'achievementIds',
  'session/memberXuids',
  'session/ownerXuids',
  'session/keywords',
] as const;
export type ListPath = (typeof listPaths)[number];

/** True of the paths of lists. */
export function isList(path: string): path is ListPath {
  return (listPaths as readonly string[]).includes(path);
}

/** The meaning of a path. `field` and `list` are as candidates are keyed. */
export type PathTarget =
  | { readonly kind: 'list'; readonly list: ListPath }
  | { readonly kind: 'member'; readonly list: ListPath; readonly value: string }
  | { readonly kind: 'flag' | 'id' | 'number' | 'string' | 'time'; readonly field: string };

const sessionFields = {
  closed: 'flag',
  inviteProtocol: 'string',
  joinRestriction: 'string',
  maxMembersCount: 'number',
  maxMembersCountRemaining: 'number',
  membersCount: 'number',
  needs: 'number',
  postedTime: 'time',
  readRestriction: 'string',
  registrationState: 'string',
  scheduledTime: 'time',
  scid: 'string',
  targetMembersCount: 'number',
  targetMembersCountRemaining: 'number',
  templateName: 'string',
  titleId: 'id',
  visibility: 'string',
} as const;

/** A field of the session as candidates are keyed. */
export type SessionField = `session/${keyof typeof sessionFields}`;

const sessionFieldPaths: ReadonlySet<string> = new Set(
  Object.keys(sessionFields).map((name) => `session/${name}`),
);

/** True of the paths of fields of the session; not of attributes and roles. */
export function isSessionField(path: string): path is SessionField {
  return sessionFieldPaths.has(path);
}

/** Strings that are equal for most candidates: no order and no index by them would help. */
export const commonFields: ReadonlySet<string> = new Set<SessionField>([
  'session/scid',
  'session/visibility',
  'session/joinRestriction',
  'session/readRestriction',
  'session/inviteProtocol',
  'session/titleId',
]);

/** By lower-case path. */
const known = new Map<string, PathTarget>([
  ...listPaths.map((list): [string, PathTarget] => [list.toLowerCase(), { kind: 'list', list }]),
  ['memberxuids', { kind: 'list', list: 'session/memberXuids' }],
  ['ownerxuids', { kind: 'list', list: 'session/ownerXuids' }],
  ['language', { kind: 'string', field: 'language' }],
  ['locale', { kind: 'string', field: 'locale' }],
  ...Object.entries(sessionFields).map(([name, kind]): [string, PathTarget] => [
    `session/${name.toLowerCase()}`,
    { kind, field: `session/${name}` },
  ]),
]);

const attributePath = /^(tag|number|string)s?\/([^/]+)$/;
const rolePath = /^session\/roles\/[^/]+\/[^/]+\/(count|target|needs)$/;

/** The field or list of `path`; undefined when nothing has that name. */
export function resolvePath(path: string): PathTarget | undefined {
  const folded = path.toLowerCase();
  const named = known.get(folded);
  if (named !== undefined) return named;
  const [, kind, name = ''] = attributePath.exec(folded) ?? [];
  switch (kind) {
    case 'tag':
      return { kind: 'member', list: 'tags', value: name };
    case 'number':
    case 'string':
      return { kind, field: `${kind}s/${name}` };
    default:
      return rolePath.test(folded) ? { kind: 'number', field: folded } : undefined;
  }
}

/** True of fields whose values are times, written as texts. */
export function isTimeField(field: string): boolean {
  return known.get(field.toLowerCase())?.kind === 'time';
}

/** What `resolvePath` expects, to complete "Expected …". */
export const pathExpectation =
  'tags, numbers/{name}, strings/{name}, achievementIds, language, locale or session/{field}';
