/**
 * Filters of searches, made of parts instead of text: quoted and put in parentheses as needed.
 *
 *     where.all(
 *       where.tag('micrequired'),
 *       where.number('rank', 'ge', 10),
 *       where.either(where.string('mode', 'eq', 'ctf'), where.session('membersCount', 'lt', 4)),
 *     )
 *
 * @source docs/wire/search.md "Filters"
 */

/** A condition on search handles and their sessions. */
export type SearchFilter = {
  readonly text: string;
  /** Its outermost operator: an `and` or `or` within another filter may need parentheses. */
  readonly joinedBy?: 'and' | 'or';
};

export type Operator = 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le';
type Equality = 'eq' | 'ne';

/** Numbers of a session that filters know. `needs`: how many more players it wants. */
export type SessionNumber =
  | 'membersCount'
  | 'maxMembersCount'
  | 'maxMembersCountRemaining'
  | 'targetMembersCount'
  | 'targetMembersCountRemaining'
  | 'needs';

/** Texts of a session that filters know. */
export type SessionString = 'scid' | 'templateName' | 'registrationState';

/** Parts of filters. Each throws a TypeError for a name or value that filters cannot contain. */
export const where = {
  /** Has the tag. */
  tag: (tag: string): SearchFilter => inList('tags', 'eq', tag),
  /** Does not have the tag. */
  noTag: (tag: string): SearchFilter => inList('tags', 'ne', tag),
  /** A number attribute; one that is missing satisfies only `ne`. */
  number: (name: string, operator: Operator, value: number): SearchFilter =>
    compare(`numbers/${attribute(name)}`, operator, numberText(value)),
  /** A string attribute, compared without regard to case; one that is missing satisfies only `ne`. */
  string: (name: string, operator: Equality, value: string): SearchFilter =>
    compare(`strings/${attribute(name)}`, operator, quote(value)),
  achievement: (id: string): SearchFilter => inList('achievementIds', 'eq', id),
  language: (operator: Equality, language: string): SearchFilter =>
    compare('language', operator, quote(language)),
  /** This user is in the session. */
  member: (xuid: string): SearchFilter => inList('session/memberXuids', 'eq', xuid),
  /** This user owns the session. */
  owner: (xuid: string): SearchFilter => inList('session/ownerXuids', 'eq', xuid),
  keyword: (keyword: string): SearchFilter => inList('session/keywords', 'eq', keyword),
  /** A count of the session. */
  session: (field: SessionNumber, operator: Operator, value: number): SearchFilter =>
    compare(`session/${attribute(field)}`, operator, numberText(value)),
  sessionText: (field: SessionString, operator: Equality, value: string): SearchFilter =>
    compare(`session/${attribute(field)}`, operator, quote(value)),
  scheduledTime: (operator: Operator, time: Date): SearchFilter =>
    compare('session/scheduledTime', operator, timeText(time)),
  postedTime: (operator: Operator, time: Date): SearchFilter =>
    compare('session/postedTime', operator, timeText(time)),
  /** Members in a role, their target number, or how many are missing. */
  role: (
    type: string,
    role: string,
    field: 'count' | 'target' | 'needs',
    operator: Operator,
    value: number,
  ): SearchFilter =>
    compare(
      `session/roles/${attribute(type)}/${attribute(role)}/${field}`,
      operator,
      numberText(value),
    ),
  /** All of these hold. */
  all: (...filters: readonly [SearchFilter, ...SearchFilter[]]): SearchFilter =>
    join('and', filters),
  /** One of these holds, or more. */
  either: (...filters: readonly [SearchFilter, ...SearchFilter[]]): SearchFilter =>
    join('or', filters),
  not: (filter: SearchFilter): SearchFilter => ({ text: `not (${filter.text})` }),
  /** A filter in the language of the server, between others. */
  raw: (text: string): SearchFilter => ({ text: `(${text})` }),
} as const;

function inList(list: string, operator: Equality, value: string): SearchFilter {
  return { text: `${list}/any(d:d ${operator} ${quote(value)})` };
}

function compare(name: string, operator: Operator, value: string): SearchFilter {
  return { text: `${name} ${operator} ${value}` };
}

function join(joinedBy: 'and' | 'or', filters: readonly SearchFilter[]): SearchFilter {
  const [only] = filters;
  if (filters.length === 1 && only !== undefined) return only;
  const parts = filters.map((filter) =>
    filter.joinedBy === undefined || filter.joinedBy === joinedBy
      ? filter.text
      : `(${filter.text})`,
  );
  return { text: parts.join(` ${joinedBy} `), joinedBy };
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function attribute(name: string): string {
  if (/^\w[\w-]*$/.test(name)) return name;
  throw new TypeError(`No filter can name ${JSON.stringify(name)}: letters, digits, _ and - only.`);
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  throw new TypeError(`No filter can say ${value}.`);
}

/** With the seven digits that every client writes. */
function timeText(time: Date): string {
  return `'${time.toISOString().slice(0, -1)}0000Z'`;
}
