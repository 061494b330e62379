import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ReplayLine, sendRequest } from '../capture/replay-line.ts';
import { type ServerOptions, startServer } from '../server.ts';
import { demoScid } from '../testing/demo.ts';
import { freePort } from '../testing/free-port.ts';
import { at, joinBody, Kit } from '../testing/kit.ts';
import { startRedis } from '../testing/redis-servers.ts';
import { runDemo } from './demo.ts';
import { runReplay } from './replay.ts';

let folder = '';
let demo = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'openmpsd-replay-'));
  demo = join(folder, 'demo.har');
  await using server = await startServer({ port: 0, store: 'memory', control: true, record: demo });
  const ignored = { write: () => undefined };
  const code = await runDemo(['--url', server.url], { stdout: ignored, stderr: ignored, env: {} });
  assert.equal(code, 0);
});
after(() => rm(folder, { recursive: true, force: true }));

async function run(...args: string[]) {
  let out = '';
  let err = '';
  const code = await runReplay(args, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    env: {},
  });
  return { code, out, err };
}

/** A replay on a server of its own. */
async function replayOn(options: ServerOptions, capture: string, ...args: string[]) {
  await using server = await startServer({ port: 0, store: 'memory', control: true, ...options });
  // Awaited here: the server ends with this function.
  return await run(capture, '--url', server.url, ...args);
}

async function replaysAlike(options: ServerOptions) {
  const { code, out, err } = await replayOn(options, demo);
  assert.equal(err, '');
  assert.match(
    out,
    /^Replayed 2\d calls and 2 sockets with \d+ frames of the server against .*, pace none\.\n\nNothing differs\.\n$/,
  );
  assert.equal(code, 0);
}

test('a recording of the demo replays without a difference in memory, and gives the clock back', async () => {
  await using server = await startServer({ port: 0, store: 'memory', control: true });
  const { code, out } = await run(demo, '--url', server.url);
  assert.match(out, /\nNothing differs\.\n$/);
  assert.equal(code, 0);
  const control = await new Kit(server.url, undefined).service().request('GET', '/control');
  assert.equal(at(control.json, 'clock.frozen'), false, 'the clock goes again');
});

test('a recording of the demo replays without a difference with SQLite', async () => {
  await replaysAlike({ store: 'sqlite', data: join(folder, 'data') });
});

test('a recording of the demo replays without a difference with Redis', async () => {
  await using redis = await startRedis();
  await replaysAlike({ store: redis.url as `redis://${string}` });
});

