import { readdirSync, chmodSync, closeSync, openSync, statSync } from 'node:fs';

/** What this process makes for itself alone. */
export const privateFolderMode = 0o700;
const privateFileMode = 0o600;
const writableByOthers = 0o022;

/**
 * Why another user could have written this file or folder: a sentence without a full stop, with what
 * to do. Undefined when only this user and root could have, when there is no such file, and on
 * Windows, where the rights of a file say nothing of this kind.
 *
 * Throws the error of the system when the file cannot be looked at.
 */
export function problemOfTrust(path: string): string | undefined {
  const uid = process.getuid?.();
  const found = statSync(path, { throwIfNoEntry: false });
  if (uid === undefined || found === undefined) return undefined;
  if (found.uid !== uid && found.uid !== 0) {
    return `${path} belongs to another user (uid ${found.uid}, this process has ${uid}), who could have written it. If you know what is in it, give it to this user (chown)`;
  }
  if ((found.mode & writableByOthers) !== 0) {
    const mode = (found.mode & 0o777).toString(8);
    return `${path} may be written by other users (its mode is ${mode}). If you know what is in it, take that right away (chmod go-w)`;
  }
  return undefined;
}

/**
 * Makes an empty file that only this user may read and write, or takes from others the right to
 * read one that is there.
 *
 * Throws the error of the system.
 */
export function makePrivateFile(path: string): void {
  const uid = process.getuid?.();
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) closeSync(openSync(path, 'a', privateFileMode));
  else if (found.isFile() && found.uid === uid && (found.mode & 0o077) !== 0) {
    chmodSync(path, privateFileMode);
  }
}

/**
 * Takes from others the right to look into a folder of this user in which every file's name begins
 * with `prefix`. A folder that holds other things is left as it is: it has another purpose.
 *
 * Throws the error of the system.
 */
export function makeFolderPrivate(path: string, prefix: string): void {
  const uid = process.getuid?.();
  const { uid: owner, mode } = statSync(path);
  if (uid === undefined || owner !== uid || (mode & 0o077) === 0) return;
  if (readdirSync(path).every((name) => name.startsWith(prefix))) {
    chmodSync(path, privateFolderMode);
  }
}
