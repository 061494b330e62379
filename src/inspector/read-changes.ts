/** What changed in a session, and what it was: from its history. */

import type { Context } from '../directory/context.ts';
import type { Moment } from '../domain/history/timeline.ts';
import type { Guid } from '../domain/ids.ts';
import { isJsonObject, type Json, jsonEquals } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import type { SessionKey } from '../domain/session/reference.ts';
import type { Session } from '../domain/session/session.ts';
import { viewSession } from '../domain/session/view.ts';
import { readBranches, readMoments } from '../history/read-history.ts';
import { formatCause, formatMemberEvent } from '../history/view-history.ts';
import type { ChangeList, ChangeRow, DocumentDifference, PastSession } from './api-types.ts';

export type ChangeQuery = {
  /** A branch and a number: changes of it before that one, and older branches. */
  readonly before: { readonly branch: Guid; readonly revision: number } | undefined;
  readonly take: number;
  readonly hasDifferences: boolean;
};

type RequestOfChange = Extract<Moment['cause'], { readonly kind: 'request' }>;

type HistoryContext = Pick<Context, 'store' | 'settings' | 'names'>;

/** The visible changes of a session, of all its lives, the newest first. */
export async function listChanges(
  context: HistoryContext,
  key: SessionKey,
  { before, take, hasDifferences }: ChangeQuery,
): Promise<ChangeList> {
  const branches = await readBranches(context, key);
  const from = before === undefined ? 0 : Math.max(0, branches.indexOf(before.branch));
  const changes: ChangeRow[] = [];
  for (const branch of branches.slice(from)) {
    const moments = (await readMoments(context, key, branch)).filter(isShown);
    for (const moment of moments.toReversed()) {
      if (branch === before?.branch && moment.revision >= before.revision) continue;
      if (changes.length === take) {
        const last = changes.at(-1);
        return { changes, ...(last && { nextBefore: last.cursor }) };
      }
      changes.push(viewChange(context, branch, moment, hasDifferences));
    }
  }
  return { changes };
}

/** The session after a change. Refuses: pathUnknown. */
export async function readPast(
  context: HistoryContext,
  key: SessionKey,
  branch: Guid,
  changeNumber: number,
): Promise<PastSession | Refusal> {
  const moments = (await readMoments(context, key, branch)).filter(isShown);
  // The end has the number of the last document.
  const moment =
    moments.findLast((one) => one.changeNumber === changeNumber && !one.isEnd) ??
    moments.findLast((one) => one.changeNumber === changeNumber);
  if (moment === undefined) {
    return new Refusal('pathUnknown', `The change ${changeNumber} of ${key} is not kept.`);
  }
  const change = viewChange(context, branch, moment, true);
  const { after } = moment;
  return { change, ...(after && { document: viewSession(after, 107) }) };
}

function isShown({ isVisible }: Moment): boolean {
  return isVisible;
}

/** A change as a row of a list. */
export function viewChange(
  { names }: Pick<Context, 'names'>,
  branch: Guid,
  moment: Moment,
  hasDifferences: boolean,
): ChangeRow {
  const { changeNumber, revision, atMs, cause, isBegin, isEnd, changeTypes, members } = moment;
  const request: Partial<RequestOfChange> = cause.kind === 'request' ? cause : {};
  const { id: requestId, xuid, gamertag, service } = request;
  return {
    branch,
    changeNumber,
    cursor: `${branch}.${revision}`,
    atMs,
    kind: isEnd ? 'ended' : isBegin ? 'created' : 'changed',
    cause: {
      kind: cause.kind,
      ...(requestId !== undefined && { requestId }),
      ...(xuid !== undefined && { xuid }),
      ...(gamertag !== undefined && { gamertag }),
      ...(service !== undefined && { service }),
      sentence: formatCause(moment),
    },
    changeTypes,
    members: members.map((event) => {
      const known = names.of(event.xuid);
      return {
        xuid: event.xuid,
        ...(known !== undefined && { gamertag: known }),
        what: formatMemberEvent(event),
      };
    }),
    ...(hasDifferences && { differences: differencesOf(moment.before, moment.after) }),
  };
}

/** Where the documents before and after a change differ, member by member. Arrays count as a whole. */
function differencesOf(
  before: Session | undefined,
  after: Session | undefined,
): readonly DocumentDifference[] {
  const found: DocumentDifference[] = [];
  const compare = (former: Json | undefined, next: Json | undefined, path: string): void => {
    if (former === next) return;
    if (isJsonObject(former) && isJsonObject(next)) {
      const names = new Set([...Object.keys(former), ...Object.keys(next)]);
      for (const name of names) {
        const has = (value: object): boolean => Object.hasOwn(value, name);
        compare(
          has(former) ? former[name] : undefined,
          has(next) ? next[name] : undefined,
          `${path}/${name}`,
        );
      }
    } else if (!jsonEquals(former, next)) {
      found.push({
        path,
        ...(former !== undefined && { before: former }),
        ...(next !== undefined && { after: next }),
      });
    }
  };
  compare(before && viewSession(before, 107), after && viewSession(after, 107), '');
  return found;
}
