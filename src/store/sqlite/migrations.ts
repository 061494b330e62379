import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { parseExactJson } from '../../domain/json.ts';
import { hintsOf } from '../../domain/session/hints.ts';
import type { Session } from '../../domain/session/session.ts';
import { hintText } from '../hint-text.ts';
import { UnusableFile } from './sqlite-errors.ts';

/** Converts the data from one schema to the next; runs within a transaction. */
export type Migration = (db: DatabaseSync) => void;

/**
 * The versions of the schema: a file has the version that counts its migrations. A released
 * migration stays as it is; a change of the schema is a further one.
 */
export const migrations: readonly Migration[] = [
  createTables,
  addHintsRowsAndLists,
  numberSessionsAndFindActivitiesByOwner,
  addRecords,
  leaveIdsThatNameTheirOwnerOut,
  addHistory,
  addRecentChanges,
  keepHistoriesInBlocks,
];

/**
 * Brings the data of `db` to the schema that the last of `migrations` makes.
 *
 * Each migration commits together with the version it leads to, so that a crash between two, or
 * within one, leaves a file of the version before, and the next start goes on from there.
 *
 * Throws StoreUnavailable for data of a schema newer than the last migration; nothing is changed.
 */
export function migrate(db: DatabaseSync, migrations: readonly Migration[]): void {
  refuseNewer(db, migrations);
  const version = versionOf(db);
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

/** Throws StoreUnavailable for data of a schema newer than the last migration. */
export function refuseNewer(db: DatabaseSync, migrations: readonly Migration[]): void {
  const version = versionOf(db);
  if (version <= migrations.length) return;
  throw new UnusableFile(
    `${db.location()} holds data of schema version ${version}, and this OpenMPSD knows versions up to ${migrations.length}: a newer OpenMPSD wrote it.`,
    'Start that one, or use another data folder.',
  );
}

/** The number of migrations of the data. */
export function versionOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.user_version);
}

/**
 * Sessions and handles are JSON texts beside the few columns by which they are found. Times are
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

/**
 * What sessions are found by, members of large sessions, search changes, lists and nodes. Sessions
 * that are there already get the hints of their documents, and invites the user they are for.
 */
function addHintsRowsAndLists(db: DatabaseSync): void {
  db.exec(`
    CREATE TABLE hint (
      hint TEXT NOT NULL,
      key TEXT NOT NULL,
      PRIMARY KEY (hint, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX hint_key ON hint (key);

    CREATE TABLE member_row (
      key TEXT NOT NULL,
      xuid TEXT NOT NULL,
      due_ms REAL,
      document TEXT NOT NULL,
      PRIMARY KEY (key, xuid)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX member_row_due ON member_row (key, due_ms) WHERE due_ms IS NOT NULL;

    -- AUTOINCREMENT: a number is not given again, not even when its row is gone.
    CREATE TABLE search_change (
      number INTEGER PRIMARY KEY AUTOINCREMENT,
      key TEXT NOT NULL UNIQUE
    ) STRICT;

    -- The entries of a list have the order of their row ids.
    CREATE TABLE list_entry (
      owner TEXT NOT NULL,
      list TEXT NOT NULL,
      xuid TEXT NOT NULL,
      added_ms REAL NOT NULL,
      is_favorite INTEGER,
      UNIQUE (owner, list, xuid)
    ) STRICT;

    CREATE TABLE node (id TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;

    ALTER TABLE handle ADD COLUMN invited_xuid TEXT;
    UPDATE handle SET invited_xuid = json_extract(document, '$.invitedXuid')
      WHERE expiration_ms IS NOT NULL;
    CREATE INDEX handle_invited ON handle (invited_xuid) WHERE invited_xuid IS NOT NULL;
  `);
  const insert = db.prepare('INSERT INTO hint (hint, key) VALUES (?, ?) ON CONFLICT DO NOTHING');
  for (const { key, document } of db.prepare('SELECT key, document FROM session').iterate()) {
    const session = parseExactJson(String(document)) as unknown as Session;
    for (const hint of hintsOf(session)) insert.run(hintText(hint), String(key));
  }
}

