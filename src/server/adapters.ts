/** The adapters of a node: the listeners for requests and sockets, and their routes. */

import { randomBytes } from 'node:crypto';
import type { Administration } from '../admin/administration.ts';
import { openNonces } from '../auth/nonces.ts';
import type { LoginPolicy } from '../auth/login-policy.ts';
import { describeAuthenticator } from '../auth/open-authenticator.ts';
import { refusingAuthenticator } from '../auth/refusing-authenticator.ts';
import { tokenKeyOf } from '../auth/token.ts';
import { probeStore } from '../directory/probe-store.ts';
import type { Xuid } from '../domain/ids.ts';
import { historyRoutes } from '../history/history-routes.ts';
import type { Refusal } from '../domain/refusal.ts';
import { type App, buildApp } from '../http/app.ts';
import { openHosts } from '../http/hosts.ts';
import { openOrigins } from '../http/origins.ts';
import { openReadiness, type Readiness } from '../http/readiness.ts';
import type { Route } from '../http/route.ts';
import { routes } from '../http/routes.ts';
import { absentLoginRoutes } from '../http/routes/absent.ts';
import { apiDescriptionRoutes } from '../http/routes/api-description.ts';
import { healthRoutes } from '../http/routes/health.ts';
import { matchmakingRoutes } from '../http/routes/matchmaking.ts';
import { rtaRoutes } from '../http/routes/rta.ts';
import { signInRoutes } from '../http/routes/sign-in.ts';
import { tokenChainRoutes } from '../http/routes/token-chain.ts';
import { Matchmaker } from '../matchmaking/matchmaker.ts';
import { keyFor } from '../platform/key.ts';
import { Hub } from '../rta/hub.ts';
import { openSocketServer } from '../rta/socket-server.ts';
import { StoreUnavailable } from '../store/store.ts';
import { openAdministration, type Operation } from './administration.ts';
import { adminOf, callersOf, openCallers, originsOf } from './callers.ts';
import type { Control } from './control.ts';
import type { NodeCore } from './core.ts';
import { hasGateway } from './gateway.ts';
import { openInspectorOf } from './inspector.ts';
import type { ServerSettings } from './options.ts';
import type { NodeLimits } from './rate-limits.ts';

/** What adapters need of the node that they are made for. */
type OfNode = Pick<Operation, 'reload'> & {
  /** For the control API. */
  readonly sweep: () => Promise<void>;
  /** Once the node listens: its address without a slash at the end. */
  readonly ownUrl: () => string;
};

export type Adapters = {
  readonly hub: Hub;
  readonly app: App;
  readonly readiness: Readiness;
  readonly matchmaker: Matchmaker;
  /** Undefined: requests are not counted. */
  readonly limits: NodeLimits | undefined;
  readonly administration: Administration;
  /** Undefined: there is none. */
  readonly inspector: Disposable | undefined;
  /** How callers are authenticated and where the inspector is, for the operator: a line each. */
  readonly notices: readonly string[];
};

/**
 * The adapters of a node, which do not listen yet.
 *
 * Throws CannotStart when the keys of callers, or the sign-in of their issuer, cannot be used.
 */
