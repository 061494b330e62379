import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyPlot, anySession, play } from '../../testing/arbitraries.ts';
import { hintChange, hintsOf } from './hints.ts';
import { changeOf } from './session-change.ts';
import type { Session } from './session.ts';

function check(before: Session | undefined, next: Session): void {
  const hints = new Set(before && hintsOf(before));
  const { addHints = [], removeHints = [] } = hintChange(changeOf(before, next));
  for (const hint of removeHints) assert.ok(hints.delete(hint), `${hint} was none`);
  for (const hint of addHints) assert.ok(hints.size < hints.add(hint).size, `${hint} was one`);
  assert.deepEqual(hints, new Set(hintsOf(next)));
}

// Kills: hints compared by the lists of members only, which forgets keywords; removed hints that
// another member still gives.
test('the former hints with the change applied are the hints of the next session', () => {
  fc.assert(fc.property(anySession, anySession, check));
});

// Kills: sessions taken for equal in hints though a member changed the connection, or another user
// has the seat, or the keywords changed; hints given that were there before.
test('each change of a history gives the right hints, and none twice', () => {
  fc.assert(
    fc.property(anyPlot, (plot) => {
      for (const { before, after } of play(plot)) if (after) check(before, after);
    }),
  );
});
