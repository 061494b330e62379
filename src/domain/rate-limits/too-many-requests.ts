import { formatJson } from '../json.ts';
import { Refusal } from '../refusal.ts';
import type { Milliseconds } from '../time.ts';
import type { RateLimit } from './rate-limits.ts';

/** A request that was one too many: the limit, the count with it, and when to ask again. */
export class TooManyRequests extends Refusal {
  readonly limit: RateLimit;
  readonly count: number;
  /** Until the window ends, 1 at least. */
  readonly retryAfterSeconds: number;

  /** `counted` names what was counted. */
  constructor(
    counted: string,
    { limit, count, endMs }: { limit: RateLimit; count: number; endMs: Milliseconds },
    nowMs: Milliseconds,
  ) {
    const { requestsMax, periodSeconds } = limit;
    const seconds = Math.max(1, Math.ceil((endMs - nowMs) / 1_000));
    super(
      'rateLimited',
      `${counted}: ${count} requests in ${periodSeconds} s, and at most ${requestsMax} are allowed; wait ${seconds} s.`,
      { detail: counted },
    );
    this.limit = limit;
    this.count = count;
    this.retryAfterSeconds = seconds;
  }
}

/** The body of the answer. @source docs/wire/rate-limits.md "The answer" */
export function renderTooManyRequests({ limit, count }: TooManyRequests): string {
  return formatJson({
    version: 1,
    currentRequests: count,
    maxRequests: limit.requestsMax,
    periodInSeconds: limit.periodSeconds,
    limitType: 'Rate',
  });
}
