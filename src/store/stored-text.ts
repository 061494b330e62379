/** The texts of what is kept, and the check that this program has written them. */

import { isJsonObject, type Json, type JsonObject, parseExactJson } from '../domain/json.ts';
import { keyOf, type SessionKey } from '../domain/session/reference.ts';
import type { Session } from '../domain/session/session.ts';

/** A text that this program has not written: what was kept there is damaged. */
export class WrongText extends Error {
  override readonly name = 'WrongText';
}

/** Throws WrongText for a text that is not that of the session with this key. */
export function parseStoredSession(key: SessionKey, text: string): Session {
  const session = parseStoredObject(text) as unknown as Session;
  const isWhole =
    Array.isArray(session.members) &&
    [session.reference, session.constants, session.properties].every(isJsonObject);
  if (!isWhole || keyOf(session.reference) !== key) {
    throw new WrongText('its text is not that of this session');
  }
  return session;
}

/** The object of which this is the JSON text. Throws WrongText. */
export function parseStoredObject(text: string): JsonObject {
  let value: Json;
  try {
    value = parseExactJson(text);
  } catch (cause) {
    const { message } = cause as Error;
    throw new WrongText(`its text is not JSON as it was written (${message})`, { cause });
  }
  if (!isJsonObject(value)) throw new WrongText('its text is not an object');
  return value;
}
