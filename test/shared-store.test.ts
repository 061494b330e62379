/** Servers that share a store, as one service. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer, type RunningServer } from '../src/server.ts';
import { openMemoryStore } from '../src/store/memory/memory-store.ts';
import { openProcessBus } from '../src/store/memory/process-bus.ts';
import { demoScid, Kit } from '../src/testing/kit.ts';

/** @source docs/wire/handles.md "POST /handles/query" */
test('a search handle of one node is found on the others after a sweep, and gone with its session', async () => {
  await using store = openMemoryStore();
  await using bus = openProcessBus();
  const start = (): Promise<RunningServer> => startServer({ port: 0, store, bus });
  await using one = await start();
  await using other = await start();
  const ada = new Kit(one.url, undefined).user('ada').client;
  const ben = new Kit(other.url, undefined).user('ben').client;
  const found = async (): Promise<number> =>
    (await ben.getSearchHandles({ scid: demoScid })).length;
  const lobby = { scid: demoScid, templateName: 'blank', name: 'shared' };
  await other.sweep();
  assert.equal(await found(), 0);

  await ada.writeSession(lobby, {
    constants: { system: { capabilities: { searchable: true } } },
    members: { me: { properties: { system: { active: true } } } },
  });
  await ada.setSearchHandle(lobby, { tags: ['shared'] });
  await other.sweep();
  assert.equal(await found(), 1);

  await ada.leaveSession(lobby);
  assert.equal(await found(), 0);
});
