/**
 * What becomes of two nodes on one Redis cluster when one of them is killed, stands still, is cut off
 * from the store or has a wrong clock. Real processes; a hang fails by the limit of its test.
 *
 * MPSD_NODE_KILLS (20): how often a node is killed.
 *
 * @source docs/architecture.md "Promises"
 */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { SessionReference } from '../../src/domain/session/reference.ts';
import { at, demoScid, type KitAnswer, Kit, type KitUser } from '../../src/testing/kit.ts';
import type { KitConnection } from '../../src/testing/kit-connection.ts';
import { startNodeProcess } from '../../src/testing/node-process.ts';
import {
  startRedis,
  startRedisCluster,
  type RedisServers,
} from '../../src/testing/redis-servers.ts';
import { startTcpProxy } from '../../src/testing/tcp-proxy.ts';
import { within } from './deadline.ts';

const kills = Number(process.env['MPSD_NODE_KILLS'] ?? 20);
const options = { timeout: 900_000 };

const often = ['--disconnect-grace', '1s', '--sweep', '200ms'];
/** A lease that ends soon, and is far beyond what a busy machine takes for a moment. */
const quick = [...often, '--node-lease', '10s'];
/** A node that nothing happens to must not lose its lease, however busy the machine is. */
const steady = [...often, '--node-lease', '30s'];
/** Lease, grace and sweep take eleven seconds; more than enough for a busy machine. */
const inactiveWithinMs = 60_000;

let redis: RedisServers;
before(async () => {
  redis = await startRedisCluster({ replicas: 0 });
});
after(() => redis?.[Symbol.asyncDispose]());

/** Whose members must have a connection to be active, and stay when they are inactive. */
const constants = {
  system: {
    inactiveRemovalTimeout: 900_000,
    capabilities: { connectivity: true, connectionRequiredForActiveMembers: true },
  },
};

const newReference = (templateName = 'blank'): SessionReference => ({
  scid: demoScid,
  templateName,
  name: randomUUID(),
});

/** The same user, on another node. */
const onNode = (url: string, { xuid, gamertag }: KitUser): KitUser =>
  new Kit(url, undefined).user(gamertag, { xuid });

const meOn = (connection: string, more: object = {}): object => ({
  properties: { system: { active: true, connection, ...more } },
});

function assertDone(answer: KitAnswer): void {
  assert.ok(answer.status === 200 || answer.status === 201, `${answer.status} ${answer.text}`);
}

/** Whether this user is an active member; undefined when nobody can tell. */
async function isActive(asker: KitUser, reference: SessionReference, xuid: string) {
  const { status, json } = await asker.getSession(reference);
  if (status === 503) return undefined;
  assert.equal(status, 200);
  const members = Object.values((json['members'] ?? {}) as Record<string, never>);
  const member = members.find((one) => at(one, 'constants.system.xuid') === xuid);
  return member !== undefined && at(member, 'properties.system.active') === true;
}

/** The newest change that a connection got a tap for, by the name of the session. */
class TapLog {
  readonly newest = new Map<string, number>();
  resyncs = 0;
  readonly ended: Promise<void>;

  constructor(line: KitConnection) {
    this.ended = this.#follow(line).catch(() => undefined);
  }

  async #follow(line: KitConnection): Promise<void> {
    for (;;) {
      const [kind, , data] = await line.nextFrame(([kind]) => kind === 3 || kind === 4);
      if (kind === 4) this.resyncs += 1;
      const taps = (data as { shoulderTaps?: readonly Record<string, unknown>[] })?.shoulderTaps;
      for (const { resource, changeNumber } of taps ?? []) {
        const name = String(resource).split('~').at(-1) ?? '';
        this.newest.set(name, Math.max(Number(changeNumber), this.newest.get(name) ?? 0));
      }
    }
  }
}

/** Counts in a session of its own on a node until that is gone. */
class Counter {
  readonly reference = newReference('dedicated');
  readonly user: KitUser;
  sent = 0;
  acknowledged = 0;

  constructor(user: KitUser) {
    this.user = user;
  }

  async count(onAcknowledged: () => void): Promise<void> {
    for (;;) {
      this.sent = this.acknowledged + 1;
      const body = { properties: { custom: { count: this.sent } } };
      const answer = await this.user.putSession(this.reference, body).catch(() => undefined);
      if (answer === undefined) return;
      assertDone(answer);
      this.acknowledged = this.sent;
      onAcknowledged();
    }
  }
}

