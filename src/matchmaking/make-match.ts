import type { Hopper } from '../domain/matchmaking/hopper.ts';
import type { Match } from '../domain/matchmaking/match.ts';
import { checkTicket, snapshotOf } from '../domain/matchmaking/snapshot.ts';
import {
  type MatchRecord,
  nextCheckMs,
  type TicketRecord,
} from '../domain/matchmaking/ticket-record.ts';
import { keyOf } from '../domain/session/reference.ts';
import { Refusal } from '../domain/refusal.ts';
import { readAvoids } from './create-ticket.ts';
import { endTicket } from './end-ticket.ts';
import { finishMatch } from './finish-match.ts';
import type { HopperPool } from './hopper-pool.ts';
import {
  commitTicket,
  observeTicket,
  refreshTicket,
  type Service,
  unfinishedMs,
} from './service.ts';
import { readAny } from './session-writer.ts';
import type { StoredValue } from './ticket-store.ts';

/**
 * Makes a match of what the matcher has found, if all its tickets are still as they were: their sessions
 * show them and have their players. Otherwise they are brought up to date, and wait for the next time.
 */
export async function makeMatch(service: Service, pool: HopperPool, found: Match): Promise<void> {
  const { context } = service;
  const stored = found.tickets.map(({ id }) => pool.stored(id));
  const known = stored.filter((one) => one !== undefined);
  if (known.length < stored.length) return;
  const checks = await Promise.all(known.map((one) => isGood(service, pool, one)));
  if (checks.includes(false)) return;

  // The session that is kept comes first: it is the target.
  const ordered = [...known].sort(
    (a, b) => Number(b.value.preserved !== undefined) - Number(a.value.preserved !== undefined),
  );
  const [first] = ordered;
  if (first === undefined) return;
  const { hopper } = pool.rules;
  const isPreserved = first.value.preserved !== undefined;
  const nowMs = context.clock.nowMs();
  const match: MatchRecord = {
    kind: 'match',
    id: context.ids.guid(),
    scid: first.value.scid,
    hopper: hopper.name,
    target: isPreserved ? first.value.session : newTarget(first.value, hopper, context.ids.guid()),
    isPreserved,
    sandbox: first.value.sandbox,
    ticketIds: ordered.map(({ value }) => value.id),
    ...(found.teams && { teams: Object.fromEntries(found.teams) }),
    servers: found.servers,
  };
  const matched = ordered.map(({ value, revision }) => ({
    id: value.id,
    expectRevision: revision,
    value: { ...value, status: 'found', target: match.target, foundMs: nowMs } as const,
    dueMs: nextCheckMs({ foundMs: nowMs }, nowMs),
  }));
  const dueMs = nowMs + unfinishedMs;
  const put = { id: match.id, expectRevision: 0, value: match, dueMs };
  const revision = await service.tickets.commit(pool.key, [...matched, put]);
  if (revision === undefined) {
    for (const { value } of ordered) await refreshTicket(service, pool.key, value.id);
    return;
  }
  for (const { value } of ordered) {
    pool.remove(value.id);
    pool.noteWait(nowMs - value.sinceMs);
    observeTicket(service, value, 'found');
  }
  context.observers.current?.({
    kind: 'match',
    atMs: nowMs,
    hopper: match.hopper,
    ticketIds: match.ticketIds,
    playersCount: found.tickets.reduce((count, { players }) => count + players.length, 0),
    target: keyOf(match.target),
  });
  const tickets = matched.map(({ value, dueMs: checkMs }) => ({ value, revision, dueMs: checkMs }));
  await finishMatch(service, pool.key, { value: match, revision, dueMs }, tickets);
}

function newTarget({ scid }: TicketRecord, { sessionTemplate }: Hopper, name: string) {
  return { scid, templateName: sessionTemplate, name };
}

/** True when the ticket may be matched as it is; otherwise it is not what it was any more. */
async function isGood(
  service: Service,
  pool: HopperPool,
  stored: StoredValue<TicketRecord>,
): Promise<boolean> {
  const { context } = service;
  const { value } = stored;
  const session = await readAny(context, value.session);
  if (session instanceof Refusal) return false;
  const isFollowed = session !== undefined && pool.rules.hopper.followsSession;
  const followed = isFollowed
    ? snapshotOf(session, value.preserved !== undefined, await readAvoids(context, session))
    : undefined;
  const check = checkTicket(value, session, followed, context.clock.nowMs());
  if (check === 'good') return true;
  if (check === 'over') await endTicket(service, pool.key, value.id, 'canceled');
  if (typeof check === 'object') {
    const { preserved: _former, targetConstants: _constants, ...rest } = value;
    const next: TicketRecord = { ...rest, ...check.changed };
    await commitTicket(service, pool.key, stored, next, next.expiresMs);
  }
  return false;
}
