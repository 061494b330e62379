/** Whether the settings of the store's servers keep sessions safe. */

import { formatNode, type RedisNode } from './redis-address.ts';
import { parseInfo, type Shard } from './redis-topology.ts';

/** A server with fewer keys may have lost half of them by what has just ended. */
const keysForHalf = 20;

/** What a server reports of itself. */
export type ServerFacts = {
  readonly version: string;
  readonly isCluster: boolean;
  readonly isReplica: boolean;
  /** What it evicts when its memory is full: `noeviction` is nothing. */
  readonly evictionPolicy: string;
  readonly isMemoryBounded: boolean;
  /** True when what takes memory is refused, or soon will be. */
  readonly isMemoryFull: boolean;
  readonly isAppendOnly: boolean;
  readonly isAppendFailing: boolean;
  /** A replica that takes writes of others than its primary. */
  readonly isWritableReplica: boolean;
  /** Another one after each start of the server. */
  readonly runId: string;
  /** Those that do not expire: others may go while a server is away. */
  readonly keysCount: number;
  /** How often all keys were removed at once since the server began, and those of one database. */
  readonly flushesCount: number;
  readonly databaseFlushesCount: number;
  /** Others have keys in other databases of the server. */
  readonly hasOtherDatabases: boolean;
};

/** The sections of INFO that `parseServerFacts` reads. */
export const serverSections = [
  'server',
  'memory',
  'persistence',
  'replication',
  'cluster',
  'keyspace',
  'commandstats',
] as const;

/** A part of its memory that a server needs to work; above it no more data should be added. */
const fullShare = 0.95;

export function parseServerFacts(info: string): ServerFacts {
  const facts = parseInfo(info);
  const is = (name: string, value: string): boolean => facts.get(name) === value;
  const bytesMax = Number(facts.get('maxmemory') ?? 0);
  const isReplica = is('role', 'slave');
  return {
    version: facts.get('redis_version') ?? '',
    isCluster: is('cluster_enabled', '1'),
    isReplica,
    evictionPolicy: facts.get('maxmemory_policy') ?? 'noeviction',
    isMemoryBounded: bytesMax > 0,
    isMemoryFull: bytesMax > 0 && Number(facts.get('used_memory') ?? 0) >= fullShare * bytesMax,
    isAppendOnly: is('aof_enabled', '1'),
    isAppendFailing: is('aof_enabled', '1') && is('aof_last_write_status', 'err'),
    isWritableReplica: isReplica && is('slave_read_only', '0'),
    runId: facts.get('run_id') ?? '',
    keysCount: countIn(facts.get('db0'), 'keys') - countIn(facts.get('db0'), 'expires'),
    flushesCount: countIn(facts.get('cmdstat_flushall'), 'calls'),
    databaseFlushesCount: countIn(facts.get('cmdstat_flushdb'), 'calls'),
    hasOtherDatabases: [...facts.keys()].some((name) => /^db[1-9]/.test(name)),
  };
}

/** The number of this name in a line such as `calls=2,usec=7`; 0 where there is none. */
function countIn(line: string | undefined, name: string): number {
  const part = line?.split(',').find((one) => one.startsWith(`${name}=`));
  return Number(part?.slice(name.length + 1) ?? 0);
}

/**
 * True when a primary has lost its data between these two looks: all keys were removed, or it began again
 * with none of them, or of many with fewer than half. The server does not say which database was flushed:
 * where there are several, the keys show whether it was this one.
 */
export function isEmptied(before: ServerFacts, now: ServerFacts): boolean {
  if (before.isReplica || now.isReplica) return false;
  const isHalved = now.keysCount < before.keysCount / 2;
  if (before.runId === now.runId) {
    const isFlushed = now.databaseFlushesCount > before.databaseFlushesCount;
    return (
      now.flushesCount > before.flushesCount ||
      (isFlushed && (isHalved || !before.hasOtherDatabases))
    );
  }
  return isHalved && (now.keysCount === 0 || before.keysCount >= keysForHalf);
}

