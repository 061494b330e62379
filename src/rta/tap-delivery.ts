import { checkConnections, checkOwnConnections } from '../directory/check-connections.ts';
import type { NodeMessage } from '../directory/notifications.ts';
import type { Context } from '../directory/context.ts';
import { formatTap, isOfMember, type Tap } from '../domain/tap/tap.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Timer } from '../platform/clock.ts';
import type { Connection } from './connection.ts';
import type { ConnectionRegistry } from './connection-registry.ts';
import { formatTaps } from './protocol.ts';
import type { WaitingTap } from './tap-buffer.ts';

export type TapDeliverySettings = {
  /** At most one event with taps in this time, for each connection; 0: each tap at once. */
  readonly tapWindowMs: Milliseconds;
  /** Unread bytes of a client; past it taps become one resync. */
  readonly outboxBytesMax: number;
};

/** Delivers the taps of one change to a connection of this node. */
export type DeliverTaps = (connection: Connection, taps: readonly WaitingTap[]) => void;

/**
 * What nodes send to the connections of this one over the bus: taps, each for members of the session
 * and at most one event a window; and questions whether connections are open.
 */
export class TapDelivery implements AsyncDisposable {
  readonly #context: Context;
  readonly #registry: ConnectionRegistry;
  readonly #settings: TapDeliverySettings;
  readonly #deliver: DeliverTaps;
  /** Connections whose window is open, in the order in which their windows end. */
  readonly #cooling = new Set<Connection>();
  #coolingTimer: Timer | undefined;
  #subscription: Promise<AsyncDisposable> | undefined;

  /** `around` may wrap the delivery from the bus to the connections. */
  constructor(
    context: Context,
    registry: ConnectionRegistry,
    settings: TapDeliverySettings,
    around: (deliver: DeliverTaps) => DeliverTaps = (deliver) => deliver,
  ) {
    this.#context = context;
    this.#registry = registry;
    this.#settings = settings;
    this.#deliver = around((connection, taps) => {
      if (!this.#registry.isOpen(connection)) return;
      for (const one of taps) connection.taps.add(one);
      this.flush(connection);
    });
  }

  /**
   * Listens under the present id of the node, and no longer under the former one.
   *
   * Throws StoreUnavailable; then it listens under none.
   */
  async listen(): Promise<void> {
    const former = await this.#subscription?.catch(() => undefined);
    try {
      this.#subscription = this.#context.bus.subscribe(`node:${this.#context.node.id}`, {
        message: (message) => this.#receive(message as NodeMessage),
        gap: () => this.#handleGap(),
      });
      await this.#subscription;
    } finally {
      await former?.[Symbol.asyncDispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#coolingTimer?.cancel();
    const own = await this.#subscription?.catch(() => undefined);
    await own?.[Symbol.asyncDispose]();
  }

  /** Forgets a connection that has ended. */
  forget(connection: Connection): void {
    this.#cooling.delete(connection);
  }

  /**
   * Sends the taps that may be sent now, in one event. A client that does not read gets one resync
   * instead, once it reads again.
   */
  flush(connection: Connection): void {
    const { tapWindowMs, outboxBytesMax } = this.#settings;
    const { taps } = connection;
    if (connection.wire.bufferedBytes > outboxBytesMax) {
      taps.fallBehind();
      return;
    }
    if (taps.takeResync()) connection.sendResync();
    const nowMs = this.#context.clock.elapsedMs();
    const taken = taps.take(nowMs, tapWindowMs);
    if (taken === undefined) return;
    const texts = taken.flatMap((one) => this.#textOf(one) ?? []);
    // The client gets a resync instead of a tap that could not be formatted.
    if (texts.length < taken.length) taps.fallBehind();
    if (texts.length === 0) return;
    connection.sendEvent('connections', formatTaps(this.#context.ids.guid(), texts));
    this.#context.observers.current?.({
      kind: 'tapsSent',
      atMs: this.#context.clock.nowMs(),
      connection: connection.id,
      xuid: connection.xuid,
      taps: taken.map(({ tap }) => tap),
    });
    if (tapWindowMs === 0 || !this.#registry.isOpen(connection)) return;
    this.#cooling.add(connection);
    this.#coolLater(nowMs);
  }

  /** One faulty message must not stop those after it. */
  #receive(message: NodeMessage): void {
    try {
      if (message.kind === 'taps') this.#tap(message.tap);
      else checkConnections(this.#context, message.connections);
    } catch (error) {
      this.#setAside(message.kind === 'taps' ? message.tap : undefined, error);
    }
  }

  /** Undefined, and logged, for a tap without a text. */
  #textOf({ tap, to }: WaitingTap): string | undefined {
    try {
      return formatTap(tap, to.subscription);
    } catch (error) {
      this.#setAside(tap, error);
      return undefined;
    }
  }

  #setAside(tap: Tap | undefined, error: unknown): void {
    const { setAside, failed } = this.#context;
    const fail = (): never => {
      throw error;
    };
    setAside.attempt('the delivery', `taps of ${tap?.resource}`, fail).catch(failed);
  }

  /** Taps may be missing, and questions about connections that have ended. */
  #handleGap(): void {
    checkOwnConnections(this.#context);
    for (const connection of this.#registry.all()) {
      connection.taps.fallBehind();
      this.flush(connection);
    }
  }

  #tap(tap: Tap): void {
    // Most recipients may be on other nodes, or gone: they cost one lookup each.
    let found: Map<Connection, WaitingTap[]> | undefined;
    for (const to of tap.to) {
      const connection = this.#registry.get(to.connection);
      if (connection === undefined || !connection.isSubscribedTo('connections')) continue;
      if (to.xuid !== connection.xuid && !isOfMember(tap, connection.xuid)) continue;
      found ??= new Map();
      const taps = found.get(connection);
      if (taps === undefined) found.set(connection, [{ tap, to }]);
      else taps.push({ tap, to });
    }
    if (found === undefined) return;
    for (const [connection, taps] of found) this.#deliver(connection, taps);
  }

  /** Continues when the first window ends; all windows have one length. */
  #coolLater(nowMs: Milliseconds): void {
    if (this.#coolingTimer !== undefined) return;
    const [first] = this.#cooling;
    if (first === undefined) return;
    const waitMs = Math.max(0, first.taps.windowEndsMs - nowMs);
    this.#coolingTimer = this.#context.clock.after(waitMs, () => {
      this.#coolingTimer = undefined;
      const laterMs = this.#context.clock.elapsedMs();
      for (const connection of this.#cooling) {
        if (connection.taps.windowEndsMs > laterMs) break;
        this.#cooling.delete(connection);
        this.flush(connection);
      }
      this.#coolLater(laterMs);
    });
  }
}
