import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { startServer } from '../server.ts';
import { joinBody, Kit, startKit } from '../testing/kit.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { formatSessionName } from './session-name.ts';
import { runWatch, type WatchIo } from './watch.ts';

/** A pattern that never comes fails its test, and not the whole run. */
const options = { timeout: 300_000 };

/** A watch that runs until `end`, which gives its exit code. */
function startWatch(
  args: readonly string[],
  terminal: { readonly isTTY: boolean; readonly columns: number } | object = {},
) {
  const signals = new EventEmitter();
  const lines = new EventEmitter();
  let out = '';
  const write = (text: string): void => {
    out += text;
    lines.emit('line');
  };
  const io = {
    stdout: { write, ...terminal },
    stderr: { write },
    env: {},
    once: signals.once.bind(signals),
    off: signals.off.bind(signals),
  } as unknown as WatchIo;
  const ended = runWatch(args, io);
  return {
    text: () => out,
    async until(pattern: RegExp): Promise<void> {
      while (!pattern.test(out)) await once(lines, 'line');
    },
    end(): Promise<number> {
      signals.emit('SIGINT');
      return ended;
    },
  };
}

test('changes of a session are printed with who, why and what, and nothing changes', async () => {
  await using kit = await startKit();
  const [ada, bob] = [kit.user('ada'), kit.user('bob')];
  const [watched, other] = [kit.reference(), kit.reference()];
  const watching = startWatch(['--url', kit.url, '--session', formatSessionName(watched)]);
  const { until } = watching;
  await until(/^watching/);
  await ada.join(other);
  await ada.join(watched);
  await until(/change 1 {2}created by ada: PUT session/);
  await bob.putSession(watched, { ...joinBody(), properties: { custom: { map: 'moon' } } });
  await until(/change 2 {2}changed by bob[\s\S]*\/properties\/custom\/map: nothing → "moon"/);
  assert.match(watching.text(), new RegExp(`${bob.xuid} joined`));
  assert.ok(!watching.text().includes(other.name));
  assert.equal((await ada.getSession(watched)).json.changeNumber, 2);
  assert.equal(await watching.end(), 0);
});

test('each change of a session is printed once, also those that follow its creation at once', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = kit.reference();
  const watching = startWatch(['--url', kit.url]);
  await watching.until(/^watching/);
  await ada.join(reference);
  for (let map = 2; map <= 120; map += 1) {
    await ada.putSession(reference, { properties: { custom: { map } } });
  }
  await watching.until(/change 120 /);
  await ada.client.leaveSession(reference);
  await watching.until(/ended by ada/);
  const numbers = [...watching.text().matchAll(/ {2}change (\d+) {2}/g)].map(([, number]) =>
    Number(number),
  );
  assert.deepEqual(
    numbers,
    Array.from({ length: 120 }, (_, at) => at + 1),
  );
  assert.equal(await watching.end(), 0);
});

test('changes from before the watch are not news', async () => {
  const clock = manualClock();
  await using server = await startServer({ port: 0, store: 'memory', clock });
  const kit = new Kit(server.url, undefined);
  const [ada, reference] = [kit.user('ada'), kit.reference()];
  await ada.join(reference);
  await ada.putSession(reference, { properties: { custom: { map: 2 } } });
  clock.advance(1_000);
  const watching = startWatch(['--url', server.url]);
  await watching.until(/^watching/);
  await ada.putSession(reference, { properties: { custom: { map: 3 } } });
  await watching.until(/change 3 /);
  assert.doesNotMatch(watching.text(), /change [12] /);
  assert.equal(await watching.end(), 0);
});