/** Why this server cannot keep sessions safely; undefined when it can. */
export function unfitReason(facts: ServerFacts): string | undefined {
  if (Number.parseInt(facts.version, 10) < 7) {
    return `it is Redis ${facts.version}; expected 7.0 or newer, or Valkey`;
  }
  if (!facts.isCluster && facts.isReplica) return 'it is a replica; expected the primary';
  return undefined;
}

/** Why this server would lose sessions when its memory is full; undefined when it would not. */
export function evictionReason({
  isMemoryBounded,
  evictionPolicy,
}: ServerFacts): string | undefined {
  return isMemoryBounded && evictionPolicy !== 'noeviction'
    ? `it throws data away when its memory is full (maxmemory-policy ${evictionPolicy}); expected noeviction`
    : undefined;
}

/** What is asked of a write: see `durability`. */
export type WritePromise = {
  readonly isStrict: boolean;
  readonly replicasMin: number | undefined;
  /** Whether a primary without a replica is missing one: false of a server that never had any. */
  readonly expectsReplicas: boolean;
};

/** The names of the conditions that `serverConditions` reports. */
export const serverConditionNames = [
  'redis eviction',
  'redis memory',
  'redis append-only',
  'redis append-only writes',
  'redis replicas',
  'redis writable replica',
] as const;
export type ServerConditionName = (typeof serverConditionNames)[number];

/** The faults of the servers in use: a sentence for each kind. */
export function serverConditions(
  servers: readonly (readonly [RedisNode, ServerFacts])[],
  shards: readonly Shard[],
  { isStrict, replicasMin, expectsReplicas }: WritePromise,
): ReadonlyMap<ServerConditionName, string> {
  const conditions = new Map<ServerConditionName, string>();
  const names = (isOne: (facts: ServerFacts) => boolean): string =>
    servers
      .filter(([, facts]) => isOne(facts))
      .map(([node]) => formatNode(node))
      .sort()
      .join(', ');
  const note = (name: ServerConditionName, at: string, sentence: (at: string) => string): void => {
    if (at !== '') conditions.set(name, sentence(at));
  };
  note(
    'redis eviction',
    names((facts) => evictionReason(facts) !== undefined),
    (at) =>
      `The store throws sessions away when its memory is full (${at}): set maxmemory-policy noeviction.`,
  );
  note(
    'redis memory',
    names(({ isMemoryFull }) => isMemoryFull),
    (at) =>
      `The memory of the store is full or nearly so (${at}): sessions can be read, left and ended, and not much else until there is room.`,
  );
  note(
    'redis append-only',
    names(({ isAppendOnly }) => !isAppendOnly),
    (at) =>
      `The store keeps nothing on a disk (${at}): sessions, handles, lists of people and the secret of all tokens are lost when a server restarts and no replica has taken over. Set appendonly yes.`,
  );
  note(
    'redis append-only writes',
    names(({ isAppendFailing }) => isAppendFailing),
    (at) => `The store cannot write its append-only file (${at}); is the disk full?`,
  );
  note(
    'redis writable replica',
    names(({ isWritableReplica }) => isWritableReplica),
    (at) =>
      `Replicas of the store take writes of others than their primary (${at}): set replica-read-only yes.`,
  );
  const needed = isStrict ? (replicasMin ?? (expectsReplicas ? 1 : 0)) : 0;
  const short = shards
    .filter(({ replicas }) => replicas.length < needed)
    .map(({ node }) => formatNode(node))
    .sort()
    .join(', ');
  note('redis replicas', short, (at) =>
    replicasMin === undefined
      ? `Primaries of the store have no replica now (${at}): what they acknowledge is lost with them.`
      : `Primaries of the store have fewer than ${replicasMin} replicas now (${at}): writes are refused there.`,
  );
  return conditions;
}
