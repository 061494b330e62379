/**
 * What one client can make the server spend: no request, and no frame, costs more than 20 times the
 * median of its size class, in processor time or memory. Sizes are those of what is sent and what
 * comes back.
 *
 * The same requests are drawn each time, so that a change is judged by what it changes. Others are drawn
 * each night: `MPSD_FUZZ_SEED` and `MPSD_FUZZ_COSTS` set which and how many. Both are printed.
 */

import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { test } from 'node:test';
import fc from 'fast-check';
import WebSocket from 'ws';
import { demoTitleId, joinBody, Kit } from '../../src/testing/kit.ts';
import { activityOf, assertStatus, inviteTo, reserve, transferTo } from '../conformance/answers.ts';
import { type Amplifier, anyAmplifier, frameUnits, lineUnits, replaceAt } from './amplified.ts';
import { assertFairCosts, type Cost, CostedServer, type Sample } from './cost.ts';
import {
  anyRequest,
  type DrawnRequest,
  inLane,
  type Lane,
  openLane,
  send,
  usualBodiesOf,
} from './drawn-requests.ts';
import { formatTree, treeOf } from './spoil.ts';

const requestsCount = Number(process.env['MPSD_FUZZ_COSTS'] ?? 2_000);
const framesCount = requestsCount / 2;
const seed = Number(process.env['MPSD_FUZZ_SEED'] ?? 1);

/** Bytes that a request is brought to; 0 leaves it as it was drawn. As many of each. */
const sizes = [0, 0, 2_000, 12_000, 50_000, 200_000, 900_000];

type Large = { readonly drawn: DrawnRequest; readonly what: string };

/** A request that was drawn, with one of its parts made large. */
const anyLarge: fc.Arbitrary<Large> = fc
  .tuple(
    anyRequest,
    fc.constantFrom(...sizes),
    anyAmplifier,
    fc.constantFrom(...lineUnits),
    fc.array(fc.nat(), { maxLength: 6 }),
    fc.nat(),
    fc.constantFrom('body', 'body', 'body', 'path', 'query', 'header'),
  )
  .map(([drawn, size, amplifier, unit, way, n, part]) => {
    if (size === 0) return { drawn, what: 'as drawn' };
    if (part === 'body') return inBody(drawn, size, amplifier, way, n);
    // A line longer than Node takes is refused before it is looked at.
    const text = unit.repeat(Math.ceil(Math.min(size, 7_000) / unit.length));
    return inLine(drawn, part, text, `${part} of ${JSON.stringify(unit)}`, n);
  });

function inBody(
  drawn: DrawnRequest,
  size: number,
  { what, fill }: Amplifier,
  way: readonly number[],
  n: number,
): Large {
  const bodies = usualBodiesOf(drawn.route);
  const tree = treeOf(bodies[n % bodies.length] ?? {});
  const body = formatTree(replaceAt(tree, way, fill(size)));
  return { drawn: { ...drawn, body }, what: `${size} bytes at ${way.join('.')}: ${what}` };
}

