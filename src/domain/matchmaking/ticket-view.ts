import type { JsonObject } from '../json.ts';
import type { WhyNot } from './explain.ts';
import { viewReference } from './session-writes.ts';
import type { TicketRecord, TicketStatus } from './ticket-record.ts';

const statusNames: Record<TicketStatus, string> = {
  searching: 'Searching',
  found: 'Found',
  expired: 'Expired',
  canceled: 'Canceled',
  failed: 'Failed',
};

/**
 * The document of a ticket. `whyNot` is there while it waits.
 *
 * @source docs/wire/matchmaking.md "Tickets"
 */
export function viewTicket(ticket: TicketRecord, whyNot: WhyNot | undefined): JsonObject {
  const { status, target, players } = ticket;
  return {
    ticketStatus: statusNames[status],
    waitTime: ticket.waitSeconds,
    giveUpDuration: ticket.giveUpSeconds,
    preserveSession: ticket.preserved ? 'always' : 'never',
    serviceConfig: ticket.scid,
    hopperName: ticket.hopper,
    ticketSessionRef: viewReference(ticket.session),
    ...(status === 'found' && target && { targetSessionRef: viewReference(target) }),
    ticketAttributes: ticket.attributes,
    players: players.map(({ xuid, attributes }) => ({ xuid, playerAttributes: attributes })),
    ...(whyNot && { whyNot }),
  };
}

/** The statistics of a hopper: clients read its name under both. */
export function viewStatistics(
  hopper: string,
  { waitSeconds, population }: { readonly waitSeconds: number; readonly population: number },
): JsonObject {
  return { hopperName: hopper, name: hopper, waitTime: waitSeconds, population };
}
