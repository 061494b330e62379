/**
 * A ticket and a match as they are stored.
 *
 *     searching ──matched──▶ found ──resubmit──▶ searching
 *         ├──time is over──▶ expired
 *         ├──deleted, or its session ended──▶ canceled
 *         └──its session cannot be filled──▶ failed
 *
 * - A match is a record before anything is written to a session, in one step with its tickets. What
 *   follows can be done again at any time, by any node, until the record is gone.
 * - `isPending`: the session does not show this status yet. A ticket that is found is not pending: as
 *   long as its session does not show that, the record of its match is there.
 */

import type { Guid, Xuid } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import type { SessionReference } from '../session/reference.ts';
import type { Milliseconds } from '../time.ts';
import type { MatchPlayer, MatchTicket, PreservedSession } from './ticket.ts';

export type TicketStatus = 'searching' | 'found' | 'expired' | 'canceled' | 'failed';

export type TicketRecord = {
  readonly kind: 'ticket';
  readonly id: Guid;
  readonly scid: Guid;
  readonly hopper: string;
  readonly session: SessionReference;
  /** The life of the session that the ticket is of. */
  readonly branch: Guid;
  readonly createdBy: Xuid;
  readonly sandbox: string;
  readonly giveUpSeconds: number;
  readonly attributes: JsonObject;
  readonly players: readonly MatchPlayer[];
  readonly preserved?: PreservedSession;
  readonly targetConstants?: JsonObject;
  readonly status: TicketStatus;
  /** For the title, in `statusDetails`. */
  readonly details?: string;
  readonly isPending: boolean;
  /** When it began to wait, and when that ends. */
  readonly sinceMs: Milliseconds;
  readonly expiresMs: Milliseconds;
  /** What clients may expect to wait. */
  readonly waitSeconds: number;
  readonly target?: SessionReference;
  /** When it was matched. Absent: it is not found. */
  readonly foundMs?: Milliseconds;
};

export type MatchRecord = {
  readonly kind: 'match';
  readonly id: Guid;
  readonly scid: Guid;
  readonly hopper: string;
  readonly target: SessionReference;
  /** The session is that of the first ticket, and kept. */
  readonly isPreserved: boolean;
  readonly sandbox: string;
  readonly ticketIds: readonly Guid[];
  /** By xuid. */
  readonly teams?: Readonly<Record<Xuid, string>>;
  readonly servers: readonly string[];
};

/** What the service knows of a hopper from its own past. */
export type StatisticsRecord = {
  readonly kind: 'statistics';
  /** The mean wait of those who were matched lately. */
  readonly waitMs: Milliseconds;
  readonly population: number;
};

/** The ticket as the matcher sees it. */
export function matchTicketOf(record: TicketRecord): MatchTicket {
  const { id, sinceMs, expiresMs, players, attributes, preserved, targetConstants } = record;
  return { id, sinceMs, expiresMs, players, attributes, preserved, targetConstants };
}

/** True of a ticket that may be matched. */
export function isWaiting({ status }: TicketRecord): boolean {
  return status === 'searching';
}

/** How long a ticket can be read after its end. */
export const keptMs: Milliseconds = 3_600_000;

/** So long after a match its tickets are looked at again: has somebody asked for another match? */
const checkedAfterMs: readonly Milliseconds[] = [30_000, 300_000];

/** When a ticket that was found must be looked at again; undefined: it has been kept long enough. */
export function nextCheckMs(
  { foundMs }: Pick<TicketRecord, 'foundMs'>,
  nowMs: Milliseconds,
): number | undefined {
  if (foundMs === undefined) return undefined;
  return [...checkedAfterMs, keptMs].map((afterMs) => foundMs + afterMs).find((at) => at > nowMs);
}
