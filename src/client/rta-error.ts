/** The meaning of the codes of a subscribe answer. @source docs/wire/rta.md "Frames" */
const meanings: Readonly<Record<number, string>> = {
  1: 'there is no such resource',
  2: 'the connection has as many subscriptions as it may have',
  3: 'it is not for this caller',
  1001: 'the server was asked too often',
  1002: 'the server is not available',
};

/**
 * The error of a real-time connection: a refused subscription, with its code, or, without one, a
 * lost socket with all its calls.
 */
export class RtaError extends Error {
  override readonly name = 'RtaError';
  /** Of the server: 1 unknown, 2 too many, 3 not yours, 1001 throttled, 1002 unavailable. */
  readonly code: number | undefined;

  constructor(message: string, { code, cause }: { code?: number; cause?: unknown } = {}) {
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
  }

  /** True when the server may answer differently later. */
  get isPassing(): boolean {
    return this.code === undefined || this.code > 1_000;
  }
}

/** The error of a subscription that was answered with `code`. */
export function refusedSubscription(resource: string, code: number): RtaError {
  const meaning = meanings[code] ?? 'no reason is known for this code';
  return new RtaError(`The subscription to ${resource} was answered ${code}: ${meaning}.`, {
    code,
  });
}

/** The error of all calls on a socket that ended. */
export function connectionLost(cause?: unknown): RtaError {
  return new RtaError('The real-time connection ended before the answer came.', { cause });
}
