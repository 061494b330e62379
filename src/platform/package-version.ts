import { readFile } from 'node:fs/promises';

/**
 * The version in package.json, which is as far from the sources as from what is built of them. Throws the
 * error of the system.
 */
export async function readPackageVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return JSON.parse(text).version;
}
