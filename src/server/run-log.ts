import { StoreUnavailable } from '../store/store.ts';

/** Reasons of one outage that are logged: some name a key or a slot, which may be another one in each run. */
const reasonsCountMax = 20;

/**
 * Logs the runs of a repeated task that fail, a line each. While the store fails, which passes, each reason is
 * logged once, and the first run that succeeds logs the end of all of them.
 */
export class RunLog {
  readonly #what: string;
  readonly #log: (line: string) => void;
  /** What runs have said of the store since the last one that succeeded. */
  readonly #outage = new Set<string>();

  constructor(what: string, log: (line: string) => void) {
    this.#what = what;
    this.#log = log;
  }

  /** The task, whose success ends an outage. */
  watch(task: () => Promise<void>): () => Promise<void> {
    return async () => {
      await task();
      for (const sentence of this.#outage) this.#log(`no longer so: ${sentence}`);
      this.#outage.clear();
    };
  }

  readonly failed = (error: unknown): void => {
    const sentence = `${this.#what}: ${error instanceof Error ? error.message : String(error)}`;
    if (!(error instanceof StoreUnavailable)) this.#log(`error: ${sentence}`);
    else if (this.#outage.size < reasonsCountMax && !this.#outage.has(sentence)) {
      this.#outage.add(sentence);
      this.#log(`warning: ${sentence}`);
    }
  };
}
