import type { Caller } from '../domain/caller.ts';
import type { Guid, Xuid } from '../domain/ids.ts';
import { followersToAsk, type AccessFacts } from '../domain/session/access.ts';
import { ownersToAsk } from '../domain/session/owners.ts';
import type { Session } from '../domain/session/session.ts';
import type { SessionTemplate } from '../domain/session/template.ts';
import { connectionToAsk, type SessionWrite, type WriteFacts } from '../domain/session/write.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { People } from '../people/people.ts';
import type { Context } from './context.ts';
import { hasEnded } from './live-nodes.ts';

/**
 * All that a write depends on beside the session. There is a promise only where people or another
 * node must be asked.
 */
export function gatherWriteFacts(
  context: Context,
  session: Session | undefined,
  write: SessionWrite,
  { template, granted }: { readonly template: SessionTemplate; readonly granted: boolean },
  nowMs: Milliseconds,
): WriteFacts | Promise<WriteFacts> {
  const { ids, settings } = context;
  const access = gatherAccessFacts(context, session, write.caller, granted, 'write');
  const connection = connectionToAsk(session, write);
  const ended = connection === undefined ? false : hasEnded(context, connection);
  const facts = (known: AccessFacts, isEnded: boolean): WriteFacts => ({
    ...known,
    isEnded: (one: Guid) => isEnded && one === connection,
    graces: settings,
    template,
    nowMs,
    // Drawn when it is asked for: only a new session has need of it.
    get freshGuid() {
      return ids.guid();
    },
    deviceTokenKey: settings.deviceTokenKey,
  });
  return access instanceof Promise || ended instanceof Promise
    ? Promise.all([access, ended]).then(([known, isEnded]) => facts(known, isEnded))
    : facts(access, ended);
}

/**
 * What access to a session depends on; to one that is not there, on nobody. People are asked only if
 * it matters, and without need there is no promise. Whether an owner has blocked the caller matters
 * to a write alone.
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
