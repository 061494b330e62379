/** Match tickets, as the client sees them. @source docs/wire/matchmaking.md "Tickets" */

import type { SessionReference } from './reference.ts';
import type { Guid, JsonObject, SessionDocument, Xuid } from './session-document.ts';

/** What a ticket asks for. */
export type MatchTicketRequest = {
  readonly hopper: string;
  /** The longest wait, in seconds; 120. */
  readonly giveUpSeconds?: number;
  /** True: the session is kept, and others join it. */
  readonly preserveSession?: boolean;
  readonly attributes?: JsonObject;
};

/** A ticket that was made. */
export type MatchTicket = { readonly ticketId: Guid; readonly waitTime: number };

/** One ticket of a hopper. */
export type MatchTicketReference = {
  readonly scid: Guid;
  readonly hopper: string;
  readonly ticketId: Guid;
};

/** A ticket as the service answers it. */
export type MatchTicketDocument = {
  readonly ticketStatus: 'Searching' | 'Found' | 'Expired' | 'Canceled' | 'Failed';
  readonly waitTime: number;
  readonly giveUpDuration: number;
  readonly preserveSession: 'always' | 'never';
  readonly serviceConfig: Guid;
  readonly hopperName: string;
  readonly ticketSessionRef: SessionReference;
  readonly targetSessionRef?: SessionReference;
  readonly ticketAttributes: JsonObject;
  readonly players: readonly { readonly xuid: Xuid; readonly playerAttributes: JsonObject }[];
  /** While it searches: why it is not matched yet. */
  readonly whyNot?: {
    /** One sentence. */
    readonly text: string;
    readonly compatiblePlayers: number;
    readonly neededPlayers: number;
    readonly comparedCount: number;
    readonly keptBy: readonly { readonly rule: string; readonly tickets: number }[];
    readonly nearest: readonly { readonly ticketId: Guid; readonly because: readonly string[] }[];
  };
};

export type HopperStatistics = {
  readonly name: string;
  /** How long players have waited lately, in seconds. */
  readonly waitTime: number;
  /** Players who wait. */
  readonly population: number;
};

/** How the search of a session goes, as the session shows it. */
export type MatchProgress = {
  readonly status: string;
  /** Seconds. */
  readonly typicalWait?: number;
  /** For players, or for the log: why a search has failed. */
  readonly details?: string;
  readonly target?: SessionReference;
  readonly ticketId?: string;
};

/** What a session shows of its ticket; undefined when it never had one. */
export function matchProgressOf({ servers }: SessionDocument): MatchProgress | undefined {
  const properties = servers['matchmaking']?.properties;
  const { status, typicalWait, statusDetails, targetSessionRef } = properties?.system ?? {};
  if (typeof status !== 'string') return undefined;
  const ticketId = properties?.custom?.['ticketId'];
  return {
    status,
    ...(typeof typicalWait === 'number' && { typicalWait }),
    ...(typeof statusDetails === 'string' && statusDetails !== '' && { details: statusDetails }),
    ...(targetSessionRef !== undefined && {
      target: targetSessionRef as unknown as SessionReference,
    }),
    ...(typeof ticketId === 'string' && { ticketId }),
  };
}
