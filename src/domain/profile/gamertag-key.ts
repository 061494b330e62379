/** How gamertags are found: without regard to case, by how they begin. */

import type { Xuid } from '../ids.ts';

/** Characters of a key: of a longer gamertag the beginning. */
const keyCharactersMax = 150;

/** The key of a gamertag, or of its beginning: printable ASCII, and a beginning of the whole one's. */
export function gamertagKey(gamertag: string): string {
  return encodeURIComponent(gamertag.toWellFormed().trim().toLowerCase()).slice(
    0,
    keyCharactersMax,
  );
}

/** Where the rows of all gamertags that begin alike are kept together; undefined for an empty key. */
export function gamertagGroup(key: string): string | undefined {
  return key.length === 0 ? undefined : key.slice(0, 1);
}

/** The row of a user who has a gamertag with this key. Rows are in the order of keys. */
export function gamertagRow(key: string, xuid: Xuid): string {
  return `${key}/${xuid}`;
}

/** The key and the user of a row. */
export function parseGamertagRow(row: string): { readonly key: string; readonly xuid: Xuid } {
  const at = row.lastIndexOf('/');
  return { key: row.slice(0, at), xuid: row.slice(at + 1) };
}
