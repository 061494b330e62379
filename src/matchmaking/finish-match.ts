/**
 * What is done once a match is stored: the target session, then the ticket sessions, then the records.
 * Each step can be done again. So wherever a process ends, another one comes to the same match.
 *
 * @source docs/wire/matchmaking.md "What sessions show"
 */

import type { Context } from '../directory/context.ts';
import { targetRequest } from '../domain/matchmaking/session-writes.ts';
import { shownStatusOf, ticketIdOf } from '../domain/matchmaking/snapshot.ts';
import type { MatchRecord, TicketRecord } from '../domain/matchmaking/ticket-record.ts';
import type { JsonObject } from '../domain/json.ts';
import { limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';
import { newestContractVersion } from '../domain/session/contract-version.ts';
import { etagOf } from '../domain/session/etag.ts';
import { keyOf } from '../domain/session/reference.ts';
import { parseSessionRequest, type SessionRequest } from '../domain/session/request.ts';
import type { Milliseconds } from '../domain/time.ts';
import { settleTicket } from './end-ticket.ts';
import { observeTicket, type Service, unfinishedMs } from './service.ts';
import { readAny, showTicket, writeAsService } from './session-writer.ts';
import type { HopperKey, StoredValue, TicketChange } from './ticket-store.ts';
import { unlessDamaged } from '../store/store.ts';

/**
 * Finishes a stored match. Where a session is written too much, it stays to be finished later.
 *
 * `made` are its tickets, by the one who has just made it. Nobody else works on it before it is due.
 */
export async function finishMatch(
  service: Service,
  key: HopperKey,
  match: StoredValue<MatchRecord>,
  made?: readonly StoredValue<TicketRecord>[],
): Promise<void> {
  const { context } = service;
  const tickets = made ?? (await ticketsOf(service, key, match.value));
  const records = tickets.map(({ value }) => value);
  const isNew = made !== undefined && context.clock.nowMs() < (match.dueMs ?? 0);
  const problem = match.value.isPreserved
    ? await fillPreserved(context, match.value, records)
    : isNew
      ? await writeTarget(context, match.value, records)
      : await makeTarget(context, match.value, records);
  if (problem?.code === 'tooBusy') return;
  if (problem) return failMatch(service, key, match, problem);
  const shown = match.value.isPreserved ? records.slice(1) : records;
  const refusals = await Promise.all(shown.map((ticket) => showTicket(context, ticket)));
  if (refusals.some((refusal) => refusal?.code === 'tooBusy')) return;
  // Its tickets are stored as they are to stay. Where it has gone by now, another node has finished it.
  await service.tickets.commit(key, [removalOf(match)]);
}

function removalOf({ value: { id }, revision }: StoredValue<MatchRecord>): TicketChange {
  return { id, expectRevision: revision, value: undefined };
}

/** The tickets of a match that still belong to it, in its order. */
async function ticketsOf(
  { tickets }: Service,
  key: HopperKey,
  match: MatchRecord,
): Promise<readonly StoredValue<TicketRecord>[]> {
  const found = await Promise.all(
    match.ticketIds.map((id) => unlessDamaged(tickets.ticket(key, id))),
  );
  return found.filter((one) => one !== undefined).filter(({ value }) => isOf(match, value));
}

/** False once the ticket searches again. */
function isOf({ target }: MatchRecord, ticket: TicketRecord): boolean {
  return (
    ticket.status === 'found' &&
    ticket.target !== undefined &&
    keyOf(ticket.target) === keyOf(target)
  );
}

/** Makes the target session, unless it was made before. */
async function makeTarget(
  context: Context,
  match: MatchRecord,
  tickets: readonly TicketRecord[],
): Promise<Refusal | undefined> {
  // All of them search again by now: nobody would come.
  if (tickets.length === 0) return undefined;
  const target = await readAny(context, match.target);
  if (target !== undefined) return target instanceof Refusal ? target : undefined;
  // It may have been made, and have ended since: then a ticket session says so.
  for (const ticket of tickets) {
    const session = await readAny(context, ticket.session);
    if (session instanceof Refusal) return session;
    const isShown = session && ticketIdOf(session) === ticket.id;
    if (isShown && shownStatusOf(session) === 'found') return undefined;
  }
  return writeTarget(context, match, tickets);
}

/** Makes the target session, unless there is one. */
async function writeTarget(
  context: Context,
  match: MatchRecord,
  tickets: readonly TicketRecord[],
): Promise<Refusal | undefined> {
  const request = targetRequest(match, tickets, (constants) => parseConstants(context, constants));
  if (request instanceof Refusal) return request;
  const refusal = await writeAsService(context, match.target, request, {
    sandbox: match.sandbox,
    hopper: match.hopper,
    preconditions: { ifNoneMatch: ['*'] },
    onlyExisting: false,
  });
  return refusal?.code === 'sessionExists' ? undefined : refusal;
}

/** Constants that a title wants, as a write asks for them. Refuses: requestInvalid. */
function parseConstants(
  { settings }: Context,
  constants: JsonObject,
): SessionRequest['constants'] | Refusal {
  const request = parseSessionRequest({ constants }, newestContractVersion, settings);
  return request instanceof Refusal ? request : request.constants;
}

/** Adds the players to the preserved session, unless that was done before; one write shows both. */
async function fillPreserved(
  context: Context,
  match: MatchRecord,
  tickets: readonly TicketRecord[],
): Promise<Refusal | undefined> {
  const [first] = tickets;
  if (first === undefined || first.id !== match.ticketIds[0]) return undefined;
  const request = targetRequest(match, tickets, (constants) => parseConstants(context, constants));
  if (request instanceof Refusal) return request;
  for (let attempt = 1; attempt <= limits.commitAttemptsMax; attempt += 1) {
    const session = await readAny(context, match.target);
    if (session instanceof Refusal) return session;
    if (
      session === undefined ||
      session.branch !== first.branch ||
      ticketIdOf(session) !== first.id
    ) {
      return new Refusal('sessionGone', 'The preserved session has ended or has another ticket.');
    }
    if (shownStatusOf(session) === 'found') return undefined;
    const refusal = await writeAsService(context, match.target, request, {
      sandbox: match.sandbox,
      hopper: match.hopper,
      preconditions: { ifMatch: [etagOf(session)] },
      onlyExisting: true,
    });
    if (refusal?.code !== 'etagDiffers') return refusal;
  }
  return new Refusal('tooBusy', 'Other writes to the preserved session won again and again.');
}

/**
 * A match whose target cannot be: the ticket at fault fails, and the others go on waiting as long as
 * they would have. Without a preserved session all are at fault, as the hopper is.
 */
async function failMatch(
  service: Service,
  key: HopperKey,
  match: StoredValue<MatchRecord>,
  { text: details }: Refusal,
): Promise<void> {
  const { isPreserved, ticketIds } = match.value;
  const dueMs = service.context.clock.nowMs() + unfinishedMs;
  const tickets = await ticketsOf(service, key, match.value);
  await closeMatch(service, key, match, tickets, ({ target: _none, foundMs: _never, ...value }) =>
    isPreserved && value.id !== ticketIds[0]
      ? { value: { ...value, status: 'searching', isPending: false }, dueMs: value.expiresMs }
      : { value: { ...value, status: 'failed', details, isPending: true }, dueMs },
  );
  for (const id of ticketIds) {
    const stored = await service.tickets.ticket(key, id);
    if (stored?.value.status === 'failed') observeTicket(service, stored.value, 'failed');
    if (stored?.value.isPending) await settleTicket(service, key, stored);
  }
}

type TicketNext = { readonly value: TicketRecord; readonly dueMs: Milliseconds };

/** Removes the match and gives its tickets, as they were last, their next value, in one step. */
async function closeMatch(
  service: Service,
  key: HopperKey,
  match: StoredValue<MatchRecord>,
  last: readonly StoredValue<TicketRecord>[],
  next: (ticket: TicketRecord) => TicketNext,
): Promise<void> {
  for (let attempt = 1; attempt <= limits.commitAttemptsMax; attempt += 1) {
    const tickets = attempt === 1 ? last : await ticketsOf(service, key, match.value);
    const changes = tickets.map(({ value, revision }): TicketChange & TicketNext => ({
      id: value.id,
      expectRevision: revision,
      ...next(value),
    }));
    const revision = await service.tickets.commit(key, [...changes, removalOf(match)]);
    if (revision !== undefined) {
      for (const { value, dueMs } of changes) {
        service.pools.get(key)?.put({ value, revision, dueMs });
      }
      return;
    }
    // A ticket has changed, or another node has finished the match.
    if ((await service.tickets.match(key, match.value.id)) === undefined) return;
  }
}
