import type { Xuid } from '../domain/ids.ts';
import type { MemberChange, SessionChange } from '../domain/session/session-change.ts';
import type { Member, Session } from '../domain/session/session.ts';

/** How a user is called: by gamertag where it is known, else by xuid. */
export type NameOfUser = (xuid: Xuid) => string;

/** Members that are named; the others are counted. */
const namedMax = 5;

/**
 * What a change did, in a few words for people: `Ben active → inactive, Cy is gone`. Names and words
 * of users in it are as users wrote them.
 */
export function describeChange(
  { before, next, members }: SessionChange,
  nameOf: NameOfUser,
): string {
  const said = members.flatMap((one) => describeMember(one, nameOf) ?? []);
  const named = said.slice(0, namedMax);
  if (said.length > named.length) named.push(`${said.length - named.length} more`);
  if (before === undefined) named.push('the session begins');
  if (next === undefined) named.push('the session ends');
  if (named.length > 0) return named.join(', ');
  return before && next ? describeParts(before, next) : 'nothing';
}

/** What changed beside members. Time and lost connections change only some parts. */
function describeParts(before: Session, next: Session): string {
  if (before.initialization !== next.initialization) return 'the initialization goes on';
  const result = resultStateOf(next);
  if (result !== resultStateOf(before)) return `the arbitrated game has the result ${result}`;
  const changed = shownParts.filter((part) => before[part] !== next[part]);
  return changed.length === 0 ? 'nothing that clients see' : `other ${changed.join(', ')}`;
}

const shownParts = ['members', 'properties', 'constants', 'servers', 'hostCandidates'] as const;

function resultStateOf({ servers }: Session): string {
  return String(servers['arbitration']?.properties.system['resultState']);
}

function describeMember({ former, member }: MemberChange, nameOf: NameOfUser): string | undefined {
  const known = member ?? former;
  const name = known.gamertag ?? nameOf(known.xuid);
  if (member === undefined) return `${name} is gone`;
  if (former === undefined) {
    return member.status === 'reserved' ? `a seat for ${name}` : `${name} joins`;
  }
  if (former.status !== member.status) return `${name} ${former.status} → ${member.status}`;
  if (hasLost(member) && !hasLost(former)) return `${name} has no connection`;
  const { initializationFailure } = member;
  if (initializationFailure !== undefined && former.initializationFailure === undefined) {
    return `${name} fails in the initialization: ${initializationFailure}`;
  }
  return undefined;
}

function hasLost({ activeUntilMs }: Member): boolean {
  return activeUntilMs !== undefined;
}
