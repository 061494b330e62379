/**
 * `node scripts/check-release.ts v1.2.3 [--notes]`: whether the tag, package.json, its lock and the
 * changelog name one version; prints what the changelog says of it.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** The problems of a release, as sentences, and the part of the changelog about it. */
export function checkRelease(
  tag: string,
  files: { readonly package: string; readonly lock: string; readonly changelog: string },
): { readonly problems: readonly string[]; readonly notes: string } {
  const problems: string[] = [];
  const version = tag.replace(/^v/, '');
  if (!/^v\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?$/.test(tag)) {
    problems.push(`${tag} is not a tag of a version, as v1.2.3.`);
  }
  for (const name of ['package', 'lock'] as const) {
    const { version: written } = JSON.parse(files[name]) as { readonly version: string };
    if (written !== version) problems.push(`The ${name} is of version ${written}, not ${version}.`);
  }
  const [, ...parts] = files.changelog.split(/^## /m);
  const part = parts.find(
    (text) => text.startsWith(`${version} `) || text.startsWith(`${version}\n`),
  );
  const notes = part?.slice(part.indexOf('\n')).trim() ?? '';
  if (notes === '') problems.push(`CHANGELOG.md says nothing under "## ${version}".`);
  return { problems, notes };
}

if (import.meta.main) {
  const [tag = '', option] = process.argv.slice(2);
  const { problems, notes } = checkRelease(tag, {
    package: read('package.json'),
    lock: read('package-lock.json'),
    changelog: read('CHANGELOG.md'),
  });
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length > 0) process.exitCode = 1;
  else if (option === '--notes') process.stdout.write(`${notes}\n`);
}
