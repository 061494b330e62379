import type { Xuid } from '../../domain/ids.ts';
import type { Milliseconds } from '../../domain/time.ts';
import type { NodeId, NodeRegistry } from '../store.ts';
import type { RedisCommands } from './redis-commands.ts';
import { pairsOf } from './redis-replies.ts';

/** The nodes on a Redis: see NodeRegistry. The servers' clocks end their leases. */
export class RedisNodes implements NodeRegistry {
  readonly #commands: RedisCommands;
  /** The nodes of the last look: their leases are asked for together with the nodes. */
  #known: readonly NodeId[] = [];

  constructor(commands: RedisCommands) {
    this.#commands = commands;
  }

  async renewNode(node: NodeId, leaseMs: Milliseconds): Promise<'held' | 'lost'> {
    this.#commands.assertOpen();
    const keys = [this.#commands.keys.nodes, this.#commands.keys.lease(node)];
    const reply = await this.#commands.writeScript('renewNode', keys, [node, String(leaseMs)]);
    return reply === 'held' ? 'held' : 'lost';
  }

  async nodes(): Promise<readonly { readonly node: NodeId; readonly isAlive: boolean }[]> {
    this.#commands.assertOpen();
    const known = this.#known;
    const keys = [
      this.#commands.keys.nodes,
      ...known.map((node) => this.#commands.keys.lease(node)),
    ];
    const found = pairsOf(await this.#commands.readScript('nodes', keys, known));
    this.#known = found.map(([node]) => node);
    return Promise.all(
      found.map(async ([node, isAlive]) => {
        if (isAlive !== '-1') return { node, isAlive: isAlive === '1' };
        const lease = this.#commands.keys.lease(node);
        return { node, isAlive: (await this.#commands.read(lease, ['EXISTS', lease])) === 1 };
      }),
    );
  }

  async noteSeen(
    sightings: readonly (readonly [Xuid, Milliseconds])[],
    forgetBeforeMs: Milliseconds,
  ): Promise<void> {
    this.#commands.assertOpen();
    const bySet = Map.groupBy(sightings, ([xuid]) => this.#commands.keys.seen(xuid));
    await Promise.all(
      [...bySet].map(async ([seen, ofSet]) => {
        const pairs = ofSet.flatMap(([xuid, seenMs]) => [String(seenMs), xuid]);
        await this.#commands.write(['ZADD', seen, 'GT', ...pairs]);
        await this.#commands.write(['ZREMRANGEBYSCORE', seen, '-inf', `(${forgetBeforeMs}`]);
      }),
    );
  }

  async lastSeen(xuids: readonly Xuid[]): Promise<ReadonlyMap<Xuid, Milliseconds>> {
    this.#commands.assertOpen();
    const bySet = Map.groupBy(new Set(xuids), (xuid) => this.#commands.keys.seen(xuid));
    const found = await Promise.all(
      [...bySet].map(async ([seen, ofSet]) => {
        const scores = (await this.#commands.read(seen, ['ZMSCORE', seen, ...ofSet])) as readonly (
          | string
          | null
        )[];
        return ofSet.flatMap((xuid, i) => {
          const score = scores[i];
          return score == null ? [] : [[xuid, Number(score)] as const];
        });
      }),
    );
    return new Map(found.flat());
  }

  async forgetNode(node: NodeId): Promise<void> {
    this.#commands.assertOpen();
    const { nodes } = this.#commands.keys;
    await this.#commands.write(['DEL', this.#commands.keys.lease(node)]);
    await this.#commands.write(['SREM', nodes, node]);
  }
}
