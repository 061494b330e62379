import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../domain/limits.ts';
import { parseSessionQuery } from '../domain/query/session-query.ts';
import { keyPrefixOf, parseSessionKey, type SessionKey } from '../domain/session/reference.ts';
import type { Store } from '../store/store.ts';
import { demoScid } from '../testing/demo.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { ada, bert, notRefused, sessionOf, startMs, system } from '../testing/samples.ts';
import { openTestContexts } from '../testing/test-context.ts';
import { querySessions } from './query-sessions.ts';

const context = await openTestContexts();
const prefix = keyPrefixOf(demoScid, 'blank');
const keyOfNumber = (n: number): SessionKey => `${prefix}${String(n).padStart(9, '0')}`;

/** A store in which endless sessions have every keyword, and the calls that it received. */
function endlessStore(isFull: boolean) {
  const asked = { sessions: 0, keysMax: 0, after: [] as (SessionKey | undefined)[] };
  const template = { constants: { system: { maxMembersCount: isFull ? 1 : 2 }, custom: {} } };
  const session = sessionOf(
    [ada],
    {
      template: {
        name: 'blank',
        contractVersion: 107,
        properties: { system: {}, custom: {} },
        ...template,
      },
    },
    system({ keywords: ['k'] }),
  );
  const store: Pick<Store, 'session' | 'sessionsBy' | 'lastKnown'> = {
    lastKnown: () => undefined,
    async session(key) {
      asked.sessions += 1;
      return { revision: 1, session: { ...session, reference: parseSessionKey(key) } };
    },
    async sessionsBy(_hint, limit, after) {
      asked.keysMax = Math.max(asked.keysMax, limit);
      asked.after.push(after);
      const first = after === prefix ? 0 : Number(after?.slice(prefix.length)) + 1;
      return Array.from({ length: limit }, (_, i) => keyOfNumber(first + i));
    },
  };
  return { store: store as Store, asked };
}

const find = (store: Store, query: string) =>
  querySessions(
    context(store, { clock: manualClock(startMs) }),
    { scid: demoScid, templateName: 'blank' },
    notRefused(parseSessionQuery(new URLSearchParams(query))),
    bert,
  ).then(notRefused);

test('a keyword of many sessions costs as many reads as are asked for', async () => {
  for (const [take, readsMax] of [
    [1, 20],
    [10, 20],
    [60, 100],
    [100, 100],
  ] as const) {
    const { store, asked } = endlessStore(false);
    const found = await find(store, `keyword=k&take=${take}`);
    assert.equal(found.length, take);
    assert.ok(asked.sessions <= readsMax, `${asked.sessions} reads`);
    assert.ok(asked.keysMax <= readsMax, `${asked.keysMax} keys`);
  }
});

// @source docs/wire/unknowns.md "how far a query for sessions looks"
test('a query that nothing fits goes on from slice to slice and comes to an end', async () => {
  const { store, asked } = endlessStore(true);
  let turns = 0;
  let ended = false;
  const takeTurn = (): void => {
    turns += 1;
    if (!ended) setImmediate(takeTurn);
  };
  takeTurn();

  const found = await find(store, 'keyword=k&visibility=open');

  ended = true;
  assert.deepEqual(found, []);
  assert.equal(asked.sessions, limits.sessionQueryLookedAtMax);
  const slices = limits.sessionQueryLookedAtMax / 50;
  assert.deepEqual(
    asked.after,
    Array.from({ length: slices }, (_, i) => (i === 0 ? prefix : keyOfNumber(i * 50 - 1))),
  );
  assert.ok(turns >= slices - 1, `others had ${turns} turns`);
});

test('nothing is read where nothing is asked for', async () => {
  const { store, asked } = endlessStore(false);
  assert.deepEqual(await find(store, 'keyword=k&take=0'), []);
  assert.deepEqual(asked, { sessions: 0, keysMax: 0, after: [] });
});

test('sessions of other templates are not looked at', async () => {
  const { store, asked } = endlessStore(false);
  const elsewhere = { ...store, sessionsBy: async () => [`${keyPrefixOf(demoScid, 'zz')}1`] };
  assert.deepEqual(await find(elsewhere, 'keyword=k'), []);
  assert.equal(asked.sessions, 0);
});
