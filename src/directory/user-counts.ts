import type { Xuid } from '../domain/ids.ts';
import type { Milliseconds } from '../domain/time.ts';

/** Users of whom something is remembered at most; for others the store is asked again. */
const usersMax = 100_000;

/** What this process knows of how much of a service config counts for users; see user-bounds.ts. */
export class UserCounts {
  /** By user and service config: not fewer than there are, except those of other processes. */
  readonly sessions = new BoundedMap<number>(usersMax);
  /** When the invites expire that were sent, the first one first. */
  readonly inviteExpirations = new BoundedMap<readonly Milliseconds[]>(usersMax);
  /** By sender and title: when the invite into an activity expires that each user has got. */
  readonly activityInvites = new BoundedMap<ReadonlyMap<Xuid, Milliseconds>>(usersMax);
}

/** A map that, when full, forgets the older half of its entries. */
class BoundedMap<T> {
  readonly #max: number;
  #recent = new Map<string, T>();
  #former: ReadonlyMap<string, T> = new Map();

  constructor(max: number) {
    this.#max = max;
  }

  get(key: string): T | undefined {
    return this.#recent.get(key) ?? this.#former.get(key);
  }

  set(key: string, value: T): void {
    this.#recent.set(key, value);
    if (this.#recent.size < this.#max / 2) return;
    this.#former = this.#recent;
    this.#recent = new Map();
  }
}
