/** The program and the hoppers of docs/matchmaking.md do what the page says. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { startServer } from '../src/server.ts';

const root = resolve(import.meta.dirname, '..');

test('the program of the guide takes two players from their lobbies to one game', async (context) => {
  const page = await readFile(join(root, 'docs/matchmaking.md'), 'utf8');
  const program = /```ts\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  assert.ok(program.split('\n').length <= 41, 'it has 40 lines');
  const client = pathToFileURL(join(root, 'src/client/multiplayer-service.ts')).href;
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-guide-'));
  context.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'play.mts');
  await writeFile(file, program.replace("'openmpsd/client'", `'${client}'`));
  const server = await startServer({ port: 0, store: 'memory' });
  context.after(() => server.close());

  const { stdout } = await promisify(execFile)(process.execPath, [file], {
    env: { ...process.env, MPSD_URL: server.url },
    timeout: 60_000,
  });

  const games = [...stdout.matchAll(/^(ada|bob)-\d+: plays in (\S+)$/gm)];
  assert.deepEqual(games.map(([, name]) => name).sort(), ['ada', 'bob'], stdout);
  assert.equal(games[0]?.[2], games[1]?.[2]);
  assert.match(stdout, /^ada-\d+: searching, \d+ s$/m);
});
