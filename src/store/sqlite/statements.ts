/** Every statement that changes data. One session row, one statement. */
export const statements = {
  insertSession:
    'INSERT INTO session (number, key, revision, due_ms, document) VALUES (?, ?, ?, ?, ?)',
  updateSession: 'UPDATE session SET revision = ?2, document = ?3 WHERE number = ?1',
  updateSessionAndDue:
    'UPDATE session SET revision = ?2, due_ms = ?3, document = ?4 WHERE number = ?1',
  deleteSession: 'DELETE FROM session WHERE number = ?',
  insertHint:
    'INSERT INTO hint (hint, key, session_number) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  deleteHint: 'DELETE FROM hint WHERE hint = ? AND key = ?',
  deleteHintsOf: 'DELETE FROM hint WHERE session_number = ?',
  upsertMemberRow:
    'INSERT INTO member_row (key, xuid, due_ms, document) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET due_ms = excluded.due_ms, document = excluded.document',
  deleteMemberRow: 'DELETE FROM member_row WHERE key = ? AND xuid = ?',
  deleteMemberRowsOf: 'DELETE FROM member_row WHERE key = ?',
  // A key that is there already gets the next number.
  replaceSearchChange: 'INSERT OR REPLACE INTO search_change (key) VALUES (?)',
  deleteSearchChange: 'DELETE FROM search_change WHERE key = ?',
  insertInvite:
    'INSERT INTO handle (id, expiration_ms, invited_xuid, document) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  insertHandle:
    'INSERT INTO handle (id, session_key, document) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  // The former activity of its owner becomes this one, which moves fewer rows than one for another.
  upsertActivity:
    'INSERT INTO handle (id, owner_xuid, scid, session_key, document) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) WHERE names_owner = 0 DO NOTHING ON CONFLICT (owner_xuid, scid) WHERE owner_xuid IS NOT NULL DO UPDATE SET id = excluded.id, names_owner = 0, session_key = excluded.session_key, document = excluded.document',
  upsertActivityByOwner:
    'INSERT INTO handle (id, names_owner, owner_xuid, scid, session_key, document) VALUES (?, 1, ?, ?, ?, ?) ON CONFLICT (owner_xuid, scid) WHERE owner_xuid IS NOT NULL DO UPDATE SET id = excluded.id, names_owner = 1, session_key = excluded.session_key, document = excluded.document WHERE handle.id <> excluded.id',
  deleteHandle: 'DELETE FROM handle WHERE id = ? AND names_owner = 0',
  deleteActivityByOwner: 'DELETE FROM handle WHERE owner_xuid = ? AND id = ?',
  upsertListEntry:
    'INSERT INTO list_entry (owner, list, xuid, added_ms, is_favorite) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET added_ms = excluded.added_ms, is_favorite = excluded.is_favorite',
  deleteListEntry: 'DELETE FROM list_entry WHERE owner = ? AND list = ? AND xuid = ?',
  upsertRecord:
    'INSERT INTO record (table_name, group_name, id, revision, due_ms, document) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET revision = excluded.revision, due_ms = excluded.due_ms, document = excluded.document',
  deleteRecord: 'DELETE FROM record WHERE table_name = ? AND group_name = ? AND id = ?',
  insertRecentBranch:
    'INSERT INTO recent_branch (session_number, at_ms, key, branch, check_ms, names) VALUES (?, ?, ?, ?, ?, ?)',
  postponeHistoryCheck: 'UPDATE history_branch SET check_ms = ?2 WHERE number = ?1',
  insertNode: 'INSERT INTO node (id) VALUES (?) ON CONFLICT DO NOTHING',
  deleteNode: 'DELETE FROM node WHERE id = ?',
} as const;

/** One statement and its values, cheap to send to another thread. */
export type Statement = readonly [keyof typeof statements, ...(string | number | null)[]];

/** What `RecentChanges` writes. */
export type HistoryWrite =
  | readonly [
      name: 'appendChange',
      session: number,
      revision: number,
      atMs: number,
      changesMax: number,
      text: string,
    ]
  /** All branches that may be new, and all new names. */
  | readonly [name: 'sortBranches']
  /** The oldest recent changes, as far as they are not newer than `beforeMs`. */
  | readonly [name: 'forgetOldest', beforeMs: number]
  /** What of a session is not newer than `beforeMs`. */
  | readonly [name: 'forgetChanges', session: number, beforeMs: number, keptMs: number];

export type Write = Statement | HistoryWrite;

export const pageBytes = 4096;
/** Rows that `forgetOldest` removes leave some hundred pages. */
const pagesOfForgetting = 256;

/** True of a write that removes rows, so that pages of the file may become free. */
export function removes([name]: Write): boolean {
  return name.startsWith('delete') || name === 'forgetOldest' || name === 'forgetChanges';
}

/** Bytes that a write adds to the log, about. */
export function logBytesOf(write: Write): number {
  if (write[0] === 'forgetOldest') return pagesOfForgetting * pageBytes;
  const document = write.at(-1);
  const length = typeof document === 'string' ? document.length : 0;
  // Recent changes share pages.
  const isShared = write[0] === 'appendChange' || write[0] === 'insertRecentBranch';
  return isShared ? length : Math.max(pageBytes, length);
}
