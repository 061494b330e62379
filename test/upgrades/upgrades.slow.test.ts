/** What former versions wrote opens, and nothing of it is lost: see the README beside. */

import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { CannotStart, type ServerOptions, startServer } from '../../src/server.ts';
import { manualClock } from '../../src/testing/manual-clock.ts';
import { startRedis } from '../../src/testing/redis-servers.ts';

const dataFolder = join(import.meta.dirname, 'written');
const files = readdirSync(dataFolder).sort();
const scid = 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862';

/** Soon after all of them were written: nothing has timed out. */
const clock = () => manualClock(Date.UTC(2026, 10, 30, 6, 18));

const unpack = (file: string): Buffer => gunzipSync(readFileSync(join(dataFolder, file)));

/** What is read of all answers. */
type Answer = {
  readonly properties: { readonly custom: { readonly map?: string } };
  readonly members: Readonly<
    Record<
      string,
      {
        readonly constants: { readonly system: { readonly xuid: string } };
        readonly properties: { readonly custom: { readonly big?: number } };
      }
    >
  >;
  readonly results: readonly unknown[];
  readonly sessionRef: { readonly name: string };
  readonly people: readonly { readonly xuid: string }[];
  readonly connectionString: string;
  readonly bans: readonly { readonly xuid: string; readonly reason: string }[];
};

const adminToken = 'the-token-of-the-operator';

/** From which versions on there are large sessions, searches and lists; histories and bans. */
const since = { sqlite: { large: 2, history: 6 }, redis: { large: 2, history: 4 } } as const;

/** Asks a server over these data for everything that was written; a former version lacks some. */
async function assertKept(
  options: ServerOptions,
  { kind, version }: { readonly kind: 'sqlite' | 'redis'; readonly version: number },
): Promise<void> {
  await using server = await startServer({ port: 0, clock: clock(), adminToken, ...options });
  const call = async (xuid: string | undefined, path: string, body?: unknown) => {
    const response = await fetch(server.url + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        Authorization:
          xuid === undefined ? `Bearer ${adminToken}` : `XBL3.0 x=-;xuid=${xuid}&gtg=G${xuid}`,
        'X-Xbl-Contract-Version': '107',
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    assert.equal(response.status, 200, `${path}: ${await response.clone().text()}`);
    return (await response.json()) as Answer;
  };
  const pathOf = (template: string, name: string): string =>
    `/serviceconfigs/${scid}/sessionTemplates/${template}/sessions/${name}`;

  const one = await call('1002', pathOf('deathmatch', 'one'));
  assert.equal(one.properties.custom.map, 'atoll');
  assert.deepEqual(
    Object.values(one.members).map(({ constants, properties }) => [
      constants.system.xuid,
      properties.custom.big,
    ]),
    [
      ['1001', 1],
      ['1002', 1],
    ],
  );
  await call('1001', pathOf('deathmatch', 'two'));
  const activities = await call('1003', '/handles/query', {
    type: 'activity',
    scid,
    owners: { xuids: ['1001', '1002'] },
  });
  assert.equal(activities.results.length, 2);
  const invite = await call('1003', '/handles/47ca0049-a5ba-4bc1-aa22-fcf834ce4c13');
  assert.equal(invite.sessionRef.name.toLowerCase(), 'one');
  if (version < since[kind].large) return;

  assert.equal(Object.keys((await call('1003', pathOf('large', 'crowd'))).members).length, 1);
  const found = await call('1009', '/handles/query', {
    type: 'search',
    scid,
    templateName: 'lfg',
    filter: "tags/any(d:d eq 'fun') and numbers/level eq 7",
  });
  assert.equal(found.results.length, 1);
  const people = await call('1001', '/users/me/people');
  assert.deepEqual(people.people.map(({ xuid }) => xuid).sort(), ['1002', '1003']);
  if (version < since[kind].history) return;

  const ofOne = `${pathOf('deathmatch', 'one')}/branches`;
  const [branch] = (await call(undefined, ofOne)).results as { readonly branch: string }[];
  const changes = await call(undefined, `${ofOne}/${branch?.branch}/changes`);
  assert.ok(changes.results.length >= 2, 'its creation and a join');
  const asCreated = await call(undefined, `${ofOne}/${branch?.branch}/changes/1`);
  assert.equal(Object.keys(asCreated.members).length, 1);
  const title = await call('1001', '/titles/1234567890/users/1001/activities');
  assert.equal(title.connectionString, 'meet at the atoll');
  const { bans } = await call(undefined, '/admin/bans');
  assert.deepEqual(
    bans.map(({ xuid, reason }) => [xuid, reason]),
    [['1008', 'cheats']],
  );
}

const versionOf = (file: string): number => {
  using db = new DatabaseSync(file, { readOnly: true });
  return Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
};

for (const file of files.filter((name) => name.startsWith('sqlite'))) {
  test(`${file} opens, is converted, and is kept beside`, async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'openmpsd-'));
    const data = join(folder.path, 'written');
    mkdirSync(data, { mode: 0o700 });
    const path = join(data, 'openmpsd.db');
    writeFileSync(path, unpack(file), { mode: 0o600 });
    const former = versionOf(path);
    const lines: string[] = [];
    const written = { kind: 'sqlite', version: former } as const;
    const log = (line: string): void => void lines.push(line);
    await assertKept({ store: 'sqlite', data, log }, written);
    const current = versionOf(path);
    const copy = `${path}.v${former}`;
    if (current === former) {
      assert.deepEqual(lines, []);
      return;
    }
    assert.equal(lines.length, 1);
    assert.ok(lines[0]?.includes(`from schema version ${former} to ${current}`), lines[0]);
    assert.ok(lines[0]?.includes(copy), lines[0]);
    assert.equal(versionOf(copy), former);
    // It says nothing a second time, and the copy is a file that a start takes.
    await assertKept({ store: 'sqlite', data, log }, written);
    assert.equal(lines.length, 1);
    copyFileSync(copy, path);
    await assertKept({ store: 'sqlite', data, log }, written);
    assert.ok(lines[1]?.includes(`${copy}.2`), lines[1]);
  });
}

test('a start that fails converts nothing', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'openmpsd-'));
  const data = join(folder.path, 'written');
  mkdirSync(data, { mode: 0o700 });
  const path = join(data, 'openmpsd.db');
  writeFileSync(path, unpack('sqlite-v4.db.gz'), { mode: 0o600 });
  await using other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { readonly port: number };
  for (const wrong of [
    { port },
    { port: 0, config: join(folder.path, 'none.json') },
    { port: 0, auth: 'signed', authKeys: join(folder.path, 'none.json') },
    { port: 0, tlsPort: port },
  ] as const) {
    await assert.rejects(startServer({ store: 'sqlite', data, ...wrong }), CannotStart);
    assert.equal(versionOf(path), 4, JSON.stringify(wrong));
  }
  assert.ok(!readdirSync(data).some((name) => name.includes('.v4')));
  const written = { kind: 'sqlite', version: 4 } as const;
  await assertKept({ store: 'sqlite', data, record: join(folder.path, 'after.har') }, written);
});

for (const file of files.filter((name) => name.startsWith('redis'))) {
  test(`${file} opens`, async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'openmpsd-'));
    writeFileSync(join(folder.path, 'dump.rdb'), unpack(file));
    await using redis = await startRedis('--dir', folder.path);
    const version = Number(/\d+/.exec(file)?.[0]);
    const store = redis.url as `redis://${string}`;
    await assertKept({ store, durability: 'relaxed' }, { kind: 'redis', version });
  });
}
