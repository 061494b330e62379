import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TapBuffer, type WaitingTap, waitingTapsMax } from './tap-buffer.ts';

function tapOf(branch: string, changeNumber: number | undefined, memberIndex: number): WaitingTap {
  const to = {
    xuid: `${memberIndex}`,
    connection: 'c',
    subscription: `${branch}/${memberIndex}`,
    memberIndex,
  };
  const number = changeNumber !== undefined && { changeNumber };
  return { tap: { resource: 'a~b~c', branch, ...number, timeMs: 0, to: [to] }, to };
}

/** The taps that were sent: branch, member, number. */
function shown(taps: readonly WaitingTap[] | undefined): readonly string[] | undefined {
  return taps?.map(({ tap, to }) => `${to.subscription} ${tap.changeNumber ?? 'end'}`);
}

const anyStep = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      branch: fc.constantFrom('a', 'b', 'c'),
      changeNumber: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined, freq: 9 }),
      memberIndex: fc.nat(2),
    }),
  },
  { weight: 1, arbitrary: fc.constant('take' as const) },
);

// Kills: a tap that waits beside a newer one of its member; one that takes the place of another
// member's; numbers of a branch that go back; a branch that is sent again and keeps its former place.
test('of each member the newest waits, branches in the order in which they were last sent', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 40, size: 'max' }), (steps) => {
      const buffer = new TapBuffer();
      const received = new Map<string, { number: number; members: Set<number> }>();
      let waiting: { branch: string; memberIndex: number; changeNumber: number | undefined }[] = [];
      for (const step of [...steps, 'take' as const]) {
        if (step === 'take') {
          const branches = [...new Set(waiting.toReversed().map((one) => one.branch))].reverse();
          const expected = branches
            .flatMap((branch) => waiting.filter((one) => one.branch === branch))
            .map((one) => `${one.branch}/${one.memberIndex} ${one.changeNumber ?? 'end'}`);
          assert.deepEqual(shown(buffer.take(0, 0)) ?? [], expected);
          waiting = [];
          continue;
        }
        const { branch, changeNumber, memberIndex } = step;
        buffer.add(tapOf(branch, changeNumber, memberIndex));
        const number = changeNumber ?? Number.POSITIVE_INFINITY;
        const known = received.get(branch);
        if (
          known &&
          (known.number > number || (known.number === number && known.members.has(memberIndex)))
        )
          continue;
        const members = known?.number === number ? known.members : new Set<number>();
        received.set(branch, { number, members: members.add(memberIndex) });
        const isOther = (one: (typeof waiting)[number]): boolean =>
          one.branch !== branch || one.memberIndex !== memberIndex;
        waiting = [...waiting.filter(isOther), step];
      }
    }),
  );
});

// Kills: taps counted that were replaced by newer ones, or sent; members of one session not
// counted.
test('what waits is bounded by how many would go out', () => {
  const buffer = new TapBuffer();
  const half = waitingTapsMax / 2;
  for (let round = 1; round <= 3; round += 1) {
    for (const changeNumber of [round * 2, round * 2 + 1]) {
      for (let n = 0; n < half; n += 1) {
        for (const member of [0, 1]) buffer.add(tapOf(`branch-${n}`, changeNumber, member));
      }
    }
    assert.equal(buffer.needsResync, false);
    if (round < 3) assert.equal(buffer.take(0, 0)?.length, waitingTapsMax);
  }
  buffer.add(tapOf('branch-0', 7, 2));
  assert.equal(buffer.needsResync, true);
  assert.equal(buffer.take(0, 0), undefined);
});
