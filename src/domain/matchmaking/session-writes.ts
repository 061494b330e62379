/**
 * What the service writes into sessions, as bodies of writes.
 *
 * @source docs/wire/matchmaking.md "What sessions show"
 */

import type { JsonObject } from '../json.ts';
import type { SessionReference } from '../session/reference.ts';
import type { MatchRecord, TicketRecord } from './ticket-record.ts';

/** The entry of a ticket session for the status of its ticket. */
function ticketEntry(ticket: TicketRecord): JsonObject {
  const { status, details, waitSeconds, target, scid, hopper, id } = ticket;
  return {
    matchmaking: {
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
    },
  };
}

/** The body that shows the status of a ticket in its session. */
export function ticketSessionWrite(ticket: TicketRecord): JsonObject {
  // A request to search again is done with once the search is shown.
  const isAgain = ticket.status === 'searching' && { matchmakingResubmit: null };
  return {
    ...(isAgain && { properties: { system: isAgain } }),
    servers: ticketEntry(ticket),
  };
}

/** The body that makes the target session of a match, or adds its players to a preserved one. */
export function targetWrite(match: MatchRecord, tickets: readonly TicketRecord[]): JsonObject {
  const [first] = tickets;
  const coming = match.isPreserved ? tickets.slice(1) : tickets;
  const reservations = coming.flatMap((ticket) =>
    ticket.players.map(({ xuid, attributes, latenciesMs }): JsonObject => {
      const measured = Object.entries(latenciesMs ?? {});
      const team = match.teams?.[xuid];
      return {
        constants: {
          system: {
            xuid,
            initialize: true,
            matchmakingResult: {
              serverMeasurements: Object.fromEntries(
                measured.map(([server, latency]) => [server, { latency }]),
              ),
            },
          },
          custom: {
            matchmakingResult: {
              playerAttrs: attributes,
              ticketAttrs: ticket.attributes,
              ...(team !== undefined && { initialTeam: team }),
            },
          },
        },
      };
    }),
  );
  const constants = match.isPreserved ? undefined : first?.targetConstants;
  return {
    ...(constants && { constants }),
    ...(match.servers.length > 0 && {
      properties: { system: { serverConnectionStringCandidates: match.servers } },
    }),
    members: Object.fromEntries(reservations.map((one, i) => [`reserve_${i}`, one])),
    // In one write with the players: it says that they were added.
    ...(match.isPreserved &&
      first && { servers: ticketEntry({ ...first, status: 'found', target: match.target }) }),
  };
}

/** A reference as documents have it. */
export function viewReference({ scid, templateName, name }: SessionReference): JsonObject {
  return { scid, templateName, name };
}
