import type { Xuid } from '../domain/ids.ts';
import type { Milliseconds } from '../domain/time.ts';

/** Users of whom something is remembered at most; for others the store is asked again. */
const usersMax = 100_000;

/** Invites that are remembered at most, with one for each sender: some tens of megabytes. */
const invitesMax = 500_000;

/** What this process knows of how much of a service config counts for users; see user-bounds.ts. */
export class UserCounts {
  /** By user and service config: not fewer than there are, except those of other processes. */
  readonly sessions = new BoundedMap<number>(usersMax);
  /** When the invites expire that were sent, the first one first. */
  readonly inviteExpirations = new BoundedMap<readonly Milliseconds[]>(
    invitesMax,
    (waiting) => 1 + waiting.length,
  );
  /** By sender and title: when the invite into an activity expires that each user has got. */
  readonly activityInvites = new BoundedMap<ReadonlyMap<Xuid, Milliseconds>>(
    invitesMax,
    (waiting) => 1 + waiting.size,
  );
}

/** A map that, when full, forgets the older half of its entries. */
class BoundedMap<T> {
  readonly #max: number;
  readonly #sizeOf: (value: T) => number;
  #recent = new Map<string, T>();
  #recentSize = 0;
  #former: ReadonlyMap<string, T> = new Map();

  /** `sizeOf`: what an entry counts; 1 unless it is given. */
  constructor(max: number, sizeOf: (value: T) => number = () => 1) {
    this.#max = max;
    this.#sizeOf = sizeOf;
  }

  get(key: string): T | undefined {
    return this.#recent.get(key) ?? this.#former.get(key);
  }

  set(key: string, value: T): void {
    const replaced = this.#recent.get(key);
    this.#recentSize += this.#sizeOf(value);
    if (replaced !== undefined) this.#recentSize -= this.#sizeOf(replaced);
    this.#recent.set(key, value);
    if (this.#recentSize < this.#max / 2) return;
    this.#former = this.#recent;
    this.#recent = new Map();
    this.#recentSize = 0;
  }
}
