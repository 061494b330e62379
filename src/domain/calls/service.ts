/** Where a path is answered, by its beginning; the first that fits. */
const servicesByPath: readonly (readonly [pattern: RegExp, service: string])[] = [
  [/^\/serviceconfigs\/[^/]+\/hoppers(?:\/|$)/, 'smartmatch'],
  [/^\/(?:serviceconfigs|handles)(?:\/|$)/, 'sessiondirectory'],
  [/^\/(?:connect|nonce)\/?$/, 'rta'],
  [/^\/system\/notifications\//, 'notify'],
  [/^\/users\/[^/]+\/(?:people\/(?:avoid|mute|never)|permission)(?:\/|$)/, 'privacy'],
  [/^\/users\/[^/]+\/people\/[^/]+\/decoration\//, 'peoplehub'],
  [/^\/users\/[^/]+\/(?:people|summary)(?:\/|$)|^\/bulk\/users\//, 'social'],
  [/^\/users\/[^/]+\/(?:profile|settings)(?:\/|$)/, 'profile'],
  [/^\/users\/[^/]+\/scids\//, 'userstats'],
  [/^\/users\/[^/]+\/achievements(?:\/|$)/, 'achievements'],
  [/^\/users\/[^/]+(?:\/(?:devices|groups|state)(?:\/.*)?)?\/?$/, 'userpresence'],
  [/^\/titles\/[^/]+\/(?:users|activities|invites|recentplayer)/, 'multiplayeractivity'],
  [/^\/activities\//, 'multiplayeractivity'],
];

/**
 * The service of Xbox Live that a call is for: `sessiondirectory` for `sessiondirectory.xboxlive.com`.
 * Under any other host name it is found by the path; empty when no service has such a path.
 *
 * @source docs/wire/README.md "Hosts"
 */
export function serviceOf(host: string, path: string): string {
  const name = host.toLowerCase().replace(/:\d+$/, '');
  if (name.endsWith('.xboxlive.com')) return name.slice(0, -'.xboxlive.com'.length);
  const lower = path.toLowerCase();
  return servicesByPath.find(([pattern]) => pattern.test(lower))?.[1] ?? '';
}
