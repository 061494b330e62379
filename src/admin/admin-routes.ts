import type { Context } from '../directory/context.ts';
import { findUserPlaces } from '../directory/find-user.ts';
import { knownNodes } from '../directory/live-nodes.ts';
import { countStored } from '../directory/count-stored.ts';
import { pageOfSessions } from '../directory/session-pages.ts';
import { readCurrent } from '../directory/transact.ts';
import type { AdminAct } from '../directory/admin-acts.ts';
import type { Ban } from '../domain/ban.ts';
import { renderSession } from '../domain/session/document-text.ts';
import { viewHandle } from '../domain/handle/view.ts';
import { isGuid } from '../domain/ids.ts';
import { formatJson, type JsonObject } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import { tallyOf } from '../domain/session/large.ts';
import { parseSessionReference, type SessionReference } from '../domain/session/reference.ts';
import type { Session } from '../domain/session/session.ts';
import { sessionGone } from '../domain/session/write.ts';
import { formatTime } from '../domain/time.ts';
import type { Answer, Route, RouteRequest } from '../http/route.ts';
import type { Administration } from './administration.ts';
import type { SurveyResult } from './survey.ts';
import {
  parseAct,
  parseBan,
  parseFrom,
  parseKick,
  parsePathCaller,
  parsePathXuid,
  parseSessionList,
  type SessionListRequest,
} from './admin-request.ts';

/** What the admin API works on. */
export type AdminTargets = {
  readonly administration: Administration;
  /** Reads the configuration again; the problems found, if any, leave the former one in place. */
  readonly reload: () => Promise<readonly string[]>;
  /** Whether balancers are to send this node no more requests. */
  readonly setDrained: (isDrained: boolean) => void;
};

const sessionPath = '/admin/serviceconfigs/{scid}/sessiontemplates/{templateName}/sessions/{name}';
const userPath = '/admin/users/{xuid}';

/** Parts of the store that are counted for one answer: some seconds. */
const countedPartsMax = 1_000;

/** Acts in one answer. */
const actsMax = 1_000;

/** Sessions of one user that are shown. */
const sessionsOfUserMax = 250;

type AnswerAdmin = (
  request: RouteRequest,
  context: Context,
) => Promise<JsonObject | Answer | Refusal>;

/**
 * The admin API: what an operator asks of a running server, and does to its users.
 *
 * Refuses: adminRequired, sessionGone, notAMember, connectionUnknown, requestInvalid and what reading and
 * writing a session refuses.
 *
 * See docs/admin.md.
 */
