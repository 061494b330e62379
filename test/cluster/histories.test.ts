/**
 * What clients of two nodes are shown while nodes and servers of the store fail under them could have
 * been shown by one session that is written one change after the other: compare-and-set is
 * linearizable, and nothing acknowledged is lost or undone.
 *
 * @source docs/architecture.md "Promises"
 */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { JsonObject } from '../../src/domain/json.ts';
import type { SessionReference } from '../../src/domain/session/reference.ts';
import { historyProblems, type Operation, type SeenDocument } from '../../src/testing/history.ts';
import { at, demoScid, type KitAnswer, KitUser } from '../../src/testing/kit.ts';
import { type NodeProcess, startNodeProcess } from '../../src/testing/node-process.ts';
import { type Random, seededRandom } from '../../src/platform/seeded-random.ts';
import { startRedisCluster, type RedisServers } from '../../src/testing/redis-servers.ts';
import { within } from './deadline.ts';

const options = { timeout: 900_000 };
/** Done by each client before a fault, and again after it. */
const operationsEach = 25;
/** The service is back after a fault; a machine that is busy with other tests takes its time. */
const backWithinMs = 60_000;
/** Between two requests of a client while the service is away: a load, not a benchmark. */
const paceMs = 25;
const sessionsCount = 3;
const clientsOfEach = 3;

let redis: RedisServers;
before(async () => {
  redis = await startRedisCluster();
});
after(() => redis?.[Symbol.asyncDispose]());

/** A node, and the one that takes its place. */
class Place {
  #node: NodeProcess;
  readonly #flags: readonly string[];

  constructor(node: NodeProcess, flags: readonly string[]) {
    this.#node = node;
    this.#flags = flags;
  }

  get url(): string {
    return this.#node.url;
  }

  get node(): NodeProcess {
    return this.#node;
  }

  async killAndReplace(): Promise<void> {
    await this.#node.kill();
    this.#node = await startNodeProcess(this.#flags);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node.kill();
  }
}

/** One client of one session, who asks one of the nodes at a time, drawn anew each time. */
class Client {
  readonly name: string;
  readonly history: Operation[] = [];
  doneCount = 0;
  #count = 0;
  readonly #user: KitUser;
  readonly #reference: SessionReference;
  readonly #random: Random;

  constructor(name: string, reference: SessionReference, url: () => string, random: Random) {
    this.name = name;
    this.#reference = reference;
    this.#random = random;
    const xuid = `2535${randomUUID().replaceAll(/\D/g, '').padEnd(12, '0').slice(0, 12)}`;
    this.#user = new KitUser(url, { xuid, gtg: name });
  }

