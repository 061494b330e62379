import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startServer } from '../server.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { openProcessBus } from '../store/memory/process-bus.ts';
import { Kit } from '../testing/kit.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { type AdminCommandName, runAdmin } from './admin.ts';

async function run(
  name: AdminCommandName,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
) {
  let out = '';
  let err = '';
  const code = await runAdmin(name, args, {
    env,
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
  });
  return { code, out, err };
}

test('an operator looks at a server, and removes a user from it', async () => {
  const clock = manualClock();
  await using server = await startServer({ port: 0, store: 'memory', clock });
  const kit = new Kit(server.url, undefined);
  const [ada, ben] = [kit.user('ada'), kit.user('ben')];
  const reference = { ...kit.reference(), name: 'hall' };
  const session = `${reference.scid}~${reference.templateName}~hall`;
  await ada.join(reference);
  await ben.join(reference);
  await ada.join({ ...reference, name: 'other' });
  await using _connection = await ada.connect();
  const at = { MPSD_URL: server.url };
  const done = async (name: AdminCommandName, ...args: readonly string[]) => {
    const { code, out, err } = await run(name, args, at);
    assert.equal(err, '');
    assert.equal(code, 0);
    return out;
  };

  const stats = await done('stats');
  assert.match(stats, /^nodes {8}1 alive, 0 gone$/m);
  assert.match(stats, /^connections {2}1$/m);
  assert.match(stats, /^sessions {5}2$/m);
  assert.match(stats, /^members {6}3 joined, 0 reserved$/m);
  assert.match(stats, /^handles {6}0 activities, 0 invites, 0 transfers$/m);
  assert.equal(
    await done('sessions', '--text', 'HALL'),
    `${session}  2 members, 2 active, change 2\n`,
  );
  const first = await done('sessions', '--limit', '1');
  assert.match(first, /^\S+ {2}\d members.*\nThere may be more; --limit is 1\.\n$/);
  const where = await done('where', '--xuid', ben.xuid);
  assert.match(where, new RegExp(`^user {9}${ben.xuid} \\(ben\\)$`, 'm'));
  assert.match(where, new RegExp(`^active {7}${session} {2}2 members.*, since 2026-01-01T`, 'm'));
  assert.match(await done('where', '--xuid', ada.xuid), /^connection {3}\S+ to node \w{8}$/m);

  await done('kick', '--session', session, '--xuid', ben.xuid, '--reason', 'rude');
  assert.match(await done('where', '--xuid', ben.xuid), /^in no session$/m);
  assert.doesNotMatch(await done('where', '--xuid', ben.xuid), /knows nothing/);
  // Kills: a mistyped xuid that looks like a player who is in no session.
  for (const name of ['where', 'disconnect'] as const) {
    const unknown = await run(name, ['--xuid', '4040'], at);
    assert.deepEqual([unknown.code, unknown.out], [1, '']);
    assert.match(unknown.err, /: the server knows nothing of user 4040: is the xuid right\?\n$/);
  }
  const idle = await done('disconnect', '--xuid', ben.xuid);
  assert.equal(idle, `User ${ben.xuid} has no connection.\n`);
  await done('ban', '--xuid', ada.xuid, '--for', '24h', '--reason', 'cheats');
  assert.equal((await ada.getSession(reference)).refusal, 'banned');
  const ban = /until 2026-01-02T00:00:00\.0000000Z by operator: cheats/;
  assert.match(await done('unban'), ban);
  assert.match(await done('where', '--xuid', ada.xuid), ban);
  await done('unban', '--xuid', ada.xuid);
  await ben.join(reference);
  await done('end', '--session', session);
  assert.equal((await ben.getSession(reference)).status, 204);

  const refused = await run('end', ['--session', session], at);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /does not exist.*\(sessionGone\)/);
  const kicked = await run('kick', ['--session', session, '--xuid', ben.xuid], at);
  assert.equal(kicked.code, 1);
  assert.match(kicked.err, /does not exist.*\(sessionGone\)/);
  const longest = await run('ban', ['--xuid', ada.xuid, '--for', '3650d'], at);
  assert.equal(longest.code, 0, longest.err);
});

