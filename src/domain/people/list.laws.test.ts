import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Refusal } from '../refusal.ts';
import { decideListChange, type ListChange, type ListEntry, type ListRequest } from './list.ts';

const owner = '0';
const anyXuid = fc.integer({ min: 0, max: 9 }).map(String);
const anyRequest: fc.Arbitrary<ListRequest> = fc.record({
  kind: fc.constantFrom('add', 'remove', 'favor', 'unfavor'),
  xuids: fc.array(anyXuid, { maxLength: 6 }),
});

/** The list as a store has it after the change: entries that are put again keep their place. */
function applied(
  entries: readonly ListEntry[],
  { put = [], remove = [] }: ListChange,
): readonly ListEntry[] {
  const list = new Map(entries.map((entry) => [entry.xuid, entry]));
  for (const entry of put) list.set(entry.xuid, entry);
  for (const xuid of remove) list.delete(xuid);
  return [...list.values()];
}

// Kills: putting again who is on the list, which loses the favourite and the time of adding, and
// tells of a change where there is none; `Changed` for favourites that are ones already.
test('a list is as asked after each request, each entry as old as it is, and a second time changes nothing', () => {
  fc.assert(
    fc.property(fc.array(anyRequest, { maxLength: 12 }), (requests) => {
      let entries: readonly ListEntry[] = [];
      let nowMs = 0;
      for (const request of requests) {
        nowMs += 1;
        const decision = decideListChange(owner, 'follows', entries, request, nowMs);
        if (decision instanceof Refusal) continue;
        const after: readonly ListEntry[] = decision ? applied(entries, decision.change) : entries;
        assert.equal(
          decideListChange(owner, 'follows', after, request, nowMs + 1),
          undefined,
          'a second time',
        );
        const [former, later] = [entries, after].map(
          (list) => new Map(list.map((entry) => [entry.xuid, entry])),
        );
        for (const xuid of request.xuids) {
          const entry = later?.get(xuid);
          if (request.kind === 'remove') assert.equal(entry, undefined);
          else if (request.kind === 'favor') assert.equal(entry?.isFavorite, true);
          else if (request.kind === 'unfavor') assert.equal(entry?.isFavorite, undefined);
          else assert.ok(entry);
        }
        const changed = new Set(decision?.notice.xuids);
        for (const xuid of new Set([...(former?.keys() ?? []), ...(later?.keys() ?? [])])) {
          const [before, now] = [former?.get(xuid), later?.get(xuid)];
          assert.equal(
            changed.has(xuid),
            before?.isFavorite !== now?.isFavorite || !before !== !now,
            `notice of ${xuid}`,
          );
          if (before && now) assert.equal(now.addedMs, before.addedMs);
        }
        entries = after;
      }
    }),
  );
});
