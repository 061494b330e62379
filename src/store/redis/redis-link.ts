import type { RedisClientType } from '@redis/client';
import { formatNode, type RedisAddress, type RedisNode } from './redis-address.ts';
import { scripts } from './scripts.ts';

export type Reply = null | string | number | readonly Reply[];

/** The connections of the library, as they are used here: RESP 2, no retries of its own. */
export type RedisClient = RedisClientType<
  Record<string, never>,
  Record<string, never>,
  Record<string, never>,
  2
>;
export type ConnectRedis = (node: RedisNode) => Promise<RedisClient>;

/**
 * Connects to the servers of an address, which have `connectTimeoutMs` for it, the reply to a password among it.
 * The library is loaded at the first call.
 */
export function connectRedis(address: RedisAddress, connectTimeoutMs: number): ConnectRedis {
  return async ({ host, port }) => {
    const { ConnectionTimeoutError, createClient } = await import('@redis/client');
    const { isTls, username, password } = address;
    const socket = {
      host,
      port,
      connectTimeout: connectTimeoutMs,
      reconnectStrategy: false as const,
    };
    const client = createClient({
      RESP: 2,
      socket: isTls ? { ...socket, tls: true as const } : { ...socket },
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      // A write that waits for a new connection may have been given up before it is sent.
      disableOfflineQueue: true,
      disableClientInfo: true,
      maintNotifications: 'disabled',
      // The link watches for replies; this timeout is for commands that wait to be sent.
      commandOptions: { timeout: 0 },
    }) as unknown as RedisClient;
    // The command that waits for a reply gets the error.
    client.on('error', () => undefined);
    // The timeout of the library ends with the connection: it would wait for the reply to AUTH for ever.
    const silence = Promise.withResolvers<never>();
    let looksCount = 0;
    // A process that was held up looks once, late: it could not read a reply either.
    const watch = setInterval(() => {
      looksCount += 1;
      if (looksCount > looksPerTimeout) silence.reject(new ConnectionTimeoutError());
    }, connectTimeoutMs / looksPerTimeout);
    try {
      await Promise.race([client.connect(), silence.promise]);
      return client;
    } catch (error) {
      // A connection that is made only now must end too.
      client.on('connect', () => client.destroy());
      client.destroy();
      throw error;
    } finally {
      clearInterval(watch);
    }
  };
}

/** How often a link looks for replies while one may be overdue. */
const looksPerTimeout = 8;

/** Too few replicas had a group of writes in time. */
export class ReplicationFailure extends Error {
  override readonly name = 'ReplicationFailure';
}

export type LinkSettings = {
  /** A connection without a reply for longer is closed. */
  readonly replyTimeoutMs: number;
  readonly replicationTimeoutMs: number;
};

type PendingCommand = {
  readonly command: readonly string[];
  readonly isAsking: boolean;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
};

/**
 * One connection to one server. Commands are carried out in the order in which they are sent; when
 * the connection is lost, or a reply is overdue, all that are under way fail and the link is closed.
 *
 * Writes that replicas must have share one WAIT, since a WAIT blocks the whole connection: those that
 * come meanwhile are the next group.
 */
export class RedisLink {
  readonly node: RedisNode;
  readonly #client: RedisClient;
  readonly #settings: LinkSettings;
  readonly #watch: NodeJS.Timeout;
  #underwayCount = 0;
  #lastHeardMs = performance.now();
  #lastLookMs = performance.now();
  /** What to add to `performance.now()` for the time of the server, and how it was found. */
  #offset = { ms: 0, roundTripMs: Infinity, readMs: 0 };
  #group: PendingCommand[] = [];
  #isWaiting = false;

  private constructor(node: RedisNode, client: RedisClient, settings: LinkSettings) {
    this.node = node;
    this.#client = client;
    this.#settings = settings;
    this.#watch = setInterval(() => this.#look(), this.#lookEveryMs).unref();
  }

  static async open(
    connect: ConnectRedis,
    node: RedisNode,
    settings: LinkSettings,
  ): Promise<RedisLink> {
    const link = new RedisLink(node, await connect(node), settings);
    try {
      await Promise.all([
        link.#readTime(),
        ...Object.values(scripts).map(({ text }) => link.send(['SCRIPT', 'LOAD', text])),
      ]);
      return link;
    } catch (error) {
      link.close();
      throw error;
    }
  }

