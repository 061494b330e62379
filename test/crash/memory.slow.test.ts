/**
 * A server with more sessions than it has memory for: it serves them all, and takes what its docs say.
 *
 * MPSD_SESSIONS (200000): how many.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Session } from '../../src/domain/session/session.ts';
import { keyOf } from '../../src/domain/session/reference.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { dataFileOf } from '../../src/store/sqlite/data-folder.ts';
import { demoScid, demoTitleId } from '../../src/testing/demo.ts';
import { startNodeProcess } from '../../src/testing/node-process.ts';

const sessionsCount = Number(process.env['MPSD_SESSIONS'] ?? 200_000);
const cacheMiB = 64;
/** docs/operations.md "Memory": in MiB. */
const documentedMiB = 150 + 2 * cacheMiB;
const pathOf = (name: string) =>
  `/serviceconfigs/${demoScid}/sessiontemplates/deathmatch/sessions/${name}`;
const headers = {
  authorization: `XBL3.0 x=-;xuid=2535000000001&tid=${demoTitleId}`,
  'x-xbl-contract-version': '107',
  'content-type': 'application/json',
};
const body = JSON.stringify({
  members: { me: { properties: { system: { active: true }, custom: { map: 'atoll' } } } },
});

/** One session as a server has stored it, and then many of them. */
async function fillFolder(data: string): Promise<void> {
  {
    await using server = await startNodeProcess(['--data', data]);
    const answer = await fetch(server.url + pathOf('0'), { method: 'PUT', headers, body });
    assert.equal(answer.status, 201);
    server.signal('SIGTERM');
    await server.ended;
  }
  await using store = await openSqliteStore({ file: dataFileOf(data), durability: 'relaxed' });
  const reference = { scid: demoScid, templateName: 'deathmatch', name: '0' };
  const { session } = (await store.session(keyOf(reference))) ?? assert.fail();
  for (let from = 1; from < sessionsCount; from += 1_000) {
    const names = Array.from({ length: 1_000 }, (_, index) => String(from + index));
    await Promise.all(names.map((name) => store.commit({ session: putOf(session, name) })));
  }
}

function putOf(one: Session, name: string) {
  const session = { ...one, reference: { ...one.reference, name } };
  return {
    kind: 'put',
    key: keyOf(session.reference),
    expectRevision: 0,
    session,
    dueMs: undefined,
  } as const;
}

function residentMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

const isLinux = process.platform === 'linux';

test('a heap of 256 MB serves 200,000 sessions, within the documented memory', {
  skip: !isLinux,
}, async (context) => {
  const data = mkdtempSync(join(tmpdir(), 'openmpsd-memory-'));
  context.after(() => rmSync(data, { recursive: true }));
  await fillFolder(data);
  process.env['NODE_OPTIONS'] = '--max-old-space-size=256';
  context.after(() => delete process.env['NODE_OPTIONS']);
  await using server = await startNodeProcess(['--data', data, '--cache', `${cacheMiB}MiB`]);
  // More than the cache holds, each read and every fourth written.
  const readsCount = Math.min(sessionsCount, 30_000);
  const step = Math.floor(sessionsCount / readsCount);
  for (let from = 0; from < readsCount; from += 50) {
    const names = Array.from({ length: 50 }, (_, index) => String((from + index) * step));
    const statuses = await Promise.all(
      names.map(async (name, index) => {
        const url = server.url + pathOf(name);
        const answer = await (index % 4 === 0
          ? fetch(url, { method: 'PUT', headers, body })
          : fetch(url, { headers }));
        await answer.arrayBuffer();
        return answer.status;
      }),
    );
    assert.deepEqual(
      statuses,
      Array.from({ length: 50 }, () => 200),
    );
  }
  const resident = residentMiB(server.pid);
  context.diagnostic(`${Math.round(resident)} MiB resident, ${documentedMiB} documented`);
  assert.ok(resident < 1.3 * documentedMiB, `${resident} MiB`);
});
