import { checkConnections } from '../directory/check-connections.ts';
import type { Context } from '../directory/context.ts';
import type { UserCaller } from '../domain/caller.ts';
import type { Guid } from '../domain/ids.ts';
import type { Refusal } from '../domain/refusal.ts';
import type { Clock } from '../platform/clock.ts';
import type { Connection, Wire } from './connection.ts';
import {
  type ConnectionBounds,
  ConnectionRegistry,
  type Connections,
} from './connection-registry.ts';
import {
  codes,
  type ClientFrame,
  formatNotSubscribed,
  formatSubscribed,
  formatUnsubscribed,
  parseFrame,
  resyncFrame,
} from './protocol.ts';
import { parseResource, type PresenceResource, type Resource } from './resource.ts';
import { type DeliverTaps, TapDelivery, type TapDeliverySettings } from './tap-delivery.ts';
import { PresenceTopics } from './presence-topics.ts';
import { type LearnCaller, UnknownCallers } from './unknown-callers.ts';
import { UserTopics } from './user-topics.ts';

export type { Connections };

export type HubSettings = ConnectionBounds &
  TapDeliverySettings & {
    /** Of one connection. */
    readonly subscriptionsMax: number;
  };

/** What is put around a hub, by tests and by the settings. */
export type HubOptions = {
  /** The clock for the silence of clients, when tests move the clock of the context. */
  readonly silenceClock?: Pick<Clock, 'elapsedMs'>;
  readonly aroundTaps?: (deliver: DeliverTaps) => DeliverTaps;
  /** Learns the xuid of a caller whose token does not tell it, from what the caller states. */
  readonly learn?: LearnCaller | undefined;
};

/**
 * The RTA connections of this node: answers the frames of their clients, and connects the parts that
 * send them events.
 *
 * @source docs/wire/rta.md "Frames"
 */
export class Hub implements AsyncDisposable {
  readonly #context: Context;
  readonly #settings: HubSettings;
  readonly #registry: ConnectionRegistry;
  readonly #taps: TapDelivery;
  readonly #topics: UserTopics;
  readonly #unknown: UnknownCallers;
  readonly #presence: PresenceTopics;
  #isClosed = false;

