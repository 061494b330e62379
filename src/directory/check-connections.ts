import type { Guid, Xuid } from '../domain/ids.ts';
import { graceMsOf, markDisconnected } from '../domain/session/disconnect.ts';
import { nodeOfConnection, type SessionHint } from '../domain/session/hints.ts';
import { isLarge } from '../domain/session/large.ts';
import { parseSessionKey, type SessionKey } from '../domain/session/reference.ts';
import type { Session } from '../domain/session/session.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Context, Node } from './context.ts';
import { liveNodes } from './live-nodes.ts';
import type { NodeMessage } from './notifications.ts';
import { transact } from './transact.ts';

/** Sessions looked up in one go. */
const pageMax = 100;

/**
 * Marks members whose connection is one of these and has ended. Nobody waits for it; the sweep
 * repeats what fails. In a large session only the member with the connection is checked, when it is
 * known.
 */
export function checkConnections(
  context: Context,
  connections: readonly Guid[],
  owner?: Xuid,
): void {
  for (const connection of connections) checkSoon(context, `connection:${connection}`, owner);
}

/** The same for all connections of this node, when questions about some may have been missed. */
export function checkOwnConnections(context: Context): void {
  checkSoon(context, `node:${context.node.id}`);
}

/** Checks again where a check was not possible before. */
export async function recheckConnections(context: Context): Promise<void> {
  for (const [hint, owner] of [...context.node.recheckQueue]) await check(context, hint, owner);
}

function checkSoon(context: Context, hint: SessionHint, owner?: Xuid): void {
  context.node.recheckQueue.set(hint, owner);
  check(context, hint, owner).catch(context.failed);
}

async function check(context: Context, hint: SessionHint, owner?: Xuid): Promise<void> {
  const { node, bus } = context;
  const [kind, id = ''] = hint.split(':');
  const nodeId = nodeOfConnection(id);
  let isDone = true;
  if (nodeId === node.id) {
    const isOpen = kind === 'connection' && node.connections.has(id);
    if (!isOpen) {
      isDone = await disconnect(context, hint, (one) => !isOpenHere(node, one), owner);
    }
  } else if ((await liveNodes(context)).has(nodeId)) {
    const message: NodeMessage = { kind: 'check', connections: [id] };
    await bus.publish(`node:${nodeId}`, message);
  } else {
    isDone = await disconnect(context, hint, (one) => nodeOfConnection(one) === nodeId);
  }
  if (isDone) node.recheckQueue.delete(hint);
}

/** Also true of other nodes' connections, about which this node knows nothing. */
function isOpenHere(node: Node, connection: Guid): boolean {
  return nodeOfConnection(connection) !== node.id || node.connections.has(connection);
}

/** Ends what dead nodes held: all their connections, and then what is known of the nodes. */
export async function endDeadNodes(context: Context): Promise<void> {
  const { store, node } = context;
  for (const { node: id, isAlive } of await store.nodes()) {
    if (isAlive || id === node.id) continue;
    const hint = `node:${id}` as const;
    const isDone = await disconnect(context, hint, (one) => nodeOfConnection(one) === id);
    if (isDone) await store.forgetNode(id);
  }
}

type HasEnded = (connection: Guid) => boolean;

/**
 * Marks the members with an ended connection, in all sessions with this hint. False: other writers
 * were always faster in one session, and its members are not marked yet.
 */
async function disconnect(
  context: Context,
  hint: SessionHint,
  hasEnded: HasEnded,
  owner?: Xuid,
): Promise<boolean> {
  let isDone = true;
  let after: SessionKey | undefined;
  for (;;) {
    const keys = await context.store.sessionsBy(hint, pageMax, after);
    // One that is set aside counts as done, so that the others do not wait for ever.
    const done = await Promise.all(
      keys.map((key) =>
        context.setAside.attempt('the check of connections', key, () =>
          disconnectIn(context, key, hasEnded, owner),
        ),
      ),
    );
    isDone &&= !done.includes(false);
    after = keys.at(-1);
    if (keys.length < pageMax) return isDone;
  }
}

async function disconnectIn(
  context: Context,
  key: SessionKey,
  hasEnded: HasEnded,
  owner: Xuid | undefined,
): Promise<boolean> {
  const session = await mark(context, key, owner === undefined ? [] : [owner], hasEnded);
  if (session instanceof Refusal) return false;
  if (session === undefined || owner !== undefined || !isLarge(session)) return true;
  if (graceMsOf(session, context.settings) === undefined) return true;
  let isDone = true;
  let after: Xuid | undefined;
  for (;;) {
    const rows = await context.store.memberRows(key, pageMax, after);
    const ended = rows.filter(({ properties: { system } }) => {
      return system.connection !== undefined && hasEnded(system.connection.toLowerCase());
    });
    if (ended.length > 0) {
      const xuids = ended.map(({ xuid }) => xuid);
      isDone &&= !((await mark(context, key, xuids, hasEnded)) instanceof Refusal);
    }
    after = rows.at(-1)?.xuid;
    if (rows.length < pageMax) return isDone;
  }
}

/**
 * Marks the disconnected members; in a large session those among `xuids`. Returns the session after
 * it.
 *
 * Refuses: tooBusy.
 */
function mark(
  context: Context,
  key: SessionKey,
  xuids: readonly Xuid[],
  hasEnded: HasEnded,
): Promise<Session | undefined | Refusal> {
  return transact(context, {
    reference: parseSessionKey(key),
    mode: 'write',
    isUpkeep: true,
    cause: { kind: 'disconnect' },
    xuids,
    gather: (_current, nowMs) => nowMs,
    decide(current, nowMs) {
      const session = current?.session;
      const graceMs = session && graceMsOf(session, context.settings);
      if (session === undefined || graceMs === undefined) return { result: session };
      const marked = markDisconnected(session, hasEnded, nowMs + graceMs);
      return marked === session ? { result: session } : { result: marked, next: marked };
    },
  });
}
