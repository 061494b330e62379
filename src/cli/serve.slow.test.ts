/**
 * A server that cannot keep its data where the settings say: it says so in one line and ends. These
 * tests are about a process and its rights; a hang fails by their limit.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { parseSettings } from '../config/settings.ts';
import type { CommandIo } from './command-io.ts';
import { formatGreeting, formatLine, runServe } from './serve.ts';

const options = { timeout: 300_000 };
const main = resolve(import.meta.dirname, '../main.js');
const folder = mkdtempSync(join(tmpdir(), 'openmpsd-serve-'));
after(() => rmSync(folder, { recursive: true }));
// All may look into it.
chmodSync(folder, 0o755);

// Root may write everywhere; so the rights of others are tried.
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
const isReadable = spawnSync(process.execPath, [main, '--help'], nobody).status === 0;
const rights = { ...options, skip: !isReadable && 'nobody may read these sources' };

/** What a server on this data folder says of its start, and the exit code. */
async function serve(data: string) {
  const args = [main, 'serve', '--port', '0', '--data', data];
  const child = spawn(process.execPath, args, { ...nobody, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (text) => {
    out += text;
    // It was to fail, and did not.
    child.kill('SIGKILL');
  });
  child.stderr.on('data', (text) => {
    err += text;
  });
  const [code] = await once(child, 'close');
  return { code, out, err };
}

async function refused(data: string, path: string, right: RegExp): Promise<void> {
  const { code, out, err } = await serve(data);
  assert.deepEqual({ code, out }, { code: 1, out: '' }, err);
  assert.match(err, /^openmpsd: [^\n]+\n$/, 'one line');
  assert.ok(err.includes(path), `${err} does not name ${path}`);
  assert.match(err, right);
}

test('a data folder that cannot be made', rights, async (context) => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const closed = join(folder, 'closed');
  mkdirSync(closed, { mode: 0o555 });
  const hidden = join(folder, 'hidden');
  mkdirSync(hidden, { mode: 0o700 });
  const cases: Readonly<Record<string, readonly [data: string, path: string]>> = {
    'is a file': [file, file],
    'is to be within a file': [join(file, 'in', 'it'), file],
    'is to be where nobody may write': [join(closed, 'in', 'it'), closed],
    ...(process.platform === 'linux' && { 'is to be in /proc': ['/proc/openmpsd', '/proc'] }),
    ...(nobody.uid !== undefined && { 'is where nobody may look': [join(hidden, 'in'), hidden] }),
  };
  for (const [name, [data, path]] of Object.entries(cases)) {
    await context.test(name, () => refused(data, path, /use another data folder/i));
  }
});

test('a data folder that may not be written', rights, async () => {
  const closed = join(folder, 'read-only');
  mkdirSync(closed, { mode: 0o555 });
  await refused(closed, closed, /may write to it/);
});

for (const name of ['openmpsd.db', 'openmpsd.db-claim']) {
  test(`${name} may only be read`, rights, async () => {
    const data = join(folder, `with-${name}`);
    mkdirSync(data);
    chmodSync(data, 0o777);
    // An empty data file is refused for that.
    if (name === 'openmpsd.db') {
      using db = new DatabaseSync(join(data, name));
      db.exec('PRAGMA application_id = 1297109828; CREATE TABLE one(a)');
    } else writeFileSync(join(data, name), '');
    chmodSync(join(data, name), 0o444);
    await refused(data, join(data, name), /may write to it/);
  });
}

