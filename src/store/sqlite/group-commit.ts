import type { Guid, Xuid } from '../../domain/ids.ts';
import type { SessionKey } from '../../domain/session/reference.ts';
import type { Member } from '../../domain/session/session.ts';
import type { Milliseconds } from '../../domain/time.ts';
import { addTo, removeFrom } from '../hint-index.ts';
import type { Hint, MemberRowsPut, SessionRecord } from '../store.ts';
import type { Write } from './statements.ts';
import type { WriteFailure } from './writer-messages.ts';

/**
 * A key: its record if it has one, when that is due, its number in the file, and the count of losses of
 * history at which the history was known to have that number.
 */
export type StoredState = {
  readonly record: SessionRecord | undefined;
  readonly dueMs: Milliseconds | undefined;
  readonly number: number | undefined;
  readonly inHistoryAt?: number | undefined;
};

export const nothing: StoredState = { record: undefined, dueMs: undefined, number: undefined };

/** What a group writes for a key. */
export type PendingState = {
  readonly state: StoredState;
  readonly size: number;
  /** The place of the row in the group; undefined: it is deleted. */
  readonly writeAt: number | undefined;
};

/** Member rows of a key that a group puts, or, where there is no member, removes. */
type PendingRows = {
  readonly byXuid: Map<Xuid, Member | undefined>;
  /** True when there are no others. */
  readonly isAll: boolean;
};

/** Commits that share one transaction. */
export class Group {
  readonly writes: Write[] = [];
  /** The state of each key once the group is durable. */
  readonly sessions = new Map<SessionKey, PendingState>();
  readonly rows = new Map<SessionKey, PendingRows>();
  /** Hints kept in the process that commits of this group have added or removed last. */
  readonly hintsAdded = new Map<SessionKey, Set<Hint>>();
  readonly hintsRemoved = new Map<SessionKey, Set<Hint>>();
  /** Lower-case. */
  readonly handleIds = new Set<Guid>();
  /** Records that it is to write, and the revision they get; 0: they are removed. */
  readonly records = new Map<string, number>();
  /** How many have joined it. */
  commitsCount = 0;
  /** True when a commit expects what the group before this one was to write. */
  dependsOnFormer = false;
  /** The error, or undefined: everything is durable. */
  readonly done: Promise<WriteFailure | undefined>;
  readonly finish: (failure: WriteFailure | undefined) => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<WriteFailure | undefined>();
    this.done = promise;
    this.finish = resolve;
  }

  addRows(key: SessionKey, { put = [], remove = [] }: MemberRowsPut): void {
    const rows = this.rows.get(key) ?? { byXuid: new Map(), isAll: false };
    this.rows.set(key, rows);
    for (const { member } of put) rows.byXuid.set(member.xuid, member);
    for (const xuid of remove) rows.byXuid.set(xuid, undefined);
  }

  addHints(key: SessionKey, hints: readonly Hint[]): void {
    for (const hint of hints) {
      addTo(this.hintsAdded, key, hint);
      removeFrom(this.hintsRemoved, key, hint);
    }
  }

  removeHints(key: SessionKey, hints: readonly Hint[]): void {
    for (const hint of hints) {
      addTo(this.hintsRemoved, key, hint);
      removeFrom(this.hintsAdded, key, hint);
    }
  }
}

/** A group with this many commits does not wait for more. */
const commitsEnough = 64;

/** As long as each turn of the event loop brings commits, a group waits for this many turns. */
const turnsMax = 4;

/** A group that has waited this long is sent at the end of the turn. */
const waitMs: Milliseconds = 5;

/** Of a group that waits for more commits. */
type Waiting = {
  /** Its commits a turn ago. */
  readonly formerCount: number;
  readonly turnsLeft: number;
  /** When it began to wait. */
  readonly sinceMs: Milliseconds;
};

export type GroupWriter = {
  /** Undefined once everything is durable. Never rejects; it is given one group at a time. */
  write(writes: readonly Write[]): Promise<WriteFailure | undefined>;
  /** Called with each group before its waiters are. */
  finished(group: Group, failure: WriteFailure | undefined): void;
};

/**
 * Group commit: all that arrive while the writer is at a group share the one after it.
 *
 *   group:  filling ── the former one is done, or nothing is added ──▶ with the writer ──▶ done
 *
 * A group costs the event loop, the writer and the disk more than a commit does, so small ones are few: while
 * the writer is idle, the requests that have arrived are read first, until a turn of the event loop adds nothing
 * or the group has waited long.
 *
 * A commit may depend on one that is not done, in its own group or in the one before. When a group
 * fails, the next one fails with it if it holds such a commit. Else it is sent after those of the failed
 * one that are tried again alone.
 */
