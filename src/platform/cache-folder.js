// JavaScript, as main.js is; the executable of a single file has it too.

import { existsSync, mkdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

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
