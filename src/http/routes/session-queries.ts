import {
  querySessions,
  type FoundSession,
  type QueryScope,
} from '../../directory/query-sessions.ts';
import { formatJson } from '../../domain/json.ts';
import {
  dropUnknownOfBatch,
  parseBatchQuery,
  parseSessionQuery,
  viewFoundSession,
} from '../../domain/query/session-query.ts';
import { Refusal } from '../../domain/refusal.ts';
import { knownPart } from '../known-part.ts';
import type { Answer, Route, RouteRequest } from '../route.ts';

/** Queries for sessions, of a service config and of one template of it. @source docs/wire/queries.md "Queries for sessions" */
export const sessionQueryRoutes: readonly Route[] = [
  '/serviceconfigs/{scid}',
  '/serviceconfigs/{scid}/sessiontemplates/{templateName}',
].flatMap((path): readonly Route[] => [
  {
    method: 'GET',
    path: `${path}/sessions`,
    auth: 'mpsd',
    body: 'none',
    async answer({ params, query, caller, contractVersion }, context) {
      const asked = parseSessionQuery(query);
      if (asked instanceof Refusal) return asked;
      const found = await querySessions(context, scopeOf(params), asked, caller);
      return answerFound(found, contractVersion);
    },
  },
  {
    method: 'POST',
    path: `${path}/batch`,
    auth: 'mpsd',
    body: 'object',
    onlyReads: true,
    async answer({ params, query, body, caller, contractVersion }, context) {
      const asked = parseBatchQuery(query, knownPart(context, body, dropUnknownOfBatch));
      if (asked instanceof Refusal) return asked;
      const found = await querySessions(context, scopeOf(params), asked, caller);
      return answerFound(found, contractVersion);
    },
  },
]);

/** No name that is not configured passes `querySessions`, so neither does what is no name. */
function scopeOf({ scid = '', templateName }: RouteRequest['params']): QueryScope {
  return { scid, ...(templateName !== undefined && { templateName }) };
}

function answerFound(
  found: readonly FoundSession[] | Refusal,
  contractVersion: number,
): Answer | Refusal {
  if (found instanceof Refusal) return found;
  const results = found.map(({ session, xuid }) =>
    viewFoundSession(session, contractVersion, xuid),
  );
  return { status: 200, body: formatJson({ results }) };
}
