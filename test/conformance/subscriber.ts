/** Members with a connection, as taps need them. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../src/domain/json.ts';
import type { SessionReference } from '../../src/domain/session/reference.ts';
import type { KitAnswer, KitUser } from '../../src/testing/kit.ts';
import type { KitConnection } from '../../src/testing/kit-connection.ts';

export type Subscriber = AsyncDisposable & {
  readonly user: KitUser;
  readonly line: KitConnection;
  readonly connection: string;
  /** As it is written; in taps it is in lower case. */
  readonly subscriptionId: string;
  /** Joins, or writes the own member, as active and subscribed. */
  join(reference: SessionReference, more?: JsonObject): Promise<KitAnswer>;
  /** What `join` writes as `members.me`. */
  me(more?: JsonObject): JsonObject;
};

/** A user with a connection that follows the session directory. */
export async function subscriber(
  user: KitUser,
  changeTypes: readonly string[] = ['everything'],
): Promise<Subscriber> {
  const line = await user.connect();
  const connection = await line.connectionId();
  const subscriptionId = randomUUID().toUpperCase();
  const me = (more: JsonObject = {}): JsonObject => ({
    properties: {
      system: {
        active: true,
        connection,
        subscription: { id: subscriptionId, changeTypes: [...changeTypes] },
        ...more,
      },
    },
  });
  return {
    user,
    line,
    connection,
    subscriptionId,
    me,
    async join(reference, more) {
      const answer = await user.putSession(reference, { members: { me: me(more) } });
      assert.ok(answer.status === 200 || answer.status === 201, answer.text);
      return answer;
    },
    [Symbol.asyncDispose]: () => line[Symbol.asyncDispose](),
  };
}
