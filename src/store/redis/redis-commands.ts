import { StoreUnavailable, type Durability, type Share } from '../store.ts';
import type { RedisKeys } from './redis-keys.ts';
import { formatNode } from './redis-address.ts';
import type { Reply } from './redis-link.ts';
import type { Lane, RedisShards } from './redis-shards.ts';
import { scripts } from './scripts.ts';

type ScriptName = keyof typeof scripts;

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
   * The results of the partitions of a share. A shard that is away does not stop the others:
   * readers of due records try again.
   *
   * Throws StoreUnavailable when no shard answers.
   */
  async inPartitions<R>(
    { index, of }: Share = { index: 0, of: 1 },
    look: (partition: RedisKeys['partitions'][number]) => Promise<readonly R[]>,
  ): Promise<readonly R[]> {
    const partitions = this.keys.partitions.filter((_partition, n) => n % of === index);
    const outcomes = await Promise.allSettled(partitions.map(look));
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