export function adminRoutes({
  administration,
  reload,
  setDrained,
}: AdminTargets): readonly Route[] {
  const routes: readonly Route[] = [
    adminRoute('GET', '/admin', 'none', async () => ({
      routes: routes.map(({ method, path }) => `${method} ${path}`),
    })),

    adminRoute('GET', '/admin/stats', 'none', async (_request, context) => {
      const { node, clock } = context;
      const { nodes, silent } = await administration.survey({ what: 'count' });
      const { sessions, joined, reserved, isMore, ...handles } = await countStored(
        context,
        countedPartsMax,
      );
      return {
        node: node.id,
        now: formatTime(clock.nowMs()),
        nodes: (await knownNodes(context)).map((one) => ({ ...one })),
        connections: nodes.reduce((sum, { count }) => sum + count, 0),
        connectionsByNode: Object.fromEntries(nodes.map((one) => [one.node, one.count])),
        ...(silent.length > 0 && { silentNodes: silent }),
        sessions: { count: sessions, isMore },
        members: { joined, reserved },
        handles,
        bans: administration.bans().length,
      };
    }),

    adminRoute('GET', '/admin/sessions', 'none', async ({ query }, context) => {
      const asked = parseSessionList(query);
      if (asked instanceof Refusal) return asked;
      const { limit, cursor: from } = asked;
      const { sessions, cursor } = await pageOfSessions(context, limit, from, selects(asked));
      return { sessions: sessions.map(viewSessionRow), ...(cursor !== undefined && { cursor }) };
    }),

    adminRoute('GET', sessionPath, 'none', async (request, context) => {
      const reference = referenceOf(request);
      if (reference instanceof Refusal) return reference;
      const record = await readCurrent(context, reference, []);
      if (record instanceof Refusal) return record;
      if (record === undefined) return sessionGone(reference);
      return { status: 200, body: renderSession(record.session, 107) };
    }),

    adminRoute('POST', `${sessionPath}/kick`, 'object', async (request) => {
      const reference = referenceOf(request);
      if (reference instanceof Refusal) return reference;
      const asked = parseKick(request.body);
      if (asked instanceof Refusal) return asked;
      const { xuid, reason } = asked;
      const kicked = await administration.kick(reference, xuid, { by: nameOf(request), reason });
      if (kicked instanceof Refusal) return kicked;
      return kicked
        ? { status: 204 }
        : new Refusal('personUnknown', `User ${xuid} is not in the session.`, { detail: xuid });
    }),

    adminRoute('POST', `${sessionPath}/end`, 'object', async (request) => {
      const reference = referenceOf(request);
      if (reference instanceof Refusal) return reference;
      const asked = parseAct(request.body);
      if (asked instanceof Refusal) return asked;
      const ended = await administration.end(reference, { by: nameOf(request), ...asked });
      if (ended instanceof Refusal) return ended;
      return ended ? { status: 204 } : sessionGone(reference);
    }),

    adminRoute('GET', '/admin/users', 'none', async (_request, context) => {
      const { nodes, silent } = await administration.survey({ what: 'list' });
      const counts = new Map<string, number>();
      for (const { xuid } of nodes.flatMap((one) => one.connections)) {
        counts.set(xuid, (counts.get(xuid) ?? 0) + 1);
      }
      return {
        users: [...counts].map(([xuid, count]) => ({
          xuid,
          ...gamertagOf(context, xuid),
          connections: count,
        })),
        ...viewWhole({ nodes, silent }),
      };
    }),

    adminRoute('GET', userPath, 'none', async ({ params }, context) => {
      const xuid = parsePathXuid(params['xuid'] ?? '');
      return xuid instanceof Refusal ? xuid : viewUser(xuid, context);
    }),

    adminRoute('POST', `${userPath}/disconnect`, 'none', async (request) => {
      const xuid = parsePathCaller(request.params['xuid'] ?? '');
      if (xuid instanceof Refusal) return xuid;
      return { endedHere: await administration.disconnect(xuid, { by: nameOf(request) }) };
    }),

    adminRoute('PUT', `${userPath}/ban`, 'object', async (request, { clock }) => {
      const xuid = parsePathCaller(request.params['xuid'] ?? '');
      if (xuid instanceof Refusal) return xuid;
      const asked = parseBan(request.body);
      if (asked instanceof Refusal) return asked;
      const { seconds, reason } = asked;
      const untilMs = clock.nowMs() + seconds * 1_000;
      const act = { by: nameOf(request), reason };
      const leftSessions = await administration.ban(xuid, seconds * 1_000, act);
      return { xuid, until: formatTime(untilMs), leftSessions };
    }),

    adminRoute('DELETE', `${userPath}/ban`, 'none', async (request) => {
      const xuid = parsePathXuid(request.params['xuid'] ?? '');
      if (xuid instanceof Refusal) return xuid;
      return (await administration.unban(xuid, { by: nameOf(request) }))
        ? { status: 204 }
        : new Refusal('personUnknown', `User ${xuid} is not banned.`, { detail: xuid });
    }),

    adminRoute('GET', '/admin/bans', 'none', async () => ({
      bans: administration.bans().map(viewBan),
    })),

    adminRoute('GET', '/admin/acts', 'none', async ({ query }) => {
      const fromMs = parseFrom(query);
      if (fromMs instanceof Refusal) return fromMs;
      return { acts: (await administration.acts(fromMs, actsMax)).map(viewAct) };
    }),

    adminRoute('GET', '/admin/connections', 'none', async () => {
      const result = await administration.survey({ what: 'list' });
      return { connections: viewConnections(result), ...viewWhole(result) };
    }),

    adminRoute('DELETE', '/admin/connections/{id}', 'none', async (request) => {
      const id = (request.params['id'] ?? '').toLowerCase();
      if (!isGuid(id)) return connectionUnknown(id);
      const isHere = await administration.drop(id, { by: nameOf(request) });
      // The connection is on another node, which has the request now.
      return { status: isHere ? 204 : 202 };
    }),

    adminRoute('POST', '/admin/reload', 'none', async (request) => {
      await administration.noteOperation('reload', { by: nameOf(request) });
      return { problems: await reload() };
    }),

    adminRoute('POST', '/admin/drain', 'none', async (request) => {
      await administration.noteOperation('drain', { by: nameOf(request) });
      setDrained(true);
      return { status: 204 };
    }),

    adminRoute('DELETE', '/admin/drain', 'none', async (request) => {
      await administration.noteOperation('undrain', { by: nameOf(request) });
      setDrained(false);
      return { status: 204 };
    }),
  ];
  return routes;

  async function viewUser(xuid: string, context: Context): Promise<JsonObject> {
    const found = await findUserPlaces(context, xuid, sessionsOfUserMax);
    const { sessions, activities, seenMs } = found;
    const ban = administration.banOf(xuid);
    const connected = await administration.survey({ xuid, what: 'list' });
    return {
      xuid,
      ...gamertagOf(context, xuid),
      ...(seenMs !== undefined && { lastSeen: formatTime(seenMs) }),
      ...(ban && { ban: viewBan(ban) }),
      connections: viewConnections(connected),
      ...viewWhole(connected),
      sessions: sessions.map(({ session, member }) => ({
        ...viewSessionRow(session),
        member: {
          index: member.index,
          status: member.status,
          since: formatTime(member.statusSinceMs),
          ...(member.properties.system.connection !== undefined && {
            connection: member.properties.system.connection,
          }),
        },
      })),
      activities: activities.map(viewHandle),
    };
  }
}

