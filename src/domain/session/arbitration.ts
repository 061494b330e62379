/**
 * Arbitrated games: what timeouts decide where no service has written a result.
 *
 * @source docs/wire/time.md "Time"
 */

import type { JsonObject } from '../json.ts';
import { parseTime, type Milliseconds } from '../time.ts';
import { arbitrationDefaults } from './constants.ts';
import type { Session } from './session.ts';

/** The result that a timeout brings, and when; undefined: none, or there is a result. */
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

/** When a timeout decides the arbitrated game; undefined: never, as it is now. */
export function arbitrationDueMs(session: Session): Milliseconds | undefined {
  return arbitrationByTime(session)?.dueMs;
}

/**
 * The session after the timeouts of the game: without an active member from `forfeitTimeout` on it
 * is canceled; without a result at `arbitrationTimeout` it has none. Both are counted from the
 * entry's `startTime`. A `resultState` that a service wrote stays.
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
