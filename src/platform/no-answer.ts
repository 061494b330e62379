/** Nothing came to a request: nobody answers there, or no longer, or not in time. */
export class NoAnswer extends Error {
  /** `call 50 (PUT /…)`, `GET /stream`. */
  readonly call: string;
  /** What the system says, without the call: `connect ECONNREFUSED 127.0.0.1:8350`. */
  readonly reason: string;
  /** The server took the connection, and was silent for too long. */
  readonly isLate: boolean;

  constructor(
    call: string,
    reason: string,
    { isLate = false, cause }: { readonly isLate?: boolean; readonly cause?: unknown } = {},
  ) {
    super(`${call}: ${reason}`, cause === undefined ? {} : { cause });
    this.call = call;
    this.reason = reason;
    this.isLate = isLate;
  }
}
