import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes the folder, and those that it lies in, where they are not there. Undefined when it is there
 * at the end, else why it is not: a sentence that begins with its path, without a full stop.
 *
 * One by one: Node's own `recursive` tries for ever where the system says of a folder that is there
 * that it is not, as `/proc` does. What is made has this mode, less what the umask of the process
 * takes away.
 */
export function makeFolder(folder: string, mode = 0o777): string | undefined {
  const path = resolve(folder);
  const missing: string[] = [];
  try {
    let there = path;
    for (; statSync(there, { throwIfNoEntry: false }) === undefined; there = dirname(there)) {
      if (dirname(there) === there) return `${path} cannot be made: there is no ${there}`;
      missing.unshift(there);
    }
    if (!isFolder(there)) {
      return there === path
        ? `${path} is not a folder`
        : `${path} cannot be made: ${there} is not a folder`;
    }
    for (const one of missing) makeOne(one, mode);
    return undefined;
  } catch (error) {
    const { code, message, path: at = path } = error as NodeJS.ErrnoException;
    return `${path} cannot be made: ${reasonOf(code, at) ?? message}`;
  }
}

function makeOne(folder: string, mode: number): void {
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    // Somebody else may just have made it.
    if (!isFolder(folder)) throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Why the system makes no folder `at`. */
function reasonOf(code: string | undefined, at: string): string | undefined {
  const above = dirname(at);
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return `this process has no right to write to ${above}`;
    case 'EROFS':
      return `${above} is on a file system that is read-only`;
    case 'ENOENT':
      return `${above} takes no folders`;
    case 'EEXIST':
      return `${at} is a link to nothing`;
    default:
      return undefined;
  }
}
