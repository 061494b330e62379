/** The contents of rows, and the check that this program has written them. */

import type { SQLOutputValue } from 'node:sqlite';
import type { Handle } from '../../domain/handle/handle.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { SessionKey } from '../../domain/session/reference.ts';
import type { Member, Session } from '../../domain/session/session.ts';
import type { ListEntry, StoredChange, StoredRecord } from '../store.ts';
import { parseStoredObject, parseStoredSession, WrongText } from '../stored-text.ts';
import { isDamage } from './sqlite-errors.ts';

/** A row as SQLite gives it. */
export type Row = Record<string, SQLOutputValue>;

/** True when a row cannot be read for damage: of its page, or of its text. */
export function isOfDamage(error: unknown): boolean {
  return isDamage(error) || error instanceof WrongText;
}

/** Throws WrongText for a text that is not that of the session with this key. */
export function parseSession(key: SessionKey, row: Row): Session {
  return parseStoredSession(key, String(row['document']));
}

/** Throws WrongText. */
export function parseHandle(row: Row): Handle {
  return parseDocument(row) as unknown as Handle;
}

/** Throws WrongText. */
export function parseMember(row: Row): Member {
  return parseDocument(row) as unknown as Member;
}

/** Throws WrongText. */
export function parseRecord(row: Row): StoredRecord {
  return {
    id: String(row['id']),
    revision: Number(row['revision']),
    value: parseDocument(row),
    dueMs: row['due_ms'] === null ? undefined : Number(row['due_ms']),
  };
}

/** Throws WrongText. */
export function parseChange(row: Row): StoredChange {
  const [revision, atMs] = [Number(row['revision']), Number(row['at_ms'])];
  if (!Number.isFinite(revision) || !Number.isFinite(atMs)) {
    throw new WrongText('its revision or time is no number');
  }
  return { revision, atMs, change: parseDocument(row) };
}

/** Throws WrongText. */
function parseDocument(row: Row): JsonObject {
  return parseStoredObject(String(row['document']));
}

export function parseEntry({ xuid, added_ms, is_favorite }: Row): ListEntry {
  const entry = { xuid: String(xuid), addedMs: Number(added_ms) };
  return is_favorite === null ? entry : { ...entry, isFavorite: is_favorite === 1 };
}
