import { Refusal } from '../refusal.ts';
import { etagOf } from './etag.ts';
import type { Session } from './session.ts';

/** The tags of an `If-Match` or `If-None-Match` header; `*` stands for any state. */
export type Preconditions = {
  readonly ifMatch?: readonly string[];
  readonly ifNoneMatch?: readonly string[];
};

/**
 * The preconditions of a request; an empty header counts as absent.
 *
 * A tag without quotes is taken as quoted. `If-None-Match` compares weakly, since balancers that
 * compress an answer make its tag a weak one; `If-Match` keeps `W/`, and such a tag matches nothing.
 *
 * @source docs/wire/sessions.md "Preconditions"
 */
export function parsePreconditions(
  headers: Readonly<Record<string, string | undefined>>,
): Preconditions {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers;
  if (match === undefined && noneMatch === undefined) return none;
  const ifMatch = parseTags(match);
  const ifNoneMatch = parseTags(noneMatch).map(withoutWeakness);
  return {
    ...(ifMatch.length > 0 && { ifMatch }),
    ...(ifNoneMatch.length > 0 && { ifNoneMatch }),
  };
}

const none: Preconditions = {};

function parseTags(header = ''): readonly string[] {
  return header
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '')
    .map(withQuotes);
}

const weakness = /^W\//i;

function withQuotes(tag: string): string {
  if (tag === '*' || tag.endsWith('"')) return tag;
  const [weak = ''] = weakness.exec(tag) ?? [];
  return `${weak}"${tag.slice(weak.length)}"`;
}

function withoutWeakness(tag: string): string {
  return tag.replace(weakness, '');
}

/** True when `tags` name the state of the session. */
export function matchesTags(session: Session | undefined, tags: readonly string[]): boolean {
  return session !== undefined && (tags.includes('*') || tags.includes(etagOf(session)));
}

/**
 * Undefined when a write may go on. For callers who may not read the session no ETag is current, so
 * the answer does not depend on it.
 *
 * Refuses: sessionExists, sessionMissing, etagDiffers, etagWeak.
 *
 * @source docs/wire/sessions.md "Preconditions"
 */
export function mayWriteUnder(
  { ifMatch, ifNoneMatch }: Preconditions,
  session: Session | undefined,
  isReadable: () => boolean = () => true,
): Refusal | undefined {
  const fits = (tags: readonly string[]): boolean =>
    isReadable() ? matchesTags(session, tags) : session !== undefined && tags.includes('*');
  if (ifNoneMatch && fits(ifNoneMatch)) {
    return new Refusal(
      'sessionExists',
      'The session exists already and If-None-Match asked that it does not.',
    );
  }
  if (ifMatch === undefined || fits(ifMatch)) return undefined;
  if (session === undefined) {
    return new Refusal(
      'sessionMissing',
      'The session does not exist and If-Match asked that it does.',
    );
  }
  const current = isReadable() ? { detail: etagOf(session) } : {};
  if (ifMatch.some((tag) => weakness.test(tag))) {
    return new Refusal(
      'etagWeak',
      'If-Match names a weak tag (W/"…"), which never matches a write; send the tag without W/.',
      current,
    );
  }
  return new Refusal(
    'etagDiffers',
    'The session has changed since the ETag in If-Match was read; write again with the current one.',
    current,
  );
}