for (const [host, name] of [
  ['0.0.0.0', '0.0.0.0'],
  ['::', '[::]'],
] as const) {
  test(`--host ${host}: clients are not sent to it`, () => {
    const parsed = parseSettings(['--host', host, '--allow-dev-auth'], {});
    assert.ok('settings' in parsed);
    const server = { url: `http://${name}:8350`, notices: [], gateway: undefined };
    const [ready, ...lines] = formatGreeting(server, parsed.settings).split('\n');
    assert.equal(ready, `OpenMPSD is ready on http://${name}:8350`);
    const text = lines.join('\n');
    assert.ok(!text.includes(name), text);
    assert.match(text, /107' http:\/\/localhost:8350\/serviceconfigs/);
    assert.match(text, /com is http:\/\/<address of this machine>:8350\n/);
    assert.match(text, /com is ws:\/\/<address of this machine>:8350\n/);
  });
}

test('with --log json every line of the output is JSON, and each request has one', async () => {
  const args = [
    '--no-warnings',
    main,
    'serve',
    '--port',
    '0',
    '--store',
    'memory',
    '--log',
    'json',
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  for await (const text of child.stdout.setEncoding('utf8')) {
    const isFirst = output === '';
    output += text;
    const url = /http:[0-9.:/]+/.exec(output)?.[0];
    if (isFirst && url !== undefined) {
      assert.equal((await fetch(`${url}/nowhere?nonce=verysecret`)).status, 404);
      child.kill('SIGTERM');
    }
  }
  const lines = output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    lines.map(({ level, event, status }) => [level, event, status]),
    [
      ['info', undefined, undefined],
      ['info', 'request', 404],
    ],
  );
  assert.ok(!output.includes('verysecret'));
});

test('with --log json re-reading and its problems are lines of the log, as is a mistyped variable', async () => {
  const limits = join(folder, 'limits.json');
  writeFileSync(limits, '{}');
  const args = ['--no-warnings', main, 'serve', '--port', '0', '--store', 'memory'];
  const child = spawn(process.execPath, [...args, '--log', 'json', '--rate-limits', limits], {
    env: { ...process.env, MPSD_STROE: 'verysecret' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (text) => {
    errors += text;
  });
  const lines: Record<string, unknown>[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line) as Record<string, unknown>;
    lines.push(said);
    const text = String(said['msg']);
    if (text.startsWith('OpenMPSD is ready')) child.kill('SIGHUP');
    else if (text.endsWith(' re-read')) {
      writeFileSync(limits, '{"nobody": []}');
      child.kill('SIGHUP');
    } else if (text.endsWith('stays as it was')) child.kill('SIGTERM');
  }
  assert.equal(errors, '');
  assert.deepEqual(
    lines.map(({ level, time, msg }) => [level, typeof time, String(msg).split(/[ \n]/, 1)[0]]),
    [
      ['warn', 'string', 'MPSD_STROE'],
      ['info', 'string', 'OpenMPSD'],
      ['info', 'string', 'service'],
      ['warn', 'string', `${limits}:`],
      ['warn', 'string', 'what'],
    ],
  );
  assert.equal(
    lines[0]?.['msg'],
    'MPSD_STROE is no setting and is ignored; did you mean MPSD_STORE?',
  );
});

// Kills: a greeting before the signals are listened to, after which the next one kills the process.
test('a signal that comes as soon as the server is ready is obeyed', options, async () => {
  let heard: readonly boolean[] = [];
  const signals = new EventEmitter();
  const io = Object.assign(signals, {
    stdout: {
      write(text: string) {
        if (!text.startsWith('OpenMPSD is ready')) return;
        heard = ['SIGHUP', 'SIGINT', 'SIGTERM'].map((one) => signals.listenerCount(one) > 0);
        signals.emit('SIGTERM');
      },
    },
    stderr: { write: (text: string) => assert.fail(text) },
    env: {},
  }) as unknown as CommandIo;
  assert.equal(await runServe(['--port', '0', '--store', 'memory', '--log', 'off'], io), 0);
  assert.deepEqual(heard, [true, true, true]);
});

// Kills: a fault in the log of which nobody knows when it was.
test('a line of standard error has the time of this machine', () => {
  const at = new Date(2026, 10, 30, 9, 4, 58, 7);
  assert.equal(formatLine('warning: x', at), '2026-11-30 09:04:58.007  warning: x\n');
});

test('how clients come by the gateway is said, who may use its proxy, and what is recorded', () => {
  const gateway = { proxyUrl: 'http://10.0.0.7:8351', tlsPort: 443, rootFile: '/data/root.pem' };
  const server = { url: 'http://10.0.0.7:8350', notices: [], gateway };
  const said = (...args: string[]): string => {
    const parsed = parseSettings(['--allow-dev-auth', ...args], {});
    assert.ok('settings' in parsed);
    return formatGreeting(server, parsed.settings);
  };
  const tunnel = ['--proxy-port', '8351', '--proxy-others', 'tunnel'];
  const open = said('--host', '10.0.0.7', ...tunnel);
  assert.match(
    open,
    /through the proxy http:\/\/10\.0\.0\.7:8351\nXbox Live's hosts .* port 443\n/,
  );
  assert.match(open, /Everybody who reaches that proxy can go on/);
  const root = 'Clients must trust /data/root.pem. How: openmpsd trust';
  const data = (path: string): string => `--data ${resolve(path)}`;
  const ports = '--proxy-port 8351 --tls-port 443\n';
  assert.ok(open.includes(`${root} ${data('data')} --address 10.0.0.7 ${ports}`), open);
  assert.ok(said('--data', 'own').includes(`${root} ${data('own')} ${ports}`));
  const everywhere = said('--host', '0.0.0.0', '--data', 'own');
  assert.ok(everywhere.includes(`${root} ${data('own')} ${ports}`));
  if (process.platform !== 'win32') {
    assert.ok(said('--data', "/it's data").includes(`--data '/it'\\''s data' --proxy-port`));
  }
  assert.match(said('--record', 'a.har'), /\nRecorded in a\.har, without tokens\.\n/);
  assert.doesNotMatch(said('--host', '10.0.0.7'), /Everybody|Recorded/);
  assert.doesNotMatch(said(...tunnel), /Everybody/);
});