test(`${kills} killed nodes lose nothing acknowledged, keep no member active and no tap back`, {
  // With the usual number of kills less than `npm test` gives a file.
  timeout: 600_000 + kills * 45_000,
}, async () => {
  const flags = ['--store', redis.url, '--durability', 'relaxed', '--tap-window', '0'];
  await using survivor = await startNodeProcess([...flags, ...steady]);
  const kit = new Kit(survivor.url, undefined);
  const watcher = kit.user('watcher');
  await using line = await watcher.connect();
  const connection = await line.connectionId();
  const watched = new TapLog(line);
  const subscription = { id: randomUUID(), changeTypes: ['everything'] };
  const players = Array.from({ length: 4 }, (_, n) => kit.user(`player${n}`));
  const owed: Promise<unknown>[] = [];

  for (let kill = 0; kill < kills; kill += 1) {
    await using dying = await startNodeProcess([...flags, ...quick]);
    // Whose connection dies with the node.
    const bound = newReference();
    const lost = onNode(dying.url, kit.user(`lost${kill}`));
    await using lostLine = await lost.connect();
    const me = meOn(await lostLine.connectionId());
    assertDone(await lost.putSession(bound, { constants, members: { me } }));
    assertDone(await watcher.putSession(bound, { members: { me: meOn(connection) } }));
    // Nothing else changes these: a tap that is missing is not made up for by a later one.
    const counters = players.map((player) => new Counter(onNode(dying.url, player)));
    for (const { user, reference } of counters) {
      assertDone(await user.join(reference));
      const watching = meOn(connection, { subscription });
      assertDone(await watcher.putSession(reference, { members: { me: watching } }));
    }
    // Killed at a moment that the load decides, others under way.
    let left = 30 + ((kill * 37) % 60);
    const counting = counters.map((counter) =>
      counter.count(() => {
        left -= 1;
        if (left === 0) void dying.kill();
      }),
    );
    await Promise.all(counting);
    await dying.ended;

    const expect = (withinMs: number, what: string, look: () => Promise<boolean>): void => {
      const one = within(withinMs, `kill ${kill}: ${what}`, look);
      // They are awaited at the end; a failure must not count as one that nobody hears of.
      one.catch(() => undefined);
      owed.push(one);
    };
    expect(inactiveWithinMs, 'the lost one is not active', async () => {
      return (await isActive(watcher, bound, lost.xuid)) === false;
    });
    for (const { reference, acknowledged, sent } of counters) {
      const read = await watcher.getSession(reference);
      const count = Number(at(read.json, 'properties.custom.count') ?? 0);
      assert.ok(
        count === acknowledged || count === sent,
        `counts ${count}; acknowledged ${acknowledged}, sent ${sent}`,
      );
      const changeNumber = Number(read.json['changeNumber']);
      // What the dead node committed and did not tell, others tell after five seconds.
      expect(inactiveWithinMs + 5_000, `the tap for ${changeNumber}`, async () => {
        return (watched.newest.get(reference.name) ?? 0) >= changeNumber;
      });
    }
  }
  await Promise.all(owed);
  assert.equal(watched.resyncs, 0);
});

test('a node that stood still for longer than its lease begins anew', options, async () => {
  await using sleeper = await startNodeProcess(['--store', redis.url, ...quick]);
  await using other = await startNodeProcess(['--store', redis.url, ...steady]);
  const kit = new Kit(other.url, undefined);
  const [ada, ben] = [kit.user('ada'), kit.user('ben')];
  const adaThere = onNode(sleeper.url, ada);
  const line = await adaThere.connect();
  const connection = await line.connectionId();
  const reference = newReference();
  assertDone(
    await adaThere.putSession(reference, { constants, members: { me: meOn(connection) } }),
  );
  const bensLine = await ben.connect();
  const bensConnection = await bensLine.connectionId();
  assertDone(await ben.putSession(reference, { members: { me: meOn(bensConnection) } }));
  assert.equal(await isActive(ben, reference, ada.xuid), true);

  // Some of these are under way when it stops, the rest waits to be accepted.
  const counters = Array.from({ length: 4 }, (_, n) => {
    const user = new Kit(sleeper.url, undefined).user(`counter${n}`);
    return new Counter(user);
  });
  for (const { user, reference: own } of counters) {
    assertDone(await user.join(own));
  }
  const outcomes: number[] = [];
  const count = async (counter: Counter): Promise<void> => {
    let isAgain = false;
    while (!isAgain) {
      counter.sent += 1;
      const body = { properties: { custom: { count: counter.sent } } };
      const { status, headers } = await counter.user.putSession(counter.reference, body);
      outcomes.push(status);
      isAgain = asleep && status === 200;
      if (status === 200) counter.acknowledged = counter.sent;
      else assert.ok(status === 503 && headers.has('retry-after'), String(status));
    }
  };
  let asleep = false;
  const counting = counters.map(count);
  await within(60_000, 'the load runs', async () => outcomes.length > 40);
  sleeper.signal('SIGSTOP');
  try {
    await within(inactiveWithinMs, 'the other node ends what it held', async () => {
      return (await isActive(ben, reference, ada.xuid)) === false;
    });
    assert.equal(line.socket.readyState, line.socket.OPEN);
    asleep = true;
  } finally {
    sleeper.signal('SIGCONT');
  }
  assert.equal(await line.closed, 1006);
  await Promise.all(counting);
  for (const { user, reference: own, acknowledged } of counters) {
    const read = await onNode(other.url, user).getSession(own);
    assert.equal(at(read.json, 'properties.custom.count'), acknowledged);
  }

  // Her old connection is none any more, on whichever node she writes it.
  assertDone(await adaThere.putSession(reference, { members: { me: meOn(connection) } }));
  await within(inactiveWithinMs, 'the connection of the former life counts as ended', async () => {
    return (await isActive(ben, reference, ada.xuid)) === false;
  });
  await using fresh = await within(60_000, 'it takes connections again', () =>
    adaThere.connect().catch(() => undefined),
  );
  const freshConnection = await fresh.connectionId();
  assert.notEqual(freshConnection.slice(0, 8), connection.slice(0, 8));
  assertDone(await adaThere.putSession(reference, { members: { me: meOn(freshConnection) } }));
  assert.equal(await isActive(ben, reference, ada.xuid), true);
  await bensLine.cut();
});

