import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { hubSettings } from '../testing/hub-settings.ts';
import { FakeWire } from '../testing/fake-wire.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { openTestContexts } from '../testing/test-context.ts';
import { type Connections, Hub } from './hub.ts';

const makeContext = await openTestContexts();
const windowMs = 2_500;
const outboxBytesMax = 1_000;
const directoryUri = 'https://sessiondirectory.xboxlive.com/connections/';

/** Whose connection it is that the member who gets the tap wrote: an own one, another member's, or neither. */
type Owner = 'own' | 'member' | 'stranger';

type Step =
  | {
      readonly kind: 'tap';
      readonly session: number;
      readonly change: number | 'end';
      readonly owner: Owner;
    }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'block'; readonly isBlocked: boolean };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('tap' as const),
      session: fc.nat(2),
      owner: fc.constantFrom<Owner>('own', 'member', 'stranger'),
      change: fc.oneof(
        { weight: 9, arbitrary: fc.nat(12).map((n) => n + 1) },
        { weight: 1, arbitrary: fc.constant('end' as const) },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(1, 700, windowMs - 1, windowMs, 4_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('block' as const), isBlocked: fc.boolean() }),
  },
);

type SentFrame = { readonly atMs: number; readonly frame: readonly unknown[] };

type Tap = { readonly branch: string; readonly changeNumber?: number };

/** The frames of one connection while these taps come for it, and of another that did not ask. */
async function run(steps: readonly Step[]) {
  const clock = manualClock(0);
  const connections: Connections = new Map();
  const context = {
    ...makeContext(openMemoryStore(), { clock }),
    node: { id: '0badcafe', connections, recheckQueue: new Map(), sweepsCount: 0 },
  };
  const hub = new Hub(context, connections, {
    ...hubSettings,
    tapWindowMs: windowMs,
    outboxBytesMax,
    // Blocked clients are notified that they missed something, however long they do not read.
    sendTimeoutMs: Number.POSITIVE_INFINITY,
  });
  await hub.start();
  const sent: SentFrame[] = [];
  const wire = new FakeWire();
  wire.send = (frame) => sent.push({ atMs: clock.nowMs(), frame: JSON.parse(frame) });
  const caller = { kind: 'user', xuid: '1', sandbox: 'RETAIL' } as const;
  const connection = hub.open(wire, caller);
  const silent = new FakeWire();
  const other = hub.open(silent, caller);
  assert.ok(connection && other);
  // A client answers pings even while it does not read; a silent one would be dropped after a minute.
  wire.ping = () => hub.heard(connection, false);
  silent.ping = () => hub.heard(other, false);
  hub.received(connection, JSON.stringify([1, 0, directoryUri]));
  const mutelist = 'https://privacy.xboxlive.com/users/xuid(1)/mutelist';
  hub.received(other, JSON.stringify([1, 0, mutelist]));
  sent.length = 0;
  silent.frames.length = 0;
  const offered: { atMs: number; session: number; number: number }[] = [];
  const offer = async (
    session: number,
    change: number | 'end',
    owner: Owner = 'own',
  ): Promise<void> => {
    const number = change === 'end' ? Number.POSITIVE_INFINITY : change;
    if (owner !== 'stranger') offered.push({ atMs: clock.nowMs(), session, number });
    await context.bus.publish('node:0badcafe', {
      kind: 'taps',
      tap: {
        resource: `a~b~${session}`,
        branch: owner === 'stranger' ? `of-strangers-${session}` : `branch-${session}`,
        ...(change !== 'end' && { changeNumber: change }),
        timeMs: clock.nowMs(),
        to: [connection.id, other.id].map((id) => ({
          connection: id,
          xuid: owner === 'own' ? '1' : '2',
          subscription: 's',
          memberIndex: 0,
        })),
        ...(owner === 'member' && { otherXuids: ['3', '1'] }),
        ...(owner === 'stranger' && { otherXuids: ['3'] }),
      },
    });
  };
  for (const step of steps) {
    if (step.kind === 'tap') await offer(step.session, step.change, step.owner);
    else if (step.kind === 'wait') clock.advance(step.ms);
    else wire.bufferedBytes = step.isBlocked ? outboxBytesMax + 1 : 0;
    if (wire.bufferedBytes > 0) {
      const before = sent.length;
      await offer(0, 1);
      assert.equal(sent.length, before, 'bounded: nothing more for who does not read');
    }
  }
  wire.bufferedBytes = 0;
  clock.advance(windowMs + 1_000);
  assert.equal(wire.end, undefined, 'the connection is still open');
  // Before the resync that all get when the hub ends.
  const heard = { sent: [...sent], offered, unasked: [...silent.frames] };
  await hub[Symbol.asyncDispose]();
  return heard;
}

function tapsOf({ frame }: SentFrame): readonly Tap[] {
  return frame[0] === 3 ? (frame[2] as { shoulderTaps: readonly Tap[] }).shoulderTaps : [];
}

const numberOf = ({ changeNumber = Number.POSITIVE_INFINITY }: Tap): number => changeNumber;

// Kills: a tap that overtakes; the end of a session that an older change follows; a window that is
// not kept, or begun by a tap that waited; taps of one session twice in a frame; a resync forgotten
// after blocking; one sent to who still does not read; what waited lost at the end of the window;
// taps to who follows something else, or whose user is not in the session; none to a connection that
// another member wrote.
test('taps are ordered, one frame a window, filtered, bounded, and reliable once all is quiet', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 60, size: 'max' }), async (steps) => {
      const { sent, offered, unasked } = await run(steps);
      assert.deepEqual(unasked, [], 'filtered');

      const lastNumber = new Map<string, number>();
      let lastMs = Number.NEGATIVE_INFINITY;
      for (const one of sent) {
        const taps = tapsOf(one);
        if (taps.length === 0) continue;
        assert.ok(one.atMs - lastMs >= windowMs, 'one frame a window');
        lastMs = one.atMs;
        assert.equal(new Set(taps.map(({ branch }) => branch)).size, taps.length, 'each once');
        for (const tap of taps) {
          assert.ok(tap.branch.startsWith('branch-'), 'of sessions that its user is in');
          assert.ok(numberOf(tap) > (lastNumber.get(tap.branch) ?? 0), 'ordered');
          lastNumber.set(tap.branch, numberOf(tap));
        }
      }

      for (const session of [0, 1, 2]) {
        const mine = offered.filter((one) => one.session === session);
        const newest = mine.reduce((max, { number }) => Math.max(max, number), 0);
        const first = mine.find(({ number }) => number === newest);
        if (first === undefined) continue;
        const isTold = sent.some((one) =>
          tapsOf(one).some((tap) => tap.branch === `branch-${session}` && numberOf(tap) === newest),
        );
        const isResynced = sent.some(({ frame, atMs }) => frame[0] === 4 && atMs >= first.atMs);
        assert.ok(isTold || isResynced, 'reliable');
      }
    }),
    { numRuns: 300 },
  );
});
