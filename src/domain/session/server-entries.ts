/**
 * Server entries that the protocol knows: what game services may write into them, and what the
 * session makes of them.
 *
 * - `matchmaking`: how the search for a match goes; clients read it on their ticket session.
 * - `arbitration`: the result of an arbitrated game, which times out.
 *
 * Every other entry is the service's own.
 *
 * @source docs/wire/sessions.md "Servers"
 */

import * as v from 'valibot';
import { isGuid } from '../ids.ts';
import { jsonEquals, type JsonObject } from '../json.ts';
import { Refusal } from '../refusal.ts';
import { exactObject, integer, parseShape, text, word } from '../shape.ts';
import { parseTime, type Milliseconds } from '../time.ts';
import { arbitrationDefaults } from './constants.ts';
import { isName, nameExpectation } from './reference.ts';
import type { ServerRequest } from './request.ts';
import type { Session } from './session.ts';

const name = text(isName, nameExpectation);

const matchmakingSystem = exactObject({
  status: v.nullish(word(['searching', 'expired', 'found', 'canceled', 'failed'])),
  statusDetails: v.nullish(v.string('Expected a string')),
  typicalWait: v.nullish(integer(0)),
  targetSessionRef: v.nullish(
    exactObject({ scid: text(isGuid, 'a GUID'), templateName: name, name }),
  ),
  lockId: v.nullish(v.string('Expected a string')),
});

const startTime = v.nullish(
  text((given) => parseTime(given) !== undefined, 'a time such as "2016-09-20T20:50:00Z"'),
);

/**
 * The entry as it may be written: the fields of `matchmaking` by their documented types, the
 * `startTime` of `arbitration` a time, all else as it is.
 *
 * Refuses: requestInvalid.
 *
 * @source docs/wire/unknowns.md "the matchmaking entry is exact", docs/wire/sessions.md "Servers"
 */
export function parseServerEntry(
  serverName: string,
  request: ServerRequest,
): ServerRequest | Refusal {
  const path = `$.servers.${serverName}`;
  if (serverName === 'arbitration') {
    const time = parseShape(
      startTime,
      request.constants?.system?.['startTime'],
      `${path}.constants.system.startTime`,
    );
    return time instanceof Refusal ? time : request;
  }
  if (serverName !== 'matchmaking' || request.properties?.system == null) return request;
  const system = parseShape(
    matchmakingSystem,
    request.properties.system,
    `${path}.properties.system`,
  );
  if (system instanceof Refusal) return system;
  return {
    ...request,
    properties: { ...request.properties, system: system as unknown as JsonObject },
  };
}

/**
 * The session with `serverConnectionStringCandidates` computed from what the members measured,
 * where the capability autoPopulateServerCandidates asks for it: the servers that most members
 * reach first, of these the one with the lowest mean latency. While nobody has measured, they stay.
 *
 * @source docs/wire/unknowns.md "the order of server candidates", docs/wire/initialization.md "Stages": autoPopulateServerCandidates
 */
export function withServerCandidates(session: Session): Session {
  const { capabilities, measurementServerAddresses } = session.constants.system;
  if (!capabilities.autoPopulateServerCandidates) return session;
  const latencies = new Map<string, number[]>();
  for (const { properties } of session.members) {
    for (const [server, measured] of Object.entries(properties.system.serverMeasurements ?? {})) {
      const { latency } = measured as { readonly latency?: number };
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

/** The verdict that time brings, and when; undefined: none, or there is a result. */
function arbitrationByTime(
  session: Session,
): { readonly dueMs: Milliseconds; readonly resultState: string } | undefined {
  const { capabilities, arbitration = arbitrationDefaults } = session.constants.system;
  const entry = capabilities.arbitration ? session.servers['arbitration'] : undefined;
  const started = entry?.constants.system['startTime'];
  const startMs = typeof started === 'string' ? parseTime(started) : undefined;
  if (entry === undefined || startMs === undefined) return undefined;
  if (entry.properties.system['resultState'] !== undefined) return undefined;
  const { forfeitTimeout, arbitrationTimeout } = arbitration;
  if (forfeitTimeout !== undefined && !session.members.some(({ status }) => status === 'active')) {
    return { dueMs: startMs + forfeitTimeout, resultState: 'canceled' };
  }
  return arbitrationTimeout === undefined
    ? undefined
    : { dueMs: startMs + arbitrationTimeout, resultState: 'noresults' };
}

/** When time decides the arbitrated game; undefined: never, as things stand. */
export function arbitrationDueMs(session: Session): Milliseconds | undefined {
  return arbitrationByTime(session)?.dueMs;
}

/**
 * The session with the game decided by time, if its time has come: without an active member from
 * `forfeitTimeout` on it is canceled, without a result at `arbitrationTimeout` it has none. Both are
 * counted from the entry's `startTime`. What a service writes as `resultState` stands.
 *
 * @source docs/wire/unknowns.md "what arbitration timeouts write", docs/wire/sessions.md "Servers"
 */
export function withArbitrationByTime(session: Session, nowMs: Milliseconds): Session {
  const verdict = arbitrationByTime(session);
  const entry = session.servers['arbitration'];
  if (verdict === undefined || entry === undefined || verdict.dueMs > nowMs) return session;
  const system: JsonObject = {
    ...entry.properties.system,
    resultState: verdict.resultState,
    resultSource: 'arbitration',
  };
  const decided = { ...entry, properties: { ...entry.properties, system } };
  return { ...session, servers: { ...session.servers, arbitration: decided } };
}
