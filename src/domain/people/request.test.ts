import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ada, asRefusal, referee } from '../../testing/samples.ts';
import { parseMethod, parsePeoplePage, parseUser, parseXuid, parseXuids } from './request.ts';

test('a user in a path is me or xuid(…)', () => {
  assert.equal(parseUser('me', ada), ada.xuid);
  assert.equal(parseUser('ME', ada), ada.xuid);
  assert.equal(parseUser('xuid(17)', ada), '17');
  assert.equal(parseUser('XUID(17)', referee), '17');
  asRefusal(parseUser('me', referee), 'userRequired');
  for (const segment of [
    '17',
    'xuid()',
    'xuid(x)',
    'xuid(17',
    'gt(Ada)',
    `xuid(${'1'.repeat(21)})`,
  ]) {
    asRefusal(parseUser(segment, ada), 'requestInvalid');
  }
});

const page = (query: string) => parsePeoplePage(new URLSearchParams(query));
const method = (query: string) => parseMethod(new URLSearchParams(query));

test('a page is all of the list unless the query says otherwise', () => {
  assert.deepEqual(page(''), { view: 'All', startIndex: 0, itemsMax: 2_000 });
  assert.deepEqual(page('view=favorite&startIndex=5&maxItems=0'), {
    view: 'Favorite',
    startIndex: 5,
    itemsMax: 0,
  });
  assert.deepEqual(page('VIEW=legacyxboxlivefriends&MAXITEMS=7&other=1'), {
    view: 'LegacyXboxLiveFriends',
    startIndex: 0,
    itemsMax: 7,
  });
  for (const [query, place] of [
    ['view=Friends', 'query.view'],
    ['startIndex=-1', 'query.startindex'],
    ['maxItems=all', 'query.maxitems'],
    ['maxItems=', 'query.maxitems'],
  ] as const) {
    assert.equal(asRefusal(page(query), 'requestInvalid').detail, place);
  }
});

test('a method is add, remove or get', () => {
  assert.equal(method('method=add'), 'add');
  assert.equal(method('Method=REMOVE'), 'remove');
  assert.equal(method('method=get'), 'get');
  assert.equal(method(''), 'get');
  for (const query of ['method=', 'method=put']) {
    const refusal = asRefusal(method(query), 'requestInvalid');
    assert.equal(refusal.detail, 'query.method');
    assert.match(refusal.text, /"add", "remove", "get"/);
  }
});

test('bodies name users by strings of digits', () => {
  assert.deepEqual(parseXuids({ xuids: ['1', '2'] }), ['1', '2']);
  assert.equal(parseXuid({ xuid: '1' }), '1');
  const many = Array.from({ length: 2_001 }, (_, i) => String(i));
  for (const body of [
    {},
    { xuids: [1] },
    { xuids: ['x'] },
    { xuids: [], more: 1 },
    { xuids: many },
  ]) {
    asRefusal(parseXuids(body), 'requestInvalid');
  }
  for (const body of [{}, { xuid: 1 }, { xuid: '' }, { xuid: '1', more: 1 }]) {
    asRefusal(parseXuid(body), 'requestInvalid');
  }
});
