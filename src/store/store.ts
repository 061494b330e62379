import type { Milliseconds } from '../domain/time.ts';
import type { HistoryStore } from './history-store.ts';
import type { NodeRegistry } from './node-registry.ts';
import type { PendingNotifications } from './pending-notifications.ts';
import type { PeopleStore } from './people-store.ts';
import type { RecordStore } from './record-store.ts';
import type { SessionStore } from './session-store.ts';

export type { ListEntry, ListName } from '../domain/people/list.ts';
export type {
  HistoryName,
  HistoryPut,
  HistoryStore,
  StoredBranch,
  StoredChange,
} from './history-store.ts';
export type { NodeId, NodeRegistry } from './node-registry.ts';
export type { PendingTaps, PendingNotifications } from './pending-notifications.ts';
export type { PeopleStore } from './people-store.ts';
export type {
  GroupPart,
  RecordChange,
  RecordConflict,
  RecordName,
  RecordsCommitted,
  RecordStore,
  StoredRecord,
} from './record-store.ts';
export type { HandleReader } from './handle-reader.ts';
export type { MemberRowReader } from './member-row-reader.ts';
export type * from './session-finder.ts';
export type * from './session-store.ts';
export type { Share } from './share.ts';

/** What nodes on a store agree on once. */
export interface Agreements {
  /**
   * True for the first caller who asks for this name, on whichever node, and false for all others until
   * `untilMs`. Where it was acquired and the answer lost, nobody gets it.
   */
  acquireOnce(name: string, nowMs: Milliseconds, untilMs: Milliseconds): Promise<boolean>;

  /**
   * 32 random bytes, the same on every node that uses this data. Where there are none yet, or none any
   * more since the store was emptied, they are drawn; `known`, if given, is kept in their place.
   */
  secret(known?: Uint8Array): Promise<Uint8Array>;
}

/** Counts that the processes on a store have in common. */
export interface SharedCounts {
  /**
   * Adds to the count of this name, and gives the count with it. It begins with 0, and is forgotten
   * `lifetimeMs` after its first addition. It may be lost with a server of the store.
   */
  add(name: string, by: number, lifetimeMs: Milliseconds): Promise<number>;
}

/**
 * Everything that is kept for a directory. Who uses it asks for the part that it needs.
 *
 * Each method may throw `StoreUnavailable` and nothing else; after it from a commit the outcome is
 * unknown: the batch is there whole or not at all. Once the store is disposed of, every method
 * throws it; disposing waits for the commits under way, and may be asked for twice.
 *
 * A record that is damaged is logged once. Methods that give one record throw `DamagedRecord` for it, and
 * those that give several leave it out; so it takes no place among those that a `limit` allows.
 */
export interface Store
  extends SessionStore,
    HistoryStore,
    PeopleStore,
    RecordStore,
    NodeRegistry,
    Agreements,
    AsyncDisposable {
  /** Only a store that several processes share has them: the connections of one die with it. */
  readonly pendingNotifications?: PendingNotifications;
  /** Only a store that several processes share has them. */
  readonly sharedCounts?: SharedCounts;
}

/** How long an acknowledged write lasts: through power loss, or through the death of the process. */
export type Durability = 'strict' | 'relaxed';

/** The store cannot be reached or cannot write; nothing is known of a commit under way. */
export class StoreUnavailable extends Error {
  override readonly name: string = 'StoreUnavailable';
}

/** What was asked for is damaged, and the log says so; the store has nothing else against it. */
export class DamagedRecord extends StoreUnavailable {
  override readonly name: string = 'DamagedRecord';
}

/** What was to be written is damaged: nothing was stored. */
export class UnwritableRecord extends DamagedRecord {
  override readonly name = 'UnwritableRecord';
}

/**
 * What is read; undefined for a damaged record. For readers of many, each of which is read alone. A write that
 * fails is no success: its error goes on.
 */
export async function unlessDamaged<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof DamagedRecord) || error instanceof UnwritableRecord) throw error;
    return undefined;
  }
}

/** True of errors of a store as a whole; false of one that concerns a single record. */
export function isOutage(error: unknown): boolean {
  return error instanceof StoreUnavailable && !(error instanceof DamagedRecord);
}
