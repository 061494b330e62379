import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CannotStart } from './cannot-start.ts';
import { type ServerOptions, settingsOf } from './options.ts';

test('a store that is none is refused with the words of the command line', () => {
  const store = 'memroy' as NonNullable<ServerOptions['store']>;
  assert.throws(
    () => settingsOf({ store }),
    (error: unknown) =>
      error instanceof CannotStart &&
      /^store is "memroy"; expected sqlite, memory, or redis:\/\//.test(error.message),
  );
});

test('a store of each kind is taken', () => {
  for (const store of ['sqlite', 'memory', 'redis://127.0.0.1:1'] as const) {
    assert.equal(settingsOf({ store }).store, store);
  }
});
