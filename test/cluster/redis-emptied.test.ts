/** A store that is emptied under running nodes: real servers, real processes. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { demoScid, Kit } from '../../src/testing/kit.ts';
import { startNodeProcess } from '../../src/testing/node-process.ts';
import { startRedis } from '../../src/testing/redis-servers.ts';
import { within } from './deadline.ts';

const options = { timeout: 900_000 };
const flags = ['--durability', 'relaxed', '--node-lease', '10s', '--sweep', '200ms'];
const secretKey = 'mpsd:{secret}';

test(
  'nodes keep one secret when the store is emptied, and find each other’s sessions',
  options,
  async () => {
    await using redis = await startRedis();
    const [{ port } = assert.fail()] = redis.servers;
    await using one = await startNodeProcess(['--store', redis.url, ...flags]);
    await using other = await startNodeProcess(['--store', redis.url, ...flags]);
    const ada = new Kit(one.url, undefined).user('ada');
    const ben = new Kit(other.url, undefined).user('ben');
    const found = async (user: typeof ada): Promise<readonly unknown[]> => {
      const query = {
        type: 'search',
        scid: demoScid,
        templateName: 'lfg',
        orderBy: 'timestamp asc',
      };
      const { status, json } = await user.request('POST', '/handles/query', { body: query });
      assert.equal(status, 200);
      return json['results'] as readonly unknown[];
    };
    const post = async (user: typeof ada): Promise<void> => {
      const sessionRef = new Kit(one.url, undefined).reference('lfg');
      assert.equal((await user.join(sessionRef)).status, 201);
      const handle = {
        version: 1,
        type: 'search',
        sessionRef,
        searchAttributes: { tags: ['any'] },
      };
      assert.equal((await user.postHandle(handle)).status, 201);
    };
    // More than come after it, so that a reader who goes on counting from here would find nothing.
    for (let n = 0; n < 3; n += 1) await post(ada);
    await within(60_000, 'both know of them', async () => (await found(ben)).length === 3);
    await using line = await ada.connect();
    const before = await redis.cli(port, 'GET', secretKey);

    await redis.cli(port, 'FLUSHALL');
    await within(60_000, 'the secret is back', async () => {
      return (await redis.cli(port, 'GET', secretKey)) === before;
    });
    await post(ben);
    for (const user of [ada, ben]) {
      await within(60_000, 'the new one is found', async () => (await found(user)).length === 1);
    }
    assert.equal(line.socket.readyState, line.socket.OPEN);
    for (const { url } of [one, other]) {
      await within(60_000, 'the operator sees it', async () => {
        const ready = await fetch(`${url}/health/ready`);
        return /"degraded".*The store has lost its data/.test(await ready.text());
      });
    }
  },
);

test('nodes whose secret another one has replaced end and say why', options, async () => {
  await using redis = await startRedis();
  const [{ port } = assert.fail()] = redis.servers;
  await using one = await startNodeProcess(['--store', redis.url, ...flags]);
  await using other = await startNodeProcess(['--store', redis.url, ...flags]);
  const ada = new Kit(one.url, undefined).user('ada');
  await using line = await ada.connect();
  const fresh = randomBytes(32).toString('base64');
  // As when a new node comes between the emptying and the next look of those that run.
  await redis.cli(
    port,
    'EVAL',
    "redis.call('FLUSHALL') redis.call('SET', KEYS[1], ARGV[1])",
    '1',
    secretKey,
    fresh,
  );
  for (const node of [one, other]) {
    assert.equal(await node.ended, 1);
    assert.ok(node.complaints.some((text) => text.includes('The store was emptied')));
  }
  assert.equal(await line.closed, 1006);
  assert.equal((await redis.cli(port, 'GET', secretKey)).trim(), fresh);
  await using again = await startNodeProcess(['--store', redis.url, ...flags]);
  const kit = new Kit(again.url, undefined);
  assert.equal((await kit.user('ada').join(kit.reference())).status, 201);
});
