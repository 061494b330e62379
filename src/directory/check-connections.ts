import { xuidOf, type Caller } from '../domain/caller.ts';
import type { Guid, Xuid } from '../domain/ids.ts';
import { graceMsOf, markDisconnected } from '../domain/session/disconnect.ts';
import { nodeOfConnection, type SessionHint } from '../domain/session/hints.ts';
import { isLarge } from '../domain/session/large.ts';
import { parseSessionKey, type SessionKey } from '../domain/session/reference.ts';
import { memberOf, type Session } from '../domain/session/session.ts';
import { Refusal } from '../domain/refusal.ts';
import type { NodeMessage } from './bus-message.ts';
import { commitSession } from './commit-session.ts';
import { readSettledSession } from './settled-session.ts';
import type { NodeId } from '../store/store.ts';
import type { Node, Context } from './context.ts';

/** Sessions looked up in one go. */
const pageMax = 100;

/**
 * Makes sure that no member goes on resting on one of these connections when it has ended. Nobody
 * waits for it; what cannot be done now is done by the sweep. In large sessions it is looked at the
 * member alone whose connections they are, when that is known.
 */
export function checkConnections(world: Context, connections: readonly Guid[], owner?: Xuid): void {
  for (const connection of connections) checkSoon(world, `connection:${connection}`, owner);
}

/** The same for all connections of this node, when questions about some may have been missed. */
export function checkOwnConnections(world: Context): void {
  checkSoon(world, `node:${world.node.id}`);
}

/** Looks again where it could not be looked when it was asked for. */
export async function checkUnsureConnections(world: Context): Promise<void> {
  for (const [hint, owner] of [...world.node.unsure]) await check(world, hint, owner);
}

function checkSoon(world: Context, hint: SessionHint, owner?: Xuid): void {
  world.node.unsure.set(hint, owner);
  check(world, hint, owner).catch(world.failed);
}

async function check(world: Context, hint: SessionHint, owner?: Xuid): Promise<void> {
  const { node, bus } = world;
  const [kind, id = ''] = hint.split(':');
  const nodeId = nodeOfConnection(id);
  if (nodeId === node.id) {
    const isOpen = kind === 'connection' && node.connections.has(id);
    if (!isOpen) {
      await disconnect(world, hint, (connection) => !isOpenHere(node, connection), owner);
    }
  } else if ((await liveNodes(world)).has(nodeId)) {
    const message: NodeMessage = { kind: 'check', connections: [id] };
    await bus.publish(`node:${nodeId}`, message);
  } else {
    await disconnect(world, hint, (connection) => nodeOfConnection(connection) === nodeId);
  }
  node.unsure.delete(hint);
}

/** Also true of other nodes' connections, of which this one knows nothing. */
function isOpenHere(node: Node, connection: Guid): boolean {
  return nodeOfConnection(connection) !== node.id || node.connections.has(connection);
}

/**
 * Which of these connections have ended, as far as this node knows: its own, and those of nodes that
 * are not alive. No promise where all are its own.
 */
export function endedConnections(
  world: Context,
  connections: readonly Guid[],
): ReadonlySet<Guid> | Promise<ReadonlySet<Guid>> {
  const { node } = world;
  return connections.every((connection) => nodeOfConnection(connection) === node.id)
    ? endedAmong(connections, node, noNodes)
    : liveNodes(world).then((live) => endedAmong(connections, node, live));
}

const noNodes: ReadonlySet<NodeId> = new Set();

function endedAmong(
  connections: readonly Guid[],
  node: Node,
  liveOthers: ReadonlySet<NodeId>,
): ReadonlySet<Guid> {
  const isOpen = (connection: Guid): boolean => {
    const nodeId = nodeOfConnection(connection);
    return nodeId === node.id ? node.connections.has(connection) : liveOthers.has(nodeId);
  };
  return new Set(connections.filter((connection) => !isOpen(connection)));
}

/**
 * True when the connection that the caller wrote into the session is known to have ended. One that
 * names no node of this store is not known: an id that a client made up, or one of a node that was
 * forgotten. No promise unless another node must be asked about.
 */
export function hasLostConnection(
  { store, node }: Context,
  session: Session | undefined,
  caller: Caller,
): boolean | Promise<boolean> {
  const member = session && memberOf(session, xuidOf(caller));
  const connection = member?.properties.system.connection?.toLowerCase();
  if (connection === undefined) return false;
  const nodeId = nodeOfConnection(connection);
  if (nodeId === node.id) return !node.connections.has(connection);
  if (member?.activeUntilMs === undefined) return false;
  return store.nodes().then((nodes) => nodes.some((one) => one.node === nodeId));
}

async function liveNodes({ store, node }: Context): Promise<ReadonlySet<NodeId>> {
  const nodes = await store.nodes();
  const others = nodes.filter((one) => one.isAlive && one.node !== node.id);
  return new Set(others.map((one) => one.node));
}

/** Ends what dead nodes held: all their connections, and then what is known of the nodes. */
export async function endDeadNodes(world: Context): Promise<void> {
  const { store, node } = world;
  for (const { node: id, isAlive } of await store.nodes()) {
    if (isAlive || id === node.id) continue;
    await disconnect(world, `node:${id}`, (connection) => nodeOfConnection(connection) === id);
    await store.forgetNode(id);
  }
}

/** Marks the members, in all sessions with this hint, whose connection has ended. */
async function disconnect(
  world: Context,
  hint: SessionHint,
  hasEnded: (connection: Guid) => boolean,
  owner?: Xuid,
): Promise<void> {
  let after: SessionKey | undefined;
  for (;;) {
    const keys = await world.store.sessionsBy(hint, pageMax, after);
    await Promise.all(keys.map((key) => disconnectIn(world, key, hasEnded, owner)));
    after = keys.at(-1);
    if (keys.length < pageMax) return;
  }
}

async function disconnectIn(
  world: Context,
  key: SessionKey,
  hasEnded: (connection: Guid) => boolean,
  owner: Xuid | undefined,
): Promise<void> {
  const session = await mark(world, key, owner === undefined ? [] : [owner], hasEnded);
  if (session === undefined || owner !== undefined || !isLarge(session)) return;
  if (graceMsOf(session, world.settings) === undefined) return;
  let after: Xuid | undefined;
  for (;;) {
    const rows = await world.store.memberRows(key, pageMax, after);
    const ended = rows.filter(({ properties: { system } }) => {
      return system.connection !== undefined && hasEnded(system.connection.toLowerCase());
    });
    if (ended.length > 0) {
      const xuids = ended.map(({ xuid }) => xuid);
      await mark(world, key, xuids, hasEnded);
    }
    after = rows.at(-1)?.xuid;
    if (rows.length < pageMax) return;
  }
}

/** Marks those who are disconnected; of a large session, among `xuids`. The session as it is then. */
async function mark(
  world: Context,
  key: SessionKey,
  xuids: readonly Xuid[],
  hasEnded: (connection: Guid) => boolean,
): Promise<Session | undefined> {
  const reference = parseSessionKey(key);
  for (;;) {
    const record = await readSettledSession(world, reference, xuids);
    if (record === undefined) return undefined;
    // Others write to this session all the time; none of them does this in our place.
    if (record instanceof Refusal) continue;
    const atMs = world.clock.nowMs();
    const graceMs = graceMsOf(record.session, world.settings);
    if (graceMs === undefined) return record.session;
    const marked = markDisconnected(record.session, hasEnded, atMs + graceMs);
    if (marked === record.session) return marked;
    if ((await commitSession(world, record, marked, { atMs })).kind === 'committed') return marked;
  }
}
