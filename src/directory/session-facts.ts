import type { Caller } from '../domain/caller.ts';
import { followersToAsk, type AccessFacts } from '../domain/session/access.ts';
import type { Session } from '../domain/session/session.ts';
import type { World } from './world.ts';

/** What access to this session depends on; people are asked only if a restriction asks. */
export async function gatherAccessFacts(
  { people }: World,
  session: Session,
  caller: Caller,
  granted: boolean,
): Promise<AccessFacts> {
  const followers = granted ? undefined : followersToAsk(session, caller);
  const followed =
    followers !== undefined &&
    caller.kind === 'user' &&
    (await people.anyFollows(followers, caller.xuid));
  return { granted, followed };
}
