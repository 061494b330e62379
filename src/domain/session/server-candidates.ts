import { jsonEquals } from '../json.ts';
import type { Session } from './session.ts';

/**
 * The session with `serverConnectionStringCandidates` computed from the members' measurements,
 * where the capability autoPopulateServerCandidates asks for it: the servers that most members
 * reach first, of these the one with the lowest mean latency. Without measurements they stay.
 *
 * @source docs/wire/unknowns.md "the order of server candidates", docs/wire/initialization.md "Stages"
 */
export function withServerCandidates(session: Session): Session {
  const { capabilities, measurementServerAddresses } = session.constants.system;
  if (!capabilities.autoPopulateServerCandidates) return session;
  const latencies = new Map<string, number[]>();
  for (const { properties } of session.members) {
    for (const [server, { latency }] of Object.entries(
      properties.system.serverMeasurements ?? {},
    )) {
      const known = server.toLowerCase();
      if (latency === undefined) continue;
      if (measurementServerAddresses && !Object.hasOwn(measurementServerAddresses, known)) continue;
      latencies.set(known, [...(latencies.get(known) ?? []), latency]);
    }
  }
  if (latencies.size === 0) return session;
  const candidates = [...latencies]
    .map(([server, all]) => ({ server, count: all.length, mean: sum(all) / all.length }))
    .sort((a, b) => b.count - a.count || a.mean - b.mean || (a.server < b.server ? -1 : 1))
    .map(({ server }) => server);
  if (jsonEquals(candidates, session.properties.system.serverConnectionStringCandidates)) {
    return session;
  }
  const system = { ...session.properties.system, serverConnectionStringCandidates: candidates };
  return { ...session, properties: { ...session.properties, system } };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
