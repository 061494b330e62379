import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyPlot, play } from '../../testing/arbitraries.ts';
import { ada } from '../../testing/samples.ts';
import { formatJson, jsonEquals, parseExactJson } from '../json.ts';
import { changeOf } from '../session/session-change.ts';
import type { Session } from '../session/session.ts';
import { historyChangeOf } from './change.ts';
import { type DatedChange, momentsOf } from './timeline.ts';

type Life = { readonly changes: DatedChange[]; newest: Session | undefined };

const byUser = { kind: 'request', caller: ada } as const;

/** The lives of the session in a plot, each with its changes as a store gives them. */
function livesOf(plot: Parameters<typeof play>[0], isKept: (at: number) => boolean): Life[] {
  const lives: Life[] = [];
  let revision = 0;
  for (const [at, { before, after, nowMs, cause }] of play(plot).entries()) {
    if (before === after) continue;
    if (before === undefined) lives.push({ changes: [], newest: after });
    const life = lives.at(-1) ?? assert.fail();
    // The one that is there counts only where the newest change led to it.
    life.newest = isKept(at) ? after : undefined;
    const by = cause === 'time' ? ({ kind: 'timer' } as const) : byUser;
    const change = historyChangeOf(changeOf(before, after), by, revision);
    revision += 1;
    const stored = parseExactJson(formatJson(change)) as unknown as typeof change;
    if (isKept(at)) life.changes.unshift({ revision, atMs: nowMs, change: stored });
    if (after === undefined) revision = 0;
  }
  return lives;
}

// Kills: a state that is built on the wrong change; one that is shown behind a gap; a last state that is
// lost with the session; members whose events are of another change.
test('every state of a session is known again from its newest and the changes', () => {
  let ended = 0;
  fc.assert(
    fc.property(anyPlot, (plot) => {
      const states = play(plot).filter(({ before, after }) => before !== after);
      const moments = livesOf(plot, () => true).flatMap(({ newest, changes }) =>
        momentsOf(newest, changes),
      );
      assert.equal(moments.length, states.length);
      for (const [at, { before, after }] of states.entries()) {
        const moment = moments[at] ?? assert.fail();
        assert.ok(isSame(moment.before, before) && isSame(moment.after, after));
        assert.equal(moment.isEnd, after === undefined);
        if (moment.isEnd) ended += 1;
        const left = new Set(after?.members.map(({ index }) => index));
        const went = before?.members.filter(({ index }) => !left.has(index)) ?? [];
        assert.deepEqual(
          moment.members.filter(({ what }) => what === 'went').map(({ index }) => index),
          went.map(({ index }) => index),
        );
      }
    }),
  );
  assert.ok(ended > 0, 'some sessions end');
});

// Kills: a state that is guessed where a change between was not kept.
test('what lies behind a change that was not kept is not known', () => {
  fc.assert(
    fc.property(anyPlot, fc.nat(20), (plot, missing) => {
      const whole = livesOf(plot, () => true).flatMap(({ newest, changes }) =>
        momentsOf(newest, changes),
      );
      const known = livesOf(plot, (at) => at !== missing).flatMap(({ newest, changes }) =>
        momentsOf(newest, changes),
      );
      for (const { revision, atMs, before, after } of known) {
        const same = whole.filter((one) => one.revision === revision && one.atMs === atMs);
        assert.ok(after === undefined || same.some((one) => isSame(one.after, after)));
        assert.ok(before === undefined || same.some((one) => isSame(one.before, before)));
      }
    }),
  );
});

function isSame(a: Session | undefined, b: Session | undefined): boolean {
  return a === b || jsonEquals(a, b);
}
