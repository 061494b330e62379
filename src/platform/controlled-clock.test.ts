import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualClock } from '../testing/manual-clock.ts';
import { controlledClock, movedTasksMax } from './controlled-clock.ts';

function open() {
  const base = manualClock(1_000);
  const clock = controlledClock(base);
  const ran: string[] = [];
  const after = (delayMs: number, name: string) =>
    clock.after(delayMs, () => ran.push(`${name} at ${clock.nowMs()}`));
  return { base, clock, ran, after };
}

test('it runs with the base clock it', () => {
  const { base, clock, ran, after } = open();
  after(10, 'one');
  base.advance(9);
  assert.deepEqual([clock.nowMs(), ran], [1_009, []]);
  base.advance(1);
  assert.deepEqual([clock.nowMs(), ran], [1_010, ['one at 1010']]);
});

test('frozen, it stands, and what is to come waits for the rest of its time', () => {
  const { base, clock, ran, after } = open();
  after(10, 'one');
  base.advance(4);
  clock.freeze();
  base.advance(100);
  after(2, 'two');
  assert.deepEqual([clock.isFrozen, clock.nowMs(), ran], [true, 1_004, []]);
  clock.run();
  assert.deepEqual([clock.isFrozen, clock.nowMs()], [false, 1_004]);
  base.advance(2);
  assert.deepEqual(ran, ['two at 1006']);
  base.advance(4);
  assert.deepEqual(ran, ['two at 1006', 'one at 1010']);
});

// Kills: a change that nobody hears of, and one that is heard of before the clock shows it.
test('each change between standing and running is heard of once', () => {
  const base = manualClock(1_000);
  const heard: (readonly [isFrozen: boolean, shown: boolean])[] = [];
  const clock = controlledClock(base, undefined, (isFrozen) =>
    heard.push([isFrozen, clock.isFrozen]),
  );
  clock.run();
  clock.freeze();
  clock.freeze();
  clock.moveTo(5_000);
  clock.run();
  clock.run();
  assert.deepEqual(heard, [
    [true, true],
    [false, false],
  ]);
});

test('moved, it runs what comes due on the way, also what that gives rise to, and goes on', () => {
  const { base, clock, ran, after } = open();
  after(30, 'late');
  clock.after(5, () => {
    ran.push(`first at ${clock.nowMs()}`);
    after(10, 'its child');
  });
  clock.moveTo(1_020);
  assert.deepEqual(ran, ['first at 1005', 'its child at 1015']);
  base.advance(9);
  assert.deepEqual([clock.nowMs(), ran.length], [1_029, 2]);
  base.advance(1);
  assert.deepEqual(ran.at(-1), 'late at 1030');
});

test('moved while it stands, it stands at the new time', () => {
  const { base, clock, ran, after } = open();
  clock.freeze();
  after(5, 'one');
  clock.moveTo(1_005);
  base.advance(50);
  assert.deepEqual([clock.isFrozen, clock.nowMs(), ran], [true, 1_005, ['one at 1005']]);
});

test('moved back, it runs nothing, and what is to come waits as long as before', () => {
  const { base, clock, ran, after } = open();
  after(10, 'one');
  clock.moveTo(500);
  base.advance(9);
  assert.deepEqual([clock.nowMs(), ran], [509, []]);
  base.advance(1);
  assert.deepEqual(ran, ['one at 510']);
});

test('elapsed time goes on by each move forward, and never back', () => {
  const { base, clock } = open();
  const fromMs = clock.elapsedMs();
  const passedMs = (): number => clock.elapsedMs() - fromMs;
  clock.moveTo(1_500);
  assert.deepEqual([clock.nowMs(), passedMs()], [1_500, 500]);
  clock.moveTo(200);
  assert.deepEqual([clock.nowMs(), passedMs()], [200, 500]);
  base.advance(10);
  clock.freeze();
  base.advance(100);
  assert.deepEqual([clock.nowMs(), passedMs()], [210, 510]);
  clock.moveTo(300);
  clock.run();
  base.advance(1);
  assert.deepEqual([clock.nowMs(), passedMs()], [301, 601]);
});

test('a task that schedules itself again does not make a year long', () => {
  const { base, clock, ran, after } = open();
  let ticksCount = 0;
  const tick = (): void => {
    ticksCount += 1;
    clock.after(1_000, tick);
  };
  clock.after(1_000, tick);
  const yearMs = 365 * 24 * 3_600_000;
  after(yearMs - 1, 'the last');
  clock.moveTo(1_000 + yearMs);
  assert.deepEqual([clock.nowMs(), ran], [1_000 + yearMs, [`the last at ${1_000 + yearMs}`]]);
  assert.equal(ticksCount, movedTasksMax + 1);
  base.advance(1_000);
  assert.equal(ticksCount, movedTasksMax + 2);
});

test('what is cancelled does not run, whether the clock runs, stands or is moved', () => {
  const { base, clock, ran, after } = open();
  const [a, b, c] = [after(5, 'a'), after(5, 'b'), after(5, 'c')];
  a.cancel();
  clock.freeze();
  b.cancel();
  clock.run();
  clock.after(1, () => c.cancel());
  clock.moveTo(1_010);
  base.advance(100);
  assert.deepEqual(ran, []);
});
