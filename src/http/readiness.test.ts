import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { type Store, StoreUnavailable } from '../store/store.ts';
import { openConditions } from '../platform/conditions.ts';
import { probeStore } from '../directory/probe-store.ts';
import { openReadiness } from './readiness.ts';
import { healthRoutes } from './routes/health.ts';
import type { RouteRequest } from './route.ts';
import type { Context } from '../directory/context.ts';

/** A store whose reads do as `read` says. */
function storeThat(read: (n: number) => Promise<undefined>): Store {
  let reads = 0;
  return { session: () => read(reads++) } as Partial<Store> as Store;
}

const probing =
  (store: Store): (() => Promise<void>) =>
  () =>
    probeStore({ store });

const noConditions = openConditions(() => undefined);

const away = (): Promise<undefined> => Promise.reject(new StoreUnavailable('gone'));

test('a store that answers is ready', async () => {
  assert.equal(await openReadiness(probing(openMemoryStore()), noConditions).problem(), undefined);
});

test('a store of which one part answers is ready', async () => {
  const store = storeThat((n) => (n === 7 ? Promise.resolve(undefined) : away()));
  assert.equal(await openReadiness(probing(store), noConditions).problem(), undefined);
});

test('a store that cannot be reached is not, and is again when it comes back', async () => {
  let isAway = true;
  const readiness = openReadiness(
    probing(storeThat(() => (isAway ? away() : Promise.resolve(undefined)))),
    noConditions,
  );
  assert.match(String(await readiness.problem()), /cannot be reached/);
  isAway = false;
  assert.equal(await readiness.problem(), undefined);
});

test('a store that is silent is given two seconds', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const asked = openReadiness(
    probing(storeThat(() => new Promise(() => undefined))),
    noConditions,
  ).problem();
  t.mock.timers.tick(2_000);
  assert.match(String(await asked), /not answered within 2000 ms/);
});

test('those who ask at the same time share one look at the store', async () => {
  let reads = 0;
  const gate = Promise.withResolvers<undefined>();
  const readiness = openReadiness(
    probing(
      storeThat((n) => {
        reads = n + 1;
        return gate.promise;
      }),
    ),
    noConditions,
  );
  const asked = [readiness.problem(), readiness.problem(), readiness.problem()];
  gate.resolve(undefined);
  assert.deepEqual(await Promise.all(asked), [undefined, undefined, undefined]);
  assert.equal(reads, 8);
  await readiness.problem();
  assert.equal(reads, 16);
});

test('a server that is ending is not ready, not even for a look under way', async () => {
  const gate = Promise.withResolvers<undefined>();
  const readiness = openReadiness(probing(storeThat(() => gate.promise)), noConditions);
  const asked = readiness.problem();
  readiness.end();
  gate.resolve(undefined);
  assert.match(String(await asked), /is ending/);
  assert.match(String(await readiness.problem()), /is ending/);
});

test('a server that an operator has drained is ready again when that is undone, unless it is ending', async () => {
  const readiness = openReadiness(probing(openMemoryStore()), noConditions);
  readiness.setDrained(true);
  // Kills: a text by which the server seems to end by itself.
  assert.match(
    String(await readiness.problem()),
    /^An operator has drained this server\. It still answers, /,
  );
  readiness.setDrained(false);
  assert.equal(await readiness.problem(), undefined);
  readiness.end();
  readiness.setDrained(false);
  assert.match(String(await readiness.problem()), /is ending/);
});

test('the routes are open, and tell readiness by the status', async () => {
  let problem: string | undefined;
  let conditions: readonly string[] = [];
  const routes = healthRoutes({
    problem: async () => problem,
    conditions: () => conditions,
    setDrained: () => undefined,
    end: () => undefined,
  });
  const ask = async (path: string) => {
    const route = routes.find((one) => one.path === path);
    assert.equal(route?.auth, 'none');
    return route.answer({} as RouteRequest, {} as Context);
  };
  assert.deepEqual(await ask('/health/live'), { status: 200, body: '{"status":"live"}' });
  assert.deepEqual(await ask('/health/ready'), { status: 200, body: '{"status":"ready"}' });
  conditions = ['The disk is full.'];
  assert.deepEqual(await ask('/health/ready'), {
    status: 200,
    body: '{"status":"degraded","problems":["The disk is full."]}',
  });
  problem = 'The store is asleep.';
  assert.deepEqual(await ask('/health/ready'), {
    status: 503,
    headers: { 'Retry-After': '1' },
    body: 'The store is asleep.',
    contentType: 'text/plain; charset=utf-8',
  });
  assert.deepEqual(await ask('/health/live'), { status: 200, body: '{"status":"live"}' });
});
