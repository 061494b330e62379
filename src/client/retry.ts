/**
 * When a call is made again, and after how long.
 *
 * An answer may be lost on its way, so a failed call may have been carried out. What that means
 * differs by call:
 *
 * | `Repeat`     | calls                                  | made again after                       |
 * | ------------ | -------------------------------------- | -------------------------------------- |
 * | `always`     | reads, queries, previews, deletions,   | no answer; 408, 429, 500, 502, 503,    |
 * |              | setting the activity (it replaces),    | 504                                    |
 * |              | invites and transfers (own ids)        |                                        |
 * | `ifRefused`  | writes without a precondition          | 429, 503                               |
 * | `ifNotDone`  | writes with a precondition             | 429, 503 `tooBusy`                     |
 *
 * A write without a precondition ends in the same document when it is done twice, so a 503, the
 * server's word that it may be tried again, is taken at its word even where the first try was
 * carried out. Other failures are not the server's word, and the write stays as it is: done again
 * seconds later it could undo what another user wrote in between.
 *
 * A write with a precondition must not be made again if it may have been carried out: its own first
 * try has then changed the ETag or created the session, and the second would be answered 412 and
 * tell the caller that another write came first. `tooBusy` and 429 say that nothing was written.
 *
 * @source docs/wire/README.md "Every answer"
 */

/** After which failures a call is repeated. */
export type Repeat = 'always' | 'ifRefused' | 'ifNotDone';

/** How often, and with which delays, failed calls are repeated. */
export type RetryPolicy = {
  /** No further try begins later than this after the call began. */
  readonly windowMs: number;
  /** A further try needs at least this much of the window. */
  readonly leftMsMin: number;
  /** Before the second try; doubles with each further one. */
  readonly firstDelayMs: number;
  readonly delayMsMax: number;
};

/** 2, 4, 8 … seconds within 20. @source docs/wire/README.md "Every answer" */
export const defaultRetryPolicy: RetryPolicy = {
  windowMs: 20_000,
  leftMsMin: 5_000,
  firstDelayMs: 2_000,
  delayMsMax: 60_000,
};

/** Why a try failed: the answer, or none (status 0). */
export type Failure = {
  readonly status: number;
  readonly code: string | undefined;
  readonly retryAfterMs: number | undefined;
};

/** Answers of an overloaded server, which may carry out the next try. */
const passing: ReadonlySet<number> = new Set([0, 408, 429, 500, 502, 503, 504]);

/** True when a call of this kind may be repeated after this failure. */
export function mayRepeat(repeat: Repeat, { status, code }: Failure): boolean {
  switch (repeat) {
    case 'always':
      return passing.has(status);
    case 'ifRefused':
      return status === 429 || status === 503;
    case 'ifNotDone':
      return status === 429 || (status === 503 && code === 'tooBusy');
  }
}

/**
 * How long to wait before the next try, or undefined when the failure is final. Never shorter than
 * the server asked for. Else the delays double and are random by half either way, so that clients
 * that failed together do not come back together.
 */
export function retryDelayMs(
  {
    repeat,
    failure,
    retries,
    elapsedMs,
    random,
  }: {
    readonly repeat: Repeat;
    readonly failure: Failure;
    /** How often the call was repeated so far. */
    readonly retries: number;
    /** Since the call began. */
    readonly elapsedMs: number;
    /** From 0 to 1. */
    readonly random: number;
  },
  { windowMs, leftMsMin, firstDelayMs, delayMsMax }: RetryPolicy,
): number | undefined {
  if (!mayRepeat(repeat, failure)) return undefined;
  const backOffMs = Math.min(firstDelayMs * 2 ** retries, delayMsMax) * (0.5 + random);
  const delayMs = Math.max(backOffMs, failure.retryAfterMs ?? 0);
  return elapsedMs + delayMs + leftMsMin <= windowMs ? delayMs : undefined;
}

/**
 * The time that a `Retry-After` asks for: seconds, or a date, which is counted from the answer's
 * own `Date` so that the two clocks may differ. Undefined when it is invalid.
 */
export function parseRetryAfterMs(
  retryAfter: string | undefined,
  date: string | undefined,
  nowMs: number,
): number | undefined {
  if (retryAfter === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(retryAfter)) return Number(retryAfter) * 1_000;
  const untilMs = Date.parse(retryAfter);
  if (Number.isNaN(untilMs)) return undefined;
  const answeredMs = date === undefined ? Number.NaN : Date.parse(date);
  return Math.max(0, untilMs - (Number.isNaN(answeredMs) ? nowMs : answeredMs));
}
