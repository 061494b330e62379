import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { startServer } from '../server.ts';
import { Kit } from '../testing/kit.ts';
import { startCommand } from '../testing/running-command.ts';
import { type AdminCommandName, runAdmin } from './admin.ts';
import { runPlay } from './play.ts';

function start(...args: string[]) {
  const play = startCommand(runPlay, args);
  return {
    ...play,
    async line(expected: RegExp): Promise<RegExpExecArray> {
      for (;;) {
        const found = expected.exec(await play.line());
        if (found) return found;
      }
    },
  };
}

async function open() {
  const server = await startServer({ port: 0, store: 'memory', tapWindowMs: 0 });
  return {
    url: server.url,
    kit: new Kit(server.url, undefined),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

const sessionText = ({ scid, templateName, name }: ReturnType<Kit['reference']>) =>
  `${scid}~${templateName}~${name}`;

test('two users join the session of another, see who comes, and leave at Ctrl-C', async () => {
  await using opened = await open();
  const { kit, url } = opened;
  const [ada, ben] = [kit.user('ada'), kit.user('ben')];
  const reference = kit.reference();
  await ada.join(reference);

  const play = start('--join', sessionText(reference), '--url', url, '--xuid', '9001');
  await play.line(/^session {5}.*~deathmatch~/);
  await play.line(/^joined {6}Player 1 {2}xuid 9001 {2}2 members, 2 active$/);
  await play.line(/^joined {6}Player 2 {2}xuid 9002 {2}3 members, 3 active$/);
  await ben.join(reference);
  await play.line(/^changed {5}change 4: 4 members, 4 active/);
  await ben.client.leaveSession(reference);
  await play.line(/^changed {5}change 5: 3 members, 3 active; ben left$/);
  const red = kit.user('\u001b[31mRED\n');
  await red.join(reference);
  await play.line(/^changed {5}change 6: .*; \\u\{1b\}\[31mRED\\u\{a\} came$/);
  await red.client.leaveSession(reference);
  play.interrupt();
  assert.equal(await play.ended, 0);
  await play.line(/^left {8}Player 1$/);
  await play.line(/^left {8}Player 2$/);
  assert.equal(play.errors(), '');
  assert.deepEqual(play.listeners(), []);
  const left = await ada.client.getSession(reference);
  assert.equal(left?.session.membersInfo.count, 1);
});

test('without a session they make one, and a handle leads to one as well', async () => {
  await using opened = await open();
  const { kit, url } = opened;
  const first = start('--users', '1', '--url', url);
  const [, name = ''] = await first.line(/^session {5}.*~deathmatch~(.*)$/);
  const reference = { ...kit.reference('deathmatch'), name };
  await first.line(/^joined .* 1 member, 1 active$/);

  const ada = kit.user('ada');
  await using live = await ada.client.connect();
  await live.follow(reference);
  const { id } = await ada.client.setActivity(reference);
  const second = start('--users', '1', '--join', id, '--url', url);
  await second.line(/^joined .* 3 members, 3 active$/);
  for (const play of [second, first]) {
    play.interrupt();
    assert.equal(await play.ended, 0);
  }
  await ada.client.leaveSession(reference);
});

test('it ends with its session', async () => {
  await using opened = await open();
  const { kit, url } = opened;
  const reference = kit.reference('private');
  const service = kit.service();
  await kit.user('ada').putSession(reference, {
    members: { me: {}, reserve_0: { constants: { system: { xuid: '9001' } } } },
  });
  const play = start(
    '--users',
    '1',
    '--xuid',
    '9001',
    '--join',
    sessionText(reference),
    '--url',
    url,
  );
  await play.line(/^joined /);
  for (const index of [0, 1]) await service.client.removeMember(reference, index);
  assert.equal(await play.ended, 0);
  assert.ok(
    play.lines.some((line) => /^(ended|out) /.test(line)),
    play.lines.join('\n'),
  );
});

// Kills: "left" of seats that are gone; no word after the player who reads was removed.
test('it says who was removed, and that the session was ended', async () => {
  await using opened = await open();
  const { kit, url } = opened;
  const play = start('--url', url, '--xuid', '9001');
  const [, session = ''] = await play.line(/^session +(\S+)$/);
  await play.line(/^joined +Player 2/);
  const operate = async (...[name, ...args]: readonly [AdminCommandName, ...string[]]) => {
    const io = { stdout: { write: () => true }, stderr: { write: () => true } };
    const given = ['--session', session, ...args];
    assert.equal(await runAdmin(name, given, { ...io, env: { MPSD_URL: kit.url } }), 0);
  };
  await operate('kick', '--xuid', '9001');
  await play.line(/^removed +Player 1$/);
  await operate('end');
  await play.line(/^ended +the session was ended$/);
  assert.equal(await play.ended, 0);
  assert.equal(play.errors(), '');
  assert.doesNotMatch(play.lines.join('\n'), /left +Player/);
});

for (const [what, args, expected] of [
  ['a word', ['lobby'], /does not expect "lobby"/],
  [
    'no number of users',
    ['--users', 'two'],
    /--users is "two"; expected a whole number from 1 to 100/,
  ],
  ['too many users', ['--users', '101'], /from 1 to 100/],
  [
    'no session',
    ['--join', 'lobby'],
    /--join is "lobby"; expected <scid>~<template>~<name>, or the id of a handle/,
  ],
  ['a xuid too large', ['--xuid', '18446744073709551616'], /below 2\^64 without leading zeros/],
  ['a xuid with zeros before it', ['--xuid', '0012'], /"0012"; .*without leading zeros/],
  ['a last xuid too large', ['--xuid', '18446744073709551615'], /2 users from there go beyond/],
  ['no address', ['--url', 'ftp://x'], /expected http:\/\/host:port/],
] as const) {
  test(`${what} is misuse`, async () => {
    const play = start(...args);
    assert.equal(await play.ended, 2);
    assert.match(play.errors(), expected);
    assert.match(play.errors(), /openmpsd play --help/);
  });
}

test('a session that is not there, and a server that is not there, are reported', async () => {
  await using opened = await open();
  const { kit, url } = opened;
  for (const join of [sessionText(kit.reference()), randomUUID()]) {
    const play = start('--join', join, '--url', url);
    assert.equal(await play.ended, 1);
    assert.match(
      play.errors(),
      /^openmpsd play: There is no such session\. Without --join, play creates one\./,
    );
    assert.deepEqual(play.listeners(), []);
  }
  const nowhere = start('--url', 'http://127.0.0.1:9');
  assert.equal(await nowhere.ended, 1);
  assert.match(nowhere.errors(), /nothing answers at http:\/\/127\.0\.0\.1:9/);
});

test('a player whom the session does not let in is reported, and those who are in leave', async () => {
  await using opened = await open();
  const { kit, url } = opened;
  const reference = kit.reference('visible'); // at most four members
  await kit.user('ada').join(reference);
  const play = start('--users', '4', '--join', sessionText(reference), '--url', url);
  assert.equal(await play.ended, 1);
  assert.match(play.errors(), /^openmpsd play: /);
  const left = await kit.service().client.getSession(reference);
  assert.equal(left?.session.membersInfo.count, 1);
});
