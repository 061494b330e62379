import type { RateService } from '../domain/rate-limits/rate-limits.ts';
import { hostOfPath } from './hosts.ts';
import { isReading, type Route } from './route.ts';

const serviceOfHost: Readonly<Record<string, RateService | 'presence'>> = {
  'sessiondirectory.xboxlive.com': 'sessiondirectory',
  'smartmatch.xboxlive.com': 'smartmatch',
  'momatch.xboxlive.com': 'smartmatch',
  'social.xboxlive.com': 'social',
  'peoplehub.xboxlive.com': 'peoplehub',
  'privacy.xboxlive.com': 'privacy',
  'profile.xboxlive.com': 'profile',
  'userpresence.xboxlive.com': 'presence',
  'multiplayeractivity.xboxlive.com': 'activity',
  'rta.xboxlive.com': 'rta',
};

const knownOf = new WeakMap<Route, Map<string | undefined, RateService | undefined>>();

/**
 * The service as whose a request is counted, where its body does not say that; undefined: none. `host` is
 * that of the request.
 *
 * @source docs/wire/rate-limits.md "What is counted as what"
 */
export function rateServiceOf(route: Route, host: string | undefined): RateService | undefined {
  const known = knownOf.get(route) ?? new Map<string | undefined, RateService | undefined>();
  if (known.has(host)) return known.get(host);
  const service = findService(route, host);
  if (known.size === 0) knownOf.set(route, known);
  // Clients choose the host that they name.
  if (known.size < hostsKnownMax) known.set(host, service);
  return service;
}

const hostsKnownMax = 100;

function findService(route: Route, host: string | undefined): RateService | undefined {
  const owner = hostOfPath(route.path, host);
  const service = owner === undefined ? undefined : serviceOfHost[owner];
  if (service !== 'presence') return service;
  return isReading(route) ? 'presenceRead' : 'presenceWrite';
}
