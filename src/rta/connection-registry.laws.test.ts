import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FakeWire } from '../testing/fake-wire.ts';
import { hubSettings } from '../testing/hub-settings.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { testObservers } from '../testing/test-observers.ts';
import type { Connection } from './connection.ts';
import { ConnectionRegistry, type Connections } from './connection-registry.ts';

const bounds = {
  ...hubSettings,
  outboxBytesMax: 1_000,
  unsentBytesMax: 6_000,
  sendTimeoutMs: 5_000,
};
const usersCount = 8;

const anyStep = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      user: fc.nat(usersCount - 1),
      bytes: fc.integer({ min: 1, max: 1_500 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('reads' as const), user: fc.nat(usersCount - 1) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('closes' as const), user: fc.nat(usersCount - 1) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('second' as const), user: fc.nat() }) },
);

/** A wire to a client that reads only when the test says so; the system buffers nothing. */
class UnreadWire extends FakeWire {
  override send(frame: string): void {
    if (this.end === undefined) this.bufferedBytes += frame.length;
  }
}

// Kills: bytes counted of connections that have ended, or not of those that are open; read data
// still counted, so that a reading client is dropped; the limit of one client or of all not kept; a
// client dropped in time that has read, or kept that has not; a user counted who has gone.
test('what waits is bounded, for each and for all, and nobody is dropped who reads', () => {
  let droppedCount = 0;
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 80, size: 'max' }), (steps) => {
      const clock = manualClock();
      const connections: Connections = new Map();
      const registry = new ConnectionRegistry(
        connections,
        clock,
        clock,
        bounds,
        testObservers(),
        (connection) => {
          registry.remove(connection);
        },
      );
      registry.start(() => undefined);
      let openedCount = 0;
      const dropped = new Set<Connection>();
      const users = new Map<
        number,
        { wire: UnreadWire; connection: Connection; sinceMs: number }
      >();
      const of = (user: number) => {
        const known = users.get(user);
        if (known !== undefined && registry.isOpen(known.connection)) return known;
        const wire = new UnreadWire();
        const caller = { kind: 'user', xuid: `${user}`, sandbox: 'RETAIL' } as const;
        const id = `connection-${openedCount++}`;
        const one = { wire, connection: registry.add(id, caller, wire), sinceMs: clock.nowMs() };
        users.set(user, one);
        return one;
      };
      for (const step of steps) {
        const one = of(step.user % usersCount);
        one.connection.heard();
        if (step.kind === 'send') {
          if (one.wire.bufferedBytes === 0) one.sinceMs = clock.nowMs();
          one.connection.send('x'.repeat(step.bytes));
        } else if (step.kind === 'reads') one.wire.bufferedBytes = 0;
        else if (step.kind === 'closes') registry.remove(one.connection);
        else clock.advance(1_000);

        const open = [...users.values()].filter(({ connection }) => registry.isOpen(connection));
        const waiting = open.map(({ wire }) => wire.bufferedBytes);
        assert.ok(waiting.every((bytes) => bytes <= 4 * bounds.outboxBytesMax));
        assert.ok(waiting.reduce((sum, bytes) => sum + bytes, 0) <= bounds.unsentBytesMax);
        for (const { wire, connection, sinceMs } of users.values()) {
          const waitedMs = clock.nowMs() - sinceMs;
          const isWaiting = wire.bufferedBytes > 0;
          if (registry.isOpen(connection)) {
            assert.ok(!isWaiting || waitedMs <= bounds.sendTimeoutMs + 1_000, 'kept too long');
          } else if (wire.end !== undefined) {
            droppedCount += 1;
            assert.ok(isWaiting, 'dropped, though nothing waits for it');
            const isByTime = step.kind === 'second' && !dropped.has(connection);
            assert.ok(!isByTime || waitedMs >= bounds.sendTimeoutMs, 'dropped too early');
            dropped.add(connection);
          }
        }
      }
      for (const { connection } of users.values()) registry.remove(connection);
      assert.equal(connections.size, 0);
      const nobody = { kind: 'user', xuid: '0', sandbox: 'RETAIL' } as const;
      assert.equal(registry.refusalOf(nobody), undefined);
      registry[Symbol.dispose]();
    }),
    { numRuns: 300 },
  );
  assert.ok(droppedCount > 100, 'clients were dropped');
});