export async function openAdapters(
  core: NodeCore,
  settings: ServerSettings,
  { sweep, reload, ownUrl }: OfNode,
): Promise<Adapters> {
  const { storage, context, connections, conditions, lease, secret } = core;
  const { isShared } = storage;
  const { store } = context;
  const control = await openControlOf(core);
  const callers = callersOf(settings);
  const { authenticator: known, login } = await openCallers(callers, core);
  const admin = adminOf(settings, known);
  // Nobody calls before there is an administration.
  const refusalOf = (xuid: Xuid): Refusal | undefined => administration.refusalOf(xuid);
  const authenticator = refusingAuthenticator(known, refusalOf);
  const limits = await openLimitsOf(core, settings);
  const requestLimits = limits?.requestLimits;
  const hub = new Hub(context, connections, settings, {
    silenceClock: storage.clock,
    ...(control && { aroundTaps: control.aroundTaps }),
    learn: authenticator.learn,
    mayConnect: refusalOf,
    isTooMany:
      requestLimits && ((xuid) => requestLimits.isFrameTooMany(xuid, context.clock.nowMs())),
  });
  const readiness = openReadiness(() => probeStore({ store }), conditions);
  const { administration, routes: adminRoutes } = await openAdministration(core, hub, {
    reload,
    setDrained: (isDrained) => readiness.setDrained(isDrained),
  });
  // Where no other process knows which nonces were used, those of a former process are invalid.
  const nonceKey = isShared ? keyFor('nonces', secret) : randomBytes(32);
  const nonces = openNonces(nonceKey, (...asked) => store.acquireOnce(...asked));
  const matchmaker = new Matchmaker(context, isShared);
  const metrics = await openMetricsOf(core, readiness, settings);
  const controlRoutes = control?.routes(hub, sweep) ?? [];
  const inspector = openInspectorOf(core, settings, {
    controlRoutes,
    ownUrl,
    hasAdministrators: admin !== undefined,
    async forgetRecords() {
      matchmaker.forgetTickets();
      await administration.readBans();
    },
    bans: () => administration.bans(),
  });
  const answered: readonly Route[] = [
    ...routes,
    ...matchmakingRoutes(matchmaker),
    ...rtaRoutes(nonces),
    ...healthRoutes(readiness),
    ...metrics,
    ...(login ? tokenChainRoutes({ key: tokenKeyOf(secret), policy: login }) : []),
    ...(await signInRoutesOf(login, ownUrl)),
    ...controlRoutes,
    ...adminRoutes,
    ...historyRoutes,
    ...(inspector?.routes ?? []),
  ];
  const described = answered.filter(({ auth }) => auth !== 'admin' || admin !== undefined);
  const app = buildApp({
    routes: [...answered, ...absentLoginOf(login), ...apiDescriptionRoutes(described)],
    sockets: { nonces, ...openSocketServer(hub) },
    authenticator,
    admin,
    context,
    limits: settings,
    requestLimits,
    origins: openOrigins(originsOf(settings)),
    ...(hasGateway(settings) && { hosts: openHosts() }),
    isOutage: (error) => error instanceof StoreUnavailable,
    isFit: () => !isShared || lease.isHeld(),
    ...(control && { answerInstead: control.answerInstead }),
    ...(settings.requestScope && { within: settings.requestScope.run }),
    log: settings.log,
  });
  const notices = [
    ...describeAuthenticator(callers),
    ...(limits === undefined ? [] : [limits.notice]),
    ...(inspector?.notices ?? []),
  ];
  return { hub, app, readiness, matchmaker, limits, administration, inspector, notices };
}

/** Where clients sign in that log in by themselves; none where they cannot. */
async function signInRoutesOf(
  login: LoginPolicy | undefined,
  ownUrl: () => string,
): Promise<readonly Route[]> {
  if (login?.signIn === undefined) return [];
  const { signIn } = login;
  if (signIn === 'own') return signInRoutes({ ownUrl });
  const { issuerSignInRoutes } = await import('../http/routes/issuer-sign-in.ts');
  return issuerSignInRoutes(signIn, login);
}

/** What answers the login of clients where they cannot log in, or cannot sign in. */
function absentLoginOf(login: LoginPolicy | undefined): readonly Route[] {
  if (login === undefined) return absentLoginRoutes('chain');
  return login.signIn === undefined ? absentLoginRoutes('sign-in page') : [];
}

/** The limits of requests, which are loaded only where there are any. */
async function openLimitsOf(
  core: NodeCore,
  settings: ServerSettings,
): Promise<NodeLimits | undefined> {
  const { rateLimits = settings.auth === 'dev' ? 'off' : 'general' } = settings;
  if (rateLimits === 'off') return undefined;
  const { openNodeLimits } = await import('./rate-limits.ts');
  return openNodeLimits(rateLimits, core, settings);
}

/** The route of metrics, which are loaded only where they are asked for. */
async function openMetricsOf(
  core: NodeCore,
  readiness: Readiness,
  settings: ServerSettings,
): Promise<readonly Route[]> {
  if (settings.metrics === 'off') return [];
  const { openMetricsRoutes } = await import('./metrics.ts');
  return openMetricsRoutes(core, readiness, settings);
}

/** The control API, which is loaded only for tests. */
async function openControlOf({ controlled, connections }: NodeCore): Promise<Control | undefined> {
  if (controlled === undefined) return undefined;
  const { openControl } = await import('./control.ts');
  return openControl(controlled, connections);
}
