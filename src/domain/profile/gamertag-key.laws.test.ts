import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { gamertagGroup, gamertagKey, gamertagRow, parseGamertagRow } from './gamertag-key.ts';
import { gamertagParts, madeUpGamertag } from './profile.ts';

const anyGamertag = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
const anyXuid = fc.stringMatching(/^[0-9]{1,20}$/);

// Kills: keys that a store does not take; a beginning whose key begins otherwise.
test('the key of a beginning is the beginning of the key, and a row gives back both', () => {
  fc.assert(
    fc.property(anyGamertag, fc.string(), anyXuid, (gamertag, more, xuid) => {
      const key = gamertagKey(gamertag);
      const row = gamertagRow(key, xuid);
      assert.match(row, /^[!-~]{1,256}$/);
      assert.deepEqual(parseGamertagRow(row), { key, xuid });
      assert.equal(
        gamertagKey(gamertag.toUpperCase().toLowerCase()),
        gamertagKey(gamertag.toUpperCase()),
      );
      const whole = gamertagKey(`${gamertag}${more}`);
      // Blanks at the end of a beginning are no part of it, and letters may join.
      if (/^[!-~]+$/.test(gamertag)) assert.ok(whole.startsWith(key));
      assert.equal(gamertagGroup(key), key === '' ? undefined : key.slice(0, 1));
    }),
  );
  for (const long of ['x'.repeat(1_000), '\ud800'.repeat(100), '💥'.repeat(100)]) {
    assert.match(gamertagRow(gamertagKey(long), '1'.repeat(20)), /^[!-~]{1,256}$/);
  }
});

test('a gamertag is taken apart where a number follows its #', () => {
  assert.deepEqual(gamertagParts('Ada#12'), {
    modernGamertag: 'Ada',
    modernGamertagSuffix: '12',
    uniqueModernGamertag: 'Ada#12',
  });
  for (const whole of ['Ada', '#12', 'Ada#', 'Ada#x', 'A#1#2']) {
    assert.equal(gamertagParts(whole).modernGamertag, whole);
    assert.equal(gamertagParts(whole).modernGamertagSuffix, '');
  }
  assert.equal(madeUpGamertag('2535400000001234'), 'Player 1234');
});
