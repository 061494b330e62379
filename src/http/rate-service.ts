import type { RateService } from '../domain/rate-limits/rate-limits.ts';
import { createMemo } from '../domain/memo.ts';
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

/** By the host that requests name. */
const knownOf = createMemo<Route, Map<string | undefined, RateService | undefined>>();

/**
 * The service as whose a request is counted, where its body does not say that; undefined: none. `host` is
 * that of the request.
 *
 * @source docs/wire/rate-limits.md "What is counted as what"
 */
export function rateServiceOf(route: Route, host: string | undefined): RateService | undefined {
  const known = knownOf.get(route) ?? knownOf.set(route, new Map());
  const found = known.get(host);
  if (found !== undefined || known.has(host)) return found;
  const service = findService(route, host);
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
