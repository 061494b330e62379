import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSessionRequest } from '../domain/session/request.ts';
import { Refusal } from '../domain/refusal.ts';
import { openConditions } from '../platform/conditions.ts';
import { SetAside } from '../platform/set-aside.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { DamagedRecord, isOutage, type Store, StoreUnavailable } from '../store/store.ts';
import { demoScid } from '../testing/demo.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { openTestContexts } from '../testing/test-context.ts';
import { findUserPlaces } from './find-user.ts';
import { sweep } from './sweep.ts';
import { writeSession } from './write-session.ts';

const makeContext = await openTestContexts();
const reservedMs = 30_000;

/** A context on a store in which records of such names throw `fault` when they are read. */
function open(fault = new Error('it has no members')) {
  let isDamaged = false;
  const refuseDamaged = (key: string): void => {
    if (isDamaged && key.includes('~damaged')) throw fault;
  };
  const inner = openMemoryStore();
  const changed: Partial<Store> = {
    session: async (key) => {
      refuseDamaged(key);
      return inner.session(key);
    },
    lastKnown: (key) => {
      refuseDamaged(key);
      return inner.lastKnown(key);
    },
  };
  const store = new Proxy(inner, {
    get(target, name) {
      const member: unknown = Reflect.get(name in changed ? changed : target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
  const clock = manualClock();
  const lines: string[] = [];
  const conditions = openConditions(() => undefined);
  const context = {
    ...makeContext(store, { clock }),
    setAside: new SetAside({
      clock,
      conditions,
      log: (line) => lines.push(line),
      isOutage,
    }),
  };
  /** A session with a seat that is reserved until `reservedMs` from now. */
  const create = async (name: string): Promise<void> => {
    const seat = { constants: { system: { xuid: '77' } } };
    const body = {
      constants: { system: { reservedRemovalTimeout: reservedMs } },
      members: { me: { properties: { system: { active: true } } }, reserve_0: seat },
    };
    const request = parseSessionRequest(body, 107);
    assert.ok(!(request instanceof Refusal));
    const reference = { scid: demoScid, templateName: 'blank', name };
    const caller = { kind: 'user', xuid: '5', sandbox: 'RETAIL' } as const;
    const write = { reference, request, preconditions: {}, caller, onlyExisting: false };
    assert.ok(!((await writeSession(context, write)) instanceof Refusal));
  };
  const membersOf = async (name: string): Promise<number | undefined> => {
    const keys = await inner.sessionsBy('xuid:5', 1_000);
    const key = keys.find((one) => one.endsWith(`~${name}`)) ?? '';
    return (await inner.session(key))?.session.members.length;
  };
  const damage = (): void => {
    isDamaged = true;
  };
  return { context, clock, lines, conditions, create, membersOf, damage };
}

// Kills: a sweep that asks for no more records than it takes, all of which it cannot process.
test('records that cannot be processed are logged once and stop no others, however many', async () => {
  const { context, clock, lines, conditions, create, membersOf, damage } = open();
  for (let n = 0; n < 120; n += 1) await create(`damaged-${n}`);
  clock.advance(1);
  await create('sound');
  damage();
  clock.advance(reservedMs);
  for (let n = 0; n < 3; n += 1) await sweep(context);
  assert.equal(await membersOf('sound'), 1);
  assert.equal(await membersOf('damaged-7'), 2);
  assert.equal(lines.length, 120);
  assert.ok(lines.some((line) => line.includes('~damaged-119')));
  assert.equal(conditions.list().length, 1);
  await sweep(context);
  assert.equal(lines.length, 120);
});

// Kills: damage that passes for an outage, and stops a sweep or the search for a user.
test('what a store says is damaged stops neither a sweep nor the search for a user', async () => {
  const { context, clock, create, membersOf, damage } = open(new DamagedRecord('half a text'));
  for (const name of ['damaged', 'sound']) await create(name);
  damage();
  const { sessions } = await findUserPlaces(context, '5', 10);
  assert.deepEqual(
    sessions.map(({ session }) => session.reference.name),
    ['sound'],
  );
  clock.advance(reservedMs);
  await sweep(context);
  assert.equal(await membersOf('sound'), 1);
});

test('a step of a sweep that fails is reported at the end, when the others are done', async () => {
  const { context, clock, create, membersOf } = open();
  await create('sound');
  clock.advance(reservedMs);
  const away = (): Promise<never> => Promise.reject(new StoreUnavailable('away'));
  const store = new Proxy(context.store, {
    get: (target, name) =>
      name === 'expired' ? away : (Reflect.get(target, name) as (...values: never) => unknown),
  });
  await assert.rejects(sweep({ ...context, store }), StoreUnavailable);
  assert.equal(await membersOf('sound'), 1);
});
