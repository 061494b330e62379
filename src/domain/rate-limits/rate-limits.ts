import * as v from 'valibot';
import {
  burstWindowMs,
  type CallLimit,
  callLimitOf,
  sustainedWindowMs,
} from '../calls/call-limits.ts';
import { checkShape, exactObject, integer, list, type ShapeProblem } from '../shape.ts';

/** At most so many requests in each window of this length. */
export type RateLimit = { readonly requestsMax: number; readonly periodSeconds: number };

/** What is counted apart, for a user in a title. */
export const rateServices = [
  'sessiondirectory',
  'searchRead',
  'searchWrite',
  'smartmatch',
  'social',
  'peoplehub',
  'privacy',
  'profile',
  'presenceRead',
  'presenceWrite',
  'activity',
  'rta',
] as const;

export type RateService = (typeof rateServices)[number];

/** Which requests are too many. Each list of limits holds at once. */
export type RateLimits = {
  /** Of one user in one title, by service; no limit where a service is absent. */
  readonly services: { readonly [service in RateService]?: readonly RateLimit[] | undefined };
  /** Of one user, in all services. */
  readonly caller: readonly RateLimit[];
  /** Of one address, for all users that call from it together. */
  readonly address: readonly RateLimit[];
};

/** As many in a burst, and as many in the longer window. */
function burstAndSustained({
  burst,
  sustained,
}: Pick<CallLimit, 'burst' | 'sustained'>): readonly RateLimit[] {
  return [
    { requestsMax: burst, periodSeconds: burstWindowMs / 1_000 },
    { requestsMax: sustained, periodSeconds: sustainedWindowMs / 1_000 },
  ];
}

/** The documented limits of a call; none where none is documented. */
function documented(
  service: string,
  verb = 'GET',
  path = '/',
  body?: string,
): readonly RateLimit[] {
  const limit = callLimitOf({ service, verb, path, query: '' }, body);
  return limit === undefined ? [] : burstAndSustained(limit);
}

/**
 * Limits that no game meets which works as it should: far above those of Xbox Live.
 *
 * @source docs/wire/rate-limits.md "General limits"
 */
export const generalRateLimits: RateLimits = {
  services: {},
  caller: burstAndSustained({ burst: 300, sustained: 3_000 }),
  address: burstAndSustained({ burst: 3_000, sustained: 30_000 }),
};

const aSearch = '{"type":"search"}';

/**
 * The documented limits of Xbox Live, and the general ones.
 *
 * @source docs/wire/rate-limits.md "The limits of Xbox Live"
 */
export const xboxRateLimits: RateLimits = {
  ...generalRateLimits,
  services: {
    sessiondirectory: documented('sessiondirectory'),
    searchRead: documented('sessiondirectory', 'POST', '/handles/query', aSearch),
    searchWrite: documented('sessiondirectory', 'POST', '/handles', aSearch),
    smartmatch: documented('smartmatch'),
    social: documented('social'),
    privacy: documented('privacy'),
    profile: documented('profile'),
    presenceRead: documented('userpresence'),
    presenceWrite: documented('userpresence', 'POST'),
  },
};

/** How many limits may hold at once. */
const limitsMax = 4;
const requestsMaxMax = 1_000_000_000;
const periodSecondsMax = 86_400;

const limitsShape = v.pipe(
  list(
    exactObject({ requests: integer(1, requestsMaxMax), seconds: integer(1, periodSecondsMax) }),
    { lengthMax: limitsMax },
    `at most ${limitsMax} limits such as {"requests": 30, "seconds": 15}`,
  ),
  v.transform((limits) =>
    limits.map(
      ({ requests, seconds }): RateLimit => ({ requestsMax: requests, periodSeconds: seconds }),
    ),
  ),
);

const serviceShape = v.optional(limitsShape);

const rateLimitsShape = exactObject({
  services: v.optional(
    exactObject(
      Object.fromEntries(rateServices.map((service) => [service, serviceShape])) as Record<
        RateService,
        typeof serviceShape
      >,
    ),
    {},
  ),
  caller: v.optional(limitsShape, []),
  address: v.optional(limitsShape, []),
});

/** The limits of a file; what it does not name has none. Or every problem of it. */
export function parseRateLimits(
  value: unknown,
): { readonly limits: RateLimits } | { readonly problems: readonly ShapeProblem[] } {
  const checked = checkShape(rateLimitsShape, value);
  return 'problems' in checked ? checked : { limits: checked.value };
}
