/** Processes that are killed while they write, and the file afterwards. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startScript, type ScriptProcess } from '../../testing/child-script.ts';
import { storedGuid, storedKey } from '../../testing/store-samples.ts';
import { StoreUnavailable, type Durability } from '../store.ts';
import { openSqliteStore } from './sqlite-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'openmpsd-crash-'));
after(() => rmSync(folder, { recursive: true }));

const sessionsCount = 16;
/** The handle of each revision of each session; the script has it too. */
const handleNumber = (session: number, revision: number): number => revision * 100 + session;

/**
 * Writes without end to all sessions at once, to each two commits of which the second depends on
 * the first before that is acknowledged; prints a line for each commit acknowledged.
 */
const writeUntilKilled = `
  import { writeSync } from 'node:fs';
  const [file, durability, storeUrl, samplesUrl] = process.argv.slice(1);
  const { openSqliteStore } = await import(storeUrl);
  const { putOf, storedGuid, storedKey, storedTransfer } = await import(samplesUrl);
  const store = await openSqliteStore({ file, durability });
  for (let session = 0; session < ${sessionsCount}; session += 1) write(session);
  async function write(session) {
    const name = String(session);
    let revision = (await store.session(storedKey(name)))?.revision ?? 0;
    for (;;) {
      await Promise.all([commit(session, name, revision), commit(session, name, revision + 1)]);
      revision += 2;
    }
  }
  async function commit(session, name, revision) {
    const put = putOf(name, revision, { custom: { revision: revision + 1 } });
    const id = storedGuid((revision + 1) * 100 + session);
    const handle = storedTransfer(id, { origin: name, target: name });
    const outcome = await store.commit({ session: put, handle });
    if (outcome.kind === 'conflict') throw new Error('there is no other writer');
    print(name + ' ' + (revision + 1) + '\\n');
  }
  function print(line) {
    for (;;) {
      try {
        return writeSync(1, line);
      } catch (error) {
        // The reader is slower.
        if (error.code !== 'EAGAIN') throw error;
      }
    }
  }`;

function startWriting(file: string, durability: Durability): ScriptProcess {
  return startScript(
    writeUntilKilled,
    file,
    durability,
    new URL('./sqlite-store.ts', import.meta.url).href,
    new URL('../../testing/store-samples.ts', import.meta.url).href,
  );
}

for (const [durability, killsCount] of [
  ['strict', 4],
  ['relaxed', 2],
] as const) {
  test(`${durability}: a killed process loses no acknowledged commit, and none is halved`, async () => {
    const file = join(folder, durability, 'data.db');
    const acknowledged = new Map<number, number>();
    for (let kill = 1; kill <= killsCount; kill += 1) {
      const child = startWriting(file, durability);
      await child.printed(sessionsCount * 10 * kill);
      await child.kill();
      for (const line of child.lines) {
        const [session, revision] = line.split(' ').map(Number) as [number, number];
        acknowledged.set(session, revision);
      }

      await using store = await openSqliteStore({ file, durability });
      assert.equal(acknowledged.size, sessionsCount);
      for (const [session, revision] of acknowledged) {
        const record = (await store.session(storedKey(String(session)))) ?? assert.fail();
        assert.ok(record.revision >= revision, `session ${session} went back`);
        assert.deepEqual(record.session.properties.custom, { revision: record.revision });
        const here = await store.handle(storedGuid(handleNumber(session, record.revision)));
        const next = await store.handle(storedGuid(handleNumber(session, record.revision + 1)));
        assert.deepEqual([here?.type, next?.type], ['transfer', undefined]);
      }
    }
  });
}

test('a file is refused while another process has it, and free once that one is killed', async () => {
  const file = join(folder, 'claimed', 'data.db');
  const child = startWriting(file, 'strict');
  await child.printed(1);
  await assert.rejects(openSqliteStore({ file, durability: 'strict' }), (error) => {
    assert.ok(error instanceof StoreUnavailable);
    assert.ok(error.message.startsWith(`${file} is in use by another OpenMPSD process`));
    return true;
  });
  await child.kill();
  await using store = await openSqliteStore({ file, durability: 'strict' });
  assert.equal((await store.secret()).length, 32);
});
