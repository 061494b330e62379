/** Gamertags by xuid, as far as the page has heard them: one user has one name on every page. */

import { signal } from '@preact/signals';

/** By the tokens of requests, which are the newest, and by the members of sessions. */
const byRequest = new Map<string, string>();
const bySession = new Map<string, string>();

/** Rises when a name has changed: what shows a name reads it. */
const version = signal(0);

/** Takes the name that a request, or else a session, gives a user. */
export function hearName(
  { xuid, gamertag }: { readonly xuid?: string; readonly gamertag?: string },
  from: 'request' | 'session',
): void {
  if (xuid === undefined || gamertag === undefined) return;
  const names = from === 'request' ? byRequest : bySession;
  if (names.get(xuid) === gamertag) return;
  names.set(xuid, gamertag);
  version.value += 1;
}

/** The name of a user: the newest that was heard, else `gamertag`, else the xuid. */
export function nameOf({
  xuid,
  gamertag,
}: {
  readonly xuid: string;
  readonly gamertag?: string;
}): string {
  version.value;
  return byRequest.get(xuid) ?? bySession.get(xuid) ?? gamertag ?? xuid;
}
