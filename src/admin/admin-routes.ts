import type { Context } from '../directory/context.ts';
import { sessionsOfUser } from '../directory/sessions-of-user.ts';
import { readCurrent } from '../directory/transact.ts';
import type { Ban } from '../domain/ban.ts';
import { renderSession } from '../domain/session/document-text.ts';
import { viewHandle } from '../domain/handle/view.ts';
import { formatJson, type JsonObject } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import { parseSessionReference, type SessionReference } from '../domain/session/reference.ts';
import { sessionGone } from '../domain/session/write.ts';
import { formatTime } from '../domain/time.ts';
import type { Answer, Route, RouteRequest } from '../http/route.ts';
import type { Administration, OperatedConnection, OperatedConnections } from './administration.ts';
import { parseAct, parseBan, parseKick, parsePathXuid, parseSessionList } from './admin-request.ts';
import { countSessions, listSessions, viewSessionRow } from './session-list.ts';

/** What the admin API works on. */
export type AdminTargets = {
  readonly administration: Administration;
  readonly connections: OperatedConnections;
  /** Reads the configuration again; the problems found, if any, leave the former one in place. */
  readonly reload: () => Promise<readonly string[]>;
  /** Whether balancers send this node requests; false from now on. */
  readonly drain: () => void;
};

const sessionPath = '/admin/serviceconfigs/{scid}/sessiontemplates/{templateName}/sessions/{name}';
const userPath = '/admin/users/{xuid}';

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
  connections,
  reload,
  drain,
}: AdminTargets): readonly Route[] {
  const routes: readonly Route[] = [
    adminRoute('GET', '/admin', 'none', async () => ({
      routes: routes.map(({ method, path }) => `${method} ${path}`),
    })),

    adminRoute('GET', '/admin/stats', 'none', async (_request, context) => {
      const { store, node, clock } = context;
      const open = connections.list();
      return {
        node: node.id,
        now: formatTime(clock.nowMs()),
        nodes: (await store.nodes()).map((one) => ({ ...one })),
        connections: open.length,
        connectedUsers: new Set(open.map(({ xuid }) => xuid)).size,
        sessions: await countSessions(context),
        bans: administration.bans().length,
      };
    }),

    adminRoute('GET', '/admin/sessions', 'none', async ({ query }, context) => {
      const asked = parseSessionList(query);
      return asked instanceof Refusal ? asked : listSessions(context, asked);
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
      const counts = new Map<string, number>();
      for (const { xuid } of connections.list()) counts.set(xuid, (counts.get(xuid) ?? 0) + 1);
      return {
        node: context.node.id,
        users: [...counts].map(([xuid, count]) => ({
          xuid,
          ...gamertagOf(context, xuid),
          connections: count,
        })),
      };
    }),

    adminRoute('GET', userPath, 'none', async ({ params }, context) => {
      const xuid = parsePathXuid(params['xuid'] ?? '');
      return xuid instanceof Refusal ? xuid : viewUser(xuid, context);
    }),

    adminRoute('POST', `${userPath}/disconnect`, 'none', async ({ params }) => {
      const xuid = parsePathXuid(params['xuid'] ?? '');
      return xuid instanceof Refusal ? xuid : { endedHere: administration.disconnect(xuid) };
    }),

    adminRoute('PUT', `${userPath}/ban`, 'object', async (request, { clock }) => {
      const xuid = parsePathXuid(request.params['xuid'] ?? '');
      if (xuid instanceof Refusal) return xuid;
      const asked = parseBan(request.body);
      if (asked instanceof Refusal) return asked;
      const { seconds, reason } = asked;
      const untilMs = clock.nowMs() + seconds * 1_000;
      const act = { by: nameOf(request), reason };
      const leftSessions = await administration.ban(xuid, seconds * 1_000, act);
      return { xuid, until: formatTime(untilMs), leftSessions };
    }),

    adminRoute('DELETE', `${userPath}/ban`, 'none', async ({ params }) => {
      const xuid = parsePathXuid(params['xuid'] ?? '');
      if (xuid instanceof Refusal) return xuid;
      return (await administration.unban(xuid))
        ? { status: 204 }
        : new Refusal('personUnknown', `User ${xuid} is not banned.`, { detail: xuid });
    }),

    adminRoute('GET', '/admin/bans', 'none', async () => ({
      bans: administration.bans().map(viewBan),
    })),

    adminRoute('GET', '/admin/connections', 'none', async (_request, { node }) => ({
      node: node.id,
      connections: connections.list().map(viewConnection),
    })),

    adminRoute('DELETE', '/admin/connections/{id}', 'none', async ({ params }) => {
      const isHere = administration.drop((params['id'] ?? '').toLowerCase());
      // Of another node: it has been told.
      return { status: isHere ? 204 : 202 };
    }),

    adminRoute('POST', '/admin/reload', 'none', async () => ({ problems: await reload() })),

    adminRoute('POST', '/admin/drain', 'none', async () => {
      drain();
      return { status: 204 };
    }),
  ];
  return routes;

  async function viewUser(xuid: string, context: Context): Promise<JsonObject> {
    const { store } = context;
    const [found, activities, seen] = await Promise.all([
      sessionsOfUser(context, xuid, sessionsOfUserMax),
      store.activitiesOf([xuid]),
      store.lastSeen([xuid]),
    ]);
    const seenMs = Math.max(
      seen.get(xuid) ?? 0,
      ...context.presence.since(0).flatMap(([one, atMs]) => (one === xuid ? [atMs] : [])),
    );
    const ban = administration.banOf(xuid);
    const here = connections.list().filter((one) => one.xuid === xuid);
    return {
      xuid,
      ...gamertagOf(context, xuid),
      ...(seenMs > 0 && { lastSeen: formatTime(seenMs) }),
      ...(ban && { ban: viewBan(ban) }),
      node: context.node.id,
      connections: here.map(viewConnection),
      sessions: found.map(({ session, member }) => ({
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

function viewBan({ xuid, fromMs, untilMs, by, reason }: Ban): JsonObject {
  return {
    xuid,
    from: formatTime(fromMs),
    until: formatTime(untilMs),
    by,
    ...(reason !== undefined && { reason }),
  };
}

function viewConnection({ id, xuid, subscriptionsCount }: OperatedConnection): JsonObject {
  return { id, xuid, subscriptions: subscriptionsCount };
}
