/**
 * One connection: who it belongs to, what it follows, what is to be sent on it.
 */

import type { Guid, Xuid } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Milliseconds } from '../domain/time.ts';
import { Outbox, type WaitingTap } from './outbox.ts';
import { formatEvent, formatTaps, resyncFrame } from './protocol.ts';
import type { Resource } from './resource.ts';

/** The socket, as a connection sees it. Nothing that is sent after its end is an error. */
export interface Wire {
  send(frame: string): void;
  ping(): void;
  pong(): void;
  /** What was sent and has not left this process. */
  readonly bufferedBytes: number;
  /** Ends it with a close frame that says why. */
  close(why: string): void;
  /** Ends it without a close frame: to clients, as if the network had failed. */
  drop(): void;
}

/** What a test makes of the taps of a connection: they come late, or never. */
export type Disturbance = { readonly delayMs: Milliseconds; readonly drop: boolean };

export class Connection {
  /** Lower-case; its first eight digits are the node. */
  readonly id: Guid;
  readonly xuid: Xuid;
  readonly wire: Wire;
  /** Undefined, as it is but for the control API: none. */
  disturbance: Disturbance | undefined;
  readonly #outbox = new Outbox();
  #subscriptions: readonly { readonly id: number; readonly resource: Resource }[] = [];
  #nextSubscriptionId = 0;
  /** Invites that this connection has been told of. */
  #invites: Set<Guid> | undefined;
  readonly #openedMs: Milliseconds;
  #heardMs: Milliseconds;
  #sentMs: Milliseconds;
  #pongMs: Milliseconds;
  #isPinged = false;
  #excusedMs: Milliseconds = Number.NEGATIVE_INFINITY;

  constructor(id: Guid, xuid: Xuid, wire: Wire, nowMs: Milliseconds) {
    this.id = id;
    this.xuid = xuid;
    this.wire = wire;
    this.#openedMs = nowMs;
    this.#heardMs = nowMs;
    this.#sentMs = nowMs;
    this.#pongMs = nowMs;
  }

  get subscriptionsCount(): number {
    return this.#subscriptions.length;
  }

  /** The id of a new subscription: from 0, none given twice. */
  subscribe(resource: Resource): number {
    const id = this.#nextSubscriptionId++;
    this.#subscriptions = [...this.#subscriptions, { id, resource }];
    return id;
  }

  /** False when there is no such subscription. */
  unsubscribe(id: number): boolean {
    const rest = this.#subscriptions.filter((one) => one.id !== id);
    const isKnown = rest.length < this.#subscriptions.length;
    this.#subscriptions = rest;
    return isKnown;
  }

  /** True when a subscription of one of these kinds is there. */
  follows(...kinds: readonly Resource['kind'][]): boolean {
    return this.#subscriptions.some(({ resource }) => kinds.includes(resource.kind));
  }

  /** Sends an event to each subscription of this kind; `data` is JSON text. */
  tell(kind: Resource['kind'], data: string, nowMs: Milliseconds): void {
    for (const { id, resource } of this.#subscriptions) {
      if (resource.kind === kind) this.send(formatEvent(id, data), nowMs);
    }
  }

  send(frame: string, nowMs: Milliseconds): void {
    this.#sentMs = nowMs;
    this.wire.send(frame);
  }

  /** True the first time that this connection is to be told of this invite. */
  beginsInvite(id: Guid): boolean {
    this.#invites ??= new Set();
    return this.#invites.size < this.#invites.add(id).size;
  }

  /** Takes in a tap; `flush` sends it. Whoever does not follow the directory is not told. */
  tap(tap: WaitingTap): void {
    if (this.follows('connections')) this.#outbox.add(tap);
  }

  /** When the window ends that the last tap began; of the past when none is open. */
  get openMs(): Milliseconds {
    return this.#outbox.openMs;
  }

  /** Gives up what waits: the client is to read again what it follows. */
  loseTrack(): void {
    this.#outbox.fallBehind();
  }

  /**
   * Sends the taps that may go out now, in one event; true when some did. To a client that does not
   * read, one resync instead, when it reads again.
   */
  flush(nowMs: Milliseconds, windowMs: Milliseconds, bytesMax: number, ncid: () => Guid): boolean {
    if (this.wire.bufferedBytes > bytesMax) {
      this.#outbox.fallBehind();
      return false;
    }
    if (this.#outbox.takeResync()) this.send(resyncFrame, nowMs);
    const taps = this.#outbox.take(nowMs, windowMs);
    if (taps === undefined) return false;
    this.tell('connections', formatTaps(ncid(), taps), nowMs);
    return true;
  }

  /** True while a resync is owed. */
  get isBehind(): boolean {
    return this.#outbox.isBehind;
  }

  /** Notes that something came from the client, be it a ping or a pong. */
  heard(nowMs: Milliseconds): void {
    this.#heardMs = nowMs;
    this.#isPinged = false;
  }

  /** Counts no silence before `untilMs` against the client: the clock jumps there. */
  excuse(untilMs: Milliseconds): void {
    this.#excusedMs = untilMs;
  }

  /** Notes that a ping of the client was answered. */
  ponged(nowMs: Milliseconds): void {
    this.#pongMs = nowMs;
  }

  /**
   * Keeps the connection alive or ends it: a pong after silence, and now and then in any case, since
   * one client waits for them; a ping to one that says nothing; no more when it does not answer, or
   * is too old.
   *
   * @source contract 9, wire 6.8
   */
  keepAlive(nowMs: Milliseconds): 'alive' | 'ended' {
    const unheardMs = nowMs - Math.max(this.#heardMs, this.#excusedMs);
    if (unheardMs >= limits.unheardMsMax || nowMs - this.#openedMs >= limits.connectionMsMax) {
      return 'ended';
    }
    if (unheardMs >= limits.unheardMsMax / 2 && !this.#isPinged) {
      this.#isPinged = true;
      this.wire.ping();
    }
    const silentMs = nowMs - Math.max(this.#heardMs, this.#sentMs, this.#pongMs);
    if (silentMs >= limits.silenceMsMax || nowMs - this.#pongMs >= limits.pongGapMsMax) {
      this.#pongMs = nowMs;
      this.wire.pong();
    }
    return 'alive';
  }
}
