import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../../domain/error-message.ts';
import type { Conditions } from '../../platform/conditions.ts';
import { type Durability, StoreUnavailable } from '../store.ts';
import {
  formatNode,
  formatRedisAddress,
  type RedisAddress,
  type RedisNode,
} from './redis-address.ts';
import {
  type ConnectRedis,
  type LinkSettings,
  ReplicationFailure,
  RedisLink,
  type Reply,
} from './redis-link.ts';
import { explainRedisErrorAtStart, explainRedisError, isSilence } from './redis-errors.ts';
import type { Script } from './scripts.ts';
import {
  emptyTopology,
  readTopology,
  serversOf,
  shardsOf,
  type Shard,
  type Topology,
} from './redis-topology.ts';
import {
  evictionReason,
  isEmptied,
  parseServerFacts,
  serverConditionNames,
  serverConditions,
  type ServerFacts,
  serverSections,
  unfitReason,
} from './server-facts.ts';
import { slotOf } from './slots.ts';

export type ShardsSettings = LinkSettings & {
  readonly address: RedisAddress;
  readonly connect: ConnectRedis;
  /** How long a command is tried again while servers move, fail over or cannot be reached. */
  readonly patienceMs: number;
  /** Replicas that must have a durable write; undefined: one, of a shard that has any. */
  readonly replicasMin: number | undefined;
  /** What writes promise, and so what the settings of the servers must be. */
  readonly durability: Durability;
  /** How often the topology is read, though no server reports a change. */
  readonly lookAgainMs: number;
  readonly conditions: Conditions;
};

/** How long it is shown that a server has lost its data. */
const emptiedShownMs = 3_600_000;

/** `durable` writes are answered when replicas have them. */
export type Lane = 'plain' | 'durable';

/**
 * The servers that share the data: finds the one of a key, also after the key has moved. A command
 * may be carried out twice, so it must do no harm then. Every method throws StoreUnavailable when a
 * command fails for longer than `patienceMs`; the attempt that is under way then is waited for.
 */
export class RedisShards implements AsyncDisposable {
  readonly #settings: ShardsSettings;
  readonly #links = new Map<string, RedisLink>();
  readonly #opening = new Map<string, Promise<RedisLink>>();
  #topology: Topology;
  #refreshing: Promise<void> | undefined;
  #isClosed = false;
  /** What to add to `performance.now()` while no server can be asked. */
  #offsetMs = Date.now() - performance.now();

  /** The last answer of each server about itself. */
  readonly #facts = new Map<string, ServerFacts>();
  /** When a server was found to have lost its data. */
  readonly #emptiedMs = new Map<string, number>();
  /** True once there was a replica, or several shards: a lone server misses none. */
  #expectsReplicas = false;
  #checking: Promise<void> | undefined;

  #changed: () => void = () => undefined;
  readonly #lookout: NodeJS.Timeout;

  private constructor(settings: ShardsSettings, topology: Topology) {
    this.#settings = settings;
    this.#topology = topology;
    // A node that only listens, or writes to shards that stay, gets no MOVED.
    this.#lookout = setInterval(() => void this.#refresh(), settings.lookAgainMs).unref();
  }

  /** Throws StoreUnavailable, with what is wrong with the address or the servers there. */
  static async open(settings: ShardsSettings): Promise<RedisShards> {
    const shards = new RedisShards(settings, emptyTopology);
    const problems = new Map<string, unknown>();
    const attempts = settings.address.nodes.map(async (node) => {
      try {
        const open = (): Promise<RedisLink> => shards.#link(node, 'plain');
        // A start keeps this process busy for so long that a server in time may seem late.
        const link = await open().catch((error: unknown) => {
          if (isSilence(error)) return open();
          throw error;
        });
        const reason = unfitReason(await readFacts(link));
        if (reason !== undefined) throw new Error(reason);
        shards.#topology = await readTopology(link, settings.address.isTls);
        shards.#offsetMs = link.nowMs() - performance.now();
      } catch (error) {
        problems.set(formatNode(node), error);
        throw error;
      }
    });
    try {
      await Promise.any(attempts);
      await shards.#readAllFacts();
      shards.#refuseEviction();
      shards.#noteConditions();
      return shards;
    } catch (error) {
      await shards[Symbol.asyncDispose]();
      if (error instanceof StoreUnavailable) throw error;
      throw unusable(settings.address, problems);
    }
  }

