/**
 * Calls that clients make of Xbox services which are not here. The answer names the service, so that
 * nobody looks for a fault of their own.
 *
 * @source docs/wire/neighbours.md "What is not here"
 */

import { Refusal } from '../../domain/refusal.ts';
import type { Route } from '../route.ts';

type Method = Route['method'];

/** Calls, with the host that they belong to and what it is for. */
const absent: readonly (readonly [
  methods: readonly Method[],
  path: string,
  host: string,
  what: string,
])[] = [
  [['GET', 'POST'], '/users/{user}/achievements', 'achievements.xboxlive.com', 'achievements'],
  [['GET'], '/users/{user}/scids/{scid}/stats', 'userstats.xboxlive.com', 'statistics'],
  [['POST'], '/batch', 'userstats.xboxlive.com', 'statistics'],
  [['GET'], '/scids/{scid}/leaderboards/{name}', 'leaderboards.xboxlive.com', 'leaderboards'],
  [['GET'], '/users/{user}/inbox', 'notificationinbox.xboxlive.com', 'the inbox'],
  [['POST'], '/users/{user}/feedback', 'reputation.xboxlive.com', 'reputation'],
  [['POST'], '/users/batchfeedback', 'reputation.xboxlive.com', 'reputation'],
  [['POST'], '/system/strings/validate', 'client-strings.xboxlive.com', 'the check of texts'],
  [['PUT'], '/users/{user}/state', 'userpresence.xboxlive.com', 'hiding the presence of a user'],
  [
    ['GET'],
    '/users/{user}/groups/{moniker}/broadcasting',
    'userpresence.xboxlive.com',
    'broadcasts',
  ],
  [
    ['GET', 'PUT', 'DELETE'],
    '/users/{user}/storage/{type}/titlegroups/{group}',
    'titlestorage.xboxlive.com',
    'title storage',
  ],
  [['GET'], '/users/{user}/titles/titlehistory', 'titlehub.xboxlive.com', 'the history of titles'],
  [['GET'], '/users/{user}/clubs', 'clubhub.xboxlive.com', 'clubs'],
];

export const absentRoutes: readonly Route[] = absent.flatMap(([methods, path, host, what]) =>
  methods.map(
    (method): Route => ({
      method,
      path,
      auth: 'none',
      body: 'none',
      async answer() {
        return new Refusal(
          'serviceAbsent',
          `This server has no ${host} for ${what}; docs/wire/neighbours.md lists what it has.`,
          { detail: host },
        );
      },
    }),
  ),
);

const signIn = [
  ['POST', '/authenticate', 'sisu.xboxlive.com'],
  ['GET', '/oauth20_authorize.srf', 'login.live.com'],
  ['POST', '/oauth20_connect.srf', 'login.live.com'],
  ['GET', '/oauth20_remoteconnect.srf', 'login.live.com'],
  ['POST', '/oauth20_token.srf', 'login.live.com'],
] as const;

const chain = [
  ['POST', '/user/authenticate', 'user.auth.xboxlive.com'],
  ['POST', '/device/authenticate', 'device.auth.xboxlive.com'],
  ['POST', '/title/authenticate', 'title.auth.xboxlive.com'],
  ['POST', '/xsts/authorize', 'xsts.auth.xboxlive.com'],
  ['POST', '/authorize', 'sisu.xboxlive.com'],
] as const;

/**
 * The steps of a login that are not served: the sign-in page, or the whole chain. The answer says where
 * tokens come from instead.
 *
 * @source docs/wire/callers.md "The login chain"
 */
export function absentLoginRoutes(missing: 'sign-in page' | 'chain'): readonly Route[] {
  const calls = missing === 'chain' ? [...chain, ...signIn] : signIn;
  const advice =
    missing === 'chain'
      ? 'With --auth signed nobody logs in here: clients send a token that is signed with a key of --auth-keys.'
      : 'Without --oidc-client-id nobody signs in here: a client gets a token of the issuer and sends it to POST /user/authenticate, or to POST /authorize of sisu.';
  return calls.map(([method, path, host]) => ({
    method,
    path,
    auth: 'none',
    body: 'none',
    async answer() {
      return new Refusal('serviceAbsent', `${advice} See docs/login.md.`, { detail: host });
    },
  }));
}
