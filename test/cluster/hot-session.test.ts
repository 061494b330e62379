/** One session that many write at once, on two nodes that share a real Redis. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Context } from '../../src/directory/context.ts';
import { writeSession } from '../../src/directory/write-session.ts';
import type { UserCaller } from '../../src/domain/caller.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { keyOf } from '../../src/domain/session/reference.ts';
import { parseSessionRequest } from '../../src/domain/session/request.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { randomWait } from '../../src/platform/random-wait.ts';
import { openRedisStore } from '../../src/store/redis/open-redis-store.ts';
import { demoScid } from '../../src/testing/demo.ts';
import { startRedis } from '../../src/testing/redis-servers.ts';
import { openTestContexts } from '../../src/testing/test-context.ts';

const reference = { scid: demoScid, templateName: 'deathmatch', name: 'hot' };
const usersCount = 8;
const writesCount = 25;

// Kills: writers of one node who lose to each other; nodes in step, of which one always loses; a
// winner's record that is not used.
test('writers of two nodes who write one session all the time are all served', async () => {
  await using redis = await startRedis();
  const url = `redis://127.0.0.1:${redis.servers[0]?.port}`;
  // Patient with a busy machine.
  const patient = { patienceMs: 60_000, replyTimeoutMs: 30_000 };
  const settings = { url, durability: 'relaxed', prefix: 'hot', ...patient } as const;
  const { store: one } = await openRedisStore(settings);
  await using _one = one;
  const { store: other } = await openRedisStore(settings);
  await using _other = other;
  const makeContext = await openTestContexts();
  const contexts = [one, other].map(
    (store): Context => ({
      ...makeContext(store, { clock: systemClock }),
      letOthersIn: randomWait,
    }),
  );
  const write = async (context: Context, caller: UserCaller, n: number): Promise<void> => {
    const me = { properties: { custom: { n } } };
    const request = parseSessionRequest({ members: { me } }, 107);
    assert.ok(!(request instanceof Refusal));
    const asked = { reference, request, preconditions: {}, caller, onlyExisting: false };
    const written = await writeSession(context, asked);
    if (written instanceof Refusal) assert.fail(written.text);
  };
  await Promise.all(
    Array.from({ length: 2 * usersCount }, async (_, user) => {
      const caller: UserCaller = { kind: 'user', xuid: `${user + 1}`, sandbox: 'RETAIL' };
      const context = contexts[user % 2] ?? assert.fail();
      for (let n = 1; n <= writesCount; n += 1) await write(context, caller, n);
    }),
  );
  const { session } = (await one.session(keyOf(reference))) ?? assert.fail();
  assert.equal(session.members.length, 2 * usersCount);
  assert.equal(session.changeNumber, 2 * usersCount * writesCount);
});
