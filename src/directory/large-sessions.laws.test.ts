import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import { hintsOf } from '../domain/session/hints.ts';
import { keyOf } from '../domain/session/reference.ts';
import { parseSessionRequest } from '../domain/session/request.ts';
import type { Member, Session } from '../domain/session/session.ts';
import { memberDueMs, nextDueMs } from '../domain/session/timeouts.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { demoScid } from '../testing/demo.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { openTestContexts } from '../testing/test-context.ts';
import { checkConnections } from './check-connections.ts';
import { readSession } from './read-session.ts';
import { sweep } from './sweep.ts';
import type { Context } from './context.ts';
import { writeSession } from './write-session.ts';

const makeContext = await openTestContexts();
const reference = { scid: demoScid, templateName: 'blank', name: 'crowd' };
const key = keyOf(reference);
const userOf = (n: number) => ({ kind: 'user', xuid: String(n), sandbox: 'RETAIL' }) as const;
/** On this node; each user has two to choose from. */
const connectionOf = (n: number, which: number): string =>
  `0badcafe-0000-4000-8000-0000000000${which}${n}`;

type Step =
  | { readonly kind: 'write'; readonly by: number; readonly me: JsonObject | null }
  | { readonly kind: 'race'; readonly by: number; readonly me: JsonObject | null }
  | { readonly kind: 'read'; readonly by: number }
  | { readonly kind: 'cut'; readonly by: number; readonly which: number }
  | { readonly kind: 'wait'; readonly ms: number; readonly isSwept: boolean };

const anyUser = fc.nat(7);
const anyMe = (by: number): fc.Arbitrary<JsonObject | null> =>
  fc.oneof(
    fc.constant(null),
    fc
      .record({
        status: fc.constantFrom({ active: true }, { ready: true }, { active: false, ready: false }),
        connection: fc.constantFrom(...[0, 1].map((which) => connectionOf(by, which))),
        score: fc.nat(2),
      })
      .map(({ status, connection, score }) => ({
        properties: { system: { ...status, connection }, custom: { score } },
      })),
  );
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom('write' as const, 'race' as const), anyUser)
      .chain(([kind, by]) => anyMe(by).map((me): Step => ({ kind, by, me }))),
  },
  { weight: 1, arbitrary: anyUser.map((by): Step => ({ kind: 'read', by })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(anyUser, fc.nat(1))
      .map(([by, which]): Step => ({ kind: 'cut', by, which })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(0, 1_000, 5_000, 30_000, 300_000), fc.boolean())
      .map(([ms, isSwept]): Step => ({ kind: 'wait', ms, isSwept })),
  },
);
const anyConstants: fc.Arbitrary<JsonObject> = fc
  .record({
    readyRemovalTimeout: fc.constantFrom(0, 5_000, null),
    inactiveRemovalTimeout: fc.constantFrom(0, 5_000, null),
    sessionEmptyTimeout: fc.constantFrom(0, 5_000, null),
    connectionRequiredForActiveMembers: fc.boolean(),
  })
  .map(({ connectionRequiredForActiveMembers, ...timeouts }) => ({
    system: {
      ...timeouts,
      maxMembersCount: 5,
      capabilities: { large: true, connectionRequiredForActiveMembers },
    },
  }));

async function put(context: Context, by: number, constants: JsonObject, me: JsonObject | null) {
  const request = parseSessionRequest({ constants, members: { me } }, 107);
  assert.ok(!(request instanceof Refusal));
  return writeSession(context, {
    reference,
    request,
    preconditions: {},
    caller: userOf(by),
    onlyExisting: false,
  });
}

/** What holds of the session and its rows while nobody writes. */
async function check({ store }: Context, holders: Map<string, string>): Promise<void> {
  const record = await store.session(key);
  const rows = await store.memberRows(key, 100);
  if (record === undefined) return assert.deepEqual(rows, [], 'no row outlives its session');
  const { session } = record;
  assert.deepEqual(session.members, []);
  checkTally(session, rows);
  checkIndexes(session, rows, holders);
  await checkTimes(store, session, rows);
  for (const hint of hintsOf({ ...session, members: rows })) {
    assert.ok((await store.sessionsBy(hint, 1)).includes(key), `${hint} is missing`);
  }
}

function checkTally({ tally, emptySinceMs }: Session, rows: readonly Member[]): void {
  assert.deepEqual(tally ?? { count: 0, accepted: 0, active: 0 }, {
    count: rows.length,
    accepted: rows.filter(({ status }) => status !== 'reserved').length,
    active: rows.filter(({ status }) => status === 'active').length,
  });
  assert.equal(emptySinceMs !== undefined, rows.length === 0);
}

function checkIndexes(
  { branch, nextMemberIndex }: Session,
  rows: readonly Member[],
  holders: Map<string, string>,
): void {
  for (const { index, xuid } of rows) {
    assert.ok(index < nextMemberIndex);
    const seat = `${branch} ${index}`;
    assert.equal(holders.get(seat) ?? xuid, xuid, `index ${index} is given twice`);
    holders.set(seat, xuid);
  }
  const seats = new Set(rows.map(({ index }) => index));
  assert.equal(seats.size, rows.length);
}

async function checkTimes(store: Context['store'], session: Session, rows: readonly Member[]) {
  const dues = rows.flatMap((row) => memberDueMs(row, session) ?? []);
  const first = Math.min(Infinity, ...dues);
  assert.ok((session.rowsDueMs ?? Infinity) <= first, 'the session sleeps over a row');
  assert.equal((await store.memberRowsDue(key, Infinity, 100)).length, dues.length);
  const dueMs = nextDueMs(session);
  if (dueMs === undefined) return;
  assert.deepEqual(await store.due(dueMs - 1, 1), []);
  assert.deepEqual(await store.due(dueMs, 1), [key]);
}

// Kills: a tally counted from the loaded rows alone; rowsDueMs of the loaded rows alone, dropped with
// them, or of the row after the next; nextMemberIndex taken from the tally; rows left when the session
// ends; the hint of a node removed with one of the members who share it.
test('a large session counts, seats and wakes as its rows are, whichever were loaded', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyConstants,
      fc.array(anyStep, { minLength: 1, maxLength: 30, size: 'max' }),
      async (constants, steps) => {
        const clock = manualClock();
        const open = new Set<string>();
        for (const by of [0, 1, 2, 3, 4, 5, 6, 7]) {
          for (const which of [0, 1]) open.add(connectionOf(by, which));
        }
        await using store = openMemoryStore();
        const made = makeContext(store, { clock });
        const context: Context = { ...made, node: { ...made.node, connections: open } };
        const holders = new Map<string, string>();
        let racing: Promise<unknown>[] = [];
        for (const step of steps) {
          if (step.kind === 'race') {
            racing.push(put(context, step.by, constants, step.me));
            continue;
          }
          await Promise.all(racing);
          racing = [];
          if (step.kind === 'write') await put(context, step.by, constants, step.me);
          else if (step.kind === 'read') await readSession(context, reference, userOf(step.by));
          else if (step.kind === 'cut') {
            open.delete(connectionOf(step.by, step.which));
            checkConnections(context, [connectionOf(step.by, step.which)], String(step.by));
            await sweep(context);
          } else {
            clock.advance(step.ms);
            context.presence.note('1', clock.nowMs());
            for (let n = 0; step.isSwept && (await sweep(context)) === 'more'; n += 1) {
              assert.ok(n < 20, 'sweeping does not come to an end');
            }
          }
          await check(context, holders);
        }
        await Promise.all(racing);
        await check(context, holders);
      },
    ),
    { numRuns: 150 },
  );
});
