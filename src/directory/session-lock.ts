import type { SessionKey } from '../domain/session/reference.ts';
import type { Milliseconds } from '../domain/time.ts';

/** The queue for a held lock, first come first served. */
type Waiter = (commitMs: Milliseconds) => void;

/** The locks that are held. */
type LockTable = Map<SessionKey, Waiter[]>;

/** As long as nobody waits: most locks are released before, and need no list. */
const nobody: Waiter[] = [];

/**
 * The locks of this process's writers, one for each session: writers of one process do not lose
 * races to each other. Writers of other processes are not stopped; the commit detects them.
 */
export class SessionLocks {
  readonly #held: LockTable = new Map();

  /** The lock of this session for one writer, who does not hold it yet. */
  of(key: SessionKey): SessionLock {
    return new SessionLock(key, this.#held);
  }
}

/** One writer's hold on the lock of a session. */
export class SessionLock implements Disposable {
  readonly #key: SessionKey;
  readonly #held: LockTable;
  #isHeld = false;

  constructor(key: SessionKey, held: LockTable) {
    this.#key = key;
    this.#held = held;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /**
   * Takes the lock: at once when it is free (or already held by this writer), and then there is no
   * promise; else after all earlier ones, with the value that the holder before gave to `release`.
   */
  acquire(): Promise<Milliseconds> | undefined {
    if (this.#isHeld) return undefined;
    const waiting = this.#held.get(this.#key);
    this.#isHeld = true;
    if (waiting === undefined) {
      this.#held.set(this.#key, nobody);
      return undefined;
    }
    return new Promise((resolve) => {
      if (waiting === nobody) this.#held.set(this.#key, [resolve]);
      else waiting.push(resolve);
    });
  }

  /**
   * Passes the lock to the next in the queue, with how long a commit of this session took; 0: there
   * was none. No error when it is not held.
   */
  release(commitMs: Milliseconds = 0): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    const next = this.#held.get(this.#key)?.shift();
    if (next === undefined) this.#held.delete(this.#key);
    else next(commitMs);
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
