import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { StoreUnavailable } from '../store.ts';

/** Takes the data from one schema to the next; runs within a transaction. */
export type Migration = (db: DatabaseSync) => void;

/**
 * How the schema grew: the data of a file is at the version that counts the migrations it has been
 * through. What a release has shipped stays as it is; a change of the schema is a further one.
 */
export const migrations: readonly Migration[] = [createTables];

/**
 * Brings the data of `db` to the schema that the last of `migrations` makes.
 *
 * Each migration commits together with the version it leads to, so that a crash between two, or
 * within one, leaves a file of the version before, and the next start goes on from there.
 *
 * Throws StoreUnavailable for data of a schema newer than the last migration; nothing is changed.
 */
export function migrate(db: DatabaseSync, migrations: readonly Migration[]): void {
  const version = versionOf(db);
  if (version > migrations.length) {
    throw new StoreUnavailable(
      `${db.location()} holds data of schema version ${version}, and this OpenMPSD knows versions up to ${migrations.length}: a newer OpenMPSD wrote it. Start that one, or use another data folder.`,
    );
  }
  for (const [done, migration] of migrations.entries()) {
    if (done < version) continue;
    db.exec('BEGIN IMMEDIATE');
    try {
      migration(db);
      db.exec(`PRAGMA user_version = ${done + 1}`);
      db.exec('COMMIT');
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }
}

function versionOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.user_version);
}

/**
 * Sessions and handles are JSON texts beside the few facts by which they are looked for. Times are
 * REAL, since a timeout may be the largest exact integer, and a time then lies beyond it.
 */
function createTables(db: DatabaseSync): void {
  db.exec(`
    CREATE TABLE session (
      key TEXT NOT NULL UNIQUE,
      revision INTEGER NOT NULL,
      due_ms REAL,
      document TEXT NOT NULL
    ) STRICT;
    CREATE INDEX session_due ON session (due_ms) WHERE due_ms IS NOT NULL;

    -- session_key: activities and transfers; expiration_ms: invites.
    CREATE TABLE handle (
      id TEXT NOT NULL UNIQUE,
      session_key TEXT,
      expiration_ms REAL,
      document TEXT NOT NULL
    ) STRICT;
    CREATE INDEX handle_session ON handle (session_key) WHERE session_key IS NOT NULL;
    CREATE INDEX handle_expiration ON handle (expiration_ms) WHERE expiration_ms IS NOT NULL;

    CREATE TABLE activity (
      xuid TEXT NOT NULL,
      scid TEXT NOT NULL,
      handle_id TEXT NOT NULL,
      PRIMARY KEY (xuid, scid)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX activity_handle ON activity (handle_id);

    CREATE TABLE secret (bytes BLOB NOT NULL) STRICT;
  `);
  db.prepare('INSERT INTO secret (bytes) VALUES (?)').run(randomBytes(32));
}
