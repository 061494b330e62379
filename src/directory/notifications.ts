/** What nodes send each other over the bus, as plain JSON: taps, questions, news for users. */

import type { Guid, TitleId, Xuid } from '../domain/ids.ts';
import { formatJson, type JsonObject } from '../domain/json.ts';
import { nodeOfConnection } from '../domain/session/hints.ts';
import type { SessionChange } from '../domain/session/session-change.ts';
import { tapOf, type ChangeOrigin, type Tap } from '../domain/tap/tap.ts';
import type { NodeId, PendingTaps, Share } from '../store/store.ts';
import type { Context } from './context.ts';

/** To a node: it sends taps to its connections; it checks whether some of them are open. */
export type NodeMessage =
  | { readonly kind: 'taps'; readonly tap: Tap }
  | { readonly kind: 'check'; readonly connections: readonly Guid[] };

/** To all connections of one user. */
export type UserMessage =
  | {
      readonly kind: 'invite';
      readonly id: Guid;
      readonly data: JsonObject;
      /** Of an invite into an activity: it is for who plays this title. */
      readonly titleId?: TitleId;
    }
  | {
      readonly kind: 'friends';
      readonly notificationType: 'Added' | 'Changed' | 'Removed';
      readonly xuids: readonly Xuid[];
    };

/** The taps of one commit: what the store keeps until they are sent, and what is sent. */
export type TapsMessage = Extract<NodeMessage, { kind: 'taps' }>;

/** The commit of the taps, where the store keeps them. */
type PendingTapsKey = Omit<PendingTaps, 'pendingTaps'>;

/** A commit older than this has had its time to send its taps. */
const pendingAgeMs = 5_000;
/** Commits whose taps are sent in one sweep. */
const pendingMax = 100;

/** The taps of a commit of this change; undefined when no listener asked for it. */
export function tapsOf(
  { bus }: Context,
  change: SessionChange,
  origin: ChangeOrigin,
): TapsMessage | undefined {
  const tap = tapOf(change, origin, (node) => bus.isHeard(`node:${node}`));
  return tap && { kind: 'taps', tap };
}

/**
 * Sends taps to the nodes of the recipients' connections, and removes them from the store where it
 * keeps them. Nobody waits for it: the sweep sends stored taps that could not be sent.
 */
export function publishTaps(
  context: Context,
  message: TapsMessage,
  pending: PendingTapsKey | undefined,
): void {
  publish(context, message, pending).catch(context.failed);
}

/** Sends taps of commits whose process did not send them. */
export async function publishPendingTaps(
  context: Context,
  share: Share | undefined,
): Promise<'done' | 'more'> {
  const { store, setAside } = context;
  const { pendingNotifications } = store;
  if (!pendingNotifications) return 'done';
  const commits = await setAside.firstOthers(pendingMax, nameOf, (limit) =>
    pendingNotifications.read(pendingAgeMs, limit, share),
  );
  for (const commit of commits) {
    await setAside.attempt('the delivery', nameOf(commit), () =>
      publish(context, requireTaps(commit.pendingTaps), commit),
    );
  }
  return commits.length === pendingMax ? 'more' : 'done';
}

function nameOf({ key, revision }: PendingTapsKey): string {
  return `taps of ${key}, revision ${revision}`;
}

/** Throws for what this version has not written. */
function requireTaps(message: JsonObject): TapsMessage {
  const taps = message as NodeMessage;
  if (taps.kind === 'taps' && Array.isArray(taps.tap?.to)) return taps;
  throw new Error(`these are no taps: ${formatJson(message).slice(0, 200)}`);
}

async function publish(
  { store, bus }: Context,
  message: TapsMessage,
  pending: PendingTapsKey | undefined,
): Promise<void> {
  const nodes = nodesOf(message.tap);
  await Promise.all(nodes.map((node) => bus.publish(`node:${node}`, message)));
  if (pending) await store.pendingNotifications?.forget(pending.key, pending.revision);
}

/** The nodes that hold the connections a tap goes to, each once. */
export function nodesOf({ to }: Tap): readonly NodeId[] {
  const nodes: NodeId[] = [];
  // A session has few members, and they are on few nodes.
  for (const { connection } of to) {
    if (!nodes.some((node) => connection.startsWith(node))) {
      nodes.push(nodeOfConnection(connection));
    }
  }
  return nodes;
}

/**
 * Sends a message to the connections of this user, on any node. Nobody waits for it, and a lost
 * message is no outage: clients ask again when they connect.
 */
export function notifyUser({ bus, failed }: Context, xuid: Xuid, message: UserMessage): void {
  bus.publish(`user:${xuid}`, message).catch(failed);
}
