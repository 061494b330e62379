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
