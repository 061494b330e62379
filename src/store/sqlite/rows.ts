/** The contents of rows, and the check that this program has written them. */

import type { SQLOutputValue } from 'node:sqlite';
import type { Handle } from '../../domain/handle/handle.ts';
import { isJsonObject, type Json, type JsonObject, parseExactJson } from '../../domain/json.ts';
import { keyOf, type SessionKey } from '../../domain/session/reference.ts';
import type { Member, Session } from '../../domain/session/session.ts';
import type { ListEntry, StoredChange, StoredRecord } from '../store.ts';

/** A row whose text this program has not written. */
export class DamagedRecord extends Error {
  override readonly name = 'DamagedRecord';
}

/** A row as SQLite gives it. */
export type Row = Record<string, SQLOutputValue>;

/** Throws DamagedRecord for a text that is not that of the session with this key. */
export function parseSession(key: SessionKey, row: Row): Session {
  const session = parseDocument(row) as unknown as Session;
  const isWhole =
    Array.isArray(session.members) &&
    [session.reference, session.constants, session.properties].every(isJsonObject);
  if (!isWhole || keyOf(session.reference) !== key) {
    throw new DamagedRecord('its text is not that of this session');
  }
  return session;
}

/** Throws DamagedRecord. */
export function parseHandle(row: Row): Handle {
  return parseDocument(row) as unknown as Handle;
}

/** Throws DamagedRecord. */
export function parseMember(row: Row): Member {
  return parseDocument(row) as unknown as Member;
}

/** Throws DamagedRecord. */
export function parseRecord(row: Row): StoredRecord {
  return {
    id: String(row['id']),
    revision: Number(row['revision']),
    value: parseDocument(row),
    dueMs: row['due_ms'] === null ? undefined : Number(row['due_ms']),
  };
}

/** Throws DamagedRecord. */
export function parseChange(row: Row): StoredChange {
  const [revision, atMs] = [Number(row['revision']), Number(row['at_ms'])];
  if (!Number.isFinite(revision) || !Number.isFinite(atMs)) {
    throw new DamagedRecord('its revision or time is no number');
  }
  return { revision, atMs, change: parseDocument(row) };
}

/** Throws DamagedRecord. */
function parseDocument(row: Row): JsonObject {
  let value: Json;
  try {
    value = parseExactJson(String(row['document']));
  } catch (error) {
    throw new DamagedRecord(
      `its text is not JSON as it was written (${(error as Error).message})`,
      {
        cause: error,
      },
    );
  }
  if (!isJsonObject(value)) throw new DamagedRecord('its text is not an object');
  return value;
}

export function parseEntry({ xuid, added_ms, is_favorite }: Row): ListEntry {
  const entry = { xuid: String(xuid), addedMs: Number(added_ms) };
  return is_favorite === null ? entry : { ...entry, isFavorite: is_favorite === 1 };
}