function inLine(
  drawn: DrawnRequest,
  part: 'path' | 'query' | 'header',
  text: string,
  what: string,
  n: number,
): Large {
  const [path = '', query = ''] = drawn.target.split('?');
  const plain = text.replaceAll(/[ \t"]/g, '%20');
  if (part === 'query') return { drawn: { ...drawn, target: `${path}?${query}&${plain}` }, what };
  if (part === 'path') {
    const segments = path.split('/');
    segments[1 + (n % Math.max(1, segments.length - 1))] = plain;
    return { drawn: { ...drawn, target: segments.join('/') }, what };
  }
  const names = ['authorization', 'if-match', 'if-none-match', 'accept', 'content-type', 'x-odd'];
  const name = names[n % names.length] ?? 'x-odd';
  const before = name === 'authorization' ? 'XBL3.0 x=-;' : '';
  return {
    drawn: { ...drawn, headers: { ...drawn.headers, [name]: before + text } },
    what: `${name}: ${what}`,
  };
}

/** Two sessions and three handles that requests can name; nobody has looked at them before. */
async function freshLane(kit: Kit, n: number): Promise<Lane> {
  const lane = openLane(kit, n, seed);
  const { ada, bob, lobby, game, words } = lane;
  assertStatus(await ada.putSession(lobby, { ...joinBody(), ...reserveFor(bob) }), 201);
  assertStatus(await bob.join(lobby), 200);
  assertStatus(await ada.join(game), 201);
  words.set('ETAG', (await ada.getSession(lobby)).etag ?? '');
  for (const [word, body] of [
    ['ACTIVITY', activityOf(lobby)],
    ['INVITE', inviteTo(lobby, bob.xuid)],
    ['TRANSFER', transferTo(game, lobby)],
  ] as const) {
    words.set(word, String((await ada.postHandle(body)).json.id));
  }
  return lane;
}

function reserveFor(user: Lane['bob']) {
  const seats = reserve(user).members as object;
  return { members: { ...(joinBody().members as object), ...seats } };
}

function sizeOf({ target, headers, body }: Omit<DrawnRequest, 'route'>): number {
  const lines = Object.entries(headers).reduce((sum, pair) => sum + pair.join('').length, 0);
  return target.length + lines + (body === undefined ? 0 : Buffer.byteLength(body));
}

// Kills: a body with any number of values; faults of a body that are collected; a filter, a list of tags or a path whose parser looks
// back; a reader of numbers or keys that starts again at each.
test('no request costs 20 times what others of its size do', async (t) => {
  t.diagnostic(`seed ${seed}`);
  await using server = await CostedServer.start();
  const kit = new Kit(server.url, undefined);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    let lanesCount = 0;
    const open = (): Promise<Lane> => freshLane(kit, lanesCount++);
    const statuses = new Map<number, number>();
    const ask = async ({ drawn, what }: Large, lane: Lane): Promise<Sample> => {
      const sent = inLane(drawn, lane);
      let answer = { status: 0, headers: new Headers(), text: '' };
      let isCut = false;
      const cost = await server.costOf(() =>
        send(server.url, agent, sent).then(
          (one) => {
            answer = one;
          },
          () => {
            // The answer to a request that is too large may be lost with the connection.
            isCut = true;
          },
        ),
      );
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      if (isCut) assert.ok(sizeOf(sent) > 10_000, `${sent.method} ${sent.target} was cut`);
      return {
        size: Math.max(sizeOf(sent), answer.text.length),
        cost,
        what: `${drawn.route} → ${answer.status} ${answer.headers.get('x-mpsd-refusal')}; ${what}; ${sent.target.slice(0, 200)} ${JSON.stringify(sent.headers).slice(0, 300)} ${String(sent.body).slice(0, 200)}`,
        again: async () => (await ask({ drawn, what }, await open())).cost,
      };
    };
    // Compilers warm up on what is not counted.
    const drawn = fc.sample(anyLarge, { seed, numRuns: requestsCount + 300 });
    const samples: Sample[] = [];
    let lane = await open();
    for (const [n, large] of drawn.entries()) {
      const sample = await ask(large, lane);
      if (n >= 300) samples.push(sample);
      if (/→ 20[014]/.test(sample.what) && large.drawn.method !== 'GET') lane = await open();
    }
    t.diagnostic((await assertFairCosts(server, samples)).join('; '));
    t.diagnostic([...statuses].map(([status, count]) => `${status}: ${count}`).join(', '));
    assert.ok((statuses.get(200) ?? 0) > requestsCount / 50, 'some requests went through');
  } finally {
    agent.destroy();
  }
});

const frameSizes = [0, 100, 1_000, 4_000, 15_000, 60_000];

const anyFrame: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(
      '[1,1,"https://sessiondirectory.xboxlive.com/connections/"]',
      '[1,2,"https://social.xboxlive.com/users/xuid(1)/friends"]',
      '[2,3,1]',
      '[3,[1],["a"]]',
      '',
    ),
    fc.constantFrom(...frameUnits),
    fc.constantFrom(...frameSizes),
    fc.nat(),
  )
  .map(([frame, unit, size, at]) => {
    const place = at % (frame.length + 1);
    return frame.slice(0, place) + unit.repeat(Math.floor(size / unit.length)) + frame.slice(place);
  });

// Kills: a search for the end of a frame that begins anew at each NUL.
test('no frame costs 20 times what others of its size do', async (t) => {
  t.diagnostic(`seed ${seed}`);
  await using server = await CostedServer.start();
  const connect = async (): Promise<WebSocket> => {
    const socket = new WebSocket(
      `${server.url.replace('http', 'ws')}/connect`,
      'rta.xboxlive.com.V2',
      { headers: { authorization: `XBL3.0 x=-;xuid=1&tid=${demoTitleId}` } },
    );
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('open', resolve));
    return socket;
  };
  let socket = await connect();
  let ended = 0;
  const costOf = async (frame: string): Promise<Cost> => {
    if (socket.readyState !== WebSocket.OPEN) {
      socket = await connect();
      ended += 1;
    }
    return server.costOf(
      () =>
        new Promise<void>((resolve) => {
          const done = (): void => {
            socket.off('message', done);
            socket.off('close', done);
            resolve();
          };
          socket.once('message', done);
          socket.once('close', done);
          socket.send(frame);
        }),
    );
  };
  const samples: Sample[] = [];
  for (const [n, frame] of fc.sample(anyFrame, { seed, numRuns: framesCount + 200 }).entries()) {
    const cost = await costOf(frame);
    if (n < 200) continue;
    samples.push({
      size: frame.length,
      cost,
      what: `a frame of ${frame.length} characters: ${JSON.stringify(frame.slice(0, 120))}`,
      again: () => costOf(frame),
    });
  }
  t.diagnostic((await assertFairCosts(server, samples)).join('; '));
  assert.ok(ended > framesCount / 10, 'some frames end their connection');
  assert.ok(ended < samples.length + 150, 'some frames are answered');
  socket.terminate();
});
