import { setTimeout as pause } from 'node:timers/promises';
import {
  formatJsonOnce,
  isJsonObject,
  type JsonObject,
  parseExactJson,
} from '../../domain/json.ts';
import { StoreUnavailable } from '../store.ts';
import type { Bus, Subscriber, Topic } from '../bus.ts';
import { formatNode, type RedisNode } from './redis-address.ts';
import type { RedisKeys } from './redis-keys.ts';
import type { ConnectRedis, RedisClient } from './redis-link.ts';
import type { RedisShards } from './redis-shards.ts';

export type RedisBusParts = {
  readonly shards: RedisShards;
  readonly keys: RedisKeys;
  readonly connect: ConnectRedis;
  /** A connection that owes an answer for longer is given up. */
  readonly replyTimeoutMs: number;
};

/** A topic that somebody here listens to. */
type Followed = {
  readonly topic: Topic;
  readonly channel: string;
  readonly subscribers: Set<Subscriber>;
  /** The server that is asked to tell; undefined while none is. */
  node: string | undefined;
  listener: ((message: string) => void) | undefined;
  /** Resolves when the topic is first followed. */
  readonly ready: PromiseWithResolvers<void>;
  hasBegun: boolean;
};

/**
 * A bus on the sharded channels of Redis: a message goes to the server that has the slot of its
 * topic, and from there to who listens, not to the whole cluster.
 *
 * A topic whose server is lost or hands it over is followed anew, and its subscribers are told of
 * the gap before the first message after it.
 */
export class RedisBus implements Bus {
  readonly #shards: RedisShards;
  readonly #keys: RedisKeys;
  readonly #connect: ConnectRedis;
  readonly #replyTimeoutMs: number;
  readonly #followed = new Map<Topic, Followed>();
  readonly #clients = new Map<string, Promise<RedisClient>>();
  #isDisposed = false;

