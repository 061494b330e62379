// JavaScript, as main.js is; the executable of a single file has it too.

import { existsSync, mkdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/**
 * A folder for caches that no other user can write code into; it is made where it is missing.
 *
 * @param {string} name of the folder, in `$CACHE_DIRECTORY` or in `openmpsd` of the user's caches
 * @returns {string | undefined} undefined: there is none, and nothing can be cached
 */
export function privateCacheFolder(name) {
  // The first is what systemd gives a unit; the last of the others is what Windows has.
  const { CACHE_DIRECTORY, XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  const caches = XDG_CACHE_HOME || LOCALAPPDATA || join(homedir(), '.cache');
  const parent = CACHE_DIRECTORY || join(caches, 'openmpsd');
  const folder = join(parent, name);
  try {
    // One by one: `recursive` does not end on a file system that takes no folders, as /proc.
    for (const one of [dirname(parent), parent, folder]) {
      if (!existsSync(one)) mkdirSync(one, { mode: 0o700 });
    }
    const { uid, mode } = statSync(folder);
    const isOurs =
      process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0);
    return isOurs ? folder : undefined;
  } catch {
    return undefined;
  }
}

const keptMs = 30 * 86_400_000;

/**
 * Notes that a folder of one version is used, and removes those of other versions beside it that were not
 * noted for 30 days. Does neither in a folder that is not ours: something that Node loaded first may have
 * chosen one that others share. Rejects with the error of the system.
 *
 * @param {object} place
 * @param {string} place.ours the folder of our caches
 * @param {string} place.inUse
 * @param {RegExp} place.versions the names of folders of versions
 * @param {number} nowMs
 * @returns {Promise<void>}
 */
export async function removeUnusedVersions({ ours, inUse, versions }, nowMs) {
  const parent = dirname(inUse);
  if (parent !== resolve(ours)) return;
  // Loaded here, since every start loads this file.
  const { readdir, rm, stat, utimes } = await import('node:fs/promises');
  const now = new Date(nowMs);
  await utimes(inUse, now, now);
  for (const name of await readdir(parent)) {
    const folder = join(parent, name);
    if (folder === inUse || !versions.test(name)) continue;
    const { mtimeMs } = await stat(folder);
    if (nowMs - mtimeMs > keptMs) await rm(folder, { recursive: true, force: true });
  }
}
