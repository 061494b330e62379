/** Records that cannot be read, on a real server: whatever works on many records goes on. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demoScid, Kit } from '../../src/testing/kit.ts';
import { startNodeProcess } from '../../src/testing/node-process.ts';
import { startRedis } from '../../src/testing/redis-servers.ts';
import { within } from './deadline.ts';

const options = { timeout: 900_000 };

test(
  'damaged records stop no search, no timeout and no delivery, and are logged once',
  options,
  async () => {
    await using redis = await startRedis();
    const [{ port } = assert.fail()] = redis.servers;
    const flags = ['--store', redis.url, '--durability', 'relaxed', '--sweep', '200ms'];
    const damagedName = 'half-a-text';
    {
      await using before = await startNodeProcess(flags);
      const ada = new Kit(before.url, undefined).user('ada');
      for (const name of [damagedName, 'sound']) {
        const sessionRef = { scid: demoScid, templateName: 'lfg', name };
        const seat = { constants: { system: { xuid: '2535111122223333' } } };
        const me = { properties: { system: { active: true } } };
        const constants = { system: { reservedRemovalTimeout: 6_000 } };
        const created = { constants, members: { me, reserve_0: seat } };
        assert.equal((await ada.putSession(sessionRef, created)).status, 201);
        const handle = {
          version: 1,
          type: 'search',
          sessionRef,
          searchAttributes: { tags: ['x'] },
        };
        assert.equal((await ada.postHandle(handle)).status, 201);
      }
    }
    const keyLike = async (pattern: string): Promise<string> =>
      (await redis.cli(port, 'KEYS', pattern)).trim().split('\n')[0] ?? '';
    await redis.cli(port, 'HSET', await keyLike(`*:session:*~${damagedName}`), 'd', '{"members":');
    // Taps that were pending long ago, of which nothing can be made.
    await redis.cli(port, 'ZADD', 'mpsd:{p7}:owed', '1', 'nobody\n1');
    await redis.cli(port, 'HSET', 'mpsd:{p7}:owed-texts', 'nobody\n1', 'not json');

    await using node = await startNodeProcess(flags);
    const kit = new Kit(node.url, undefined);
    const ben = kit.user('ben');
    const query = { type: 'search', scid: demoScid, templateName: 'lfg', orderBy: 'timestamp asc' };
    await within(60_000, 'the sound one is found', async () => {
      const { status, json } = await ben.request('POST', '/handles/query', { body: query });
      assert.equal(status, 200);
      return (json['results'] as readonly unknown[]).length === 1;
    });
    const sound = { scid: demoScid, templateName: 'lfg', name: 'sound' };
    // Applied by the sweep: nobody looks at the session itself.
    await within(60_000, 'its reserved seat is given up', async () => {
      const key = await keyLike('*:session:*~sound');
      return !(await redis.cli(port, 'HGET', key, 'd')).includes('2535111122223333');
    });
    assert.equal((await ben.getSession(sound)).status, 200);
    assert.equal((await ben.getSession({ ...sound, name: damagedName })).status, 503);
    const logged = (text: string): number =>
      node.complaints.filter((line) => line.includes(text)).length;
    await within(60_000, 'the taps are set aside', async () => logged('nobody') > 0);
    assert.deepEqual([logged(damagedName), logged('nobody')], [1, 1], node.complaints.join('\n'));
    const { status, json } = await kit.request('GET', '/health/ready');
    assert.equal(status, 200);
    assert.match(JSON.stringify(json), /set aside; the log names them/);
  },
);

test(
  'a damaged handle keeps no list from being read, and is removed when it is replaced',
  options,
  async () => {
    await using redis = await startRedis();
    const [{ port } = assert.fail()] = redis.servers;
    await using node = await startNodeProcess(['--store', redis.url, '--durability', 'relaxed']);
    const kit = new Kit(node.url, undefined);
    const users = [kit.user('ada'), kit.user('ben')];
    const sessionRef = kit.reference('blank');
    const ids: string[] = [];
    for (const user of users) {
      assert.ok([200, 201].includes((await user.join(sessionRef)).status));
      const { status, json } = await user.postHandle({ version: 1, type: 'activity', sessionRef });
      assert.equal(status, 201);
      ids.push(String(json['id']));
    }
    const [key = ''] = (await redis.cli(port, 'KEYS', `*:handle:${ids[0]}`)).trim().split('\n');
    await redis.cli(port, 'HSET', key, 'd', '{"id":');
    const query = {
      type: 'activity',
      scid: demoScid,
      owners: { xuids: users.map(({ xuid }) => xuid) },
    };
    const listed = async (): Promise<number> => {
      const { status, json } = await kit
        .user('cleo')
        .request('POST', '/handles/query', { body: query });
      assert.equal(status, 200);
      return (json['results'] as readonly unknown[]).length;
    };
    assert.deepEqual([await listed(), await listed()], [1, 1]);
    assert.equal(node.complaints.filter((line) => line.includes(`the handle ${ids[0]}`)).length, 1);
    const [ada = assert.fail()] = users;
    const { status } = await ada.postHandle({ version: 1, type: 'activity', sessionRef });
    assert.equal(status, 201);
    assert.equal(await listed(), 2);
    await within(60_000, 'the damaged one is gone', async () => {
      return (await redis.cli(port, 'EXISTS', key)).trim() === '0';
    });
  },
);
