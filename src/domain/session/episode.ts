/**
 * Episodes: what is stored of the initialization of members, and to which episode a member belongs.
 * The stages are in initialization.ts.
 *
 * @source docs/wire/sessions.md "Owners", docs/wire/initialization.md "Stages"
 */

import type { Member, Session, Initialization } from './session.ts';

/** How far the initialization has come; before the first episode: none, 0. */
export function initializationOf({ initialization, startTimeMs }: Session): Initialization {
  return initialization ?? { stage: 'none', stageStartTimeMs: startTimeMs, episode: 0 };
}

/**
 * What a new member, or reservation, gets that asks to be initialized: the flag, and its episode.
 * Nothing in sessions without initialization; no episode after the first one failed.
 */
export function initializationOnArrival(
  session: Session,
  initialize: boolean | null | undefined,
): Pick<Member, 'initialize' | 'initializationEpisode'> {
  if (!session.constants.system.memberInitialization || initialize !== true) return {};
  const { stage, episode } = initializationOf(session);
  return {
    initialize: true,
    ...(stage !== 'failed' && { initializationEpisode: episode + 1 }),
  };
}

/** True of a member of a running or coming episode, which keeps its seat. */
export function isInitializing({ initializationEpisode, initializationFailure }: Member): boolean {
  return initializationEpisode !== undefined && initializationFailure === undefined;
}

/** The members of an episode that have not failed. */
export function membersOfEpisode({ members }: Session, episode: number): readonly Member[] {
  return members.filter(
    (member) => member.initializationEpisode === episode && isInitializing(member),
  );
}
