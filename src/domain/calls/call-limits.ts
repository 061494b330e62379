/**
 * How often one user in one title may call each service.
 *
 * @source docs/captures.md "Documented limits"
 */

/** Counts of calls of one user in one title. */
export type CallLimit = {
  readonly name: string;
  /** In 15 seconds. */
  readonly burst: number;
  /** In 300 seconds. */
  readonly sustained: number;
  /** In 300 seconds; a title that calls more often fails certification. */
  readonly certified: number;
};

export const burstWindowMs = 15_000;
export const sustainedWindowMs = 300_000;

/** What a limit is found by. */
export type LimitedCall = {
  /** The host without `.xboxlive.com`. */
  readonly service: string;
  readonly verb: string;
  readonly path: string;
  readonly query: string;
};

const sessionDirectory = limit('session directory', 30, 300, 3000);
const searchReads = limit('search handles, read', 1, 20, 20);
const searchWrites = limit('search handles, written', 1, 20, 20);
const matchmaking = limit('matchmaking', 10, 100, 1000);
const presenceReads = limit('presence, read', 30, 100, 100);
const presenceWrites = limit('presence, written', 3, 30, 30);

const limitsOfServices: ReadonlyMap<string, CallLimit> = new Map([
  ['smartmatch', matchmaking],
  ['momatch', matchmaking],
  ['social', limit('social', 10, 30, 300)],
  ['privacy', limit('privacy', 10, 30, 300)],
  ['profile', limit('profile', 10, 30, 300)],
  ['clubhub', limit('clubs', 10, 30, 300)],
  ['userstats', limit('statistics, read', 100, 300, 3000)],
  ['statsread', limit('statistics, read', 100, 300, 3000)],
  ['statswrite', limit('statistics, written', 10, 10, 300)],
  ['leaderboards', limit('leaderboards', 30, 100, 1000)],
  ['achievements', limit('achievements', 100, 300, 3000)],
  ['userposts', limit('user posts', 100, 300, 3000)],
  ['collections', limit('collections', 100, 100, 300)],
  ['inventory', limit('collections', 100, 100, 300)],
]);

/** The documented limit that counts `call`; undefined where none is documented. */
export function callLimitOf(
  { service, verb, path, query }: LimitedCall,
  body?: string,
): CallLimit | undefined {
  if (service === 'sessiondirectory') {
    if (verb !== 'POST') return sessionDirectory;
    const lower = path.toLowerCase().replace(/\/$/, '');
    if (lower === '/handles/query' && isSearchRead(query, body)) return searchReads;
    if (lower === '/handles' && isSearch(body)) return searchWrites;
    return sessionDirectory;
  }
  if (service === 'userpresence') {
    const isRead = verb === 'GET' || path.toLowerCase().replace(/\/$/, '') === '/users/batch';
    return isRead ? presenceReads : presenceWrites;
  }
  return limitsOfServices.get(service);
}

/** By the body where there is one; else by what only searches ask to be included. */
function isSearchRead(query: string, body: string | undefined): boolean {
  if (body !== undefined && body !== '') return isSearch(body);
  return /(?:^|[&,=]|%2c)customproperties(?:$|[&,]|%2c)/i.test(query) && /roleinfo/i.test(query);
}

/** True of the text of an object whose own `type` may be `search`. */
function isSearch(body: string | undefined): boolean {
  return body !== undefined && /"type"\s*:\s*"search"/i.test(body);
}

function limit(name: string, burst: number, sustained: number, certified: number): CallLimit {
  return { name, burst, sustained, certified };
}
