/** Histories as the Session History Viewer reads them. @source docs/wire/history.md "Answers" */

import type { Departure, MemberEvent, Moment } from '../domain/history/timeline.ts';
import type { Guid } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import { correlationIdOf, parseSessionKey, type SessionKey } from '../domain/session/reference.ts';
import { formatTime } from '../domain/time.ts';

/** 2^53, by which the viewer knows the change that ended a session. */
const endNumber = 9_007_199_254_740_992;

/** A branch in a list: the viewer takes any `expired` for true, so that it is only there if it is. */
export function viewBranch(key: SessionKey, branch: Guid, moments: readonly Moment[]): JsonObject {
  const last = moments.at(-1);
  const known = moments
    .map(({ before, after }) => after ?? before)
    .find((one) => one !== undefined);
  const reference = known?.reference ?? parseSessionKey(key);
  return {
    sessionName: reference.name,
    branch,
    changes: moments.filter(({ isVisible }) => isVisible).length,
    lastModified: formatTime(last?.atMs ?? 0),
    ...(last?.isEnd && { expired: true }),
    activityId: known?.correlationId ?? correlationIdOf(reference),
  };
}

/** The visible changes, the oldest first. */
export function viewChanges(moments: readonly Moment[]): readonly JsonObject[] {
  return moments.filter(({ isVisible }) => isVisible).map(viewChange);
}

function viewChange(moment: Moment): JsonObject {
  const { cause, isEnd, changeNumber, atMs } = moment;
  const isRequest = cause.kind === 'request';
  return {
    changeNumber: isEnd ? endNumber : changeNumber,
    changedBy: isRequest && cause.xuid !== undefined ? [cause.xuid] : [],
    timestamp: formatTime(atMs),
    ...(isRequest && cause.titleId !== undefined && { titleId: cause.titleId }),
    ...(isRequest && cause.service !== undefined && { serviceId: cause.service }),
    ...(isRequest && cause.id !== undefined && { correlationId: cause.id }),
    details: [
      formatCause(moment),
      ...moment.changeTypes.filter((type) => type !== 'everything'),
      ...moment.members.map(formatMemberEvent),
    ],
  };
}

/** What made a change, in a sentence without a full stop. */
export function formatCause(moment: Moment): string {
  const { cause, isBegin, isEnd } = moment;
  const what = isEnd ? 'ended' : isBegin ? 'created' : 'changed';
  switch (cause.kind) {
    case 'request': {
      const who = cause.gamertag ?? cause.xuid ?? cause.service ?? 'somebody';
      if (isActivitySet(moment, cause.xuid)) return `${who} set it as activity`;
      return cause.call === undefined ? `${what} by ${who}` : `${what} by ${who}: ${cause.call}`;
    }
    case 'timer':
      return `${what} by a timeout`;
    case 'disconnect':
      return 'connections of members ended';
    case 'match':
      return `${what} by matchmaking in ${cause.hopper}`;
    case 'admin':
      return `${what} by the operator ${cause.by}${cause.reason === undefined ? '' : `: ${cause.reason}`}`;
  }
}

/** True when the change is a new activity handle of this user. */
function isActivitySet({ before, after }: Moment, xuid: string | undefined): boolean {
  if (before === undefined || after === undefined) return false;
  const [former, next] = [before, after].map(
    ({ members }) => members.find((member) => member.xuid === xuid)?.activityHandleId,
  );
  return next !== undefined && next !== former;
}

/** What a change did to a member, such as `2814… went: timed out`. */
export function formatMemberEvent(event: MemberEvent): string {
  switch (event.what) {
    case 'joined':
      return `${event.xuid} joined`;
    case 'reserved':
      return `a seat is reserved for ${event.xuid}`;
    case 'changed':
      return `${event.xuid} became ${event.status}`;
    case 'went':
      return `${event.xuid} went: ${formatDeparture(event.why)}`;
  }
}

const sentences: Readonly<Record<Exclude<Departure['kind'], 'removed'>, string>> = {
  left: 'left',
  disconnected: 'the connection ended',
  timedOut: 'inactive for too long',
  reservationTimedOut: 'did not come in time',
  initializationFailed: 'initialization failed',
  replaced: 'has another place',
  sessionEnded: 'the session ended',
};

function formatDeparture(why: Departure): string {
  if (why.kind !== 'removed') return sentences[why.kind];
  return `removed by ${why.by}${why.reason === undefined ? '' : ` (${why.reason})`}`;
}
