/** Reading and writing sessions as the matchmaking service. */

import type { Context } from '../directory/context.ts';
import { readCurrent } from '../directory/transact.ts';
import { writeSession } from '../directory/write-session.ts';
import type { ServiceCaller } from '../domain/caller.ts';
import { ticketIdOf } from '../domain/matchmaking/snapshot.ts';
import { ticketSessionRequest } from '../domain/matchmaking/session-writes.ts';
import type { TicketRecord } from '../domain/matchmaking/ticket-record.ts';
import { limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';
import { etagOf } from '../domain/session/etag.ts';
import type { Preconditions } from '../domain/session/precondition.ts';
import type { SessionReference } from '../domain/session/reference.ts';
import type { SessionRequest } from '../domain/session/request.ts';
import type { Session } from '../domain/session/session.ts';

/** The session as it stands now; undefined: there is none. Refuses: tooBusy. */
export async function readAny(
  context: Context,
  reference: SessionReference,
): Promise<Session | undefined | Refusal> {
  const record = await readCurrent(context, reference, []);
  return record instanceof Refusal ? record : record?.session;
}

/**
 * Writes as the service.
 *
 * Refuses: as writeSession.
 */
export async function writeAsService(
  context: Context,
  reference: SessionReference,
  request: SessionRequest,
  {
    sandbox,
    hopper,
    preconditions,
    onlyExisting,
  }: {
    readonly sandbox: string;
    /** The hopper whose tickets are matched. */
    readonly hopper: string;
    readonly preconditions: Preconditions;
    readonly onlyExisting: boolean;
  },
): Promise<Refusal | undefined> {
  const caller: ServiceCaller = { kind: 'service', name: 'matchmaking', sandbox };
  const written = await writeSession(
    context,
    { reference, request, preconditions, caller, onlyExisting },
    { commit: true, cause: { kind: 'match', hopper } },
  );
  return written instanceof Refusal ? written : undefined;
}

/**
 * Shows the status of a ticket in its session. Nothing is written where the session is gone, or has
 * another ticket by now.
 *
 * `isNew`: the session is to show this ticket from now on, in place of a former one.
 *
 * Refuses: tooBusy, and as writeSession.
 */
export async function showTicket(
  context: Context,
  ticket: TicketRecord,
  { isNew = false }: { readonly isNew?: boolean } = {},
): Promise<Refusal | undefined> {
  for (let attempt = 1; attempt <= limits.commitAttemptsMax; attempt += 1) {
    const session = await readAny(context, ticket.session);
    if (session instanceof Refusal) return session;
    if (session === undefined || session.branch !== ticket.branch) return undefined;
    if (!isNew && ticketIdOf(session) !== ticket.id) return undefined;
    const refusal = await writeAsService(context, ticket.session, ticketSessionRequest(ticket), {
      sandbox: ticket.sandbox,
      hopper: ticket.hopper,
      preconditions: { ifMatch: [etagOf(session)] },
      onlyExisting: true,
    });
    if (refusal === undefined || refusal.code === 'sessionGone') return undefined;
    if (refusal.code !== 'etagDiffers') return refusal;
  }
  return new Refusal('tooBusy', 'Other writes to the ticket session won again and again.');
}
