import type { Context } from '../directory/context.ts';
import { type Caller, hasMultiplayerPrivilege } from '../domain/caller.ts';
import type { Guid, Xuid } from '../domain/ids.ts';
import type { Hopper } from '../domain/matchmaking/hopper.ts';
import { type Avoids, playersIn, snapshotOf, ticketIdOf } from '../domain/matchmaking/snapshot.ts';
import { keptMs, matchTicketOf, type TicketRecord } from '../domain/matchmaking/ticket-record.ts';
import type { TicketRequest } from '../domain/matchmaking/ticket-request.ts';
import { placesOf } from '../domain/matchmaking/ticket.ts';
import { Refusal } from '../domain/refusal.ts';
import { isLarge } from '../domain/session/large.ts';
import { acceptedMemberOf, type Session } from '../domain/session/session.ts';
import { mayUseTemplate } from '../domain/session/template.ts';
import { sessionGone } from '../domain/session/write.ts';
import { readWaitSeconds } from './read-statistics.ts';
import { commitTicket, mayUseHopper, observeTicket, poolOf, type Service } from './service.ts';
import { readAny, showTicket } from './session-writer.ts';
import { hopperKeyOf } from './ticket-store.ts';

/** What a client gets for its request. */
export type TicketReceipt = { readonly ticketId: Guid; readonly waitSeconds: number };

/**
 * The ticket of a session, which shows `searching` by now. A former ticket of the session is canceled.
 *
 * The record is stored before the session shows it. Where the process ends in between, nobody was given
 * the ticket, and it is canceled when its turn comes.
 *
 * Refuses: as mayUseHopper, userRequired, privilegeMissing, templateUnknown, sessionGone,
 * notInLargeSession, notAMember,
 * ticketTooLarge, tooBusy.
 *
 * @source docs/wire/matchmaking.md "Tickets"
 */
export async function createTicket(
  service: Service,
  path: { readonly scid: Guid; readonly hopper: string },
  request: TicketRequest,
  caller: Caller,
): Promise<TicketReceipt | Refusal> {
  const { context, tickets } = service;
  const hopper = mayUseHopper(service, path.scid, path.hopper, caller);
  if (hopper instanceof Refusal) return hopper;
  if (caller.kind !== 'user') {
    return new Refusal('userRequired', 'A ticket is made by a user: the token needs a xuid.');
  }
  if (!hasMultiplayerPrivilege(caller)) {
    return new Refusal('privilegeMissing', 'Matchmaking needs the privilege 254 (multiplayer).');
  }
  const session = await readAny(context, request.session);
  if (session instanceof Refusal) return session;
  if (session === undefined) {
    const used = mayUseTemplate(context.catalog(), request.session, caller);
    return used instanceof Refusal ? used : sessionGone(request.session);
  }
  const refusal = mayHaveTicket(session, caller.xuid);
  if (refusal) return refusal;
  const nowMs = context.clock.nowMs();
  const avoids = hopper.isRanked ? new Map() : await readAvoids(context, session);
  const pool = poolOf(service, path.scid, hopper);
  const waitSeconds = await readWaitSeconds(service, pool);
  const ticket: TicketRecord = {
    kind: 'ticket',
    id: context.ids.guid(),
    scid: path.scid,
    hopper: hopper.name,
    session: session.reference,
    branch: session.branch,
    createdBy: caller.xuid,
    sandbox: caller.sandbox,
    giveUpSeconds: request.giveUpSeconds,
    attributes: request.attributes,
    ...snapshotOf(session, request.isPreserved, avoids),
    status: 'searching',
    isPending: false,
    sinceMs: nowMs,
    expiresMs: nowMs + request.giveUpSeconds * 1_000,
    waitSeconds,
  };
  const tooLarge = mayFit(ticket, hopper);
  if (tooLarge) return tooLarge;
  await cancelFormer(service, session);
  const change = { id: ticket.id, expectRevision: 0, value: ticket, dueMs: ticket.expiresMs };
  const revision = await tickets.commit(pool.key, [change]);
  if (revision === undefined) throw new Error('the id of a new ticket is taken');
  const notShown = await showTicket(context, ticket, { isNew: true });
  if (notShown) {
    await tickets.commit(pool.key, [{ id: ticket.id, expectRevision: revision, value: undefined }]);
    return notShown;
  }
  pool.put({ value: ticket, revision, dueMs: ticket.expiresMs });
  observeTicket(service, ticket, 'created');
  return { ticketId: ticket.id, waitSeconds };
}

function mayHaveTicket(session: Session, xuid: Xuid): Refusal | undefined {
  if (isLarge(session)) {
    return new Refusal('notInLargeSession', 'A large session cannot have a match ticket.');
  }
  if (acceptedMemberOf(session, xuid) === undefined) {
    return new Refusal('notAMember', 'Only a member of the ticket session can make its ticket.');
  }
  return undefined;
}

function mayFit(ticket: TicketRecord, { name, maxGroupSize }: Hopper): Refusal | undefined {
  const places = placesOf(matchTicketOf(ticket));
  if (places <= maxGroupSize) return undefined;
  return new Refusal(
    'ticketTooLarge',
    `The ticket session has ${places} places taken; a match of hopper "${name}" has at most ${maxGroupSize}.`,
    { detail: `maxGroupSize ${maxGroupSize}` },
  );
}

/** Whom the players of a session do not want to meet. */
export async function readAvoids({ people }: Context, session: Session): Promise<Avoids> {
  const lists = await Promise.all(
    playersIn(session).map(async ({ xuid }) => {
      const entries = await people.list(xuid, 'avoids');
      return [xuid, entries.map((entry) => entry.xuid)] as const;
    }),
  );
  return new Map(lists);
}

/** A session has one ticket: the former one ends, and the session shows the new one in its place. */
async function cancelFormer(service: Service, session: Session): Promise<void> {
  const id = ticketIdOf(session);
  const custom = session.servers['matchmaking']?.properties.custom;
  const [scid, hopper] = [custom?.ticketScid, custom?.ticketHopperName];
  if (id === undefined || typeof scid !== 'string' || typeof hopper !== 'string') return;
  const key = hopperKeyOf(scid, hopper);
  const former = await service.tickets.ticket(key, id).catch((error: unknown) => {
    // Clients of a former version of the service may have written any text.
    if (error instanceof RangeError) return undefined;
    throw error;
  });
  if (former?.value.status !== 'searching') return;
  const value: TicketRecord = { ...former.value, status: 'canceled' };
  const canceled = await commitTicket(
    service,
    key,
    former,
    value,
    service.context.clock.nowMs() + keptMs,
  );
  if (canceled) observeTicket(service, value, 'canceled');
}
