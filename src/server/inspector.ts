import { isLoopback } from '../config/settings.ts';
import type { Route } from '../http/route.ts';
import type { ConnectionRow } from '../inspector/api-types.ts';
import type { InspectorPorts } from '../inspector/inspector.ts';
import { RecentEvents } from '../inspector/recent-events.ts';
import { inspectorRoutes, type InspectorRoutes } from '../inspector/routes.ts';
import { systemClock } from '../platform/clock.ts';
import type { Connection } from '../rta/connection.ts';
import { formatResource } from '../rta/resource.ts';
import { readPackageVersion } from '../platform/package-version.ts';
import type { NodeCore } from './core.ts';
import { kindOfStore, type ServerSettings } from './options.ts';

/**
 * The inspector of a node: open with `--auth dev` on an address that only this machine reaches, else for
 * administrators. Undefined where there are none, or when it is turned off.
 */
export function openInspectorOf(
  { context, storage, connections, controlled }: NodeCore,
  { inspector, auth, host, requestLog, store, control, bodyBytesMax }: ServerSettings,
  {
    controlRoutes,
    ownUrl,
    hasAdministrators,
    forgetRecords,
    bans,
  }: {
    readonly controlRoutes: readonly Route[];
    readonly ownUrl: () => string;
    readonly hasAdministrators: boolean;
    readonly forgetRecords: () => Promise<void>;
    readonly bans: InspectorPorts['bans'];
  },
): InspectorRoutes | undefined {
  const isOpen = auth === 'dev' && isLoopback(host);
  if (inspector === 'off' || (!isOpen && !hasAdministrators)) return undefined;
  const viewConnection = ({ id, xuid, ageMs, subscriptions, wire }: Connection): ConnectionRow => {
    const gamertag = context.names.of(xuid);
    return {
      id,
      nodeId: context.node.id,
      xuid,
      ...(gamertag !== undefined && { gamertag }),
      openedMs: Math.round(context.clock.nowMs() - ageMs),
      unsentBytes: wire.bufferedBytes,
      subscriptions: subscriptions.map((one) => ({
        id: one.id,
        resource: formatResource(one.resource),
      })),
    };
  };
  let log: ReturnType<InspectorPorts['recent']> | undefined;
  const recent: InspectorPorts['recent'] = () => {
    log ??= openLog(context);
    return log;
  };
  // Where requests are logged in any case, those before the first look are shown too.
  if (requestLog !== undefined && requestLog !== 'off') recent();
  return inspectorRoutes(
    {
      recent,
      context,
      bodyBytesMax,
      clock: systemClock,
      readVersion: readPackageVersion,
      store: kindOfStore(store),
      isShared: storage.isShared,
      auth,
      access: isOpen ? 'open' : 'token',
      mayControl: control,
      startedMs: context.clock.nowMs(),
      ownUrl,
      forgetRecords,
      bans,
      moveClock: (toMs) => controlled?.moveTo(toMs),
      isFrozen: () => controlled?.isFrozen === true,
      connections: () => [...connections.values()].map(viewConnection),
    },
    controlRoutes,
  );
}

/** Keeps what is observed from now on. */
function openLog({ observers, clock }: NodeCore['context']): ReturnType<InspectorPorts['recent']> {
  const recent = new RecentEvents();
  observers.add((event) => void recent.note(event));
  return { recent, sinceMs: clock.nowMs() };
}
