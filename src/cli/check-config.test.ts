import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { demoConfigFile } from '../config/read-service-configs.ts';
import { runCheckConfig } from './check-config.ts';

async function run(...args: string[]) {
  let out = '';
  let err = '';
  const code = await runCheckConfig(args, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
  });
  return { code, out: out.split('\n'), err: err.split('\n') };
}

test('a good file is listed', async () => {
  const { code, out, err } = await run(demoConfigFile);
  assert.equal(code, 0);
  assert.deepEqual(err, ['']);
  assert.deepEqual(out.slice(0, 6), [
    'service config bd6c41c3-01c3-468a-a3b5-3e0fe8133862 (every sandbox)',
    '  title 1234567890',
    '  title 896928775',
    '  title 174925616',
    '  template deathmatch (contract 107)',
    '  template LobbySession (contract 107)',
  ]);
  assert.ok(out.includes('  template legacy105 (contract 105)'));
  assert.match(
    out.at(-2) ?? '',
    /^2 service configs, 5 titles, 12 session templates, 2 hoppers: no problems$/,
  );
});

test('sandboxes are listed, and each problem has its line', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-check-config-'));
  context.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'a.json');
  const config = {
    scid: 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862',
    titles: [{ titleId: 1 }],
    sandboxes: ['RETAIL', 'XDKS.1'],
    sessionTemplates: {},
  };
  await writeFile(file, JSON.stringify({ serviceConfigs: [config] }));
  assert.equal(
    (await run(folder)).out[0],
    `service config ${config.scid} (sandboxes RETAIL, XDKS.1)`,
  );

  await writeFile(file, JSON.stringify({ serviceConfigs: [{ ...config, scid: 1, titles: [] }] }));
  assert.deepEqual(await run(folder), {
    code: 1,
    out: [''],
    err: [
      `${file}: $.serviceConfigs[0].scid: Expected a GUID`,
      `${file}: $.serviceConfigs[0].titles: Expected at least one title`,
      '',
    ],
  });
});

test('what is taken and should be otherwise has its line, and is no problem', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-check-config-'));
  context.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'a.json');
  const capabilities = { searchable: true, userAuthorizationStyle: true };
  const config = {
    scid: 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862',
    titles: [{ titleId: 1 }],
    sessionTemplates: { t: { contractVersion: 107, constants: { system: { capabilities } } } },
  };
  await writeFile(file, JSON.stringify({ serviceConfigs: [config] }));

  const { code, err } = await run(file);

  assert.equal(code, 0);
  assert.deepEqual(err, [
    `warning: ${file}: $.serviceConfigs[0].sessionTemplates.t.constants.system.capabilities.searchable: together with userAuthorizationStyle should have capability hasOwners`,
    '',
  ]);
});

test('--help tells what it does', async () => {
  const { code, out } = await run('--help');
  assert.equal(code, 0);
  assert.equal(out[0], 'openmpsd check-config <file or folder>');
});

const misuses: readonly (readonly [args: readonly string[], reason: RegExp])[] = [
  [[], /needs one file or folder/],
  [[''], /needs one file or folder/],
  [['a.json', 'b.json'], /needs one file or folder/],
  [['--verbose', 'a.json'], /does not know the option --verbose/],
];

for (const [args, reason] of misuses) {
  test(`misuse: ${JSON.stringify(args)}`, async () => {
    const { code, out, err } = await run(...args);
    assert.equal(code, 2);
    assert.deepEqual(out, ['']);
    assert.equal(err.length, 2);
    assert.match(err[0] ?? '', reason);
  });
}
