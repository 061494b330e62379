import { readdir, readFile, stat } from 'node:fs/promises';
import { fileProblemOf } from '../platform/file-problem.ts';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Catalog } from '../domain/session/template.ts';
import { type ConfigProblem, formatWarning } from './config-problem.ts';
import { parseServiceConfigs, type ServiceConfigs, summaryOf } from './service-configs.ts';

export { formatProblem } from './config-problem.ts';

/** The demo config of this package: two folders up from the sources and from the build alike. */
export const demoConfigFile = fileURLToPath(new URL('../../config/demo.json', import.meta.url));

/**
 * The service configs of a file, or of the `*.json` files of a folder; without a path those of the
 * demo config. What cannot be read is a problem like any other.
 */
export async function readServiceConfigs(path: string = demoConfigFile): Promise<ServiceConfigs> {
  const found = await findFiles(path);
  if ('expected' in found) return { problems: [found] };
  const texts = await Promise.all(found.files.map(readText));
  const problems = texts.filter((read) => 'expected' in read);
  const parsed = parseServiceConfigs(texts.filter((read) => 'text' in read));
  // A file that cannot be read hides no problem of the others.
  return problems.length === 0
    ? parsed
    : { problems: [...problems, ...('problems' in parsed ? parsed.problems : [])] };
}

async function findFiles(
  path: string,
): Promise<{ readonly files: readonly string[] } | ConfigProblem> {
  try {
    if (!(await stat(path)).isDirectory()) return { files: [path] };
    const names = (await readdir(path)).filter((name) => name.toLowerCase().endsWith('.json'));
    return names.length > 0
      ? { files: names.sort().map((name) => join(path, name)) }
      : { file: path, expected: 'Expected at least one .json file in this folder' };
  } catch (error) {
    return unreadable(path, error);
  }
}

async function readText(
  file: string,
): Promise<{ readonly file: string; readonly text: string } | ConfigProblem> {
  try {
    // Decoded by hand: it drops the byte order mark that some editors write, and tells what is no
    // text from what is.
    return { file, text: new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file)) };
  } catch (error) {
    return error instanceof TypeError
      ? { file, expected: 'Expected a JSON file encoded as UTF-8' }
      : unreadable(file, error);
  }
}

function unreadable(file: string, error: unknown): ConfigProblem {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
    ? { file, expected: 'Expected a file or a folder; there is nothing of this name' }
    : { file, expected: `Expected a file that can be read; ${fileProblemOf(error)}` };
}

/** The service configs in use. */
export type CatalogSource = {
  /** Those that were last read without problems; none before the first. */
  readonly catalog: () => Catalog;
  /** A line for each thing that is taken in them and should be otherwise. */
  readonly warnings: () => readonly string[];
  /** Reads them anew; with problems the former ones stay in use. */
  readonly reload: () => Promise<
    | { readonly ok: true; readonly summary: string }
    | { readonly problems: readonly ConfigProblem[] }
  >;
};

/**
 * A source of the service configs at `path`, as `readServiceConfigs` takes it. Nothing is read
 * before the first `reload`.
 *
 * @source docs/wire/service-configs.md "Service configs and session templates"
 */
export function createCatalogSource(path?: string): CatalogSource {
  let catalog: Catalog = new Map();
  let warnings: readonly ConfigProblem[] = [];
  let lastReload: Promise<unknown> = Promise.resolve();
  const reloadNow: CatalogSource['reload'] = async () => {
    const read = await readServiceConfigs(path);
    if ('problems' in read) return read;
    ({ catalog, warnings } = read);
    return { ok: true, summary: summaryOf(catalog) };
  };
  return {
    catalog: () => catalog,
    warnings: () => warnings.map(formatWarning),
    // One after the other, so that an older reading never replaces a newer one.
    reload: () => {
      const reloaded = lastReload.then(reloadNow, reloadNow);
      lastReload = reloaded;
      return reloaded;
    },
  };
}
