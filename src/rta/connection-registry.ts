import type { UserCaller } from '../domain/caller.ts';
import type { Guid, Xuid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { CloseReason } from '../observe/events.ts';
import type { Observers } from '../observe/observers.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import { Connection, type ConnectionPorts, type Wire } from './connection.ts';

/** Limits for the connections of a node. */
export type ConnectionBounds = {
  readonly connectionsMax: number;
  readonly connectionsPerUserMax: number;
  /** Unsent bytes for one client; past four times as much its connection is dropped. */
  readonly outboxBytesMax: number;
  /** Unsent bytes for all clients together; past it the clients with the most are dropped. */
  readonly unsentBytesMax: number;
  /** How long data may wait for a client before its connection is dropped. */
  readonly sendTimeoutMs: Milliseconds;
};

/** By id. */
export type Connections = Map<Guid, Connection>;

/** Unsent data of a client that reads too slowly. */
type Backlog = { bytes: number; sinceMs: Milliseconds };

/** How often all connections are checked. */
const tickMs: Milliseconds = 1_000;
/** After so long without a tick the process was paused, and could receive nothing. */
const lateTickMs: Milliseconds = 2 * tickMs;
const hardLimitFactor = 4;
/** How far the unsent bytes of all are reduced when they are too many, as a part of the limit. */
const shedTo = 0.75;

/**
 * The open connections of this node, with their number, for each user and in all, and their unsent
 * data: how much, and for how long.
 */
export class ConnectionRegistry implements Disposable {
  readonly #connections: Connections;
  readonly #clock: Clock;
  readonly #silenceClock: Pick<Clock, 'elapsedMs'>;
  readonly #bounds: ConnectionBounds;
  readonly #ended: (connection: Connection, why: CloseReason) => void;
  /** For all connections. */
  readonly #ports: ConnectionPorts;
  readonly #countOf = new Map<Xuid, number>();
  readonly #backlogs = new Map<Connection, Backlog>();
  #unsentBytes = 0;
  #tickTimer: Timer | undefined;
  #tickedMs: Milliseconds;
  /** Time in which this process was paused: a client was not silent then. */
  #standstillMs: Milliseconds = 0;

  /**
   * `connections` is where they are kept. `silenceClock` measures the silence of clients; tests do
   * not move it. `ended` is called for each connection that is dropped here.
   */
  constructor(
    connections: Connections,
    clock: Clock,
    silenceClock: Pick<Clock, 'elapsedMs'>,
    bounds: ConnectionBounds,
    observers: Observers,
    ended: (connection: Connection, why: CloseReason) => void,
  ) {
    this.#connections = connections;
    this.#clock = clock;
    this.#silenceClock = silenceClock;
    this.#bounds = bounds;
    this.#ended = ended;
    this.#tickedMs = silenceClock.elapsedMs();
    this.#ports = {
      observers,
      nowMs: () => clock.nowMs(),
      elapsedMs: () => clock.elapsedMs(),
      runningMs: () => this.#runningMs(),
      sendsSlowly: (connection, wasEmpty) => this.#noteBacklog(connection, wasEmpty),
    };
  }

  /** Checks all connections from now on, once a second; `ticked` is called for those that stay. */
  start(ticked: (connection: Connection) => void): void {
    this.#tickTimer = this.#clock.after(tickMs, () => {
      this.start(ticked);
      this.#tick(ticked);
    });
  }

  [Symbol.dispose](): void {
    this.#tickTimer?.cancel();
  }

  all(): Iterable<Connection> {
    return this.#connections.values();
  }

  get(id: Guid): Connection | undefined {
    return this.#connections.get(id);
  }

  isOpen(connection: Connection): boolean {
    return this.#connections.get(connection.id) === connection;
  }

  /**
   * Undefined when this user may open one more connection.
   *
   * Refuses: connectionsFull, tooManyConnections.
   */
  refusalOf({ xuid }: UserCaller): Refusal | undefined {
    const { connectionsMax, connectionsPerUserMax } = this.#bounds;
    if (this.#connections.size >= connectionsMax) {
      return new Refusal(
        'connectionsFull',
        `This server has ${connectionsMax} RTA connections and takes no more; try again later.`,
      );
    }
    if ((this.#countOf.get(xuid) ?? 0) < connectionsPerUserMax) return undefined;
    return new Refusal(
      'tooManyConnections',
      `User ${xuid} has ${connectionsPerUserMax} RTA connections to this server; close one before opening another.`,
    );
  }

  /** A new connection over `wire`. */
  add(id: Guid, { xuid }: UserCaller, wire: Wire): Connection {
    const connection = new Connection(id, xuid, wire, this.#ports);
    this.#connections.set(id, connection);
    this.#count(xuid, 1);
    return connection;
  }

  /** Makes a connection that of this user, also one that has ended. */
  rename(connection: Connection, xuid: Xuid): void {
    if (this.isOpen(connection)) {
      this.#count(connection.xuid, -1);
      this.#count(xuid, 1);
    }
    connection.xuid = xuid;
  }

  #count(xuid: Xuid, change: 1 | -1): void {
    const count = (this.#countOf.get(xuid) ?? 0) + change;
    if (count > 0) this.#countOf.set(xuid, count);
    else this.#countOf.delete(xuid);
  }

  /** Removes a connection; false when it was not open. */
  remove(connection: Connection): boolean {
    if (!this.isOpen(connection)) return false;
    this.#connections.delete(connection.id);
    this.#forgetBacklog(connection);
    this.#count(connection.xuid, -1);
    return true;
  }

  /** Ends a connection as if the network had failed. */
  drop(connection: Connection, why: CloseReason): void {
    connection.wire.drop();
    this.#ended(connection, why);
  }

  #tick(ticked: (connection: Connection) => void): void {
    const nowMs = this.#silenceClock.elapsedMs();
    const sinceTickMs = nowMs - this.#tickedMs;
    this.#tickedMs = nowMs;
    if (sinceTickMs > lateTickMs) this.#standstillMs += sinceTickMs - tickMs;
    for (const connection of this.#connections.values()) {
      const state = connection.keepAlive();
      if (state === 'alive') ticked(connection);
      else this.drop(connection, state);
    }
    this.#dropStalled();
  }

  #noteBacklog(connection: Connection, wasEmpty: boolean): void {
    if (!this.isOpen(connection)) return;
    const bytes = connection.wire.bufferedBytes;
    let backlog = this.#backlogs.get(connection);
    if (backlog === undefined) {
      backlog = { bytes: 0, sinceMs: this.#runningMs() };
      this.#backlogs.set(connection, backlog);
    } else if (wasEmpty) backlog.sinceMs = this.#runningMs();
    this.#unsentBytes += bytes - backlog.bytes;
    backlog.bytes = bytes;
    const { outboxBytesMax, unsentBytesMax } = this.#bounds;
    if (bytes > outboxBytesMax * hardLimitFactor) this.drop(connection, 'slow');
    else if (this.#unsentBytes > unsentBytesMax) this.#shed();
  }

  #forgetBacklog(connection: Connection): void {
    this.#unsentBytes -= this.#backlogs.get(connection)?.bytes ?? 0;
    this.#backlogs.delete(connection);
  }

  /** The unsent bytes now, since sockets do not report that a client has read. */
  #measureBacklogs(): void {
    for (const [connection, backlog] of this.#backlogs) {
      const bytes = connection.wire.bufferedBytes;
      this.#unsentBytes += bytes - backlog.bytes;
      backlog.bytes = bytes;
      if (bytes === 0) this.#backlogs.delete(connection);
    }
  }

  /** Drops clients that did not read for too long. */
  #dropStalled(): void {
    this.#measureBacklogs();
    const sinceMsMin = this.#runningMs() - this.#bounds.sendTimeoutMs;
    for (const [connection, { sinceMs }] of this.#backlogs) {
      if (sinceMs <= sinceMsMin) this.drop(connection, 'slow');
    }
  }

  /** Drops the clients with the most unsent data, until the rest is well below the limit. */
  #shed(): void {
    this.#measureBacklogs();
    const enough = this.#bounds.unsentBytesMax * shedTo;
    const byBytes = [...this.#backlogs].sort(([, a], [, b]) => b.bytes - a.bytes);
    for (const [connection] of byBytes) {
      if (this.#unsentBytes <= enough) return;
      this.drop(connection, 'slow');
    }
  }

  #runningMs(): Milliseconds {
    return this.#silenceClock.elapsedMs() - this.#standstillMs;
  }
}
