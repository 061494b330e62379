import type { Milliseconds } from '../../domain/time.ts';
import { type Conditions, openConditions } from '../../platform/conditions.ts';
import type { Bus } from '../bus.ts';
import type { Durability, Store } from '../store.ts';
import { requireRedisAddress } from './redis-address.ts';
import { RedisBus } from './redis-bus.ts';
import { keysOf } from './redis-keys.ts';
import { connectRedis } from './redis-link.ts';
import { RedisShards } from './redis-shards.ts';
import { RedisStore } from './redis-store.ts';

export type RedisSettings = {
  /** `redis://user:password@host:port,host:port`, or `rediss://` for TLS; any nodes of a cluster. */
  readonly url: string;
  /** `strict`: replicas have each commit; `relaxed`: the primary does. */
  readonly durability: Durability;
  /** Replicas that must have a strict commit; one of a shard that has any, unless given. */
  readonly replicasMin?: number;
  /** What the sessions that are kept parsed may take of the memory; 64 MiB unless given. */
  readonly cacheBytesMax?: number;
  /** How long commands are tried again while servers fail over or move; 5 s unless given. */
  readonly patienceMs?: Milliseconds;
  /** A connection without a reply for longer is closed; 2 s unless given. */
  readonly replyTimeoutMs?: Milliseconds;
  /** How often the servers are asked for changes that none reports; 5 s unless given. */
  readonly lookAgainMs?: Milliseconds;
  /** What the names of all keys begin with; `mpsd` unless given. */
  readonly prefix?: string;
  /** Gets what is wrong with the settings of the servers. */
  readonly conditions?: Conditions;
  /** Gets a line for each damaged record. */
  readonly log?: (line: string) => void;
};

/** A store and a bus that share their connections; disposing of the store ends both. */
export type OpenedRedis = {
  readonly store: Store;
  readonly bus: Bus;
  /** The clock of the store, which all nodes use, less that of this machine. */
  readonly offsetMs: () => Milliseconds;
};

/**
 * A store on Redis 7 or newer, or Valkey: one server, or a cluster.
 *
 * Throws StoreUnavailable, with a text for the operator, when no server of the address can be used, or one of
 * them would throw sessions away. Servers that do not answer are given up after about 10 s, or five times
 * `replyTimeoutMs` where that is given.
 */
export async function openRedisStore(settings: RedisSettings): Promise<OpenedRedis> {
  const address = requireRedisAddress(settings.url);
  const { durability, replicasMin, cacheBytesMax = 64 * 1024 * 1024 } = settings;
  const { patienceMs = 5_000, replyTimeoutMs = 2_000, prefix = 'mpsd' } = settings;
  const connect = connectRedis(address, replyTimeoutMs);
  const replicationTimeoutMs = Math.ceil(replyTimeoutMs / 2);
  const { log = () => undefined } = settings;
  const { conditions = openConditions(() => undefined), lookAgainMs = 5_000 } = settings;
  const limits = { patienceMs, replyTimeoutMs, replicationTimeoutMs, replicasMin, lookAgainMs };
  const shards = await RedisShards.open({ address, connect, durability, conditions, ...limits });
  const keys = keysOf(prefix);
  const bus = new RedisBus({ shards, keys, connect, replyTimeoutMs });
  const store = new RedisStore({ shards, keys, durability, cacheBytesMax, patienceMs, bus, log });
  return { store, bus, offsetMs: () => shards.nowMs(keys.secret) - Date.now() };
}
