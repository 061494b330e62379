/**
 * The history of sessions under the paths that the Session History Viewer asks, for administrators.
 *
 * @source docs/wire/history.md "Requests"
 */

import { formatJson, type JsonObject } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import { formatSession } from '../domain/session/document-text.ts';
import {
  keyOf,
  keyPrefixOf,
  parseSessionReference,
  type SessionReference,
} from '../domain/session/reference.ts';
import type { Context } from '../directory/context.ts';
import type { Answer, Route, RouteRequest } from '../http/route.ts';
import { xuidOfGamertag } from '../neighbours/profiles.ts';
import type { HistoryName, StoredBranch } from '../store/store.ts';
import { parseHistoryQuery } from './history-query.ts';
import { readBranches, readMoments, stateAt } from './read-history.ts';
import { viewBranch, viewChanges } from './view-history.ts';

const templatePath = '/serviceconfigs/{scid}/sessiontemplates/{templateName}';
const branchesPath = `${templatePath}/sessions/{name}/branches`;

/** Branches that a query looks at; those before are not found. */
const branchesMax = 1_000;

/** Reads the branches of a session. There is no token: the viewer asks for more while there is one. */
const getBranches: Route = {
  method: 'GET',
  path: branchesPath,
  auth: 'admin',
  body: 'none',
  async answer({ params }, context) {
    const reference = referenceOf(params);
    if (reference instanceof Refusal) return reference;
    const key = keyOf(reference);
    const branches = await readBranches(context, key);
    const rows = await viewBranches(
      context,
      branches.map((branch) => ({ key, branch })),
    );
    return ok({ results: rows.map(({ row }) => row) });
  },
};

const getChanges: Route = {
  method: 'GET',
  path: `${branchesPath}/{branch}/changes`,
  auth: 'admin',
  body: 'none',
  async answer({ params }, context) {
    const reference = referenceOf(params);
    if (reference instanceof Refusal) return reference;
    const moments = await readMoments(context, keyOf(reference), branchOf(params));
    return ok({ results: viewChanges(moments) });
  },
};

/** Reads the document as it was; 204 when it is not known, and of the change that ended the session. */
const getChange: Route = {
  method: 'GET',
  path: `${branchesPath}/{branch}/changes/{changeNumber}`,
  auth: 'admin',
  body: 'none',
  async answer({ params, contractVersion }, context) {
    const reference = referenceOf(params);
    if (reference instanceof Refusal) return reference;
    const { changeNumber = '' } = params;
    if (!/^\d{1,16}$/.test(changeNumber)) {
      const text = `"${changeNumber}" is not the number of a change.`;
      return new Refusal('requestInvalid', text, { detail: 'changeNumber' });
    }
    const moments = await readMoments(context, keyOf(reference), branchOf(params));
    const session = stateAt(moments, Number(changeNumber));
    if (session === undefined) return { status: 204 };
    return { status: 200, body: formatSession(session, contractVersion) };
  },
};

/** Finds sessions by a user or a correlation id. @source docs/wire/history.md "Queries" */
const postQuery: Route = {
  method: 'POST',
  path: `${templatePath}/query`,
  auth: 'admin',
  body: 'object',
  onlyReads: true,
  async answer({ params, query, body }, context) {
    const { scid = '', templateName = '' } = params;
    const asked = parseHistoryQuery(query, body);
    if (asked instanceof Refusal) return asked;
    let name: HistoryName;
    if (asked.by === 'gamertag') {
      const xuid = await xuidOfGamertag(context, asked.value);
      if (xuid instanceof Refusal) return ok({ results: [] });
      name = `xuid:${xuid}`;
    } else name = `${asked.by}:${asked.value}`;
    const prefix = keyPrefixOf(scid, templateName);
    const branches = await context.store.historyBy(name, prefix, branchesMax);
    const found = (await viewBranches(context, branches)).filter(({ times }) =>
      times.some((atMs) => atMs >= asked.startMs && atMs <= asked.endMs),
    );
    const { skip, take } = asked;
    const results = found.slice(skip, skip + take).map(({ row }) => row);
    const isMore = asked.by !== 'correlation' && found.length > skip + take;
    return ok({ ...(isMore && { continuationToken: String(skip + take) }), results });
  },
};

export const historyRoutes: readonly Route[] = [getBranches, getChanges, getChange, postQuery];

type BranchInList = { readonly row: JsonObject; readonly times: readonly number[] };

/** The branches of which changes are kept. */
async function viewBranches(
  context: Context,
  branches: readonly StoredBranch[],
): Promise<readonly BranchInList[]> {
  const rows: BranchInList[] = [];
  for (const { key, branch } of branches) {
    const moments = await readMoments(context, key, branch);
    if (moments.length === 0) continue;
    const row = viewBranch(key, branch, moments);
    rows.push({ row, times: moments.map(({ atMs }) => atMs) });
  }
  return rows;
}

function referenceOf(params: RouteRequest['params']): SessionReference | Refusal {
  const { scid = '', templateName = '', name = '' } = params;
  return parseSessionReference({ scid, templateName, name });
}

function branchOf({ branch = '' }: RouteRequest['params']): string {
  return branch.toLowerCase();
}

function ok(body: JsonObject): Answer {
  return { status: 200, body: formatJson(body) };
}
