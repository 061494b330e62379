/**
 * What the service writes into sessions, as a body of such a write would be parsed. Nothing of it comes
 * from a client unparsed but the constants that a title wants the target to have.
 *
 * @source docs/wire/matchmaking.md "What sessions show"
 */

import type { JsonObject } from '../json.ts';
import { Refusal } from '../refusal.ts';
import type { SessionReference } from '../session/reference.ts';
import type { ReservationRequest, SessionRequest } from '../session/request.ts';
import type { MatchRecord, TicketRecord } from './ticket-record.ts';

/** The entry of a ticket session for the status of its ticket. */
function ticketEntry(ticket: TicketRecord): SessionRequest['servers'] {
  const { status, details, waitSeconds, target, scid, hopper, id } = ticket;
  const request = {
    constants: { system: {}, custom: {} },
    properties: {
      system: {
        status,
        statusDetails: details ?? '',
        typicalWait: waitSeconds,
        targetSessionRef: status === 'found' && target ? viewReference(target) : null,
      },
      custom: { ticketScid: scid, ticketHopperName: hopper, ticketId: id },
    },
  };
  return [{ name: 'matchmaking', request }];
}

/** The write that shows the status of a ticket in its session. */
export function ticketSessionRequest(ticket: TicketRecord): SessionRequest {
  // A request to search again is done with once the search is shown.
  const isAgain = ticket.status === 'searching' && { matchmakingResubmit: null };
  return {
    ...(isAgain && { properties: { system: isAgain } }),
    reservations: [],
    others: [],
    servers: ticketEntry(ticket),
  };
}

/**
 * The write that makes the target session of a match, or adds its players to a preserved one.
 *
 * `parseConstants` parses constants as a title sends them.
 *
 * Refuses: as `parseConstants`.
 */
export function targetRequest(
  match: MatchRecord,
  tickets: readonly TicketRecord[],
  parseConstants: (constants: JsonObject) => SessionRequest['constants'] | Refusal,
): SessionRequest | Refusal {
  const [first] = tickets;
  const coming = match.isPreserved ? tickets.slice(1) : tickets;
  const wanted = match.isPreserved ? undefined : first?.targetConstants;
  const constants = wanted && parseConstants(wanted);
  if (constants instanceof Refusal) return constants;
  const reservations = coming.flatMap((ticket) => reservationsOf(ticket, match));
  return {
    ...(constants && { constants }),
    ...(match.servers.length > 0 && {
      properties: { system: { serverConnectionStringCandidates: [...match.servers] } },
    }),
    reservations,
    others: [],
    // In one write with the players: it says that they were added.
    servers:
      match.isPreserved && first
        ? ticketEntry({ ...first, status: 'found', target: match.target })
        : [],
  };
}

function reservationsOf(
  { players, attributes: ticketAttrs }: TicketRecord,
  { teams }: MatchRecord,
): readonly ReservationRequest[] {
  return players.map(({ xuid, attributes: playerAttrs, latenciesMs }) => {
    const measured = Object.entries(latenciesMs ?? {});
    const serverMeasurements = Object.fromEntries(
      measured.map(([server, latency]) => [server, { latency }]),
    );
    const team = teams?.[xuid];
    return {
      xuid,
      initialize: true,
      constants: {
        system: { xuid, initialize: true, matchmakingResult: { serverMeasurements } },
        custom: {
          matchmakingResult: {
            playerAttrs,
            ticketAttrs,
            ...(team !== undefined && { initialTeam: team }),
          },
        },
      },
    };
  });
}

/** A reference as documents have it. */
export function viewReference({ scid, templateName, name }: SessionReference): JsonObject {
  return { scid, templateName, name };
}
