/** The inspectors of two nodes on one store. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer } from '../server.ts';
import { openProcessBus } from '../store/memory/process-bus.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { Kit } from '../testing/kit.ts';
import type { InspectorInfo, SessionDetail, SessionList } from './api-types.ts';

test('each node says which it is, and shows what the store has of the others', async () => {
  const store = openMemoryStore();
  await using bus = openProcessBus();
  await using first = await startServer({ port: 0, store, bus });
  await using second = await startServer({ port: 0, store, bus });
  const get = async <T>({ url }: { readonly url: string }, path: string): Promise<T> =>
    (await (await fetch(`${url}/inspector/api/v1${path}`)).json()) as T;

  const kit = new Kit(first.url, undefined);
  const ada = kit.user('ada');
  const reference = kit.reference();
  await using connection = await ada.connect();
  const id = await connection.connectionId();
  const me = { properties: { system: { active: true, connection: id } } };
  assert.equal((await ada.putSession(reference, { members: { me } })).status, 201);

  const [one, other] = [await get<InspectorInfo>(first, ''), await get<InspectorInfo>(second, '')];
  assert.notEqual(one.nodeId, other.nodeId);
  assert.deepEqual([one.isShared, other.isShared], [true, true]);
  assert.deepEqual([one.counts.connections, other.counts.connections], [1, 0]);
  const { sessions } = await get<SessionList>(second, `/sessions?text=${reference.name}`);
  assert.deepEqual(
    sessions.map(({ name }) => name),
    [reference.name],
  );

  const path = `/sessions/${reference.scid}/${reference.templateName}/${reference.name}`;
  const here = (await get<SessionDetail>(first, path)).members[0]?.connection;
  const there = (await get<SessionDetail>(second, path)).members[0]?.connection;
  assert.deepEqual([here?.nodeId, here?.isOpen], [one.nodeId, true]);
  assert.deepEqual([there?.nodeId, there?.isOpen], [one.nodeId, undefined]);

  // A stream of the second node says what the first one changes.
  const ending = new AbortController();
  const stream = await fetch(`${second.url}/inspector/api/v1/stream`, { signal: ending.signal });
  const next = kit.reference();
  await ada.join(next);
  let text = '';
  assert.ok(stream.body);
  for await (const part of stream.body.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.includes(`"name":"${next.name}"`)) break;
  }
  assert.match(text, /event: session\n/);
  ending.abort();
});
