/** A crowd on real sockets: who comes, subscribes, writes and vanishes leaves nothing behind. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isJsonObject } from '../../src/domain/json.ts';
import type { SessionReference } from '../../src/domain/session/reference.ts';
import { at, isAimed, type Kit, startKit } from '../../src/testing/kit.ts';
import { type Random, seededRandom } from '../../src/platform/seeded-random.ts';
import { type Subscriber, subscriber } from '../conformance/subscriber.ts';

const clientsCount = 200;
const seconds = 60;
const seed = 20_260_722;

const needsOwnServer = 'a server under MPSD_TARGET has a clock of its own';

/** Sixty seconds of a crowd: what each is doing now is in `clients`. */
async function crowd(
  kit: Kit,
  random: Random,
  clients: Map<number, Subscriber>,
  references: readonly SessionReference[],
): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    const acting = Array.from({ length: 30 }, () => random.below(clientsCount));
    await Promise.all([...new Set(acting)].map((n) => act(kit, random, clients, references, n)));
    await kit.advance(1_000);
  }
}

async function act(
  kit: Kit,
  random: Random,
  clients: Map<number, Subscriber>,
  references: readonly SessionReference[],
  n: number,
): Promise<void> {
  const client = clients.get(n);
  if (client === undefined) {
    const user = kit.user(`user ${n}`, { did: 'one device for all' });
    clients.set(n, await subscriber(user));
    return;
  }
  const reference = random.pick(references);
  switch (random.below(4)) {
    case 0:
      clients.delete(n);
      return client.line.cut();
    case 1:
      await client.user.putSession(reference, { members: { me: null } });
      return;
    default:
      await client.user.putSession(reference, {
        properties: { custom: { by: n } },
        members: { me: client.me() },
      });
  }
}

/** Members of lobbies who are active by a connection that is no longer there. */
async function ghosts(
  kit: Kit,
  clients: ReadonlyMap<number, Subscriber>,
  references: readonly SessionReference[],
): Promise<readonly unknown[]> {
  const alive = new Set<unknown>([...clients.values()].map(({ connection }) => connection));
  const found: unknown[] = [];
  for (const reference of references) {
    const { json } = await kit.service().getSession(reference);
    const members = isJsonObject(json['members']) ? Object.values(json['members']) : [];
    for (const member of members) {
      const connection = at(member, 'properties.system.connection');
      const isActive = at(member, 'properties.system.active') === true;
      if (isActive && !alive.has(connection)) found.push([reference.name, connection]);
    }
  }
  return found;
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

test(`${clientsCount} clients for ${seconds} seconds, seed ${seed}`, {
  skip: isAimed && needsOwnServer,
  timeout: 300_000,
}, async () => {
  await using kit = await startKit();
  const random = seededRandom(seed);
  const clients = new Map<number, Subscriber>();
  const references = Array.from({ length: 60 }, () => kit.reference('MinecraftLobby'));
  const heaps: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    await crowd(kit, random, clients, references);
    await kit.untilConnected(clients.size);
    assert.ok(clients.size > clientsCount / 4, 'a crowd');
    for (let second = 0; second < 31; second += 1) {
      await kit.advance(1_000);
      // A user who is there answers pings, given the time to.
      await Promise.all([...clients.values()].map(({ line }) => line.framesSoFar()));
    }
    assert.deepEqual(await ghosts(kit, clients, references), []);
    for (const { line } of clients.values()) await line.cut();
    clients.clear();
    await kit.untilConnected(0);
    await kit.advance(31_000);
    await kit.advance(0);
    for (const reference of references) {
      assert.equal((await kit.service().getSession(reference)).status, 204, 'all are gone');
    }
    heaps.push(heapBytes());
  }
  const [, second = 0, third = 0] = heaps;
  const grownBytes = third - second;
  assert.ok(grownBytes < 2_000_000, `${grownBytes} bytes more after the third round: ${heaps}`);
});
