import type { Xuid } from '../domain/ids.ts';
import type { Milliseconds } from '../domain/time.ts';

/** The nodes on a store: which are alive, and which users they have seen. */
export interface NodeRegistry {
  /**
   * Begins or extends the lease of a node, by the store's own clock. `lost`: the lease had run out
   * meanwhile, others may have ended what the node held, and it is not begun again.
   */
  renewNode(node: NodeId, leaseMs: Milliseconds): Promise<'held' | 'lost'>;

  /**
   * Nodes that have or had a lease, and whether it still runs. In a store for one process the only
   * node alive is the one that this process began.
   */
  nodes(): Promise<readonly { readonly node: NodeId; readonly isAlive: boolean }[]>;

  /** Gives up a lease, or forgets a node that is dead and has nothing left to end. */
  forgetNode(node: NodeId): Promise<void>;

  /**
   * Notes when this process saw users; of several times of one user the latest counts. Sightings
   * before `forgetBeforeMs` may be forgotten. Need not survive anything.
   */
  noteSeen(
    sightings: readonly (readonly [Xuid, Milliseconds])[],
    forgetBeforeMs: Milliseconds,
  ): Promise<void>;

  /**
   * When these users were last seen, as noted by any process; without users of whom nothing is
   * noted.
   */
  lastSeen(xuids: readonly Xuid[]): Promise<ReadonlyMap<Xuid, Milliseconds>>;
}

/** One life of a process that holds connections: 8 lower-case hex digits. */
export type NodeId = string;
