import type { Caller } from '../domain/caller.ts';
import { followersToAsk, type AccessFacts } from '../domain/session/access.ts';
import { ownersToAsk } from '../domain/session/owners.ts';
import type { Session } from '../domain/session/session.ts';
import type { People } from '../people/people.ts';
import type { World } from './world.ts';

/**
 * What access to this session depends on. People are asked only if it matters; whether an owner has
 * blocked the caller matters to a write alone.
 */
export async function gatherAccessFacts(
  { people }: World,
  session: Session,
  caller: Caller,
  granted: boolean,
  use: 'read' | 'write' = 'read',
): Promise<AccessFacts> {
  const followers = granted ? undefined : followersToAsk(session, caller);
  const followed =
    followers !== undefined &&
    caller.kind === 'user' &&
    (await people.anyFollows(followers, caller.xuid));
  const blockedByOwner = use === 'write' && (await isBlocked(people, session, caller));
  return { granted, followed, blockedByOwner };
}

async function isBlocked(people: People, session: Session, caller: Caller): Promise<boolean> {
  const owners = ownersToAsk(session, caller);
  if (owners === undefined || caller.kind !== 'user') return false;
  const avoids = await Promise.all(owners.map((owner) => people.avoids(owner, caller.xuid)));
  return avoids.includes(true);
}
