import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';

/** One request of a load; the n-th of all that the load sends. */
export type LoadRequest = {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
};

export type LoadResult = {
  /** Requests that were answered. */
  readonly total: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Cores that the client kept busy. Near 1, the client was the limit: it has one thread. */
  readonly clientCores: number;
};

export type LoadSettings = {
  readonly seconds: number;
  readonly connections?: number;
  /**
   * How many different requests are made before the load begins. More are answered by the same ones
   * again; with `isOnce`, that is an error.
   */
  readonly distinct?: number;
  readonly isOnce?: boolean;
};

/** The program that sends: wrk where there is one, since it takes the least of the processor. */
export const client = spawnSync('wrk', ['-v']).error === undefined ? 'wrk' : 'autocannon';

/** From here on a client with one thread is taken for the limit of what was measured. */
export const clientCoresMax = 0.9;

/**
 * What a server does under `connections` clients, each of which sends the next request when the
 * last was answered. Throws when an answer was not a 2xx, so that no rate counts failures.
 */
export async function load(
  url: string,
  request: (n: number) => LoadRequest,
  settings: LoadSettings,
): Promise<LoadResult> {
  const { seconds, connections = 32, distinct = 20_000, isOnce = false } = settings;
  const requests = Array.from({ length: distinct }, (_, n) => request(n));
  const send = client === 'wrk' ? sendByWrk : sendByAutocannon;
  const { failed, ...result } = await send(url, requests, seconds, connections);
  const { total } = result;
  if (failed > 0) throw new Error(`${failed} of ${total} requests to ${url} failed`);
  if (isOnce && total > distinct) {
    throw new Error(`${total} requests were sent, and only ${distinct} of them were different`);
  }
  return result;
}

type LoadOutput = LoadResult & { readonly failed: number };

/** Reads requests from a file, so that the client has nothing to do but send them. */
const script = `
local file = assert(io.open(os.getenv('BENCH_REQUESTS'), 'rb'))
local requests, n = {}, 0
for length in function() return file:read('*n') end do
  file:read(1)
  requests[#requests + 1] = file:read(length)
end
file:close()
request = function()
  n = n % #requests + 1
  return requests[n]
end
done = function(summary, latency)
  local errors = summary.errors
  io.stderr:write(string.format('{"total":%d,"seconds":%f,"failed":%d,"p50Ms":%f,"p99Ms":%f}',
    summary.requests, summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
`;

async function sendByWrk(
  url: string,
  requests: readonly LoadRequest[],
  seconds: number,
  connections: number,
): Promise<LoadOutput> {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-wrk-'));
  try {
    const [scriptFile, requestsFile] = [join(folder, 'wrk.lua'), join(folder, 'requests')];
    await writeFile(scriptFile, script);
    const { host } = new URL(url);
    const texts = requests.map((one) => formatRequest(one, host));
    await writeFile(
      requestsFile,
      texts.map((text) => `${Buffer.byteLength(text)}\n${text}`).join(''),
    );
    // The shell tells the processor time of its child.
    const wrk = spawn(
      'bash',
      [
        ...['-c', 'TIMEFORMAT="%U %S"; time wrk "$@"', 'bash'],
        ...['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--timeout', '10s'],
        ...['-s', scriptFile, url],
      ],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, BENCH_REQUESTS: requestsFile, LC_ALL: 'C' },
      },
    );
    const output = await textOf(wrk.stderr);
    const [, summary, user, system] = /(\{.*\})\s*([\d.]+) ([\d.]+)\s*$/.exec(output) ?? [];
    if (summary === undefined) throw new Error(`wrk says: ${output}`);
    const measured = JSON.parse(summary);
    return {
      total: measured.total,
      failed: measured.failed,
      perSecond: measured.total / measured.seconds,
      p50Ms: measured.p50Ms,
      p99Ms: measured.p99Ms,
      clientCores: (Number(user) + Number(system)) / measured.seconds,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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

async function sendByAutocannon(
  url: string,
  requests: readonly LoadRequest[],
  seconds: number,
  connections: number,
): Promise<LoadOutput> {
  const { default: autocannon } = await import('autocannon');
  let n = 0;
  const cpu = process.cpuUsage();
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    requests: [
      {
        setupRequest: (before) => {
          const next = requests[n++ % requests.length];
          return { ...before, ...(next as object) };
        },
      },
    ],
  });
  const { user, system } = process.cpuUsage(cpu);
  return {
    total: result.requests.total,
    failed: result.non2xx + result.errors + result.timeouts,
    perSecond: result.requests.total / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    clientCores: (user + system) / 1e6 / result.duration,
  };
}

/** Sends `count` requests, 32 at a time, as fast as they are answered; every answer must be 2xx. */
export async function sendAll(
  url: string,
  count: number,
  request: (n: number) => LoadRequest,
): Promise<void> {
  let n = 0;
  const worker = async (): Promise<void> => {
    while (n < count) {
      const { method, path, headers, body } = request(n++);
      const answer = await fetch(`${url}${path}`, { method, headers, ...(body && { body }) });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    }
  };
  await Promise.all(Array.from({ length: 32 }, worker));
}

/** The middle one of these values; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
