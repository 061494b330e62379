/** What the parts of the matchmaking service share. */

import type { Context } from '../directory/context.ts';
import type { Caller } from '../domain/caller.ts';
import type { Guid } from '../domain/ids.ts';
import type { Hopper } from '../domain/matchmaking/hopper.ts';
import type { TicketRecord } from '../domain/matchmaking/ticket-record.ts';
import { Refusal } from '../domain/refusal.ts';
import { mayUseServiceConfig } from '../domain/session/template.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { TicketChanged } from '../observe/events.ts';
import { HopperPool } from './hopper-pool.ts';
import { type HopperKey, hopperKeyOf, type StoredValue, TicketStore } from './ticket-store.ts';

export type Service = {
  readonly context: Context;
  readonly tickets: TicketStore;
  readonly pools: Map<HopperKey, HopperPool>;
  /** True: other processes work on the same tickets. */
  readonly isShared: boolean;
};

/** What waits for the node that began it; another one goes on after this. */
export const unfinishedMs: Milliseconds = 10_000;

/** The service on a directory. */
export function createService(context: Context, isShared: boolean): Service {
  const tickets = new TicketStore(context.store, isShared ? context : undefined);
  return { context, tickets, pools: new Map(), isShared };
}

/** The pool of a hopper, with the rules that hold now. */
export function poolOf({ pools }: Service, scid: Guid, hopper: Hopper): HopperPool {
  const key = hopperKeyOf(scid, hopper.name);
  const known = pools.get(key);
  if (known) {
    known.configure(hopper);
    return known;
  }
  const pool = new HopperPool(key, hopper);
  pools.set(key, pool);
  return pool;
}

/**
 * The hopper that a path names, when the caller may use its service config.
 *
 * Refuses: serviceConfigUnknown, serviceConfigForbidden, hopperUnknown.
 */
export function mayUseHopper(
  { context }: Service,
  scid: Guid,
  name: string,
  caller: Caller,
): Hopper | Refusal {
  const config = mayUseServiceConfig(context.catalog(), scid, caller);
  if (config instanceof Refusal) return config;
  return (
    config.hoppers?.get(name.toLowerCase()) ??
    new Refusal('hopperUnknown', `Service config ${scid} has no hopper "${name}".`, {
      detail: name.slice(0, 140),
    })
  );
}

/** Stores the next value of a ticket; undefined when another one was stored meanwhile. */
export async function commitTicket(
  { tickets, pools }: Service,
  key: HopperKey,
  former: Pick<StoredValue<TicketRecord>, 'revision'>,
  value: TicketRecord,
  dueMs: Milliseconds | undefined,
): Promise<StoredValue<TicketRecord> | undefined> {
  const change = { id: value.id, expectRevision: former.revision, value, dueMs };
  const revision = await tickets.commit(key, [change]);
  if (revision === undefined) {
    await refreshTicket({ tickets, pools }, key, value.id);
    return undefined;
  }
  const stored = { value, revision, dueMs };
  pools.get(key)?.put(stored);
  return stored;
}

/** Reads a ticket that has changed elsewhere. */
export async function refreshTicket(
  { tickets, pools }: Pick<Service, 'tickets' | 'pools'>,
  key: HopperKey,
  id: Guid,
): Promise<StoredValue<TicketRecord> | undefined> {
  const stored = await tickets.ticket(key, id);
  const pool = pools.get(key);
  if (stored) pool?.put(stored);
  else pool?.remove(id);
  return stored;
}

/** Tells the observers what became of a ticket. */
export function observeTicket(
  { context: { observers, clock } }: Pick<Service, 'context'>,
  { id, hopper, sinceMs }: TicketRecord,
  change: TicketChanged['change'],
): void {
  const atMs = clock.nowMs();
  const waitedMs = Math.max(0, atMs - sinceMs);
  observers.current?.({ kind: 'ticket', atMs, change, hopper, ticketId: id, waitedMs });
}
