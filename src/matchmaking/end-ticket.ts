import type { Guid } from '../domain/ids.ts';
import {
  keptMs,
  type TicketRecord,
  type TicketStatus,
} from '../domain/matchmaking/ticket-record.ts';
import { limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';
import {
  commitTicket,
  observeTicket,
  refreshTicket,
  type Service,
  unfinishedMs,
} from './service.ts';
import { showTicket } from './session-writer.ts';
import type { HopperKey, StoredValue } from './ticket-store.ts';

/**
 * Ends a ticket that waits, and shows it in its session. A ticket that is matched or has ended stays as
 * it is.
 *
 * Refuses: tooBusy.
 */
export async function endTicket(
  service: Service,
  key: HopperKey,
  id: Guid,
  status: Exclude<TicketStatus, 'searching' | 'found'>,
  details?: string,
): Promise<Refusal | undefined> {
  for (let attempt = 1; attempt <= limits.commitAttemptsMax; attempt += 1) {
    const stored = await refreshTicket(service, key, id);
    if (stored?.value.status !== 'searching') return undefined;
    const value: TicketRecord = {
      ...stored.value,
      status,
      ...(details !== undefined && { details }),
      isPending: true,
    };
    const dueMs = service.context.clock.nowMs() + unfinishedMs;
    const ended = await commitTicket(service, key, stored, value, dueMs);
    if (ended) {
      observeTicket(service, value, status);
      return settleTicket(service, key, ended);
    }
  }
  return new Refusal('tooBusy', 'The ticket was changed again and again.');
}

/**
 * Shows the status of a ticket in its session, and notes that it is shown.
 *
 * Refuses: tooBusy; it is done later then.
 */
export async function settleTicket(
  service: Service,
  key: HopperKey,
  stored: StoredValue<TicketRecord>,
): Promise<Refusal | undefined> {
  const { context } = service;
  const refusal = await showTicket(context, stored.value);
  if (refusal?.code === 'tooBusy') return refusal;
  // What else is refused, is refused tomorrow too: a template that is configured no more.
  if (refusal) context.failed(new Error(`ticket ${stored.value.id}: ${refusal.text}`));
  const value: TicketRecord = { ...stored.value, isPending: false };
  const dueMs = value.status === 'searching' ? value.expiresMs : context.clock.nowMs() + keptMs;
  await commitTicket(service, key, stored, value, dueMs);
  return undefined;
}
