/**
 * cpp/openmpsd_redirect.cpp: compiled against headers of our own, and run against a real server with a
 * library that takes the place of the one on which XSAPI is built.
 */

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startServer } from '../../src/server.ts';
import { commandFile } from '../../src/testing/command-file.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const here = (file: string): string => join(root, 'test/cpp', file);

const compiler = ['c++', 'g++', 'clang++'].find((one) => !spawnSync(one, ['--version']).error);
const skip = compiler === undefined && 'there is no C++ compiler on this machine';

test('a title whose calls are redirected plays at the server, and calls nobody else', {
  skip,
}, async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-cpp-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const program = join(folder, 'program');
  const flags = ['-std=c++17', '-Wall', '-Wextra', '-Wpedantic', '-Wshadow', '-Werror'];
  await run(compiler ?? '', [
    ...flags,
    `-I${here('include')}`,
    '-o',
    program,
    join(root, 'cpp/openmpsd_redirect.cpp'),
    here('fake_http_client.cpp'),
    here('program.cpp'),
  ]);

  await using server = await startServer({ port: 0, store: 'memory' });
  const { stdout } = await run(program, [`${server.url}/`]);
  const lines = stdout.trimEnd().split('\n');
  const line = (start: string): string => lines.find((one) => one.startsWith(start)) ?? stdout;

  // The result of the call, its status, whether the network failed, the platform's error, ETag, body.
  assert.equal(line('no URL'), 'no URL: 1');
  assert.equal(line('redirect'), 'redirect: 0');
  assert.equal(line('again'), 'again: 1');
  assert.match(line('PUT https://sessiondirectory.'), /: 0 201 0 0 ETag \{.*"gamertag":"Ada"/);
  assert.match(line('GET https://SessionDirectory.'), /: 0 200 0 0 ETag \{.*"gamertag":"Ada"/);
  assert.match(line('GET https://sessiondirectory.xboxlive.com:'), /: 0 4\d\d 0 0 - /);
  for (const elsewhere of ['POST https://user.auth.', 'GET https://example', 'GET https://not']) {
    assert.match(line(elsewhere), /: 0 0 1 0 - $/);
  }
  assert.match(line('GET nonsense'), /: 0 0 1 0 - $/);
  const socketUrl = server.url.replace('http', 'ws');
  assert.equal(line('socket'), `socket: ${socketUrl}/connect rta.xboxlive.com.V2`);
  assert.equal(line('other socket'), 'other socket: wss://example.com/connect x');
  assert.equal(line('open calls'), 'open calls: 0');

  // The title reads the address that exec sets; without one its calls stay as they are.
  const environment = { ...process.env, OPENMPSD_URL: undefined };
  const alone = await run(program, [], { env: environment });
  assert.match(
    alone.stdout,
    /^redirect: 1\n[\s\S]*^PUT https:\/\/sessiondirectory.*: 0 0 1 0 - $/m,
  );
  const led = await run(process.execPath, [commandFile, 'exec', '--', program], {
    env: environment,
  });
  assert.match(
    led.stdout,
    /^redirect: 0\n[\s\S]*^PUT https:\/\/sessiondirectory.*: 0 201 0 0 ETag \{/m,
  );

  const away = await run(program, ['http://127.0.0.1:9']);
  assert.match(away.stdout, /PUT https:\/\/sessiondirectory.*: 0 0 1 111 - \n/);
});
