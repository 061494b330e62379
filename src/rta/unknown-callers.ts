import type { UserCaller } from '../domain/caller.ts';
import type { Xuid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Connection } from './connection.ts';
import type { ConnectionRegistry } from './connection-registry.ts';
import type { Resource } from './resource.ts';

/** See `Authenticator.learn`. */
export type LearnCaller = (
  caller: UserCaller,
  stated: Xuid | undefined,
) => Promise<UserCaller | Refusal>;

/** Resources that clients ask for of themselves alone. */
const ownKinds: ReadonlySet<Resource['kind']> = new Set(['notify', 'friends', 'privacy']);

type Unknown = {
  readonly caller: UserCaller;
  /** The end of what was done for this connection so far: frames are answered in their order. */
  turn: Promise<void>;
};

/**
 * The connections whose callers have a made-up xuid, since nobody could read their tokens. Each frame
 * waits until it is known whether the xuid can be learnt from it.
 *
 * @source docs/wire/callers.md "Tokens of the real service"
 */
export class UnknownCallers {
  readonly #registry: ConnectionRegistry;
  readonly #failed: (error: unknown) => void;
  readonly #learn: LearnCaller | undefined;
  readonly #unknown = new WeakMap<Connection, Unknown>();

  constructor(
    registry: ConnectionRegistry,
    failed: (error: unknown) => void,
    learn: LearnCaller | undefined,
  ) {
    this.#registry = registry;
    this.#failed = failed;
    this.#learn = learn;
  }

  /** Notes a new connection, if the xuid of its caller is made up. */
  note(connection: Connection, caller: UserCaller): void {
    if (caller.hasMadeUpXuid !== true || this.#learn === undefined) return;
    this.#unknown.set(connection, { caller, turn: Promise.resolve() });
  }

  has(connection: Connection): boolean {
    return this.#unknown.has(connection);
  }

  /** Calls `then` once the connection has the xuid that this resource or an earlier request states. */
  learn(connection: Connection, resource: Resource | undefined, then: () => void): void {
    const unknown = this.#unknown.get(connection);
    if (unknown === undefined) {
      then();
      return;
    }
    const turn = unknown.turn
      .then(() => this.#learnFrom(connection, unknown.caller, resource))
      .catch(this.#failed)
      .then(then)
      .catch(this.#failed)
      .then(() => {
        // Nobody waits any more, so later frames need not either.
        if (unknown.turn === turn && connection.xuid !== unknown.caller.xuid) {
          this.#unknown.delete(connection);
        }
      });
    unknown.turn = turn;
  }

  async #learnFrom(
    connection: Connection,
    caller: UserCaller,
    resource: Resource | undefined,
  ): Promise<void> {
    if (connection.xuid !== caller.xuid) return;
    const stated =
      resource !== undefined && 'xuid' in resource && ownKinds.has(resource.kind)
        ? resource.xuid
        : undefined;
    const learned = await this.#learn?.(caller, stated);
    // A contradiction is answered as a resource of another user is.
    if (learned === undefined || learned instanceof Refusal) return;
    this.#registry.rename(connection, learned.xuid);
  }
}