  constructor(
    context: Context,
    connections: Connections,
    settings: HubSettings,
    { silenceClock = context.clock, aroundTaps, learn }: HubOptions = {},
  ) {
    this.#context = context;
    this.#settings = settings;
    this.#registry = new ConnectionRegistry(
      connections,
      context.clock,
      silenceClock,
      settings,
      (connection) => this.ended(connection),
    );
    this.#taps = new TapDelivery(context, this.#registry, settings, aroundTaps);
    this.#topics = new UserTopics(context, this.#registry, settings.outboxBytesMax, (connection) =>
      this.#taps.flush(connection),
    );
    this.#unknown = new UnknownCallers(this.#registry, context.failed, learn);
    this.#presence = new PresenceTopics(context, this.#registry, settings.outboxBytesMax);
  }

  /** Listens to the bus for the connections of this node from now on. Throws StoreUnavailable. */
  async start(): Promise<void> {
    await this.#taps.listen();
    this.#registry.start((connection) => {
      if (connection.taps.needsResync) this.#taps.flush(connection);
    });
  }

  /**
   * Undefined when this user may open a connection now.
   *
   * Refuses: connectionsFull, tooManyConnections.
   */
  refusalOf(caller: UserCaller): Refusal | undefined {
    return this.#registry.refusalOf(caller);
  }

  /** A new connection of this user over `wire`; undefined once the hub is closed. */
  open(wire: Wire, caller: UserCaller): Connection | undefined {
    if (this.#isClosed) return undefined;
    const { node, ids, clock, presence, names } = this.#context;
    presence.note(caller.xuid, clock.nowMs());
    names.note(caller.xuid, caller.gamertag);
    const id = `${node.id}${ids.guid().slice(node.id.length)}`;
    const connection = this.#registry.add(id, caller, wire);
    this.#unknown.note(connection, caller);
    return connection;
  }

  /** Handles a text from the client. */
  received(connection: Connection, text: string): void {
    if (!this.#registry.isOpen(connection)) return;
    this.#heard(connection);
    const frame = parseFrame(text);
    if (typeof frame === 'string') {
      connection.wire.close(frame);
      this.ended(connection);
    } else if (!this.#unknown.has(connection)) this.#answer(connection, frame);
    else {
      const resource = frame.kind === 'subscribe' ? parseResource(frame.uri) : undefined;
      this.#unknown.learn(connection, resource, () => this.#answer(connection, frame));
    }
  }

  #answer(connection: Connection, frame: ClientFrame): void {
    if (!this.#registry.isOpen(connection)) return;
    if (frame.kind === 'subscribe') this.#subscribe(connection, frame);
    else this.#unsubscribe(connection, frame);
  }

  /** Notes a ping or a pong of the client; the socket has answered the ping. */
  heard(connection: Connection, isPing: boolean): void {
    this.#heard(connection);
    if (isPing) connection.ponged();
  }

  /** Ends the connection of this id as if the network had failed; false when it is not open here. */
  drop(id: Guid): boolean {
    const connection = this.#registry.get(id);
    if (connection !== undefined) this.#registry.drop(connection);
    return connection !== undefined;
  }

  /** Forgets a connection that has ended; more than once is no error. */
  ended(connection: Connection): void {
    if (!this.#forget(connection) || this.#isClosed) return;
    const check = () => checkConnections(this.#context, [connection.id], connection.xuid);
    if (this.#unknown.has(connection)) this.#unknown.learn(connection, undefined, check);
    else check();
  }

  /** Ends all connections: other nodes may think that this one has ended. */
  endAll(): void {
    // The first sweep that sees it marks all their members at once, by the id of the node.
    for (const connection of [...this.#registry.all()]) {
      connection.wire.drop();
      this.#forget(connection);
    }
  }

  /** Ends all connections and continues as another node. Throws StoreUnavailable. */
  async beginAnew(node: string): Promise<void> {
    this.#context.node.id = node;
    this.endAll();
    await this.#taps.listen();
  }

  /** Ends all connections; each client first gets a resync. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#registry[Symbol.dispose]();
    for (const connection of [...this.#registry.all()]) {
      connection.send(resyncFrame);
      this.#registry.drop(connection);
    }
    await this.#taps[Symbol.asyncDispose]();
  }

  #heard(connection: Connection): void {
    connection.heard();
    this.#context.presence.note(connection.xuid, this.#context.clock.nowMs());
  }

  #forget(connection: Connection): boolean {
    this.#taps.forget(connection);
    this.#topics.stopFor(connection);
    this.#presence.stopFor(connection);
    return this.#registry.remove(connection);
  }

  #subscribe(
    connection: Connection,
    { sequence, uri }: Extract<ClientFrame, { kind: 'subscribe' }>,
  ): void {
    const resource = parseResource(uri);
    if (resource === undefined) {
      const why = `${uri.slice(0, 200)} is no resource of this server.`;
      connection.send(formatNotSubscribed(sequence, codes.unknownResource, why));
    } else if (resource.kind === 'presence') {
      this.#subscribeToPresence(connection, sequence, resource).catch(this.#context.failed);
    } else if ('xuid' in resource && resource.xuid !== connection.xuid) {
      const why = 'This resource belongs to another user.';
      connection.send(formatNotSubscribed(sequence, codes.noResourceData, why));
    } else if (resource.kind === 'connections' || resource.kind === 'privacy') {
      this.#answerSubscribe(connection, sequence, resource);
    } else this.#subscribeToUser(connection, sequence, resource).catch(this.#context.failed);
  }

  /** Answers once no later event can be missed. */
  async #subscribeToUser(
    connection: Connection,
    sequence: number,
    resource: Resource,
  ): Promise<void> {
    try {
      await this.#topics.listenFor(connection);
    } catch {
      connection.send(formatNotNow(sequence));
      return;
    }
    if (!this.#registry.isOpen(connection)) return;
    const isSubscribed = this.#answerSubscribe(connection, sequence, resource);
    if (isSubscribed && resource.kind === 'notify') this.#topics.sendPendingInvites(connection);
    this.#stopIfUnused(connection);
  }

  /** Answers with where the user is, as this connection may know it; what changes then is an event. */
  async #subscribeToPresence(
    connection: Connection,
    sequence: number,
    resource: PresenceResource,
  ): Promise<void> {
    const { xuid } = resource;
    let data: (() => string) | undefined;
    try {
      data = await this.#presence.watch(connection, xuid);
    } catch {
      this.#presence.stopIfUnused(connection, xuid);
      connection.send(formatNotNow(sequence));
      return;
    }
    if (data && this.#registry.isOpen(connection)) {
      this.#answerSubscribe(connection, sequence, resource, data());
    }
    this.#presence.stopIfUnused(connection, xuid);
  }

  /** False when the connection has the maximum of subscriptions. */
  #answerSubscribe(
    connection: Connection,
    sequence: number,
    resource: Resource,
    dataOfUser = 'null',
  ): boolean {
    const { subscriptionsMax } = this.#settings;
    const mayHaveMore = connection.subscriptionsCount < subscriptionsMax;
    if (mayHaveMore) {
      const id = connection.subscribe(resource);
      const data =
        resource.kind === 'connections' ? `{"ConnectionId":"${connection.id}"}` : dataOfUser;
      connection.send(formatSubscribed(sequence, id, data));
    } else {
      const why = `A connection has at most ${subscriptionsMax} subscriptions.`;
      connection.send(formatNotSubscribed(sequence, codes.subscriptionLimitReached, why));
    }
    return mayHaveMore;
  }

  #unsubscribe(
    connection: Connection,
    { sequence, subscriptionId }: Extract<ClientFrame, { kind: 'unsubscribe' }>,
  ): void {
    const resource = connection.unsubscribe(subscriptionId);
    if (resource?.kind === 'presence') this.#presence.stopIfUnused(connection, resource.xuid);
    this.#stopIfUnused(connection);
    connection.send(formatUnsubscribed(sequence, resource ? codes.success : codes.unknownResource));
  }

  #stopIfUnused(connection: Connection): void {
    if (connection.isSubscribedTo('notify') || connection.isSubscribedTo('friends')) return;
    this.#topics.stopFor(connection);
  }
}

function formatNotNow(sequence: number): string {
  const why = 'The server cannot subscribe to this resource now; try again.';
  return formatNotSubscribed(sequence, codes.serviceUnavailable, why);
}
