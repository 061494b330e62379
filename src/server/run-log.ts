import { StoreUnavailable } from '../store/store.ts';

/**
 * Logs the runs of a repeated task that fail, a line each. While the store is away, which passes, there is one
 * line when that begins and one when it is over.
 */
export class RunLog {
  readonly #what: string;
  readonly #log: (line: string) => void;
  /** What the first run said that found the store away; undefined: it is not. */
  #outage: string | undefined;

  constructor(what: string, log: (line: string) => void) {
    this.#what = what;
    this.#log = log;
  }

  /** The task, whose success ends an outage. */
  watch(task: () => Promise<void>): () => Promise<void> {
    return async () => {
      await task();
      if (this.#outage === undefined) return;
      this.#log(`no longer so: ${this.#outage}`);
      this.#outage = undefined;
    };
  }

  readonly failed = (error: unknown): void => {
    const sentence = `${this.#what}: ${error instanceof Error ? error.message : String(error)}`;
    if (!(error instanceof StoreUnavailable)) this.#log(`error: ${sentence}`);
    else if (this.#outage === undefined) {
      this.#outage = sentence;
      this.#log(`warning: ${sentence}`);
    }
  };
}
