import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { demoConfigFile } from '../config/read-service-configs.ts';
import { runSimulateHopper } from './simulate-hopper.ts';

async function run(args: readonly string[], isTTY = false) {
  let out = '';
  let err = '';
  const code = await runSimulateHopper(args, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text), isTTY },
  });
  return { code, out: out.split('\n'), err };
}

async function folderOf(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-simulate-'));
  context.after(() => rm(folder, { recursive: true }));
  return folder;
}

/** Without the speed, which is not the same twice. */
const figures = (out: readonly string[]) => out.filter((line) => !line.startsWith('faster'));

test('a simulation says how long players wait and what they get, the same with the same seed', async () => {
  const args = [demoConfigFile, '--hopper', 'Ranked5v5', '--hours', '0.5'];
  const first = await run(args);
  assert.equal(first.code, 0);
  assert.equal(first.err, '');
  const names = first.out.map((line) => line.split(/ {2,}/)[0]);
  for (const name of ['players', 'matched', 'gave up', 'matches', 'quality', 'teams differ by']) {
    assert.ok(names.includes(name), name);
  }
  assert.match(
    first.out.find((line) => line.startsWith('wait of parties of 4')) ?? '',
    /\d+\.\d s \/ \d+\.\d s \/ \d+\.\d s/,
  );
  assert.deepEqual(figures((await run(args)).out), figures(first.out));
  assert.notDeepEqual(figures((await run([...args, '--seed', '2'])).out), figures(first.out));
});

test('two hoppers side by side, with a chart of both and progress on a terminal', async (context) => {
  const folder = await folderOf(context);
  const chart = join(folder, 'chart.html');
  const { code, out, err } = await run(
    [demoConfigFile, '--hopper', 'quick', '--compare-hopper', 'ranked5v5', '--chart', chart],
    true,
  );
  assert.equal(code, 0);
  assert.match(out[1] ?? '', /quick \(.*\) +ranked5v5 \(/);
  assert.match(err, /quick .*: 50 %/);
  const page = await readFile(chart, 'utf8');
  assert.match(page, /^<!doctype html>/);
  assert.equal(page.match(/<polyline /g)?.length, 4);
});

test('a population says who comes', async (context) => {
  const folder = await folderOf(context);
  const population = join(folder, 'population.json');
  await writeFile(
    population,
    JSON.stringify({
      playersPerMinute: 20,
      giveUpSeconds: 30,
      partySizes: { 1: 1 },
      attributes: { build: { oneOf: { '1.0': 1 } }, skill: { uniform: [0, 10_000_000] } },
      regions: { here: { share: 1, latencies: { east: 20 } } },
    }),
  );
  const { code, out } = await run([
    ...[demoConfigFile, '--hopper', 'ranked5v5', '--population', population],
  ]);
  assert.equal(code, 0);
  // Skills are so far apart that nobody is matched before SHOULD rules end, after 35 s.
  assert.match(out.find((line) => line.startsWith('matched')) ?? '', / 0\.0 %$/);
  assert.equal(out.filter((line) => line.startsWith('wait of parties')).length, 0);
});

/** A hopper like `servers` in docs/matchmaking.md, in a config file of its own. */
async function serversConfig(folder: string): Promise<string> {
  const config = JSON.parse(await readFile(demoConfigFile, 'utf8'));
  config.serviceConfigs[0].hoppers = {
    servers: {
      sessionTemplate: 'deathmatch',
      minGroupSize: 2,
      maxGroupSize: 16,
      rules: [
        {
          ...{ name: 'server', type: 'must', dataType: 'qualityOfService' },
          ...{ topology: 'clientServer', latencyMaximum: 120 },
        },
      ],
    },
  };
  const file = join(folder, 'servers.json');
  await writeFile(file, JSON.stringify(config));
  return file;
}

// Kills: suggested players who have measured no server.
test('the suggested players of a hopper with a rule about servers are matched', async (context) => {
  const config = await serversConfig(await folderOf(context));
  const { code, out } = await run([config]);
  assert.equal(code, 0);
  assert.match(out.find((line) => line.startsWith('matched')) ?? '', / (9\d|100)\.\d %$/);
});

test('why tickets gave up is said, and what was in the way', async (context) => {
  const folder = await folderOf(context);
  const population = join(folder, 'far.json');
  const far = { share: 1, latencies: { west: 210 } };
  await writeFile(
    population,
    JSON.stringify({
      ...{ playersPerMinute: 20, giveUpSeconds: 30 },
      ...{ partySizes: { 1: 1 }, regions: { far } },
    }),
  );
  const config = await serversConfig(folder);
  const { code, out } = await run([config, '--population', population]);
  assert.equal(code, 0);
  assert.match(
    out.at(-2) ?? '',
    /^servers, why not: server keeps tickets apart; the nearest: latency 2\d\d ms to west, allowed 120 ms now \([\d,]+ of [\d,]+ tickets that gave up\)$/,
  );
});

test('what is wrong with the files', async (context) => {
  const folder = await folderOf(context);
  const bad = join(folder, 'bad.json');
  await writeFile(bad, '{"partySizes": {"0": 1}, "x": 1}');
  const large = join(folder, 'large.json');
  await writeFile(large, '{"partySizes": {"1": 1, "3": 1}}');
  const cases: readonly (readonly [args: readonly string[], err: RegExp])[] = [
    [[join(folder, 'none.json')], /there is nothing of this name/],
    [[demoConfigFile], /several hoppers \(quick, ranked5v5\); say which one with --hopper/],
    [[demoConfigFile, '--hopper', 'x'], /has no hopper "x"; it has quick, ranked5v5/],
    [
      [demoConfigFile, '--hopper', 'quick', '--population', bad],
      /bad\.json: \$\.partySizes: Expected sizes from 1 to 999\n.*bad\.json: \$\.x: This member is not known here/,
    ],
    [
      [demoConfigFile, '--hopper', 'quick', '--population', large],
      /large\.json: \$\.partySizes: Expected parties of at most 2, .*there is one of 3/,
    ],
    [
      [demoConfigFile, '--hopper', 'quick', '--chart', join(folder, 'no', 'x.svg')],
      /cannot be written: its folder is not there\./,
    ],
  ];
  for (const [args, expected] of cases) {
    const { code, err } = await run(args);
    assert.equal(code, 1);
    assert.match(err, expected);
  }
});

const misuses: readonly (readonly [args: readonly string[], reason: RegExp])[] = [
  [[], /needs a service config file first/],
  [['a.json', '--hours', '0'], /--hours: expected a number above 0, at most 10000; it is "0"/],
  [['a.json', '--speed', '2'], /does not know the option --speed/],
  [['a.json', '--chart', 'x.png'], /--chart: expected a file that ends with \.svg or \.html/],
];

for (const [args, reason] of misuses) {
  test(`misuse: ${JSON.stringify(args)}`, async () => {
    const { code, err } = await run(args);
    assert.equal(code, 2);
    assert.match(err, reason);
  });
}
