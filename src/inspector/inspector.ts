/**
 * The inspector of a node: what the routes of its API answer. It reads the store and what this process has in
 * memory, and changes nothing.
 */

import type { Context } from '../directory/context.ts';
import type { Ban } from '../domain/ban.ts';
import { historyChangeOf } from '../domain/history/change.ts';
import { momentsOf } from '../domain/history/timeline.ts';
import { isXuid, type Xuid } from '../domain/ids.ts';
import { formatJson, type JsonObject } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import { isLarge } from '../domain/session/large.ts';
import { keyOf, parseSessionReference } from '../domain/session/reference.ts';
import { viewTemplate } from '../domain/session/template.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Answer, RouteRequest } from '../http/route.ts';
import type { MatchMade, ObservedEvent, SessionCommitted } from '../observe/events.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { Handle } from '../domain/handle/handle.ts';
import { StoreUnavailable } from '../store/store.ts';
import type {
  AcceptedRequests,
  ChangeRow,
  ClockState,
  ConnectionRow,
  InspectorInfo,
  MatchRow,
} from './api-types.ts';
import { UserActions } from './act.ts';
import { analyzeActivity, listActivity, readRequest } from './activity-log.ts';
import { LiveStream } from './live-stream.ts';
import {
  parseActivityQuery,
  parseChangeQuery,
  parsePage,
  parseSessionQuery,
  parseText,
} from './query.ts';
import { readAccepted } from './read-accepted.ts';
import { listChanges, readPast, viewChange } from './read-changes.ts';
import { readHopper, readHoppers, readTicketsOf } from './read-hoppers.ts';
import { readUser, readUsers } from './read-users.ts';
import type { RecentEvents } from './recent-events.ts';
import { loadState, parseState, saveState } from './saved-state.ts';
import { LiveSessionList } from './session-list.ts';
import { viewActivity } from './view-activity.ts';
import { viewSessionDetail } from './view-session.ts';

/** What the inspector has from the node. */
export type InspectorPorts = Pick<
  InspectorInfo,
  'store' | 'isShared' | 'auth' | 'access' | 'mayControl' | 'startedMs'
> & {
  readonly context: Context;
  /** Of a request, where its route has no limit of its own. */
  readonly bodyBytesMax: number;
  /** Of this server. */
  readonly readVersion: () => Promise<string>;
  /** Time that tests of games do not move. */
  readonly clock: Pick<Clock, 'elapsedMs' | 'after'>;
  /** Where this server answers, without a slash at the end. */
  readonly ownUrl: () => string;
  /** Sets the clock of the context, where tests may. */
  readonly moveClock: (toMs: Milliseconds) => void;
  /** Makes matchmaking and bans of this node read their records again. */
  readonly forgetRecords: () => Promise<void>;
  /** The clock of the context stands still. */
  readonly isFrozen: () => boolean;
  /** What was observed lately, since when. It is kept from the first call on, at the latest. */
  readonly recent: () => { readonly recent: RecentEvents; readonly sinceMs: Milliseconds };
  /** The bans that are not over. */
  readonly bans: () => readonly Ban[];
  /** The RTA connections of this node. */
  readonly connections: () => readonly ConnectionRow[];
};

type Params = RouteRequest['params'];
type Reply = Promise<Answer | Refusal>;

/** Members of a large session that are shown. */
const largeMembersMax = 500;

/** Matches that are remembered. */
const matchesMax = 100;

/** How often a shared store is looked at while somebody watches. */
const lookEveryMs: Milliseconds = 2_100;

export type Inspector = ReturnType<typeof openInspector>;

