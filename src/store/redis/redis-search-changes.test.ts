import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DamageLog } from './damage-log.ts';
import type { RedisCommands } from './redis-commands.ts';
import { keysOf, partitionsCount } from './redis-keys.ts';
import { RedisSearchChanges } from './redis-search-changes.ts';

/** Changes of one partition, on a server that another one takes over from. */
function open() {
  const keys = keysOf('test');
  const changes: [key: string, at: number][] = [];
  const server: { run: string | undefined } = { run: 'one:6379 a' };
  const commands: Pick<RedisCommands, 'keys' | 'runOf' | 'readEach' | 'read'> = {
    keys,
    runOf: () => server.run,
    readEach: async () =>
      Array.from({ length: partitionsCount }, (_, n) =>
        n === 7 ? String(changes.at(-1)?.[1] ?? 0) : null,
      ),
    async read(key, [, , from = '(0']) {
      assert.equal(key, keys.partitions[7]?.search);
      const later = changes.filter(([, at]) => at > Number(from.slice(1)));
      return later.flatMap(([name, at]) => [name, String(at)]);
    },
  };
  const search = new RedisSearchChanges(commands as RedisCommands, new DamageLog(() => undefined));
  let cursor: string | undefined;
  const next = async (): Promise<readonly string[]> => {
    const found = await search.read(cursor, 100);
    ({ cursor } = found);
    return found.keys;
  };
  return { changes, server, next };
}

// Kills: a session whose last change was lost, which a node's index has for ever, when another change of the
// partition came before the node looked.
test('what another server has now is read from its beginning', async () => {
  const { changes, server, next } = open();
  changes.push(['a', 10], ['b', 11]);
  assert.deepEqual(await next(), ['a', 'b']);
  // It never had the last one.
  changes.splice(1, 1, ['c', 12]);
  server.run = 'two:6379 b';
  assert.deepEqual(await next(), ['a', 'c']);
  assert.deepEqual(await next(), []);
  // Not known for a moment, which says nothing.
  server.run = undefined;
  assert.deepEqual(await next(), []);
  server.run = 'two:6379 b';
  assert.deepEqual(await next(), []);
  // A failover behind one name.
  server.run = 'two:6379 c';
  assert.deepEqual(await next(), ['a', 'c']);
});
