/** One connection: its user, its subscriptions, and what keeps it alive. */

import type { Guid, Xuid } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Observers } from '../observe/observers.ts';
import { formatEvent, resyncFrame } from './protocol.ts';
import type { Resource } from './resource.ts';
import { TapBuffer } from './tap-buffer.ts';

/** The socket, as a connection sees it. Sending after its end is no error. */
export interface Wire {
  send(frame: string): void;
  ping(): void;
  pong(): void;
  /** Bytes that were sent and have not left this process. */
  readonly bufferedBytes: number;
  /** Ends it with a close frame that says why. */
  close(why: string): void;
  /** Ends it without a close frame: to clients, as if the network had failed. */
  drop(): void;
}

type Kind = Resource['kind'];
type ResourceOf<K extends Kind> = Extract<Resource, { readonly kind: K }>;

type Subscription = { readonly id: number; readonly resource: Resource };

/** What a connection needs from outside. */
export type ConnectionPorts = {
  readonly observers: Observers;
  readonly nowMs: () => Milliseconds;
  /** The clock for ages, windows and pongs. */
  readonly elapsedMs: () => Milliseconds;
  /** The time in which this process ran, for the silence of a client. */
  readonly runningMs: () => Milliseconds;
  /**
   * Called when something that was sent has not left this process at once; `wasEmpty` when nothing
   * waited before it.
   */
  readonly sendsSlowly: (connection: Connection, wasEmpty: boolean) => void;
};

/** Invites that one connection remembers as sent. */
const sentInvitesMax = 1_000;

export class Connection {
  /** Lower-case; its first eight digits are the node. */
  readonly id: Guid;
  /** Changes once where the xuid of the caller is learnt later. */
  xuid: Xuid;
  readonly wire: Wire;
  readonly taps = new TapBuffer();
  readonly #ports: ConnectionPorts;
  /** In the order of their ids. */
  readonly #subscriptions: Subscription[] = [];
  #nextSubscriptionId = 0;
  #sentInvites: Set<Guid> | undefined;
  readonly #openedMs: Milliseconds;
  /** When data was last received or sent. */
  #usedMs: Milliseconds;
  #pongMs: Milliseconds;
  /** By `runningMs`. */
  #heardMs: Milliseconds;
  #isPinged = false;

  constructor(id: Guid, xuid: Xuid, wire: Wire, ports: ConnectionPorts) {
    this.id = id;
    this.xuid = xuid;
    this.wire = wire;
    this.#ports = ports;
    const openedMs = ports.elapsedMs();
    this.#openedMs = openedMs;
    this.#usedMs = openedMs;
    this.#pongMs = openedMs;
    this.#heardMs = ports.runningMs();
  }

  /** How long it has been open. */
  get ageMs(): Milliseconds {
    return this.#ports.elapsedMs() - this.#openedMs;
  }

  /** In the order of their ids. */
  get subscriptions(): readonly Subscription[] {
    return this.#subscriptions;
  }

  get subscriptionsCount(): number {
    return this.#subscriptions.length;
  }

  /** The id of a new subscription: from 0, none given twice. */
  subscribe(resource: Resource): number {
    const id = this.#nextSubscriptionId++;
    this.#subscriptions.push({ id, resource });
    return id;
  }

  /** What the subscription was to; undefined when there is no such subscription. */
  unsubscribe(id: number): Resource | undefined {
    const at = this.#subscriptions.findIndex((one) => one.id === id);
    return at < 0 ? undefined : this.#subscriptions.splice(at, 1)[0]?.resource;
  }

  /** True when there is a subscription of this kind, and to a resource that fits. */
  isSubscribedTo<K extends Kind>(kind: K, fits?: (resource: ResourceOf<K>) => boolean): boolean {
    return this.#newest(kind, fits) !== undefined;
  }

  /** The resources of this kind that are subscribed to. */
  resourcesOf<K extends Kind>(kind: K): readonly ResourceOf<K>[] {
    return this.#subscriptions
      .map(({ resource }) => resource)
      .filter((resource): resource is ResourceOf<K> => resource.kind === kind);
  }

