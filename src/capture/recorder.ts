/** Keeps what a server answers, and what goes over its sockets, in a HAR file. */

import { claimsOf } from '../auth/claims.ts';
import type { Guid } from '../domain/ids.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { ObservedEvent, ObservedHeaders, RequestEnded } from '../observe/events.ts';
import type { Observe } from '../observe/observers.ts';
import {
  bodyWithoutSecrets,
  headersWithoutSecrets,
  targetWithoutSecrets,
  textWithoutTokens,
} from '../observe/secrets.ts';
import type { Clock } from '../platform/clock.ts';
import { type CapturedHeader, headerOf } from './capture.ts';
import { harEntryOf, type HarMessage } from './har-entry.ts';
import { HarFile, type HarFileOptions } from './har-file.ts';

export type RecorderOptions = HarFileOptions & {
  /**
   * The time of day of the machine, with fractions of a millisecond: the clock of the server may be
   * moved.
   */
  readonly nowMs: () => Milliseconds;
  readonly after: Clock['after'];
  /** Is called, once, with the reason why the recording ends before the server does. */
  readonly failed: (reason: string) => void;
  /** What may wait for the disk; more is left out. */
  readonly waitingBytesMax?: number;
};

/** After how long at most what was observed is in the file. */
const writeWithinMs = 1_000;
/** What open sockets may have in the end of the file; then they are kept, and go on in another part. */
const openBytesMax = 1024 * 1024;
const defaultWaitingBytesMax = 64 * 1024 * 1024;

type Socket = {
  /** The entry without its messages; undefined until the request has ended. */
  entry: object | undefined;
  /** True when the connection has ended. */
  isOver: boolean;
  part: number;
  messages: HarMessage[];
  bytes: number;
};

/** Requests that say nothing about a game. */
const unrecorded =
  /^\/(?:(?:health|metrics|inspector|assets|reference|openapi\.json|asyncapi\.json)(?:[/?]|$)|$)/;

/**
 * A recording, from now on until it is disposed of. `observe` gets what happens; no token goes into
 * the file.
 *
 * Throws when the file cannot be made.
 */
export async function openRecorder(options: RecorderOptions): Promise<Recorder> {
  return new Recorder(await HarFile.create(options), options);
}

export class Recorder implements AsyncDisposable {
  readonly #file: HarFile;
  readonly #options: RecorderOptions;
  /** By connection. */
  readonly #sockets = new Map<Guid, Socket>();
  /** Of sockets whose connection, or whose request, is still to come; by the id of the request. */
  readonly #halves = new Map<Guid, Socket>();
  #waiting: string[] = [];
  #waitingBytes = 0;
  #openBytes = 0;
  #leftOut = 0;
  #isDue = false;
  #isEnded = false;
  #written: Promise<void> = Promise.resolve();

  constructor(file: HarFile, options: RecorderOptions) {
    this.#file = file;
    this.#options = options;
  }

