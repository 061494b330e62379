/**
 * The services of Xbox Live by host name, and which routes answer under each. Clients have these names
 * built in.
 *
 * @source docs/wire/README.md "Hosts"
 */

import { Refusal } from '../domain/refusal.ts';

/** One service of Xbox Live. */
export type XboxService = {
  /** What it is for, in a few words. */
  readonly what: string;
  /**
   * Beginnings of the paths of routes that answer under this host, in whole segments, with each
   * parameter written `{}`, and the end of a whole path `$`. None: the service is known and not served.
   */
  readonly paths: readonly string[];
};

/** Every service that is known, by host name. */
export const xboxHosts: Readonly<Record<string, XboxService>> = {
  'sessiondirectory.xboxlive.com': {
    what: 'sessions and handles',
    paths: [
      '/serviceconfigs/{}/sessiontemplates',
      '/serviceconfigs/{}/sessions',
      '/serviceconfigs/{}/batch',
      '/handles',
    ],
  },
  'rta.xboxlive.com': { what: 'notifications', paths: ['/connect', '/nonce'] },
  'notify.xboxlive.com': {
    what: 'endpoints of notifications',
    paths: ['/system/notifications'],
  },
  'social.xboxlive.com': {
    what: 'friends',
    paths: ['/users/{}/people', '/users/{}/summary', '/bulk/users'],
  },
  'privacy.xboxlive.com': {
    what: 'lists of avoided and muted people, permissions',
    paths: [
      '/users/{}/people/avoid',
      '/users/{}/people/never',
      '/users/{}/people/mute',
      '/users/{}/permission',
    ],
  },
  'profile.xboxlive.com': {
    what: 'gamertags',
    paths: ['/users/{}/profile', '/users/{}/settings', '/users/batch/profile'],
  },
  'peoplehub.xboxlive.com': {
    what: 'people with gamertags and presence',
    paths: ['/users/{}/people'],
  },
  'userpresence.xboxlive.com': {
    what: 'who is online',
    paths: [
      '/users/{}/devices',
      '/users/{}/groups',
      '/users/{}/state',
      '/users/batch/$',
      '/users/{}/$',
    ],
  },
  'multiplayeractivity.xboxlive.com': {
    what: 'activities without sessions',
    paths: [
      '/titles/{}/users',
      '/titles/{}/activities',
      '/titles/{}/invites',
      '/titles/{}/recentplayers',
      '/titles/{}/recentplayergroups',
      '/activities',
    ],
  },
  'smartmatch.xboxlive.com': {
    what: 'matchmaking',
    paths: ['/serviceconfigs/{}/hoppers'],
  },
  'momatch.xboxlive.com': { what: 'matchmaking', paths: ['/serviceconfigs/{}/hoppers'] },
  'user.auth.xboxlive.com': { what: 'login of users', paths: ['/user'] },
  'device.auth.xboxlive.com': { what: 'login of devices', paths: ['/device'] },
  'title.auth.xboxlive.com': { what: 'login of titles', paths: ['/title'] },
  'xsts.auth.xboxlive.com': { what: 'tokens for the services', paths: ['/xsts'] },
  'sisu.xboxlive.com': { what: 'the whole login at once', paths: ['/authenticate', '/authorize'] },
  'login.live.com': {
    what: 'sign-in of Microsoft accounts',
    paths: [
      '/oauth20_authorize.srf',
      '/oauth20_connect.srf',
      '/oauth20_remoteconnect.srf',
      '/oauth20_token.srf',
    ],
  },
  'title.mgt.xboxlive.com': {
    what: 'endpoints of titles',
    paths: ['/titles/{}/endpoints', '/titles/default/endpoints'],
  },
  // Not here: their routes say so. @see routes/absent.ts
  'achievements.xboxlive.com': { what: 'achievements', paths: ['/users/{}/achievements'] },
  'userstats.xboxlive.com': { what: 'statistics', paths: ['/users/{}/scids', '/batch'] },
  'leaderboards.xboxlive.com': { what: 'leaderboards', paths: ['/scids/{}/leaderboards'] },
  'notificationinbox.xboxlive.com': { what: 'the inbox', paths: ['/users/{}/inbox'] },
  'reputation.xboxlive.com': {
    what: 'reputation',
    paths: ['/users/{}/feedback', '/users/batchfeedback'],
  },
  'client-strings.xboxlive.com': { what: 'the check of texts', paths: ['/system/strings'] },
  'titlestorage.xboxlive.com': { what: 'title storage', paths: ['/users/{}/storage'] },
  'titlehub.xboxlive.com': { what: 'the history of titles', paths: ['/users/{}/titles'] },
  'clubhub.xboxlive.com': { what: 'clubs', paths: ['/users/{}/clubs'] },
};

/** True of the names that clients of Xbox Live call, with a service behind them or without. */
export function isXboxHost(host: string): boolean {
  const name = nameOf(host);
  return name.endsWith('.xboxlive.com') || Object.hasOwn(xboxHosts, name);
}

/**
 * The service whose route has this path: `host` where that is one of Xbox Live, or else the one with the
 * longest fitting beginning. Undefined: none.
 */
export function hostOfPath(path: string, host: string | undefined): string | undefined {
  const name = host === undefined ? undefined : nameOf(host);
  if (name !== undefined && Object.hasOwn(xboxHosts, name)) return name;
  let longest = 0;
  let found: string | undefined;
  for (const [service, { paths }] of Object.entries(xboxHosts)) {
    for (const beginning of paths) {
      const length = beginning.split('/').length;
      if (length > longest && isBeginning(beginning, path)) {
        longest = length;
        found = service;
      }
    }
  }
  return found;
}

/** The services of one server, by host name. */
export type Hosts = {
  /**
   * Nothing when the route of `path` answers under `host`, or when `host` is not of Xbox Live. `path` is
   * that of the route, undefined where none fits.
   *
   * Refuses: pathUnknown.
   */
  refusalOf(host: string | undefined, path: string | undefined): Refusal | undefined;
};

/** The services of this table. */
export function openHosts(table: typeof xboxHosts = xboxHosts): Hosts {
  const services = new Map(
    Object.entries(table).map(([host, { paths }]) => [
      host,
      { paths, answered: new Map<string, boolean>() },
    ]),
  );
  return {
    refusalOf(host, path) {
      const name = host === undefined ? undefined : nameOf(host);
      if (name === undefined || !(name.endsWith('.xboxlive.com') || services.has(name)))
        return undefined;
      const service = services.get(name);
      if (service === undefined || service.paths.length === 0) {
        return new Refusal(
          'pathUnknown',
          `${name} is not a service of this server; see docs/wire/README.md "Hosts".`,
        );
      }
      if (path === undefined) return undefined;
      const known = service.answered.get(path);
      const isAnswered = known ?? service.paths.some((one) => isBeginning(one, path));
      // As many as there are routes.
      if (known === undefined) service.answered.set(path, isAnswered);
      return isAnswered
        ? undefined
        : new Refusal('pathUnknown', `${name} has no ${path} here; another service has.`);
    },
  };
}

/** The name of a `Host` header, in lower case, without port and last dot. */
function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
}

/** True when the segments of `beginning` are the first of `path`, whatever its parameters are called. */
function isBeginning(beginning: string, path: string): boolean {
  const segments = path
    .toLowerCase()
    .replaceAll(/\{\w+\}/g, '{}')
    .split('/');
  return beginning
    .split('/')
    .every((segment, at) => (segment === '$' ? at === segments.length : segments[at] === segment));
}
