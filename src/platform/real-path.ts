import { existsSync, lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/**
 * The path of a file without links, also where the file is not there: what lies beside it is then found
 * beside the target of a link, and not beside the link.
 *
 * Throws the error of the system: a link leads to itself, or may not be followed.
 */
export function realPathOf(named: string): string {
  const file = resolve(named);
  const folder = dirname(file);
  const path = join(existsSync(folder) ? realpathSync(folder) : folder, basename(file));
  // Throws where links lead in a circle, so what follows comes to an end.
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return realpathSync(path);
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  return isLink ? realPathOf(resolve(dirname(path), readlinkSync(path))) : path;
}
