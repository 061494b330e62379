import { checkConnections, checkOwnConnections } from '../directory/check-connections.ts';
import type { NodeMessage, UserMessage } from '../directory/bus-message.ts';
import type { Context } from '../directory/context.ts';
import type { UserCaller } from '../domain/caller.ts';
import { isPending } from '../domain/handle/confirm.ts';
import { viewInviteNotification } from '../domain/handle/view.ts';
import type { Guid, Xuid } from '../domain/ids.ts';
import type { Tap } from '../domain/tap/tap.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Timer } from '../platform/clock.ts';
import { Connection, type Wire } from './connection.ts';
import type { WaitingTap } from './outbox.ts';
import {
  type Code,
  codes,
  type ClientFrame,
  formatNotSubscribed,
  formatSubscribed,
  formatUnsubscribed,
  parseFrame,
  resyncFrame,
} from './protocol.ts';
import { parseResource, type Resource } from './resource.ts';

export type HubSettings = {
  /** At most one event with taps in this time, for each connection; 0: each tap at once. */
  readonly tapWindowMs: Milliseconds;
  /** Of one connection. */
  readonly subscriptionsMax: number;
  /**
   * What a client has not read of what was sent to it: past it taps become a resync, past four times
   * as much the connection is dropped.
   */
  readonly outboxBytesMax: number;
};

/** How often all connections are looked at. */
const tickMs: Milliseconds = 1_000;
const hardLimitFactor = 4;

/** A user some of whose connections hear of invites or friends. */
type Followed = {
  readonly connections: Set<Connection>;
  readonly subscription: Promise<AsyncDisposable>;
};

/** By id. */
export type Connections = Map<Guid, Connection>;

/**
 * The connections of this node: what their clients ask for, and what comes for them over the bus.
 *
 * @source contract 9
 */
export class Hub implements AsyncDisposable {
  readonly #world: Context;
  readonly #settings: HubSettings;
  readonly #connections: Connections;
  readonly #followed = new Map<Xuid, Followed>();
  /** Those that were tapped within the last window, in the order in which their windows end. */
  readonly #cooling = new Set<Connection>();
  #coolingTimer: Timer | undefined;
  #tickTimer: Timer | undefined;
  #own: Promise<AsyncDisposable> | undefined;
  #isClosed = false;

  constructor(world: Context, connections: Connections, settings: HubSettings) {
    this.#world = world;
    this.#connections = connections;
    this.#settings = settings;
  }

  /** Begins to listen for what comes for the connections of this node. */
  async start(): Promise<void> {
    await this.#listen();
    this.#tickLater();
  }

