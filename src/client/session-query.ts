import { requireList, requireObject } from './arguments.ts';
import { formatScopePath } from './reference.ts';
import type { SessionReference } from './reference.ts';
import type { Guid, Restriction, TimeText, Visibility, Xuid } from './session-document.ts';
import type { Call } from './transport.ts';

/**
 * Which sessions to find: by a keyword, by who is in them, or by both.
 *
 * @source docs/wire/queries.md "Queries for sessions"
 */
export type SessionQuery = {
  readonly scid: Guid;
  /** Sessions of this template only. */
  readonly templateName?: string;
  /** Whole, in any letter case. */
  readonly keyword?: string;
  /** Sessions in which these users are active. */
  readonly xuids?: readonly Xuid[];
  /** And those in which they are members and not active. */
  readonly includeInactive?: boolean;
  /** And those in which they have a seat reserved: the caller's own, or for game services. */
  readonly includeReservations?: boolean;
  /** And private ones: the caller's own, or for game services. */
  readonly includePrivate?: boolean;
  readonly visibility?: FoundVisibility;
  /** The highest `constants.system.version`. */
  readonly versionMax?: number;
  /** How many to answer: 0 to 100, the default. */
  readonly take?: number;
};

/** An open session without a free seat is full. */
export type FoundVisibility = Visibility | 'full';

/** What a query shows of a session. @source docs/wire/queries.md "Queries for sessions" */
export type FoundSession = {
  /** Who it was found by; absent when the query named no user. */
  readonly xuid?: Xuid;
  /** As what this user is in it. */
  readonly status?: 'active' | 'inactive' | 'reserved';
  readonly startTime: TimeText;
  readonly sessionRef: SessionReference;
  /** Members, reservations not counted. */
  readonly accepted: number;
  readonly visibility: FoundVisibility;
  /** Absent where everybody may join. */
  readonly joinRestriction?: Restriction;
  /** True when it is the turn of this user. */
  readonly myTurn?: boolean;
  readonly keywords?: readonly string[];
};

/** The request that asks this: of several users by a batch. */
export function sessionQueryCall(query: SessionQuery): Call {
  requireObject(query, 'query', '{ scid }');
  requireList(query.xuids ?? [], 'xuids');
  const { scid, templateName, keyword, xuids = [], visibility, versionMax, take } = query;
  const isBatch = xuids.length > 1;
  const asked: readonly (readonly [string, string])[] = Object.entries({
    xuid: isBatch ? undefined : xuids[0],
    keyword,
    visibility,
    version: versionMax,
    private: query.includePrivate || undefined,
    reservations: query.includeReservations || undefined,
    inactive: query.includeInactive || undefined,
    take,
  }).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as const]));
  const parameters = asked.length === 0 ? '' : `?${new URLSearchParams(Object.fromEntries(asked))}`;
  const scope = formatScopePath(scid, templateName);
  return isBatch
    ? { verb: 'POST', path: `${scope}/batch${parameters}`, body: { xuids }, repeat: 'always' }
    : { verb: 'GET', path: `${scope}/sessions${parameters}`, repeat: 'always' };
}
