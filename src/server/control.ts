import type { ControlledConnections } from '../admin/connections.ts';
import { controlRoutes } from '../admin/routes.ts';
import type { Route } from '../http/route.ts';
import type { ControlledClock } from '../platform/controlled-clock.ts';
import type { Connections, Hub } from '../rta/hub.ts';

/** The routes by which tests move the clock of a node and disturb its connections. */
export function openControl(parts: {
  readonly clock: ControlledClock;
  readonly connections: Connections;
  readonly hub: Hub;
  /** Settles what is due now. */
  readonly sweep: () => Promise<void>;
}): readonly Route[] {
  const { clock, connections, hub, sweep } = parts;
  return controlRoutes({ clock, connections: controlledConnections(connections, hub), sweep });
}

function controlledConnections(connections: Connections, hub: Hub): ControlledConnections {
  const noDisturbance = { delayMs: 0, drop: false };
  return {
    list: () =>
      [...connections.values()].map(({ id, xuid, disturbance = noDisturbance }) => ({
        id,
        xuid,
        taps: disturbance,
      })),
    drop: (id) => hub.drop(id),
    excuse: (untilMs) => hub.excuse(untilMs),
    setTaps(id, taps) {
      const connection = connections.get(id);
      if (connection === undefined) return false;
      connection.disturbance = taps.delayMs > 0 || taps.drop ? taps : undefined;
      return true;
    },
  };
}
