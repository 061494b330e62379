/** What is done before a data file of a former version is converted: a copy of it is kept. */

import type { DatabaseSync } from 'node:sqlite';
import { freeName, writeCopy } from './data-file-copy.ts';
import { migrations, versionOf } from './migrations.ts';

/** The schema version of data that a former OpenMPSD wrote; undefined of new data and of current. */
export function formerVersionOf(db: DatabaseSync): number | undefined {
  const version = versionOf(db);
  return version > 0 && version < migrations.length ? version : undefined;
}

/**
 * Writes a copy of the file beside it, and answers its path: `openmpsd.db.v4`, or `.v4.2` when there
 * is one already. A copy is there whole or not at all.
 *
 * Throws the error of SQLite or the system: there is no room, for instance.
 */
export function keepCopy(db: DatabaseSync, path: string, version: number): string {
  const copy = freeName(`${path}.v${version}`);
  writeCopy(db, copy, `${path}.copying`);
  return copy;
}
