// What an executable runs: it holds the files of the package, and its Node. A version is unpacked once,
// into the folder of caches, and runs from there as it does where npm has installed it.

const { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } =
  require('node:fs');
const { createRequire } = require('node:module');
const { homedir, tmpdir } = require('node:os');
const { dirname, join } = require('node:path');
const { getAsset } = require('node:sea');

/** @type {{ readonly name: string, readonly files: readonly string[] }} */
const { name, files } = JSON.parse(getAsset('contents.json', 'utf8'));

const command = join(unpackedFolder(), 'dist', 'main.cjs');
process.argv[1] = command;
createRequire(command)(command);

/** The folder with the files. Without a folder for caches it is one of this process, until it ends. */
function unpackedFolder() {
  const parent = privateCacheFolder();
  if (parent === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'openmpsd-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    unpackInto(folder);
    return folder;
  }
  const folder = join(parent, name);
  if (existsSync(folder)) return folder;
  const made = mkdtempSync(join(parent, 'unpacking-'));
  unpackInto(made);
  try {
    renameSync(made, folder);
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    // Another process was faster.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** @param {string} folder */
function unpackInto(folder) {
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), Buffer.from(getAsset(file)));
  }
}

/** A folder that no other user can write code into; undefined: there is none. */
function privateCacheFolder() {
  // The first is what systemd gives a unit.
  const { CACHE_DIRECTORY, LOCALAPPDATA, XDG_CACHE_HOME } = process.env;
  const caches = XDG_CACHE_HOME || LOCALAPPDATA || join(homedir(), '.cache');
  const parent = CACHE_DIRECTORY || join(caches, 'openmpsd');
  const folder = join(parent, 'unpacked');
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
