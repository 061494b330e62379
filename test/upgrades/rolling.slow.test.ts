/**
 * Nodes on one Redis are replaced one by one, and then back, while players go on. `MPSD_FORMER` names a
 * built or plain checkout of a former version, which then is the one that is replaced.
 */

import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { MultiplayerService } from '../../src/client/multiplayer-service.ts';
import { type NodeProcess, startNodeProcess } from '../../src/testing/node-process.ts';
import { startRedis } from '../../src/testing/redis-servers.ts';

const former = process.env['MPSD_FORMER'];
const formerMain = former === undefined ? {} : { main: resolve(former, 'src/main.js') };
const scid = 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862';

const player = ({ url }: NodeProcess, xuid: string): MultiplayerService =>
  new MultiplayerService({
    baseUrl: url,
    authorization: `XBL3.0 x=-;xuid=${xuid}&gtg=G${xuid}`,
  });

test('a node of another version takes over, and gives back', { timeout: 300_000 }, async () => {
  await using redis = await startRedis();
  const flags = ['--store', redis.url, '--durability', 'relaxed'];
  const names = Array.from({ length: 10 }, (_, at) => ({
    scid,
    templateName: 'deathmatch',
    name: `s-${at}`,
  }));
  const joined = { members: { me: { properties: { system: { active: true } } } } };
  /** What each session's counter must be: every write was acknowledged. */
  let count = 0;
  const writeAll = async (node: NodeProcess, xuid: string): Promise<void> => {
    count += 1;
    const service = player(node, xuid);
    await Promise.all(
      names.map((name) =>
        service.writeSession(name, { ...joined, properties: { custom: { count } } }),
      ),
    );
  };
  const readAll = async (node: NodeProcess, xuid: string): Promise<void> => {
    for (const name of names) {
      const read = await player(node, xuid).getSession(name);
      assert.equal(read?.session.properties.custom?.['count'], count, node.url);
    }
  };

  const old = await startNodeProcess(flags, formerMain);
  await writeAll(old, '1001');
  await player(old, '1001').setActivity(names[0] ?? assert.fail());
  await using live = await player(old, '1001').connect();
  await live.follow(names[0] ?? assert.fail());

  await using next = await startNodeProcess(flags);
  await readAll(next, '1001');
  await writeAll(next, '1002');
  await readAll(old, '1002');
  // The player on the old node hears of what was written by the new one.
  for await (const tap of live.taps()) {
    if (tap.kind !== 'changed') continue;
    const seen = await player(old, '1001').getSession(names[0] ?? assert.fail());
    if (seen?.session.properties.custom?.['count'] === count) break;
  }
  await writeAll(old, '1001');
  await readAll(next, '1001');

  old.signal('SIGTERM');
  assert.equal(await old.ended, 0);
  await readAll(next, '1001');
  const activities = await player(next, '1003').getActivitiesForUsers(scid, ['1001']);
  assert.equal(activities.length, 1);
  await writeAll(next, '1002');

  // And back, as one does who does not trust the new one.
  await using again = await startNodeProcess(flags, formerMain);
  await readAll(again, '1002');
  await writeAll(again, '1001');
  await readAll(next, '1001');
  next.signal('SIGTERM');
  assert.equal(await next.ended, 0);
  await readAll(again, '1001');
});
