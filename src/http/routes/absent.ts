/**
 * Calls that clients make of Xbox services which are not here. The answer names the service, so that
 * nobody looks for a fault of their own.
 *
 * @source docs/wire/neighbours.md "What is not here"
 */

import { Refusal } from '../../domain/refusal.ts';
import type { Route } from '../route.ts';

/** Beginnings of paths, with the host that they belong to and what it is for. */
const absent: readonly (readonly [path: string, host: string, what: string])[] = [
  ['/users/{user}/achievements', 'achievements.xboxlive.com', 'achievements'],
  ['/users/{user}/scids/{scid}/stats', 'userstats.xboxlive.com', 'statistics'],
  ['/batch', 'userstats.xboxlive.com', 'statistics'],
  ['/scids/{scid}/leaderboards/{name}', 'leaderboards.xboxlive.com', 'leaderboards'],
  ['/users/{user}/inbox', 'notificationinbox.xboxlive.com', 'the inbox'],
  ['/users/{user}/feedback', 'reputation.xboxlive.com', 'reputation'],
  ['/users/batchfeedback', 'reputation.xboxlive.com', 'reputation'],
  ['/system/strings/validate', 'client-strings.xboxlive.com', 'the check of texts'],
  ['/users/{user}/state', 'userpresence.xboxlive.com', 'hiding the presence of a user'],
  ['/users/{user}/groups/{moniker}/broadcasting', 'userpresence.xboxlive.com', 'broadcasts'],
  [
    '/users/{user}/storage/{type}/titlegroups/{group}',
    'titlestorage.xboxlive.com',
    'title storage',
  ],
  ['/users/{user}/titles/titlehistory', 'titlehub.xboxlive.com', 'the history of titles'],
  ['/users/{user}/clubs', 'clubhub.xboxlive.com', 'clubs'],
];

const methods = ['GET', 'PUT', 'POST', 'DELETE'] as const;

export const absentRoutes: readonly Route[] = absent.flatMap(([path, host, what]) =>
  methods.map((method) => ({
    method,
    path,
    auth: 'none' as const,
    body: 'none' as const,
    async answer() {
      return new Refusal(
        'serviceAbsent',
        `This server has no ${host} for ${what}; docs/wire/neighbours.md lists what it has.`,
        { detail: host },
      );
    },
  })),
);
