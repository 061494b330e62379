import type { Guid } from '../domain/ids.ts';
import { markDisconnected } from '../domain/session/disconnect.ts';
import { nodeOfConnection, type SessionHint } from '../domain/session/hints.ts';
import { parseSessionKey, type SessionKey } from '../domain/session/reference.ts';
import { Refusal } from '../domain/refusal.ts';
import { StoreUnavailable } from '../store/store.ts';
import { formatMessage } from './bus-message.ts';
import { commitSession, readSettledSession } from './settled-session.ts';
import type { World } from './world.ts';

/** Sessions looked up in one go. */
const pageMax = 100;

/**
 * Makes sure that no member goes on resting on one of these connections when it has ended. Nobody
 * waits for it; what cannot be done now is done by the sweep.
 */
export function checkConnections(world: World, connections: readonly Guid[]): void {
  for (const connection of connections) {
    world.node.unsure.add(connection);
    checkConnection(world, connection).catch((error) => {
      if (!(error instanceof StoreUnavailable)) world.failed(error);
    });
  }
}

/** Looks again at the connections that could not be looked at when it was asked for. */
export async function checkUnsureConnections(world: World): Promise<void> {
  for (const connection of [...world.node.unsure]) await checkConnection(world, connection);
}

async function checkConnection(world: World, connection: Guid): Promise<void> {
  const { node, bus } = world;
  const id = nodeOfConnection(connection);
  if (id !== node.id && (await liveNodes(world)).has(id)) {
    await bus.publish(`node:${id}`, formatMessage({ kind: 'check', connections: [connection] }));
  } else if (!node.connections.has(connection)) {
    await disconnect(world, `connection:${connection}`, (one) => one === connection);
  }
  node.unsure.delete(connection);
}

/**
 * Which of these connections have ended, as far as this node knows: its own, and those of nodes that
 * are not alive.
 */
export async function endedConnections(
  world: World,
  connections: readonly Guid[],
): Promise<ReadonlySet<Guid>> {
  const { node } = world;
  const isOwn = (connection: Guid): boolean => nodeOfConnection(connection) === node.id;
  const live = connections.every(isOwn) ? new Set<string>() : await liveNodes(world);
  return new Set(
    connections.filter((connection) =>
      isOwn(connection)
        ? !node.connections.has(connection)
        : !live.has(nodeOfConnection(connection)),
    ),
  );
}

async function liveNodes({ store, node }: World): Promise<ReadonlySet<string>> {
  const nodes = await store.nodes();
  const others = nodes.filter((one) => one.isAlive && one.node !== node.id);
  return new Set(others.map((one) => one.node));
}

/** Ends what dead nodes held: all their connections, and then what is known of the nodes. */
export async function endDeadNodes(world: World): Promise<void> {
  const { store, node } = world;
  for (const { node: id, isAlive } of await store.nodes()) {
    if (isAlive || id === node.id) continue;
    await disconnect(world, `node:${id}`, (connection) => nodeOfConnection(connection) === id);
    await store.forgetNode(id);
  }
}

/** Marks the members, in all sessions with this hint, whose connection has ended. */
async function disconnect(
  world: World,
  hint: SessionHint,
  hasEnded: (connection: Guid) => boolean,
): Promise<void> {
  let after: SessionKey | undefined;
  for (;;) {
    const keys = await world.store.sessionsBy(hint, pageMax, after);
    for (const key of keys) await disconnectIn(world, key, hasEnded);
    after = keys.at(-1);
    if (keys.length < pageMax) return;
  }
}

async function disconnectIn(
  world: World,
  key: SessionKey,
  hasEnded: (connection: Guid) => boolean,
): Promise<void> {
  const reference = parseSessionKey(key);
  for (;;) {
    const record = await readSettledSession(world, reference);
    if (record === undefined) return;
    // Others write to this session all the time; none of them does this in our place.
    if (record instanceof Refusal) continue;
    const atMs = world.clock.nowMs();
    const untilMs = atMs + world.settings.disconnectGraceMs;
    const marked = markDisconnected(record.session, hasEnded, untilMs);
    if (marked === record.session) return;
    if ((await commitSession(world, record, marked, { atMs })).kind === 'committed') return;
  }
}
