import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { assertDescribedFrame } from './described-answers.ts';

/** Where members' connection ids and taps come from. */
export const connectionsUri = 'https://sessiondirectory.xboxlive.com/connections/';

/** A frame as it came: a JSON array. */
export type Frame = readonly unknown[];

export type Tap = {
  readonly timestamp: string;
  readonly subscription: string;
  readonly resourceType: string;
  readonly resource: string;
  readonly branch: string;
  readonly changeNumber?: number;
};

export type ConnectOptions = {
  readonly path?: string;
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
};

/** An RTA client that does nothing by itself: it shows the received frames, in their order. */
export class KitConnection implements AsyncDisposable {
  readonly socket: WebSocket;
  /** Of the 101. */
  readonly handshake: IncomingMessage;
  /** The close code: 1006 when there was no close frame. */
  readonly closed: Promise<number>;
  readonly #frames: Frame[] = [];
  #waiting: (() => void)[] = [];
  #isClosed = false;
  #sequence = 1_000;

  /** Resolves when the handshake is done. Rejects with `HTTP <status>: <text>` when it is refused. */
  static open(url: string, options: ConnectOptions = {}): Promise<KitConnection> {
    const { path = '/connect', protocols = ['rta.xboxlive.com.V2'], headers = {} } = options;
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}${path}`, [...protocols], {
      headers,
    });
    let handshake: IncomingMessage;
    socket.on('upgrade', (incoming) => {
      handshake = incoming;
    });
    const { promise, resolve, reject } = Promise.withResolvers<KitConnection>();
    socket.on('error', reject);
    // Listening from here, not from when the promise is awaited: the first frame may come at once.
    socket.on('open', () => resolve(new KitConnection(socket, handshake)));
    socket.on('unexpected-response', (_request, response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => {
        // It may stay open for requests that never come.
        socket.terminate();
        response.destroy();
        reject(new Error(`HTTP ${response.statusCode}: ${text}`));
      });
    });
    return promise;
  }

  constructor(socket: WebSocket, handshake: IncomingMessage) {
    this.socket = socket;
    this.handshake = handshake;
    socket.on('message', (data) => {
      this.#frames.push(JSON.parse(String(data)) as Frame);
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', (code) => {
        this.#isClosed = true;
        resolve(code);
        this.#wake();
      });
    });
  }

  /** Sends a frame; a text goes as it is. */
  send(frame: Frame | string): void {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** The next frame that fits and was not taken yet, when it has come. */
  async nextFrame(fits: (frame: Frame) => boolean = () => true): Promise<Frame> {
    for (;;) {
      const at = this.#frames.findIndex(fits);
      const [frame] = at < 0 ? [] : this.#frames.splice(at, 1);
      if (frame !== undefined) {
        assertDescribedFrame(frame);
        return frame;
      }
      if (this.#isClosed) throw new Error('the connection was closed');
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** The answer to a subscribe; events that came before it stay where they are. */
  subscribe(uri = connectionsUri, sequence = ++this.#sequence): Promise<Frame> {
    this.send([1, sequence, uri]);
    return this.nextFrame(([kind, echo]) => kind === 1 && echo === sequence);
  }

  unsubscribe(subscriptionId: number, sequence = ++this.#sequence): Promise<Frame> {
    this.send([2, sequence, subscriptionId]);
    return this.nextFrame(([kind, echo]) => kind === 2 && echo === sequence);
  }

  /** The connection id, after subscribing to the session directory. */
  async connectionId(): Promise<string> {
    const [, , , , data] = await this.subscribe();
    return (data as { ConnectionId: string }).ConnectionId;
  }

  /** The taps of the next event. */
  async nextTaps(): Promise<readonly Tap[]> {
    const [kind, , data] = await this.nextFrame();
    if (kind !== 3) throw new Error(`expected an event, not a frame of kind ${kind}`);
    return (data as { shoulderTaps: readonly Tap[] }).shoulderTaps;
  }

  /** All frames that the server has sent by now and that were not taken yet. */
  async framesSoFar(): Promise<readonly Frame[]> {
    // Frames keep their order: all earlier ones are here when this is answered.
    await this.subscribe(`urn:uuid:${randomUUID()}`);
    const frames = this.#frames.splice(0);
    for (const frame of frames) assertDescribedFrame(frame);
    return frames;
  }

  /** Cuts the connection as a failing network does. */
  async cut(): Promise<void> {
    this.socket.terminate();
    await this.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
