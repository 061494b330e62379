import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObservedEvent } from './events.ts';
import { openObservers, type Observe, type Observers } from './observers.ts';
import { testObservers } from '../testing/test-observers.ts';

const event: ObservedEvent = { kind: 'clockMoved', atMs: 0, toMs: 1 };

const currentOf = (observers: Observers): Observe | undefined => observers.current;

test('every observer gets every event from when it is added until it is disposed of', () => {
  const observers = testObservers();
  assert.equal(currentOf(observers), undefined);
  const seen: string[] = [];
  const first = observers.add(() => seen.push('first'));
  const second: Disposable = observers.add(() => {
    seen.push('second');
    second[Symbol.dispose]();
  });
  observers.add(() => seen.push('third'));
  observers.current?.(event);
  assert.deepEqual(seen, ['first', 'second', 'third'], 'one that leaves takes no event of another');
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  observers.current?.(event);
  assert.deepEqual(seen.slice(3), ['third']);
});

test('an observer that throws harms neither the others nor who is observed', () => {
  const failures: unknown[] = [];
  const observers = openObservers((error) => failures.push(error));
  const fault = new Error('no');
  observers.add(() => {
    throw fault;
  });
  let seen = 0;
  const last = observers.add(() => (seen += 1));
  observers.current?.(event);
  observers.current?.(event);
  assert.equal(seen, 2);
  assert.deepEqual(failures, [fault], 'reported once');
  last[Symbol.dispose]();
  assert.notEqual(observers.current, undefined);
});
