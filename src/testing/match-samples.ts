/** Hoppers and tickets for tests of matchmaking. */

import type { JsonObject } from '../domain/json.ts';
import { type Hopper, hopperDefaults } from '../domain/matchmaking/hopper.ts';
import type { MatchPlayer, MatchTicket } from '../domain/matchmaking/ticket.ts';
import type { Milliseconds } from '../domain/time.ts';

/** A hopper for two players without rules, other than what `changes` say. */
export function sampleHopper(changes: Partial<Hopper> = {}): Hopper {
  return {
    name: 'sample',
    sessionTemplate: 'GameSession',
    minGroupSize: 2,
    maxGroupSize: 2,
    ...hopperDefaults,
    isRanked: false,
    followsSession: false,
    rules: [],
    ...changes,
  };
}

let ticketsCount = 0;

/** A ticket of so many players who say nothing by themselves. */
export function sampleTicket(
  attributes: JsonObject = {},
  more: Partial<MatchTicket> & { readonly size?: number } = {},
): MatchTicket {
  const { size = 1, ...changes } = more;
  ticketsCount += 1;
  const id = `ticket-${String(ticketsCount).padStart(6, '0')}`;
  const players = Array.from({ length: size }, (_, i) => samplePlayer(`${ticketsCount}0${i}`));
  return { id, sinceMs: 0, attributes, players, ...changes };
}

/** A player of a ticket. */
export function samplePlayer(
  xuid: string,
  attributes: JsonObject = {},
  latenciesMs?: Readonly<Record<string, Milliseconds>>,
): MatchPlayer {
  return { xuid, attributes, ...(latenciesMs && { latenciesMs }) };
}
