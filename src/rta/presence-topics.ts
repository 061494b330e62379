import type { Context } from '../directory/context.ts';
import type { Xuid } from '../domain/ids.ts';
import {
  type PresenceEvents,
  presenceEvents,
  type UserPresence,
  viewPresence,
} from '../domain/presence/presence.ts';
import { titleNameOf } from '../domain/session/template.ts';
import type { Milliseconds } from '../domain/time.ts';
import { maySeePresence, readPresence } from '../neighbours/presence.ts';
import type { Connection } from './connection.ts';
import type { ConnectionRegistry } from './connection-registry.ts';
import type { PresenceResource } from './resource.ts';

/** Between two tries to read the presence of a user. */
const retryMs: Milliseconds = 1_000;

/** A user whom connections of this node watch. */
type WatchedUser = {
  readonly connections: Set<Connection>;
  readonly subscription: Promise<AsyncDisposable>;
  /** As it was last read; what differs from it is sent. */
  last: UserPresence;
  /** Reading it, while that goes on; `isStale` when something has changed meanwhile. */
  reading: Promise<void> | undefined;
  isStale: boolean;
};

/**
 * Sends connections where the users are whom they watch. A message over the bus says only that
 * something has changed: what is sent is what the store has then.
 *
 * @source docs/wire/neighbours.md "Presence"
 */
export class PresenceTopics {
  readonly #context: Context;
  readonly #registry: ConnectionRegistry;
  readonly #outboxBytesMax: number;
  readonly #watched = new Map<Xuid, WatchedUser>();

  constructor(context: Context, registry: ConnectionRegistry, outboxBytesMax: number) {
    this.#context = context;
    this.#registry = registry;
    this.#outboxBytesMax = outboxBytesMax;
  }

  /**
   * Resolves when no later change would be missed, with what gives the presence as JSON text then;
   * undefined when the connection has ended meanwhile. Throws StoreUnavailable.
   */
  async watch(connection: Connection, xuid: Xuid): Promise<(() => string) | undefined> {
    // The last other subscription of this connection may end meanwhile, and watching with it.
    while (this.#registry.isOpen(connection)) {
      const watched = this.#watched.get(xuid) ?? this.#listen(xuid);
      watched.connections.add(connection);
      await watched.subscription;
      await this.#look(xuid, watched);
      const isSeen = await maySeePresence(this.#context, xuid, connection.xuid);
      if (!watched.connections.has(connection)) continue;
      const titleName = titleNameOf(this.#context.catalog());
      return () => {
        const shown = isSeen ? watched.last : { xuid, titles: [] };
        return JSON.stringify(viewPresence(shown, 'all', titleName));
      };
    }
    this.#stop(connection, xuid);
    return undefined;
  }

  #listen(xuid: Xuid): WatchedUser {
    const subscription = this.#context.bus.subscribe(`presence:${xuid}`, {
      message: () => this.#lookSoon(xuid),
      gap: () => this.#lookSoon(xuid),
    });
    const watched: WatchedUser = {
      connections: new Set(),
      subscription,
      last: { xuid, titles: [] },
      reading: undefined,
      isStale: false,
    };
    this.#watched.set(xuid, watched);
    subscription.catch(() => {
      if (this.#watched.get(xuid) === watched) this.#watched.delete(xuid);
    });
    return watched;
  }

  /** Stops watching this user for a connection that is subscribed to nothing of them any more. */
  stopIfUnused(connection: Connection, xuid: Xuid): void {
    const isUsed = connection.isSubscribedTo('presence', (one) => one.xuid === xuid);
    if (!isUsed || !this.#registry.isOpen(connection)) this.#stop(connection, xuid);
  }

  /** Stops watching anybody for this connection, which has ended. */
  stopFor(connection: Connection): void {
    for (const { xuid } of connection.resourcesOf('presence')) this.#stop(connection, xuid);
  }

  #stop(connection: Connection, xuid: Xuid): void {
    const watched = this.#watched.get(xuid);
    if (!watched?.connections.delete(connection) || watched.connections.size > 0) return;
    this.#watched.delete(xuid);
    watched.subscription
      .then((subscription) => subscription[Symbol.asyncDispose]())
      .catch(this.#context.failed);
  }

  #lookSoon(xuid: Xuid): void {
    const watched = this.#watched.get(xuid);
    if (watched === undefined) return;
    this.#look(xuid, watched).catch((error: unknown) => {
      this.#context.failed(error);
      this.#context.clock.after(retryMs, () => this.#lookSoon(xuid));
    });
  }

  /** Resolves when all that had changed before the call has been sent. */
  #look(xuid: Xuid, watched: WatchedUser): Promise<void> {
    watched.isStale = true;
    watched.reading ??= this.#lookWhileStale(xuid, watched).finally(() => {
      watched.reading = undefined;
    });
    return watched.reading;
  }

  async #lookWhileStale(xuid: Xuid, watched: WatchedUser): Promise<void> {
    while (watched.isStale) {
      watched.isStale = false;
      const presence = await readPresence(this.#context, xuid);
      const events = presenceEvents(watched.last, presence);
      watched.last = presence;
      if (events.devices.length > 0 || events.titles.length > 0) {
        await this.#sendAll(xuid, watched, events);
      }
    }
  }

  async #sendAll(xuid: Xuid, { connections }: WatchedUser, events: PresenceEvents): Promise<void> {
    for (const connection of [...connections]) {
      if (!(await maySeePresence(this.#context, xuid, connection.xuid))) continue;
      for (const [deviceType, isOn] of events.devices) {
        this.#send(connection, `${deviceType}:${isOn}`, (one) => {
          return one.xuid === xuid && one.titleId === undefined;
        });
      }
      for (const [titleId, isIn] of events.titles) {
        this.#send(connection, `${isIn ? 'started' : 'ended'}:${titleId}`, (one) => {
          return one.xuid === xuid && one.titleId === titleId;
        });
      }
    }
  }

  /** Sends an event; a client that does not read gets a resync later instead. */
  #send(
    connection: Connection,
    event: string,
    fits: (resource: PresenceResource) => boolean,
  ): void {
    if (!connection.isSubscribedTo('presence', fits)) return;
    if (connection.wire.bufferedBytes > this.#outboxBytesMax) connection.taps.fallBehind();
    else connection.sendEvent('presence', JSON.stringify(event), fits);
  }
}
