import type { Caller } from '../domain/caller.ts';
import type { Xuid } from '../domain/ids.ts';
import { followersToAsk, type AccessFacts } from '../domain/session/access.ts';
import { ownersToAsk } from '../domain/session/owners.ts';
import type { Session } from '../domain/session/session.ts';
import type { People } from '../people/people.ts';
import type { Context } from './context.ts';

/**
 * What access to a session depends on; to one that is not there, on nobody. People are asked only if
 * it matters, and without need there is no promise, so that what is decided is committed before
 * anybody else gets a turn. Whether an owner has blocked the caller matters to a write alone.
 */
export function gatherAccessFacts(
  { people }: Context,
  session: Session | undefined,
  caller: Caller,
  granted: boolean,
  use: 'read' | 'write' = 'read',
): AccessFacts | Promise<AccessFacts> {
  const followers = session && !granted ? followersToAsk(session, caller) : undefined;
  const owners = session && use === 'write' ? ownersToAsk(session, caller) : undefined;
  return caller.kind === 'service' || (followers === undefined && owners === undefined)
    ? { granted, followed: false, blockedByOwner: false }
    : askPeople(people, caller.xuid, { granted, followers, owners });
}

async function askPeople(
  people: People,
  xuid: Xuid,
  {
    granted,
    followers,
    owners = [],
  }: {
    readonly granted: boolean;
    readonly followers: readonly Xuid[] | undefined;
    readonly owners: readonly Xuid[] | undefined;
  },
): Promise<AccessFacts> {
  const followed = followers !== undefined && (await people.anyFollows(followers, xuid));
  const avoids = await Promise.all(owners.map((owner) => people.avoids(owner, xuid)));
  return { granted, followed, blockedByOwner: avoids.includes(true) };
}