test(
  'a node that is cut off from the store says 503, and recovers by itself',
  options,
  async () => {
    await using single = await startRedis();
    await using proxy = await startTcpProxy(single.servers[0]?.port ?? 0);
    const flags = ['--durability', 'relaxed'];
    await using cutOff = await startNodeProcess([
      ...['--store', `redis://127.0.0.1:${proxy.port}`],
      ...flags,
      ...quick,
    ]);
    await using other = await startNodeProcess(['--store', single.url, ...flags, ...steady]);
    const kit = new Kit(cutOff.url, undefined);
    const ada = kit.user('ada');
    const reference = newReference();
    const ways = [
      { cut: () => proxy.hold(), heal: () => proxy.release() },
      {
        cut: () => {
          proxy.refuse();
          proxy.cut();
        },
        heal: () => proxy.accept(),
      },
    ];
    for (const { cut, heal } of ways) {
      const line = await within(60_000, 'a connection', () => ada.connect().catch(() => undefined));
      const connection = await line.connectionId();
      const joined = { constants, members: { me: meOn(connection) } };
      assertDone(await ada.putSession(reference, joined));
      cut();
      const refused = await ada.putSession(reference, { properties: { custom: { lost: true } } });
      assert.equal(refused.status, 503);
      assert.ok(refused.headers.has('retry-after'));
      assert.equal((await ada.request('GET', '/health/ready')).status, 503);
      assert.equal((await ada.request('GET', '/health/live')).status, 200);
      // The others go on, and end what it held; so does it, without a message.
      await within(inactiveWithinMs, 'the other node ends what it held', async () => {
        return (await isActive(onNode(other.url, ada), reference, ada.xuid)) === false;
      });
      assert.equal(await line.closed, 1006);
      heal();
      const again = await within(60_000, 'it recovers', async () => {
        const answer = await ada.putSession(reference, { properties: { custom: { back: true } } });
        return answer.status === 200 && answer;
      });
      assert.equal(at(again.json, 'properties.custom.back'), true);
      assert.equal(at(again.json, 'properties.custom.lost'), undefined);
    }
  },
);

test('a node whose clock is five minutes wrong ends nothing too early', options, async () => {
  const flags = ['--store', redis.url, ...steady];
  const ahead = 'const now = Date.now; Date.now = () => now() + 300_000;';
  await using right = await startNodeProcess(flags);
  await using wrong = await startNodeProcess(flags, { before: ahead });
  const [ada, ben] = [right, wrong].map(({ url }) => new Kit(url, undefined).user('somebody'));
  assert.ok(ada && ben);
  const reference = newReference();
  // A seat kept for a minute, a member who is ready for a minute, and one whose connection lives.
  const system = {
    ...constants.system,
    reservedRemovalTimeout: 60_000,
    readyRemovalTimeout: 60_000,
  };
  await using line = await ada.connect();
  const me = meOn(await line.connectionId());
  const reserve_0 = { constants: { system: { xuid: '2535111122223333' } } };
  const created = { constants: { system }, members: { me, reserve_0 } };
  assertDone(await ada.putSession(reference, created));
  const ready = { properties: { system: { ready: true } } };
  const joined = await ben.putSession(reference, { members: { me: ready } });
  assertDone(joined);
  const invite = await ada.postHandle({
    version: 1,
    type: 'invite',
    sessionRef: reference,
    invitedXuid: ben.xuid,
    inviteAttributes: { titleId: '1234567890' },
  });
  assert.equal(invite.status, 201);
  // Both nodes have swept, looked and written several times since.
  const sweeps = performance.now() + 1_500;
  await within(60_000, 'sweeps', async () => {
    for (const user of [ada, ben]) {
      const { status, json } = await user.getSession(reference);
      assert.equal(status, 200);
      assert.equal(Object.keys(json['members'] ?? {}).length, 3);
    }
    return performance.now() > sweeps;
  });
  const written = await ben.putSession(reference, { properties: { custom: { a: 1 } } });
  assertDone(written);
  assert.equal(written.json['changeNumber'], Number(joined.json['changeNumber']) + 1);
  assert.equal((await ben.request('GET', `/handles/${invite.json['id']}`)).status, 200);
  // What it says of time is of the store's clock.
  const joinTimes = ['0', '2'].map((index) =>
    Date.parse(String(at(written.json, `members.${index}.joinTime`))),
  );
  const [first = 0, last = 0] = joinTimes;
  assert.ok(last >= first && last - first < 60_000, `${last - first} ms apart`);
});
