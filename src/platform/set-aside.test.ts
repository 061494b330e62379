import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualClock } from '../testing/manual-clock.ts';
import { openConditions } from './conditions.ts';
import { SetAside, setAsideMax, setAsideMs } from './set-aside.ts';

class Outage extends Error {}
class LoggedError extends Error {}

function open() {
  const clock = manualClock();
  const lines: string[] = [];
  const conditions = openConditions(() => undefined);
  const setAside = new SetAside({
    clock,
    conditions,
    log: (line) => lines.push(line),
    isOutage: (error) => error instanceof Outage,
    isLogged: (error) => error instanceof LoggedError,
  });
  const fail = async (): Promise<never> => {
    throw new TypeError('no members');
  };
  return { clock, lines, conditions, setAside, fail };
}

test('a record that fails is logged once, left alone, tried again, and well when it succeeds', async () => {
  const { clock, lines, conditions, setAside, fail } = open();
  assert.equal(await setAside.attempt('the sweep', 'a~b', fail), undefined);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /^error: the sweep of "a~b" failed, .*TypeError: no members/);
  assert.deepEqual([setAside.has('a~b'), setAside.size, conditions.list().length], [true, 1, 1]);
  // Left alone, whatever is tried.
  assert.equal(await setAside.attempt('a search', 'a~b', async () => 'found'), undefined);
  assert.equal(await setAside.attempt('a search', 'c~d', () => 'found'), 'found');
  clock.advance(setAsideMs);
  assert.equal(await setAside.attempt('the sweep', 'a~b', fail), undefined);
  assert.deepEqual([lines.length, setAside.has('a~b')], [1, true]);
  clock.advance(setAsideMs);
  assert.equal(await setAside.attempt('the sweep', 'a~b', async () => 'done'), 'done');
  assert.deepEqual([setAside.has('a~b'), setAside.size, conditions.list()], [false, 0, []]);
});

test('an outage sets nothing aside, and is reported', async () => {
  const { lines, setAside } = open();
  const outage = async (): Promise<never> => {
    throw new Outage();
  };
  await assert.rejects(setAside.attempt('the sweep', 'a', outage), Outage);
  assert.deepEqual([setAside.size, lines], [0, []]);
});

test('what was logged where it arose is set aside without a line', async () => {
  const { lines, setAside } = open();
  const fail = async (): Promise<never> => {
    throw new LoggedError();
  };
  assert.equal(await setAside.attempt('the sweep', 'a', fail), undefined);
  assert.deepEqual([setAside.has('a'), lines], [true, []]);
});

test('what is set aside is bounded', async () => {
  const { setAside, fail } = open();
  for (let n = 0; n <= setAsideMax; n += 1) await setAside.attempt('x', String(n), fail);
  assert.equal(setAside.size, setAsideMax);
  assert.deepEqual([setAside.has('0'), setAside.has(String(setAsideMax))], [false, true]);
});
