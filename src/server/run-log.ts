import type { Milliseconds } from '../domain/time.ts';
import { StoreUnavailable } from '../store/store.ts';

/** Reasons of one outage that are logged: some name a key or a slot, which may be another one in each run. */
const reasonsCountMax = 20;
/** A reason that lasts is logged again after so long, so that the last hour of a log shows it. */
const repeatMs: Milliseconds = 10 * 60_000;

/** Of one reason of an outage. */
type Failures = {
  readonly beganMs: Milliseconds;
  loggedMs: Milliseconds;
  count: number;
};

/**
 * Logs the runs of a repeated task that fail, a line each. While the store fails, which passes, each reason is
 * logged once, and again every 10 minutes; the first run that succeeds logs the end of all of them.
 */
export class RunLog {
  readonly #what: string;
  readonly #log: (line: string) => void;
  readonly #elapsedMs: () => Milliseconds;
  /** What runs have said of the store since the last one that succeeded. */
  readonly #outage = new Map<string, Failures>();

  constructor(what: string, log: (line: string) => void, elapsedMs: () => Milliseconds) {
    this.#what = what;
    this.#log = log;
    this.#elapsedMs = elapsedMs;
  }

  /** The task, whose success ends an outage. */
  watch(task: () => Promise<void>): () => Promise<void> {
    return async () => {
      await task();
      for (const sentence of this.#outage.keys()) this.#log(`no longer so: ${sentence}`);
      this.#outage.clear();
    };
  }

  readonly failed = (error: unknown): void => {
    const sentence = `${this.#what}: ${error instanceof Error ? error.message : String(error)}`;
    if (error instanceof StoreUnavailable) this.#noteOutage(sentence);
    else this.#log(`error: ${sentence}`);
  };

  #noteOutage(sentence: string): void {
    const nowMs = this.#elapsedMs();
    const known = this.#outage.get(sentence);
    if (known === undefined) {
      if (this.#outage.size >= reasonsCountMax) return;
      this.#outage.set(sentence, { beganMs: nowMs, loggedMs: nowMs, count: 1 });
      this.#log(`warning: ${sentence}`);
      return;
    }
    known.count += 1;
    if (nowMs - known.loggedMs < repeatMs) return;
    known.loggedMs = nowMs;
    const minutes = Math.floor((nowMs - known.beganMs) / 60_000);
    this.#log(`warning: still so after ${minutes} minutes, ${known.count} times: ${sentence}`);
  }
}
