/**
 * What sessions say to the service: that they have ended, that their players have changed, or that they
 * want another match.
 *
 * @source docs/wire/matchmaking.md "Life of a ticket"
 */

import type { Guid } from '../domain/ids.ts';
import { jsonEquals } from '../domain/json.ts';
import { snapshotOf, ticketIdOf } from '../domain/matchmaking/snapshot.ts';
import type { TicketRecord } from '../domain/matchmaking/ticket-record.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Session } from '../domain/session/session.ts';
import type { SessionChange } from '../domain/session/session-change.ts';
import { readAvoids } from './create-ticket.ts';
import { endTicket, settleTicket } from './end-ticket.ts';
import { commitTicket, type Service, unfinishedMs } from './service.ts';
import { readAny } from './session-writer.ts';
import { type HopperKey, hopperKeyOf, type StoredValue } from './ticket-store.ts';

/** Looks at a change of a session that has, or had, a ticket. */
export async function noteSessionChange(service: Service, change: SessionChange): Promise<void> {
  const { before, next } = change;
  if (next === undefined) {
    const place = placeOf(before);
    if (place) await endTicket(service, place.key, place.id, 'canceled');
    return;
  }
  const wantsMore =
    next.properties.system.matchmakingResubmit === true &&
    before?.properties.system.matchmakingResubmit !== true;
  const hasOthers = before !== undefined && before.members !== next.members;
  const place = wantsMore || hasOthers ? placeOf(next) : undefined;
  if (place === undefined) return;
  await (wantsMore ? searchAgain(service, place, next) : followSession(service, place, next));
}

type Place = {
  readonly key: HopperKey;
  readonly id: Guid;
  readonly hopper: string;
  readonly scid: Guid;
};

/** Where the ticket is that a session shows. */
function placeOf(session: Session | undefined): Place | undefined {
  const custom = session?.servers['matchmaking']?.properties.custom;
  const [id, hopper, scid] = [custom?.ticketId, custom?.ticketHopperName, custom?.ticketScid];
  if (typeof id !== 'string' || typeof hopper !== 'string' || typeof scid !== 'string') {
    return undefined;
  }
  return { key: hopperKeyOf(scid, hopper), id, hopper, scid };
}

/** The ticket of this session, as long as it is that of this life of it. */
async function ticketAt(
  { tickets }: Service,
  { key, id }: Pick<Place, 'key' | 'id'>,
  session: Session,
): Promise<StoredValue<TicketRecord> | undefined> {
  const stored = await tickets.ticket(key, id);
  return stored?.value.branch === session.branch ? stored : undefined;
}

/** A ticket whose match came to nothing searches again, for as long as it did at first. */
async function searchAgain(
  service: Service,
  { key, id }: Pick<Place, 'key' | 'id'>,
  session: Session,
): Promise<void> {
  const stored = await ticketAt(service, { key, id }, session);
  if (stored?.value.status === 'found') await resubmit(service, key, stored, session);
}

/**
 * Looks whether somebody has asked for another match of a ticket that was found: what a session says is
 * lost when the process ends that has stored it. True: the ticket searches again.
 */
export async function checkFound(
  service: Service,
  key: HopperKey,
  stored: StoredValue<TicketRecord>,
): Promise<boolean> {
  const { value } = stored;
  const session = await readAny(service.context, value.session);
  if (session === undefined || session instanceof Refusal) return false;
  const isAsked = session.properties.system.matchmakingResubmit === true;
  if (!isAsked || session.branch !== value.branch || ticketIdOf(session) !== value.id) return false;
  await resubmit(service, key, stored, session);
  return true;
}

async function resubmit(
  service: Service,
  key: HopperKey,
  stored: StoredValue<TicketRecord>,
  session: Session,
): Promise<void> {
  const { context } = service;
  const {
    target: _former,
    details: _none,
    foundMs: _found,
    preserved,
    targetConstants: _old,
    ...rest
  } = stored.value;
  const nowMs = context.clock.nowMs();
  const value: TicketRecord = {
    ...rest,
    ...snapshotOf(session, preserved !== undefined, await readAvoids(context, session)),
    status: 'searching',
    isPending: true,
    sinceMs: nowMs,
    expiresMs: nowMs + rest.giveUpSeconds * 1_000,
  };
  const again = await commitTicket(service, key, stored, value, nowMs + unfinishedMs);
  if (again) await settleTicket(service, key, again);
}

/** Brings a ticket up to date whose hopper follows the sessions. */
async function followSession(service: Service, place: Place, session: Session): Promise<void> {
  const { context } = service;
  const config = context.catalog().get(place.scid.toLowerCase());
  if (!config?.hoppers?.get(place.hopper.toLowerCase())?.followsSession) return;
  const stored = await ticketAt(service, place, session);
  if (stored?.value.status !== 'searching') return;
  const { preserved, targetConstants: _old, ...rest } = stored.value;
  const snapshot = snapshotOf(session, preserved !== undefined, await readAvoids(context, session));
  if (snapshot.players.length === 0) {
    await endTicket(service, place.key, place.id, 'canceled');
    return;
  }
  const value: TicketRecord = { ...rest, ...snapshot };
  if (jsonEquals(value, stored.value)) return;
  await commitTicket(service, place.key, stored, value, stored.dueMs);
}

/** True of a change that the service may have to look at: next to nothing, for every other commit. */
export function concernsTickets({ before, next }: SessionChange): boolean {
  return Boolean(next?.servers['matchmaking'] ?? before?.servers['matchmaking']);
}
