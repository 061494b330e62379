/**
 * What a session can be found by, beside its key. Hints may contain too much, never too little: a
 * reader that finds a session by one checks the session itself.
 */

import type { Guid } from '../ids.ts';
import { isLarge } from './large.ts';
import type { SessionChange } from './session-change.ts';
import type { Member, Session } from './session.ts';

/**
 * See `Hint` of the store. Seats reserved for a user are apart from the sessions that the user is
 * in: others must not hide these by reserving seats.
 */
export type SessionHint =
  `${'xuid' | 'seat' | 'holder' | 'keyword' | 'connection' | 'node'}:${string}`;

/** All hints of this session. */
export function hintsOf(session: Session): ReadonlySet<SessionHint> {
  const { members, reference, properties } = session;
  const scid = reference.scid.toLowerCase();
  const keywords = properties.system.keywords ?? [];
  const { emptySinceMs, createdBy } = session;
  return new Set([
    ...members.flatMap(memberHints),
    // A session without members counts for its creator.
    ...(emptySinceMs !== undefined && createdBy !== undefined
      ? [`holder:${createdBy}` as const]
      : []),
    ...keywords.map((keyword) => keywordHint(scid, keyword)),
  ]);
}

/** The hints of a member. */
function memberHints({ xuid, status, reservedBy, properties }: Member): readonly SessionHint[] {
  if (status === 'reserved') {
    return reservedBy === undefined ? [`seat:${xuid}`] : [`seat:${xuid}`, `holder:${reservedBy}`];
  }
  const { connection } = properties.system;
  return connection === undefined
    ? [`xuid:${xuid}`]
    : [
        `xuid:${xuid}`,
        `connection:${connection.toLowerCase()}`,
        `node:${nodeOfConnection(connection)}`,
      ];
}

/** The hint of a keyword, in any case. */
export function keywordHint(scid: Guid, keyword: string): SessionHint {
  return `keyword:${scid.toLowerCase()}~${keyword.toLowerCase()}`;
}

/** The node that made a connection id: its first 8 hex digits, in lower case. */
export function nodeOfConnection(connection: Guid): string {
  return connection.slice(0, 8).toLowerCase();
}

/**
 * False of hints that members who are not loaded may share: nodes. A connection is of one user.
 *
 * @source docs/wire/unknowns.md "somebody else's connection in a large session"
 */
function isWholly(hint: SessionHint, session: Session): boolean {
  return !isLarge(session) || !hint.startsWith('node:');
}

/** Hints to add and to remove with this change; when a session ends all go, and none are named. */
export function hintChange({ before, next, members }: SessionChange): {
  readonly addHints?: readonly SessionHint[];
  readonly removeHints?: readonly SessionHint[];
} {
  if (next === undefined) return {};
  if (before !== undefined && isFoundAlike(before, next, members)) return {};
  const former = before === undefined ? new Set<SessionHint>() : hintsOf(before);
  const current = hintsOf(next);
  const added = [...current].filter((hint) => !former.has(hint));
  const removed = [...former].filter((hint) => !current.has(hint) && isWholly(hint, next));
  return {
    ...(added.length > 0 && { addHints: added }),
    ...(removed.length > 0 && { removeHints: removed }),
  };
}

/** True when all parts that make hints are unchanged, as after most writes. False may be wrong. */
function isFoundAlike(before: Session, next: Session, members: SessionChange['members']): boolean {
  return (
    before.properties.system.keywords === next.properties.system.keywords &&
    before.reference.scid === next.reference.scid &&
    before.emptySinceMs === next.emptySinceMs &&
    before.createdBy === next.createdBy &&
    members.every(
      ({ former, member }) =>
        former?.xuid === member?.xuid &&
        (former?.status === 'reserved') === (member?.status === 'reserved') &&
        former?.reservedBy === member?.reservedBy &&
        former?.properties.system.connection === member?.properties.system.connection,
    )
  );
}