test('names and properties of players do not command the terminal', async () => {
  await using kit = await startKit();
  const ada = kit.user('\u001b[31mRED\u202e');
  const reference = kit.reference();
  const watching = startWatch(['--url', kit.url]);
  await watching.until(/^watching/);
  await ada.join(reference);
  await ada.putSession(reference, {
    properties: { custom: { 'key\u001b[2J\n': '\u009b\u2066' } },
  });
  await watching.until(/change 2 [\s\S]*key\\u\{1b\}\[2J\\u\{a\}: nothing → /);
  assert.doesNotMatch(watching.text(), /(?!\n)[\p{Cc}\p{Cf}]/u);
  assert.equal(await watching.end(), 0);
});

// Kills: what happened before the watch as news; requests of all users; another user's changes.
test('users are printed with where they are, then with what they do', options, async () => {
  await using kit = await startKit();
  const [ada, bob] = [kit.user('ada'), kit.user('bob')];
  const reference = kit.reference();
  await ada.join(reference);
  const all = startWatch(['users', '--url', kit.url]);
  const one = startWatch([bob.xuid, '--url', kit.url]);
  await all.until(new RegExp(`ada \\(${ada.xuid}\\) {2}1 session, 0 connections`));
  await one.until(new RegExp(`${bob.xuid}\\n +in no session, not connected`));
  const connection = await bob.connect();
  for (const { until } of [all, one]) await until(/bob \(\d+\) {2}connected/);
  await bob.join(reference);
  const joined = new RegExp(`${bob.xuid} joined`);
  for (const { until } of [all, one]) await until(joined);
  await bob.putSession(reference, {}, { ifMatch: '"x"' });
  await one.until(/PUT \/serviceconfigs\/\S+ {2}412 {2}etagDiffers {2}The session has changed/);
  await ada.putSession(reference, { members: { me: null } });
  await all.until(new RegExp(`${ada.xuid} went: left`));
  connection.socket.terminate();
  for (const { until } of [all, one]) await until(/bob \(\d+\) {2}disconnected/);
  assert.doesNotMatch(one.text(), new RegExp(ada.xuid));
  assert.doesNotMatch(all.text(), /PUT \/|etagDiffers/);
  assert.deepEqual(await Promise.all([all.end(), one.end()]), [0, 0]);
});

test('a wrong use and a server that is not there are said', async () => {
  let err = '';
  const io = {
    stdout: { write: () => undefined },
    stderr: {
      write(text: string) {
        err += text;
      },
    },
    env: {},
    once: () => undefined,
    off: () => undefined,
  } as unknown as WatchIo;
  assert.equal(await runWatch(['--xuid', 'ada'], io), 2);
  assert.match(err, /--xuid must name a user/);
  err = '';
  assert.equal(await runWatch(['everybody'], io), 2);
  assert.match(err, /does not know "everybody": expected users, or a xuid/);
  // Kills: the number of a user written as the server never writes it, for which nothing would be printed.
  for (const other of ['007', '18446744073709551616']) {
    err = '';
    assert.equal(await runWatch([other], io), 2);
    assert.match(err, /does not know ".+": .*below 2\^64 without leading zeros/);
    err = '';
    assert.equal(await runWatch(['--xuid', other], io), 2);
    assert.match(err, /--xuid must name a user: .*below 2\^64 without leading zeros/);
  }
  err = '';
  assert.equal(await runWatch(['users', '--session', 'a~b~c'], io), 2);
  assert.match(err, /--session and --xuid choose changes of sessions/);
  err = '';
  assert.equal(await runWatch(['--url', 'http://127.0.0.1:1'], io), 1);
  assert.match(
    err,
    /^openmpsd watch: nothing answers at http:\/\/127\.0\.0\.1:1; start the server first/,
  );
  // Kills: a token that no header can hold, taken for a server that is not there.
  err = '';
  assert.equal(await runWatch(['--token', '€', '--url', 'http://127.0.0.1:1'], io), 2);
  assert.doesNotMatch(err, /nothing answers/);
});

// Kills: "start the server first", said of a server that runs and hangs.
test('a server that takes the connection and does not answer is said to be late', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const server = createServer();
  context.after(() => server.closeAllConnections());
  context.after(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const watching = startWatch(['--url', url]);
  await once(server, 'request');
  context.mock.timers.tick(30_000);
  await watching.until(/\n/);
  assert.equal(
    watching.text(),
    `openmpsd watch: ${url} takes connections, but has not answered in time.\n`,
  );
  assert.equal(await watching.end(), 1);
});

// Kills: a server of another kind that is said to have ended.
test('what answers without being OpenMPSD is named', async () => {
  const server = createServer((_incoming, outgoing) => void outgoing.end('hello'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const watching = startWatch(['--url', url]);
    await watching.until(/\n$/);
    assert.match(watching.text(), /is not OpenMPSD; its answer has the status 200/);
    assert.equal(await watching.end(), 1);
  } finally {
    server.close();
  }
});

test('a line is as wide as the terminal, and whole for other programs', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const wide = startWatch(['--url', kit.url], { isTTY: false, columns: 40 });
  const narrow = startWatch(['--url', kit.url], { isTTY: true, columns: 40 });
  await Promise.all([wide.until(/^watching/), narrow.until(/^watching/)]);
  await ada.join(kit.reference());
  await wide.until(/PUT session[^\n]*\n/);
  await narrow.until(/…\n/);
  for (const line of narrow.text().split('\n')) assert.ok(line.length <= 40, line);
  await Promise.all([wide.end(), narrow.end()]);
});