test('an operator ends connections, and operates a node; the acts are listed', async () => {
  await using server = await startServer({ port: 0, store: 'memory', clock: manualClock() });
  const kit = new Kit(server.url, undefined);
  const [ada, ben] = [kit.user('ada'), kit.user('ben')];
  const at = { MPSD_URL: server.url };
  const done = async (name: AdminCommandName, ...args: readonly string[]) => {
    const { code, out, err } = await run(name, args, at);
    assert.deepEqual([code, err], [0, '']);
    return out;
  };
  await using first = await ada.connect();
  await using second = await ben.connect();
  assert.match(
    await done('disconnect', '--xuid', ada.xuid),
    new RegExp(`^Connections of user ${ada.xuid} that ended: 1 of this node\\.`),
  );
  await first.closed;
  const [, id = ''] = /^connection {3}(\S+) /m.exec(await done('where', '--xuid', ben.xuid)) ?? [];
  assert.equal(await done('disconnect', '--connection', id), `Connection ${id} has ended.\n`);
  await second.closed;
  const elsewhere = '0badc0de-0000-4000-8000-000000000001';
  const nowhere = await run('disconnect', ['--connection', elsewhere], at);
  assert.deepEqual([nowhere.code, nowhere.out], [1, '']);
  assert.match(nowhere.err, /no node has a connection 0badc0de/);

  assert.equal(await done('reload'), 'The node has read its configuration again.\n');
  const ready = async (): Promise<number> => (await fetch(`${server.url}/health/ready`)).status;
  assert.equal(await ready(), 200);
  assert.match(await done('drain'), /^From now on \/health\/ready of the node answers 503/);
  assert.equal(await ready(), 503);
  // Kills: a node that was drained by mistake must be ended.
  assert.match(await done('drain', '--cancel'), /answers as before\.$/m);
  assert.equal(await ready(), 200);

  const { acts } = (
    await kit.request('GET', '/admin/acts', {
      headers: { authorization: 'XBL3.0 x=-;svc=operator' },
    })
  ).json as { readonly acts: readonly { readonly act: string; readonly by: string }[] };
  assert.deepEqual(
    acts.map(({ act, by }) => `${act} by ${by}`).sort(),
    ['disconnect', 'disconnect', 'drain', 'reload', 'undrain'].map((act) => `${act} by operator`),
  );
});

// Kills: a user on a node that does not answer, whom nobody can find or disconnect.
test('a user of whom nothing is known while a node is silent is disconnected all the same', async () => {
  const clock = manualClock();
  const store = openMemoryStore();
  await using server = await startServer({ port: 0, store, bus: openProcessBus(), clock });
  // It is alive in the store, and gets no message.
  await using silent = await startServer({ port: 0, store, bus: openProcessBus(), clock });
  const kit = new Kit(silent.url, undefined);
  const acts = async () =>
    (
      await kit.request('GET', '/admin/acts', {
        headers: { authorization: 'XBL3.0 x=-;svc=operator' },
      })
    ).json as {
      readonly acts: readonly { readonly act: string; readonly xuid: string }[];
    };
  const withoutAnswer = async (name: AdminCommandName) => {
    const running = run(name, ['--xuid', '4040'], { MPSD_URL: server.url });
    const waiting = setInterval(() => clock.advance(100), 1);
    return running.finally(() => clearInterval(waiting));
  };
  const where = await withoutAnswer('where');
  assert.deepEqual([where.code, where.err], [0, '']);
  assert.match(where.out, /^no answer {4}from node \w{8}: its connections are not known$/m);
  const ended = await withoutAnswer('disconnect');
  assert.deepEqual([ended.code, ended.err], [0, '']);
  assert.match(ended.out, /^Connections of user 4040 that ended: 0 of this node\./);
  assert.deepEqual(
    (await acts()).acts.map(({ act, xuid }) => `${act} ${xuid}`),
    ['disconnect 4040'],
  );
});