  /** A connection of this user over `wire`; undefined when no more are taken. */
  open(wire: Wire, caller: UserCaller): Connection | undefined {
    if (this.#isClosed) return undefined;
    const { node, ids, clock, presence } = this.#world;
    const id = `${node.id}${ids.guid().slice(node.id.length)}`;
    const connection = new Connection(id, caller.xuid, wire, clock.nowMs());
    this.#connections.set(id, connection);
    presence.note(caller.xuid, clock.nowMs());
    return connection;
  }

  /** Takes in a text from the client. */
  received(connection: Connection, text: string): void {
    if (!this.#isOpen(connection)) return;
    const nowMs = this.#world.clock.nowMs();
    this.#heard(connection, nowMs);
    const frame = parseFrame(text);
    if (typeof frame === 'string') {
      connection.wire.close(frame);
      this.ended(connection);
    } else if (frame.kind === 'subscribe') this.#subscribe(connection, frame, nowMs);
    else this.#unsubscribe(connection, frame, nowMs);
    this.#dropIfFull(connection);
  }

  /** Notes a ping or a pong of the client; pings have been answered. */
  heard(connection: Connection, isPing: boolean): void {
    const nowMs = this.#world.clock.nowMs();
    this.#heard(connection, nowMs);
    if (isPing) connection.ponged(nowMs);
    this.#dropIfFull(connection);
  }

  /** Ends the connection of this id as if the network had failed; false when it is not open here. */
  drop(id: Guid): boolean {
    const connection = this.#connections.get(id);
    if (connection !== undefined) this.#drop(connection);
    return connection !== undefined;
  }

  /** Lets no connection count as silent for the time up to `untilMs`, to which the clock jumps. */
  excuse(untilMs: Milliseconds): void {
    for (const connection of this.#connections.values()) connection.excuse(untilMs);
  }

  #heard(connection: Connection, nowMs: Milliseconds): void {
    connection.heard(nowMs);
    this.#world.presence.note(connection.xuid, nowMs);
  }

  /** Notes that the connection is no more; more than once is no error. */
  ended(connection: Connection): void {
    if (this.#forget(connection) && !this.#isClosed)
      checkConnections(this.#world, [connection.id], connection.xuid);
  }

  #forget(connection: Connection): boolean {
    this.#cooling.delete(connection);
    this.#unfollow(connection);
    return this.#connections.delete(connection.id);
  }

  /** Ends all connections, as when others may think that this node has ended. */
  endAll(): void {
    // The sweep of whoever sees it first marks their members, all at once by the id of the node.
    for (const connection of [...this.#connections.values()]) {
      connection.wire.drop();
      this.#forget(connection);
    }
  }

  /** Ends all connections and goes on as another node. */
  async beginAnew(node: string): Promise<void> {
    const former = await this.#own?.catch(() => undefined);
    this.#world.node.id = node;
    this.endAll();
    await this.#listen();
    await former?.[Symbol.asyncDispose]();
  }

  /** Ends all connections, each told that it may miss something from now on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#coolingTimer?.cancel();
    this.#tickTimer?.cancel();
    const nowMs = this.#world.clock.nowMs();
    for (const connection of [...this.#connections.values()]) {
      connection.send(resyncFrame, nowMs);
      this.#drop(connection);
    }
    const own = await this.#own?.catch(() => undefined);
    await own?.[Symbol.asyncDispose]();
  }

  #isOpen(connection: Connection): boolean {
    return this.#connections.get(connection.id) === connection;
  }

  #drop(connection: Connection): void {
    connection.wire.drop();
    this.ended(connection);
  }

  #dropIfFull(connection: Connection): void {
    const { outboxBytesMax } = this.#settings;
    if (connection.wire.bufferedBytes > outboxBytesMax * hardLimitFactor) this.#drop(connection);
  }

  // What clients ask for.

  #subscribe(
    connection: Connection,
    { sequence, uri }: Extract<ClientFrame, { kind: 'subscribe' }>,
    nowMs: Milliseconds,
  ): void {
    const { subscriptionsMax } = this.#settings;
    const resource = parseResource(uri);
    const refuse = (code: Code, why: string): void =>
      connection.send(formatNotSubscribed(sequence, code, why), nowMs);
    if (resource === undefined) {
      refuse(codes.unknownResource, `${uri.slice(0, 200)} is no resource of this server.`);
    } else if ('xuid' in resource && resource.xuid !== connection.xuid) {
      refuse(codes.noResourceData, 'This resource belongs to another user.');
    } else if (connection.subscriptionsCount >= subscriptionsMax) {
      refuse(
        codes.subscriptionLimitReached,
        `A connection has at most ${subscriptionsMax} subscriptions.`,
      );
    } else if (resource.kind === 'connections' || resource.kind === 'privacy') {
      const id = connection.subscribe(resource);
      const data = resource.kind === 'connections' ? `{"ConnectionId":"${connection.id}"}` : 'null';
      connection.send(formatSubscribed(sequence, id, data), nowMs);
    } else this.#subscribeToUser(connection, sequence, resource).catch(this.#world.failed);
  }

  /** Answers once whatever happens from now on would be heard of. */
  async #subscribeToUser(
    connection: Connection,
    sequence: number,
    resource: Resource,
  ): Promise<void> {
    const { clock } = this.#world;
    try {
      await this.#follow(connection);
    } catch {
      const why = 'The server cannot follow this resource now; try again.';
      connection.send(formatNotSubscribed(sequence, codes.serviceUnavailable, why), clock.nowMs());
      return;
    }
    if (!this.#isOpen(connection)) return;
    const id = connection.subscribe(resource);
    connection.send(formatSubscribed(sequence, id, 'null'), clock.nowMs());
    if (resource.kind === 'notify') this.#tellPendingInvites(connection);
  }

  #unsubscribe(
    connection: Connection,
    { sequence, subscriptionId }: Extract<ClientFrame, { kind: 'unsubscribe' }>,
    nowMs: Milliseconds,
  ): void {
    const isKnown = connection.unsubscribe(subscriptionId);
    const code = isKnown ? codes.success : codes.unknownResource;
    if (!connection.follows('notify', 'friends')) this.#unfollow(connection);
    connection.send(formatUnsubscribed(sequence, code), nowMs);
  }

  // What comes for one node.

  async #listen(): Promise<void> {
    this.#own = this.#world.bus.subscribe(`node:${this.#world.node.id}`, {
      message: (message) => this.#hear(message as NodeMessage),
      gap: () => this.#hearGap(),
    });
    await this.#own;
  }

  #hear(message: NodeMessage): void {
    if (message.kind === 'taps') this.#tap(message.tap);
    else checkConnections(this.#world, message.connections);
  }

  /** Taps may be missing, and questions about connections that have ended. */
  #hearGap(): void {
    checkOwnConnections(this.#world);
    for (const connection of this.#connections.values()) {
      connection.loseTrack();
      this.#flush(connection, this.#world.clock.nowMs());
    }
  }

