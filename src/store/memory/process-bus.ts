import type { JsonObject } from '../../domain/json.ts';
import { StoreUnavailable } from '../store.ts';
import type { Bus, Subscriber, Topic } from '../bus.ts';

/** A bus for one process: what is published is with its subscribers when `publish` resolves. */
export function openProcessBus(): Bus {
  return new ProcessBus();
}

class ProcessBus implements Bus {
  readonly #subscribers = new Map<Topic, Set<Subscriber>>();
  #disposed = false;

  async publish(topic: Topic, message: JsonObject): Promise<void> {
    this.#refuseIfDisposed();
    for (const subscriber of this.#subscribers.get(topic) ?? []) subscriber.message(message);
  }

  isHeard(topic: Topic): boolean {
    return this.#subscribers.has(topic);
  }

  async subscribe(topic: Topic, subscriber: Subscriber): Promise<AsyncDisposable> {
    this.#refuseIfDisposed();
    const subscribers = this.#subscribers.get(topic) ?? new Set();
    this.#subscribers.set(topic, subscribers.add(subscriber));
    return {
      [Symbol.asyncDispose]: async () => {
        subscribers.delete(subscriber);
        if (subscribers.size === 0 && this.#subscribers.get(topic) === subscribers) {
          this.#subscribers.delete(topic);
        }
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#subscribers.clear();
  }

  #refuseIfDisposed(): void {
    if (this.#disposed) throw new StoreUnavailable('The bus has been closed.');
  }
}
