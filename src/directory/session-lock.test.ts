import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SessionLock, SessionLocks } from './session-lock.ts';

// Kills: a lock with two holders; one that is not passed on, or not to the first in the queue; one
// that stops writers of other sessions; one that stays held while nobody waits.
test('writers of one session come one after the other, those of others at once', async () => {
  const locks = new SessionLocks();
  const began: string[] = [];
  const take = async (key: string, name: string): Promise<SessionLock> => {
    const lock = locks.of(key);
    await lock.acquire();
    began.push(name);
    return lock;
  };
  const first = await take('a', 'first');
  const second = take('a', 'second');
  const third = take('a', 'third');
  await take('b', 'another session');
  await new Promise(setImmediate);
  assert.deepEqual(began, ['first', 'another session']);
  first.release();
  first[Symbol.dispose]();
  (await second)[Symbol.dispose]();
  (await third)[Symbol.dispose]();
  assert.deepEqual(began, ['first', 'another session', 'second', 'third']);
  const last = locks.of('a');
  assert.equal(last.acquire(), undefined, 'it is free, and taken without waiting');
  const waiting = locks.of('a').acquire();
  last.release(7);
  assert.equal(await waiting, 7, 'how long a commit was awaited');
});

// Kills: a lock that its holder waits for; one that a stranger can release.
test('who holds the lock takes it again at once, and nobody else gives it away', async () => {
  const locks = new SessionLocks();
  const [mine, other] = [locks.of('a'), locks.of('a')];
  assert.equal(mine.acquire(), undefined);
  assert.equal(mine.acquire(), undefined);
  other.release();
  let hasOther = false;
  const waiting = other.acquire()?.then(() => {
    hasOther = true;
  });
  await new Promise(setImmediate);
  assert.deepEqual([mine.isHeld, hasOther], [true, false]);
  mine.release();
  await waiting;
  assert.deepEqual([mine.isHeld, hasOther], [false, true]);
});
