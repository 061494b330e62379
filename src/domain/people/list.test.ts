import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ada, asRefusal, bert, referee } from '../../testing/samples.ts';
import {
  decideListChange,
  listEntriesMax,
  mayChangeLists,
  mayReadList,
  type ListEntry,
  type ListRequest,
  type OwnListName,
} from './list.ts';

const owner = '100';
const entry = (xuid: string, isFavorite?: true): ListEntry => ({
  xuid,
  addedMs: 1,
  ...(isFavorite && { isFavorite }),
});

function decide(entries: readonly ListEntry[], request: ListRequest, list?: OwnListName) {
  return decideListChange(owner, list ?? 'follows', entries, request, 5);
}

test('what is on the list already stays as it is, what is new is put', () => {
  const entries = [entry('1', true), entry('2')];
  const rows: readonly (readonly [ListRequest, object | undefined])[] = [
    [
      { kind: 'add', xuids: ['2', '3', '3'] },
      {
        change: { put: [{ xuid: '3', addedMs: 5 }] },
        notice: { notificationType: 'Added', xuids: ['3'] },
      },
    ],
    [{ kind: 'add', xuids: ['1', '2'] }, undefined],
    [{ kind: 'add', xuids: [] }, undefined],
    [
      { kind: 'remove', xuids: ['3', '2', '2'] },
      { change: { remove: ['2'] }, notice: { notificationType: 'Removed', xuids: ['2'] } },
    ],
    [{ kind: 'remove', xuids: ['3', owner] }, undefined],
    [
      { kind: 'favor', xuids: ['1', '2'] },
      {
        change: { put: [{ xuid: '2', addedMs: 1, isFavorite: true }] },
        notice: { notificationType: 'Changed', xuids: ['2'] },
      },
    ],
    [
      { kind: 'unfavor', xuids: ['1', '2', '3'] },
      {
        change: { put: [{ xuid: '1', addedMs: 1 }] },
        notice: { notificationType: 'Changed', xuids: ['1'] },
      },
    ],
  ];
  for (const [request, expected] of rows) {
    assert.deepEqual(decide(entries, request), expected, JSON.stringify(request));
  }
});

test('nobody is on a list of their own, and a favourite must be followed', () => {
  assert.equal(
    asRefusal(decide([], { kind: 'add', xuids: ['1', owner] }), 'requestInvalid').detail,
    `xuid ${owner}`,
  );
  assert.equal(
    asRefusal(decide([entry('1')], { kind: 'favor', xuids: ['1', '2'] }), 'personUnknown').detail,
    'xuid 2',
  );
});

test('a list takes as many as it may have and no more', () => {
  for (const list of ['follows', 'avoids', 'mutes'] as const) {
    const max = listEntriesMax[list];
    const full = Array.from({ length: max }, (_, i) => entry(String(1_000 + i)));
    const add = (xuids: readonly string[], entries: readonly ListEntry[]) =>
      decide(entries, { kind: 'add', xuids }, list);
    const refusal = asRefusal(add(['1'], full), 'listFull');
    assert.match(refusal.text, new RegExp(`${max} of ${max} entries`));
    assert.deepEqual(add(['1'], full.slice(1)), {
      change: { put: [{ xuid: '1', addedMs: 5 }] },
      notice: { notificationType: 'Added', xuids: ['1'] },
    });
    assert.deepEqual(add(['1000'], full), undefined, 'who is on it already needs no place');
    asRefusal(add(['1', '2'], full.slice(1)), 'listFull');
    const others = full.map(({ xuid }) => `9${xuid}`);
    asRefusal(add(others, [entry('1')]), 'listFull');
  }
});

test('lists are for their owners and for services; whom one follows may be seen by all', () => {
  for (const view of ['follows', 'favorites', 'avoids', 'mutes'] as const) {
    assert.equal(mayReadList(ada.xuid, view, ada), undefined);
    assert.equal(mayReadList(ada.xuid, view, referee), undefined);
    const code = mayReadList(ada.xuid, view, bert)?.code;
    assert.equal(code, view === 'follows' ? undefined : 'listNotYours', view);
  }
  assert.equal(mayChangeLists(ada.xuid, ada), undefined);
  assert.equal(mayChangeLists(ada.xuid, referee), undefined);
  assert.equal(mayChangeLists(ada.xuid, bert)?.code, 'listNotYours');
});
