import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ObservedEvent, RequestEnded } from '../observe/events.ts';
import { replacementOf } from '../observe/secrets.ts';
import { CannotStart, startServer } from '../server.ts';
import { connectionsUri } from '../testing/kit-connection.ts';
import { joinBody, Kit } from '../testing/kit.ts';
import { parseHar } from './har.ts';
import { openRecorder } from './recorder.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'openmpsd-record-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function readBack(path: string) {
  const text = await readFile(path, 'utf8');
  JSON.parse(text);
  return { text, calls: parseHar(text).calls };
}

const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMDAxIn0.c2ln';

test('a server records requests, answers and frames, who called, and no token', async () => {
  const record = join(folder, 'server.har');
  let nonce: unknown;
  {
    await using server = await startServer({ port: 0, store: 'memory', record });
    const kit = new Kit(server.url, undefined);
    const ada = kit.user('ada');
    const line = await ada.connect();
    const connection = await line.connectionId();
    const written = await ada.putSession(kit.reference(), {
      ...joinBody({ constants: {} }),
      properties: { custom: { voice: jwt } },
    });
    assert.equal(written.status, 201);
    nonce = (await ada.request('GET', '/nonce')).json['nonce'];
    await kit.request('GET', '/health/live');
    await fetch(`${server.url}/openapi.json`);
    await fetch(`${server.url}/reference`);
    await kit.request('GET', '/handles/none?token=hidden');
    await line.cut();
    while (server.connectionsCount > 0) await new Promise((turn) => setImmediate(turn));
    assert.ok(connection);
  }
  const { calls, text } = await readBack(record);
  assert.deepEqual(
    calls.map(({ method, url, status, caller }) => [
      method,
      new URL(url).pathname.split('/')[1],
      status,
      caller?.gtg,
    ]),
    [
      ['GET', 'connect', 101, 'ada'],
      ['PUT', 'serviceconfigs', 201, 'ada'],
      ['GET', 'nonce', 200, 'ada'],
      ['GET', 'handles', 401, undefined],
    ],
  );
  const [line, put] = calls;
  assert.deepEqual(
    line?.frames?.map(({ from, kind, text }) => `${from} ${kind} ${text.slice(0, 3)}`.trim()),
    ['client text [1,', 'server text [1,', 'client close'],
  );
  assert.equal(JSON.parse(line?.frames?.[0]?.text ?? '')[2], connectionsUri);
  assert.equal(JSON.parse(put?.responseBody ?? '').changeNumber, 1);
  assert.match(put?.requestBody ?? '', /"connection"/);
  assert.equal(typeof nonce, 'string');
  for (const secret of [String(nonce), 'xuid=', 'hidden', jwt]) {
    assert.equal(text.includes(secret), false, `${secret} is not in the file`);
  }
});

test('a server that cannot record does not start', async () => {
  const record = join(folder, 'kept.har');
  await writeFile(record, 'of somebody');
  const problemOf = (path: string) =>
    startServer({ port: 0, store: 'memory', record: path }).then(
      () => assert.fail('it started'),
      (error: unknown) => (error instanceof CannotStart ? error.problems[0] : error),
    );
  assert.match(
    String(await problemOf(record)),
    /^record .*kept\.har is there already; name another file\.$/,
  );
  assert.match(
    String(await problemOf(join(folder, 'no', 'x.har'))),
    /cannot be made: its folder is not there\.$/,
  );
  assert.equal(await readFile(record, 'utf8'), 'of somebody');
});

/** A recorder without a server: the clock stands, and nothing is written but by `write`. */
async function record(bounds: { fileBytesMax?: number; waitingBytesMax?: number } = {}) {
  const path = join(folder, `${Math.random()}.har`);
  const failures: string[] = [];
  const recorder = await openRecorder({
    path,
    version: '1',
    nowMs: () => Date.UTC(2026, 2, 1),
    after: () => ({ cancel() {} }),
    failed: (reason) => failures.push(reason),
    ...bounds,
  });
  return { path, failures, recorder };
}

