/** The code of the README, as it stands: what it leaves behind when its process just ends. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { invitesResource, MultiplayerService } from '../../src/client/multiplayer-service.ts';
import { startServer } from '../../src/testing/test-server.ts';
import { startProject } from './built-package.ts';

const readme = await readFile(resolve(import.meta.dirname, '../../README.md'), 'utf8');

const scid = 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862';
const reference = { scid, templateName: 'LobbySession', name: 'lobby-1' };

test('the TypeScript client of the README follows a lobby; once it is killed nothing is left', async () => {
  const [, code = ''] = /## From TypeScript\n[\s\S]*?```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  assert.match(code, /openmpsd\/client/);
  await using project = await startProject();
  await using server = await startServer();
  const { control } = server;
  await project.write('client.mts', code.replaceAll('http://127.0.0.1:8350', server.url));
  const client = spawn(process.execPath, ['client.mts'], {
    cwd: project.folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(client, 'exit');
  // What comes while nobody waits for it counts too.
  let printed = '';
  client.stdout.setEncoding('utf8').on('data', (text) => {
    printed += text;
  });
  const onlooker = server.service().client;
  const ada = { xuid: '1001' };

  try {
    // The invited user hears of it: everything before is done.
    const authorization = 'XBL3.0 x=-;xuid=3210&gtg=Ben';
    const ben = new MultiplayerService({ baseUrl: server.url, authorization, xuid: '3210' });
    await using live = await ben.connect();
    const invited = Promise.withResolvers<string>();
    await live.subscribe(invitesResource('3210', '1234567890'), (data) =>
      invited.resolve((data as { inviteHandle: { id: string } }).inviteHandle.id),
    );
    await live.followByHandle(await invited.promise);
    // It says how to join, and its reader prints the members.
    const isPrinted = async (words: RegExp) => {
      while (!words.test(printed)) await once(client.stdout, 'data');
    };
    await isPrinted(/^Ada waits\. [\s\S]*gamertag: 'Ben'/);
    await ben.leaveSession(reference);

    // The command that it printed makes a tap as well.
    const [, words = ''] = /npx openmpsd (play .*)/.exec(printed) ?? [];
    printed = '';
    const play = spawn(
      process.execPath,
      ['node_modules/openmpsd/dist/main.cjs', ...words.split(' '), '--url', server.url],
      { cwd: project.folder, stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const left = once(play, 'exit');
    await Promise.race([
      isPrinted(/gamertag: 'Player 1'/),
      left.then(([code]) => assert.fail(`openmpsd play ended with ${code}`)),
    ]);
    play.kill('SIGINT');
    assert.deepEqual(await left, [0, null]);
    const [activity] = await onlooker.getActivitiesForUsers(scid, [ada.xuid]);
    assert.equal(activity?.sessionRef.name, 'lobby-1');
  } finally {
    client.kill('SIGKILL');
    await exited;
  }
  // The server sees the end of the socket a moment later.
  while ((await control.connections(ada)).length > 0);
  await control.advance(30_000);
  await control.advance(1);
  assert.equal(await onlooker.getSession(reference), undefined);
  assert.deepEqual(await onlooker.getActivitiesForUsers(scid, [ada.xuid]), []);
});

test('the first calls of the tour leave nothing for good when their user goes away', async () => {
  await using server = await startServer();
  const { control } = server;
  const [ada, cleo] = [server.user('Ada'), server.user('Cleo')];
  const [, body = ''] = /# 201: Ada creates[^\n]*\nas .* -d '(.*)'/.exec(readme) ?? [];
  const session = { ...reference, templateName: 'deathmatch', name: 'session-49' };
  await ada.client.writeSession(session, JSON.parse(body));
  await ada.client.setActivity(session);
  const activities = () => cleo.client.getActivitiesForUsers(scid, [ada.xuid]);
  assert.equal((await activities()).length, 1);
  await control.advance(15 * 60_000); // --unconnected-timeout
  assert.deepEqual(await activities(), []);
  await control.advance(15 * 60_000); // inactiveRemovalTimeout of the template
  assert.equal(await cleo.client.getSession(session), undefined);
});
