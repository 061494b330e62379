/**
 * What a ticket takes from its session.
 *
 * @source docs/wire/matchmaking.md "Tickets"
 */

import type { Xuid } from '../ids.ts';
import { isJsonObject, jsonEquals, type JsonObject } from '../json.ts';
import type { Member, Session } from '../session/session.ts';
import type { Milliseconds } from '../time.ts';
import type { TicketRecord } from './ticket-record.ts';
import type { MatchPlayer, PreservedSession } from './ticket.ts';

/** Whom each player does not want to meet. */
export type Avoids = ReadonlyMap<Xuid, readonly Xuid[]>;

export type Snapshot = Pick<TicketRecord, 'players' | 'preserved' | 'targetConstants'>;

/** The players of a session, who are more than reservations. */
export function playersIn({ members }: Session): readonly Member[] {
  return members.filter(({ status }) => status !== 'reserved');
}

/** What a ticket of this session has from it. */
export function snapshotOf(session: Session, isPreserved: boolean, avoids: Avoids): Snapshot {
  const { matchmaking } = session.properties.system;
  const players = playersIn(session);
  const preserved: PreservedSession = {
    reservedCount: session.members.length - players.length,
    ...(matchmaking?.serverConnectionString !== undefined && {
      server: matchmaking.serverConnectionString,
    }),
  };
  return {
    players: players.map((member) => playerOf(member, isPreserved, avoids.get(member.xuid) ?? [])),
    ...(isPreserved && { preserved }),
    ...(matchmaking?.targetSessionConstants && {
      targetConstants: matchmaking.targetSessionConstants,
    }),
  };
}

function playerOf(
  { xuid, properties }: Member,
  isPreserved: boolean,
  avoids: readonly Xuid[],
): MatchPlayer {
  const { serverMeasurements, groups } = properties.system;
  const { matchAttrs } = properties.custom;
  // Of a preserved session the server is given.
  const latenciesMs = isPreserved ? {} : latenciesOf(serverMeasurements);
  return {
    xuid,
    attributes: isJsonObject(matchAttrs) ? matchAttrs : {},
    ...(Object.keys(latenciesMs).length > 0 && { latenciesMs }),
    ...(isPreserved && groups && { teams: groups }),
    ...(avoids.length > 0 && { avoids }),
  };
}

function latenciesOf(
  measurements: Member['properties']['system']['serverMeasurements'],
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(measurements ?? {}).flatMap(([server, { latency }]) =>
      latency === undefined ? [] : [[server, latency]],
    ),
  );
}

/** How a ticket stands to its session, before it is matched. */
export type TicketCheck =
  | 'good'
  /** The session is gone, or everybody has left it, or it has another ticket. */
  | 'over'
  /** The session does not show the ticket yet. */
  | 'early'
  /** What the ticket is from now on. */
  | { readonly changed: Snapshot };

/** How long a session may take to show its ticket. */
const showsWithinMs: Milliseconds = 30_000;

/**
 * Whether a ticket may be matched as it is. Players who have left do not come along. `followed` is given
 * where the hopper follows its sessions: what the ticket would have from the session now.
 */
export function checkTicket(
  ticket: TicketRecord,
  session: Session | undefined,
  followed: Snapshot | undefined,
  nowMs: Milliseconds,
): TicketCheck {
  if (session === undefined || session.branch !== ticket.branch) return 'over';
  if (ticketIdOf(session) !== ticket.id) {
    return nowMs - ticket.sinceMs < showsWithinMs ? 'early' : 'over';
  }
  const next = followed ?? withoutLeavers(ticket, session);
  if (next.players.length === 0) return 'over';
  const held: Snapshot = pickSnapshot(ticket);
  return jsonEquals(next, held) ? 'good' : { changed: next };
}

/** The ticket without the players who have left, and with the places that are reserved now. */
function withoutLeavers(ticket: TicketRecord, session: Session): Snapshot {
  const there = new Set(playersIn(session).map(({ xuid }) => xuid));
  const held = pickSnapshot(ticket);
  const reservedCount = session.members.length - there.size;
  return {
    ...held,
    players: ticket.players.filter(({ xuid }) => there.has(xuid)),
    ...(held.preserved && { preserved: { ...held.preserved, reservedCount } }),
  };
}

function pickSnapshot({ players, preserved, targetConstants }: Snapshot): Snapshot {
  return {
    players,
    ...(preserved && { preserved }),
    ...(targetConstants && { targetConstants }),
  };
}

/** The id of the ticket that the session shows last, whatever became of it. */
export function ticketIdOf(session: Session): string | undefined {
  const id = entryOf(session)?.custom.ticketId;
  return typeof id === 'string' ? id : undefined;
}

/** The status that the session shows of its ticket. */
export function shownStatusOf(session: Session): string | undefined {
  const status = entryOf(session)?.system.status;
  return typeof status === 'string' ? status : undefined;
}

function entryOf({
  servers,
}: Session): { readonly system: JsonObject; readonly custom: JsonObject } | undefined {
  return Object.hasOwn(servers, 'matchmaking') ? servers['matchmaking']?.properties : undefined;
}