/**
 * Sessions have numbers that grow, so that what is written of new ones is found side by side.
 *
 * An activity in the file is the current one of its owner in its service config, and found by them:
 * those that nothing pointed at are dropped.
 */
function numberSessionsAndFindActivitiesByOwner(db: DatabaseSync): void {
  db.exec(`
    CREATE TABLE numbered_session (
      number INTEGER PRIMARY KEY,
      key TEXT NOT NULL UNIQUE,
      revision INTEGER NOT NULL,
      due_ms REAL,
      document TEXT NOT NULL
    ) STRICT;
    INSERT INTO numbered_session (key, revision, due_ms, document)
      SELECT key, revision, due_ms, document FROM session ORDER BY rowid;
    DROP TABLE session;
    ALTER TABLE numbered_session RENAME TO session;
    CREATE INDEX session_due ON session (due_ms) WHERE due_ms IS NOT NULL;

    CREATE TABLE numbered_hint (
      hint TEXT NOT NULL,
      key TEXT NOT NULL,
      session_number INTEGER NOT NULL,
      PRIMARY KEY (hint, key)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO numbered_hint
      SELECT hint, key, number FROM hint JOIN session USING (key) ORDER BY hint, key;
    DROP TABLE hint;
    ALTER TABLE numbered_hint RENAME TO hint;
    CREATE INDEX hint_session ON hint (session_number);

    ALTER TABLE handle ADD COLUMN owner_xuid TEXT;
    ALTER TABLE handle ADD COLUMN scid TEXT;
    UPDATE handle SET owner_xuid = activity.xuid, scid = activity.scid
      FROM activity WHERE activity.handle_id = handle.id;
    DELETE FROM handle WHERE owner_xuid IS NULL AND document ->> '$.type' = 'activity';
    CREATE UNIQUE INDEX handle_owner ON handle (owner_xuid, scid) WHERE owner_xuid IS NOT NULL;
    DROP TABLE activity;
  `);
}

/** Records of the services beside the sessions. */
function addRecords(db: DatabaseSync): void {
  db.exec(`
    CREATE TABLE record (
      table_name TEXT NOT NULL,
      group_name TEXT NOT NULL,
      id TEXT NOT NULL,
      revision INTEGER NOT NULL,
      due_ms REAL,
      document TEXT NOT NULL,
      UNIQUE (table_name, group_name, id)
    ) STRICT;
    CREATE INDEX record_due ON record (table_name, due_ms) WHERE due_ms IS NOT NULL;
  `);
}

/**
 * Activities whose ids name their owner are found by that: `names_owner` is 1, and the index of ids, which
 * changes with every POST of an activity, is without them. Those that are there already stay in it.
 */
function leaveIdsThatNameTheirOwnerOut(db: DatabaseSync): void {
  db.exec(`
    CREATE TABLE indexed_handle (
      id TEXT NOT NULL,
      names_owner INTEGER NOT NULL DEFAULT 0,
      session_key TEXT,
      expiration_ms REAL,
      invited_xuid TEXT,
      owner_xuid TEXT,
      scid TEXT,
      document TEXT NOT NULL
    ) STRICT;
    INSERT INTO indexed_handle
      (id, session_key, expiration_ms, invited_xuid, owner_xuid, scid, document)
      SELECT id, session_key, expiration_ms, invited_xuid, owner_xuid, scid, document
      FROM handle ORDER BY rowid;
    DROP TABLE handle;
    ALTER TABLE indexed_handle RENAME TO handle;
    CREATE UNIQUE INDEX handle_id ON handle (id) WHERE names_owner = 0;
    CREATE INDEX handle_session ON handle (session_key) WHERE session_key IS NOT NULL;
    CREATE INDEX handle_expiration ON handle (expiration_ms) WHERE expiration_ms IS NOT NULL;
    CREATE INDEX handle_invited ON handle (invited_xuid) WHERE invited_xuid IS NOT NULL;
    CREATE UNIQUE INDEX handle_owner ON handle (owner_xuid, scid) WHERE owner_xuid IS NOT NULL;
  `);
}

