/**
 * Large sessions: up to membersLargeMax members, each a row beside the document, so that no write
 * costs more because many are in.
 *
 * - `session.members` holds the rows that a use has loaded: the caller's, or those that are due.
 *   What was not loaded is not touched.
 * - `session.tally` counts all members, loaded or not; `withMembers` keeps it.
 *
 * @source docs/wire/sessions.md "Large sessions"
 */

import type { Caller } from '../caller.ts';
import { Refusal } from '../refusal.ts';
import type { SessionRequest } from './request.ts';
import { memberOf, type Member, type Session, type Tally } from './session.ts';

/** True when the members of the session are rows beside it. */
export function isLarge({ constants }: Session): boolean {
  return constants.system.capabilities.large === true;
}

/** How many are in the session, and how. */
export function tallyOf({ tally, members }: Session): Tally {
  return tally ?? countOf(members);
}

function countOf(members: readonly Member[]): Tally {
  let accepted = 0;
  let active = 0;
  for (const { status } of members) {
    if (status !== 'reserved') accepted += 1;
    if (status === 'active') active += 1;
  }
  return { count: members.length, accepted, active };
}

/** The session with these members in place of its own, which are counted again. */
export function withMembers(session: Session, members: readonly Member[]): Session {
  if (!isLarge(session)) return { ...session, members };
  const all = tallyOf(session);
  const [before, after] = [countOf(session.members), countOf(members)];
  return {
    ...session,
    members,
    tally: {
      count: all.count + after.count - before.count,
      accepted: all.accepted + after.accepted - before.accepted,
      active: all.active + after.active - before.active,
    },
  };
}

/** The stored session with these rows of it loaded. */
export function withRows(session: Session, rows: readonly Member[]): Session {
  return rows.length === 0 ? session : { ...session, members: rows };
}

/** The session as it is stored: without its rows. */
export function withoutRows(session: Session): Session {
  return session.members.length === 0 ? session : { ...session, members: [] };
}

/** Rows to put and to remove when `before` becomes `next`, both with the same rows loaded. */
export function rowChange(
  before: readonly Member[],
  next: readonly Member[],
): { readonly put: readonly Member[]; readonly removed: readonly Member[] } {
  const stays = new Set(next.map(({ xuid }) => xuid));
  return {
    put: next.filter((member) => !before.includes(member)),
    removed: before.filter(({ xuid }) => !stays.has(xuid)),
  };
}

/**
 * Undefined when the request asks only for what large sessions have.
 *
 * Refuses: notInLargeSession.
 */
export function mayAskOfLarge(
  session: Session,
  request: SessionRequest,
  caller: Caller,
): Refusal | undefined {
  if (!isLarge(session)) return undefined;
  const own = caller.kind === 'user' ? memberOf(session, caller.xuid)?.index : undefined;
  const others = request.others.filter(({ index }) => index !== own);
  const system = request.properties?.system;
  const restricted = ['joinRestriction', 'readRestriction'] as const;
  const asked =
    (session.roleTypes && '$.roleTypes') ||
    (request.reservations.length > 0 && '$.members.reserve_0') ||
    (others.length > 0 && `$.members.${others[0]?.index}`) ||
    (request.me?.properties?.system?.subscription &&
      '$.members.me.properties.system.subscription') ||
    (system?.turn && system.turn.length > 0 && '$.properties.system.turn') ||
    (system?.host && '$.properties.system.host') ||
    restricted
      .filter((name) => system?.[name] && system[name] !== 'none')
      .map((name) => `$.properties.system.${name}`)[0];
  if (!asked) return undefined;
  return new Refusal(
    'notInLargeSession',
    `${asked}: a large session has no role types, reservations, subscriptions, turns, host or restrictions, and its members write nobody but themselves.`,
    { detail: asked },
  );
}
