import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { startServer } from '../server.ts';
import { freePort } from '../testing/free-port.ts';
import { at, Kit } from '../testing/kit.ts';
import { runDemo } from './demo.ts';

async function run(...args: string[]) {
  let out = '';
  let err = '';
  const code = await runDemo(args, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    env: {},
  });
  return { code, out, err };
}

/** @source docs/wire/clients.md "A recorded lobby" */
test('every step of the recording is as it was recorded, and the clock is given back', async () => {
  await using server = await startServer({ port: 0, store: 'memory', control: true });
  const { code, out, err } = await run('--url', server.url);
  assert.equal(err, '');
  assert.equal(code, 0);
  const steps = [...out.matchAll(/^ ?(\d+)\. /gm)].map(([, number]) => Number(number));
  assert.deepEqual(
    steps,
    Array.from({ length: 14 }, (_, i) => i + 1),
  );
  const control = await new Kit(server.url, undefined).service().request('GET', '/control');
  assert.equal(at(control.json, 'clock.frozen'), false);
});

test('a server that gathers no taps does otherwise, and the step is reported', async () => {
  await using server = await startServer({
    port: 0,
    store: 'memory',
    control: true,
    tapWindowMs: 0,
  });
  const { code, err } = await run('--url', server.url);
  assert.equal(code, 1);
  assert.match(err, /^openmpsd demo: expected that no tap comes before the window .* ends; /);
});

test('no server, and no URL', async () => {
  const nobody = await run('--url', `http://127.0.0.1:${await freePort()}`);
  assert.equal(nobody.code, 1);
  assert.match(
    nobody.err,
    /^openmpsd demo: nothing answers at [^\n]*npm start in a checkout\)\.\n$/,
  );
  const nowhere = await run('--url', 'nowhere');
  assert.equal(nowhere.code, 2);
  assert.match(nowhere.err, /--url is "nowhere"; expected http:\/\/host:port\. See openmpsd demo/);
  const quick = await run('--quick');
  assert.equal(quick.code, 2);
  assert.equal(
    quick.err,
    'openmpsd demo: does not know the option --quick. See openmpsd demo --help.\n',
  );
});

test('a server that refuses is reported with its status, its rule and its sentence', async (context) => {
  const server = createServer((_, response) => {
    response.writeHead(401, { 'X-Mpsd-Refusal': 'tokenInvalid' }).end('The token is no JWT.');
  });
  context.after(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const { code, err } = await run('--url', `http://127.0.0.1:${port}`);
  assert.equal(code, 1);
  assert.match(
    err,
    /: POST \/handles\/query was answered 401 tokenInvalid: The token is no JWT\. The demo needs .*--auth dev/,
  );
});
