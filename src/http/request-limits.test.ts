import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  generalRateLimits,
  type RateLimits,
  rateServices,
} from '../domain/rate-limits/rate-limits.ts';
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
    assert.equal(node.ofCaller(referee, undefined, nowMs), undefined);
    assert.equal(node.ofService('social', ada, nowMs), undefined);
    // All titles of a user together.
    assert.equal(node.ofCaller(n % 2 ? ada : otherTitle, undefined, nowMs) !== undefined, n >= 6);
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

const caller = fc.record({
  xuid: fc.constantFrom('1', '12', '2'),
  titleId: fc.constantFrom(undefined, '1', '21', '2'),
});

const services = rateServices.slice(0, 3);

/** @source docs/wire/rate-limits.md "The answer" */
// Kills: a user, title or service that is counted with another one; a request that is counted twice, or
// not in all services; a name that is the same for two counts.
test('a request is counted with those of its user, and of its user, title and service', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ caller, service: fc.constantFrom(undefined, ...services) }), {
        maxLength: 60,
      }),
      (requests) => {
        const [most, ofAll] = [2, 9].map((requestsMax) => [{ requestsMax, periodSeconds: 15 }]);
        const limits: RateLimits = {
          services: Object.fromEntries(services.map((service) => [service, most])),
          caller: ofAll ?? [],
          address: [],
        };
        const node = new RequestLimits(limits, {
          addresses: openClientAddresses(),
          failed: assert.ifError,
          countedMax: 100,
        });
        const counts = new Map<string, number>();
        const add = (name: string): number => {
          const count = (counts.get(name) ?? 0) + 1;
          counts.set(name, count);
          return count;
        };
        for (const { caller, service } of requests) {
          const { xuid, titleId } = caller;
          const title = titleId === undefined ? '' : ` in title ${titleId}`;
          const user = `user ${xuid}`;
          const expected = [
            [user, add(user), 9] as const,
            ...(service
              ? [`${user}${title} to ${service}`].map((n) => [n, add(n), 2] as const)
              : []),
          ].filter(([, count, most]) => count > most);
          const { titleId: _, ...untitled } = ada;
          const asked = { ...untitled, xuid, ...(titleId !== undefined && { titleId }) };
          const judged = node.ofCaller(asked, service, nowMs);
          assert.ok(!(judged instanceof Promise));
          // Of two the one of the service: it is the narrower one.
          const [name, count] = expected.at(-1) ?? [];
          assert.deepEqual([judged?.detail, judged?.count], [name, count]);
        }
      },
    ),
  );
});

// Kills: a bound on users alone, so that one who states many titles is kept for ever; users forgotten by
// when they came first.
test('so many lists of limits are counted, and who was silent longest is forgotten', () => {
  const one = [{ requestsMax: 1, periodSeconds: 15 }];
  const limits: RateLimits = { services: { sessiondirectory: one }, caller: one, address: [] };
  const addresses = openClientAddresses();
  const node = new RequestLimits(limits, { addresses, failed: assert.ifError, countedMax: 10 });
  const isRefused = (xuid: string, titleId = '1'): boolean =>
    node.ofCaller({ ...ada, xuid, titleId }, 'sessiondirectory', nowMs) !== undefined;
  // Two lists for each user.
  for (const xuid of ['1', '2', '3', '4', '5']) assert.ok(!isRefused(xuid));
  assert.ok(isRefused('1'), 'all of them are known');
  assert.ok(!isRefused('6'));
  assert.ok(!isRefused('2'), 'he was silent');
  assert.ok(isRefused('1'), 'he was not');

  for (let title = 1; title < 9; title += 1) isRefused('7', String(title));
  assert.ok(!isRefused('1'), 'the titles of one user count as much');
});
