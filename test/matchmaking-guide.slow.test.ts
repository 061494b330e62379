/** The program and the hoppers of docs/matchmaking.md do what the page says. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { parseServiceConfigs } from '../src/config/service-configs.ts';
import { parsePopulation } from '../src/matchmaking/population.ts';
import { simulate } from '../src/matchmaking/simulation.ts';
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
    timeout: 300_000,
  });

  const games = [...stdout.matchAll(/^(ada|bob)-\d+: plays in (\S+)$/gm)];
  assert.deepEqual(games.map(([, name]) => name).sort(), ['ada', 'bob'], stdout);
  assert.equal(games[0]?.[2], games[1]?.[2]);
  // On a busy machine the match may be there at the first look.
  assert.match(stdout, /^ada-\d+: (searching|found), /m);
});

test('the requests of the guide make a ticket that can be read', async (context) => {
  const page = await readFile(join(root, 'docs/matchmaking.md'), 'utf8');
  const script = /```sh\n(at=[\s\S]*?)```/.exec(page)?.[1] ?? '';
  const server = await startServer({ port: 0, store: 'memory' });
  context.after(() => server.close());
  const answers: string[] = [];
  for (const [, verb = 'GET', target = '', body] of script.matchAll(
    /^send (?:-X (\w+) )?"\$at([^"]*)"(?:[\s\\]*-d '([^']*)')?/gm,
  )) {
    const ticketId = /"ticketId":"([^"]+)"/.exec(answers.join())?.[1] ?? '';
    const path = target.replace('<the ticketId of the answer>', ticketId);
    const { pathname } = new URL(/^at=(\S+)/.exec(script)?.[1] ?? '');
    const answer = await fetch(`${server.url}${pathname}${path}`, {
      method: verb,
      headers: Object.fromEntries(
        [...script.matchAll(/-H '([^:]+): ([^']+)'/g)].map(([, name, value]) => [name, value]),
      ),
      ...(body !== undefined && { body }),
    });
    assert.ok(answer.ok, `${verb} ${path}: ${answer.status}`);
    answers.push(await answer.text());
  }
  assert.equal(answers.length, 4);
  assert.match(answers[2] ?? '', /"ticketStatus":"Searching"/);
  assert.match(answers[3] ?? '', /"population":1/);
});

test('each hopper of the guide is a good one, and matches the players who come to it', async () => {
  const page = await readFile(join(root, 'docs/matchmaking.md'), 'utf8');
  const hoppers = JSON.parse(/```json\n(\{\n {2}"duel"[\s\S]*?)```/.exec(page)?.[1] ?? '');
  const system = { maxMembersCount: 100, capabilities: { gameplay: true } };
  const config = {
    scid: '3f2a61d4-7d0f-4b0e-9f55-0a6a3c1f5b21',
    titles: [{ titleId: 1 }],
    sessionTemplates: { game: { contractVersion: 107, constants: { system } } },
    hoppers,
  };
  const text = JSON.stringify({ serviceConfigs: [config] });
  const parsed = parseServiceConfigs([{ file: 'guide', text }]);
  assert.ok('catalog' in parsed, JSON.stringify(parsed));
  assert.deepEqual(parsed.warnings, []);
  const [read] = parsed.catalog.values();
  assert.equal(read?.hoppers?.size, 5);
  for (const hopper of read?.hoppers?.values() ?? []) {
    const population = parsePopulation(
      {
        playersPerMinute: 300,
        partySizes: { 1: 3, 2: 1 },
        regions: {
          east: { share: 1, latencies: { east: 20, west: 90 } },
          west: { share: 1, latencies: { east: 90, west: 20 } },
        },
      },
      hopper,
    );
    assert.ok(!('problems' in population));
    const steps = simulate({ hopper, population, lastsMs: 180_000, seed: 5, intervalMs: 1_000 });
    let step = steps.next();
    while (!step.done) step = steps.next();
    const { matchedCount, playersCount } = step.value;
    assert.ok(
      matchedCount / playersCount > 0.6,
      `${hopper.name}: ${matchedCount} of ${playersCount}`,
    );
  }
});
