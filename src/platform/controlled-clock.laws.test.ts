import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { manualClock } from '../testing/manual-clock.ts';
import { controlledClock } from './controlled-clock.ts';

const step = fc.oneof(
  fc.record({ kind: fc.constantFrom('after' as const, 'twice' as const), ms: fc.nat(50) }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(50) }),
  fc.record({ kind: fc.constant('move' as const), ms: fc.nat(50) }),
  fc.record({ kind: fc.constantFrom('freeze' as const, 'run' as const), ms: fc.constant(0) }),
);

// Kills: timers of the base clock that are not cancelled on freezing (runs early), not armed again
// after a move (never runs) or armed twice (runs twice), and a frozen time that passes.
test('each task runs once, when the clock shows its time, and the clock passes no task by', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const base = manualClock(0);
      const clock = controlledClock(base);
      const due: { atMs: number; ranMs: number[] }[] = [];
      const after = (ms: number, then: () => void): void => {
        const one = { atMs: clock.nowMs() + ms, ranMs: [] as number[] };
        due.push(one);
        clock.after(ms, () => {
          one.ranMs.push(clock.nowMs());
          then();
        });
      };
      for (const { kind, ms } of steps) {
        const beforeMs = clock.nowMs();
        switch (kind) {
          case 'after':
            after(ms, () => undefined);
            break;
          case 'twice':
            after(ms, () => after(ms + 1, () => undefined));
            break;
          case 'pass':
            base.advance(ms);
            assert.equal(clock.nowMs(), beforeMs + (clock.isFrozen ? 0 : ms));
            break;
          case 'move':
            clock.moveTo(beforeMs + ms);
            assert.equal(clock.nowMs(), beforeMs + ms);
            break;
          case 'freeze':
            clock.freeze();
            break;
          case 'run':
            clock.run();
            break;
        }
        for (const { atMs, ranMs } of due) {
          if (atMs < clock.nowMs()) assert.deepEqual(ranMs, [atMs]);
          if (atMs > clock.nowMs()) assert.deepEqual(ranMs, []);
        }
      }
    }),
  );
});
