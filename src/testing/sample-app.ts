/**
 * A server of a few small routes, to try the pipeline with.
 */

import { type Authenticator, AuthenticatorUnavailable } from '../auth/authenticator.ts';
import { openPresence } from '../directory/presence.ts';
import { SeenNames } from '../directory/seen-names.ts';
import type { Context } from '../directory/context.ts';
import { formatJson } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import { type App, type AppSettings, buildApp } from '../http/app.ts';
import { openOrigins } from '../http/origins.ts';
import type { Route, RouteRequest } from '../http/route.ts';
import { manualClock } from './manual-clock.ts';
import { testObservers } from './test-observers.ts';
import { ada } from './samples.ts';

/** Thrown by a sample route in place of a store that is away. */
export class SampleOutage extends Error {}

/** The largest body that a sample app reads. */
export const sampleBodyBytesMax = 1_048_576;

/** Headers that pass every check of a session directory path. */
export const goodHeaders = { authorization: 'ada', 'x-xbl-contract-version': '107' } as const;

/** Accepts 'ada', and 'slow ada' after a turn of the event loop; does not know 'unknowable'. */
const sampleAuthenticator: Authenticator = {
  authenticate(authorization) {
    if (authorization === 'ada') return ada;
    if (authorization === 'slow ada') return Promise.resolve(ada);
    if (authorization === 'unknowable') return Promise.reject(new AuthenticatorUnavailable());
    return new Refusal('notAuthenticated', 'Authorization is not that of Ada.');
  },
};

/** Answers the route's input, except the headers. */
async function echo({ params, query, body, caller, contractVersion }: RouteRequest) {
  const parts = { params, query: [...query], body, caller: caller?.kind ?? null, contractVersion };
  return { status: 200, body: formatJson(parts) };
}

/** `GET`, `PUT` and `DELETE /rooms/{room}/seats/{Seat}`, and others whose paths look alike. */
export const sampleRoutes: readonly Route[] = [
  sampleRoute('GET', '/rooms/{room}/Seats/{Seat}'),
  sampleRoute('PUT', '/rooms/{room}/Seats/{Seat}', { body: 'object' }),
  sampleRoute('DELETE', '/rooms/{room}/Seats/{Seat}', { answer: async () => ({ status: 204 }) }),
  sampleRoute('GET', '/rooms/{room}/Seats/mine'),
  sampleRoute('GET', '/rooms/all/doors'),
  sampleRoute('POST', '/people/{owner}', { auth: 'token', body: 'object' }),
  sampleRoute('POST', '/open', { auth: 'none', body: 'object' }),
  sampleRoute('GET', '/', { auth: 'none' }),
];

/** A route that echoes, with the checks of the session directory unless `more` says otherwise. */
export function sampleRoute(
  method: Route['method'],
  path: string,
  more: Partial<Route> = {},
): Route {
  return { method, path, auth: 'mpsd', body: 'none', answer: echo, ...more };
}

export const sampleLimits: AppSettings['limits'] = {
  bodyBytesMax: sampleBodyBytesMax,
  uploadsBytesMax: 1_048_576,
  unsentBytesMax: 67_108_864,
  sendTimeoutMs: 30_000,
};

/** An app of the sample routes and `more`; what it logs is in `logged`. */
export function sampleApp(
  more: readonly Route[] = [],
  settings: Partial<AppSettings> = {},
): App & { readonly logged: readonly string[] } {
  const logged: string[] = [];
  let guids = 0;
  const app = buildApp({
    routes: [...sampleRoutes, ...more],
    authenticator: sampleAuthenticator,
    // The pipeline uses nothing else of the context.
    context: {
      clock: manualClock(),
      presence: openPresence(0),
      names: new SeenNames(),
      observers: testObservers(),
      ids: { guid: () => `00000000-0000-4000-8000-${String(++guids).padStart(12, '0')}` },
    } as Partial<Context> as Context,
    limits: sampleLimits,
    origins: openOrigins({ allowed: ['loopback'], isGuarded: true, hostNames: [] }),
    isOutage: (error) => error instanceof SampleOutage,
    log: (text) => logged.push(text),
    ...settings,
  });
  return { ...app, logged };
}