export function openInspector(ports: InspectorPorts) {
  const { context } = ports;
  const { store, clock } = context;
  const sessions = new LiveSessionList(context, ports.isShared, ports.clock.elapsedMs);
  const stream = new LiveStream({
    after: (delayMs, task) => ports.clock.after(delayMs, task),
    onFlush: () => sessions.touch(),
  });
  const users = { context, sessions, connections: ports.connections, bans: ports.bans };

  const { recent, sinceMs } = ports.recent();
  const gamertagOf = (xuid: Xuid): string | undefined => context.names.of(xuid);
  const log = { recent, sinceMs, gamertagOf };
  const matches: MatchRow[] = [];
  const acting = new UserActions(ports.ownUrl);

  const observing = context.observers.add((event) => {
    if (event.kind === 'committed') sessions.note(event.change);
    if (event.kind === 'match') noteMatch(event);
    const { clientsCount } = stream;
    if (clientsCount === 0) return;
    const number = recent.lastNumber;
    const [last] = recent.all().slice(-1);
    if (last !== undefined && last.event === event) {
      stream.push({ kind: 'activity', row: viewActivity(last, gamertagOf) }, `row ${number}`);
    }
    pushOf(event);
  });

  function noteMatch({ atMs, hopper, ticketIds, playersCount, target }: MatchMade): void {
    matches.unshift({ atMs, hopper, tickets: ticketIds, playersCount, key: target });
    matches.length = Math.min(matches.length, matchesMax);
  }

  /** Sends what lists show differently after this event. */
  function pushOf(event: ObservedEvent): void {
    switch (event.kind) {
      case 'committed': {
        const { key, change: made } = event;
        const change = changeOf(event);
        const { next } = made;
        stream.push(
          next === undefined
            ? { kind: 'sessionGone', key, ...change }
            : { kind: 'session', row: sessions.rowOf(next), ...change },
          `session ${key}`,
        );
        return;
      }
      case 'connectionOpened':
      case 'subscription': {
        const id = event.connection;
        const row = ports.connections().find((one) => one.id === id);
        if (row) stream.push({ kind: 'connection', row }, `connection ${id}`);
        return;
      }
      case 'connectionClosed': {
        const { connection: id, xuid } = event;
        stream.push({ kind: 'connectionGone', id, xuid }, `connection ${id}`);
        return;
      }
      case 'ticket':
      case 'match':
        stream.push({ kind: 'hopper', name: event.hopper }, `hopper ${event.hopper}`);
        return;
      case 'clockMoved':
        // It is observed before the clock shows that time.
        stream.push({ kind: 'clock', clock: { ...viewClock(), nowMs: event.toMs } }, 'clock');
        return;
      case 'clockFrozen':
        stream.push({ kind: 'clock', clock: viewClock() }, 'clock');
        return;
      default:
    }
  }

  /** While somebody watches, looks for what other nodes have changed. */
  let looking: Timer | undefined;
  function lookAgain(): void {
    looking ??= ports.clock.after(lookEveryMs, () => {
      looking = undefined;
      if (stream.clientsCount === 0) return;
      sessions.differences().then(
        ({ rows, gone }) => {
          for (const row of rows) stream.push({ kind: 'session', row }, `session ${row.key}`);
          for (const key of gone) stream.push({ kind: 'sessionGone', key }, `session ${key}`);
          lookAgain();
        },
        // The next look may find the store again; lists say that it is away.
        () => lookAgain(),
      );
    });
  }

  /** The row of a change that was just made. */
  function changeOf({
    change: made,
    cause,
    atMs,
    revision,
  }: SessionCommitted): { readonly change: ChangeRow } | undefined {
    const session = made.next ?? made.before;
    if (session === undefined) return undefined;
    const change = historyChangeOf(made, cause, made.before === undefined ? 0 : revision - 1);
    const [moment] = momentsOf(made.next, [{ revision, atMs, change }]);
    return moment && { change: viewChange(context, session.branch, moment, false) };
  }

  function viewClock(): ClockState {
    return { nowMs: clock.nowMs(), isFrozen: ports.isFrozen() };
  }

  async function viewInfo(): Promise<InspectorInfo> {
    const { store: storeKind, isShared, auth, access, mayControl } = ports;
    return {
      apiVersion: 1,
      serverVersion: await ports.readVersion(),
      nodeId: context.node.id,
      store: storeKind,
      isShared,
      auth,
      access,
      mayControl,
      mayAct: mayControl && auth === 'dev',
      hasHistory: context.settings.history.changesMax > 0,
      startedMs: ports.startedMs,
      clock: viewClock(),
      counts: {
        sessions: await sessions.count(),
        connections: ports.connections().length,
        requests: recent.all().length,
      },
      serviceConfigs: [...context.catalog().values()].map((config) => ({
        scid: config.scid,
        titleIds: config.titles.map(({ titleId }) => titleId),
        templates: [...config.sessionTemplates.values()].map((template) => ({
          name: template.name,
          constants: viewTemplate(template, 107)['constants'] as JsonObject,
        })),
        hoppers: [...(config.hoppers?.values() ?? [])].map(({ name }) => name),
      })),
    };
  }

  return {
    async info(): Reply {
      return answerJson(await viewInfo());
    },

    async sessions(query: URLSearchParams): Reply {
      const asked = parseSessionQuery(query);
      return asked instanceof Refusal ? asked : answerJson(await sessions.query(asked));
    },

    async session({ scid = '', template = '', name = '' }: Params): Reply {
      const reference = parseSessionReference({ scid, templateName: template, name });
      if (reference instanceof Refusal) return reference;
      const key = keyOf(reference);
      const record = await store.session(key);
      if (record === undefined) {
        return new Refusal('pathUnknown', `There is no session ${key} now.`);
      }
      const { session } = record;
      const largeMembers = isLarge(session) ? await store.memberRows(key, largeMembersMax) : [];
      const handles = await store.handlesFor(key);
      const own: readonly Handle[] = session.searchHandle ? [session.searchHandle] : [];
      const connections = new Map(ports.connections().map((one) => [one.id, one]));
      return answerJson(
        viewSessionDetail(session, {
          row: sessions.rowOf(session),
          nowMs: clock.nowMs(),
          handles: [...own, ...handles],
          nodeId: context.node.id,
          gamertagOf,
          connectionOf: (id) => connections.get(id),
          largeMembers,
          hasAllMembers: largeMembers.length < largeMembersMax,
        }),
      );
    },

    async changes({ scid = '', template = '', name = '' }: Params, query: URLSearchParams): Reply {
      const reference = parseSessionReference({ scid, templateName: template, name });
      if (reference instanceof Refusal) return reference;
      const asked = parseChangeQuery(query);
      if (asked instanceof Refusal) return asked;
      return answerJson(await listChanges(context, keyOf(reference), asked));
    },

    async past(params: Params): Reply {
      const { scid = '', template = '', name = '', branch = '', changeNumber = '' } = params;
      const reference = parseSessionReference({ scid, templateName: template, name });
      if (reference instanceof Refusal) return reference;
      const past = await readPast(
        context,
        keyOf(reference),
        branch.toLowerCase(),
        Number(changeNumber),
      );
      return past instanceof Refusal ? past : answerJson(past);
    },

    async users(query: URLSearchParams): Reply {
      const page = parsePage(query);
      if (page instanceof Refusal) return page;
      return answerJson(await readUsers(users, { ...page, text: parseText(query) }));
    },

    async user({ xuid = '' }: Params): Reply {
      const asked = parseXuid(xuid);
      if (asked instanceof Refusal) return asked;
      return answerJson(await readUser(users, asked, await readTicketsOf(context, asked)));
    },

    async requests(query: URLSearchParams): Reply {
      const asked = parseActivityQuery(query);
      return asked instanceof Refusal ? asked : answerJson(listActivity(log, asked));
    },

    async request({ id = '' }: Params): Reply {
      const found = readRequest(log, id.toLowerCase());
      if (found === undefined) {
        return new Refusal(
          'pathUnknown',
          `The request ${id} is not in the log of this node, or no longer.`,
        );
      }
      let accepted: AcceptedRequests | undefined;
      try {
        accepted = await readAccepted(ports, found.event);
      } catch (error) {
        // What is kept here can be read without the store.
        if (!(error instanceof StoreUnavailable)) throw error;
      }
      return answerJson({ ...found.detail, ...(accepted && { accepted }) });
    },

    async analysis(): Reply {
      return answerJson(analyzeActivity(log));
    },

    async act(body: JsonObject): Reply {
      const answer = await acting.act(body);
      return answer instanceof Refusal ? answer : answerJson(answer);
    },

    async connect(body: JsonObject): Reply {
      const connection = await acting.connect(body);
      return connection instanceof Refusal ? connection : answerJson(connection);
    },

    async disconnect({ id = '' }: Params): Reply {
      if (await acting.disconnect(id)) return { status: 204 };
      return new Refusal('connectionUnknown', `The inspector holds no connection ${id}.`);
    },

    async state(): Reply {
      const state = await saveState(context);
      if (state instanceof Refusal) return state;
      return {
        status: 200,
        headers: { 'Content-Disposition': 'attachment; filename="openmpsd-state.json"' },
        body: `${JSON.stringify(state, undefined, 2)}\n`,
      };
    },

    async loadState({ text }: JsonObject): Reply {
      const state = parseState(String(text), context.settings.unknownMembers);
      if (state instanceof Refusal) return state;
      const loaded = await loadState(context, state, ports);
      return loaded instanceof Refusal ? loaded : answerJson(loaded);
    },

    async hoppers(): Reply {
      return answerJson(await readHoppers(context));
    },

    async hopper({ scid = '', name = '' }: Params): Reply {
      const found = await readHopper(
        context,
        scid,
        name,
        matches.filter(({ hopper }) => hopper.toLowerCase() === name.toLowerCase()),
      );
      return found === undefined
        ? new Refusal('hopperUnknown', `No service config has the hopper "${name}".`)
        : answerJson(found);
    },

    async stream(): Reply {
      if (ports.isShared) lookAgain();
      const hello = {
        kind: 'hello',
        info: await viewInfo(),
        lastNumber: recent.lastNumber,
      } as const;
      return {
        status: 200,
        contentType: 'text/event-stream',
        // Proxies would hold events back.
        headers: { 'X-Accel-Buffering': 'no' },
        stream: (outgoing) => stream.open(outgoing, hello),
      };
    },

    [Symbol.dispose]() {
      observing[Symbol.dispose]();
      acting[Symbol.dispose]();
      looking?.cancel();
      stream[Symbol.dispose]();
    },
  };
}

/** Refuses: requestInvalid. */
function parseXuid(text: string): Xuid | Refusal {
  if (isXuid(text)) return text;
  return new Refusal('requestInvalid', 'Expected a xuid in the path: decimal digits.', {
    detail: 'path',
  });
}

function answerJson(body: object): Answer {
  return { status: 200, body: formatJson(body as JsonObject) };
}
