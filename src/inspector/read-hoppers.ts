/** Hoppers and their tickets, as the inspector shows them. */

import type { Context } from '../directory/context.ts';
import type { Guid, Xuid } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import { explainTicket } from '../domain/matchmaking/explain.ts';
import type { Hopper } from '../domain/matchmaking/hopper.ts';
import { candidateOf, hopperRules } from '../domain/matchmaking/hopper-rules.ts';
import { matchTicketOf, type TicketRecord } from '../domain/matchmaking/ticket-record.ts';
import { hopperKeyOf, TicketStore } from '../matchmaking/ticket-store.ts';
import { yieldToEventLoop } from '../platform/yield-to-event-loop.ts';
import type { HopperDetail, HopperList, HopperRow, MatchRow, TicketRow } from './api-types.ts';
import { viewName } from './session-rows.ts';

/** Tickets of one hopper that are read, shown, and explained. */
const readMax = 2_000;
const shownMax = 200;
const explainedMax = 50;

type NamedHopper = { readonly scid: Guid; readonly hopper: Hopper };

/** The hoppers of all service configs. */
export async function readHoppers(context: Context): Promise<HopperList> {
  const hoppers = await Promise.all(
    hoppersOf(context).map(async (one) => viewHopper(one, await readTickets(context, one))),
  );
  return { hoppers };
}

/** One hopper with its tickets; undefined when no service config has it. */
export async function readHopper(
  context: Context,
  scid: Guid,
  name: string,
  matches: readonly MatchRow[],
): Promise<HopperDetail | undefined> {
  const found = hoppersOf(context).find(
    (one) =>
      one.scid.toLowerCase() === scid.toLowerCase() &&
      one.hopper.name.toLowerCase() === name.toLowerCase(),
  );
  if (found === undefined) return undefined;
  const { hopper } = found;
  const tickets = await readTickets(context, found);
  const rules = hopperRules(hopper);
  const nowMs = context.clock.nowMs();
  const pool = tickets.filter(isWaiting).map((one) => candidateOf(rules, matchTicketOf(one)));
  const xuidsOf = new Map(tickets.map(({ id, players }) => [id, players.map(({ xuid }) => xuid)]));
  const rows: TicketRow[] = [];
  for (const ticket of tickets.slice(0, shownMax)) {
    const isExplained = rows.length < explainedMax && isWaiting(ticket);
    const own = isExplained ? candidateOf(rules, matchTicketOf(ticket)) : undefined;
    const whyNot = own && explainTicket(rules, own, pool, nowMs);
    const nearest = whyNot?.nearest.map((one) => ({
      ...one,
      xuids: xuidsOf.get(one.ticketId) ?? [],
    }));
    rows.push({
      ...viewTicketRow(ticket),
      ...(whyNot && nearest && { whyNot: { ...whyNot, nearest } }),
    });
    // An explanation compares with every other ticket.
    if (isExplained) await yieldToEventLoop();
  }
  return {
    row: viewHopper(found, tickets),
    hopper: { ...hopper } as unknown as JsonObject,
    tickets: rows,
    matches,
  };
}

/** The tickets that a user is in. */
export async function readTicketsOf(context: Context, xuid: Xuid): Promise<readonly TicketRow[]> {
  const found: TicketRow[] = [];
  for (const one of hoppersOf(context)) {
    for (const ticket of await readTickets(context, one)) {
      if (ticket.players.some((player) => player.xuid === xuid)) found.push(viewTicketRow(ticket));
    }
  }
  return found;
}

function hoppersOf({ catalog }: Context): readonly NamedHopper[] {
  return [...catalog().values()].flatMap(({ scid, hoppers }) =>
    [...(hoppers?.values() ?? [])].map((hopper) => ({ scid, hopper })),
  );
}

/** Those who wait longest first. */
async function readTickets(
  { store }: Context,
  { scid, hopper }: NamedHopper,
): Promise<readonly TicketRecord[]> {
  const found: TicketRecord[] = [];
  for await (const { value } of new TicketStore(store).tickets(hopperKeyOf(scid, hopper.name))) {
    found.push(value);
    if (found.length >= readMax) break;
  }
  return found.sort((a, b) => a.sinceMs - b.sinceMs);
}

function isWaiting({ status }: TicketRecord): boolean {
  return status === 'searching';
}

function viewHopper({ scid, hopper }: NamedHopper, tickets: readonly TicketRecord[]): HopperRow {
  const waiting = tickets.filter(isWaiting);
  const [first] = waiting;
  return {
    scid,
    name: hopper.name,
    ticketsCount: waiting.length,
    playersCount: waiting.reduce((count, { players }) => count + players.length, 0),
    isCut: tickets.length >= readMax,
    ...(first && { waitingSinceMs: first.sinceMs }),
  };
}

function viewTicketRow(ticket: TicketRecord): TicketRow {
  const { id, scid, hopper, status, players, sinceMs, expiresMs, attributes, target } = ticket;
  return {
    id,
    scid,
    hopper,
    status,
    xuids: players.map(({ xuid }) => xuid),
    sinceMs,
    expiresMs,
    attributes,
    session: viewName(ticket.session),
    ...(target && { target: viewName(target) }),
  };
}
