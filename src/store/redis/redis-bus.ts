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
  /** A connection without an answer for longer is closed. */
  readonly replyTimeoutMs: number;
};

/** A topic that this process subscribes to. */
type Subscription = {
  readonly topic: Topic;
  readonly channel: string;
  readonly subscribers: Set<Subscriber>;
  /** The server that has the subscription; undefined while none has. */
  node: string | undefined;
  listener: ((message: string) => void) | undefined;
  /** Resolves at the first subscription. */
  readonly ready: PromiseWithResolvers<void>;
  hasBegun: boolean;
};

/**
 * A bus on the sharded channels of Redis: a message goes to the server that has the slot of its
 * topic, and from there to its subscribers, not to the whole cluster.
 *
 * When the server of a topic is lost or hands its slot over, the topic is subscribed to again, and its
 * subscribers get `gap` before the first message after it.
 */
export class RedisBus implements Bus {
  readonly #shards: RedisShards;
  readonly #keys: RedisKeys;
  readonly #connect: ConnectRedis;
  readonly #replyTimeoutMs: number;
  readonly #subscribed = new Map<Topic, Subscription>();
  readonly #clients = new Map<string, Promise<RedisClient>>();
  #isDisposed = false;

  constructor({ shards, keys, connect, replyTimeoutMs }: RedisBusParts) {
    this.#shards = shards;
    this.#keys = keys;
    this.#connect = connect;
    this.#replyTimeoutMs = replyTimeoutMs;
    shards.onChange(() => this.#subscribeMoved());
  }

  async publish(topic: Topic, message: JsonObject): Promise<void> {
    this.#refuseIfDisposed();
    const channel = this.#keys.channel(topic);
    // The taps of a commit are text already, made for the store, and go to several nodes.
    await this.#shards.runOnce(channel, ['SPUBLISH', channel, formatJsonOnce(message)]);
  }

  isHeard(): boolean {
    return true;
  }

  async subscribe(topic: Topic, subscriber: Subscriber): Promise<AsyncDisposable> {
    this.#refuseIfDisposed();
    const known = this.#subscribed.get(topic);
    const subscription = known ?? newSubscription(topic, this.#keys.channel(topic));
    subscription.subscribers.add(subscriber);
    if (!known) {
      this.#subscribed.set(topic, subscription);
      void this.#subscribe(subscription);
    }
    await subscription.ready.promise;
    return { [Symbol.asyncDispose]: () => this.#leave(subscription, subscriber) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    for (const { ready } of this.#subscribed.values()) ready.reject(closed());
    this.#subscribed.clear();
    const clients = await Promise.allSettled(this.#clients.values());
    this.#clients.clear();
    for (const client of clients) if (client.status === 'fulfilled') client.value.destroy();
  }

  /** Subscribes at the server that has the slot; tries until it succeeds or nobody listens any more. */
  async #subscribe(subscription: Subscription): Promise<void> {
    for (let attempt = 1; this.#isWanted(subscription); attempt += 1) {
      try {
        const node = this.#shards.nodeOf(subscription.channel);
        if (node === undefined) throw new Error('no server has the topic');
        const client = await this.#client(node);
        // Only when nothing more is missed: a subscriber that reads earlier may miss something.
        let isGapToTell = subscription.hasBegun;
        const tellGap = (): void => {
          if (isGapToTell) for (const subscriber of subscription.subscribers) subscriber.gap();
          isGapToTell = false;
        };
        const listener = (text: string): void => {
          const message = parseMessage(text);
          // An unreadable message had a recipient here.
          if (message === undefined) isGapToTell = true;
          tellGap();
          if (message === undefined) return;
          for (const subscriber of subscription.subscribers) subscriber.message(message);
        };
        await client.sSubscribe(subscription.channel, listener);
        if (!client.isReady) throw new Error('the connection was lost');
        if (!this.#isWanted(subscription)) {
          // There are no listeners any more.
          await client.sUnsubscribe(subscription.channel, listener);
          return;
        }
        subscription.node = formatNode(node);
        subscription.listener = listener;
        subscription.hasBegun = true;
        tellGap();
        subscription.ready.resolve();
        return;
      } catch {
        await this.#shards.refresh();
        await pause(Math.min(25 * attempt, 500), undefined, { ref: false });
      }
    }
  }

  #isWanted(subscription: Subscription): boolean {
    return !this.#isDisposed && this.#subscribed.get(subscription.topic) === subscription;
  }

  async #leave(subscription: Subscription, subscriber: Subscriber): Promise<void> {
    subscription.subscribers.delete(subscriber);
    if (subscription.subscribers.size > 0 || !this.#isWanted(subscription)) return;
    this.#subscribed.delete(subscription.topic);
    const client = await this.#clients.get(subscription.node ?? '')?.catch(() => undefined);
    await client?.sUnsubscribe(subscription.channel, subscription.listener).catch(() => undefined);
  }

  /** A connection for subscriptions. When it ends, they are made again. */
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
      this.#subscribeAgain((subscription) => subscription.node === name);
    };
    opening.then((client) => {
      client.on('terminated', end);
      client.on('sharded-channel-moved', (channel: string) => {
        this.#subscribeAgain((subscription) => subscription.channel === channel);
      });
      // A server that stands still ends no connection, so it is asked now and then.
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

  /** Another server has the slot: messages go there from now on. */
  #subscribeMoved(): void {
    this.#subscribeAgain(({ node, channel, listener }) => {
      const current = this.#shards.nodeOf(channel);
      if (current === undefined || formatNode(current) === node) return false;
      const former = this.#clients.get(node ?? '');
      former?.then((client) => client.sUnsubscribe(channel, listener)).catch(() => undefined);
      return true;
    });
  }

  #subscribeAgain(isLost: (subscription: Subscription) => boolean): void {
    for (const subscription of this.#subscribed.values()) {
      if (subscription.node === undefined || !isLost(subscription)) continue;
      subscription.node = undefined;
      void this.#subscribe(subscription);
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

function newSubscription(topic: Topic, channel: string): Subscription {
  const ready = Promise.withResolvers<void>();
  // The waiting callers get the error; there may be none left.
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
