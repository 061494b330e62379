import type { Xuid } from '../domain/ids.ts';
import type { MemberChange, SessionChange } from '../domain/session/session-change.ts';
import type { Member } from '../domain/session/session.ts';

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
  return before?.initialization === next?.initialization ? 'changed' : 'the initialization goes on';
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
  return undefined;
}

function hasLost({ activeUntilMs }: Member): boolean {
  return activeUntilMs !== undefined;
}
