/**
 * How much code there is, and how much of it one request passes: prints a table. Counts, no times.
 *
 *   node bench/passed-code.ts                 this checkout
 *   node bench/passed-code.ts <folder>        another one, to compare them (with its packages installed)
 *
 * Functions are counted by V8's coverage, between the request and its answer, or the frame of its tap.
 * They are those of `src` in the server's process. Round trips are the waits for Redis, one after the
 * other, of one request: what is asked at the same time is one.
 */

import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { WebSocket } from 'ws';
import type { startServer as StartServer } from '../src/server.ts';
import { demoScid } from '../src/testing/demo.ts';
import { startRedis } from '../src/testing/redis-servers.ts';
import { headersOf, joinBody, pathOf, template } from './sample.ts';

const root = resolve(process.argv[2] ?? join(import.meta.dirname, '..'));
const source = pathToFileURL(join(root, 'src')).href;
const { startServer } = (await import(`${source}/server.ts`)) as {
  startServer: typeof StartServer;
};

const isTest = (file: string): boolean => /\.test\.ts$|^src\/testing\//.test(file);
const files = globSync('src/**/*.{ts,tsx,js}', { cwd: root }).filter((file) => !isTest(file));
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');
const linesCount = files.reduce((sum, file) => sum + textOf(file).split('\n').length - 1, 0);
console.log(`${root}: ${files.length} files, ${linesCount} lines, without tests\n`);

