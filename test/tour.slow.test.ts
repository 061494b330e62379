/** The README's tour and its TypeScript, run as they stand. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { test } from 'node:test';
import { startServer } from '../src/server.ts';
import { demoScid, Kit } from '../src/testing/kit.ts';
import { manualClock } from '../src/testing/manual-clock.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const tour = /^## The 60-second tour$[\s\S]*?^```sh\n([\s\S]*?)^```$/m.exec(readme)?.[1] ?? '';

/** Every status that the comments promise for the next calls, in order: `# 201: …`, `# 200, then 204: …`. */
const promised = [...tour.matchAll(/^# (\d{3}(?:, then \d{3})*):/gm)].flatMap(([, statuses = '']) =>
  statuses.split(', then '),
);

function run(script: string, env: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const bash = spawn('bash', ['-euo', 'pipefail', '-c', script], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    bash.stdout.on('data', (text) => {
      output += text;
    });
    bash.once('error', reject);
    // At its exit the last lines may still be on their way.
    bash.once('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`the tour ended with ${code}: ${output}`)),
    );
  });
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('every step of the tour answers what the README says', async () => {
  await using server = await startServer({ port: 0, store: 'memory' });
  const output = await run(tour, { URL: server.url });
  const answered = output.split('\n').filter((line) => /^\d{3}$/.test(line));
  assert.ok(promised.length >= 10, 'the tour was found');
  assert.deepEqual(answered, promised);
  assert.match(output, /^X-Mpsd-Refusal: notAMember\r?$/m);
  assert.match(output, /\{"results":\[\]\}\n200\n$/);
});

/** What is shown of the client, aimed at the server under test. */
function clientCode(url: string): string {
  const shown = [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code);
  const client = new URL('../src/client/multiplayer-service.ts', import.meta.url).href;
  return shown
    .filter((block) => block.includes('ada'))
    .join('')
    .replace("'openmpsd/client'", `'${client}'`)
    .replace('http://127.0.0.1:8350', url);
}

const lobby = { scid: demoScid, templateName: 'LobbySession', name: 'lobby-1' };

test('what is shown of the client works, and hears of the end', async (context) => {
  await using server = await startServer({ port: 0, store: 'memory', tapWindowMs: 0 });
  const ada = new Kit(server.url, undefined).user('Ada', { xuid: '1001' });
  // A user who has heard of a change has heard enough: the session ends.
  const log = context.mock.method(console, 'log', () => void ada.client.leaveSession(lobby));
  const code = stripTypeScriptTypes(clientCode(server.url));
  await import(`data:text/javascript,${encodeURIComponent(code)}`);
  assert.ok(log.mock.callCount() > 0);
  assert.equal(await ada.client.getSession(lobby), undefined);
});

test('a program that is killed while it runs what is shown leaves nothing behind', async () => {
  const clock = manualClock();
  await using server = await startServer({ port: 0, store: 'memory', tapWindowMs: 0, clock });
  const ben = new Kit(server.url, undefined).user('Ben', { xuid: '3210' });
  const program = spawn(process.execPath, ['--input-type=module', '-e', clientCode(server.url)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // It prints when the change of its activity has come back as a tap.
  await once(program.stdout, 'data');
  const activities = () => ben.client.getActivitiesForUsers(demoScid, ['1001']);
  assert.equal((await activities()).length, 1);
  program.kill('SIGKILL');
  await once(program, 'exit');
  while (server.connectionsCount > 0) await nextTurn();
  clock.advance(30_000);
  await server.sweep();
  assert.deepEqual(await activities(), []);
  assert.equal(await ben.client.getSession(lobby), undefined);
});
