import { StoreUnavailable, type Durability, type Share } from '../store.ts';
import type { RedisKeys } from './redis-keys.ts';
import { formatNode } from './redis-address.ts';
import type { Reply } from './redis-link.ts';
import type { Lane, RedisShards } from './redis-shards.ts';
import { scripts } from './scripts.ts';

type ScriptName = keyof typeof scripts;

/** A command that reads a key, and what follows the key. */
type ReadOfKey = readonly [command: string, ...rest: string[]];

type Partition = RedisKeys['partitions'][number];

type PartitionReplies<R> = readonly PromiseSettledResult<readonly R[]>[];

/** The commands of one store: how durable its writes are, and which of them are under way. */
export class RedisCommands {
  readonly keys: RedisKeys;
  readonly isStrict: boolean;
  readonly #shards: RedisShards;
  readonly #writes: Lane;
  readonly #underway = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(shards: RedisShards, keys: RedisKeys, durability: Durability) {
    this.#shards = shards;
    this.keys = keys;
    this.isStrict = durability === 'strict';
    this.#writes = this.isStrict ? 'durable' : 'plain';
  }

  /** Throws StoreUnavailable once the store is closed. */
  assertOpen(): void {
    if (this.#isClosed) throw new StoreUnavailable('The store has been closed.');
  }

  /** Refuses new work, and resolves when all work under way has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    while (this.#underway.size > 0) await Promise.allSettled(this.#underway);
  }

  /** The name of the server that has this key now, as far as it is known. */
  serverOf(key: string): string {
    const node = this.#shards.nodeOf(key);
    return node === undefined ? '' : formatNode(node);
  }

  /** As `RedisShards.runOf`. */
  runOf(key: string): string | undefined {
    return this.#shards.runOf(key);
  }

  /** The reply to a command that reads. */
  read(key: string, command: readonly string[]): Promise<Reply> {
    return this.#shards.run(key, command);
  }

  /** The reply to a command that writes to the key it names first. */
  write(command: readonly string[]): Promise<Reply> {
    return this.#shards.run(command[1] ?? '', command, this.#writes);
  }

  /** The reply to a script that reads. */
  readScript(
    name: ScriptName,
    keys: readonly string[],
    values: readonly string[] = [],
  ): Promise<Reply> {
    return this.#shards.runScript(scripts[name], keys, values);
  }

  /** The reply to a script that writes, as durable as the store. */
  writeScript(
    name: ScriptName,
    keys: readonly string[],
    values: readonly string[] = [],
  ): Promise<Reply> {
    return this.#shards.runScript(scripts[name], keys, values, this.#writes);
  }

  /** The reply to a script that writes what may be lost. */
  writeScriptPlainly(
    name: ScriptName,
    keys: readonly string[],
    values: readonly string[],
  ): Promise<Reply> {
    return this.#shards.runScript(scripts[name], keys, values, 'plain');
  }

  /**
   * The replies to one read of many keys, in their order; undefined: nothing is there, or the key is damaged:
   * then `noteDamaged` gets it. Each server is asked once, so that a process that has nothing to do costs
   * next to nothing.
   */
  async readEach(
    keys: readonly string[],
    read: ReadOfKey,
    noteDamaged: (key: string) => void,
  ): Promise<readonly (Reply | undefined)[]> {
    const replies: (Reply | undefined)[] = keys.map(() => undefined);
    const groups = Map.groupBy(keys.keys(), (n) => this.serverOf(keys[n] ?? ''));
    const reading = [...groups.values()].map(async (group) => {
      const own = group.map((n) => keys[n] ?? '');
      const { found, alone } = await this.#readEachOfServer(own, read);
      for (const [at, reply] of found) replies[group[at] ?? 0] = reply;
      const [command, ...rest] = read;
      const readAlone = alone.map(async (at) => {
        const key = own[at] ?? '';
        try {
          replies[group[at] ?? 0] = await this.read(key, [command, key, ...rest]);
        } catch (error) {
          if (!isDamagedKey(error)) throw error;
          noteDamaged(key);
        }
      });
      await Promise.all(readAlone);
    });
    await Promise.all(reading);
    return replies;
  }

  /** The replies of one server by the place of their key, and the places of keys that it could not read together. */
  async #readEachOfServer(
    keys: readonly string[],
    [command, ...rest]: ReadOfKey,
  ): Promise<{
    readonly found: readonly (readonly [at: number, Reply])[];
    readonly alone: readonly number[];
  }> {
    const values = [command, String(rest.length), ...rest, ...keys];
    const answer = (await this.readScript(
      'readEach',
      keys.slice(0, 1),
      values,
    )) as readonly Reply[];
    const found: (readonly [number, Reply])[] = [];
    const alone: number[] = [];
    for (let at = 0; at < answer.length; at += 1) {
      const number = Number(answer[at]);
      if (number < 0) {
        alone.push(-number - 1);
        continue;
      }
      at += 1;
      found.push([number - 1, answer[at] ?? null]);
    }
    return { found, alone };
  }

  /**
   * The results of the partitions of a share in which `isThere` finds something, or cannot read its key. A shard
   * that is away does not stop the others, and neither does a partition that cannot be read: readers of due
   * records try again.
   *
   * Throws StoreUnavailable when no shard answers.
   */
  async inPartitions<R>(
    { index, of }: Share = { index: 0, of: 1 },
    isThere: { readonly keyOf: (partition: Partition) => string; readonly read: ReadOfKey },
    look: (partition: Partition) => Promise<readonly R[]>,
  ): Promise<readonly R[]> {
    const partitions = this.keys.partitions.filter((_partition, n) => n % of === index);
    const groups = Map.groupBy(partitions, ({ base }) => this.serverOf(base));
    const looks = [...groups.values()].map(async (group): Promise<PartitionReplies<R>> => {
      try {
        const { found, alone } = await this.#readEachOfServer(
          group.map(isThere.keyOf),
          isThere.read,
        );
        const places = new Set([...found.map(([at]) => at), ...alone]);
        const some = group.filter((_partition, n) => places.has(n));
        const looked = await Promise.allSettled(some.map(look));
        // Partitions in which nothing is have answered.
        return some.length === group.length
          ? looked
          : [{ status: 'fulfilled', value: [] }, ...looked];
      } catch (reason) {
        return [{ status: 'rejected', reason }];
      }
    });
    const outcomes = (await Promise.all(looks)).flat();
    const found = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const [first] = outcomes;
    if (found.length === 0 && first?.status === 'rejected') throw first.reason;
    return found.flat();
  }

  /** Closing waits for this work. */
  async track<T>(work: Promise<T>): Promise<T> {
    this.#underway.add(work);
    try {
      return await work;
    } finally {
      this.#underway.delete(work);
    }
  }

  /** Background work that does no harm when it fails. */
  later(work: Promise<unknown>): void {
    this.track(work).catch(() => undefined);
  }
}

/** True of the error of a read that met something else than what the store puts under the key. */
export function isDamagedKey(error: unknown): boolean {
  const cause = error instanceof StoreUnavailable ? error.cause : undefined;
  return cause instanceof Error && cause.message.startsWith('WRONGTYPE');
}
