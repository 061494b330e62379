import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../domain/json.ts';
import { keyOf } from '../domain/session/reference.ts';
import type { Bus } from '../store/bus.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { type Batch, type PendingTaps, type Store, StoreUnavailable } from '../store/store.ts';
import { me, system, write } from '../testing/samples.ts';
import { openTestContexts } from '../testing/test-context.ts';
import { commitSession } from './commit-session.ts';
import { nodesOf, publishPendingTaps } from './notifications.ts';
import type { Context } from './context.ts';

const makeContext = await openTestContexts();
const connection = '0badcafe-0000-4000-8000-000000000001';
const subscription = { id: '81a3266d-0000-4000-8000-000000000001', changeTypes: ['everything'] };
const before = write(undefined, me({ active: true, connection, subscription }));
const next = write(before, system({ closed: true }));
const key = keyOf(before.reference);

/** A context over a store that keeps pending taps, or not, and a bus that may fail. */
function open(settings: { readonly keeps: boolean }) {
  const inner = openMemoryStore();
  const [batches, forgotten]: [Batch[], unknown[]] = [[], []];
  let pending: readonly PendingTaps[] = [];
  const overrides: Partial<Store> = {
    async commit(batch) {
      batches.push(batch);
      const { pendingTaps } = batch.session ?? {};
      if (!settings.keeps || pendingTaps === undefined) return { kind: 'committed' };
      pending = [{ key, revision: 2, pendingTaps }];
      return { kind: 'committed', revision: 2, hasPendingTaps: true };
    },
    pendingNotifications: {
      read: async () => pending,
      async forget(...which) {
        forgotten.push(which);
        pending = [];
      },
    },
  };
  const store = Object.assign(Object.create(inner) as Store, overrides);
  const context: Context = { ...makeContext(store) };
  const line = { isAway: false };
  const bus: Bus = {
    isHeard: (topic) => context.bus.isHeard(topic),
    subscribe: (topic, subscriber) => context.bus.subscribe(topic, subscriber),
    async publish(topic, message) {
      if (line.isAway) throw new StoreUnavailable('away');
      await context.bus.publish(topic, message);
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  const heard: JsonObject[] = [];
  const listen = () =>
    context.bus.subscribe('node:0badcafe', {
      message: (message) => heard.push(message),
      gap: () => assert.fail('one process misses nothing'),
    });
  const commit = async () => {
    const by = { cause: { kind: 'timer' } as const, atMs: 1_000 };
    const { reference } = before;
    const from = { revision: 1, session: before };
    await commitSession({ ...context, bus }, { reference, before: from, next, ...by });
    await turn();
  };
  return {
    context: { ...context, bus },
    line,
    listen,
    commit,
    heard,
    batches,
    forgotten,
    pending: () => pending,
  };
}

/** Background work has finished. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

// Kills: a store that is asked to forget taps that it does not keep; one that is not asked to; a
// second value made of what is pending.
test('what the commit says is pending is what is published, and forgotten only where it is kept', async () => {
  for (const keeps of [true, false]) {
    const { listen, commit, heard, batches, forgotten, pending } = open({ keeps });
    await listen();
    await commit();
    assert.equal(heard.length, 1);
    assert.equal(heard[0], batches[0]?.session?.pendingTaps);
    assert.deepEqual(forgotten, keeps ? [[key, 2]] : []);
    assert.deepEqual(pending(), []);
  }
});

// Kills: pending taps that are removed and were not sent.
test('what cannot be sent stays pending, and the sweep sends it', async () => {
  const { context, line, listen, commit, heard, batches, forgotten, pending } = open({
    keeps: true,
  });
  await listen();
  line.isAway = true;
  await commit();
  assert.deepEqual([heard, forgotten], [[], []]);
  assert.equal(pending().length, 1);
  await assert.rejects(publishPendingTaps(context, undefined), StoreUnavailable);
  line.isAway = false;
  assert.equal(await publishPendingTaps(context, undefined), 'done');
  assert.deepEqual(heard, [batches[0]?.session?.pendingTaps]);
  assert.deepEqual([forgotten, pending()], [[[key, 2]], []]);
});

// Kills: a tap for an absent node; no tap for a node that listens.
test('a change of which nobody who listens is to hear leaves nothing pending', async () => {
  const { listen, commit, heard, batches, forgotten } = open({ keeps: true });
  await commit();
  await using listening = await listen();
  await commit();
  await listening[Symbol.asyncDispose]();
  await commit();
  const hasPending = batches.map(({ session }) => session?.pendingTaps !== undefined);
  assert.deepEqual(hasPending, [false, true, false]);
  assert.deepEqual([heard.length, forgotten.length], [1, 1]);
});

// Kills: a node that is left out because another comes before it; one that is notified twice.
test('a tap goes to each node that holds one of its connections, once', () => {
  const toldOf = (...nodes: readonly string[]): readonly string[] =>
    nodesOf({
      resource: 'a~b~c',
      branch: 'b',
      timeMs: 0,
      to: nodes.map((node, memberIndex) => ({
        xuid: `${memberIndex}`,
        connection: `${node}-0000-4000-8000-00000000000${memberIndex}`,
        subscription: 's',
        memberIndex,
      })),
    });
  assert.deepEqual(toldOf(), []);
  assert.deepEqual(toldOf('0badcafe', '0badcafe'), ['0badcafe']);
  assert.deepEqual(toldOf('0badcafe', '0000beef', '0badcafe', '0badf00d', '0000beef'), [
    '0badcafe',
    '0000beef',
    '0badf00d',
  ]);
});
