import { timingSafeEqual } from 'node:crypto';
import type { Context } from '../directory/context.ts';
import type { Lease } from './lease.ts';
import { nodeOfConnection } from '../domain/session/hints.ts';
import { systemClock } from '../platform/clock.ts';
import { repeat } from '../platform/repeat.ts';
import type { Hub } from '../rta/hub.ts';
import type { ServerSettings } from './options.ts';
import { RunLog } from './run-log.ts';

/** The parts of a node's membership on its store. */
export type MembershipParts = {
  readonly lease: Lease;
  readonly hub: Hub;
  readonly context: Context;
  /** That of the store, from which this node's keys are derived. */
  readonly secret: Uint8Array;
};

/** A node among those on its store, until it is disposed of. */
export type Membership = AsyncDisposable & {
  /** Resolves, with a sentence for the operator, when this node cannot go on and must be replaced. */
  readonly ended: Promise<string>;
};

/**
 * The node's membership on its store: its hub hears what the others send. Where there may be others
 * it keeps its lease, begins again when that is over, and checks that all have one secret.
 */
export async function joinNodes(
  parts: MembershipParts,
  settings: Pick<ServerSettings, 'nodeLeaseMs' | 'log'> & { readonly isShared: boolean },
): Promise<Membership> {
  const { lease, hub, context } = parts;
  const { node, store } = context;
  const { isShared, nodeLeaseMs, log } = settings;
  const ended = Promise.withResolvers<string>();
  await lease.begin(node.id, () => hub.start());
  await using opened = new AsyncDisposableStack();
  // Others end at once what this node held; with the store away, when the lease runs out.
  opened.defer(async () => void (await store.renewNode(node.id, 1).catch(() => undefined)));
  if (isShared) {
    const keep = async (): Promise<void> => {
      if (lease.isEnded) return;
      await keepLease(parts);
      if (await isSecretShared(parts)) return;
      lease.end();
      hub.endAll();
      ended.resolve(
        'The store was emptied, and other nodes have begun anew with another secret. This node has ended its connections and answers nothing more; it must be started again.',
      );
    };
    const runLog = new RunLog('lease', log, systemClock.elapsedMs);
    opened.use(repeat(runLog.watch(keep), nodeLeaseMs / 5, runLog.failed));
  }
  const disposables = opened.move();
  return {
    ended: ended.promise,
    [Symbol.asyncDispose]: () => disposables.disposeAsync(),
  };
}

/**
 * A node whose lease is over, or that the others gave up, has lost its members' trust: its
 * connections end, also while nobody can be notified, and it goes on as a new one.
 */
async function keepLease({ context: { node, ids }, hub, lease }: MembershipParts): Promise<void> {
  if (await renewed(lease, node.id)) return;
  const fresh = nodeOfConnection(ids.guid());
  hub.endAll();
  await lease.begin(fresh, () => hub.beginAnew(fresh));
}

async function renewed(lease: Lease, node: string): Promise<boolean> {
  try {
    return await lease.renew(node);
  } catch (error) {
    // There is time left for another try.
    if (lease.isHeld()) throw error;
    return false;
  }
}

/**
 * True while the store has the secret of this node. A store that was emptied is given it again, so
 * that nodes which were running go on together; false when another node has drawn a new one first.
 */
async function isSecretShared({ context, secret }: MembershipParts): Promise<boolean> {
  const stored = await context.store.secret(secret);
  return stored.length === secret.length && timingSafeEqual(stored, secret);
}