  /** One request: a read, a write, or a write with the ETag that was seen last. */
  async operate(): Promise<void> {
    const invokedMs = performance.now();
    const last = this.history.at(-1)?.outcome;
    const ifMatch =
      last && last.kind !== 'unknown' && this.#random.chance(0.3) ? last.seen : undefined;
    // Until an answer has shown the session, there may be none: its first write may have been lost.
    const isRead = this.doneCount > 0 && this.#random.chance(0.25);
    if (!isRead) this.#count += 1;
    const write = !isRead && { count: this.#count, ...(ifMatch && { ifMatch }) };
    const answer = await this.#ask(isRead, ifMatch).catch(() => undefined);
    const outcome = outcomeOf(answer);
    const returnedMs = outcome.kind === 'unknown' ? Infinity : performance.now();
    this.history.push({ client: this.name, ...write, invokedMs, returnedMs, outcome });
    if (outcome.kind !== 'unknown') this.doneCount += 1;
  }

  /** What it is shown in the end. A node that was late to renew its lease answers 503 until it has one. */
  async read(): Promise<void> {
    await within(backWithinMs, `${this.name} is shown its session`, async () => {
      const invokedMs = performance.now();
      const answer = await this.#ask(true, undefined).catch(() => undefined);
      const outcome = outcomeOf(answer);
      if (outcome.kind === 'unknown') return false;
      assert.equal(answer?.status, 200, answer?.text);
      this.history.push({ client: this.name, invokedMs, returnedMs: performance.now(), outcome });
      return true;
    });
  }

  #ask(isRead: boolean, ifMatch: SeenDocument | undefined): Promise<KitAnswer> {
    if (isRead) return this.#user.getSession(this.#reference);
    const body = {
      members: { me: { properties: { system: { active: true } } } },
      properties: { custom: { [this.name]: this.#count } },
    };
    return this.#user.putSession(this.#reference, body, { ifMatch: ifMatch?.etag });
  }
}

function outcomeOf(answer: KitAnswer | undefined): Operation['outcome'] {
  if (answer === undefined || answer.status === 503) return { kind: 'unknown' };
  const { status, json, etag = '', text } = answer;
  assert.ok([200, 201, 412].includes(status), `${status} ${text}`);
  const counts = Object.entries((at(json, 'properties.custom') ?? {}) as JsonObject);
  const seen = {
    branch: String(json['branch']),
    changeNumber: Number(json['changeNumber']),
    etag,
    counts: new Map(counts.map(([client, count]) => [client, Number(count)])),
  };
  return { kind: status === 412 ? 'refused' : 'done', seen };
}

type Load = { readonly clients: readonly Client[]; readonly places: readonly Place[] };

type Conditions = {
  readonly lease?: string;
  /** Clients ask all the time during the fault too. */
  readonly isFast?: boolean;
};

/**
 * Clients ask all the time, the fault happens, and each is answered often enough again. From when the
 * fault has begun until it is over, clients ask on, but not all the time.
 */
async function runThrough(
  seed: number,
  fault: (load: Load) => Promise<void>,
  { lease = '3s', isFast = false }: Conditions = {},
): Promise<readonly Client[]> {
  const flags = ['--store', redis.url, '--durability', 'strict', '--node-lease', lease];
  const random = seededRandom(seed);
  await using one = new Place(await startNodeProcess(flags), flags);
  await using other = new Place(await startNodeProcess(flags), flags);
  const places = [one, other];
  const url = (): string => random.pick(places).url;
  const sessions = Array.from({ length: sessionsCount }, (_, n) => {
    const reference = { scid: demoScid, templateName: 'dedicated', name: randomUUID() };
    return Array.from(
      { length: clientsOfEach },
      (_, m) => new Client(`client${n}x${m}`, reference, url, random),
    );
  });
  const clients = sessions.flat();
  // A session is created by one; the others are no members before they have joined, and then read.
  let isOver = false;
  let isSlow = false;
  const running = clients.map(async (client) => {
    while (!isOver) {
      await client.operate();
      if (isSlow) await pause(paceMs);
    }
  });
  const allDo = (more: number, withinMs: number, what: string): Promise<boolean> => {
    const goals = clients.map((client) => [client, client.doneCount + more] as const);
    return within(withinMs, what, async () => goals.every(([one, goal]) => one.doneCount >= goal));
  };
  try {
    await allDo(operationsEach, 60_000, 'the load runs');
    const failing = fault({ clients, places });
    isSlow = !isFast;
    await failing;
    await allDo(1, backWithinMs, 'everybody is served again');
    isSlow = false;
    await allDo(operationsEach, 60_000, 'the load runs on');
  } finally {
    isOver = true;
    await Promise.allSettled(running);
  }
  await Promise.all(running);
  for (const client of clients) await client.read();
  for (const session of sessions) {
    const history = session.flatMap((client) => client.history);
    assert.deepEqual(historyProblems(history), [], `seed ${seed}`);
  }
  return clients;
}

/** Of the whole history. */
function unknownCount(clients: readonly Client[]): number {
  const history = clients.flatMap((client) => client.history);
  return history.filter(({ outcome }) => outcome.kind === 'unknown').length;
}

const seed = Number(process.env['MPSD_SEED'] ?? 20_260_722);

test(`nodes that are killed and replaced, seed ${seed}`, options, async () => {
  await runThrough(seed, async ({ places }) => {
    for (const place of places) await place.killAndReplace();
  });
});

test(`a node that stands still for longer than its lease, seed ${seed}`, options, async () => {
  await runThrough(seed, async ({ places: [place], clients }) => {
    place?.node.signal('SIGSTOP');
    try {
      // It is given up.
      await pause(5_000);
    } finally {
      place?.node.signal('SIGCONT');
    }
    assert.ok(clients.length > 0);
  });
});

test(`slots that move to another server are shown to nobody, seed ${seed}`, options, async () => {
  // A node that loses its lease on a busy machine would refuse for that reason.
  const clients = await runThrough(seed, async () => redis.moveSlots(0, 1, 1_500), {
    lease: '60s',
    isFast: true,
  });
  assert.equal(unknownCount(clients), 0);
});

test(`a primary that stands still for 20 s, seed ${seed}`, options, async () => {
  const [victim = assert.fail()] = redis.servers;
  await redis.takeOverSoon();
  await runThrough(seed, async ({ clients }) => {
    victim.signal('SIGSTOP');
    const beganMs = performance.now();
    try {
      const goals = clients.map((client) => [client, client.doneCount + 5] as const);
      await within(backWithinMs, 'a replica takes over', async () =>
        goals.every(([client, goal]) => client.doneCount >= goal),
      );
      await pause(20_000 - (performance.now() - beganMs));
    } finally {
      victim.signal('SIGCONT');
    }
    // What it still has to say of its former time it says while everybody goes on.
    await redis.ready();
  });
});

test(`a primary that is killed, seed ${seed}`, options, async () => {
  const victim = redis.servers[1] ?? assert.fail();
  await redis.takeOverSoon();
  await runThrough(seed, async () => victim.kill());
});
