import type { Guid, Xuid } from '../domain/ids.ts';
import type { SessionBounds } from '../domain/session/bounds.ts';
import type { SessionHint } from '../domain/session/hints.ts';
import type { SessionChange } from '../domain/session/session-change.ts';
import type { Catalog } from '../domain/session/template.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { UnknownMembers } from '../domain/unknown-members.ts';
import type { Observers } from '../observe/observers.ts';
import type { People } from '../people/people.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { SetAside } from '../platform/set-aside.ts';
import type { Bus } from '../store/bus.ts';
import type { HistoryPut, NodeId, Store } from '../store/store.ts';
import type { SearchIndex } from '../search/search-index.ts';
import type { Presence } from './presence.ts';
import type { SeenNames } from './seen-names.ts';
import type { SessionLocks } from './session-lock.ts';
import type { UserCounts } from './user-counts.ts';

/** All that the directory needs from outside. */
export type Context = {
  readonly store: Store;
  readonly bus: Bus;
  readonly node: Node;
  readonly locks: SessionLocks;
  /** What this process knows of how much users hold. */
  readonly userCounts: UserCounts;
  /**
   * Waits for longer than a commit takes (`commitMs`), so that a writer of another process who lost
   * a race comes first. Without other processes there is no promise.
   */
  readonly letOthersIn: (commitMs: Milliseconds) => Promise<void> | undefined;
  readonly presence: Presence;
  /** Gamertags that tokens have said to this process. */
  readonly names: SeenNames;
  /** Called after each commit of a session by this process; must not throw. */
  readonly sessionListeners: ((change: SessionChange) => void)[];
  /** What gets the events of this process: the log, metrics, recordings. */
  readonly observers: Observers;
  readonly people: People;
  readonly clock: Clock;
  readonly ids: Ids;
  /** What this process knows of live search handles. */
  readonly searchIndex: SearchIndex;
  /** Read for each request, so that a reloaded configuration takes effect at once. */
  readonly catalog: () => Catalog;
  readonly settings: {
    readonly inviteLifetimeMs: Milliseconds;
    /** How much of the past of sessions is kept; `changesMax` 0: nothing. */
    readonly history: Pick<HistoryPut, 'changesMax' | 'keptMs'>;
    /** Bytes of an answer to a query for handles. */
    readonly queryAnswerBytesMax: number;
    /** For one user in one service config. */
    readonly sessionsPerUserMax: number;
    readonly invitesPerUserMax: number;
    readonly searchAttributesBytesMax: number;
    /** How long a member stays active after its connection has ended. */
    readonly disconnectGraceMs: Milliseconds;
    /** The same without connectionRequiredForActiveMembers, if the user is not seen; 0: for ever. */
    readonly presenceTimeoutMs: Milliseconds;
    /** How long an unseen member stays active who never wrote a connection; 0: for ever. */
    readonly unconnectedTimeoutMs: Milliseconds;
    /** Key of the hash that turns secure device addresses into device tokens. */
    readonly deviceTokenKey: Uint8Array;
    readonly bounds: SessionBounds;
    readonly unknownMembers: UnknownMembers;
  };
  /** Records that could not be processed; work on many records goes through it. */
  readonly setAside: SetAside;
  /** Receives where a body had unknown members, when the policy keeps them. */
  readonly noteUnknownMembers: (names: readonly string[]) => void;
  /** Receives what failed in the background, outages included. */
  readonly failed: (error: unknown) => void;
};

/** This process as a node with connections. */
export type Node = {
  /** Another one begins when other nodes may think that this one has ended. */
  id: NodeId;
  /** The connections that are open here, by their ids in lower case. */
  readonly connections: { has(connection: Guid): boolean };
  sweepsCount: number;
  /**
   * Where members may be active by ended connections, and whose connections these are, if known;
   * the sweep checks them again.
   */
  readonly recheckQueue: Map<SessionHint, Xuid | undefined>;
};
