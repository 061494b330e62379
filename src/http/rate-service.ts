import type { JsonObject } from '../domain/json.ts';
import type { RateService } from '../domain/rate-limits/rate-limits.ts';
import { hostOfPath } from './hosts.ts';
import type { Route } from './route.ts';

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

/** How a request is counted: as one of a service, by its body, or with no service. */
type Counted = RateService | 'byBody' | undefined;

const knownOf = new WeakMap<Route, Map<string | undefined, Counted>>();

/**
 * The service as whose a request is counted; `byBody`: that is only known when the body is. Undefined: no
 * service. `host` is that of the request.
 *
 * @source docs/wire/rate-limits.md "What is counted as what"
 */
export function rateServiceOf(route: Route, host: string | undefined): Counted {
  const known = knownOf.get(route) ?? new Map<string | undefined, Counted>();
  if (known.has(host)) return known.get(host);
  const counted = decide(route, host);
  if (known.size === 0) knownOf.set(route, known);
  // Clients choose the host that they name.
  if (known.size < hostsKnownMax) known.set(host, counted);
  return counted;
}

const hostsKnownMax = 100;

function decide({ method, path }: Route, host: string | undefined): Counted {
  const owner = hostOfPath(path, host);
  const service = owner === undefined ? undefined : serviceOfHost[owner];
  if (service === 'presence') {
    return method === 'GET' || path === '/users/batch' ? 'presenceRead' : 'presenceWrite';
  }
  return service === 'sessiondirectory' && isByBody(method, path) ? 'byBody' : service;
}

function isByBody(method: string, path: string): boolean {
  return method === 'POST' && (path === '/handles' || path === '/handles/query');
}

/** The service of a request to make or to query handles. */
export function rateServiceOfHandles({ path }: Route, body: JsonObject): RateService {
  const { type } = body;
  if (typeof type !== 'string' || type.toLowerCase() !== 'search') return 'sessiondirectory';
  return path === '/handles' ? 'searchWrite' : 'searchRead';
}
