/** RTA under random input: one bad client costs itself only. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { type Connections, Hub } from '../../src/rta/hub.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import { hubSettings } from '../../src/testing/hub-settings.ts';
import { FakeWire } from '../../src/testing/fake-wire.ts';
import { isAimed, startKit } from '../../src/testing/kit.ts';
import { manualClock } from '../../src/testing/manual-clock.ts';
import { type Random, seededRandom } from '../../src/platform/seeded-random.ts';
import { openTestContexts } from '../../src/testing/test-context.ts';

const seed = Number(process.env['FUZZ_SEED'] ?? 20_260_722);
const framesCount = 20_000;
const bytesCount = 400;

const uris = [
  'https://sessiondirectory.xboxlive.com/connections/',
  'https://social.xboxlive.com/users/xuid(1)/friends',
  'https://notify.xboxlive.com/users/xuid(1)/deviceId/current/titleId/1',
  'https://privacy.xboxlive.com/users/xuid(1)/mutelist',
  'https://social.xboxlive.com/users/xuid(2)/friends',
  'https://userpresence.xboxlive.com/users/xuid(1)/devices',
];

function anyText(random: Random): string {
  const length = random.below(12);
  return Array.from({ length }, () => String.fromCharCode(random.below(0x3000))).join('');
}

function anyValue(random: Random): unknown {
  return random.pick<unknown>([
    null,
    true,
    random.below(5),
    -1,
    1.5,
    1e300,
    anyText(random),
    [],
    {},
    [[[]]],
    random.pick(uris),
  ]);
}

/** Mostly what a client could say, sometimes not quite, sometimes nothing like it. */
function anyFrame(random: Random): string {
  switch (random.below(8)) {
    case 0:
      return anyText(random);
    case 1:
      return JSON.stringify(Array.from({ length: random.below(6) }, () => anyValue(random)));
    case 2: {
      const good = JSON.stringify([1, random.below(9), random.pick(uris)]);
      const at = random.below(good.length);
      return good.slice(0, at) + anyText(random) + good.slice(at + random.below(3));
    }
    case 3:
    case 4:
      return JSON.stringify([2, random.below(9), random.below(12)]);
    default:
      return JSON.stringify([1, random.below(9), random.pick(uris)]) + '\0'.repeat(random.below(3));
  }
}

/** What the server may send to a client that has received nothing but answers. */
function isAnswer(frame: readonly unknown[]): boolean {
  const [kind, sequence, code] = frame;
  if (!Number.isSafeInteger(sequence) || !Number.isInteger(code)) return false;
  return (kind === 1 && frame.length === 5) || (kind === 2 && frame.length === 3);
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test(`${framesCount} random frames, seed ${seed}: each is answered or ends its connection, and no other`, async () => {
  const random = seededRandom(seed);
  const connections: Connections = new Map();
  const makeContext = await openTestContexts();
  const clock = manualClock();
  const context = {
    ...makeContext(openMemoryStore(), { clock }),
    node: { id: '0badcafe', connections, recheckQueue: new Map(), sweepsCount: 0 },
  };
  const settings = { ...hubSettings, tapWindowMs: 0, subscriptionsMax: 8 };
  const hub = new Hub(context, connections, settings);
  await hub.start();
  const open = () => {
    const wire = new FakeWire();
    const connection = hub.open(wire, { kind: 'user', xuid: '1', sandbox: 'RETAIL' });
    assert.ok(connection);
    return { wire, connection };
  };
  const bystander = open();
  hub.received(bystander.connection, JSON.stringify([1, 0, uris[0]]));
  const others = Array.from({ length: 8 }, open);
  let endedCount = 0;
  let answersCount = 0;
  for (let n = 0; n < framesCount; n += 1) {
    const at = random.below(others.length);
    const { wire, connection } = others[at] ?? open();
    const frame = anyFrame(random);
    const answered = wire.frames.length;
    hub.received(connection, frame);
    // Those that follow a user are answered after a turn.
    if (wire.end === undefined && wire.frames.length === answered) await turn();
    if (wire.end === undefined) {
      assert.equal(wire.frames.length, answered + 1, `one answer to ${frame}`);
      assert.ok(isAnswer(wire.frames.at(-1) ?? []), `an answer to ${frame}`);
      answersCount += 1;
    } else {
      assert.match(wire.end.why ?? '', /^Expected /, frame);
      assert.equal(wire.frames.length, answered, 'nothing after the end');
      endedCount += 1;
      others[at] = open();
    }
  }
  assert.ok(endedCount > framesCount / 10 && answersCount > framesCount / 2, 'both were tried');
  assert.equal(bystander.wire.frames.length, 1, 'undisturbed');
  assert.equal(bystander.wire.end, undefined);
  assert.equal(connections.size, 1 + others.length, 'ended ones are forgotten');
  for (const { connection } of others) hub.ended(connection, 'closed');
  hub.ended(bystander.connection, 'closed');
  await turn();
  assert.equal(connections.size, 0);
  assert.equal(context.node.recheckQueue.size, 0);
  await hub[Symbol.asyncDispose]();
});

const skip = isAimed && 'the connections of a server under MPSD_TARGET cannot be counted';

test(`${bytesCount} sockets that send random bytes, seed ${seed}`, {
  skip,
  timeout: 300_000,
}, async () => {
  const random = seededRandom(seed + 1);
  await using kit = await startKit();
  const ada = kit.user('ada');
  await using bystander = await kit.user('ben').connect();
  await bystander.subscribe();
  const { hostname, port } = new URL(kit.url);
  const head = [
    'GET /connect HTTP/1.1',
    'Host: x',
    `Authorization: ${ada.authorization}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    '\r\n',
  ].join('\r\n');
  for (let n = 0; n < bytesCount; n += 1) {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.write(head);
    await once(socket, 'data');
    const bytes = Buffer.from(
      Array.from({ length: 1 + random.below(64) }, () => random.below(256)),
    );
    socket.write(bytes);
    // Some wait for what the server makes of it, some just go.
    if (random.chance(0.5)) socket.end();
    else socket.destroy();
    if (!socket.destroyed) {
      socket.resume();
      await once(socket, 'close');
    }
  }
  assert.equal((await bystander.subscribe())[3], 1, 'undisturbed');
  await kit.untilConnected(1);
});
