/**
 * Clocks that are set while a server runs, and a server that stands still: real processes. A hang
 * fails by the limit of its test.
 */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { JsonObject } from '../../src/domain/json.ts';
import { at, Kit, type KitUser } from '../../src/testing/kit.ts';
import type { KitConnection } from '../../src/testing/kit-connection.ts';
import { startNodeProcess } from '../../src/testing/node-process.ts';
import { startRedis } from '../../src/testing/redis-servers.ts';
import { within } from './deadline.ts';

const options = { timeout: 900_000 };
const hourMs = 3_600_000;

/** The time of day is set an hour on or back by each signal: 0, +1 h, 0, −1 h, 0 … */
const settable = `
  const now = Date.now;
  const shifts = [0, 1, 0, -1];
  let at = 0;
  Date.now = () => now() + shifts[at % 4] * ${hourMs};
  process.on('SIGUSR2', () => { at += 1; });
`;

/** Two members of one session, each of whom hears of everything. */
async function openPair(kit: Kit) {
  const users = [kit.user('ada'), kit.user('ben')] as const;
  const lines: KitConnection[] = [];
  const constants = {
    system: { capabilities: { connectivity: true, connectionRequiredForActiveMembers: true } },
  };
  const session = kit.reference('blank');
  for (const user of users) {
    const line = await user.connect();
    lines.push(line);
    const subscription = { id: randomUUID(), changeTypes: ['everything'] };
    const system = { active: true, connection: await line.connectionId(), subscription };
    const body = { constants, members: { me: { properties: { system } } } };
    const { status, text } = await user.putSession(session, body);
    assert.ok(status === 200 || status === 201, text);
  }
  const [ada, ben] = users;
  const [adasLine = assert.fail(), bensLine = assert.fail()] = lines;
  return { session, ada, ben, adasLine, bensLine };
}
type Pair = Awaited<ReturnType<typeof openPair>>;

let writesCount = 0;

/** Writes twice within one window: Ben gets a tap for the last of both. */
async function assertTapped({ session, ada, bensLine }: Pair): Promise<void> {
  let changeNumber: unknown;
  for (let n = 0; n < 2; n += 1) {
    writesCount += 1;
    const body = { properties: { custom: { count: writesCount } } };
    const answer = await ada.putSession(session, body);
    assert.equal(answer.status, 200, answer.text);
    changeNumber = answer.json['changeNumber'];
  }
  const tap = bensLine.nextFrame(
    ([kind, , data]) =>
      kind === 3 && at(data as JsonObject, 'shoulderTaps.0.changeNumber') === changeNumber,
  );
  const late = pause(120_000, 'late', { ref: false });
  assert.notEqual(await Promise.race([tap, late]), 'late', `the tap for ${changeNumber}`);
}

async function assertActive({ session, ada, adasLine, bensLine }: Pair): Promise<void> {
  for (const { socket } of [adasLine, bensLine]) assert.equal(socket.readyState, socket.OPEN);
  const { status, json } = await ada.getSession(session);
  assert.equal(status, 200);
  for (const member of Object.values(json['members'] as JsonObject)) {
    assert.equal(at(member, 'properties.system.active'), true);
  }
}

/** What the server takes for the time of day. */
async function timeOf(user: KitUser, kit: Kit): Promise<number> {
  const { json } = await user.join(kit.reference('dedicated'));
  return Date.parse(String(json['startTime']));
}

async function stepThrough(flags: readonly string[], isStoreTime: boolean): Promise<void> {
  await using node = await startNodeProcess(flags, { before: settable });
  const kit = new Kit(node.url, undefined);
  const pair = await openPair(kit);
  await assertTapped(pair);
  for (const hours of [1, 0, -1, 0]) {
    process.kill(node.pid, 'SIGUSR2');
    if (!isStoreTime) {
      await within(60_000, `the clock is set ${hours} h on`, async () => {
        const setMs = (await timeOf(pair.ada, kit)) - Date.now();
        return Math.abs(setMs - hours * hourMs) < hourMs / 2;
      });
    }
    // Beyond the window, in which nothing may be stuck, and some looks at all connections.
    await assertTapped(pair);
    await assertTapped(pair);
    await assertActive(pair);
  }
  if (isStoreTime) {
    assert.ok(Math.abs((await timeOf(pair.ada, kit)) - Date.now()) < hourMs / 2);
  }
  assert.deepEqual(
    node.complaints.filter((line) => !/ warning: /.test(line)),
    [],
  );
}

test('a clock that is set an hour on and back loses no tap and no socket', options, async () => {
  const data = await mkdtemp(join(tmpdir(), 'openmpsd-clocks-'));
  try {
    await stepThrough(['--data', data], false);
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});

test('on Redis such a clock changes nothing: nodes go by that of the store', options, async () => {
  await using redis = await startRedis();
  await stepThrough(['--store', redis.url, '--durability', 'relaxed', '--node-lease', '30s'], true);
});

test('a server that stood still for a minute has lost no socket and no tap', options, async () => {
  await using node = await startNodeProcess(['--store', 'memory']);
  const pair = await openPair(new Kit(node.url, undefined));
  await assertTapped(pair);
  node.signal('SIGSTOP');
  // More than the silence that ends a connection.
  await pause(65_000);
  node.signal('SIGCONT');
  await assertTapped(pair);
  await assertTapped(pair);
  await assertActive(pair);
});
