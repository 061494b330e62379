/** What the stores keep of the past of sessions, read back. */

import type { Context } from '../directory/context.ts';
import type { HistoryChange } from '../domain/history/change.ts';
import { type Moment, momentsOf } from '../domain/history/timeline.ts';
import type { Guid } from '../domain/ids.ts';
import type { SessionKey } from '../domain/session/reference.ts';
import type { Session } from '../domain/session/session.ts';
import type { StoredChange } from '../store/store.ts';

/** Attempts to read a session and its changes while it ends or begins anew. */
const attemptsMax = 3;

/** The branches of a session that are known, the one that began last first. */
export function readBranches(
  { store }: Pick<Context, 'store'>,
  key: SessionKey,
): Promise<readonly Guid[]> {
  return store.historyBranches(key);
}

/**
 * The moments of a branch, the oldest first; none when nothing is kept of it. Reading changes nothing:
 * timeouts that are due are not applied.
 *
 * Of a large session the states have no members, and the events have them.
 */
export async function readMoments(
  { store, settings }: Pick<Context, 'store' | 'settings'>,
  key: SessionKey,
  branch: Guid,
): Promise<readonly Moment[]> {
  let found: readonly StoredChange[] = [];
  let newest: Session | undefined;
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const [record] = await store.sessions([key]);
    const isThere = record?.session.branch === branch;
    const changes = await store.history(key, branch);
    // What was committed since the session was read is left for the next reader.
    found = isThere ? changes.filter(({ revision }) => revision <= record.revision) : changes;
    newest = isThere && found[0]?.revision === record.revision ? record.session : undefined;
    if (newest !== undefined || isEnd(found[0]) || found.length === 0) break;
  }
  const kept = found.slice(0, Math.max(1, settings.history.changesMax));
  return momentsOf(
    newest,
    kept.map(({ revision, atMs, change }) => ({
      revision,
      atMs,
      change: change as unknown as HistoryChange,
    })),
  );
}

function isEnd(change: StoredChange | undefined): boolean {
  return (change?.change as HistoryChange | undefined)?.isEnd === true;
}

/**
 * The session as it was with this change number: the last state that had it. Undefined when it is not
 * known.
 */
export function stateAt(moments: readonly Moment[], changeNumber: number): Session | undefined {
  return (
    moments.findLast(({ after }) => after?.changeNumber === changeNumber)?.after ??
    moments.find(({ before }) => before?.changeNumber === changeNumber)?.before
  );
}
