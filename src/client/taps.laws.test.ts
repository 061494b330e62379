import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TapQueue, type SessionTap } from './taps.ts';

const anyTap = fc.record({
  session: fc.constantFrom('one', 'two'),
  branch: fc.constantFrom('b1', 'b2'),
  changeNumber: fc.integer({ min: 1, max: 6 }),
  ends: fc.boolean(),
});
const read = fc.constant('read' as const);

// Kills: numbers compared across branches, a tap let through that is not above the last one, an end
// that counts as change 0, and a waiting tap that an older one replaces.
test('of one branch the numbers rise, an end is the last of it, and the newest is always heard of', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(anyTap, read), { maxLength: 40 }), async (steps) => {
      const queue = new TapQueue();
      const heard: SessionTap[] = [];
      const newest = new Map<string, number>();
      // As long as a branch does not come back, which the server promises.
      const branches = new Map<string, string>();
      const waiting = new Set<string>();
      for (const step of steps) {
        if (step === 'read') {
          // Only where something waits, or the reading would wait for ever.
          if (waiting.size === 0) continue;
          const { value } = (await queue.next()) as IteratorYieldResult<SessionTap>;
          waiting.delete(value.reference.name);
          heard.push(value);
          continue;
        }
        const { session, branch, ends } = step;
        if (branch < (branches.get(session) ?? '')) continue;
        branches.set(session, branch);
        const changeNumber = ends ? 0 : step.changeNumber;
        queue.put({
          kind: ends ? 'ended' : 'changed',
          reference: { scid: 's', templateName: 't', name: session },
          branch,
          changeNumber,
          subscription: '',
          timestamp: '',
        });
        const rank = ends ? Number.POSITIVE_INFINITY : changeNumber;
        const of = `${session} ${branch}`;
        if (rank > (newest.get(of) ?? 0)) waiting.add(session);
        newest.set(of, Math.max(newest.get(of) ?? 0, rank));
      }
      queue.end();
      for (;;) {
        const { value, done } = (await queue.next()) as IteratorResult<SessionTap>;
        if (done) break;
        heard.push(value);
      }
      const last = new Map<string, number>();
      for (const { kind, reference, branch, changeNumber } of heard) {
        const of = `${reference.name} ${branch}`;
        const rank = kind === 'ended' ? Number.POSITIVE_INFINITY : changeNumber;
        assert.ok(rank > (last.get(of) ?? 0), of);
        last.set(of, rank);
      }
      for (const [session, branch] of branches) {
        const of = `${session} ${branch}`;
        assert.equal(last.get(of), newest.get(of), of);
      }
    }),
  );
});