export class GroupCommit {
  readonly #writer: GroupWriter;
  readonly #elapsedMs: () => Milliseconds;
  #filling: Group | undefined;
  #writing: Group | undefined;
  /** The last of those that are written alone. */
  #lastAlone: Promise<unknown> = Promise.resolve();
  /** Those that are written alone and are not done. */
  #aloneCount = 0;

  /** `elapsedMs`: time that passes, which bounds how long a group waits for more commits. */
  constructor(writer: GroupWriter, elapsedMs: () => Milliseconds) {
    this.#writer = writer;
    this.#elapsedMs = elapsedMs;
  }

  /** The groups that are not done, in the order in which they are written. */
  get pending(): readonly Group[] {
    return [this.#writing, this.#filling].filter((group) => group !== undefined);
  }

  /** What the newest group that is to write this key will leave there. */
  pendingState(key: SessionKey): PendingState | undefined {
    return this.groupOf(key)?.sessions.get(key);
  }

  /** The newest group that is to write this key, unless it is done. */
  groupOf(key: SessionKey): Group | undefined {
    if (this.#filling?.sessions.has(key)) return this.#filling;
    if (this.#writing?.sessions.has(key)) return this.#writing;
    return undefined;
  }

  /** True while the group that is being filled is to write this key. */
  isFillingWith(key: SessionKey): boolean {
    return this.#filling?.sessions.has(key) === true;
  }

  /** The group that is being filled, for one more commit. */
  open(): Group {
    if (this.#filling === undefined) {
      this.#filling = new Group();
      this.#sendSoon();
    }
    this.#filling.commitsCount += 1;
    return this.#filling;
  }

  /** Notes that a commit to `key` in `group` depends on one that is with the writer, if it does. */
  noteFormer(group: Group, key: SessionKey): void {
    group.dependsOnFormer ||= this.#writing !== group && this.#writing?.sessions.has(key) === true;
  }

  /**
   * What `run` comes to, once the writer is idle: a group that it sends is written before the one that
   * is being filled. Such runs follow one another.
   */
  async alone<T>(
    run: (send: (group: Group) => Promise<WriteFailure | undefined>) => Promise<T>,
  ): Promise<T> {
    this.#aloneCount += 1;
    const outcome = this.#lastAlone.then(async () => {
      try {
        while (this.#writing) await this.#writing.done;
        return await run((group) => {
          this.#send(group);
          return group.done;
        });
      } finally {
        this.#aloneCount -= 1;
      }
    });
    this.#lastAlone = outcome.catch(() => undefined);
    return outcome;
  }

  /** Resolves when all begun work is done. */
  async idle(): Promise<void> {
    for (let [group] = this.pending; group; [group] = this.pending) await group.done;
  }

  /**
   * Sends what is being filled once a turn of the event loop adds nothing to it, it has enough, or it has
   * waited long. The writer is idle.
   */
  #sendSoon(): void {
    const group = this.#filling;
    if (!group) return;
    const sinceMs = this.#elapsedMs();
    this.#sendOnceQuiet(group, { formerCount: 0, turnsLeft: turnsMax, sinceMs });
  }

  #sendOnceQuiet(group: Group, { formerCount, turnsLeft, sinceMs }: Waiting): void {
    setImmediate(() => {
      // One that overtakes it may be with the writer; then it is sent when that is done.
      if (this.#filling !== group || this.#writing) return;
      const { commitsCount } = group;
      const isLong = turnsLeft <= 1 || this.#elapsedMs() - sinceMs >= waitMs;
      const hasEnough = commitsCount >= commitsEnough;
      if (isLong || hasEnough || commitsCount === formerCount) this.#sendFilling(group);
      else {
        const left = { formerCount: commitsCount, turnsLeft: turnsLeft - 1, sinceMs };
        this.#sendOnceQuiet(group, left);
      }
    });
  }

  #sendFilling(group: Group): void {
    this.#filling = undefined;
    this.#send(group);
  }

  #send(group: Group): void {
    this.#writing = group;
    void this.#writer.write(group.writes).then((failure) => this.#finish(group, failure));
  }

  #finish(group: Group, failure: WriteFailure | undefined): void {
    this.#writing = undefined;
    this.#writer.finished(group, failure);
    const next = this.#filling;
    if (failure !== undefined && next?.dependsOnFormer) {
      this.#filling = undefined;
      const lost = { ...failure, isUndone: true };
      this.#writer.finished(next, lost);
      next.finish(lost);
    }
    // Before the waiters answer their clients, or the writer would have nothing to do meanwhile. After a
    // failure they may try again alone, which goes first.
    const mayGoOn = failure === undefined && this.#aloneCount === 0;
    if (mayGoOn && this.#filling) this.#sendFilling(this.#filling);
    group.finish(failure);
    if (!this.#writing) this.#sendSoon();
  }
}
