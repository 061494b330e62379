import type { ControlledConnections, TapsControl } from '../admin/connections.ts';
import { type AskedRequest, ForcedRefusals } from '../admin/forced-refusals.ts';
import { controlRoutes } from '../admin/routes.ts';
import type { Answer, Route } from '../http/route.ts';
import type { ControlledClock } from '../platform/controlled-clock.ts';
import type { Connection } from '../rta/connection.ts';
import type { Connections } from '../rta/connection-registry.ts';
import type { Hub } from '../rta/hub.ts';
import type { DeliverTaps } from '../rta/tap-delivery.ts';

/** What tests control: the clock of a node, its connections, and which requests it refuses. */
export type Control = {
  /** Goes between the taps that arrive and the connections that they are for. */
  readonly aroundTaps: (deliver: DeliverTaps) => DeliverTaps;
  /** The answer that a test wants in place of the real one, if any. */
  readonly answerInstead: (asked: AskedRequest) => Answer | undefined;
  /** The control API; `sweep` applies the timeouts that are due. */
  routes(hub: Hub, sweep: () => Promise<void>): readonly Route[];
};

/** The control of a node with this clock. */
export function openControl(clock: ControlledClock, connections: Connections): Control {
  const disturbances = openDisturbances(clock);
  const refusals = new ForcedRefusals();
  return {
    aroundTaps: disturbances.around,
    answerInstead: (asked) => refusals.take(asked),
    routes: (hub, sweep) =>
      controlRoutes({
        clock,
        connections: controlledConnections(connections, hub, disturbances),
        refusals,
        sweep,
      }),
  };
}

/** The disturbances of taps, by connection. */
type Disturbances = {
  of(connection: Connection): TapsControl;
  set(connection: Connection, taps: TapsControl): void;
  /** Goes between the taps that arrive and the connections that they are for. */
  around(deliver: DeliverTaps): DeliverTaps;
};

const undisturbed: TapsControl = { delayMs: 0, drop: false };

/** Disturbances by the time that `clock` shows; at first none. */
function openDisturbances(clock: ControlledClock): Disturbances {
  const disturbed = new WeakMap<Connection, TapsControl>();
  return {
    of: (connection) => disturbed.get(connection) ?? undisturbed,
    set: (connection, taps) => void disturbed.set(connection, taps),
    around: (deliver) => (connection, taps) => {
      const { delayMs, drop } = disturbed.get(connection) ?? undisturbed;
      if (drop) return;
      if (delayMs === 0) deliver(connection, taps);
      else clock.after(delayMs, () => deliver(connection, taps));
    },
  };
}

function controlledConnections(
  connections: Connections,
  hub: Hub,
  disturbances: Disturbances,
): ControlledConnections {
  return {
    list: () =>
      [...connections.values()].map((connection) => ({
        id: connection.id,
        xuid: connection.xuid,
        taps: disturbances.of(connection),
      })),
    drop: (id) => hub.drop(id),
    setTaps(id, taps) {
      const connection = connections.get(id);
      if (connection === undefined) return false;
      disturbances.set(connection, taps);
      return true;
    },
  };
}
