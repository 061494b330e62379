import autocannon from 'autocannon';

/** One request of a load; the n-th of all that the load sends. */
export type LoadRequest = {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
};

export type LoadResult = {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
};

/**
 * What a server does under `connections` clients, each of which sends the next request when the
 * last was answered. Throws when an answer was not a 2xx, so that no rate counts failures.
 */
export async function load(
  url: string,
  request: (n: number) => LoadRequest,
  { seconds, connections = 32 }: { readonly seconds: number; readonly connections?: number },
): Promise<LoadResult> {
  let n = 0;
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    requests: [
      {
        setupRequest: (before) => {
          const { method, path, headers, body } = request(n++);
          return { ...before, method, path, headers, ...(body !== undefined && { body }) };
        },
      },
    ],
  });
  const failed = result.non2xx + result.errors + result.timeouts;
  if (failed > 0) {
    throw new Error(
      `${failed} of ${result.requests.total} requests to ${url} failed: ${JSON.stringify(result.statusCodeStats)}`,
    );
  }
  return {
    perSecond: result.requests.total / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
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
