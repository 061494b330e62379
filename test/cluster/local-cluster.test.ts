/**
 * The cluster for trying out: it is started as `npm run cluster` does, played on through its
 * balancer, and leaves nothing behind, however it ends. What these tests are about is processes; a
 * hang fails by their limit.
 */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { Kit } from '../../src/testing/kit.ts';

const options = { timeout: 900_000 };
const script = resolve(import.meta.dirname, '../../scripts/cluster.ts');

type ClusterProcess = AsyncDisposable & {
  readonly child: ChildProcess;
  readonly url: string;
  readonly nodeUrls: readonly string[];
  /** Every port that something of it listens on. */
  readonly ports: readonly number[];
  readonly ended: Promise<unknown>;
};

async function start(...flags: readonly string[]): Promise<ClusterProcess> {
  const child = spawn(process.execPath, [script, '--port', '0', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit').then(([code, signal]) => code ?? signal);
  let printed = '';
  await new Promise<void>((ready, failed) => {
    child.stdout.setEncoding('utf8').on('data', (text) => {
      printed += text;
      if (printed.includes('Stop with Ctrl-C')) ready();
    });
    child.once('exit', () =>
      failed(new Error(`the cluster ended before it was ready: ${printed}`)),
    );
  });
  const found = (pattern: RegExp): readonly string[] =>
    [...printed.matchAll(pattern)].map(([, text = '']) => text);
  return {
    child,
    url: found(/ready on (\S+)/g)[0] ?? '',
    nodeUrls: found(/node (http\S+),/g),
    ports: [...new Set(found(/127\.0\.0\.1:(\d+)/g))].map(Number),
    ended,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Whether something accepts connections there. */
function isOpen(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => answer(true)).once('error', () => answer(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function openPorts(ports: readonly number[]): Promise<readonly number[]> {
  const answers = await Promise.all(ports.map(isOpen));
  return ports.filter((_, n) => answers[n]);
}

test('any node answers, sockets pass, and Ctrl-C ends all of it', options, async () => {
  await using cluster = await start();
  // Six of Redis, two nodes, the balancer.
  assert.equal(cluster.ports.length, 9);
  assert.deepEqual(await openPorts(cluster.ports), cluster.ports);

  const balanced = new Kit(cluster.url, undefined);
  const session = balanced.reference();
  assert.equal((await balanced.user('Ada').join(session)).status, 201);
  assert.equal(cluster.nodeUrls.length, 2);
  for (const url of cluster.nodeUrls) {
    const ada = new Kit(url, undefined).user('Ada', { xuid: balanced.user('Ada').xuid });
    const written = await ada.putSession(session, { properties: { custom: { at: url } } });
    assert.equal(written.status, 200);
    assert.match((await balanced.user('Ada').getSession(session)).text, new RegExp(url));
  }

  const authorization = balanced.user('Ada').authorization;
  const socket = new WebSocket(`${cluster.url.replace('http', 'ws')}/connect`, {
    headers: { authorization },
  });
  await once(socket, 'open');
  const closed = once(socket, 'close');

  cluster.child.kill('SIGINT');
  await closed;
  assert.equal(await cluster.ended, 0);
  assert.deepEqual(await openPorts(cluster.ports), []);
});

test('what it started ends with it when it is killed', options, async () => {
  await using cluster = await start('--nodes', '1');
  assert.equal(cluster.ports.length, 8);
  cluster.child.kill('SIGKILL');
  await cluster.ended;
  // Nobody tells when the last one is gone: asked again until the limit of the test.
  while ((await openPorts(cluster.ports)).length > 0) await setImmediate();
});

const misuses: readonly (readonly [flags: readonly string[], error: RegExp])[] = [
  [['--port', 'x'], /--port is "x"; expected 0 to 65535/],
  [['--nodes', '17'], /--nodes is "17"; expected 0 to 16/],
  [
    ['--colour'],
    /^cluster: does not know the option --colour\. See npm run cluster -- --help\.\n$/,
  ],
];

for (const [flags, error] of misuses) {
  test(`${flags.join(' ')} is refused`, options, async () => {
    const child = spawn(process.execPath, [script, ...flags], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = once(child, 'exit');
    let printed = '';
    for await (const text of child.stderr) printed += text;
    assert.match(printed, error);
    assert.deepEqual(await ended, [2, null]);
  });
}

test('a port in use is reported as a server reports it', options, async (context) => {
  const other = createServer();
  context.after(() => other.close());
  await once(other.listen(0, '127.0.0.1'), 'listening');
  const { port } = other.address() as AddressInfo;
  const child = spawn(process.execPath, [script, '--port', String(port)], {
    // Nothing is found by this PATH: Redis is not looked for before the port is known to be free.
    env: { ...process.env, PATH: '' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  let printed = '';
  for await (const text of child.stderr) printed += text;
  assert.match(printed, new RegExp(`^cluster: Port ${port} is in use by another program; stop it`));
  assert.deepEqual(await ended, [1, null]);
});

test('--help tells the options', options, async () => {
  const child = spawn(process.execPath, [script, '--help'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  let printed = '';
  for await (const text of child.stdout) printed += text;
  assert.match(printed, /--port <number> .*\n.*--nodes <number> /);
  assert.deepEqual(await ended, [0, null]);
});
