import type { ActivityHandle } from '../domain/handle/handle.ts';
import type { Xuid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import { parseSessionKey, type SessionKey } from '../domain/session/reference.ts';
import { memberOf, type Member, type Session } from '../domain/session/session.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Context } from './context.ts';
import { confirmingSession } from './query-handles.ts';
import { readCurrent } from './transact.ts';

/** A session, and the member that a user is in it. */
export type SessionOfUser = { readonly session: Session; readonly member: Member };

const pageMax = 100;

/**
 * The sessions that a user is in, or has a reserved seat in, at most `max`: each as it is now, in the order
 * of their keys. One that cannot be read is left out.
 *
 * Throws StoreUnavailable.
 */
export async function sessionsOfUser(
  context: Context,
  xuid: Xuid,
  max: number,
): Promise<readonly SessionOfUser[]> {
  const keys = await keysOfUser(context, xuid, max);
  const found: SessionOfUser[] = [];
  for (const key of keys) {
    const record = await context.setAside.attempt('the search for a user', key, () =>
      readCurrent(context, parseSessionKey(key), [xuid]),
    );
    if (record === undefined || record instanceof Refusal) continue;
    const member = memberOf(record.session, xuid);
    if (member !== undefined) found.push({ session: record.session, member });
  }
  return found;
}

async function keysOfUser(
  { store }: Context,
  xuid: Xuid,
  max: number,
): Promise<readonly SessionKey[]> {
  const keys = new Set<SessionKey>();
  for (const hint of [`xuid:${xuid}`, `seat:${xuid}`] as const) {
    let after: SessionKey | undefined;
    do {
      const page = await store.sessionsBy(hint, pageMax, after);
      for (const key of page) keys.add(key);
      after = page.length === pageMax ? page.at(-1) : undefined;
    } while (after !== undefined && keys.size < max);
  }
  return [...keys].sort().slice(0, max);
}

/** The activities of a user that their sessions confirm. */
async function activitiesOfUser(context: Context, xuid: Xuid): Promise<readonly ActivityHandle[]> {
  const found: ActivityHandle[] = [];
  for (const handle of await context.store.activitiesOf([xuid])) {
    if (handle.type !== 'activity') continue;
    if ((await confirmingSession(context, handle)) !== undefined) found.push(handle);
  }
  return found;
}

/** What is known of a user. */
export type FoundUser = {
  readonly sessions: readonly SessionOfUser[];
  /** Those that their sessions confirm. */
  readonly activities: readonly ActivityHandle[];
  /** On any node; undefined: nobody remembers. */
  readonly seenMs: Milliseconds | undefined;
};

/** Where a user is: at most `max` sessions. Throws StoreUnavailable. */
export async function findUserPlaces(
  context: Context,
  xuid: Xuid,
  max: number,
): Promise<FoundUser> {
  const { store, presence } = context;
  const [sessions, activities, elsewhere] = await Promise.all([
    sessionsOfUser(context, xuid, max),
    activitiesOfUser(context, xuid),
    store.lastSeen([xuid]),
  ]);
  const here = presence.since(0).find(([seen]) => seen === xuid)?.[1];
  const seen = [here, elsewhere.get(xuid)].filter((atMs) => atMs !== undefined);
  return { sessions, activities, seenMs: seen.length === 0 ? undefined : Math.max(...seen) };
}
