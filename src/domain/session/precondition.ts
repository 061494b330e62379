import { Refusal } from '../refusal.ts';
import { etagOf } from './etag.ts';
import type { Session } from './session.ts';

/** The tags of an `If-Match` or `If-None-Match` header; `*` stands for any state. */
export type Preconditions = {
  readonly ifMatch?: readonly string[];
  readonly ifNoneMatch?: readonly string[];
};

/** The preconditions of a request; an empty header counts as absent. @source contract 4, 5 */
export function parsePreconditions(
  headers: Readonly<Record<string, string | undefined>>,
): Preconditions {
  const tagsOf = (header: string | undefined): readonly string[] =>
    (header ?? '')
      .split(',')
      .map((tag) => tag.trim())
      .filter((tag) => tag !== '');
  const ifMatch = tagsOf(headers['if-match']);
  const ifNoneMatch = tagsOf(headers['if-none-match']);
  return {
    ...(ifMatch.length > 0 && { ifMatch }),
    ...(ifNoneMatch.length > 0 && { ifNoneMatch }),
  };
}

/** True when the session is in one of the states that `tags` name. */
export function matchesTags(session: Session | undefined, tags: readonly string[]): boolean {
  return session !== undefined && (tags.includes('*') || tags.includes(etagOf(session)));
}

/**
 * Nothing when a write may go on.
 *
 * Refuses: sessionExists, sessionMissing, etagDiffers.
 *
 * @source contract 4, step 2
 */
export function mayWriteUnder(
  { ifMatch, ifNoneMatch }: Preconditions,
  session: Session | undefined,
): Refusal | undefined {
  if (ifNoneMatch && matchesTags(session, ifNoneMatch)) {
    return new Refusal(
      'sessionExists',
      'The session exists already and If-None-Match asked that it does not.',
    );
  }
  if (ifMatch === undefined || matchesTags(session, ifMatch)) return undefined;
  return session === undefined
    ? new Refusal('sessionMissing', 'The session does not exist and If-Match asked that it does.')
    : new Refusal(
        'etagDiffers',
        'The session has changed since the ETag in If-Match was read; write again with the current one.',
        { detail: etagOf(session) },
      );
}
