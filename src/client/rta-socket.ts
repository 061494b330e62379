/**
 * One life of a real-time socket: what is asked on it, what is answered, what happens.
 *
 *     ours     [1, seq, resource]   subscribe        [2, seq, id]    unsubscribe
 *     theirs   [1, seq, code, id, data]              [2, seq, code]
 *              [3, id, data]        event            [4]             something may have been missed
 *
 * Answers may come in another order than the questions; `seq` matches them.
 *
 * @source docs/wire/rta.md "Frames"
 */

import { formatJson, parseJson } from './json.ts';
import { connectionLost, refusedSubscription } from './rta-error.ts';

/** The used part of a `WebSocket`; every platform's own fits. */
export type WebSocketLike = {
  addEventListener(
    type: 'open' | 'message' | 'close' | 'error',
    listener: (event: { readonly data?: unknown }) => void,
  ): void;
  send(text: string): void;
  close(): void;
};

/** Opens a socket that asks for this sub-protocol. */
export type OpenWebSocket = (url: string, protocol: string) => WebSocketLike;

const protocol = 'rta.xboxlive.com.V2';

type Listener = (data: unknown) => void;

export type RtaSocketEvents = {
  readonly onResync: () => void;
  /** Called once, before what is under way is rejected; not for `close`. */
  readonly onLost: () => void;
};

type Question = {
  readonly answered: (code: number, id: unknown, data: unknown) => void;
  readonly failed: (error: Error) => void;
};

export class RtaSocket {
  readonly #socket: WebSocketLike;
  readonly #events: RtaSocketEvents;
  readonly #questions = new Map<number, Question>();
  readonly #listeners = new Map<number, Listener>();
  #seq = 0;
  #isOver = false;

  constructor(socket: WebSocketLike, events: RtaSocketEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.addEventListener('message', ({ data }) => this.#receive(data));
    socket.addEventListener('close', () => this.#lose());
    socket.addEventListener('error', () => this.#lose());
  }

  /**
   * An open socket. Rejects when the server refuses it, for which platforms give no reason, or
   * when `signal` is aborted.
   */
  static open(
    url: string,
    openWebSocket: OpenWebSocket,
    events: RtaSocketEvents,
    signal: AbortSignal,
  ): Promise<RtaSocket> {
    return new Promise((resolve, reject) => {
      const socket = openWebSocket(url, protocol);
      const give = (error: unknown): void => {
        socket.close();
        reject(error);
      };
      const onAbort = (): void => give(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      const refused = (): void => {
        signal.removeEventListener('abort', onAbort);
        reject(connectionLost());
      };
      socket.addEventListener('error', refused);
      socket.addEventListener('close', refused);
      socket.addEventListener('open', () => {
        signal.removeEventListener('abort', onAbort);
        resolve(new RtaSocket(socket, events));
      });
    });
  }

  /** True once the socket is closing or closed. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * The id and the data of a new subscription; `listener` gets every event of it, from the
   * first on. Rejects with the server's code, or when the socket is lost.
   */
  subscribe(resource: string, listener: Listener): Promise<{ id: number; data: unknown }> {
    return this.#ask(1, resource, (code, id, data) => {
      if (code !== 0) throw refusedSubscription(resource, code);
      if (typeof id !== 'number') throw connectionLost(new TypeError('an answer without an id'));
      // Before the next frame is read, which may be an event of it.
      this.#listeners.set(id, listener);
      return { id, data };
    });
  }

  /** Resolves when no more events of this subscription come, whatever the server answers. */
  async unsubscribe(id: number): Promise<void> {
    await this.#ask(2, id, () => this.#listeners.delete(id));
  }

  /** Ends the socket; calls under way are rejected. */
  close(): void {
    if (this.#isOver) return;
    this.#end();
    this.#socket.close();
  }

  #ask<T>(
    kind: 1 | 2,
    what: unknown,
    answered: (code: number, id: unknown, data: unknown) => T,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#isOver) return reject(connectionLost());
      const seq = this.#seq++;
      this.#questions.set(seq, {
        failed: reject,
        answered: (code, id, data) => {
          try {
            resolve(answered(code, id, data));
          } catch (error) {
            reject(error);
          }
        },
      });
      this.#socket.send(formatJson([kind, seq, what]));
    });
  }

  #receive(text: unknown): void {
    const frame = typeof text === 'string' ? parseFrame(text) : undefined;
    if (frame === undefined || this.#isOver) return;
    const [kind, number, third, fourth, fifth] = frame;
    if (kind === 4) this.#events.onResync();
    if (typeof number !== 'number') return;
    if (kind === 3) this.#listeners.get(number)?.(third);
    if (kind === 1 || kind === 2) {
      const question = this.#questions.get(number);
      this.#questions.delete(number);
      question?.answered(Number(third), fourth, fifth);
    }
  }

  #lose(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.onLost();
    this.#end();
  }

  #end(): void {
    this.#isOver = true;
    for (const { failed } of this.#questions.values()) failed(connectionLost());
    this.#questions.clear();
    this.#listeners.clear();
  }
}

/** Undefined when it is none. */
function parseFrame(text: string): readonly unknown[] | undefined {
  try {
    const frame = parseJson(text);
    return Array.isArray(frame) ? frame : undefined;
  } catch {
    return undefined; // of a server that speaks something else
  }
}
