// What an executable runs: it holds the files of the package, and its Node. A version is unpacked once,
// into the folder of caches, and runs from there as it does where npm has installed it.
// JavaScript: scripts/build-executable.ts joins it into one file, and Node takes that without types.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { getAsset } from 'node:sea';
import { privateCacheFolder, removeUnusedVersions } from '../src/platform/cache-folder.js';

/** @type {{ readonly name: string, readonly files: readonly string[] }} */
const { name, files } = JSON.parse(getAsset('contents.json', 'utf8'));
const dayMs = 86_400_000;
/** How long a process runs before it has time to remove what others left. */
const settledMs = 10_000;

const command = join(unpackedFolder(), 'dist', 'main.cjs');
process.argv[1] = command;
createRequire(command)(command);

/** The folder with the files. Without a folder for caches it is one of this process, until it ends. */
function unpackedFolder() {
  const parent = privateCacheFolder('unpacked');
  if (parent === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'openmpsd-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    unpackInto(folder, files);
    return folder;
  }
  removeUnfinished(parent);
  const folder = join(parent, name);
  keepClean(parent, folder);
  // Programs that clean a folder of caches take single files out of it.
  const missing = files.filter((file) => !existsSync(join(folder, file)));
  if (missing.length === 0) {
    noteUse(folder);
    return folder;
  }
  const made = mkdtempSync(join(parent, 'unpacking-'));
  try {
    unpackInto(made, missing);
    if (existsSync(folder)) moveFiles(missing, made, folder);
    else moveFolder(made, folder);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
  return folder;
}

/** @param {string} folder */
function noteUse(folder) {
  const now = new Date();
  try {
    utimesSync(folder, now, now);
  } catch {
    // Another process notes it, or it is unpacked again.
  }
}

/**
 * Removes folders of versions that nobody has started for 30 days, in processes that stay. A server notes
 * each day that it runs: it reads files of its folder as long as it does.
 *
 * @param {string} ours
 * @param {string} inUse
 */
function keepClean(ours, inUse) {
  // As scripts/build-executable.ts names them: 0.1.0-0123456789abcdef
  const place = { ours, inUse, versions: /^\d.*-[0-9a-f]{16}$/ };
  const clean = () => void removeUnusedVersions(place, Date.now()).catch(() => undefined);
  setTimeout(clean, settledMs).unref();
  setInterval(clean, dayMs).unref();
}

/**
 * @param {string} folder
 * @param {readonly string[]} some
 */
function unpackInto(folder, some) {
  for (const file of some) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), Buffer.from(getAsset(file)));
  }
}

/**
 * @param {string} from
 * @param {string} to
 */
function moveFolder(from, to) {
  try {
    renameSync(from, to);
  } catch (error) {
    // Another process was faster.
    if (!existsSync(to)) throw error;
  }
}

/**
 * One by one and each at once: a server that runs from the folder goes on.
 *
 * @param {readonly string[]} some
 * @param {string} from
 * @param {string} to
 */
function moveFiles(some, from, to) {
  for (const file of some) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    renameSync(join(from, file), join(to, file));
  }
}

/**
 * Removes what processes have left that were killed while they unpacked.
 *
 * @param {string} parent
 */
function removeUnfinished(parent) {
  for (const one of readdirSync(parent)) {
    if (!one.startsWith('unpacking-')) continue;
    const folder = join(parent, one);
    try {
      if (Date.now() - statSync(folder).mtimeMs > dayMs) rmSync(folder, { recursive: true });
    } catch {
      // Another process has removed it, or will at its start.
    }
  }
}
