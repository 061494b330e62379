/**
 * Messages between the nodes that share a store: at most once, in order for each pair of publisher
 * and topic.
 *
 * `publish` resolves when the message is on its way, and throws `StoreUnavailable` when it is not
 * known to be. Nobody listening is no error.
 *
 *     node:<id>    taps and questions for the connections of one node
 *     user:<xuid>  what the connections of one user are to hear of
 */
export interface Bus extends AsyncDisposable {
  publish(topic: Topic, message: string): Promise<void>;

  /** Resolves when whatever is published from now on arrives; disposing ends it. */
  subscribe(topic: Topic, subscriber: Subscriber): Promise<AsyncDisposable>;
}

export type Topic = `${'node' | 'user'}:${string}`;

export type Subscriber = {
  /** Called with one message after the other; must not throw. */
  readonly message: (text: string) => void;
  /** Called when messages may have been missed, before the first one after them. */
  readonly gap: () => void;
};
