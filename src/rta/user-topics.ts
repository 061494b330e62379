import type { UserMessage } from '../directory/notifications.ts';
import { pendingActivityInvites } from '../activity/invites.ts';
import { pendingInvites } from '../directory/pending-invites.ts';
import type { Context } from '../directory/context.ts';
import type { Guid, TitleId, Xuid } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Connection } from './connection.ts';
import type { ConnectionRegistry } from './connection-registry.ts';
import type { Resource } from './resource.ts';

/** Between two tries to read the invites of a user. */
const retryMs: Milliseconds = 1_000;

/** A user with connections that are subscribed to invites or friends. */
type UserSubscription = {
  readonly connections: Set<Connection>;
  readonly subscription: Promise<AsyncDisposable>;
};

/** Sends connections the events of their users: invites, and changes of the list of friends. */
export class UserTopics {
  readonly #context: Context;
  readonly #registry: ConnectionRegistry;
  readonly #outboxBytesMax: number;
  readonly #flush: (connection: Connection) => void;
  readonly #listened = new Map<Xuid, UserSubscription>();
  /** Connections whose invites are being read; `again` when that was asked for meanwhile. */
  readonly #reading = new Map<Connection, 'once' | 'again'>();

  /** `flush` sends a slow connection its resync, as soon as it reads. */
  constructor(
    context: Context,
    registry: ConnectionRegistry,
    outboxBytesMax: number,
    flush: (connection: Connection) => void,
  ) {
    this.#context = context;
    this.#registry = registry;
    this.#outboxBytesMax = outboxBytesMax;
    this.#flush = flush;
  }

  /** Resolves when no later message would be missed. Throws StoreUnavailable. */
  async listenFor(connection: Connection): Promise<void> {
    // The last other subscription of this connection may end meanwhile, and listening with it.
    while (this.#registry.isOpen(connection)) {
      await this.#listen(connection);
      if (this.#listened.get(connection.xuid)?.connections.has(connection)) return;
    }
  }

  async #listen(connection: Connection): Promise<void> {
    const { xuid } = connection;
    let listened = this.#listened.get(xuid);
    if (listened === undefined) {
      const subscription = this.#context.bus.subscribe(`user:${xuid}`, {
        message: (message) => this.#receive(xuid, message as UserMessage),
        gap: () => this.#handleGap(xuid),
      });
      listened = { connections: new Set(), subscription };
      this.#listened.set(xuid, listened);
      subscription.catch(() => this.#listened.delete(xuid));
    }
    listened.connections.add(connection);
    await listened.subscription;
  }

  /** Stops listening for this connection; more than once is no error. */
  stopFor(connection: Connection): void {
    const listened = this.#listened.get(connection.xuid);
    if (!listened?.connections.delete(connection) || listened.connections.size > 0) return;
    this.#listened.delete(connection.xuid);
    listened.subscription
      .then((subscription) => subscription[Symbol.asyncDispose]())
      .catch(this.#context.failed);
  }

  /**
   * Sends the waiting invites of this user; later, when they cannot be read now. However often it
   * is called during a read, it reads once more.
   */
  sendPendingInvites(connection: Connection): void {
    const isReading = this.#reading.has(connection);
    this.#reading.set(connection, isReading ? 'again' : 'once');
    if (!isReading) this.#readWhileAsked(connection).catch(this.#context.failed);
  }

  async #readWhileAsked(connection: Connection): Promise<void> {
    try {
      do {
        this.#reading.set(connection, 'once');
        await this.#readPendingInvites(connection);
      } while (this.#reading.get(connection) === 'again');
    } catch (error) {
      this.#context.clock.after(retryMs, () => {
        const isWaiting = this.#registry.isOpen(connection) && connection.isSubscribedTo('notify');
        if (isWaiting) this.sendPendingInvites(connection);
      });
      throw error;
    } finally {
      this.#reading.delete(connection);
    }
  }

  async #readPendingInvites(connection: Connection): Promise<void> {
    const isNew = (id: Guid): boolean => !connection.wasSentInvite(id);
    for (const { id, data } of await pendingInvites(this.#context, connection.xuid, isNew)) {
      if (!this.#registry.isOpen(connection)) return;
      if (connection.beginsInvite(id)) this.#send(connection, 'notify', data);
    }
    const intoActivities = await pendingActivityInvites(this.#context, connection.xuid, isNew);
    for (const { id, titleId, data } of intoActivities) {
      if (!this.#registry.isOpen(connection)) return;
      this.#sendActivityInvite(connection, id, titleId, data);
    }
  }

  /** Sends it where the title listens; where it does not, it may be sent later. */
  #sendActivityInvite(connection: Connection, id: Guid, titleId: TitleId, data: JsonObject): void {
    const isOfTitle = (resource: { readonly titleId: string }): boolean =>
      resource.titleId === titleId;
    if (!connection.isSubscribedTo('notify', isOfTitle) || !connection.beginsInvite(id)) return;
    if (connection.wire.bufferedBytes > this.#outboxBytesMax) connection.taps.fallBehind();
    else connection.sendEvent('notify', JSON.stringify(data), isOfTitle);
  }

  #receive(xuid: Xuid, message: UserMessage): void {
    for (const connection of this.#listened.get(xuid)?.connections ?? []) {
      if (message.kind === 'friends') {
        const { notificationType, xuids } = message;
        this.#send(connection, 'friends', { NotificationType: notificationType, Xuids: xuids });
      } else if (message.titleId !== undefined) {
        this.#sendActivityInvite(connection, message.id, message.titleId, message.data);
      } else if (connection.isSubscribedTo('notify') && connection.beginsInvite(message.id)) {
        this.#send(connection, 'notify', message.data);
      }
    }
  }

  #handleGap(xuid: Xuid): void {
    for (const connection of this.#listened.get(xuid)?.connections ?? []) {
      connection.taps.fallBehind();
      this.#flush(connection);
      if (connection.isSubscribedTo('notify')) this.sendPendingInvites(connection);
    }
  }

  /** Sends an event; a client that does not read gets a resync later instead. */
  #send(connection: Connection, kind: Resource['kind'], data: JsonObject): void {
    if (connection.wire.bufferedBytes > this.#outboxBytesMax) connection.taps.fallBehind();
    else connection.sendEvent(kind, JSON.stringify(data));
  }
}