function adminRoute(
  method: Route['method'],
  path: string,
  body: Route['body'],
  answer: AnswerAdmin,
): Route {
  return {
    method,
    path,
    auth: 'admin',
    body,
    async answer(request, context) {
      const answered = await answer(request, context);
      if (answered instanceof Refusal || isAnswer(answered)) return answered;
      return { status: 200, body: formatJson(answered) };
    },
  };
}

function isAnswer(answered: JsonObject | Answer): answered is Answer {
  return typeof answered['status'] === 'number';
}

function referenceOf({ params }: RouteRequest): SessionReference | Refusal {
  const { scid = '', templateName = '', name = '' } = params;
  return parseSessionReference({ scid, templateName, name });
}

/** The administrator, for the history. */
function nameOf({ caller }: RouteRequest): string {
  return caller.kind === 'service' ? caller.name : caller.xuid;
}

function gamertagOf({ names }: Context, xuid: string): JsonObject {
  const gamertag = names.of(xuid);
  return gamertag === undefined ? {} : { gamertag };
}

function viewAct({ atMs, untilMs, ...act }: AdminAct): JsonObject {
  return {
    at: formatTime(atMs),
    ...act,
    ...(untilMs !== undefined && { until: formatTime(untilMs) }),
  };
}

function connectionUnknown(id: string): Refusal {
  return new Refusal('connectionUnknown', `"${id.slice(0, 50)}" is no id of a connection.`);
}

function viewBan({ xuid, fromMs, untilMs, by, reason }: Ban): JsonObject {
  return {
    xuid,
    from: formatTime(fromMs),
    until: formatTime(untilMs),
    by,
    ...(reason !== undefined && { reason }),
  };
}

function viewConnections({ nodes }: SurveyResult): readonly JsonObject[] {
  return nodes.flatMap(({ node, connections }) =>
    connections.map(({ id, xuid, subscriptionsCount }) => ({
      id,
      xuid,
      node,
      subscriptions: subscriptionsCount,
    })),
  );
}

/** Says so where something is missing in a list. */
function viewWhole({ nodes, silent }: SurveyResult): JsonObject {
  const isCut = nodes.some(({ count, connections }) => connections.length < count);
  return { ...(silent.length > 0 && { silentNodes: silent }), ...(isCut && { isCut }) };
}

/** Whether a session is one that is asked for. */
function selects({
  scid,
  templateName,
  text,
}: SessionListRequest): (reference: SessionReference) => boolean {
  const isSame = (one: string, asked: string | undefined): boolean =>
    asked === undefined || one.toLowerCase() === asked.toLowerCase();
  return (reference) =>
    isSame(reference.scid, scid) &&
    isSame(reference.templateName, templateName) &&
    (text === undefined || reference.name.toLowerCase().includes(text.toLowerCase()));
}

/** A session in a list. */
function viewSessionRow(session: Session): JsonObject {
  const { reference, changeNumber, properties } = session;
  const { count, accepted, active } = tallyOf(session);
  const { keywords } = properties.system;
  return {
    scid: reference.scid,
    template: reference.templateName,
    name: reference.name,
    changeNumber,
    members: { count, accepted, active },
    ...(keywords && { keywords }),
  };
}
