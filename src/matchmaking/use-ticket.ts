import type { Caller } from '../domain/caller.ts';
import { type Guid, isGuid } from '../domain/ids.ts';
import type { WhyNot } from '../domain/matchmaking/explain.ts';
import type { TicketRecord } from '../domain/matchmaking/ticket-record.ts';
import { Refusal } from '../domain/refusal.ts';
import { acceptedMemberOf } from '../domain/session/session.ts';
import { endTicket } from './end-ticket.ts';
import { mayUseHopper, poolOf, type Service } from './service.ts';
import { readAny } from './session-writer.ts';
import { hopperKeyOf, type StoredValue } from './ticket-store.ts';

export type TicketPath = {
  readonly scid: Guid;
  readonly hopper: string;
  readonly ticketId: string;
};

/**
 * The ticket, and while it waits in a hopper that is configured, why it is not matched yet.
 *
 * Refuses: as mayUseHopper, ticketUnknown, notAMember, tooBusy.
 *
 * @source docs/wire/matchmaking.md "Tickets"
 */
export async function readTicket(
  service: Service,
  path: TicketPath,
  caller: Caller,
): Promise<{ readonly ticket: TicketRecord; readonly whyNot: WhyNot | undefined } | Refusal> {
  const found = await mayUseTicket(service, path, caller);
  if (found instanceof Refusal) return found;
  const hopper = mayUseHopper(service, path.scid, path.hopper, caller);
  const { value: ticket } = found;
  if (ticket.status !== 'searching' || hopper instanceof Refusal) {
    return { ticket, whyNot: undefined };
  }
  const { context, tickets } = service;
  const pool = poolOf(service, path.scid, hopper);
  const whyNot = await pool.explain(ticket, tickets, context.clock.nowMs());
  return { ticket, whyNot };
}

/**
 * Cancels a ticket that waits. One that has ended, or is matched, stays as it is.
 *
 * Refuses: as mayUseHopper, ticketUnknown, notAMember, tooBusy.
 *
 * @source docs/wire/matchmaking.md "Tickets"
 */
export async function deleteTicket(
  service: Service,
  path: TicketPath,
  caller: Caller,
): Promise<Refusal | undefined> {
  const found = await mayUseTicket(service, path, caller);
  if (found instanceof Refusal) return found;
  return endTicket(service, hopperKeyOf(path.scid, path.hopper), found.value.id, 'canceled');
}

/**
 * The creator of the ticket may use it, and every member of its session. A ticket stays when its hopper
 * is removed from the config.
 */
async function mayUseTicket(
  service: Service,
  { scid, hopper, ticketId }: TicketPath,
  caller: Caller,
): Promise<StoredValue<TicketRecord> | Refusal> {
  const { tickets, context } = service;
  const configured = mayUseHopper(service, scid, hopper, caller);
  const isRemoved = configured instanceof Refusal && configured.code === 'hopperUnknown';
  if (configured instanceof Refusal && !isRemoved) return configured;
  const key = hopperKeyOf(scid, hopper);
  const found = isGuid(ticketId) ? await tickets.ticket(key, ticketId) : undefined;
  if (found === undefined) {
    if (configured instanceof Refusal) return configured;
    return new Refusal('ticketUnknown', 'There is no such ticket in this hopper.', {
      detail: ticketId.slice(0, 40),
    });
  }
  if (caller.kind === 'service' || caller.xuid === found.value.createdBy) return found;
  const session = await readAny(context, found.value.session);
  if (session instanceof Refusal) return session;
  if (session && acceptedMemberOf(session, caller.xuid)) return found;
  return new Refusal('notAMember', 'Only members of the ticket session can use its ticket.');
}
