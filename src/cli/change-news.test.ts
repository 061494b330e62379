import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChangeRow, LiveEvent } from '../inspector/api-types.ts';
import { ChangeNews } from './change-news.ts';

/** News of a server whose sessions change when `change` says so; two sessions are remembered. */
function startNews() {
  const rows = new Map<string, ChangeRow[]>();
  const ask = async (path: string) => {
    const [, , ...names] = path.replace(/\/changes.*$/, '').split('/');
    return { changes: rows.get(names.join('~'))?.toReversed() ?? [] };
  };
  const news = new ChangeNews(ask, () => true, 2);
  return {
    change(key: string, atMs: number): void {
      const changes = rows.get(key) ?? [];
      rows.set(key, [...changes, { cursor: `${changes.length + 1}`, atMs } as ChangeRow]);
    },
    async event(event: object): Promise<string> {
      const given = await news.of(event as LiveEvent);
      return given.map(({ key, change }) => `${key} ${change.cursor}`).join(', ');
    },
  };
}

const changed = (key: string) => ({ kind: 'session', row: { key } });

// Kills: sessions that are remembered for as long as the command runs; old changes of a forgotten session given again.
test('of a session that was forgotten, only changes after its last one are news', async () => {
  const { change, event } = startNews();
  await event({ kind: 'hello', info: { clock: { nowMs: 10 } } });
  change('a', 11);
  change('a', 12);
  assert.equal(await event(changed('a')), 'a 1, a 2');
  assert.equal(await event(changed('a')), '', 'it is remembered');
  for (const [key, atMs] of [
    ['b', 13],
    ['c', 14],
  ] as const) {
    change(key, atMs);
    assert.equal(await event(changed(key)), `${key} 1`);
  }
  change('a', 15);
  change('a', 16);
  assert.equal(await event(changed('a')), 'a 3, a 4');
  // The event names a change; without a memory of b it is taken for a new one.
  assert.equal(await event(changed('b')), 'b 1');
});

// Kills: forgetting a session of before a move back of the clock leaves out what comes after.
test('after the clock was moved back, changes have earlier times and are news', async () => {
  const { change, event } = startNews();
  await event({ kind: 'hello', info: { clock: { nowMs: 1_000 } } });
  for (const key of ['a', 'b']) {
    change(key, 1_001);
    assert.equal(await event(changed(key)), `${key} 1`);
  }
  await event({ kind: 'clock', clock: { nowMs: 500 } });
  for (const key of ['c', 'd']) {
    change(key, 501);
    change(key, 502);
    assert.equal(await event(changed(key)), `${key} 1, ${key} 2`);
  }
});