test('what a server does otherwise is reported, each with what may be the cause', async () => {
  const { code, out } = await replayOn({ tapWindowMs: 60_000 }, demo, '--patience', '300');
  assert.equal(code, 1);
  assert.match(
    out,
    /\nCall \d+: GET \/connect\n {2}frame\n {4}captured {2}\[3,0,\{"ncid".*\n {4}now {7}nothing\n/,
  );
  const fewer = await replayOn({ inviteLifetimeMs: 1_000 }, demo);
  assert.equal(fewer.code, 1);
  assert.match(
    fewer.out,
    /\n {2}body\.expiration\n {4}captured {2}".*Z"\n {4}now {7}".*Z"\n(?: {2}.*\n)* {2}Time passed otherwise than in the capture\.\n/,
  );
});

/** The demo config's service config. */
const scid = 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862';

/** A capture of the real service, as a proxy writes one, of one user: `calls` with their times in seconds. */
async function captureOf(
  calls: readonly {
    readonly at: number;
    readonly method?: string;
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: object;
    readonly status: number;
    readonly answerHeaders?: Readonly<Record<string, string>>;
    readonly answer?: string | object;
    readonly frames?: readonly (readonly [at: number, type: string, data: unknown])[];
  }[],
): Promise<string> {
  const startMs = Date.UTC(2025, 9, 1);
  const listOf = (headers: Readonly<Record<string, string>> = {}) =>
    Object.entries(headers).map(([name, value]) => ({ name, value }));
  const entries = calls.map(({ at: seconds, method = 'GET', path, frames, ...call }) => ({
    startedDateTime: new Date(startMs + seconds * 1000).toISOString(),
    time: 100,
    request: {
      method,
      url: path.startsWith('https://') ? path : `https://sessiondirectory.xboxlive.com${path}`,
      headers: listOf({
        Authorization: 'XBL3.0 x=17;e30.secret',
        'x-xbl-contract-version': '107',
        ...call.headers,
      }),
      ...(call.body && { postData: { text: JSON.stringify(call.body) } }),
    },
    response: {
      status: call.status,
      headers: listOf(call.answerHeaders),
      content: {
        text: typeof call.answer === 'object' ? JSON.stringify(call.answer) : (call.answer ?? ''),
      },
    },
    ...(frames && {
      _webSocketMessages: frames.map(([time, type, data]) => ({
        type,
        time: startMs / 1000 + time,
        opcode: data === 'close' ? 8 : 1,
        data: data === 'close' ? '' : JSON.stringify(data),
      })),
    }),
  }));
  const path = join(folder, `${Math.random()}.har`);
  await writeFile(path, JSON.stringify({ log: { creator: { name: 'a proxy' }, entries } }));
  return path;
}

const name = '5E361402-AE9E-4B4D-A2C5-3D4F0C6A1B2C';
const session = `/serviceconfigs/${scid}/sessionTemplates/GameSession/sessions/${name}`;
const connection = 'ec6c5d7e-7b54-4d3f-8a05-0b4e1c9f7a11';
const subscription = 'A5AFE5A6-0B5C-4B0A-9D4A-0B1D2C3E4F50';
const join1 = {
  members: {
    me: {
      constants: { system: { xuid: '2535400000000001', initialize: true } },
      properties: {
        system: {
          active: true,
          connection,
          subscription: { id: subscription, changeTypes: ['everything'] },
        },
      },
    },
  },
};

test('a capture of the real service: ids, ETags, connections and time are translated', async () => {
  const branch = '17a13f76-29f4-4e9b-93f1-2a4f2d1f5c6e';
  const capture = await captureOf([
    { at: 0, path: 'https://settings.example.com/x', status: 200 },
    {
      at: 1,
      path: 'https://rta.xboxlive.com/connect',
      headers: { 'Sec-WebSocket-Protocol': 'rta.xboxlive.com.V2' },
      status: 101,
      frames: [
        [1.2, 'send', [1, 7, 'https://sessiondirectory.xboxlive.com/connections/']],
        [1.4, 'receive', [1, 7, 0, 0, { ConnectionId: connection }]],
        [
          4.3,
          'receive',
          [
            3,
            0,
            {
              ncid: 'f3e4b713-0000-4000-8000-000000000000',
              shoulderTaps: [
                {
                  timestamp: '2025-10-01T00:00:04.0000000Z',
                  subscription: subscription.toLowerCase(),
                  resourceType: 'mpsd/session',
                  resource: `${scid}~gamesession~${name}`.toLowerCase(),
                  branch,
                  changeNumber: 2,
                },
              ],
            },
          ],
        ],
        [30, 'send', 'close'],
      ],
    },
    {
      at: 2,
      method: 'PUT',
      path: session,
      body: join1,
      status: 201,
      answerHeaders: { ETag: '"0123456789abcdef0123456789abcdef"' },
      answer: { branch, changeNumber: 1 },
    },
    {
      at: 4,
      method: 'PUT',
      path: session,
      headers: { 'If-Match': '"0123456789abcdef0123456789abcdef"' },
      body: { properties: { custom: { until: '2025-10-01T00:10:00.000Z' } } },
      status: 200,
    },
    { at: 5, path: session, headers: { 'If-None-Match': '"ffff"' }, status: 200 },
  ]);
  const { code, out } = await replayOn({}, capture, '--json');
  assert.equal(code, 1, 'the captured answers have no whole bodies');
  const report = JSON.parse(out);
  assert.equal(report.pace, 'clock');
  assert.deepEqual(report.leftOut, { 'settings.example.com': 1 });
  // The 412 of an unknown ETag would be a difference of the status; so would a lost frame be one.
  const odd = report.different.flatMap(
    ({ call, differences }: { call: number; differences: readonly { where: string }[] }) =>
      differences
        .filter(({ where }) => !where.startsWith('body') && where !== 'header content-type')
        .map(({ where }) => `${call} ${where}`),
  );
  assert.deepEqual(odd, ['4 header etag', '5 header etag'], 'the capture has these ETags not');
  const read = report.different.find(({ call }: { call: number }) => call === 5);
  const body = read.differences.find(({ where }: { where: string }) => where === 'body').present;
  assert.match(body, /^\{/);
});

test('a refusal of the real service is compared, and why it may differ is said', async () => {
  const capture = await captureOf([
    { at: 0, path: session.replace(scid, '00000000-0000-4000-8000-0000000000aa'), status: 200 },
    { at: 1, path: '/handles/00000000-0000-4000-8000-000000000001', status: 429 },
    {
      at: 2,
      path: '/handles/00000000-0000-4000-8000-000000000002',
      status: 404,
      answer: 'The handle was not found.',
      answerHeaders: { 'Content-Type': 'text/plain' },
    },
  ]);
  const { code, out } = await replayOn({}, capture);
  assert.equal(code, 1);
  for (const reason of [
    'The server may lack the service config or the template: see serve --config.',
    'The captured service had been called too often; this server counts otherwise.',
    'The text of a refusal is each server its own.',
    'Nothing in the capture says who called; the xuid is made up.',
  ]) {
    assert.ok(out.includes(`\n  ${reason}\n`), `${reason}\n${out}`);
  }
  assert.match(out, /\n3 of 3 differ\.\n$/);
});

test('a hostile capture is reported, and stops nothing', async () => {
  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
  const capture = await captureOf([
    { at: 0, path: '/handles/1', headers: { 'x-a': 'one\r\ntwo' }, status: 200 },
    { at: 1, path: '/handles/2', headers: { 'x a': 'b' }, status: 200 },
    { at: 2, path: '/handles/3', method: 'G E T', status: 200 },
    { at: 3, path: '/serviceconfigs/%/sessions/%zz?%', status: 404, answer: deep },
    {
      at: 4,
      path: '/handles/query',
      method: 'POST',
      body: { type: 'activity', scid },
      status: 200,
    },
    {
      at: 5,
      path: 'https://rta.xboxlive.com/connect',
      headers: { 'Sec-WebSocket-Protocol': 'a b, \u0000' },
      status: 101,
      frames: [[5.1, 'send', 'close']],
    },
    {
      at: 6,
      path: 'https://rta.xboxlive.com/connect',
      status: 101,
      frames: [
        [6.1, 'send', { no: 'frame' }],
        [6.2, 'receive', [1]],
        [7, 'send', 'close'],
      ],
    },
  ]);
  const { code, out, err } = await replayOn({}, capture, '--patience', '2000');
  assert.equal(err, '');
  assert.equal(code, 1);
  assert.match(
    out,
    /\nCall 1: GET \/handles\/1\n {2}request\n {4}captured {2}sent\n {4}now {7}Invalid/,
  );
  assert.match(out, /\nCall 2: GET \/handles\/2\n {2}request\n/);
  assert.match(
    out,
    /\nCall 7: GET \/connect\n {2}frame\n {4}captured {2}\[1\]\n {4}now {7}nothing\n/,
  );
});

/** A capture of a user who makes so many sessions, by names that are no GUIDs. */
async function captureOfNewSessions(count: number, prefix = 'game'): Promise<string> {
  const path = join(folder, 'sessions.har');
  const entries = Array.from({ length: count }, (_, n) => ({
    startedDateTime: new Date(1_700_000_000_000 + n * 10).toISOString(),
    time: 5,
    _caller: { xid: '1001', gtg: 'Ada' },
    request: {
      method: 'PUT',
      url: `https://sessiondirectory.xboxlive.com/serviceconfigs/${demoScid}/sessiontemplates/deathmatch/sessions/${prefix}-${n}`,
      headers: [{ name: 'x-xbl-contract-version', value: '107' }],
      postData: { text: JSON.stringify(joinBody()) },
    },
    response: { status: 201, headers: [], content: {} },
  }));
  await writeFile(path, JSON.stringify({ log: { entries } }));
  return path;
}

// Kills: a screen of differences for each call, whose one reason is that the server is not empty; that reason below them.
test('many differences are counted by kind, and a server that was not empty is named', async () => {
  const capture = await captureOfNewSessions(25);
  await using server = await startServer({ port: 0, store: 'memory' });
  const given = [capture, '--url', server.url, '--pace', 'none'];
  await run(...given);
  const { code, out } = await run(...given);
  assert.equal(code, 1);
  assert.equal(out.match(/^Call \d+: PUT /gm)?.length, 20);
  assert.match(
    out,
    /\n5 more, by the first difference of each \(all with --json\):\n {2}5 {2}PUT status: captured 201, now 200\n/,
  );
  assert.match(
    out,
    /\n25 calls of the capture made what this server had already: [^\n]*\n\nCall 1: PUT /,
  );
  const { different } = JSON.parse((await run(...given, '--json')).out);
  assert.equal(different.length, 25);
});

test('a terminal shows how far a replay is, each percent once, and nothing of it stays', async () => {
  const capture = await captureOfNewSessions(3);
  await using server = await startServer({ port: 0, store: 'memory' });
  let err = '';
  await runReplay([capture, '--url', server.url, '--pace', 'none'], {
    stdout: { write: () => undefined },
    stderr: { isTTY: true, write: (text) => (err += text) },
    env: {},
  });
  assert.equal(err, '\rreplaying: 0 %\rreplaying: 33 %\rreplaying: 66 %\r\x1b[K');
});

/** The address of a server that does not run. */
async function addressOfNoServer(): Promise<string> {
  return `http://127.0.0.1:${await freePort()}`;
}

// Kills: a reason that is read out of the name of a session.
test('the name of a session is no reason why a replay broke off', async () => {
  const url = await addressOfNoServer();
  for (const prefix of ['timeout', 'issuer', 'EPROTO']) {
    const capture = await captureOfNewSessions(1, prefix);
    const { code, err } = await run(capture, '--url', url, '--pace', 'none');
    assert.equal(code, 2);
    assert.match(
      err,
      new RegExp(
        `^openmpsd replay: call 1 \\(PUT /\\S+/${prefix}-0\\) got no answer \\(connect ECONNREFUSED [\\d.:]+\\): nothing answers at ${url}; start the server first `,
      ),
    );
  }
});

// Kills: "start the server first", and a line of progress that stays, when the server ends on the way.
test('a server that ends on the way is named as gone, with the call', async () => {
  const capture = await captureOfNewSessions(3);
  let calls = 0;
  const server = createServer((request, response) => {
    calls += 1;
    if (calls === 1) response.writeHead(201).end('{}');
    else request.socket.destroy();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    let err = '';
    const args = [capture, '--url', `http://127.0.0.1:${port}`, '--pace', 'none'];
    const code = await runReplay(args, {
      stdout: { write: () => undefined },
      stderr: { isTTY: true, write: (text) => (err += text) },
      env: {},
    });
    assert.equal(code, 2);
    const [, said] = err.split('\r\x1b[K');
    assert.match(
      String(said),
      /^openmpsd replay: call 2 \(PUT \S+\/game-1\) got no answer \((?:socket hang up|read ECONNRESET)\): the server at \S+ has ended, or cannot be reached any more\.\n$/,
    );
  } finally {
    server.close();
  }
});

test('without a step nothing was shown, and nothing is cleared', async () => {
  let err = '';
  await runReplay([demo, '--url', await addressOfNoServer(), '--pace', 'clock'], {
    stdout: { write: () => undefined },
    stderr: { isTTY: true, write: (text) => (err += text) },
    env: {},
  });
  assert.match(err, /^openmpsd replay: POST \/control\/clock got no answer /);
});

// Kills: the advice to start a server that hangs.
test('a server that takes a request or a socket and is silent is late', async () => {
  const silent = createServer(() => undefined);
  silent.on('upgrade', () => undefined);
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  try {
    const { port } = silent.address() as AddressInfo;
    const request = {
      method: 'GET',
      base: new URL(`http://127.0.0.1:${port}`),
      target: '/connect',
      headers: [],
      body: '',
      answerWithinMs: 100,
    };
    for (const send of [sendRequest, ReplayLine.open]) {
      await assert.rejects(send(request), { name: 'Error', call: 'GET /connect', isLate: true });
    }
  } finally {
    silent.closeAllConnections();
    silent.close();
  }
});

test('no capture, no server, no option of that name', async () => {
  for (const args of [[], ['--url', 'x'], [demo, '--pace', 'quick'], [demo, '--patience', 'x']]) {
    const { code, err } = await run(...args);
    assert.equal(code, 2);
    assert.match(err, /^openmpsd replay: .* See openmpsd replay --help\.\n$/);
  }
  const secret = await run(demo, '--authorization', 'hidden');
  assert.equal(secret.code, 2);
  assert.equal(secret.err.includes('hidden'), false);
  const absent = await run(join(folder, 'absent.har'));
  assert.equal(absent.code, 2);
  assert.match(absent.err, /absent\.har cannot be read: it is not there\./);
  const alone = await run(demo, '--url', await addressOfNoServer());
  assert.equal(alone.code, 2);
  assert.match(alone.err, /nothing answers at http/);
  assert.equal((await run('--help')).code, 0);
  assert.ok((await readFile(demo, 'utf8')).length > 1_000);
});

test('what a capture holds does not command the terminal', async () => {
  const hostile = '\u001b[31m\u009b2J\u202e';
  const capture = await captureOf([
    {
      at: 0,
      path: `/serviceconfigs/${scid}/sessionTemplates/deathmatch/sessions/none`,
      status: 404,
      answerHeaders: { 'Content-Type': hostile },
      answer: hostile,
    },
  ]);
  for (const form of [[], ['--json']]) {
    const { code, out, err } = await replayOn({}, capture, ...form);
    assert.equal(code, 1);
    assert.match(out, /\[31m/);
    assert.doesNotMatch(out + err, /(?!\n)[\p{Cc}\p{Cf}]/u);
  }
});

test('a capture without a call that can be read is not played', async () => {
  const { code, out, err } = await replayOn({}, await captureOf([]));
  assert.deepEqual({ code, out }, { code: 2, out: '' });
  assert.match(err, /has no call that can be read\.\n$/);
});
