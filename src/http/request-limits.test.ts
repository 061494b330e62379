import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { generalRateLimits, type RateLimits } from '../domain/rate-limits/rate-limits.ts';
import { StoreUnavailable } from '../store/store.ts';
import { ada, bert, referee, sampleUser } from '../testing/samples.ts';
import { openClientAddresses } from './client-address.ts';
import { type CountTogether, RequestLimits } from './request-limits.ts';

const nowMs = 1_000_000_000;

function limitsOf(requestsMax: number): RateLimits {
  return {
    services: { sessiondirectory: [{ requestsMax, periodSeconds: 15 }] },
    caller: [],
    address: [],
  };
}

/** Nodes that count together, each addition after a turn of the event loop. */
function nodesOf(limits: RateLimits, nodesCount: number) {
  const counts = new Map<string, number>();
  let additionsCount = 0;
  const countTogether: CountTogether = async (name, by) => {
    additionsCount += 1;
    const count = (counts.get(name) ?? 0) + by;
    counts.set(name, count);
    // The answer comes when others have counted on.
    for (let turn = 0; turn < 5; turn += 1) await undefined;
    return count;
  };
  const addresses = openClientAddresses();
  const nodes = Array.from(
    { length: nodesCount },
    () => new RequestLimits(limits, { addresses, countTogether, failed: assert.ifError }),
  );
  return {
    nodes,
    additions: () => additionsCount,
    use(others: RateLimits) {
      counts.clear();
      for (const node of nodes) node.use(others);
    },
  };
}

// Kills: a limit kept by each node for itself; a request judged by the count of later ones; counts
// that are sent to other nodes twice or not at all.
test('nodes let through what the limit says, and at most a tenth more for each further node', async () => {
  const { nodes, use } = nodesOf(generalRateLimits, 3);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 60 }),
      fc.array(fc.record({ node: fc.nat(2), together: fc.boolean() }), {
        minLength: 70,
        maxLength: 130,
      }),
      async (requestsMax, requests) => {
        use(limitsOf(requestsMax));
        let passed = 0;
        let waiting: Promise<unknown>[] = [];
        for (const { node, together } of requests) {
          const judging = Promise.resolve(
            nodes[node]?.ofService('sessiondirectory', ada, nowMs),
          ).then((tooMany) => {
            if (tooMany === undefined) passed += 1;
          });
          waiting.push(judging);
          if (together && requestsMax < 20) continue;
          await Promise.all(waiting);
          waiting = [];
        }
        await Promise.all(waiting);
        const untold = Math.max(Math.floor(requestsMax / 10), 1) - 1;
        assert.ok(passed >= Math.min(requestsMax, requests.length));
        assert.ok(passed <= requestsMax + 2 * untold, `${passed} of ${requestsMax}`);
      },
    ),
    { numRuns: 60 },
  );
});

test('of a limit of 30 every third request asks the other nodes, of one of 300 every thirtieth', async () => {
  for (const [requestsMax, additions] of [
    [30, 10],
    [300, 1],
  ] as const) {
    const opened = nodesOf(limitsOf(requestsMax), 1);
    for (let n = 0; n < 30; n += 1) {
      const tooMany = await opened.nodes[0]?.ofService('sessiondirectory', ada, nowMs);
      assert.equal(tooMany, undefined);
    }
    assert.equal(opened.additions(), additions);
  }
});

test('while the store is away a node counts alone', async () => {
  const failures: unknown[] = [];
  const node = new RequestLimits(limitsOf(2), {
    addresses: openClientAddresses(),
    countTogether: () => Promise.reject(new StoreUnavailable('away')),
    failed: (error) => failures.push(error),
  });
  const judged = [];
  for (let n = 0; n < 3; n += 1) judged.push(await node.ofService('sessiondirectory', ada, nowMs));
  assert.deepEqual(
    judged.map((one) => one?.code),
    [undefined, undefined, 'rateLimited'],
  );
  await new Promise((turn) => setImmediate(turn));
  assert.equal(failures.length, 3);
});

test('users, titles, services and addresses are counted apart, and game services not at all', () => {
  const one = [{ requestsMax: 1, periodSeconds: 15 }];
  const limits: RateLimits = {
    services: { sessiondirectory: one, smartmatch: one, rta: one },
    caller: [{ requestsMax: 6, periodSeconds: 15 }],
    address: one,
  };
  const addresses = openClientAddresses();
  const node = new RequestLimits(limits, { addresses, failed: assert.ifError });
  const otherTitle = { ...ada, titleId: '7' };
  for (const caller of [ada, bert, otherTitle]) {
    for (const service of ['sessiondirectory', 'smartmatch'] as const) {
      assert.equal(node.ofService(service, caller, nowMs), undefined);
      assert.notEqual(node.ofService(service, caller, nowMs), undefined);
    }
  }
  for (let n = 0; n < 9; n += 1) {
    assert.equal(node.ofService('sessiondirectory', referee, nowMs), undefined);
    assert.equal(node.ofCaller(referee, nowMs), undefined);
    assert.equal(node.ofService('social', ada, nowMs), undefined);
    // All titles of a user together.
    assert.equal(node.ofCaller(n % 2 ? ada : otherTitle, nowMs) !== undefined, n >= 6);
  }
  for (const remoteAddress of ['203.0.113.1', '203.0.113.2']) {
    const incoming = { socket: { remoteAddress } as Socket, headers: {} };
    assert.equal(node.ofAddress(incoming, nowMs), undefined);
    assert.notEqual(node.ofAddress(incoming, nowMs), undefined);
  }
  const cleo = sampleUser(9, 'Cleo');
  assert.equal(node.ofSocket(cleo, nowMs), undefined);
  assert.ok(node.isFrameTooMany(cleo.xuid, nowMs));
  assert.ok(!node.isFrameTooMany(cleo.xuid, nowMs + 15_000));

  node.use(generalRateLimits);
  assert.equal(node.ofService('sessiondirectory', ada, nowMs), undefined);
});
