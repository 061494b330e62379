/** The files of deploy/, by the linters and schemas of those who read them. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtempDisposable, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { skipWithout } from './built-package.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const load = createRequire(import.meta.url);

test('the Dockerfile has no fault that its linter finds', {
  skip: skipWithout('dockerfile-utils'),
}, () => {
  const { validate } = load('dockerfile-utils');
  assert.equal(validate('FROM node:24-slim\nRUNN true\n').length, 1);
  assert.deepEqual(validate(read('deploy/Dockerfile')), []);
});

type Manifest = { readonly apiVersion: string; readonly kind: string };

test('the manifests of Kubernetes fit their schemas, and name nothing that these do not', {
  skip: skipWithout('kubernetes-models', 'typescript'),
}, async () => {
  const documents = parseAllDocuments(read('deploy/kubernetes/openmpsd.yaml'));
  const manifests = documents.map((one) => one.toJS() as Manifest);
  assert.ok(manifests.length > 3);
  for (const manifest of manifests) {
    const { [manifest.kind]: Kind } = await import(`kubernetes-models/${manifest.apiVersion}`);
    new Kind(manifest).validate();
  }
  // The schemas let unknown names pass; types do not.
  const faulty = { ...manifests[1], spce: {} } as unknown as Manifest;
  await using folder = await mkdtempDisposable(join(tmpdir(), 'openmpsd-manifests-'));
  const modules = join(import.meta.dirname, 'node_modules');
  await symlink(modules, join(folder.path, 'node_modules'));
  const lines = [...manifests, faulty].map(
    (manifest, n) =>
      `export const m${n}: import('kubernetes-models/${manifest.apiVersion}').I${manifest.kind} = ${JSON.stringify(manifest)};`,
  );
  await writeFile(join(folder.path, 'manifests.ts'), lines.join('\n'));
  const compiled = promisify(execFile)(
    process.execPath,
    [
      ...[join(root, 'node_modules/typescript/bin/tsc'), '--noEmit', '--strict'],
      ...['--skipLibCheck', '--module', 'nodenext', '--types', '', 'manifests.ts'],
    ],
    { cwd: folder.path },
  );
  const { stdout } = await compiled.catch((error: { stdout: string }) => error);
  const faults = stdout.trim().split('\n');
  assert.match(faults[0] ?? '', /'"spce"' does not exist/);
  assert.equal(faults.length, 1, stdout);
  assert.ok(faults[0]?.startsWith(`manifests.ts(${lines.length},`), stdout);
});
