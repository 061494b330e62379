/**
 * One connection: whose it is, what it is subscribed to, and what keeps it alive.
 */

import type { Guid, Xuid } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Milliseconds } from '../domain/time.ts';
import { formatEvent } from './protocol.ts';
import type { Resource } from './resource.ts';
import { TapBuffer } from './tap-buffer.ts';

/** The socket, as a connection sees it. Sending after its end is no error. */
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

type Kind = Resource['kind'];

/** What a connection needs of its surroundings. */
export type ConnectionPorts = {
  /** What ages, windows and pongs are measured by. */
  readonly elapsedMs: () => Milliseconds;
  /** Time in which this process ran: what the silence of a client is measured by. */
  readonly runningMs: () => Milliseconds;
  /**
   * Called when something that was sent has not left this process at once; `wasEmpty` when nothing
   * waited before it.
   */
  readonly sendsSlowly: (connection: Connection, wasEmpty: boolean) => void;
};

/** Invites of which one connection remembers that they were sent to it. */
const sentInvitesMax = 1_000;

export class Connection {
  /** Lower-case; its first eight digits are the node. */
  readonly id: Guid;
  /** Changes once where the xuid of the caller is learnt later. */
  xuid: Xuid;
  readonly wire: Wire;
  readonly taps = new TapBuffer();
  readonly #ports: ConnectionPorts;
  /** Rising, by kind. */
  readonly #ids: { [K in Kind]?: number[] } = {};
  #subscriptionsCount = 0;
  #nextSubscriptionId = 0;
  #sentInvites: Set<Guid> | undefined;
  readonly #openedMs: Milliseconds;
  /** When something was received or sent for the last time. */
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

  get subscriptionsCount(): number {
    return this.#subscriptionsCount;
  }

  /** The id of a new subscription: from 0, none given twice. */
  subscribe({ kind }: Resource): number {
    const id = this.#nextSubscriptionId++;
    this.#subscriptionsCount += 1;
    const ids = this.#ids[kind];
    if (ids === undefined) this.#ids[kind] = [id];
    else ids.push(id);
    return id;
  }

  /** False when there is no such subscription. */
  unsubscribe(id: number): boolean {
    for (const ids of Object.values(this.#ids)) {
      const at = ids.indexOf(id);
      if (at < 0) continue;
      ids.splice(at, 1);
      this.#subscriptionsCount -= 1;
      return true;
    }
    return false;
  }

  /** True when there is a subscription of this kind. */
  isSubscribedTo(kind: Kind): boolean {
    return (this.#ids[kind]?.length ?? 0) > 0;
  }

  /**
   * Sends an event to the newest subscription of this kind; `data` is JSON text. Equal subscriptions
   * get it once: who subscribes again has no use for the former answer.
   *
   * @source docs/wire/unknowns.md "equal subscriptions of one connection"
   */
  sendEvent(kind: Kind, data: string): void {
    const id = this.#ids[kind]?.at(-1);
    if (id !== undefined) this.send(formatEvent(id, data));
  }

  send(frame: string): void {
    this.#usedMs = this.#ports.elapsedMs();
    const wasEmpty = this.wire.bufferedBytes === 0;
    this.wire.send(frame);
    this.#checkBuffer(wasEmpty);
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

  /** Notes that something came from the client, a ping or a pong included. */
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
   * Keeps the connection alive, or says that it has ended: a pong after silence, and now and then in
   * any case, since one client waits for them; a ping to a silent client; the end for one that does
   * not answer, or that is too old.
   *
   * @source docs/wire/rta.md "Life of a connection"
   */
  keepAlive(): 'alive' | 'ended' {
    const nowMs = this.#ports.elapsedMs();
    const unheardMs = this.#ports.runningMs() - this.#heardMs;
    if (unheardMs >= limits.unheardMsMax || nowMs - this.#openedMs >= limits.connectionMsMax) {
      return 'ended';
    }
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
