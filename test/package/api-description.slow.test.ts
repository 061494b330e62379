/** The API description is valid, and a TypeScript client that is generated from it compiles and calls. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempDisposable, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startServer } from '../../src/server.ts';
import { skipWithout } from './built-package.ts';

const packages = ['@seriousme/openapi-schema-validator', 'openapi-typescript', 'openapi-fetch'];
const root = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);
const requireHere = createRequire(import.meta.url);

const program = `
import createClient from 'openapi-fetch';
import type { paths } from './api.ts';

const client = createClient<paths>({
  baseUrl: process.argv[2] ?? '',
  headers: { Authorization: 'XBL3.0 x=-;xuid=1001&gtg=Ada' },
});
const session = {
  scid: 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862',
  templateName: 'deathmatch',
  name: 'generated',
};
const put = await client.PUT(
  '/serviceconfigs/{scid}/sessiontemplates/{templateName}/sessions/{name}',
  {
    params: { path: session, header: { 'X-Xbl-Contract-Version': 107 } },
    body: { members: { me: { properties: { system: { active: true } } } } },
  },
);
console.log(put.response.status, put.data?.membersInfo.count);
`;

test('the description is valid, and a client made of it works', {
  skip: skipWithout(...packages),
}, async () => {
  await using server = await startServer({ port: 0, store: 'memory' });
  const description = await (await fetch(`${server.url}/openapi.json`)).text();
  const { Validator } = await import(requireHere.resolve(packages[0] ?? ''));
  const outcome = await new Validator().validate(JSON.parse(description));
  assert.ok(outcome.valid, JSON.stringify(outcome.errors)?.slice(0, 2_000));

  await using folder = await mkdtempDisposable(join(tmpdir(), 'openmpsd-api-'));
  const modules = join(import.meta.dirname, 'node_modules');
  await symlink(modules, join(folder.path, 'node_modules'));
  await writeFile(join(folder.path, 'api.json'), description);
  await writeFile(join(folder.path, 'client.ts'), program);
  await writeFile(join(folder.path, 'package.json'), '{"type": "module"}');
  const runNode = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await run(process.execPath, [...args], { cwd: folder.path });
    return stdout;
  };
  await runNode(join(modules, 'openapi-typescript/bin/cli.js'), 'api.json', '-o', 'api.ts');
  await runNode(
    join(root, 'node_modules/typescript/bin/tsc'),
    ...['--module', 'nodenext', '--target', 'es2024', '--strict', '--noEmit', '--skipLibCheck'],
    ...['--allowImportingTsExtensions', '--typeRoots', join(root, 'node_modules/@types')],
    ...['--types', 'node', 'client.ts'],
  );
  assert.match(await runNode('client.ts', server.url), /^201 1$/m);
});
