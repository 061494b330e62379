/**
 * What a session can be found by, beside its key. Hints may hold too much and never too little:
 * whoever finds a session by one looks at the session itself.
 */

import type { Guid } from '../ids.ts';
import { isLarge } from './large.ts';
import { memberChanges } from './member-changes.ts';
import type { Member, Session } from './session.ts';

/** See `Hint` of the store. */
export type SessionHint = `${'xuid' | 'keyword' | 'connection' | 'node'}:${string}`;

/** Everything by which this session is found. */
export function hintsOf(session: Session): ReadonlySet<SessionHint> {
  const { members, reference, properties } = session;
  const scid = reference.scid.toLowerCase();
  const keywords = properties.system.keywords ?? [];
  return new Set([
    ...members.flatMap(memberHints),
    ...keywords.map((keyword) => keywordHint(scid, keyword)),
  ]);
}

/** What a member lets its session be found by. */
function memberHints({ xuid, properties }: Member): readonly SessionHint[] {
  const { connection } = properties.system;
  return connection === undefined
    ? [`xuid:${xuid}`]
    : [
        `xuid:${xuid}`,
        `connection:${connection.toLowerCase()}`,
        `node:${nodeOfConnection(connection)}`,
      ];
}

/** The hint of a keyword, which matches without regard to case. */
export function keywordHint(scid: Guid, keyword: string): SessionHint {
  return `keyword:${scid.toLowerCase()}~${keyword.toLowerCase()}`;
}

/** The node that minted a connection id: its first 8 hex digits, in lower case. */
export function nodeOfConnection(connection: Guid): string {
  return connection.slice(0, 8).toLowerCase();
}

/**
 * False of what members who are not loaded may share: a node. A connection is of one user.
 *
 * @source docs/wire/unknowns.md "somebody else's connection in a large session"
 */
function isWholly(hint: SessionHint, session: Session): boolean {
  return !isLarge(session) || !hint.startsWith('node:');
}

/** Hints to add and to remove when `before` becomes `next`; undefined stands for no session. */
export function hintChange(
  before: Session | undefined,
  next: Session,
): { readonly addHints?: readonly SessionHint[]; readonly removeHints?: readonly SessionHint[] } {
  if (before !== undefined && isFoundAlike(before, next)) return {};
  const former = before === undefined ? new Set<SessionHint>() : hintsOf(before);
  const current = hintsOf(next);
  const added = [...current].filter((hint) => !former.has(hint));
  const removed = [...former].filter((hint) => !current.has(hint) && isWholly(hint, next));
  return {
    ...(added.length > 0 && { addHints: added }),
    ...(removed.length > 0 && { removeHints: removed }),
  };
}

/** As most writes leave it: what hints are made of is the same. False may be too careful. */
function isFoundAlike(before: Session, next: Session): boolean {
  return (
    before.properties.system.keywords === next.properties.system.keywords &&
    before.reference.scid === next.reference.scid &&
    memberChanges(before.members, next.members).every(
      ({ former, member }) =>
        former?.xuid === member?.xuid &&
        former?.properties.system.connection === member?.properties.system.connection,
    )
  );
}