  get isOpen(): boolean {
    return this.#client.isReady;
  }

  /** The time of the server, in milliseconds. */
  nowMs(): number {
    return performance.now() + this.#offset.ms;
  }

  /** The reply to a command; after ASKING, if the slot is moving to this server. */
  async send(command: readonly string[], isAsking = false): Promise<Reply> {
    if (this.#underwayCount === 0) this.#lastHeardMs = performance.now();
    this.#underwayCount += 1;
    try {
      if (isAsking) this.#client.sendCommand(['ASKING']).catch(() => undefined);
      return await (this.#client.sendCommand(command as string[]) as Promise<Reply>);
    } finally {
      this.#underwayCount -= 1;
      this.#lastHeardMs = performance.now();
    }
  }

  /**
   * The reply to a command, once so many replicas have it that are needed then.
   *
   * Throws ReplicationFailure when they have not in time.
   */
  sendDurably(
    command: readonly string[],
    replicasNeeded: () => number,
    isAsking = false,
  ): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#group.push({ command, isAsking, resolve, reject });
      if (this.#isWaiting) return;
      this.#isWaiting = true;
      queueMicrotask(() => void this.#sendGroups(replicasNeeded));
    });
  }

  async #sendGroups(replicasNeeded: () => number): Promise<void> {
    while (this.#group.length > 0) {
      const group = this.#group;
      this.#group = [];
      const needed = replicasNeeded();
      const replies = group.map(({ command, isAsking }) => this.send(command, isAsking));
      const [reached, ...settled] = await Promise.allSettled([
        needed === 0 ? 0 : this.send(waitCommand(needed, this.#settings.replicationTimeoutMs)),
        ...replies,
      ]);
      const problem =
        reached.status === 'rejected'
          ? reached.reason
          : Number(reached.value) < needed && new ReplicationFailure(shortfall(this.node, needed));
      for (const [n, { resolve, reject }] of group.entries()) {
        const outcome = settled[n];
        if (outcome?.status !== 'fulfilled') reject(outcome?.reason);
        else if (problem) reject(problem);
        else resolve(outcome.value);
      }
    }
    this.#isWaiting = false;
  }

  /** Ends the connection; what is under way fails. */
  close(): void {
    clearInterval(this.#watch);
    this.#client.destroy();
  }

  get #lookEveryMs(): number {
    return Math.ceil(this.#settings.replyTimeoutMs / looksPerTimeout);
  }

  #look(): void {
    const nowMs = performance.now();
    // While this process was held up it could not read a reply either: that was no silence of the server.
    const heldUpMs = Math.max(0, nowMs - this.#lastLookMs - this.#lookEveryMs);
    this.#lastHeardMs = Math.min(nowMs, this.#lastHeardMs + heldUpMs);
    this.#lastLookMs = nowMs;
    const silentMs = nowMs - this.#lastHeardMs;
    const isOverdue = this.#underwayCount > 0 && silentMs > this.#settings.replyTimeoutMs;
    if (!this.#client.isReady || isOverdue) this.close();
    else this.#readTime().catch(() => undefined);
  }

  /** A quicker answer gives a better time; after a while a slower one is taken, since clocks drift. */
  async #readTime(): Promise<void> {
    const sentMs = performance.now();
    const [seconds, micros] = (await this.send(['TIME'])) as readonly string[];
    const readMs = performance.now();
    const roundTripMs = readMs - sentMs;
    const { roundTripMs: best, readMs: lastMs } = this.#offset;
    if (roundTripMs > best + 1 && readMs - lastMs < clocksKeepTogetherMs) return;
    const serverMs = Number(seconds) * 1_000 + Number(micros) / 1_000;
    this.#offset = { ms: serverMs - (sentMs + readMs) / 2, roundTripMs, readMs };
  }
}

const clocksKeepTogetherMs = 30_000;

function waitCommand(replicas: number, timeoutMs: number): readonly string[] {
  return ['WAIT', String(replicas), String(timeoutMs)];
}

function shortfall(node: RedisNode, needed: number): string {
  return `fewer than ${needed} replicas of ${formatNode(node)} had the write in time`;
}
