import { checkConnections } from '../directory/check-connections.ts';
import type { Context } from '../directory/context.ts';
import type { UserCaller } from '../domain/caller.ts';
import type { Guid, Xuid } from '../domain/ids.ts';
import type { Refusal } from '../domain/refusal.ts';
import type { CloseReason } from '../observe/events.ts';
import type { Clock } from '../platform/clock.ts';
import type { Connection, Wire } from './connection.ts';
import {
  type ConnectionBounds,
  ConnectionRegistry,
  type Connections,
} from './connection-registry.ts';
import {
  codes,
  type Code,
  type ClientFrame,
  formatNotSubscribed,
  formatSubscribed,
  formatUnsubscribed,
  parseFrame,
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
  /** Counts a frame of this user; true when it is one too many. */
  readonly isTooMany?: ((xuid: Xuid) => boolean) | undefined;
  /** Why this user may have no connection, if so. */
  readonly mayConnect?: (xuid: Xuid) => Refusal | undefined;
};

/** An id that no subscription has; clients of this project unsubscribe it to see whether the server is there. */
const noSubscription = 0xffff_ffff;

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
  readonly #isTooMany: HubOptions['isTooMany'];
  readonly #mayConnect: HubOptions['mayConnect'];
  #isClosed = false;

  constructor(
    context: Context,
    connections: Connections,
    settings: HubSettings,
    { silenceClock = context.clock, aroundTaps, learn, isTooMany, mayConnect }: HubOptions = {},
  ) {
    this.#context = context;
    this.#settings = settings;
    this.#isTooMany = isTooMany;
    this.#mayConnect = mayConnect;
    this.#registry = new ConnectionRegistry(
      connections,
      context.clock,
      silenceClock,
      settings,
      context.observers,
      (connection, why) => this.ended(connection, why),
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
   * Refuses: connectionsFull, tooManyConnections; what `mayConnect` refuses.
   */
  refusalOf(caller: UserCaller): Refusal | undefined {
    return this.#mayConnect?.(caller.xuid) ?? this.#registry.refusalOf(caller);
  }

  /**
   * A new connection of this user over `wire`, which the request with this correlation id asked for;
   * undefined once the hub is closed.
   */
  open(wire: Wire, caller: UserCaller, requestId?: Guid): Connection | undefined {
    if (this.#isClosed) return undefined;
    const { node, ids, clock, presence, names, observers } = this.#context;
    presence.note(caller.xuid, clock.nowMs());
    names.note(caller.xuid, caller.gamertag);
    const id = `${node.id}${ids.guid().slice(node.id.length)}`;
    const connection = this.#registry.add(id, caller, wire);
    this.#unknown.note(connection, caller);
    const atMs = clock.nowMs();
    observers.current?.({ kind: 'connectionOpened', atMs, connection: id, caller, requestId });
    return connection;
  }

  /** Handles a text from the client. */
  received(connection: Connection, text: string): void {
    if (!this.#registry.isOpen(connection)) return;
    connection.received(text);
    this.#noteSeen(connection);
    const frame = parseFrame(text);
    if (typeof frame === 'string') {
      connection.wire.close(frame);
      this.ended(connection, 'malformed');
    } else if (!this.#unknown.has(connection)) this.#answer(connection, frame);
    else {
      const resource = frame.kind === 'subscribe' ? parseResource(frame.uri) : undefined;
      this.#unknown.learn(connection, resource, () => this.#answer(connection, frame));
    }
  }

  #answer(connection: Connection, frame: ClientFrame): void {
    if (!this.#registry.isOpen(connection)) return;
    // What makes less work for the server is done all the same.
    const isTooMany = this.#isTooMany?.(connection.xuid) ?? false;
    if (frame.kind === 'unsubscribe') this.#unsubscribe(connection, frame);
    else if (isTooMany) {
      const why = 'Too many requests of this user; try again later.';
      connection.send(formatNotSubscribed(frame.sequence, codes.throttled, why));
    } else this.#subscribe(connection, frame);
  }

  /** Notes a ping or a pong of the client; the socket has answered the ping. */
  heard(connection: Connection, isPing: boolean): void {
    connection.heard();
    this.#noteSeen(connection);
    if (isPing) connection.ponged();
  }

  /** Ends the connection of this id as if the network had failed; false when it is not open here. */
  drop(id: Guid): boolean {
    const connection = this.#registry.get(id);
    if (connection !== undefined) this.#registry.drop(connection, 'dropped');
    return connection !== undefined;
  }

  /** Forgets a connection that has ended; more than once is no error. */
  ended(connection: Connection, why: CloseReason): void {
    if (!this.#forget(connection, why) || this.#isClosed) return;
    const check = () => checkConnections(this.#context, [connection.id], connection.xuid);
    if (this.#unknown.has(connection)) this.#unknown.learn(connection, undefined, check);
    else check();
  }

  /** Ends all connections: other nodes may think that this one has ended. */
  endAll(): void {
    // The first sweep that sees it marks all their members at once, by the id of the node.
    for (const connection of [...this.#registry.all()]) {
      connection.wire.drop();
      this.#forget(connection, 'serverEnds');
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
      connection.sendResync();
      this.#registry.drop(connection, 'serverEnds');
    }
    await this.#taps[Symbol.asyncDispose]();
  }

  #noteSeen(connection: Connection): void {
    this.#context.presence.note(connection.xuid, this.#context.clock.nowMs());
  }

  #forget(connection: Connection, why: CloseReason): boolean {
    this.#taps.forget(connection);
    this.#topics.stopFor(connection);
    this.#presence.stopFor(connection);
    const wasOpen = this.#registry.remove(connection);
    if (wasOpen) {
      const { observers, clock } = this.#context;
      const { id, xuid } = connection;
      const atMs = clock.nowMs();
      observers.current?.({ kind: 'connectionClosed', atMs, connection: id, xuid, why });
    }
    return wasOpen;
  }

  #subscribe(
    connection: Connection,
    { sequence, uri }: Extract<ClientFrame, { kind: 'subscribe' }>,
  ): void {
    const resource = parseResource(uri);
    if (resource === undefined) {
      const text = uri.slice(0, 200);
      const why = `${text} is no resource of this server.`;
      this.#refuse(connection, sequence, text, codes.unknownResource, why);
    } else if (resource.kind === 'presence') {
      this.#subscribeToPresence(connection, sequence, resource).catch(this.#context.failed);
    } else if ('xuid' in resource && resource.xuid !== connection.xuid) {
      const why = 'This resource belongs to another user.';
      this.#refuse(connection, sequence, nameOf(resource, connection), codes.noResourceData, why);
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
      this.#refuseNow(connection, sequence, resource);
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
      this.#refuseNow(connection, sequence, resource);
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
      this.#observe('subscribed', connection, nameOf(resource, connection), codes.success);
    } else {
      const why = `A connection has at most ${subscriptionsMax} subscriptions.`;
      const name = nameOf(resource, connection);
      this.#refuse(connection, sequence, name, codes.subscriptionLimitReached, why);
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
    const code = resource ? codes.success : codes.unknownResource;
    connection.send(formatUnsubscribed(sequence, code));
    // Nothing else is asked for than a sign of life, each half minute: it would fill every log.
    if (subscriptionId === noSubscription) return;
    this.#observe('unsubscribed', connection, resource && nameOf(resource, connection), code);
  }

  #refuse(
    connection: Connection,
    sequence: number,
    resource: string,
    code: Code,
    why: string,
  ): void {
    connection.send(formatNotSubscribed(sequence, code, why));
    this.#observe('refused', connection, resource, code);
  }

  #refuseNow(connection: Connection, sequence: number, resource: Resource): void {
    const why = 'The server cannot subscribe to this resource now; try again.';
    const name = nameOf(resource, connection);
    this.#refuse(connection, sequence, name, codes.serviceUnavailable, why);
  }

  #observe(
    change: 'subscribed' | 'refused' | 'unsubscribed',
    { id, xuid }: Connection,
    resource: string | undefined,
    code: Code,
  ): void {
    const { observers, clock } = this.#context;
    const atMs = clock.nowMs();
    const subscription = { change, connection: id, xuid, resource, code };
    observers.current?.({ kind: 'subscription', atMs, ...subscription });
  }

  #stopIfUnused(connection: Connection): void {
    if (connection.isSubscribedTo('notify') || connection.isSubscribedTo('friends')) return;
    this.#topics.stopFor(connection);
  }
}

/** The kind of a resource, and whose it is where that is another user. */
function nameOf(resource: Resource, { xuid }: Connection): string {
  const isOfOther = 'xuid' in resource && resource.xuid !== xuid;
  return isOfOther ? `${resource.kind} of ${resource.xuid}` : resource.kind;
}
