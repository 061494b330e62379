import type { DatabaseSync } from 'node:sqlite';
import { ownerOfActivityId } from '../../domain/handle/activity-id.ts';
import type { Handle } from '../../domain/handle/handle.ts';
import type { Guid } from '../../domain/ids.ts';
import { rowsOfBlock } from './history-block.ts';
import { parseHandle, type Row } from './rows.ts';

export type Queries = ReturnType<typeof prepareQueries>;

/** Every statement that reads data. */
export function prepareQueries(db: DatabaseSync) {
  return {
    session: db.prepare('SELECT number, revision, due_ms, document FROM session WHERE key = ?'),
    // The history keeps the numbers of sessions that have ended; the sequence, that of the branches it forgot.
    sessionNumberMax: db.prepare(
      "SELECT max(coalesce((SELECT max(number) FROM session), 0), coalesce((SELECT max(number) FROM history_branch), 0), coalesce((SELECT max(session_number) FROM history_block), 0), coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'session'), 0)) AS max",
    ),
    recentNumberMax: db.prepare('SELECT max(session_number) AS max FROM recent_branch'),
    handle: db.prepare('SELECT document FROM handle WHERE id = ? AND names_owner = 0'),
    activityById: db.prepare('SELECT document FROM handle WHERE owner_xuid = ? AND id = ?'),
    activities: db.prepare('SELECT document FROM handle WHERE owner_xuid = ? ORDER BY scid'),
    activity: db.prepare('SELECT document FROM handle WHERE owner_xuid = ? AND scid = ?'),
    handlesFor: db.prepare('SELECT document FROM handle WHERE session_key = ?'),
    sessionKeys: db.prepare('SELECT key FROM session WHERE key > ? ORDER BY key LIMIT ?'),
    countSessions: db.prepare(
      'SELECT count(*) AS count, max(key) AS last FROM (SELECT key FROM session WHERE key > ? ORDER BY key LIMIT ?)',
    ),
    countHandles: db.prepare(
      'SELECT count(*) AS count, count(owner_xuid) AS activities, count(invited_xuid) AS invites, max(number) AS last FROM (SELECT rowid AS number, owner_xuid, invited_xuid FROM handle WHERE rowid > ? ORDER BY rowid LIMIT ?)',
    ),
    // The hint that is so many further; there is no text between the end and the first hint of another kind.
    hintFurther: db.prepare(
      'SELECT hint, key FROM hint WHERE (hint, key) > (?, ?) AND hint < ? ORDER BY hint, key LIMIT 1 OFFSET ?',
    ),
    countHints: db.prepare(
      'SELECT count(*) AS count FROM hint WHERE (hint, key) > (?, ?) AND hint < ?',
    ),
    due: db.prepare('SELECT key FROM session WHERE due_ms <= ? ORDER BY due_ms LIMIT ?'),
    expired: db.prepare(
      'SELECT id FROM handle WHERE expiration_ms <= ? ORDER BY expiration_ms LIMIT ?',
    ),
    invites: db.prepare('SELECT document FROM handle WHERE invited_xuid = ? ORDER BY rowid'),
    hinted: db.prepare('SELECT key FROM hint WHERE hint = ? AND key > ? ORDER BY key LIMIT ?'),
    memberRow: db.prepare('SELECT document FROM member_row WHERE key = ? AND xuid = ?'),
    memberRows: db.prepare(
      'SELECT document FROM member_row WHERE key = ? AND xuid > ? ORDER BY xuid LIMIT ?',
    ),
    memberRowsDue: db.prepare(
      'SELECT document FROM member_row WHERE key = ? AND due_ms <= ? ORDER BY due_ms LIMIT ?',
    ),
    searchChanges: db.prepare(
      'SELECT number, key FROM search_change WHERE number > ? ORDER BY number LIMIT ?',
    ),
    list: db.prepare(
      'SELECT xuid, added_ms, is_favorite FROM list_entry WHERE owner = ? AND list = ? ORDER BY rowid',
    ),
    listEntries: db.prepare(
      'SELECT xuid, added_ms, is_favorite FROM list_entry WHERE owner = ? AND list = ? AND xuid IN (SELECT value FROM json_each(?))',
    ),
    // No further than it is asked for: to count a million takes tens of milliseconds.
    listSize: db.prepare(
      'SELECT count(*) AS size FROM (SELECT 1 FROM list_entry WHERE owner = ? AND list = ? LIMIT ?)',
    ),
    record: db.prepare(
      'SELECT id, revision, due_ms, document FROM record WHERE table_name = ? AND group_name = ? AND id = ?',
    ),
    recordRevision: db.prepare(
      'SELECT revision FROM record WHERE table_name = ? AND group_name = ? AND id = ?',
    ),
    records: db.prepare(
      'SELECT id, revision, due_ms, document FROM record WHERE table_name = ? AND group_name = ? AND id > ? ORDER BY id LIMIT ?',
    ),
    dueRecords: db.prepare(
      'SELECT group_name, id FROM record WHERE table_name = ? AND due_ms <= ? ORDER BY due_ms LIMIT ?',
    ),
    // New branches and names are few: they are looked through.
    historyBranches: db.prepare(
      'SELECT number, branch FROM history_branch WHERE key = ?1 UNION SELECT session_number, branch FROM recent_branch WHERE key = ?1 ORDER BY number DESC',
    ),
    historyNumber: db.prepare(
      'SELECT number FROM history_branch WHERE key = ?1 AND branch = ?2 UNION ALL SELECT session_number FROM recent_branch WHERE key = ?1 AND branch = ?2 LIMIT 1',
    ),
    historyBlocks: db.prepare(
      'SELECT changes_max, document FROM history_block WHERE session_number = ? ORDER BY last_revision DESC',
    ),
    recentChange: db.prepare(
      'SELECT revision, at_ms, changes_max, document FROM recent_change WHERE number = ? AND session_number = ?',
    ),
    // Looks through all of them.
    recentRows: db.prepare(
      'SELECT number FROM recent_change WHERE session_number = ? ORDER BY number',
    ),
    historyBy: db.prepare(`
      WITH
        named (number, at_ms) AS (
          SELECT session_number, at_ms FROM history_name WHERE name = ?1
          UNION ALL
          SELECT session_number, at_ms
          FROM recent_branch, json_each(iif(json_valid(names), names, '[]'))
          WHERE names IS NOT NULL AND value = ?1
        ),
        branches (number, key, branch) AS (
          SELECT number, key, branch FROM history_branch
          WHERE number IN (SELECT number FROM named)
          UNION
          SELECT session_number, key, branch FROM recent_branch
          WHERE key IS NOT NULL AND session_number IN (SELECT number FROM named)
        )
      SELECT key, branch FROM branches JOIN named USING (number)
      WHERE substr(key, 1, length(?2)) = ?2
      GROUP BY number ORDER BY max(at_ms) DESC, number DESC LIMIT ?3
    `),
    historyDue: db.prepare(
      'SELECT number FROM history_branch WHERE check_ms <= ? ORDER BY check_ms LIMIT ?',
    ),
    recentBranchMs: db.prepare('SELECT min(at_ms) AS at_ms FROM recent_branch'),
    recentChangeMs: db.prepare('SELECT at_ms FROM recent_change ORDER BY number LIMIT 1'),
    nodes: db.prepare('SELECT id FROM node'),
    secret: db.prepare('SELECT bytes FROM secret'),
  } as const;
}

