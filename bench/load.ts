/**
 * The client of the benches: in this process, on connections that stay open from one load to the next. It
 * sends texts that are made already, and so takes little of a processor.
 */

import { type HttpLine, openHttpLine } from './http-line.ts';
import { median, quantile } from './pairs.ts';

/** One request of a load; the n-th of all that the load sends. */
export type LoadRequest = {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
};

export type LoadResult = {
  /** Requests that were answered, those in the dropped part too. */
  readonly total: number;
  readonly perSecond: number;
  /** How long each took. */
  readonly latenciesMs: readonly number[];
  /** Cores that this process kept busy. Near 1, the client was the limit: it has one thread. */
  readonly clientCores: number;
};

export type LoadClient = Disposable & {
  /**
   * What the server does for so long, when each connection sends the next request as soon as the last
   * was answered; a part before it is dropped. Ends when all are answered. Throws when an answer was not a
   * 2xx, so that no rate counts failures.
   */
  load(ms: number, droppedMs?: number): Promise<LoadResult>;
  /** Sends so many requests, as fast as they are answered; every answer must be 2xx. */
  sendAll(count: number): Promise<void>;
};

export type ClientSettings = {
  readonly connections?: number;
  /**
   * So many different requests are made, each when it is first sent; more are answered by the same ones again.
   * Without it each request is made when it is sent.
   */
  readonly distinct?: number;
};

/** From here on a client with one thread is taken for the limit of what was measured. */
const clientCoresMax = 0.9;

/** Connects to a server; `request` makes the n-th request of all that this client sends. */
export async function openClient(
  url: string,
  request: (n: number) => LoadRequest,
  { connections = 32, distinct }: ClientSettings = {},
): Promise<LoadClient> {
  const { host } = new URL(url);
  const lines = await Promise.all(Array.from({ length: connections }, () => openHttpLine(url)));
  const made: string[] = [];
  let sent = 0;
  return clientOn(lines, () => {
    const n = sent++;
    if (distinct === undefined) return formatRequest(request(n), host);
    made[n % distinct] ??= formatRequest(request(n % distinct), host);
    return made[n % distinct] ?? '';
  });
}

/** A client on lines that are open already; `next` gives the next request as it goes over the wire. */
export function clientOn(lines: readonly HttpLine[], next: () => string): LoadClient {
  /** On each line one after the other, as long as `isDue` says so of the time. */
  const send = async (
    isDue: (nowMs: number) => boolean,
    answered: (sentMs: number, nowMs: number) => void,
  ): Promise<void> => {
    const sendOn = async (line: HttpLine): Promise<void> => {
      for (let nowMs = performance.now(); isDue(nowMs); ) {
        const sentMs = nowMs;
        const { status, text } = await line.send(next());
        if (status < 200 || status > 299) throw new Error(`a load was answered ${text}`);
        nowMs = performance.now();
        answered(sentMs, nowMs);
      }
    };
    await Promise.all(lines.map(sendOn));
  };
  return {
    async load(ms, droppedMs = 0) {
      const latenciesMs: number[] = [];
      let total = 0;
      const beganMs = performance.now();
      const cpu = process.cpuUsage();
      const [fromMs, toMs] = [beganMs + droppedMs, beganMs + droppedMs + ms];
      await send(
        (nowMs) => nowMs < toMs,
        (sentMs, nowMs) => {
          total += 1;
          if (nowMs >= fromMs && nowMs < toMs) latenciesMs.push(nowMs - sentMs);
        },
      );
      const { user, system } = process.cpuUsage(cpu);
      return {
        total,
        perSecond: (latenciesMs.length * 1_000) / ms,
        latenciesMs,
        clientCores: (user + system) / 1_000 / (performance.now() - beganMs),
      };
    },
    async sendAll(count) {
      let left = count;
      await send(
        () => left-- > 0,
        () => undefined,
      );
    },
    [Symbol.dispose]() {
      for (const line of lines) line.close();
    },
  };
}

/** A request as it goes over the wire. */
export function formatRequest({ method, path, headers, body }: LoadRequest, host: string): string {
  const lines = Object.entries({
    host,
    ...headers,
    ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`;
}

/** Sends `count` requests, 32 at a time, as fast as they are answered; every answer must be 2xx. */
export async function sendAll(
  url: string,
  count: number,
  request: (n: number) => LoadRequest,
): Promise<void> {
  using client = await openClient(url, request, { connections: Math.min(count, 32) });
  await client.sendAll(count);
}

/** One load of a server by itself, on connections of its own. */
export async function loadOnce(
  url: string,
  request: (n: number) => LoadRequest,
  { seconds, ...settings }: ClientSettings & { readonly seconds: number },
): Promise<LoadResult> {
  using client = await openClient(url, request, settings);
  return await client.load(seconds * 1_000);
}

/** Latencies of all these loads together. */
export function latencyOf(results: readonly LoadResult[], part: number): number {
  return quantile(
    results.flatMap(({ latenciesMs }) => latenciesMs),
    part,
  );
}

/** True when the client took all that it can, so that a rate is its own. */
export function isClientTheLimit(results: readonly LoadResult[]): boolean {
  return median(results.map((one) => one.clientCores)) >= clientCoresMax;
}

/** The rate, with the cores that the client took; and a warning when it took all that it can. */
export function formatRates(results: readonly LoadResult[]): string {
  const rate = median(results.map((one) => one.perSecond)).toFixed(0);
  const clientCores = median(results.map((one) => one.clientCores));
  const limit = isClientTheLimit(results) ? ', THE LIMIT' : '';
  return `${rate}/s (client ${clientCores.toFixed(2)} cores${limit})`;
}
