/** `openmpsd exec` as a process, with the clients of this machine. A hang fails by the limit. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text as textOf } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { commandFile } from '../testing/command-file.ts';

const options = { timeout: 300_000 };
const folder = mkdtempSync(join(tmpdir(), 'openmpsd-exec test-'));
after(() => rmSync(folder, { recursive: true }));

/** What is left of temporary folders is seen, since they are made in one of the test's own. */
const env = { ...process.env, TMPDIR: folder, TEMP: folder, TMP: folder };

async function exec(args: readonly string[], more: Record<string, string> = {}) {
  const child = spawn(process.execPath, [commandFile, 'exec', ...args], {
    env: { ...env, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close');
  const [out, err] = await Promise.all([textOf(child.stdout), textOf(child.stderr)]);
  const [code, signal] = await closed;
  return { code, signal, out, err };
}

const templates =
  'https://sessiondirectory.xboxlive.com/serviceconfigs/bd6c41c3-01c3-468a-a3b5-3e0fe8133862/sessiontemplates';

test('the exit code is that of the command', options, async () => {
  const { code, out } = await exec(['--', process.execPath, '-p', 'process.exitCode = 7']);
  assert.deepEqual([code, out], [7, '7\n']);
});

test('a command that cannot be run: 127, 126', {
  ...options,
  skip: process.platform === 'win32',
}, async () => {
  const missing = await exec(['--', 'no-such-command']);
  assert.deepEqual([missing.code, missing.out], [127, '']);
  assert.match(missing.err, /no-such-command: there is no such command\n/);
  const quoted = await exec(['--', 'node client.mjs']);
  assert.equal(quoted.code, 127);
  assert.match(quoted.err, /node client\.mjs: there is no such command; leave out the quotes/);
  const file = join(folder, 'not-executable');
  writeFileSync(file, '');
  assert.equal((await exec(['--', file])).code, 126);
  const directory = await exec(['--', folder]);
  assert.equal(directory.code, 126);
  assert.match(directory.err, /it is a folder, or a file that may not be run/);
});

test('misuse is said, and nothing is started', options, async () => {
  for (const [args, said] of [
    [[], /^openmpsd exec: needs a command after --/],
    [
      ['node', '-v'],
      /^openmpsd exec: put -- before the command: before "node", argument 1\. See [^\n]*\n$/,
    ],
    [['--users', 'Ada', 'node', '-v'], /: before "node", argument 3\. See/],
    [['node', '--', 'client.mjs'], /: before "node", argument 1\. See/],
    [
      ['--store', 'redis://u:hidden@h', '--port', '9', 'node', '--key', 'hidden'],
      /: before "node", argument 5\. See/,
    ],
    [['--admin-token', 'my', 'hidden', 'word', '--', 'node'], /: before argument 3\. See/],
    [['--oidc-client-secret=my', 'hidden', 'word'], /: before argument 2\. See/],
    [['redis://u:hidden@h', 'node'], /: before "redis:\/\/…@h", argument 1\. See/],
    [['--port', 'x', '--', 'true'], /--port is "x"/],
    [['--users', 'Ada,-', '--', 'true'], /--users takes names/],
    [['--users', 'Ada,Ben,ada', '--', 'true'], /has Ada and ada, .* both be in OPENMPSD_TOKEN_ADA/],
    [['--colour', '--', 'true'], /does not know the option --colour/],
    // Kills: a variable that is named, set, and not read.
    [['--auth', 'signed', '--', 'true'], /^(?!.*MPSD_).*needs --auth-keys, the path/],
  ] as const) {
    const { code, err } = await exec(args);
    assert.equal(code, 2, err);
    assert.match(err, said);
    assert.doesNotMatch(err, /hidden/);
  }
});

test('signals go to the command, and one that ends it is in the exit code', {
  ...options,
  skip: process.platform === 'win32',
}, async () => {
  const script = (onTerm: string): string =>
    `process.on('SIGTERM', () => ${onTerm}); setInterval(() => {}, 1000); console.log('ready');`;
  for (const [onTerm, right] of [
    ['process.exit(5)', 5],
    ["process.kill(process.pid, 'SIGKILL')", 128 + 9],
  ] as const) {
    const child = spawn(
      process.execPath,
      [commandFile, 'exec', '--', process.execPath, '-e', script(onTerm)],
      { env, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const closed = once(child, 'close');
    await once(createInterface(child.stdout), 'line');
    child.kill('SIGTERM');
    assert.deepEqual(await closed, [right, null]);
  }
});

const nodeClient = `
  const { createRequire } = require('node:module');
  const WebSocket = createRequire(${JSON.stringify(commandFile)})('ws');
  const https = require('node:https');
  const headers = { authorization: process.env.OPENMPSD_TOKEN_BEN, 'x-xbl-contract-version': '107' };
  const say = (...words) => console.log(words.join(' '));
  (async () => {
    say('fetch', (await fetch(${JSON.stringify(templates)}, { headers })).status);
    const answer = await new Promise((done) => https.get(${JSON.stringify(templates)}, { headers }, done));
    say('https', answer.resume().statusCode);
    const socket = new WebSocket('wss://rta.xboxlive.com/connect', 'rta.xboxlive.com.V2', { headers });
    await new Promise((done, failed) => socket.on('open', done).on('error', failed));
    say('ws', socket.protocol);
    socket.close();
    say('own', (await fetch(process.env.OPENMPSD_URL + '/health/live')).status);
    say('other', await fetch('https://example.com/').then(() => 'reached', () => 'refused'));
  })();`;

test('a client on Node: fetch, https and ws, with no line of its own', options, async () => {
  const { code, out, err } = await exec(['--', process.execPath, '-e', nodeClient]);
  assert.equal(code, 0, err);
  assert.deepEqual(out.trim().split('\n'), [
    'fetch 200',
    'https 200',
    'ws rta.xboxlive.com.V2',
    'own 200',
    'other refused',
  ]);
  assert.match(err, /refused example\.com/);
});

test('nothing is left of the run', options, async () => {
  await exec(['--', process.execPath, '-e', '']);
  const left = readdirSync(folder).filter((name) => name.startsWith('openmpsd-exec-'));
  assert.deepEqual(left, []);
});

// Kills: an exec whose command goes on without a server, and whose folder, with a private key, stays.
test('one that is killed leaves no command and no folder', {
  ...options,
  skip: process.platform === 'win32',
}, async () => {
  const script = "setInterval(() => {}, 1000); console.log('ready');";
  const child = spawn(
    process.execPath,
    [commandFile, 'exec', '--', process.execPath, '-e', script],
    {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  await once(createInterface(child.stdout), 'line');
  // The command has the output too, and what cleans up the errors: both are at their end then.
  child.stderr.resume();
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
  const left = readdirSync(folder).filter((name) => name.startsWith('openmpsd-exec-'));
  assert.deepEqual(left, []);
});

/** Why a test of a program is left out; false when the program is here. */
function unlessThere(command: string, ...args: readonly string[]): string | false {
  const isThere = spawnSync(command, args, { stdio: 'ignore' }).status === 0;
  return isThere ? false : `there is no ${command} here`;
}

test('curl', { ...options, skip: unlessThere('curl', '--version') }, async () => {
  const args = [
    '--silent',
    '--show-error',
    '--write-out',
    '%{http_code}',
    '--output',
    join(folder, 'body'),
  ];
  const { out, err } = await exec(['--', 'curl', ...args, templates]);
  assert.equal(out, '401', err);
});

const python = `
import os, ssl, urllib.request
url = ${JSON.stringify(templates)}
headers = {'Authorization': os.environ['OPENMPSD_TOKEN'], 'X-Xbl-Contract-Version': '107'}
print(urllib.request.urlopen(urllib.request.Request(url, headers=headers)).status)
`;

test('Python', { ...options, skip: unlessThere('python3', '--version') }, async () => {
  const { out, err } = await exec(['--', 'python3', '-c', python]);
  assert.equal(out, '200\n', err);
});

const java = `
import java.net.*;
import java.net.http.*;
public class Client {
  public static void main(String[] args) throws Exception {
    URI uri = URI.create("${templates}");
    HttpClient client = HttpClient.newBuilder().proxy(ProxySelector.getDefault()).build();
    HttpRequest request = HttpRequest.newBuilder(uri)
        .header("Authorization", System.getenv("OPENMPSD_TOKEN"))
        .header("X-Xbl-Contract-Version", "107").build();
    System.out.println(client.send(request, HttpResponse.BodyHandlers.ofString()).statusCode());
    System.out.println(((HttpURLConnection) uri.toURL().openConnection()).getResponseCode());
  }
}
`;

test('Java', { ...options, skip: unlessThere('javac', '-version') }, async () => {
  const file = join(folder, 'Client.java');
  writeFileSync(file, java);
  const { out, err } = await exec(['--', 'java', file]);
  assert.equal(out, '200\n401\n', err);
});
