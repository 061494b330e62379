/**
 * The routes of the inspector: its page at `/` for browsers, and its API. What answers them is loaded with
 * the first request for it.
 *
 * Pages of other origins are refused: by `Origin` as everywhere, and by `Sec-Fetch-Site`, since a browser
 * sends no `Origin` with what a page loads as a script or an image.
 *
 * See docs/inspector.md.
 */

import { Refusal } from '../domain/refusal.ts';
import type { Answer, Route, RouteRequest } from '../http/route.ts';
import type { Inspector, InspectorPorts } from './inspector.ts';

/** The start of all paths of version 1 of the API. */
const root = '/inspector/api/v1';

type Reply = Promise<Answer | Refusal>;
type Ask = (inspector: Inspector, request: RouteRequest) => Reply;

/** The inspector of a node, which ends its streams when it is disposed of. */
export type InspectorRoutes = Disposable & {
  readonly routes: readonly Route[];
  /** How one comes to it, for the operator. */
  readonly notices: readonly string[];
};

const reads: readonly (readonly [path: string, ask: Ask])[] = [
  ['', (inspector) => inspector.info()],
  ['/sessions', (inspector, { query }) => inspector.sessions(query)],
  ['/sessions/{scid}/{template}/{name}', (inspector, { params }) => inspector.session(params)],
  [
    '/sessions/{scid}/{template}/{name}/changes',
    (inspector, { params, query }) => inspector.changes(params, query),
  ],
  [
    '/sessions/{scid}/{template}/{name}/changes/{branch}/{changeNumber}',
    (inspector, { params }) => inspector.past(params),
  ],
  ['/users', (inspector, { query }) => inspector.users(query)],
  ['/users/{xuid}', (inspector, { params }) => inspector.user(params)],
  ['/requests', (inspector, { query }) => inspector.requests(query)],
  ['/requests/{id}', (inspector, { params }) => inspector.request(params)],
  ['/analysis', (inspector) => inspector.analysis()],
  ['/hoppers', (inspector) => inspector.hoppers()],
  ['/hoppers/{scid}/{name}', (inspector, { params }) => inspector.hopper(params)],
  ['/stream', (inspector) => inspector.stream()],
];

type Change = Pick<Route, 'method' | 'path' | 'body' | 'bodyBytesMax'> & {
  readonly ask: Ask;
  /** True of what only development users can do. */
  readonly isActing: boolean;
};

/** A saved state may hold all sessions of a server. */
const stateBytesMax = 268_435_456;

const changes: readonly Change[] = [
  {
    method: 'POST',
    path: '/act',
    body: 'exact',
    isActing: true,
    ask: (inspector, { body }) => inspector.act(body),
  },
  {
    method: 'POST',
    path: '/act/connections',
    body: 'object',
    isActing: true,
    ask: (inspector, { body }) => inspector.connect(body),
  },
  {
    method: 'DELETE',
    path: '/act/connections/{id}',
    body: 'none',
    isActing: true,
    ask: (inspector, { params }) => inspector.disconnect(params),
  },
  {
    method: 'GET',
    path: '/state',
    body: 'none',
    isActing: false,
    ask: (inspector) => inspector.state(),
  },
  {
    method: 'PUT',
    path: '/state',
    body: 'text',
    bodyBytesMax: stateBytesMax,
    isActing: false,
    ask: (inspector, { body }) => inspector.loadState(body),
  },
];

/** The routes over these ports; `control` are the routes of the control API, if it is served. */
export function inspectorRoutes(
  ports: InspectorPorts,
  control: readonly Route[] = [],
): InspectorRoutes {
  let opening: Promise<Inspector> | undefined;
  let isClosed = false;
  const load = async (): Promise<Inspector> => {
    opening ??= import('./inspector.ts').then(({ openInspector }) => openInspector(ports));
    const inspector = await opening;
    if (isClosed) inspector[Symbol.dispose]();
    return inspector;
  };
  const routes: readonly Route[] = [
    ...pageRoutes,
    ...reads.map(
      ([path, ask]): Route => ({
        method: 'GET',
        path: `${root}${path}`,
        body: 'none',
        ...accessOf(ports),
        async answer(request) {
          return mayAsk(request, ports) ?? ask(await load(), request);
        },
      }),
    ),
    ...changes
      .filter(({ isActing }) => ports.mayControl && (ports.auth === 'dev' || !isActing))
      .map(
        ({ method, path, body, bodyBytesMax, ask }): Route => ({
          method,
          path: `${root}${path}`,
          body,
          ...(bodyBytesMax !== undefined && { bodyBytesMax }),
          ...accessOf(ports),
          async answer(request) {
            return mayAsk(request, ports) ?? ask(await load(), request);
          },
        }),
      ),
    ...control.map((route): Route => controlRoute(route, ports)),
  ];
  const whom = ports.access === 'open' ? '' : ', for holders of the admin token';
  return {
    routes,
    notices: [`In a browser this address shows what goes on${whom}: the inspector.`],
    [Symbol.dispose]() {
      isClosed = true;
      opening?.then((inspector) => inspector[Symbol.dispose]()).catch(() => undefined);
    },
  };
}

/** Open to all of this machine, or to administrators; to pages of other origins never. */
function accessOf({ access }: InspectorPorts): Pick<Route, 'auth' | 'isForPages'> {
  return { auth: access === 'open' ? 'none' : 'admin', isForPages: false };
}

/** A route of the control API under the path of the inspector, for those who may use the inspector. */
function controlRoute(route: Route, ports: InspectorPorts): Route {
  return {
    ...route,
    ...accessOf(ports),
    path: `${root}${route.path}`,
    async answer(request, context) {
      const caller = { kind: 'service', name: 'inspector', sandbox: 'RETAIL' } as const;
      return mayAsk(request, ports) ?? route.answer({ ...request, caller }, context);
    },
  };
}

/** Headers that a proxy adds: who asks may be anybody then, though the proxy is of this machine. */
const headersOfProxies = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'];

/** Refuses: originForbidden, adminRequired. */
function mayAsk(
  { headers }: Pick<RouteRequest, 'headers'>,
  { access }: Pick<InspectorPorts, 'access'>,
): Refusal | undefined {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return new Refusal('originForbidden', 'No page of another origin may call the inspector.', {
      detail: 'Sec-Fetch-Site',
    });
  }
  const proxy = headersOfProxies.find((name) => headers[name] !== undefined);
  if (access === 'token' || proxy === undefined) return undefined;
  return new Refusal(
    'adminRequired',
    'The inspector of a server with --auth dev answers this machine alone, and this request came through a proxy; open it at the address of the server itself.',
    { detail: proxy },
  );
}

const pageRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/',
    isOnlyVerb: true,
    auth: 'none',
    body: 'none',
    async answer({ headers }) {
      if (headers['accept']?.includes('text/html') !== true) {
        return new Refusal(
          'pathUnknown',
          'Nothing is found at /. A browser, which asks for text/html, gets the inspector here.',
        );
      }
      const { readPage } = await import('./page.ts');
      return readPage();
    },
  },
  {
    method: 'GET',
    path: '/assets/{file}',
    isOnlyVerb: true,
    auth: 'none',
    body: 'none',
    isForPages: false,
    async answer({ params: { file = '' } }) {
      const { readAsset } = await import('./page.ts');
      return readAsset(file);
    },
  },
];
