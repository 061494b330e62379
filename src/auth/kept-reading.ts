import type { Milliseconds } from '../domain/time.ts';

/** What was read, and when. */
export type Reading<T> = { readonly value: T; readonly readMs: Milliseconds };

/** What is read elsewhere and kept: it is read again when it is older than 10 minutes. */
export interface KeptReading<T> {
  /**
   * The reading that is good at `nowMs`. While it cannot be read again, the former one stays good for as
   * long as it may.
   *
   * Throws the error of the last reading.
   */
  current(nowMs: Milliseconds): Promise<Reading<T>>;

  /** Reads now. Throws the error of the reading, of the last one within two seconds after it failed. */
  newest(nowMs: Milliseconds): Promise<Reading<T>>;
}

export type KeptReadingSettings = {
  /** How long a reading stays good after its 10 minutes, while it cannot be read again. */
  readonly staleMsMax: Milliseconds;
  /** The error to throw for an error of the reading. */
  readonly failureOf: (error: unknown) => Error;
  /** Called with each failure and whether there is a former reading, and with undefined after a success. */
  readonly report: (failure: Error | undefined, isKnown: boolean) => void;
};

const ageMaxMs = 10 * 60_000;
const rereadAfterFailureMs = 2_000;

/**
 * What `read` gives, kept.
 *
 * Reads that are asked for at the same time are one read, and after a failure there is none for
 * two seconds, so that a flood of requests is no flood of reads.
 */
export function keepReading<T>(
  read: (nowMs: Milliseconds) => Promise<T>,
  { staleMsMax, failureOf, report }: KeptReadingSettings,
): KeptReading<T> {
  let known: Reading<T> | undefined;
  let failed: { readonly failure: Error; readonly atMs: Milliseconds } | undefined;
  let reading: Promise<Reading<T>> | undefined;

  async function reread(nowMs: Milliseconds): Promise<Reading<T>> {
    try {
      known = { value: await read(nowMs), readMs: nowMs };
      failed = undefined;
      report(undefined, true);
      return known;
    } catch (error) {
      const failure = failureOf(error);
      failed = { failure, atMs: nowMs };
      report(failure, known !== undefined);
      throw failure;
    } finally {
      reading = undefined;
    }
  }

  async function newest(nowMs: Milliseconds): Promise<Reading<T>> {
    if (failed !== undefined && nowMs < failed.atMs + rereadAfterFailureMs) throw failed.failure;
    reading ??= reread(nowMs);
    return reading;
  }

  return {
    newest,
    async current(nowMs) {
      if (known !== undefined && nowMs < known.readMs + ageMaxMs) return known;
      try {
        return await newest(nowMs);
      } catch (error) {
        if (known !== undefined && nowMs < known.readMs + ageMaxMs + staleMsMax) return known;
        throw error;
      }
    },
  };
}