/** Changes of sessions, which outlast these: by the number that a session has, or had. */
function addHistory(db: DatabaseSync): void {
  db.exec(`
    -- check_ms: when its oldest change may have to be forgotten.
    CREATE TABLE history_branch (
      number INTEGER PRIMARY KEY,
      key TEXT NOT NULL,
      branch TEXT NOT NULL,
      check_ms REAL NOT NULL
    ) STRICT;
    CREATE INDEX history_branch_key ON history_branch (key);
    CREATE INDEX history_branch_check ON history_branch (check_ms);

    CREATE TABLE history_change (
      session_number INTEGER NOT NULL,
      revision INTEGER NOT NULL,
      at_ms REAL NOT NULL,
      document TEXT NOT NULL,
      PRIMARY KEY (session_number, revision)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE history_name (
      name TEXT NOT NULL,
      session_number INTEGER NOT NULL,
      at_ms REAL NOT NULL,
      PRIMARY KEY (name, session_number)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX history_name_session ON history_name (session_number);
  `);
}

/**
 * Changes of sessions in the order in which they were made, each with all that the history gets of it:
 * the writer sorts them into the other tables later, many at a time.
 */
function addRecentChanges(db: DatabaseSync): void {
  db.exec(`
    -- key, branch and check_ms: of a branch that may be new; names: a JSON array, of new names.
    CREATE TABLE recent_change (
      number INTEGER PRIMARY KEY,
      session_number INTEGER NOT NULL,
      revision INTEGER NOT NULL,
      at_ms REAL NOT NULL,
      changes_max INTEGER NOT NULL,
      key TEXT,
      branch TEXT,
      check_ms REAL,
      names TEXT,
      document TEXT NOT NULL
    ) STRICT;
  `);
}

/**
 * The changes of a session that are sorted in together are one row, which costs little more than one
 * change as a row. New branches and names are beside the recent changes, since readers look through them.
 */
function keepHistoriesInBlocks(db: DatabaseSync): void {
  db.exec(`
    -- document: a line for each change: its revision, a space, its time, a space, the change.
    -- changes_max: of so many changes of the session it was one; oldest_ms: the time of its oldest.
    CREATE TABLE history_block (
      session_number INTEGER NOT NULL,
      last_revision INTEGER NOT NULL,
      changes_count INTEGER NOT NULL,
      changes_max INTEGER NOT NULL,
      oldest_ms REAL NOT NULL,
      document TEXT NOT NULL,
      PRIMARY KEY (session_number, last_revision)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO history_block
      SELECT session_number, max(revision), count(*), count(*), min(at_ms),
        group_concat(format('%d %!.17g ', revision, at_ms) || document || char(10), '' ORDER BY revision)
      FROM history_change GROUP BY session_number ORDER BY session_number;
    DROP TABLE history_change;

    -- key, branch and check_ms: of a branch that may be new; names: a JSON array, of new names.
    CREATE TABLE recent_branch (
      number INTEGER PRIMARY KEY,
      session_number INTEGER NOT NULL,
      at_ms REAL NOT NULL,
      key TEXT,
      branch TEXT,
      check_ms REAL,
      names TEXT
    ) STRICT;
    INSERT INTO recent_branch (session_number, at_ms, key, branch, check_ms, names)
      SELECT session_number, at_ms, key, branch, check_ms, names FROM recent_change
      WHERE key IS NOT NULL OR names IS NOT NULL ORDER BY number;
    ALTER TABLE recent_change DROP COLUMN key;
    ALTER TABLE recent_change DROP COLUMN branch;
    ALTER TABLE recent_change DROP COLUMN check_ms;
    ALTER TABLE recent_change DROP COLUMN names;
  `);
}
