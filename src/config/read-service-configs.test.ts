import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { constantsProblems, resolveConstantsSystem } from '../domain/session/constants.ts';
import { formatProblem } from './config-problem.ts';
import { createCatalogSource, demoConfigFile, readServiceConfigs } from './read-service-configs.ts';
import { parseServiceConfigs, type ServiceConfigs } from './service-configs.ts';

const scids = [
  '11111111-1111-4111-8111-111111111111',
  '22222222-2222-4222-8222-222222222222',
] as const;

function fileOf(scid: string): string {
  const template = { contractVersion: 107, constants: {} };
  const config = { scid, titles: [{ titleId: 1 }], sessionTemplates: { t: template } };
  return JSON.stringify({ serviceConfigs: [config] });
}

async function makeFolder(
  context: TestContext,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-config-'));
  context.after(() => rm(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

function linesOf(read: ServiceConfigs): readonly string[] {
  return 'problems' in read ? read.problems.map(formatProblem) : [];
}

test('a file is read', async (context) => {
  const folder = await makeFolder(context, { 'a.json': fileOf(scids[0]), 'b.json': '' });
  const read = await readServiceConfigs(join(folder, 'a.json'));
  assert.ok('catalog' in read);
  assert.deepEqual([...read.catalog.keys()], [scids[0]]);
});

test('of a folder all .json files are read, and nothing else', async (context) => {
  const folder = await makeFolder(context, {
    'b.json': fileOf(scids[1]),
    'a.JSON': fileOf(scids[0]),
    'notes.md': 'no JSON',
  });
  const read = await readServiceConfigs(folder);
  assert.ok('catalog' in read, linesOf(read).join());
  assert.deepEqual([...read.catalog.keys()], scids);
});

test('a byte order mark, as some editors write it, is no problem', async (context) => {
  const folder = await makeFolder(context, { 'a.json': `\ufeff${fileOf(scids[0])}` });
  assert.deepEqual(linesOf(await readServiceConfigs(folder)), []);
});

test('problems of all files of a folder are reported, those that cannot be read first', async (context) => {
  const folder = await makeFolder(context, {
    'a.json': '{"serviceConfigs":[]}',
    'b.json': new Uint8Array([0x22, 0xff, 0x22]),
  });
  await mkdir(join(folder, 'c.json'));
  assert.deepEqual(linesOf(await readServiceConfigs(folder)), [
    `${join(folder, 'b.json')}: Expected a JSON file encoded as UTF-8`,
    `${join(folder, 'c.json')}: Expected a file that can be read; it is a folder`,
    `${join(folder, 'a.json')}: $.serviceConfigs: Expected at least one service config`,
  ]);
});

test('a path that leads nowhere and an empty folder are problems', async (context) => {
  const folder = await makeFolder(context, {});
  assert.deepEqual(linesOf(await readServiceConfigs(join(folder, 'none.json'))), [
    `${join(folder, 'none.json')}: Expected a file or a folder; there is nothing of this name`,
  ]);
  assert.deepEqual(linesOf(await readServiceConfigs(folder)), [
    `${folder}: Expected at least one .json file in this folder`,
  ]);
});

test('without a path the demo config is read, and each of its templates makes sessions', async () => {
  const read = await readServiceConfigs();
  assert.deepEqual(linesOf(read), []);
  assert.ok('catalog' in read);
  const demo = read.catalog.get('bd6c41c3-01c3-468a-a3b5-3e0fe8133862');
  assert.deepEqual(
    demo?.titles.map(({ titleId }) => titleId),
    ['1234567890', '896928775', '174925616'],
  );
  assert.deepEqual(
    [...(demo?.sessionTemplates.keys() ?? [])],
    [
      'deathmatch',
      'lobbysession',
      'gamesession',
      'minecraftlobby',
      'legacy105',
      'visible',
      'private',
      'dedicated',
      'lfg',
      'large',
      'blank',
    ],
  );
  for (const config of read.catalog.values()) {
    for (const { constants, contractVersion } of config.sessionTemplates.values()) {
      const resolved = resolveConstantsSystem(constants.system, contractVersion);
      assert.deepEqual(constantsProblems(resolved), []);
    }
  }
});

/** @source docs/wire/sessions.md "The document" */
test('the lobby of the demo config has the recorded constants', async () => {
  const read = await readServiceConfigs(demoConfigFile);
  assert.ok('catalog' in read);
  const demo = read.catalog.get('bd6c41c3-01c3-468a-a3b5-3e0fe8133862');
  const lobby = demo?.sessionTemplates.get('lobbysession');
  assert.deepEqual(resolveConstantsSystem(lobby?.constants.system ?? {}, 107), {
    version: 1,
    maxMembersCount: 8,
    visibility: 'open',
    inviteProtocol: 'game',
    capabilities: {
      connectivity: true,
      connectionRequiredForActiveMembers: true,
      crossPlay: true,
      userAuthorizationStyle: true,
    },
    reservedRemovalTimeout: 30_000,
    inactiveRemovalTimeout: 0,
    readyRemovalTimeout: 180_000,
    sessionEmptyTimeout: 0,
  });
});

test('the example of config/README.md has no problems', async () => {
  const readme = await readFile(new URL('../../config/README.md', import.meta.url), 'utf8');
  const examples = [...readme.matchAll(/```json\n(.*?)```/gs)].map(([, text = '']) => text);
  assert.equal(examples.length, 1);
  const parsed = parseServiceConfigs(examples.map((text) => ({ file: 'README.md', text })));
  assert.deepEqual(linesOf(parsed), []);
});

test('a source has nothing before it is read, and follows its file', async (context) => {
  const folder = await makeFolder(context, { 'a.json': fileOf(scids[0]) });
  const source = createCatalogSource(folder);
  assert.equal(source.catalog().size, 0);
  assert.deepEqual(await source.reload(), {
    ok: true,
    summary: '1 service config, 1 title, 1 session template',
  });
  assert.deepEqual([...source.catalog().keys()], [scids[0]]);

  await writeFile(join(folder, 'a.json'), fileOf(scids[1]));
  await source.reload();
  assert.deepEqual([...source.catalog().keys()], [scids[1]]);
});

test('a reload with problems leaves the former service configs in use', async (context) => {
  const folder = await makeFolder(context, { 'a.json': fileOf(scids[0]) });
  const source = createCatalogSource(folder);
  await source.reload();
  const former = source.catalog();

  await writeFile(join(folder, 'a.json'), '{');
  const reloaded = await source.reload();
  assert.ok('problems' in reloaded);
  assert.match(reloaded.problems.map(formatProblem).join('\n'), /a\.json: line 1, column 2: /);
  assert.equal(source.catalog(), former);

  await writeFile(join(folder, 'a.json'), fileOf(scids[1]));
  assert.ok('ok' in (await source.reload()));
  assert.deepEqual([...source.catalog().keys()], [scids[1]]);
});