  constructor({ shards, keys, connect, replyTimeoutMs }: RedisBusParts) {
    this.#shards = shards;
    this.#keys = keys;
    this.#connect = connect;
    this.#replyTimeoutMs = replyTimeoutMs;
    shards.onChange(() => this.#followMoved());
  }

  async publish(topic: Topic, message: JsonObject): Promise<void> {
    this.#refuseIfDisposed();
    const channel = this.#keys.channel(topic);
    // Kept: what a commit owes is made text for the store already, and goes to several nodes.
    await this.#shards.runOnce(channel, ['SPUBLISH', channel, formatJsonOnce(message)]);
  }

  isHeard(): boolean {
    return true;
  }

  async subscribe(topic: Topic, subscriber: Subscriber): Promise<AsyncDisposable> {
    this.#refuseIfDisposed();
    const known = this.#followed.get(topic);
    const followed = known ?? newlyFollowed(topic, this.#keys.channel(topic));
    followed.subscribers.add(subscriber);
    if (!known) {
      this.#followed.set(topic, followed);
      void this.#follow(followed);
    }
    await followed.ready.promise;
    return { [Symbol.asyncDispose]: () => this.#leave(followed, subscriber) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    for (const { ready } of this.#followed.values()) ready.reject(closed());
    this.#followed.clear();
    const clients = await Promise.allSettled(this.#clients.values());
    this.#clients.clear();
    for (const client of clients) if (client.status === 'fulfilled') client.value.destroy();
  }

  /** Until it is followed or nobody listens any more: tries the server that should have it. */
  async #follow(followed: Followed): Promise<void> {
    for (let attempt = 1; this.#isWanted(followed); attempt += 1) {
      try {
        const node = this.#shards.nodeOf(followed.channel);
        if (node === undefined) throw new Error('no server has the topic');
        const client = await this.#client(node);
        // Told when nothing more is missed, or whoever reads anew then may read too early.
        let isGapToTell = followed.hasBegun;
        const tellGap = (): void => {
          if (isGapToTell) for (const subscriber of followed.subscribers) subscriber.gap();
          isGapToTell = false;
        };
        const listener = (text: string): void => {
          const message = parseMessage(text);
          // What cannot be read was meant for somebody here.
          if (message === undefined) isGapToTell = true;
          tellGap();
          if (message === undefined) return;
          for (const subscriber of followed.subscribers) subscriber.message(message);
        };
        await client.sSubscribe(followed.channel, listener);
        if (!client.isReady) throw new Error('the connection was lost');
        if (!this.#isWanted(followed)) {
          // Everybody has left meanwhile.
          await client.sUnsubscribe(followed.channel, listener);
          return;
        }
        followed.node = formatNode(node);
        followed.listener = listener;
        followed.hasBegun = true;
        tellGap();
        followed.ready.resolve();
        return;
      } catch {
        await this.#shards.refresh();
        await pause(Math.min(25 * attempt, 500), undefined, { ref: false });
      }
    }
  }

  #isWanted(followed: Followed): boolean {
    return !this.#isDisposed && this.#followed.get(followed.topic) === followed;
  }

  async #leave(followed: Followed, subscriber: Subscriber): Promise<void> {
    followed.subscribers.delete(subscriber);
    if (followed.subscribers.size > 0 || !this.#isWanted(followed)) return;
    this.#followed.delete(followed.topic);
    const client = await this.#clients.get(followed.node ?? '')?.catch(() => undefined);
    await client?.sUnsubscribe(followed.channel, followed.listener).catch(() => undefined);
  }

  /** A connection that only listens. When it ends, what it told is followed anew. */
  #client(node: RedisNode): Promise<RedisClient> {
    const name = formatNode(node);
    const known = this.#clients.get(name);
    if (known) return known;
    const opening = this.#connect(node);
    this.#clients.set(name, opening);
    let beat: NodeJS.Timeout | undefined;
    const end = (): void => {
      clearInterval(beat);
      if (this.#clients.get(name) !== opening) return;
      this.#clients.delete(name);
      this.#followAnew((followed) => followed.node === name);
    };
    opening.then((client) => {
      client.on('terminated', end);
      client.on('sharded-channel-moved', (channel: string) => {
        this.#followAnew((followed) => followed.channel === channel);
      });
      // A server that stands still ends no connection; it is asked now and then.
      let unansweredCount = 0;
      const ask = (): void => {
        unansweredCount += 1;
        if (unansweredCount > 4) {
          client.destroy();
          end();
        } else {
          client.sendCommand(['PING']).then(
            () => {
              unansweredCount = 0;
            },
            () => undefined,
          );
        }
      };
      beat = setInterval(ask, this.#replyTimeoutMs / 4).unref();
      if (!client.isReady) end();
    }, end);
    return opening;
  }

  /** Another server has the slot: what is published goes there from now on. */
  #followMoved(): void {
    this.#followAnew(({ node, channel, listener }) => {
      const current = this.#shards.nodeOf(channel);
      if (current === undefined || formatNode(current) === node) return false;
      const former = this.#clients.get(node ?? '');
      former?.then((client) => client.sUnsubscribe(channel, listener)).catch(() => undefined);
      return true;
    });
  }

  #followAnew(isLost: (followed: Followed) => boolean): void {
    for (const followed of this.#followed.values()) {
      if (followed.node === undefined || !isLost(followed)) continue;
      followed.node = undefined;
      void this.#follow(followed);
    }
  }

  #refuseIfDisposed(): void {
    if (this.#isDisposed) throw closed();
  }
}

function parseMessage(text: string): JsonObject | undefined {
  try {
    const message = parseExactJson(text);
    return isJsonObject(message) ? message : undefined;
  } catch {
    return undefined;
  }
}

function closed(): StoreUnavailable {
  return new StoreUnavailable('The bus has been closed.');
}

function newlyFollowed(topic: Topic, channel: string): Followed {
  const ready = Promise.withResolvers<void>();
  // Whoever waits for it hears of it; nobody may be left to.
  ready.promise.catch(() => undefined);
  return {
    topic,
    channel,
    subscribers: new Set(),
    node: undefined,
    listener: undefined,
    ready,
    hasBegun: false,
  };
}