  readonly observe: Observe = (event: ObservedEvent): void => {
    if (this.#isEnded) return;
    switch (event.kind) {
      case 'request':
        if (!unrecorded.test(event.target)) this.#addRequest(event);
        break;
      case 'connectionOpened':
        if (event.requestId !== undefined) {
          this.#sockets.set(event.connection, this.#halfOf(event.requestId));
        }
        break;
      case 'frame':
        this.#addMessage(event.connection, {
          type: event.direction === 'received' ? 'send' : 'receive',
          time: this.#options.nowMs() / 1000,
          opcode: 1,
          data: textWithoutTokens(event.text),
        });
        break;
      case 'connectionClosed':
        this.#endSocket(event.connection, event.why === 'closed' || event.why === 'lost');
        break;
      default:
        return;
    }
    this.#writeSoon();
  };

  #addRequest(event: RequestEnded): void {
    const endMs = this.#options.nowMs();
    const entry = entryOf(event, endMs);
    if (event.status !== 101) {
      this.#keep(JSON.stringify(entry));
      return;
    }
    const socket = this.#halfOf(event.id);
    socket.entry = entry;
    this.#count(socket, JSON.stringify(entry).length);
    if (socket.isOver) this.#keepSocket(socket);
  }

  /** The socket of a request: of both, the connection and the answered request, one comes first. */
  #halfOf(requestId: Guid): Socket {
    const known = this.#halves.get(requestId);
    if (known !== undefined) {
      this.#halves.delete(requestId);
      return known;
    }
    const socket: Socket = {
      entry: undefined,
      isOver: false,
      part: 1,
      messages: [],
      bytes: 0,
    };
    this.#halves.set(requestId, socket);
    return socket;
  }

  #addMessage(connection: Guid, message: HarMessage): void {
    const socket = this.#sockets.get(connection);
    if (socket === undefined) return;
    socket.messages.push(message);
    this.#count(socket, message.data.length + 80);
    if (this.#openBytes > openBytesMax) this.#keepSockets();
  }

  #count(socket: Socket, bytes: number): void {
    socket.bytes += bytes;
    this.#openBytes += bytes;
  }

  #endSocket(connection: Guid, isByClient: boolean): void {
    const socket = this.#sockets.get(connection);
    if (socket === undefined) return;
    this.#addMessage(connection, {
      type: isByClient ? 'send' : 'receive',
      time: this.#options.nowMs() / 1000,
      opcode: 8,
      data: '',
    });
    socket.isOver = true;
    this.#keepSocket(socket);
    this.#sockets.delete(connection);
  }

  /** What the open sockets have so far is kept; they go on in other parts. */
  #keepSockets(): void {
    for (const socket of this.#sockets.values()) this.#keepSocket(socket);
  }

  #keepSocket(socket: Socket): void {
    const entry = formatSocket(socket);
    if (entry === undefined) return;
    this.#keep(entry);
    this.#openBytes -= socket.bytes;
    socket.bytes = 0;
    socket.messages = [];
    socket.part += 1;
  }

  #keep(entry: string): void {
    const { waitingBytesMax = defaultWaitingBytesMax } = this.#options;
    if (this.#waitingBytes + entry.length > waitingBytesMax) {
      this.#leftOut += 1;
      return;
    }
    this.#waiting.push(entry);
    this.#waitingBytes += entry.length;
  }

  #writeSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#options.after(writeWithinMs, () => void this.write());
  }

  /** Resolves when all that was observed before is in the file, or the recording has ended. */
  write(): Promise<void> {
    this.#written = this.#written.then(() => this.#writeNow());
    return this.#written;
  }

  async #writeNow(): Promise<void> {
    this.#isDue = false;
    if (this.#isEnded) return;
    const entries = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    const open = [...this.#sockets.values()].flatMap((socket) =>
      socket.bytes === 0 ? [] : (formatSocket(socket) ?? []),
    );
    if (this.#leftOut > 0) {
      this.#options.failed(
        `The recording lacks ${this.#leftOut} entries: the disk is too slow for it.`,
      );
      this.#leftOut = 0;
    }
    try {
      await this.#file.write(entries, open);
    } catch (error) {
      this.#isEnded = true;
      this.#sockets.clear();
      this.#halves.clear();
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.failed(`Recording ended: ${reason}.`);
    }
  }

  /** Writes the rest and closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.write();
    this.#isEnded = true;
    await this.#file.close();
  }
}

function formatSocket({ entry, part, messages }: Socket): string | undefined {
  if (entry === undefined) return undefined;
  return JSON.stringify({
    ...entry,
    ...(part > 1 && { _part: part }),
    _webSocketMessages: messages,
  });
}

function entryOf(event: RequestEnded, endMs: Milliseconds): object {
  const { method, status, durationMs, id, caller, answerBody, answerType } = event;
  const requestHeaders = listOf(headersWithoutSecrets(event.requestHeaders));
  const path = event.route ?? pathOf(event.target);
  const contentType = answerBody === undefined ? undefined : (answerType ?? 'application/json');
  return harEntryOf({
    startMs: endMs - durationMs,
    durationMs,
    method,
    url: urlOf(
      targetWithoutSecrets(event.target),
      headerOf(requestHeaders, 'host') ?? 'localhost',
      status === 101,
    ),
    requestHeaders,
    requestBody: bodyWithoutSecrets(path, Buffer.from(event.requestBody ?? '').toString('utf8')),
    status,
    responseHeaders: listOf({
      ...headersWithoutSecrets(event.answerHeaders),
      ...(contentType !== undefined && { 'Content-Type': contentType }),
      'X-XblCorrelationId': id,
    }),
    responseBody: bodyWithoutSecrets(path, answerBody ?? ''),
    isSocket: status === 101,
    caller: caller && claimsOf(caller),
  });
}

/** The path of a request target, which may be a whole URL. */
function pathOf(target: string): string {
  return URL.parse(target, 'http://localhost')?.pathname ?? target;
}

/** The whole URL; the names of Xbox Live are asked over TLS. */
function urlOf(target: string, host: string, isSocket: boolean): string {
  const whole = /^https?:\/\//i.test(target) ? target : undefined;
  const isSecure = /\.xboxlive\.com(?::\d+)?$/i.test(host);
  const scheme = `${isSocket ? 'ws' : 'http'}${isSecure ? 's' : ''}`;
  return whole ?? `${scheme}://${host}${target.startsWith('/') ? target : `/${target}`}`;
}

function listOf(headers: ObservedHeaders): readonly CapturedHeader[] {
  return Object.entries(headers).flatMap(([name, value]): CapturedHeader[] =>
    value === undefined ? [] : [value].flat().map((one) => [name, String(one)]),
  );
}
