/** The log of the inspector: what was observed lately, as it is asked for. */

import { analyzeCalls } from '../domain/calls/analyze-calls.ts';
import type { Guid } from '../domain/ids.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { RequestEnded } from '../observe/events.ts';
import type { ActivityList, ActivityRow, Analysis, RequestDetail } from './api-types.ts';
import type { ActivityQuery } from './query.ts';
import type { NumberedEvent, RecentEvents } from './recent-events.ts';
import { callOf, viewActivity, viewRequestDetail } from './view-activity.ts';

export type ActivityLogPorts = {
  readonly recent: RecentEvents;
  /** Since when events are kept. */
  readonly sinceMs: Milliseconds;
  readonly gamertagOf: (xuid: string) => string | undefined;
};

/** The newest rows that are asked for, in their order. */
export function listActivity(
  { recent, sinceMs, gamertagOf }: ActivityLogPorts,
  query: ActivityQuery,
): ActivityList {
  const rows: ActivityRow[] = [];
  for (const numbered of recent.all().toReversed()) {
    if (numbered.number <= query.after || rows.length >= query.take) break;
    const row = viewActivity(numbered, gamertagOf);
    if (isAskedFor(row, query)) rows.push(row);
  }
  return { rows: rows.reverse(), lastNumber: recent.lastNumber, sinceMs };
}

function isAskedFor(row: ActivityRow, { isRefused, text, xuid, key }: ActivityQuery): boolean {
  if (isRefused && !(row.kind === 'request' && row.status >= 400)) return false;
  if (xuid !== undefined && row.caller?.xuid !== xuid) return false;
  if (key !== undefined && row.key !== key) return false;
  return text === undefined || wordsOf(row).toLowerCase().includes(text);
}

function wordsOf(row: ActivityRow): string {
  const { xuid = '', gamertag = '', service = '' } = row.caller ?? {};
  const words =
    row.kind === 'request'
      ? [
          row.method,
          row.target,
          row.status,
          row.refusal?.code ?? '',
          row.refusal?.text ?? '',
          row.id,
        ]
      : [row.what, row.text, row.connectionId];
  return [xuid, gamertag, service, ...words].join(' ');
}

/** The request of this correlation id, as it was observed and whole; undefined when it is no longer kept. */
export function readRequest(
  { recent }: ActivityLogPorts,
  id: Guid,
): { readonly event: RequestEnded; readonly detail: RequestDetail } | undefined {
  const found = recent.all().findLast(({ event }) => event.kind === 'request' && event.id === id);
  if (found?.event.kind !== 'request') return undefined;
  return { event: found.event, detail: viewRequestDetail(found.number, found.event) };
}

/** What certification would say of the requests that are kept. */
export function analyzeActivity({ recent, sinceMs }: ActivityLogPorts): Analysis {
  const calls = recent.all().flatMap(({ event }: NumberedEvent) => {
    const call = event.kind === 'request' ? callOf(event) : undefined;
    return call === undefined ? [] : [call];
  });
  return { requestsCount: calls.length, sinceMs, ...analyzeCalls(calls) };
}
