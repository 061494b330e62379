import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEmptied, parseServerFacts } from './server-facts.ts';

const infoOf = (facts: Readonly<Record<string, string>>): string =>
  Object.entries(facts)
    .map(([name, value]) => `${name}:${value}`)
    .join('\r\n');

test('a primary has lost its data when it was emptied, or began again without it', () => {
  const before = {
    role: 'master',
    run_id: 'a',
    db0: 'keys=1000,expires=503,avg_ttl=0,subexpiry=0',
    cmdstat_flushall: 'calls=1,usec=7,usec_per_call=7.00',
  };
  for (const [change, expected] of [
    [{}, false],
    // Sessions end.
    [{ db0: 'keys=1,expires=0,avg_ttl=0' }, false],
    // It may be filled again by the second look.
    [{ cmdstat_flushall: 'calls=2,usec=9' }, true],
    [{ cmdstat_flushdb: 'calls=1,usec=9' }, true],
    [{ run_id: 'b', cmdstat_flushall: '' }, false],
    // What expires has gone.
    [{ run_id: 'b', db0: 'keys=498,expires=0,avg_ttl=0' }, false],
    [{ run_id: 'b', db0: 'keys=12,expires=0,avg_ttl=0' }, true],
    [{ run_id: 'b', db0: '' }, true],
    // A replica follows its primary, of which this is said.
    [{ role: 'slave', cmdstat_flushall: 'calls=2,usec=9', db0: '' }, false],
  ] as const) {
    const now = parseServerFacts(infoOf({ ...before, ...change }));
    assert.equal(isEmptied(parseServerFacts(infoOf(before)), now), expected, infoOf(change));
  }
  const shared = parseServerFacts(infoOf({ ...before, db3: 'keys=5,expires=0' }));
  for (const [db0, expected] of [
    // The other database was flushed.
    [before.db0, false],
    ['keys=1,expires=0', true],
  ] as const) {
    const now = parseServerFacts(infoOf({ ...before, db0, cmdstat_flushdb: 'calls=1,usec=9' }));
    assert.equal(isEmptied(shared, now), expected, db0);
  }
  const few = parseServerFacts(infoOf({ ...before, db0: 'keys=7,expires=4' }));
  for (const [db0, expected] of [
    ['keys=1,expires=0', false],
    ['keys=2,expires=2', true],
    ['', true],
  ] as const) {
    const now = parseServerFacts(infoOf({ ...before, run_id: 'b', db0 }));
    assert.equal(isEmptied(few, now), expected, db0);
  }
});
