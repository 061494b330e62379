import type { Lease } from '../directory/lease.ts';
import type { Context } from '../directory/context.ts';
import { nodeOfConnection } from '../domain/session/hints.ts';
import { repeat } from '../platform/repeat.ts';
import type { Hub } from '../rta/hub.ts';
import { logged } from './chores.ts';
import type { ServerSettings } from './options.ts';

/**
 * The node as one of those on its store, until it is disposed of: its hub hears what the others send.
 * Where there may be others it keeps its lease, and begins anew when that is over.
 */
export async function joinNodes(
  { lease, hub, world }: { readonly lease: Lease; readonly hub: Hub; readonly world: Context },
  settings: Pick<ServerSettings, 'nodeLeaseMs' | 'log'> & { readonly isShared: boolean },
): Promise<AsyncDisposable> {
  const { node, store } = world;
  const { isShared, nodeLeaseMs, log } = settings;
  await lease.begin(node.id, () => hub.start());
  await using opened = new AsyncDisposableStack();
  // Others are to end at once what this node held; with the store away, when the lease runs out.
  opened.defer(async () => void (await store.renewNode(node.id, 1).catch(() => undefined)));
  if (isShared) {
    const keep = (): Promise<void> => keepLease(world, hub, lease);
    opened.use(repeat(keep, nodeLeaseMs / 5, logged('lease', log)));
  }
  return opened.move();
}

/**
 * A node whose lease is over, or that the others gave up, has lost its members' trust: its
 * connections end, also while nobody can be told, and it goes on as a new one.
 */
async function keepLease({ node, ids }: Context, hub: Hub, lease: Lease): Promise<void> {
  if (await renewed(lease, node.id)) return;
  const fresh = nodeOfConnection(ids.guid());
  hub.endAll();
  await lease.begin(fresh, () => hub.beginAnew(fresh));
}

async function renewed(lease: Lease, node: string): Promise<boolean> {
  try {
    return await lease.renew(node);
  } catch (error) {
    // There is time left to try again.
    if (lease.isHeld()) throw error;
    return false;
  }
}
