/** Settings whose value is in a file: secrets that orchestrators mount, and environments do not hold. */

import { readFileSync, statSync } from 'node:fs';
import { fileProblemOf } from '../platform/file-problem.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** No setting is longer. */
const fileBytesMax = 65_536;

/**
 * `env` with each `<name>_FILE` read: the text of that file, without line ends after it, becomes
 * `<name>`. Problems are sentences: a file that cannot be read, or both variables given.
 *
 * @param names of the variables that may be given so
 */
export function readFileVariables(
  env: Environment,
  names: readonly string[],
): { readonly env: Environment; readonly problems: readonly string[] } {
  const read: Record<string, string | undefined> = { ...env };
  const problems: string[] = [];
  for (const name of names) {
    const path = env[`${name}_FILE`];
    if (path === undefined) continue;
    if (env[name] !== undefined) {
      problems.push(`${name} and ${name}_FILE are both set; leave out one of them.`);
      continue;
    }
    try {
      const { size } = statSync(path);
      if (size > fileBytesMax) {
        problems.push(`${name}_FILE is ${path}, which is larger than ${fileBytesMax} bytes.`);
        continue;
      }
      read[name] = readFileSync(path, 'utf8').replace(/[\r\n]+$/, '');
    } catch (error) {
      problems.push(`${name}_FILE cannot be read: ${fileProblemOf(error)}.`);
    }
  }
  return { env: read, problems };
}
