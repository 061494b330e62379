import { Administration } from '../admin/administration.ts';
import { adminRoutes } from '../admin/admin-routes.ts';
import type { OperatedConnections } from '../admin/operated-connections.ts';
import type { Route } from '../http/route.ts';
import type { Hub } from '../rta/hub.ts';
import type { NodeCore } from './core.ts';

/** What an operator can do to a node, beside what concerns its users. */
export type Operation = {
  /** Reads the configuration again; the problems found, if any, leave the former one in place. */
  readonly reload: () => Promise<readonly string[]>;
  /** Whether balancers are to send this node no more requests. */
  readonly setDrained: (isDrained: boolean) => void;
};

/** The administration of a node with this hub, and the admin API. Throws StoreUnavailable. */
export async function openAdministration(
  { context, connections: open }: Pick<NodeCore, 'context' | 'connections'>,
  hub: Hub,
  operation: Operation,
): Promise<{ readonly administration: Administration; readonly routes: readonly Route[] }> {
  const connections: OperatedConnections = {
    list: () =>
      [...open.values()].map(({ id, xuid, subscriptionsCount }) => ({
        id,
        xuid,
        subscriptionsCount,
      })),
    drop: (id) => hub.drop(id),
  };
  const administration = await Administration.open(context, connections);
  const routes = adminRoutes({ administration, ...operation });
  return { administration, routes };
}