function requestEnded(more: Partial<RequestEnded> = {}): RequestEnded {
  return {
    kind: 'request',
    id: 'r',
    atMs: 0,
    durationMs: 5,
    method: 'GET',
    target: '/handles/x',
    route: '/handles/{id}',
    caller: undefined,
    address: undefined,
    requestHeaders: { host: 'sessiondirectory.xboxlive.com' },
    requestBody: undefined,
    status: 200,
    refusal: undefined,
    fault: undefined,
    answerHeaders: {},
    answerBody: '',
    ...more,
  };
}

const opened: ObservedEvent = {
  kind: 'connectionOpened',
  atMs: 0,
  connection: 'c',
  requestId: 's',
  caller: { kind: 'user', xuid: '1', sandbox: 'RETAIL' },
};
const upgraded = requestEnded({ id: 's', status: 101, target: '/connect' });
const closed: ObservedEvent = {
  kind: 'connectionClosed',
  atMs: 0,
  connection: 'c',
  xuid: '1',
  why: 'silent',
};

function frame(text: string, direction: 'sent' | 'received' = 'sent'): ObservedEvent {
  return { kind: 'frame', atMs: 0, connection: 'c', direction, text };
}

test('what open sockets have so far is in the file, and a socket that lasts is whole again', async () => {
  const { path, recorder } = await record();
  const texts: string[] = [];
  for (const event of [opened, upgraded]) recorder.observe(event);
  for (let part = 0; part < 3; part += 1) {
    // More than the end of the file may hold: it goes on in another part.
    for (let n = 0; n < 4; n += 1) {
      const text = `${part}.${n} ${'x'.repeat(300_000)}`;
      texts.push(text);
      recorder.observe(frame(text));
    }
    await recorder.write();
    const { calls } = await readBack(path);
    assert.deepEqual(
      calls.map(({ frames }) => frames?.map(({ text }) => text)),
      [texts],
    );
  }
  recorder.observe(frame(`[3,0,"${jwt}"]`));
  texts.push(`[3,0,"${replacementOf(jwt)}"]`);
  recorder.observe(closed);
  await recorder[Symbol.asyncDispose]();
  const { calls } = await readBack(path);
  assert.deepEqual(
    calls[0]?.frames?.map(({ from, kind, text }) => (kind === 'text' ? text : `${from} ${kind}`)),
    [...texts, 'server close'],
  );
  assert.equal(calls[0]?.url, 'https://sessiondirectory.xboxlive.com/connect');
});

test('a socket is recorded in whichever order its request and its connection are observed', async () => {
  for (const order of [
    [opened, frame('a'), closed, upgraded],
    [upgraded, opened, frame('a'), closed],
    [opened, upgraded, frame('a'), closed],
  ]) {
    const { path, recorder } = await record();
    for (const event of order) recorder.observe(event);
    await recorder[Symbol.asyncDispose]();
    const { calls } = await readBack(path);
    assert.deepEqual(
      calls.map(({ frames }) => frames?.map(({ kind }) => kind)),
      [['text', 'close']],
    );
  }
});

test('a recording ends when its file is full, is still whole, and that is said once', async () => {
  const { path, failures, recorder } = await record({ fileBytesMax: 20_000 });
  recorder.observe(requestEnded());
  await recorder.write();
  for (let n = 0; n < 30; n += 1) recorder.observe(requestEnded({ answerBody: 'x'.repeat(1_000) }));
  await recorder.write();
  recorder.observe(requestEnded());
  await recorder[Symbol.asyncDispose]();
  assert.equal((await readBack(path)).calls.length, 1);
  assert.equal(failures.length, 1);
  assert.match(failures[0] ?? '', /^Recording ended: the recording has reached 0 MiB/);
});

test('what the disk is too slow for is left out, and counted', async () => {
  const { path, failures, recorder } = await record({ waitingBytesMax: 8_500 });
  const answerBody = 'x'.repeat(500);
  for (let n = 0; n < 10; n += 1) recorder.observe(requestEnded({ answerBody }));
  await recorder[Symbol.asyncDispose]();
  assert.equal((await readBack(path)).calls.length, 7);
  assert.deepEqual(failures, ['The recording lacks 3 entries: the disk is too slow for it.']);
});