test('a configuration that a node does not take is refused by its problems', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'openmpsd-admin-'));
  const rateLimits = join(folder.path, 'limits.json');
  writeFileSync(rateLimits, '{}');
  const options = { port: 0, store: 'memory', rateLimits } as const;
  await using server = await startServer(options);
  writeFileSync(rateLimits, '{"nothing": 1}');
  const { code, out, err } = await run('reload', [], { MPSD_URL: server.url });
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /^openmpsd reload: the former configuration stays in place: .*nothing/);
});

test('the admin token comes from the environment, and what is missing is said', async () => {
  const adminToken = 'the-token-of-the-operator';
  const secured = { allowDevAuth: true, host: '0.0.0.0', port: 0, store: 'memory' } as const;
  await using server = await startServer({ ...secured, adminToken });
  const url = server.url.replace('0.0.0.0', '127.0.0.1');
  assert.equal(
    (await run('stats', ['--url', `${url}/`], { MPSD_ADMIN_TOKEN: adminToken })).code,
    0,
  );
  const without = await run('stats', ['--url', url]);
  assert.equal(without.code, 1);
  const wanted =
    /wants its admin token: set MPSD_ADMIN_TOKEN, or MPSD_ADMIN_TOKEN_FILE to a file with it, or to the signed token of a service that --admin-services names\. \(adminRequired\)\n$/;
  assert.match(without.err, wanted);
  const wrong = { MPSD_ADMIN_TOKEN: 'wrongwrongwrongwrong' };
  const other = await run('stats', ['--url', url], wrong);
  assert.equal(other.code, 1);
  assert.match(
    other.err,
    /: MPSD_ADMIN_TOKEN is not the admin token of the server at http:\S+\.\n$/,
  );
  await using development = await startServer({ port: 0, store: 'memory' });
  const needless = await run('stats', ['--url', development.url], wrong);
  assert.equal(needless.code, 1);
  assert.match(
    needless.err,
    /is set, but the server at http:\S+ has no admin token; unset it, or set it to the signed token of a service that --admin-services names\.\n$/,
  );
  const secure = await run('stats', ['--url', development.url.replace('http:', 'https:')]);
  assert.equal(secure.code, 1);
  assert.match(secure.err, /https:\S+ does not speak TLS; is it http in place of https\?\n$/);
  const jwt = await run('stats', ['--url', development.url], { MPSD_ADMIN_TOKEN: 'a.b.c' });
  assert.match(jwt.err, /\(notAuthenticated\)\n$/);
  await using unmanaged = await startServer(secured);
  const none = await run('stats', ['--url', unmanaged.url.replace('0.0.0.0', '127.0.0.1')]);
  assert.match(none.err, /has no administrators; start it with an admin token/);
});

// Kills: a list of none that looks like a command that did nothing; a sentence in what a script reads.
test('a list of none is said on standard error', async () => {
  await using server = await startServer({ port: 0, store: 'memory', clock: manualClock() });
  for (const [name, args, said] of [
    ['sessions', [], 'openmpsd sessions: there is no session.\n'],
    ['sessions', ['--text', 'hall'], 'openmpsd sessions: no session matches.\n'],
    ['unban', [], 'openmpsd unban: no user is banned.\n'],
  ] as const) {
    const { code, out, err } = await run(name, args, { MPSD_URL: server.url });
    assert.deepEqual({ code, out, err }, { code: 0, out: '', err: said });
  }
});

