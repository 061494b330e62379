import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ada, referee, sampleUser } from '../testing/samples.ts';
import { hasMultiplayerPrivilege, xuidOf } from './caller.ts';

const privileges: readonly (readonly [privileges: readonly string[] | undefined, may: boolean])[] =
  [
    [undefined, true],
    [['254'], true],
    [['188', '254', '255'], true],
    [[], false],
    [['188', '2540', '25'], false],
  ];

for (const [listed, may] of privileges) {
  test(`a token with privileges ${listed?.join(' ')} ${may ? 'may' : 'may not'} play with others`, () => {
    const caller = sampleUser(1, 'Ada', listed && { privileges: listed });
    assert.equal(hasMultiplayerPrivilege(caller), may);
  });
}

test('a service has all privileges and no xuid', () => {
  assert.equal(hasMultiplayerPrivilege(referee), true);
  assert.equal(xuidOf(referee), undefined);
  assert.equal(xuidOf(ada), ada.xuid);
});