  /** The reply to a command on one key, from the server that has the key. */
  async run(key: string, command: readonly string[], lane: Lane = 'plain'): Promise<Reply> {
    const slot = slotOf(key);
    const untilMs = performance.now() + this.#settings.patienceMs;
    let asked: RedisNode | undefined;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const node = asked ?? this.#shardOf(slot).node;
        const link = this.#openLink(node, lane) ?? (await this.#link(node, lane));
        return await this.#send(link, command, slot, lane, asked !== undefined);
      } catch (error) {
        const next = nextStep(error);
        if (next === 'give up' || this.#isClosed || performance.now() > untilMs) {
          throw this.#unavailable(error);
        }
        asked = typeof next === 'object' ? next.ask : undefined;
        if (next === 'look again') await this.#refresh().catch(() => undefined);
        // After the first MOVED the right server is known, and there is nothing to wait for.
        if (attempt > 1 && asked === undefined) await pause(Math.min(25 * attempt, 250));
      }
    }
  }

  /**
   * As `run`, for a command that must not be carried out twice: it is sent again only where a
   * server said that it was not carried out.
   */
  async runOnce(key: string, command: readonly string[]): Promise<Reply> {
    const slot = slotOf(key);
    const untilMs = performance.now() + this.#settings.patienceMs;
    for (;;) {
      let isSent = false;
      try {
        const { node } = this.#shardOf(slot);
        const link = this.#openLink(node, 'plain') ?? (await this.#link(node, 'plain'));
        isSent = true;
        return await link.send(command);
      } catch (error) {
        const isRefused = /^(MOVED|ASK|CLUSTERDOWN|LOADING) /.test(messageOf(error));
        // The next command must find the server that has the slot then.
        const refreshed = this.#refresh().catch(() => undefined);
        if ((isSent && !isRefused) || this.#isClosed || performance.now() > untilMs) {
          throw this.#unavailable(error);
        }
        await refreshed;
        await pause(25);
      }
    }
  }

  /** As `run`, of a script, whose text is sent to a server that does not have it. */
  async runScript(
    { digest, text }: Script,
    keys: readonly string[],
    values: readonly string[],
    lane: Lane = 'plain',
  ): Promise<Reply> {
    const rest = [String(keys.length), ...keys, ...values];
    const [first = ''] = keys;
    try {
      return await this.run(first, ['EVALSHA', digest, ...rest], lane);
    } catch (error) {
      if (!messageOf((error as Error).cause).startsWith('NOSCRIPT')) throw error;
      return this.run(first, ['EVAL', text, ...rest], lane);
    }
  }

  /** The time of the server that has this key, in milliseconds, as far as it is known. */
  nowMs(key: string): number {
    const node = this.#topology.shardOfSlot[slotOf(key)]?.node;
    const link = node && (this.#openLink(node, 'plain') ?? this.#openLink(node, 'durable'));
    if (link) this.#offsetMs = link.nowMs() - performance.now();
    return performance.now() + this.#offsetMs;
  }

  /** The server that has this key now, as far as it is known. */
  nodeOf(key: string): RedisNode | undefined {
    return this.#topology.shardOfSlot[slotOf(key)]?.node;
  }

  /**
   * Which run of which server has this key now; undefined while it is not known. Another one after each start
   * of the server, and after a failover: also behind a name that stays.
   */
  runOf(key: string): string | undefined {
    const node = this.nodeOf(key);
    const facts = node && this.#facts.get(formatNode(node));
    return node && facts && `${formatNode(node)} ${facts.runId}`;
  }

  /** Reads the topology. */
  async refresh(): Promise<void> {
    await this.#refresh();
  }

  /** Calls `changed` whenever the topology was read. */
  onChange(changed: () => void): void {
    this.#changed = changed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#lookout);
    await Promise.allSettled(this.#opening.values());
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }

  #send(
    link: RedisLink,
    command: readonly string[],
    slot: number,
    lane: Lane,
    isAsking: boolean,
  ): Promise<Reply> {
    if (lane === 'plain') return link.send(command, isAsking);
    return link.sendDurably(command, () => this.#replicasNeeded(slot), isAsking);
  }

  #replicasNeeded(slot: number): number {
    const { replicasMin } = this.#settings;
    return replicasMin ?? Math.min(1, this.#topology.shardOfSlot[slot]?.replicas.length ?? 0);
  }

  #shardOf(slot: number): Shard {
    const shard = this.#topology.shardOfSlot[slot];
    if (shard === undefined) throw new NoServer(slot);
    return shard;
  }

  #openLink(node: RedisNode, lane: Lane): RedisLink | undefined {
    const link = this.#links.get(`${formatNode(node)} ${lane}`);
    return link?.isOpen ? link : undefined;
  }

  async #link(node: RedisNode, lane: Lane): Promise<RedisLink> {
    if (this.#isClosed) throw new Error('it has been closed');
    const name = `${formatNode(node)} ${lane}`;
    const known = this.#opening.get(name);
    if (known) return known;
    this.#links.get(name)?.close();
    this.#links.delete(name);
    const opening = RedisLink.open(this.#settings.connect, node, this.#settings);
    this.#opening.set(name, opening);
    try {
      const link = await opening;
      this.#links.set(name, link);
      return link;
    } finally {
      this.#opening.delete(name);
    }
  }

  /** One at a time: calls meanwhile share the one under way. */
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#readTopology().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** From the first server that answers, of those known and those given. */
  async #readTopology(): Promise<void> {
    const known = this.#topology.shardOfSlot.flatMap((shard) => shard?.node ?? []);
    const nodes = new Map(
      [...known, ...this.#settings.address.nodes].map((node) => [formatNode(node), node]),
    );
    const isOpen = (node: RedisNode): number => (this.#openLink(node, 'plain') ? 0 : 1);
    const inOrder = [...nodes.values()].sort((a, b) => isOpen(a) - isOpen(b));
    for (const node of inOrder) {
      try {
        const link = this.#openLink(node, 'plain') ?? (await this.#link(node, 'plain'));
        const topology = await readTopology(link, this.#settings.address.isTls);
        if (topology.shardOfSlot.every((shard) => shard === undefined)) continue;
        this.#topology = topology;
        this.#changed();
        void this.#checkServers();
        return;
      } catch {
        // The next server may answer.
      }
    }
  }

  /** One check at a time, which nothing waits for. */
  #checkServers(): Promise<void> {
    this.#checking ??= this.#readAllFacts()
      .then(() => this.#noteConditions())
      .finally(() => {
        this.#checking = undefined;
      });
    return this.#checking;
  }

  /** Asks every server, replicas too. For one that does not answer the former facts stay. */
  async #readAllFacts(): Promise<void> {
    const servers = serversOf(this.#topology);
    await Promise.allSettled(
      servers.map(async (node) => {
        const link = this.#openLink(node, 'plain') ?? (await this.#link(node, 'plain'));
        const name = formatNode(node);
        const facts = await readFacts(link);
        const former = this.#facts.get(name);
        if (former && isEmptied(former, facts)) this.#emptiedMs.set(name, Date.now());
        this.#facts.set(name, facts);
      }),
    );
    const names = new Set(servers.map(formatNode));
    for (const name of this.#facts.keys()) if (!names.has(name)) this.#facts.delete(name);
  }

  /** Throws StoreUnavailable when there are servers that would throw sessions away. */
  #refuseEviction(): void {
    const evicting = [...this.#facts].flatMap(([name, facts]) => {
      const reason = evictionReason(facts);
      return reason === undefined ? [] : [[name, new Error(reason)] as const];
    });
    if (evicting.length > 0) throw unusable(this.#settings.address, new Map(evicting));
  }

  #noteConditions(): void {
    if (this.#isClosed) return;
    const { conditions, durability, replicasMin } = this.#settings;
    const servers = serversOf(this.#topology).flatMap((node) => {
      const facts = this.#facts.get(formatNode(node));
      return facts ? [[node, facts] as const] : [];
    });
    const shards = shardsOf(this.#topology);
    this.#expectsReplicas ||=
      shards.length > 1 || shards.some(({ replicas }) => replicas.length > 0);
    const found = serverConditions(servers, shards, {
      isStrict: durability === 'strict',
      replicasMin,
      expectsReplicas: this.#expectsReplicas,
    });
    for (const name of serverConditionNames) {
      const sentence = found.get(name);
      if (sentence === undefined) conditions.clear(name);
      else conditions.raise(name, sentence);
    }
    this.#noteEmptied();
  }

  #noteEmptied(): void {
    const { conditions } = this.#settings;
    const emptied = [...this.#emptiedMs].flatMap(([name, atMs]) =>
      Date.now() - atMs < emptiedShownMs ? [`${name} at ${new Date(atMs).toISOString()}`] : [],
    );
    // It stays true that the data was lost.
    if (emptied.length === 0) conditions.hide('redis emptied');
    else {
      conditions.raise(
        'redis emptied',
        `The store has lost its data (${emptied.sort().join(', ')}): it was emptied, or began again without it. Sessions, handles and lists of people that were there are gone; restore a backup if you need them. This is shown for an hour.`,
      );
    }
  }

  #unavailable(error: unknown): StoreUnavailable {
    if (error instanceof StoreUnavailable) return error;
    const where = formatRedisAddress(this.#settings.address);
    const what = this.#isClosed
      ? 'has been closed'
      : `cannot be reached or cannot write: ${explainRedisError(error)}`;
    return new StoreUnavailable(`The store ${where} ${what}.`, { cause: error });
  }
}

/** Why no store can be opened at an address: the fault of each server. */
function unusable(address: RedisAddress, problems: ReadonlyMap<string, unknown>): StoreUnavailable {
  const reasons = [...problems].map(
    ([node, error]) => `${node}: ${explainRedisErrorAtStart(error, address.isTls)}`,
  );
  return new StoreUnavailable(
    `The store ${formatRedisAddress(address)} cannot be used: ${reasons.join('; ')}.`,
  );
}

class NoServer extends Error {
  override readonly name = 'NoServer';
  constructor(slot: number) {
    super(`no server has slot ${slot}`);
  }
}

type NextStep = 'give up' | 'again' | 'look again' | { readonly ask: RedisNode };

/** Replies after which the same command may succeed a little later. */
const passing = /^(TRYAGAIN|CLUSTERDOWN|LOADING|MASTERDOWN|READONLY|BUSY|NOREPLICAS|UNBLOCKED)\b/;

/** What to do after a failed command. One without an answer is sent again. */
function nextStep(error: unknown): NextStep {
  const message = messageOf(error);
  const [, ask] = /^ASK [0-9]+ (\S+)$/.exec(message) ?? [];
  if (ask !== undefined) {
    const at = ask.lastIndexOf(':');
    return { ask: { host: ask.slice(0, at), port: Number(ask.slice(at + 1)) } };
  }
  if (message.startsWith('TRYAGAIN')) return 'again';
  if (message.startsWith('MOVED') || passing.test(message)) return 'look again';
  if (error instanceof ReplicationFailure || error instanceof NoServer) return 'look again';
  // Replies that are errors begin with a word in capitals.
  return /^[A-Z]{3,} /.test(message) ? 'give up' : 'look again';
}

async function readFacts(link: RedisLink): Promise<ServerFacts> {
  return parseServerFacts(String(await link.send(['INFO', ...serverSections])));
}
