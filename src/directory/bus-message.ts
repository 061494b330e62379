/**
 * What nodes say to each other over the bus, as text.
 */

import type { Guid, Xuid } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import { nodeOfConnection } from '../domain/session/hints.ts';
import type { Tap } from '../domain/tap/tap.ts';
import type { NodeId } from '../store/store.ts';

/** To a node: its connections are to be told; it is to make sure of some of its own. */
export type NodeMessage =
  | { readonly kind: 'taps'; readonly tap: Tap }
  | { readonly kind: 'check'; readonly connections: readonly Guid[] };

/** To all connections of one user. */
export type UserMessage =
  | { readonly kind: 'invite'; readonly id: Guid; readonly data: JsonObject }
  | {
      readonly kind: 'friends';
      readonly notificationType: 'Added' | 'Changed' | 'Removed';
      readonly xuids: readonly Xuid[];
    };

export function formatMessage(message: NodeMessage | UserMessage): string {
  return JSON.stringify(message);
}

/** The message of a text that `formatMessage` made. */
export function parseMessage<M extends NodeMessage | UserMessage>(text: string): M {
  return JSON.parse(text) as M;
}

/** The nodes that hold the connections a tap goes to. */
export function nodesToTell({ to }: Tap): ReadonlySet<NodeId> {
  return new Set(to.map(({ connection }) => nodeOfConnection(connection)));
}
