import assert from 'node:assert/strict';
import { test } from 'node:test';
import { where, type SearchFilter } from './search-filter.ts';

const time = new Date('2009-06-15T13:45:30.090Z');

test('each part is the text that the documentation shows', () => {
  const cases: readonly (readonly [SearchFilter, string])[] = [
    [where.member('1234566'), "session/memberXuids/any(d:d eq '1234566')"],
    [where.owner('1234566'), "session/ownerXuids/any(d:d eq '1234566')"],
    [where.string('forzacarclass', 'eq', 'classb'), "strings/forzacarclass eq 'classb'"],
    [where.string('forzacarclass', 'ne', 'classa'), "strings/forzacarclass ne 'classa'"],
    [where.number('forzaskill', 'eq', 6), 'numbers/forzaskill eq 6'],
    [where.number('halokdratio', 'gt', 1.5), 'numbers/halokdratio gt 1.5'],
    [where.number('rank', 'le', -3), 'numbers/rank le -3'],
    [where.tag('coolpeopleonly'), "tags/any(d:d eq 'coolpeopleonly')"],
    [where.noTag('cursingallowed'), "tags/any(d:d ne 'cursingallowed')"],
    [where.achievement('123456'), "achievementIds/any(d:d eq '123456')"],
    [where.language('eq', 'en'), "language eq 'en'"],
    [where.keyword('level2'), "session/keywords/any(d:d eq 'level2')"],
    [where.scheduledTime('le', time), "session/scheduledTime le '2009-06-15T13:45:30.0900000Z'"],
    [where.postedTime('lt', time), "session/postedTime lt '2009-06-15T13:45:30.0900000Z'"],
    [where.session('membersCount', 'eq', 5), 'session/membersCount eq 5'],
    [where.session('needs', 'le', 15), 'session/needs le 15'],
    [where.sessionText('scid', 'eq', '151512315'), "session/scid eq '151512315'"],
    [where.role('lfg', 'confirmed', 'needs', 'le', 15), 'session/roles/lfg/confirmed/needs le 15'],
  ];
  for (const [filter, text] of cases) assert.equal(filter.text, text);
});

test('what is joined keeps its meaning', () => {
  const [a, b, c] = [where.tag('a'), where.tag('b'), where.number('n', 'eq', 1)];
  const [ta, tb, tc] = [a.text, b.text, c.text];
  const cases: readonly (readonly [SearchFilter, string])[] = [
    [where.all(a), ta],
    [where.all(a, b, c), `${ta} and ${tb} and ${tc}`],
    [where.either(a, b), `${ta} or ${tb}`],
    [where.all(where.either(a, b), c), `(${ta} or ${tb}) and ${tc}`],
    [where.either(where.all(a, b), c), `(${ta} and ${tb}) or ${tc}`],
    [where.all(where.all(a, b), c), `${ta} and ${tb} and ${tc}`],
    [where.not(where.either(a, b)), `not (${ta} or ${tb})`],
    [where.all(where.raw('x eq 1 or y eq 2'), a), `(x eq 1 or y eq 2) and ${ta}`],
  ];
  for (const [filter, text] of cases) assert.equal(filter.text, text);
});

test('a quote in a value does not end it', () => {
  assert.equal(where.tag("it's").text, "tags/any(d:d eq 'it''s')");
  assert.equal(
    where.string('mode', 'eq', "x' or 'a' eq 'a").text,
    "strings/mode eq 'x'' or ''a'' eq ''a'",
  );
});

test('what no filter can say is a TypeError', () => {
  for (const name of ['', 'a b', "a'", 'a/b', 'a)', 'ä']) {
    assert.throws(() => where.number(name, 'eq', 1), TypeError, name);
    assert.throws(() => where.string(name, 'eq', 'x'), TypeError, name);
    assert.throws(() => where.role('lfg', name, 'count', 'eq', 1), TypeError, name);
  }
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => where.number('n', 'eq', value), TypeError);
    assert.throws(() => where.session('needs', 'eq', value), TypeError);
  }
  assert.throws(() => where.postedTime('lt', new Date(Number.NaN)), RangeError);
});
