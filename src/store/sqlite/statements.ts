/** Every statement that changes data. One session row, one statement. */
export const statements = {
  insertSession: 'INSERT INTO session (key, revision, due_ms, document) VALUES (?, ?, ?, ?)',
  updateSession: 'UPDATE session SET revision = ?2, document = ?3 WHERE key = ?1',
  updateSessionAndDue:
    'UPDATE session SET revision = ?2, due_ms = ?3, document = ?4 WHERE key = ?1',
  deleteSession: 'DELETE FROM session WHERE key = ?',
  insertHandle:
    'INSERT INTO handle (id, session_key, expiration_ms, document) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  deleteHandle: 'DELETE FROM handle WHERE id = ?',
  upsertPointer:
    'INSERT INTO activity (xuid, scid, handle_id) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET handle_id = excluded.handle_id',
  deletePointersTo: 'DELETE FROM activity WHERE handle_id = ?',
} as const;

/** One statement and its values, cheap to send to another thread. */
export type Write = readonly [keyof typeof statements, ...(string | number | null)[]];
