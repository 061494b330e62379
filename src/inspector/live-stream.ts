/** The live stream of the inspector: server-sent events to every client that is connected. */

import type { Writable } from 'node:stream';
import type { Milliseconds } from '../domain/time.ts';
import type { Timer } from '../platform/clock.ts';
import type { LiveEvent } from './api-types.ts';

/** How long events are gathered, so that a session that changes often is sent once. */
const gatherMs: Milliseconds = 100;

/** How often a client gets a comment, by which it notices that the server is gone. */
const idleMs: Milliseconds = 15_000;

/** Events of one gathering; of more only their number is sent. */
const eventsMax = 1_000;

/** Bytes that may wait for one client. */
const unsentBytesMax = 1_048_576;

type Client = { readonly outgoing: Writable; skippedCount: number };

export type LiveStreamPorts = {
  /** Runs a task later by time that nobody moves. */
  readonly after: (delayMs: Milliseconds, task: () => void) => Timer;
  /** Called before events are sent. */
  readonly onFlush: () => void;
};

export class LiveStream implements Disposable {
  readonly #ports: LiveStreamPorts;
  readonly #clients = new Set<Client>();
  /** By what they are about: a later event takes the place of an earlier one. */
  #gathered = new Map<string, LiveEvent>();
  #skippedCount = 0;
  #flushTimer: Timer | undefined;
  #idleTimer: Timer | undefined;
  #isClosed = false;

  constructor(ports: LiveStreamPorts) {
    this.#ports = ports;
  }

  get clientsCount(): number {
    return this.#clients.size;
  }

  /** Sends `first` and then all events, until the client goes or the server ends. */
  open(outgoing: Writable, first: LiveEvent): void {
    if (this.#isClosed) {
      outgoing.end();
      return;
    }
    const client: Client = { outgoing, skippedCount: 0 };
    this.#clients.add(client);
    outgoing.on('close', () => this.#forget(client));
    outgoing.on('error', () => this.#forget(client));
    outgoing.write(formatEvent(first));
    this.#idleTimer ??= this.#ports.after(idleMs, () => this.#keepAlive());
  }

  /** Sends an event in a moment; `about` names what a later event makes worthless. */
  push(event: LiveEvent, about: string): void {
    if (this.#clients.size === 0) return;
    this.#gathered.delete(about);
    if (this.#gathered.size < eventsMax) this.#gathered.set(about, event);
    else this.#skippedCount += 1;
    this.#flushTimer ??= this.#ports.after(gatherMs, () => this.#flush());
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#flushTimer?.cancel();
    this.#idleTimer?.cancel();
    for (const { outgoing } of this.#clients) outgoing.end();
    this.#clients.clear();
  }

  #forget(client: Client): void {
    this.#clients.delete(client);
    if (this.#clients.size > 0) return;
    this.#idleTimer?.cancel();
    this.#idleTimer = undefined;
  }

  #flush(): void {
    this.#flushTimer = undefined;
    this.#ports.onFlush();
    const events = [...this.#gathered.values()];
    const skippedCount = this.#skippedCount;
    this.#gathered = new Map();
    this.#skippedCount = 0;
    const text = events.map(formatEvent).join('');
    for (const client of this.#clients) {
      client.skippedCount += skippedCount;
      if (client.outgoing.writableLength > unsentBytesMax) client.skippedCount += events.length;
      else {
        const { skippedCount: count } = client;
        client.outgoing.write(
          count > 0 ? `${text}${formatEvent({ kind: 'skipped', count })}` : text,
        );
        client.skippedCount = 0;
      }
    }
  }

  #keepAlive(): void {
    for (const { outgoing } of this.#clients) {
      if (outgoing.writableLength <= unsentBytesMax) outgoing.write(':\n\n');
    }
    this.#idleTimer = this.#ports.after(idleMs, () => this.#keepAlive());
  }
}

/** JSON has no line breaks of its own. */
function formatEvent(event: LiveEvent): string {
  return `event: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`;
}
