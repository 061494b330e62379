import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { CannotStart } from './cannot-start.ts';
import { kindOfStore, type ServerOptions, settingsOf } from './options.ts';

test('a store that is none is refused with the words of the command line', () => {
  const store = 'memroy' as NonNullable<ServerOptions['store']>;
  assert.throws(
    () => settingsOf({ store }),
    (error: unknown) =>
      error instanceof CannotStart &&
      /^store is "memroy"; expected sqlite, memory, or redis:\/\//.test(error.message),
  );
});

test('a program that lets documents be larger than bodies is refused as a command is', () => {
  assert.throws(
    () => settingsOf({ bodyBytesMax: 1_000, documentBytesMax: 1_048_576 }),
    /is 1MiB and --max-body .* is 1000 bytes/,
  );
  assert.equal(settingsOf({ bodyBytesMax: 1_000 }).documentBytesMax, 1_000);
  assert.equal(settingsOf({ bodyBytesMax: 9_000_000 }).documentBytesMax, 1_048_576);
});

// Kills: a timer of 30 days, which Node takes for one of 1 ms, again and again.
test('numbers of a program have the bounds of the flags, and are refused by their names, all at once', () => {
  const wrong = { sweepIntervalMs: 30 * 86_400_000, nodeLeaseMs: 0, drainMs: -1, port: 80.5 };
  assert.throws(
    () => settingsOf({ ...wrong, cacheBytesMax: Number.NaN, itemsMax: '7' as never }),
    (error: unknown) => {
      assert.ok(error instanceof CannotStart);
      assert.deepEqual([...error.problems].sort(), [
        'cacheBytesMax is NaN; expected a whole number from 1 to 1099511627776.',
        'drainMs is -1; expected a whole number from 0 to 86400000.',
        'itemsMax is 7; expected a whole number from 1 to 10000.',
        'nodeLeaseMs is 0; expected a whole number from 1 to 86400000.',
        'port is 80.5; expected a whole number from 0 to 65535.',
        'sweepIntervalMs is 2592000000; expected a whole number from 1 to 86400000.',
      ]);
      return true;
    },
  );
  assert.equal(settingsOf({ sweepIntervalMs: 86_400_000, drainMs: 0 }).drainMs, 0);
});

test('a store of each kind is taken', () => {
  for (const store of ['sqlite', 'memory', 'redis://127.0.0.1:1'] as const) {
    assert.equal(settingsOf({ store }).store, store);
  }
});

// Kills: an address, which may hold a password, that is shown in metrics in place of the kind.
test('of a store its kind is shown, however its address is written', async () => {
  assert.equal(kindOfStore('memory'), 'memory');
  assert.equal(kindOfStore('sqlite'), 'sqlite');
  for (const address of ['redis://a:1', 'REDIS://:secret@a:1', 'rediss://a:1'] as const) {
    assert.equal(kindOfStore(address as 'redis://a:1'), 'redis');
  }
  await using store = openMemoryStore();
  assert.equal(kindOfStore(store), 'custom');
});
