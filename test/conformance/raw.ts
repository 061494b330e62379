/** Requests that fetch does not let through: bodies on GET, odd targets, bytes that are no HTTP. */

import { request as sendRequest, type OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { isJsonObject, parseExactJson } from '../../src/domain/json.ts';
import type { KitAnswer } from '../../src/testing/kit.ts';

export type RawRequest = {
  readonly method: string;
  /** The request target, as it goes into the request line. */
  readonly target: string;
  readonly headers?: OutgoingHttpHeaders;
  /** Sent in one piece with its length; pieces are sent chunked. */
  readonly body?: string | Uint8Array | readonly string[];
};

/** One request on a connection of its own, with these headers and a Host only. */
export function requestRaw(
  url: string,
  { method, target, headers = {}, body = '' }: RawRequest,
): Promise<KitAnswer> {
  const { hostname, port } = new URL(url);
  const isWhole = typeof body === 'string' || body instanceof Uint8Array;
  const length = isWhole && body.length > 0 ? { 'content-length': Buffer.byteLength(body) } : {};
  return new Promise((resolve, reject) => {
    const outgoing = sendRequest(
      { hostname, port, method, path: target, headers: { ...length, ...headers }, agent: false },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const lines = Object.entries(incoming.headersDistinct).flatMap(([name, values = []]) =>
            values.map((value): [string, string] => [name, value]),
          );
          const text = Buffer.concat(chunks).toString('utf8');
          resolve(answerOf(incoming.statusCode ?? 0, new Headers(lines), text));
        });
      },
    );
    outgoing.on('error', reject);
    if (isWhole) {
      outgoing.end(body);
    } else {
      for (const piece of body) outgoing.write(piece);
      outgoing.end();
    }
  });
}

function answerOf(status: number, headers: Headers, text: string): KitAnswer {
  const isJson = headers.get('content-type') === 'application/json' && text !== '';
  const json = isJson ? parseExactJson(text) : undefined;
  return {
    status,
    headers,
    text,
    json: isJsonObject(json) ? json : {},
    etag: headers.get('etag') ?? undefined,
    refusal: headers.get('x-mpsd-refusal') ?? undefined,
    detail: headers.get('x-mpsd-detail') ?? undefined,
  };
}

/** A connection on which a test writes bytes of its own, and reads what comes back. */
export class RawConnection implements AsyncDisposable {
  readonly #socket: ReturnType<typeof connect>;
  readonly #ended: Promise<void>;
  #received = '';
  #isReset = false;
  #wake: () => void = () => undefined;

  /** With a signal, which cuts the connection when it is given. */
  constructor(url: string, { signal }: { readonly signal?: AbortSignal } = {}) {
    const { hostname, port } = new URL(url);
    this.#socket = connect({ port: Number(port), host: hostname, ...(signal && { signal }) });
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (text: string) => {
      this.#received += text;
      this.#wake();
    });
    this.#ended = new Promise((resolve) => {
      this.#socket.on('close', () => {
        resolve();
        this.#wake();
      });
      // A server that hangs up in the middle of a request may reset the connection.
      this.#socket.on('error', () => {
        this.#isReset = true;
      });
    });
  }

  write(bytes: string): void {
    this.#socket.write(bytes, 'latin1');
  }

  /** True when the server has reset the connection: what it sent before may be lost. */
  get isReset(): boolean {
    return this.#isReset;
  }

  /** Says that nothing more will be written. */
  end(): void {
    this.#socket.end();
  }

  /** All that has come, once it matches; throws when the server hangs up before. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#received)) {
      if (this.#socket.destroyed) throw new Error(`hung up after: ${this.#received}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#received;
  }

  /** All that came until the server hung up. */
  async untilEnd(): Promise<string> {
    await this.#ended;
    return this.#received;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    await this.#ended;
  }
}

/** The one answer that a server gave before it hung up. */
export function parseAnswer(received: string): KitAnswer {
  const [head = '', ...rest] = received.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = new Headers(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
  return answerOf(Number(statusLine.split(' ')[1]), headers, rest.join('\r\n\r\n'));
}
