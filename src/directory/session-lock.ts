import type { SessionKey } from '../domain/session/reference.ts';

/**
 * The locks of this process's writers, one for each session: writers of one process do not lose
 * races to each other. Writers of other processes are not kept out; the commit finds them.
 */
export class SessionLocks {
  /** Of each lock that is held: who waits for it, the first first. */
  readonly #held = new Map<SessionKey, (() => void)[]>();

  /** The lock of this session, for one writer, who does not hold it yet. */
  of(key: SessionKey): SessionLock {
    return new SessionLock(key, this.#held);
  }
}

/** One writer's hold on the lock of a session. */
export class SessionLock implements Disposable {
  readonly #key: SessionKey;
  readonly #held: Map<SessionKey, (() => void)[]>;
  #isHeld = false;

  constructor(key: SessionKey, held: Map<SessionKey, (() => void)[]>) {
    this.#key = key;
    this.#held = held;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /**
   * Takes the lock: at once when it is free (or held by this writer already), and then there is no
   * promise; else after all who asked before.
   */
  acquire(): Promise<void> | undefined {
    if (this.#isHeld) return undefined;
    const waiting = this.#held.get(this.#key);
    this.#isHeld = true;
    if (waiting !== undefined) return new Promise((resolve) => waiting.push(resolve));
    this.#held.set(this.#key, []);
    return undefined;
  }

  /** Gives the lock to the next who waits. No error when it is not held. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    const next = this.#held.get(this.#key)?.shift();
    if (next === undefined) this.#held.delete(this.#key);
    else next();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