  /**
   * Sends an event to the newest subscription of this kind; `data` is JSON text. Equal
   * subscriptions get it once.
   *
   * @source docs/wire/unknowns.md "equal subscriptions of one connection"
   */
  sendEvent<K extends Kind>(
    kind: K,
    data: string,
    fits?: (resource: ResourceOf<K>) => boolean,
  ): void {
    const newest = this.#newest(kind, fits);
    if (newest !== undefined) this.send(formatEvent(newest.id, data));
  }

  #newest<K extends Kind>(
    kind: K,
    fits: ((resource: ResourceOf<K>) => boolean) | undefined,
  ): Subscription | undefined {
    for (let at = this.#subscriptions.length - 1; at >= 0; at -= 1) {
      const subscription = this.#subscriptions[at];
      const resource = subscription?.resource;
      if (resource?.kind === kind && (fits?.(resource as ResourceOf<K>) ?? true)) {
        return subscription;
      }
    }
    return undefined;
  }

  send(frame: string): void {
    this.#usedMs = this.#ports.elapsedMs();
    const wasEmpty = this.wire.bufferedBytes === 0;
    this.wire.send(frame);
    this.#observeFrame('sent', frame);
    this.#checkBuffer(wasEmpty);
  }

  /** Says that the client may have missed something. */
  sendResync(): void {
    this.send(resyncFrame);
    const { observers, nowMs } = this.#ports;
    observers.current?.({
      kind: 'resyncSent',
      atMs: nowMs(),
      connection: this.id,
      xuid: this.xuid,
    });
  }

  /** Notes a text that the client has sent. */
  received(frame: string): void {
    this.#observeFrame('received', frame);
    this.heard();
  }

  #observeFrame(direction: 'received' | 'sent', text: string): void {
    const { observers, nowMs } = this.#ports;
    observers.current?.({
      kind: 'frame',
      atMs: nowMs(),
      connection: this.id,
      direction,
      text,
    });
  }

  /** Reports a client that does not read as fast as it is sent to. */
  #checkBuffer(wasEmpty: boolean): void {
    if (this.wire.bufferedBytes > 0) this.#ports.sendsSlowly(this, wasEmpty);
  }

  /** True when this invite was sent here, as far as it is remembered. */
  wasSentInvite(id: Guid): boolean {
    return this.#sentInvites?.has(id) === true;
  }

  /** True the first time that this invite is to be sent here. */
  beginsInvite(id: Guid): boolean {
    if (this.wasSentInvite(id)) return false;
    this.#sentInvites ??= new Set();
    this.#sentInvites.add(id);
    if (this.#sentInvites.size > sentInvitesMax) {
      const [oldest = ''] = this.#sentInvites;
      this.#sentInvites.delete(oldest);
    }
    return true;
  }

  /** Notes that data came from the client, a ping or a pong too. */
  heard(): void {
    this.#usedMs = this.#ports.elapsedMs();
    this.#heardMs = this.#ports.runningMs();
    this.#isPinged = false;
  }

  /** Notes that a ping of the client was answered. */
  ponged(): void {
    this.#pongMs = this.#ports.elapsedMs();
    this.#checkBuffer(false);
  }

  /**
   * Keeps the connection alive, or says why it has ended: a pong after silence, and at times in
   * any case, since one client waits for them; a ping to a silent client; the end for one that does
   * not answer, or that is too old.
   *
   * @source docs/wire/rta.md "Life of a connection"
   */
  keepAlive(): 'alive' | 'silent' | 'old' {
    const nowMs = this.#ports.elapsedMs();
    const unheardMs = this.#ports.runningMs() - this.#heardMs;
    if (unheardMs >= limits.unheardMsMax) return 'silent';
    if (nowMs - this.#openedMs >= limits.connectionMsMax) return 'old';
    if (unheardMs >= limits.unheardMsMax / 2 && !this.#isPinged) {
      this.#isPinged = true;
      this.wire.ping();
    }
    const silentMs = nowMs - Math.max(this.#usedMs, this.#pongMs);
    if (silentMs >= limits.silenceMsMax || nowMs - this.#pongMs >= limits.pongGapMsMax) {
      this.#pongMs = nowMs;
      this.wire.pong();
    }
    return 'alive';
  }
}
