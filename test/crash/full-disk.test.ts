/**
 * A server whose disk is full, on a small file system of its own: what it answers, what it says, how it
 * goes on when there is room, and that it starts.
 *
 * Needs the right to mount one (root on Linux); without it the tests are skipped.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type TestContext, test } from 'node:test';
import { MultiplayerService } from '../../src/client/multiplayer-service.ts';
import { dataFileOf } from '../../src/store/sqlite/data-folder.ts';
import { restoreDataFile } from '../../src/store/sqlite/restore-data-file.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { demoScid, demoTitleId } from '../../src/testing/demo.ts';
import { startNodeProcess } from '../../src/testing/node-process.ts';
import { putOf, storedKey } from '../../src/testing/store-samples.ts';

function mountSmallDisk(folder: string): boolean {
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder]);
  return status === 0;
}

/** A data folder on a disk of 4 MiB, gone with the test; undefined when none may be mounted. */
function smallDisk(context: TestContext): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'openmpsd-full-'));
  const isMounted = mountSmallDisk(folder);
  context.after(() => {
    if (isMounted) spawnSync('umount', ['-l', folder]);
    rmdirSync(folder);
  });
  if (isMounted) return folder;
  context.skip('no file system may be mounted here');
  return undefined;
}

const fillerOf = (disk: string): string => join(disk, 'filler');

/** Takes what room there is, to the last byte. */
function fill(disk: string): void {
  for (let bytes = 1024 * 1024; bytes >= 1; bytes /= 2) {
    try {
      for (;;) appendFileSync(fillerOf(disk), Buffer.alloc(bytes));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
    }
  }
}

const referenceOf = (name: string) => ({ scid: demoScid, templateName: 'deathmatch', name });

function serviceOf(url: string, user: number): MultiplayerService {
  const authorization = `XBL3.0 x=-;xuid=253500000000${user}&tid=${demoTitleId}`;
  return new MultiplayerService({ baseUrl: url, authorization, retry: false });
}

/** What a request came to, or the status of its refusal. */
async function statusOf(request: Promise<{ readonly status: unknown }>): Promise<unknown> {
  return request.then(
    ({ status }) => status,
    (error) => (error as { status?: number }).status ?? String(error),
  );
}

const joining = { members: { me: { properties: { system: { active: true } } } } };
const leaving = { members: { me: null } };
const big = { properties: { custom: { text: 'x'.repeat(100_000) } } };

async function readinessOf(url: string): Promise<string> {
  const answer = await fetch(`${url}/health/ready`);
  assert.equal(answer.status, 200);
  return answer.text();
}

/** The server tries the disk by itself: nobody writes meanwhile. */
async function untilReady(url: string): Promise<void> {
  while (!/"ready"/.test(await readinessOf(url))) await setImmediate();
}

test('on a full disk reads go on, it is reported, and with room everything goes on', async (context) => {
  const disk = smallDisk(context);
  if (disk === undefined) return;
  await using server = await startNodeProcess(['--data', disk, '--sweep', '1h']);
  const [ada, ben] = [serviceOf(server.url, 1), serviceOf(server.url, 2)];
  for (const name of ['one', 'two']) await ada.writeSession(referenceOf(name), joining);
  await ben.writeSession(referenceOf('one'), joining);

  fill(disk);
  let refusals = 0;
  for (let tries = 0; refusals === 0 && tries < 100; tries += 1) {
    if ((await statusOf(ada.writeSession(referenceOf('two'), big))) === 503) refusals += 1;
  }
  assert.equal(refusals, 1);
  assert.match(await readinessOf(server.url), /"degraded".*cannot be written: the disk is full/);
  assert.ok(server.complaints.some((line) => /warning: .*the disk is full.*Make room/.test(line)));
  const read = await ada.getSession(referenceOf('one'));
  assert.equal(Object.keys(read?.session.members ?? {}).length, 2);

  rmSync(fillerOf(disk));
  assert.equal(await statusOf(ben.writeSession(referenceOf('one'), leaving)), 'updated');
  assert.equal(await statusOf(ada.writeSession(referenceOf('three'), joining)), 'created');
  await untilReady(server.url);
  assert.ok(server.complaints.some((line) => /no longer so: .*the disk is full/.test(line)));
});

test('a server that starts on a full disk serves reads, and writes once there is room', async (context) => {
  const disk = smallDisk(context);
  if (disk === undefined) return;
  {
    await using server = await startNodeProcess(['--data', disk]);
    await serviceOf(server.url, 1).writeSession(referenceOf('one'), joining);
    await server.kill();
  }
  rmSync(join(disk, 'openmpsd.db-shm'));
  fill(disk);
  await using server = await startNodeProcess(['--data', disk, '--sweep', '1h']);
  const ada = serviceOf(server.url, 1);
  const read = await ada.getSession(referenceOf('one'));
  assert.equal(Object.keys(read?.session.members ?? {}).length, 1);
  assert.equal(await statusOf(ada.writeSession(referenceOf('two'), joining)), 503);
  assert.match(await readinessOf(server.url), /the disk is full/);

  rmSync(fillerOf(disk));
  let status: unknown = 503;
  while (status === 503) status = await statusOf(ada.writeSession(referenceOf('two'), joining));
  assert.equal(status, 'created');
  await untilReady(server.url);
  assert.equal(await statusOf(ada.writeSession(referenceOf('one'), leaving)), 'deleted');
});

test('a restore for which there is no room changes nothing, and works once there is', async (context) => {
  const disk = smallDisk(context);
  if (disk === undefined) return;
  const folder = mkdtempSync(join(tmpdir(), 'openmpsd-full-backup-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const [backup, file] = [dataFileOf(folder), dataFileOf(disk)];
  for (const [path, name] of [
    [backup, 'backup'],
    [file, 'former'],
  ] as const) {
    await using store = await openSqliteStore({ file: path, durability: 'relaxed' });
    await store.commit({ session: putOf(name, 0) });
  }
  const restore = () => restoreDataFile({ backup, file, mayReplace: true, nowMs: 0 });
  fill(disk);
  const before = readdirSync(disk);
  assert.throws(restore, /has no room for the backup\. Nothing has changed\. Make room/);
  assert.deepEqual(readdirSync(disk), before);

  rmSync(fillerOf(disk));
  assert.equal(restore(), `${file}.before-19700101T000000Z`);
  await using store = await openSqliteStore({ file, durability: 'relaxed' });
  assert.ok(await store.session(storedKey('backup')));
  assert.equal(await store.session(storedKey('former')), undefined);
});
