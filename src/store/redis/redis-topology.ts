/** Which server has which slot, and its replicas, as the servers report them. */

import { formatNode, type RedisNode } from './redis-address.ts';
import type { RedisLink, Reply } from './redis-link.ts';
import { slotsCount } from './slots.ts';

/** A primary, and its replicas that follow it now. */
export type Shard = { readonly node: RedisNode; readonly replicas: readonly RedisNode[] };

export type Topology = {
  readonly isCluster: boolean;
  readonly shardOfSlot: readonly (Shard | undefined)[];
};

export const emptyTopology: Topology = { isCluster: false, shardOfSlot: [] };

/** Every shard once. */
export function shardsOf({ shardOfSlot }: Topology): readonly Shard[] {
  return [...new Set(shardOfSlot)].filter((shard) => shard !== undefined);
}

/** Every server once: primaries and replicas. */
export function serversOf(topology: Topology): readonly RedisNode[] {
  const servers = shardsOf(topology).flatMap(({ node, replicas }) => [node, ...replicas]);
  return [...new Map(servers.map((server) => [formatNode(server), server])).values()];
}

/** The lines of an answer to INFO. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\r\n').flatMap((line): [string, string][] => {
      const at = line.indexOf(':');
      return at < 1 ? [] : [[line.slice(0, at), line.slice(at + 1)]];
    }),
  );
}

/** The topology as the server of this link knows it. */
export async function readTopology(link: RedisLink, isTls: boolean): Promise<Topology> {
  const facts = parseInfo(String(await link.send(['INFO', 'cluster'])));
  if (facts.get('cluster_enabled') !== '1') {
    const replication = parseInfo(String(await link.send(['INFO', 'replication'])));
    const shard: Shard = {
      node: link.node,
      replicas: [...replication.values()].flatMap(replicaOf),
    };
    return { isCluster: false, shardOfSlot: Array<Shard>(slotsCount).fill(shard) };
  }
  const shardOfSlot = Array<Shard | undefined>(slotsCount).fill(undefined);
  for (const one of (await link.send(['CLUSTER', 'SHARDS'])) as readonly Reply[]) {
    const { slots, nodes } = pairsOf(one);
    const members = (nodes as readonly Reply[])
      .map(pairsOf)
      .filter(({ health }) => health === 'online');
    const primary = members.find(({ role }) => role === 'master');
    if (primary === undefined) continue;
    const shard: Shard = {
      node: nodeOf(primary, link.node, isTls),
      replicas: members
        .filter(({ role }) => role !== 'master')
        .map((replica) => nodeOf(replica, link.node, isTls)),
    };
    const ranges = (slots as readonly Reply[]).map(Number);
    for (let n = 0; n < ranges.length; n += 2) {
      shardOfSlot.fill(shard, ranges[n], (ranges[n + 1] ?? 0) + 1);
    }
  }
  return { isCluster: true, shardOfSlot };
}

/** A replica that follows, of its line in INFO replication: `ip=…,port=…,state=online,…`. */
function replicaOf(line: string): readonly RedisNode[] {
  const [, host, port] = /^ip=([^,]+),port=([0-9]+),state=online\b/.exec(line) ?? [];
  return host === undefined ? [] : [{ host, port: Number(port) }];
}

function nodeOf(
  facts: Readonly<Record<string, Reply>>,
  asked: RedisNode,
  isTls: boolean,
): RedisNode {
  const given = String(facts['endpoint'] ?? '');
  const host = given === '' || given === '?' ? String(facts['ip'] ?? '') : given;
  return {
    host: host === '' ? asked.host : host,
    port: Number(facts[isTls ? 'tls-port' : 'port']),
  };
}

/** The members of a map, which is a list in RESP 2. */
function pairsOf(reply: Reply): Readonly<Record<string, Reply>> {
  const list = reply as readonly Reply[];
  return Object.fromEntries(
    Array.from({ length: list.length / 2 }, (_, n) => [
      String(list[2 * n]),
      list[2 * n + 1] ?? null,
    ]),
  );
}