console.log('| interface | methods |\n| --- | --- |');
for (const file of files) {
  for (const [, name, body = ''] of textOf(file).matchAll(
    /^export interface (\w+)[^{]*\{\n([\s\S]*?)\n\}/gm,
  )) {
    // A member begins two spaces in; a function that is a property is one too.
    const methods = body.match(/^ {2}(?:readonly )?\w+\??(?:\(|<|: \()/gm)?.length ?? 0;
    if (methods > 0) console.log(`| ${name} (${file.replace('src/', '')}) | ${methods} |`);
  }
}

/** What nobody asks for meanwhile would be counted. */
const quiet = { sweepIntervalMs: 3_600_000, nodeLeaseMs: 3_600_000, tapWindowMs: 0 };

type Ask = (method: 'GET' | 'PUT' | 'POST', path: string, body?: string) => Promise<void>;

function asks(url: string): Ask {
  return async (method, path, body) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: headersOf(0),
      ...(body !== undefined && { body }),
    });
    await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}`);
  };
}

let writes = 0;
/** Writes a property that it has not had yet. */
function change(): string {
  writes += 1;
  return `{"properties":{"custom":{"round":${writes}}}}`;
}
const activity = JSON.stringify({
  version: 1,
  type: 'activity',
  sessionRef: { scid: demoScid, templateName: template, name: 'session-0' },
});

/** What is counted, as a client asks for it. */
const requests: Readonly<Record<string, (ask: Ask) => Promise<void>>> = {
  GET: (ask) => ask('GET', pathOf(0)),
  PUT: (ask) => ask('PUT', pathOf(0), change()),
  'POST activity': (ask) => ask('POST', '/handles', activity),
};

const inspector = new Session();
inspector.connect();
await inspector.post('Profiler.enable');
await inspector.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });

/** The functions of `src` that run while this is done, each as file and place. */
async function functionsIn(work: () => Promise<void>): Promise<ReadonlySet<string>> {
  await inspector.post('Profiler.takePreciseCoverage');
  await work();
  const { result } = await inspector.post('Profiler.takePreciseCoverage');
  const passed = new Set<string>();
  for (const { url, functions } of result) {
    if (!url.startsWith(`${source}/`) || url.startsWith(`${source}/testing/`)) continue;
    for (const { ranges, functionName } of functions) {
      const [whole] = ranges;
      // The module itself is a function that begins at 0.
      if (whole === undefined || whole.count === 0 || whole.startOffset === 0) continue;
      passed.add(`${url}:${whole.startOffset}:${functionName}`);
    }
  }
  return passed;
}

const filesOf = (passed: ReadonlySet<string>): number =>
  new Set([...passed].map((place) => place.slice(0, place.indexOf('.ts:')))).size;

/** Several times, so that caches are full and what is done once is done. */
const repeats = 20;
async function repeatedly(work: () => Promise<void>): Promise<void> {
  for (let n = 0; n < repeats; n += 1) await work();
}

console.log('\n| one request, SQLite | files | functions |\n| --- | --- | --- |');
const data = mkdtempSync(join(tmpdir(), 'openmpsd-passed-'));
try {
  await using server = await startServer({ port: 0, store: 'sqlite', data, ...quiet });
  const ask = asks(server.url);
  await ask('PUT', pathOf(0), joinBody(0));
  let put: ReadonlySet<string> = new Set();
  for (const [name, request] of Object.entries(requests)) {
    await repeatedly(() => request(ask));
    const passed = await functionsIn(() => request(ask));
    if (name === 'PUT') put = passed;
    console.log(`| ${name} | ${filesOf(passed)} | ${passed.size} |`);
  }
  const socket = new WebSocket(
    `${server.url.replace('http', 'ws')}/connect`,
    'rta.xboxlive.com.V2',
    {
      headers: { authorization: headersOf(0)['authorization'] },
    },
  );
  const frames: string[] = [];
  let wake = (): void => undefined;
  socket.on('message', (frame: Buffer) => {
    frames.push(frame.toString());
    wake();
  });
  const nextFrame = async (): Promise<string> => {
    while (frames.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return frames.shift() ?? '';
  };
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send(JSON.stringify([1, 1, 'https://sessiondirectory.xboxlive.com/connections/']));
  const connection = /"ConnectionId":"([^"]+)"/i.exec(await nextFrame())?.[1];
  const id = '81A3266D-0000-4000-8000-000000000000';
  const system = { active: true, connection, subscription: { id, changeTypes: ['everything'] } };
  await ask('PUT', pathOf(0), JSON.stringify({ members: { me: { properties: { system } } } }));
  await nextFrame();
  const tapped = async (): Promise<void> => {
    await ask('PUT', pathOf(0), change());
    await nextFrame();
  };
  await repeatedly(tapped);
  const withTap = await functionsIn(tapped);
  const ofTap = new Set([...withTap].filter((place) => !put.has(place)));
  console.log(`| PUT and its tap | ${filesOf(withTap)} | ${withTap.size} |`);
  console.log(`| of these not in PUT | ${filesOf(ofTap)} | ${ofTap.size} |`);
  socket.terminate();
} finally {
  rmSync(data, { recursive: true });
}

console.log('\n| one request, Redis | round trips |\n| --- | --- |');
{
  await using redis = await startRedis();
  const trips = watchTrips(new Set(redis.servers.map(({ port }) => port)));
  await using server = await startServer({
    port: 0,
    store: redis.url as `redis://${string}`,
    ...quiet,
  });
  const ask = asks(server.url);
  // Without a subscription, since taps go out beside the answer.
  await ask('PUT', pathOf(0), '{"members":{"me":{"properties":{"system":{"active":true}}}}}');
  for (const [name, request] of Object.entries(requests)) {
    await repeatedly(() => request(ask));
    const counts: number[] = [];
    for (let n = 0; n < repeats; n += 1) {
      // What follows the answer of the request before.
      await pause(50);
      const before = trips();
      await request(ask);
      counts.push(trips() - before);
    }
    // The node asks for something by itself now and then: that is in few of them.
    console.log(`| ${name} | ${counts.toSorted((a, b) => a - b)[Math.floor(repeats / 4)]} |`);
  }
}

/** Counts waits for the servers at these ports from now on: a write while none is awaited begins one. */
function watchTrips(ports: ReadonlySet<number>): () => number {
  const awaited = new Set<Socket>();
  let count = 0;
  const { write } = Socket.prototype;
  const watched = new WeakSet<Socket>();
  Socket.prototype.write = function (this: Socket, ...written: unknown[]): boolean {
    if (this.remotePort !== undefined && ports.has(this.remotePort)) {
      if (!watched.has(this)) {
        watched.add(this);
        this.on('data', () => awaited.delete(this));
      }
      if (awaited.size === 0) count += 1;
      awaited.add(this);
    }
    return Reflect.apply(write, this, written);
  };
  return () => count;
}
