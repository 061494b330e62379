import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ban } from '../domain/ban.ts';
import { override } from '../platform/override.ts';
import { SetAside } from '../platform/set-aside.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { Bans } from './bans.ts';

const ban: Ban = { xuid: '7', fromMs: 0, untilMs: Number.MAX_SAFE_INTEGER, by: 'admin' };

test('a ban that is made or lifted while all are read is not lost', async () => {
  await using memory = openMemoryStore();
  const clock = manualClock();
  const { promise: goOn, resolve } = Promise.withResolvers<void>();
  const store = override(memory, {
    async records(...asked) {
      const records = await memory.records(...asked);
      await goOn;
      return records;
    },
  });
  const setAside = new SetAside({
    clock,
    conditions: { raise: assert.fail, clear: () => undefined },
    log: assert.fail,
    isOutage: () => false,
  } as unknown as ConstructorParameters<typeof SetAside>[0]);
  const bans = new Bans({ store, clock, setAside });
  await bans.put({ ...ban, xuid: '8' });
  const reading = bans.read();
  await bans.put(ban);
  await bans.lift('8');
  resolve();
  await reading;
  assert.deepEqual(bans.of('7'), ban);
  assert.equal(bans.of('8'), undefined);
});
