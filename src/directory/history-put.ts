import type { Cause } from '../domain/cause.ts';
import { historyChangeOf } from '../domain/history/change.ts';
import { formatJson } from '../domain/json.ts';
import type { SessionChange } from '../domain/session/session-change.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { HistoryName, HistoryPut } from '../store/store.ts';
import type { Context } from './context.ts';

/** What the history keeps of a change; undefined where none is kept. */
export function historyPut(
  { settings: { history } }: Pick<Context, 'settings'>,
  change: SessionChange,
  made: {
    readonly cause: Cause;
    readonly atMs: Milliseconds;
    /** Of the record that it was made to; 0: there was none. */
    readonly formerRevision: number;
  },
): HistoryPut | undefined {
  const session = change.next ?? change.before;
  if (history.changesMax === 0 || session === undefined) return undefined;
  const { cause, atMs, formerRevision } = made;
  return {
    ...history,
    branch: session.branch,
    atMs,
    text: formatJson(historyChangeOf(change, cause, formerRevision)),
    addNames: namesOf(change),
  };
}

/** The users who came, and at first the id by which logs name the session. */
function namesOf({ before, next, members }: SessionChange): readonly HistoryName[] {
  const names: HistoryName[] = [];
  if (before === undefined && next !== undefined) {
    names.push(`correlation:${next.correlationId.toLowerCase()}`);
  }
  for (const { former, member } of members) {
    if (former === undefined && member !== undefined) names.push(`xuid:${member.xuid}`);
  }
  return names;
}
