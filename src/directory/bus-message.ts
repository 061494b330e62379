/**
 * What nodes say to each other over the bus: plain JSON.
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

/** The nodes that hold the connections a tap goes to, each once. */
export function nodesToTell({ to }: Tap): readonly NodeId[] {
  const nodes: NodeId[] = [];
  // A session has few members, and they are on few nodes.
  for (const { connection } of to) {
    if (!nodes.some((node) => connection.startsWith(node))) {
      nodes.push(nodeOfConnection(connection));
    }
  }
  return nodes;
}
