/** The sockets and the requests of a replay. */

import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { WebSocket } from 'ws';
import { messageOf } from '../domain/error-message.ts';
import type { Milliseconds } from '../domain/time.ts';
import { NoAnswer } from '../platform/no-answer.ts';
import type { CapturedHeader } from './capture.ts';
import type { ComparedAnswer } from './compare.ts';

const answerWithinMsDefault: Milliseconds = 30_000;

export type ReplayRequest = {
  /** Of the call in the capture, if it is one of it. */
  readonly number?: number;
  readonly method: string;
  /** Where the server is. */
  readonly base: URL;
  /** Path and query. */
  readonly target: string;
  readonly headers: readonly CapturedHeader[];
  readonly body: string;
  /** How long the server may be silent: 30 s. */
  readonly answerWithinMs?: Milliseconds;
};

function noAnswer(
  { number, method, target }: ReplayRequest,
  cause: Error,
  { isLate }: { readonly isLate: boolean },
): NoAnswer {
  const call = `${method} ${target}`;
  const named = number === undefined ? call : `call ${number} (${call})`;
  return new NoAnswer(named, messageOf(cause), { isLate, cause });
}

/** The request is none that HTTP allows: captures may hold anything. */
export class CannotSend extends Error {}

/** The answer to a request. Throws NoAnswer, CannotSend. */
export function sendRequest(request: ReplayRequest): Promise<ComparedAnswer> {
  const { method, base, target, headers, body, answerWithinMs = answerWithinMsDefault } = request;
  const send = base.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    let isLate = false;
    const failed = (error: Error): void => reject(noAnswer(request, error, { isLate }));
    const outgoing = orCannotSend(() =>
      send(base, { method, path: target, headers: headersOf(headers, body) }, (incoming) => {
        let text = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (chunk: string) => {
          text += chunk;
        });
        incoming.on('error', failed);
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: pairsOf(incoming.rawHeaders),
            body: text,
          }),
        );
      }),
    );
    outgoing.on('error', failed);
    outgoing.setTimeout(answerWithinMs, () => {
      isLate = true;
      outgoing.destroy(new Error(`nothing came within ${answerWithinMs} ms`));
    });
    outgoing.end(body);
  });
}

/** What `make` makes. Throws CannotSend where a name or a value has characters that HTTP does not allow. */
function orCannotSend<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new CannotSend(error instanceof Error ? error.message : String(error));
  }
}

function headersOf(
  headers: readonly CapturedHeader[],
  body: string,
): Record<string, string | string[]> {
  const all: Record<string, string[]> = {};
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    all[lower] = [...(all[lower] ?? []), value];
  }
  const single = Object.entries(all).map(([name, values]): [string, string | string[]] => [
    name,
    values.length === 1 ? (values[0] ?? '') : values,
  ]);
  const length = Buffer.byteLength(body);
  return Object.fromEntries([...single, ...(length > 0 ? [['content-length', `${length}`]] : [])]);
}

function pairsOf(raw: readonly string[]): readonly CapturedHeader[] {
  return raw.flatMap((name, at): CapturedHeader[] =>
    at % 2 === 0 ? [[name, raw[at + 1] ?? '']] : [],
  );
}

/** A socket of a replay: what it received and nobody has taken yet, and whether it is over. */
export class ReplayLine {
  readonly #socket: WebSocket;
  readonly #frames: string[] = [];
  #isOver = false;
  #wake: () => void = () => undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    const changed = (): void => this.#wake();
    socket.on('message', (data) => {
      this.#frames.push(String(data));
      changed();
    });
    socket.on('close', () => {
      this.#isOver = true;
      changed();
    });
    socket.on('error', () => undefined);
  }

  /** An open socket; or the answer that refuses it. Throws NoAnswer, CannotSend. */
  static async open(request: ReplayRequest): Promise<ReplayLine | ComparedAnswer> {
    const { base, target, headers, answerWithinMs = answerWithinMsDefault } = request;
    const { WebSocket } = await import('ws');
    const offered = headers
      .filter(([name]) => name.toLowerCase() === 'sec-websocket-protocol')
      .flatMap(([, value]) => value.split(',').map((one) => one.trim()));
    const others = headers.filter(([name]) => !/^sec-websocket-/i.test(name));
    const url = `${base.origin.replace(/^http/, 'ws')}${target}`;
    let isConnected = false;
    const socket = orCannotSend(
      () =>
        new WebSocket(url, offered, {
          headers: headersOf(others, ''),
          perMessageDeflate: false,
          handshakeTimeout: answerWithinMs,
          finishRequest(outgoing) {
            outgoing.once('socket', (connection) =>
              connection.once('connect', () => {
                isConnected = true;
              }),
            );
            outgoing.end();
          },
        }),
    );
    const line = new ReplayLine(socket);
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(line));
      socket.once('unexpected-response', (outgoing, response: IncomingMessage) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('end', () => {
          outgoing.destroy();
          resolve({
            status: response.statusCode ?? 0,
            headers: pairsOf(response.rawHeaders),
            body,
          });
        });
      });
      socket.once('error', (error) => {
        // The text of ws, which has no code for it, and says it of a connection too.
        const isOverTime = error.message === 'Opening handshake has timed out';
        const cause =
          isOverTime && !isConnected
            ? new Error(`connect ETIMEDOUT (timeout: ${answerWithinMs}ms)`)
            : error;
        const isLate = isOverTime && isConnected;
        reject(noAnswer(request, cause, { isLate }));
      });
    });
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  /** Received and not taken, oldest first. */
  get frames(): readonly string[] {
    return this.#frames;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  take(at: number): void {
    this.#frames.splice(at, 1);
  }

  /** Resolves true when `holds` is, and false when it was not within `limitMs`. */
  async until(holds: () => boolean, limitMs: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), limitMs);
    const look = (): void => {
      if (holds()) resolve(true);
    };
    this.#wake = look;
    look();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#wake = () => undefined;
    }
  }

  /** Resolves when the socket is over. */
  async close(): Promise<void> {
    if (this.#isOver) return;
    const closed = new Promise((resolve) => this.#socket.once('close', resolve));
    this.#socket.close();
    await closed;
  }
}
