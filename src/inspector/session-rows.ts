/** Rows of sessions, as lists and events of the inspector show them. */

import { tallyOf, isLarge } from '../domain/session/large.ts';
import type { Xuid } from '../domain/ids.ts';
import { initializationOf } from '../domain/session/episode.ts';
import { restrictionsOf } from '../domain/session/properties.ts';
import { keyOf } from '../domain/session/reference.ts';
import type { Member, MemberStatus, Session } from '../domain/session/session.ts';
import { nextDueMs } from '../domain/session/timeouts.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { SessionName, SessionRow } from './api-types.ts';

/** Members that a row names. */
const peopleMax = 16;

/** The newest gamertag of a user that this process has heard. */
export type GamertagOf = (xuid: Xuid) => string | undefined;

/** The row of a session; `changedMs`: when its last change was seen here, if it was. */
export function viewRow(
  session: Session,
  changedMs: Milliseconds | undefined,
  gamertagOf: GamertagOf,
): SessionRow {
  const { reference, branch, changeNumber, members, constants, properties } = session;
  const { system } = constants;
  const { join, read } = restrictionsOf(session);
  const { stage } = initializationOf(session);
  const dueMs = nextDueMs(session);
  return {
    ...viewName(reference),
    key: keyOf(reference),
    branch,
    changeNumber,
    createdMs: session.startTimeMs,
    ...(changedMs !== undefined && { changedMs }),
    members: { ...countsOf(session), max: system.maxMembersCount },
    people: members.slice(0, peopleMax).map((member) => viewPerson(member, gamertagOf)),
    visibility: system.visibility,
    joinRestriction: join,
    readRestriction: read,
    isClosed: properties.system.closed === true,
    isSearchable: session.searchHandle !== undefined,
    isLarge: isLarge(session),
    ...(session.initialization && { initializationStage: stage }),
    keywords: properties.system.keywords ?? [],
    ...(dueMs !== undefined && { dueMs }),
  };
}

/** The name of a session, in parts. */
export function viewName({ scid, templateName, name }: Session['reference']): SessionName {
  return { scid, template: templateName, name };
}

/** A member, as rows name it: a user has one name, whichever it had when it joined. */
export function viewPerson(
  { xuid, gamertag: former }: Member,
  gamertagOf: GamertagOf,
): SessionRow['people'][number] {
  const gamertag = gamertagOf(xuid) ?? former;
  return { xuid, ...(gamertag !== undefined && { gamertag }) };
}

/** Of a large session, how many are ready or inactive is not known: they count as inactive. */
function countsOf(session: Session): Omit<SessionRow['members'], 'max'> {
  const { count, accepted, active } = tallyOf(session);
  if (isLarge(session)) {
    return {
      total: count,
      active,
      ready: 0,
      reserved: count - accepted,
      inactive: accepted - active,
    };
  }
  const having = (status: MemberStatus): number =>
    session.members.filter((member) => member.status === status).length;
  return {
    total: count,
    active,
    ready: having('ready'),
    reserved: count - accepted,
    inactive: having('inactive'),
  };
}
