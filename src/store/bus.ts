import type { JsonObject } from '../domain/json.ts';

/**
 * Messages between the nodes that share a store: at most once, in order for each pair of publisher
 * and topic. A message is plain JSON; within a process the value itself is handed over, and nobody
 * changes it.
 *
 * `publish` resolves when the message is on its way, and throws `StoreUnavailable` when it is not
 * known to be. Nobody listening is no error.
 *
 *     node:<id>    taps and questions for the connections of one node
 *     user:<xuid>  what the connections of one user are to hear of
 *     presence:<xuid>  where one user is has changed
 *     admin:all    what an operator has done
 */
export interface Bus extends AsyncDisposable {
  publish(topic: Topic, message: JsonObject): Promise<void>;

  /**
   * False when it is known that nobody listens to this topic. Where other processes may listen,
   * true.
   */
  isHeard(topic: Topic): boolean;

  /** Resolves when all that is published from now on arrives; disposing ends it. */
  subscribe(topic: Topic, subscriber: Subscriber): Promise<AsyncDisposable>;
}

export type Topic = `${'node' | 'user' | 'presence' | 'admin'}:${string}`;

export type Subscriber = {
  /** Called with one message after the other; must not throw. */
  readonly message: (message: JsonObject) => void;
  /** Called when messages may have been missed, before the first one after them. */
  readonly gap: () => void;
};