/** The handle of this id, lower-case. Throws WrongText. */
export function handleOf({ handle, activityById }: Queries, id: Guid): Handle | undefined {
  const owner = ownerOfActivityId(id);
  const row = handle.get(id) ?? (owner === undefined ? undefined : activityById.get(owner, id));
  return row && parseHandle(row);
}

/**
 * The changes of a session that are kept, the newest first. `rows` are those of its recent changes; what
 * is not there any more is in a block, or has been forgotten.
 */
export function changesOf(
  { recentChange, historyBlocks, recentRows }: Queries,
  session: number,
  rows: readonly number[] = recentRows.all(session).map(({ number }) => Number(number)),
): readonly Row[] {
  // The newest first, and before the blocks: meanwhile the oldest ones are moved into these.
  const recent = rows
    .toReversed()
    .map((row) => recentChange.get(row, session))
    .filter((row) => row !== undefined);
  const blocks = historyBlocks.all(session);
  const oldest = Number(recent.at(-1)?.['revision'] ?? Number.POSITIVE_INFINITY);
  const older = blocks.flatMap(rowsOfBlock).filter(({ revision }) => !(Number(revision) >= oldest));
  const kept = (recent[0] ?? blocks[0])?.['changes_max'];
  return [...recent, ...older].slice(0, Number(kept ?? 0));
}
