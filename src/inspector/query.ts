/** What the lists of the inspector are asked for. */

import { isGuid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import { parseFilter } from '../domain/search/parser.ts';
import type { Filter } from '../domain/search/filter.ts';
import type { ChangeQuery } from './read-changes.ts';

/** A part of a list. */
export type Page = { readonly skip: number; readonly take: number };

export const sessionOrders = ['name', 'changed', 'created', 'members', 'due'] as const;

export type SessionQuery = Page & {
  /** Lower-case. */
  readonly scid: string | undefined;
  readonly template: string | undefined;
  readonly text: string | undefined;
  readonly filter: Filter | undefined;
  readonly order: (typeof sessionOrders)[number];
  readonly isReversed: boolean;
};

/** The page that a query asks for. Refuses: requestInvalid. */
export function parsePage(query: URLSearchParams): Page | Refusal {
  const skip = parseCount(query, 'skip', 0, { min: 0, max: 10_000_000 });
  if (skip instanceof Refusal) return skip;
  const take = parseCount(query, 'take', 100, { min: 1, max: 1_000 });
  return take instanceof Refusal ? take : { skip, take };
}

/** A whole number of a query. Refuses: requestInvalid. */
function parseCount(
  query: URLSearchParams,
  name: string,
  otherwise: number,
  { min, max }: { readonly min: number; readonly max: number },
): number | Refusal {
  const text = query.get(name);
  if (text === null) return otherwise;
  const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  return invalid(name, `a whole number from ${min} to ${max}`);
}

/** A text to look for, in lower case; undefined without one. */
export function parseText(query: URLSearchParams): string | undefined {
  const text = query.get('text')?.trim().toLowerCase();
  return text === '' ? undefined : text;
}

/** Which sessions are asked for. Refuses: requestInvalid, filterInvalid. */
export function parseSessionQuery(query: URLSearchParams): SessionQuery | Refusal {
  const page = parsePage(query);
  if (page instanceof Refusal) return page;
  const scid = query.get('scid') ?? undefined;
  if (scid !== undefined && !isGuid(scid)) return invalid('scid', 'a service config id (GUID)');
  const asked = query.get('order') ?? '-changed';
  const isReversed = asked.startsWith('-');
  const order = sessionOrders.find((one) => one === asked.slice(isReversed ? 1 : 0));
  if (order === undefined) {
    return invalid('order', `one of ${sessionOrders.join(', ')}, with "-" before it or without`);
  }
  const filterText = query.get('filter')?.trim() ?? '';
  const filter = filterText === '' ? undefined : parseFilter(filterText);
  if (filter instanceof Refusal) return filter;
  return {
    ...page,
    scid: scid?.toLowerCase(),
    template: query.get('template')?.toLowerCase(),
    text: parseText(query),
    filter,
    order,
    isReversed,
  };
}

export type ActivityQuery = {
  readonly after: number;
  readonly take: number;
  readonly isRefused: boolean;
  readonly text: string | undefined;
  readonly xuid: string | undefined;
  /** Lower-case. */
  readonly key: string | undefined;
};

/** Which rows of the log are asked for. Refuses: requestInvalid. */
export function parseActivityQuery(query: URLSearchParams): ActivityQuery | Refusal {
  const after = parseCount(query, 'after', 0, { min: 0, max: Number.MAX_SAFE_INTEGER });
  if (after instanceof Refusal) return after;
  const take = parseCount(query, 'take', 200, { min: 1, max: 2_000 });
  if (take instanceof Refusal) return take;
  return {
    after,
    take,
    isRefused: query.get('refused') === 'true',
    text: parseText(query),
    xuid: query.get('xuid') ?? undefined,
    key: query.get('key')?.toLowerCase(),
  };
}

/** Which changes of a session are asked for. Refuses: requestInvalid. */
export function parseChangeQuery(query: URLSearchParams): ChangeQuery | Refusal {
  const take = parseCount(query, 'take', 100, { min: 1, max: 1_000 });
  if (take instanceof Refusal) return take;
  const cursor = query.get('before');
  const [, branch = '', revision = ''] =
    /^([0-9a-f-]{36})\.([0-9]{1,15})$/i.exec(cursor ?? '') ?? [];
  if (cursor !== null && branch === '') return invalid('before', 'a cursor of an answer');
  return {
    take,
    before:
      cursor === null ? undefined : { branch: branch.toLowerCase(), revision: Number(revision) },
    hasDifferences: query.get('differences') === 'true',
  };
}

function invalid(name: string, expected: string): Refusal {
  return new Refusal('requestInvalid', `The query parameter "${name}" must be ${expected}.`, {
    detail: name,
  });
}