  #tap(tap: Tap): void {
    // Most recipients may be elsewhere, or gone: they cost a look each.
    let tapped: Set<Connection> | undefined;
    for (const to of tap.to) {
      const connection = this.#connections.get(to.connection);
      if (connection === undefined) continue;
      if (connection.disturbance !== undefined) this.#tapDisturbed(connection, { tap, to });
      else {
        connection.tap({ tap, to });
        tapped ??= new Set();
        tapped.add(connection);
      }
    }
    if (tapped === undefined) return;
    const nowMs = this.#world.clock.nowMs();
    for (const connection of tapped) this.#flush(connection, nowMs);
  }

  #tapDisturbed(connection: Connection, tap: WaitingTap): void {
    const { delayMs = 0, drop = false } = connection.disturbance ?? {};
    if (drop) return;
    const { clock } = this.#world;
    clock.after(delayMs, () => {
      connection.tap(tap);
      if (this.#isOpen(connection)) this.#flush(connection, clock.nowMs());
    });
  }

  #flush(connection: Connection, nowMs: Milliseconds): void {
    const { tapWindowMs, outboxBytesMax } = this.#settings;
    const isSent = connection.flush(nowMs, tapWindowMs, outboxBytesMax, this.#world.ids.guid);
    if (!isSent || tapWindowMs === 0) return;
    this.#cooling.add(connection);
    this.#coolLater(nowMs);
  }

  /** Looks again when the first window ends; windows are all of a length. */
  #coolLater(nowMs: Milliseconds): void {
    if (this.#coolingTimer !== undefined) return;
    const [first] = this.#cooling;
    if (first === undefined) return;
    this.#coolingTimer = this.#world.clock.after(Math.max(0, first.openMs - nowMs), () => {
      this.#coolingTimer = undefined;
      const laterMs = this.#world.clock.nowMs();
      for (const connection of this.#cooling) {
        if (connection.openMs > laterMs) break;
        this.#cooling.delete(connection);
        this.#flush(connection, laterMs);
      }
      this.#coolLater(laterMs);
    });
  }

  // What comes for one user.

  async #follow(connection: Connection): Promise<void> {
    const { xuid } = connection;
    let followed = this.#followed.get(xuid);
    if (followed === undefined) {
      const subscription = this.#world.bus.subscribe(`user:${xuid}`, {
        message: (message) => this.#hearOfUser(xuid, message as UserMessage),
        gap: () => this.#hearGapOfUser(xuid),
      });
      followed = { connections: new Set(), subscription };
      this.#followed.set(xuid, followed);
      subscription.catch(() => this.#followed.delete(xuid));
    }
    followed.connections.add(connection);
    await followed.subscription;
  }

  #unfollow(connection: Connection): void {
    const followed = this.#followed.get(connection.xuid);
    if (!followed?.connections.delete(connection) || followed.connections.size > 0) return;
    this.#followed.delete(connection.xuid);
    followed.subscription
      .then((subscription) => subscription[Symbol.asyncDispose]())
      .catch(this.#world.failed);
  }

  #hearOfUser(xuid: Xuid, message: UserMessage): void {
    const nowMs = this.#world.clock.nowMs();
    const { connections } = this.#followed.get(xuid) ?? { connections: [] };
    for (const connection of connections) {
      if (message.kind === 'friends') {
        const { notificationType, xuids } = message;
        const data = JSON.stringify({ NotificationType: notificationType, Xuids: xuids });
        this.#tellIfItReads(connection, 'friends', data, nowMs);
      } else if (connection.follows('notify') && connection.beginsInvite(message.id)) {
        this.#tellIfItReads(connection, 'notify', JSON.stringify(message.data), nowMs);
      }
    }
  }

  #hearGapOfUser(xuid: Xuid): void {
    for (const connection of this.#followed.get(xuid)?.connections ?? []) {
      connection.loseTrack();
      this.#flush(connection, this.#world.clock.nowMs());
      if (connection.follows('notify')) this.#tellPendingInvites(connection);
    }
  }

  #tellIfItReads(
    connection: Connection,
    kind: Resource['kind'],
    data: string,
    nowMs: Milliseconds,
  ): void {
    if (connection.wire.bufferedBytes > this.#settings.outboxBytesMax) connection.loseTrack();
    else connection.tell(kind, data, nowMs);
  }

  /** Tells of the invites that wait for this user; later, when the store cannot be asked now. */
  #tellPendingInvites(connection: Connection): void {
    this.#readPendingInvites(connection).catch((error: unknown) => {
      this.#world.failed(error);
      this.#world.clock.after(tickMs, () => {
        const isWaiting = this.#isOpen(connection) && connection.follows('notify');
        if (isWaiting) this.#tellPendingInvites(connection);
      });
    });
  }

  /** Tells of those that this connection was not told of. */
  async #readPendingInvites(connection: Connection): Promise<void> {
    const { store, clock } = this.#world;
    const invites = await store.invitesOf(connection.xuid);
    for (const invite of invites) {
      const nowMs = clock.nowMs();
      if (invite.type !== 'invite' || !isPending(invite, nowMs)) continue;
      if (!this.#isOpen(connection) || !connection.beginsInvite(invite.id)) continue;
      this.#tellIfItReads(
        connection,
        'notify',
        JSON.stringify(viewInviteNotification(invite)),
        nowMs,
      );
    }
  }

  // What time brings.

  #tickLater(): void {
    this.#tickTimer = this.#world.clock.after(tickMs, () => {
      const nowMs = this.#world.clock.nowMs();
      for (const connection of this.#connections.values()) {
        if (connection.keepAlive(nowMs) === 'ended') this.#drop(connection);
        else if (connection.isBehind) this.#flush(connection, nowMs);
      }
      this.#tickLater();
    });
  }
}
