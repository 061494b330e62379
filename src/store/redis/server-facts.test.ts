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
    db0: 'keys=1000,expires=3,avg_ttl=0,subexpiry=0',
    cmdstat_flushall: 'calls=1,usec=7,usec_per_call=7.00',
  };
  for (const [change, expected] of [
    [{}, false],
    // Sessions end.
    [{ db0: 'keys=1,expires=0,avg_ttl=0' }, false],
    [{ cmdstat_flushall: 'calls=2,usec=9' }, true],
    [{ cmdstat_flushdb: 'calls=1,usec=9' }, true],
    [{ run_id: 'b', cmdstat_flushall: '' }, false],
    [{ run_id: 'b', db0: 'keys=12,expires=0,avg_ttl=0' }, true],
    [{ run_id: 'b', db0: '' }, true],
    // A replica follows its primary, of which this is said.
    [{ role: 'slave', cmdstat_flushall: 'calls=2,usec=9' }, false],
  ] as const) {
    const now = parseServerFacts(infoOf({ ...before, ...change }));
    assert.equal(isEmptied(parseServerFacts(infoOf(before)), now), expected, infoOf(change));
  }
});
