import type { Guid, Xuid } from '../domain/ids.ts';
import { nodeOfConnection } from '../domain/session/hints.ts';
import { memberOf, type Session } from '../domain/session/session.ts';
import type { NodeId } from '../store/store.ts';
import type { Context } from './context.ts';

/** All nodes that the store knows. Throws StoreUnavailable. */
export function knownNodes({
  store,
}: Pick<Context, 'store'>): Promise<
  readonly { readonly node: NodeId; readonly isAlive: boolean }[]
> {
  return store.nodes();
}

/** The other nodes whose lease runs. */
export async function liveNodes({ store, node }: Context): Promise<ReadonlySet<NodeId>> {
  const nodes = await store.nodes();
  const others = nodes.filter((one) => one.isAlive && one.node !== node.id);
  return new Set(others.map((one) => one.node));
}

/**
 * True when this connection, in lower case, has ended as far as this node knows: one of its own, or
 * one of a node that is not alive. No promise for one of its own.
 */
export function hasEnded(context: Context, connection: Guid): boolean | Promise<boolean> {
  const { node } = context;
  const nodeId = nodeOfConnection(connection);
  return nodeId === node.id
    ? !node.connections.has(connection)
    : liveNodes(context).then((live) => !live.has(nodeId));
}

/**
 * True when the connection that a user wrote into the session is known to have ended. An id
 * that names no node of this store is unknown: a client invented it, or the node was forgotten. No
 * promise unless another node must be asked.
 */
export function hasLostConnection(
  { store, node }: Context,
  session: Session | undefined,
  xuid: Xuid | undefined,
): boolean | Promise<boolean> {
  const member = session && memberOf(session, xuid);
  const connection = member?.properties.system.connection?.toLowerCase();
  if (connection === undefined) return false;
  const nodeId = nodeOfConnection(connection);
  if (nodeId === node.id) return !node.connections.has(connection);
  if (member?.activeUntilMs === undefined) return false;
  return store.nodes().then((nodes) => nodes.some((one) => one.node === nodeId));
}
