import type { WebSocket } from 'ws';

/**
 * A real-time line as an unmodified client has it: the header `Authorization`, sub-protocol V2, and
 * frames as they come. Here the frames are the subject, so nothing stands between.
 */
export class DemoLine implements AsyncDisposable {
  readonly #socket: WebSocket;
  /** Frames that nobody has taken yet; a pong is the text `pong`. */
  readonly #frames: unknown[] = [];
  #wake: () => void = () => {};

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    const put = (frame: unknown): void => {
      this.#frames.push(frame);
      this.#wake();
    };
    socket.on('message', (data) => put(JSON.parse(String(data))));
    socket.on('pong', () => put('pong'));
  }

  /** An open line; or why the server does not take it. */
  static async open(url: string, authorization: string): Promise<DemoLine | Error> {
    const { WebSocket } = await import('ws');
    const target = `${url.replace(/^http/, 'ws')}/connect`;
    const socket = new WebSocket(target, ['rta.xboxlive.com.V2'], { headers: { authorization } });
    const line = new DemoLine(socket);
    return new Promise((resolve) => {
      socket.once('open', () => resolve(line));
      socket.on('error', resolve);
    });
  }

  /** The sub-protocol that the server named. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  send(frame: unknown): void {
    this.#socket.send(JSON.stringify(frame));
  }

  /** Frames that came and were not taken yet. */
  get waiting(): readonly unknown[] {
    return this.#frames;
  }

  /** The next frame; undefined when none comes for so long. */
  async next(limitMs: number): Promise<unknown> {
    if (this.#frames.length === 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, limitMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#frames.shift();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.once('close', resolve));
    this.#socket.close();
    await closed;
  }
}
