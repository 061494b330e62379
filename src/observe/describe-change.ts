import type { Xuid } from '../domain/ids.ts';
import type { Json } from '../domain/json.ts';
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
  if (before === undefined && next === undefined) return 'there was and is no session';
  const said = members.flatMap((one) => describeMember(one, nameOf) ?? []);
  const named = said.slice(0, namedMax);
  if (said.length > named.length) named.push(`${said.length - named.length} more`);
  if (before === undefined) named.push('the session begins');
  if (next === undefined) named.push('the session ends');
  // Where one of them is missing, a name says so.
  return before && next && named.length === 0 ? describeParts(before, next) : named.join(', ');
}

/** What changed beside what is said of members. Time and lost connections change only some parts. */
function describeParts(before: Session, next: Session): string {
  if (before.initialization !== next.initialization) return 'the initialization goes on';
  const result = resultStateOf(next);
  if (result !== resultStateOf(before)) {
    return result === undefined
      ? 'the arbitrated game has no result any more'
      : `the arbitrated game has the result ${String(result)}`;
  }
  const changed = shownParts.filter(([part]) => before[part] !== next[part]);
  if (changed.length === 0) return 'nothing that clients see';
  return `changed: ${changed.map(([, name]) => name).join(', ')}`;
}

/** Parts that clients see, and how people call them. */
const shownParts = [
  ['members', 'members'],
  ['properties', 'properties'],
  ['constants', 'constants'],
  ['servers', 'servers'],
  ['hostCandidates', 'host candidates'],
] as const;

/** Undefined: there is none. */
function resultStateOf({ servers }: Session): Json | undefined {
  return servers['arbitration']?.properties.system['resultState'];
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
