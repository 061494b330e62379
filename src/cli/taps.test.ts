import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer } from '../server.ts';
import { Kit } from '../testing/kit.ts';
import { startCommand } from '../testing/running-command.ts';
import { runTaps } from './taps.ts';

const start = (...args: string[]) => startCommand(runTaps, args);

async function open() {
  const server = await startServer({ port: 0, store: 'memory', tapWindowMs: 0, control: true });
  return {
    server,
    kit: new Kit(server.url, undefined),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

test('a line for each tap, each invite and each new connection, until Ctrl-C', async () => {
  await using opened = await open();
  const { kit, server } = opened;
  const [ada, ben] = [kit.user('ada'), kit.user('ben')];
  const reference = kit.reference();
  const session = `${reference.scid}~${reference.templateName}~${reference.name}`;
  await ada.join(reference);
  await ben.join(reference);

  const taps = start('--xuid', ada.xuid, '--url', server.url, '--session', session);
  const [, connection = ''] = /^connection {2}(\S+)$/.exec(await taps.line()) ?? [];
  assert.match(connection, /^[0-9a-f-]{36}$/);
  assert.equal(await taps.line(), `following   ${session}  change 3`);
  // Of the write by which it follows too.
  assert.match(await taps.line(), new RegExp(`^changed     ${session}  change 3  2`));
  await ben.putSession(reference, { properties: { custom: { map: 'atoll' } } });
  assert.match(await taps.line(), new RegExp(`^changed     ${session}  change 4  2`));

  const invite = await ben.postHandle({
    version: 1,
    type: 'invite',
    sessionRef: reference,
    invitedXuid: ada.xuid,
    inviteAttributes: { titleId: 1234567890 },
  });
  assert.equal(
    (await taps.line()).replace(/, until .*$/, ''),
    `invited     ${session}  by ${ben.xuid}, handle ${invite.json['id']}`,
  );

  const dropped = await kit.service().request('POST', `/control/connections/${connection}/drop`);
  assert.equal(dropped.status, 204);
  assert.match(await taps.line(), /^lost {8}the connection was lost; connecting/);
  const [, again = ''] = /^connection {2}(\S+)$/.exec(await taps.line()) ?? [];
  assert.match(again, /^[0-9a-f-]{36}$/);
  assert.notEqual(again, connection);
  const next: string[] = [];
  // The invite is sent on the new connection as well.
  while (!next.at(-1)?.startsWith('resync')) next.push(await taps.line());

  taps.interrupt();
  assert.equal(await taps.ended, 0);
  assert.equal(taps.errors(), '');
  assert.deepEqual(taps.listeners(), []);
});

test('the end of a session, and a token of one’s own', async () => {
  await using opened = await open();
  const { kit, server } = opened;
  const ada = kit.user('ada');
  const reference = kit.reference();
  const session = `${reference.scid}~${reference.templateName}~${reference.name}`;
  await ada.join(reference);
  const { authorization } = ada;
  const taps = start(
    ...['--xuid', ada.xuid, '--url', server.url],
    ...['--session', session, '--token', `${authorization}\n`],
  );
  while (!(await taps.line()).startsWith('following'));
  await ada.putSession(reference, { members: { me: null } });
  let line = '';
  while (!line.startsWith('ended')) line = await taps.line();
  assert.match(line, new RegExp(`^ended       ${session}  2`));
  taps.interrupt();
  assert.equal(await taps.ended, 0);
});

test('what goes wrong is reported in a line, with the exit code', async () => {
  await using opened = await open();
  const { url } = opened.server;
  const { scid, templateName } = opened.kit.reference();
  const missing = `${scid}~${templateName}~none`;
  const cases = [
    [[], 2, /This command needs --xuid/],
    [['--xuid', 'ada'], 2, /--xuid must name a user/],
    [['--xuid', '1', '--url', 'nowhere'], 2, /expected http:\/\/host:port/],
    [['--xuid', '1', '--session', 'a~b'], 2, /expected <scid>~<template>~<name>/],
    [
      ['--xuid', '1', '--what'],
      2,
      /does not know the option --what\. See openmpsd taps --help\.\n$/,
    ],
    [['--xuid', '1', 'ada'], 2, /does not expect "ada"\. See/],
    [['--xuid', '1', '--url', url, '--token', 'Basic x'], 1, /GET \/nonce was answered 401/],
    [['--xuid', '1', '--url', url, '--session', 'a~b~c'], 1, /serviceConfigUnknown/],
    [
      ['--xuid', '1', '--url', url, '--session', missing],
      1,
      /there is no session \S+~none; create it first\.\n$/,
    ],
    [['--xuid', '1', '--url', url, '--token', 'XBL3.0 x=-;xuid=2'], 1, /answered 3: it is not for/],
  ] as const;
  for (const [args, code, error] of cases) {
    const taps = start(...args);
    assert.equal(await taps.ended, code, args.join(' '));
    assert.match(taps.errors(), error);
    assert.match(taps.errors(), /^openmpsd taps: [^\n]*\n$/);
  }
});

test('the name of a session does not command the terminal', async () => {
  await using opened = await open();
  const { kit, server } = opened;
  const [ada, ben] = [kit.user('ada'), kit.user('ben')];
  const reference = { ...kit.reference(), name: 'room\u202e\u2066' };
  await ada.join(reference);
  const taps = start('--xuid', ben.xuid, '--url', server.url);
  await taps.line();
  await ada.postHandle({
    version: 1,
    type: 'invite',
    sessionRef: reference,
    invitedXuid: ben.xuid,
    inviteAttributes: { titleId: 1234567890 },
  });
  const line = await taps.line();
  assert.match(line, /~room\\u\{202e\}\\u\{2066\} /);
  taps.interrupt();
  assert.equal(await taps.ended, 0);
});