test('what is wrong with a command is said', async () => {
  const session = 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862~deathmatch~hall';
  const wrong: readonly (readonly [AdminCommandName, readonly string[], RegExp])[] = [
    ['where', [], /needs --xuid\./],
    ['where', ['--xuid', 'Ada'], /--xuid must name a user/],
    // Kills: a ban of a user who cannot exist.
    ...['01001', '00', '18446744073709551616'].flatMap((xuid) =>
      (['ban', 'disconnect'] as const).map(
        (name) => [name, ['--xuid', xuid], /--xuid is "\d+"; .* below 2\^64/] as const,
      ),
    ),
    ['ban', ['--xuid', '1', '--for', '1h', '--reason', 'a\nb'], /--reason must be .* in one line/],
    ['end', ['--session', session, '--reason', '\u001b[31m'], /--reason must be .* in one line/],
    ['ban', ['--xuid', '1'], /needs --for\./],
    ['ban', ['--xuid', '1', '--for', ''], /--for is ""; expected a duration/],
    ['ban', ['--xuid', '1', '--for', '5x'], /--for is "5x"/],
    ['ban', ['--xuid', '1', '--for', '3651d'], /--for is "3651d".*at most ten years/],
    ['ban', ['--xuid', '1', '--for', '999999999d'], /--for is "999999999d".*at most ten years/],
    ['kick', ['--xuid', '1'], /needs --session\./],
    ['end', [], /needs --session\./],
    ['kick', ['--xuid', '1', '--session', 'a~b'], /--session is "a~b"/],
    ['sessions', ['--limit', '0'], /--limit is "0"/],
    ['disconnect', [], /needs --xuid or --connection\./],
    ['disconnect', ['--connection', 'x'], /--connection is "x"; expected a GUID/],
    ['disconnect', ['--connection', 'x', '--xuid', '1'], /--xuid or --connection, not both/],
    ['stats', ['--xuid', '1'], /does not know the option --xuid/],
    ['stats', ['--url', 'x'], /--url is "x"/],
    ['stats', ['--url', 'http://127.0.0.1:1/foo'], /expected http:\/\/host:port, without a path/],
  ];
  for (const [name, args, text] of wrong) {
    const { code, err } = await run(name, args);
    assert.equal(code, 2, name);
    assert.match(err, text);
  }
  const help = await run('ban', ['--help']);
  assert.equal(help.code, 0);
  assert.match(help.out, /--for <duration>/);
  assert.match((await run('stats', ['--help'])).out, /^A node is gone when its lease has run out/m);
  const away = await run('stats', ['--url', 'http://127.0.0.1:1']);
  assert.equal(away.code, 1);
  assert.match(away.err, /nothing answers/);
});

test('names of players do not command the terminal of the operator', async () => {
  await using server = await startServer({ port: 0, store: 'memory', clock: manualClock() });
  const kit = new Kit(server.url, undefined);
  const ada = kit.user('\u001b[31mRED\u202e');
  await ada.join(kit.reference());
  const { code, out } = await run('where', ['--xuid', ada.xuid], { MPSD_URL: server.url });
  assert.equal(code, 0);
  assert.match(out, /^user {9}\d+ \(\\u\{1b\}\[31mRED\\u\{202e\}\)$/m);
  assert.doesNotMatch(out, /(?!\n)[\p{Cc}\p{Cf}]/u);
});

// Kills: a session that an operator sees in a list and cannot end.
test('a name is given back as it was printed', async () => {
  await using server = await startServer({ port: 0, store: 'memory', clock: manualClock() });
  const kit = new Kit(server.url, undefined);
  const ada = kit.user('ada');
  await ada.join({ ...kit.reference(), name: 'a\u202eb\u200d c' });
  const at = { MPSD_URL: server.url };
  const text = String.raw`a\u{202e}b\u{200d} c`;
  const { out } = await run('sessions', ['--text', text], at);
  const [session = '', more] = out.split('  ');
  assert.ok(session.endsWith(`~${text}`), out);
  assert.match(more ?? '', /^1 member, 1 active/);
  const ended = await run('end', ['--session', session], at);
  assert.deepEqual([ended.code, ended.out], [0, `${session} has been ended.\n`]);
});
