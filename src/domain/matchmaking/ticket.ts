import type { Guid, Xuid } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import type { Milliseconds } from '../time.ts';

/** A group of players who look for a match together. They stay together. */
export type MatchTicket = {
  readonly id: Guid;
  /** When it began to wait. */
  readonly sinceMs: Milliseconds;
  /** When that ends: it is not matched from then on. Absent: never. */
  readonly expiresMs?: Milliseconds | undefined;
  /** At least one. */
  readonly players: readonly MatchPlayer[];
  readonly attributes: JsonObject;
  /** The session is kept: the others join it. */
  readonly preserved?: PreservedSession | undefined;
  /** Constants that the target session is to have. Tickets with other ones never meet. */
  readonly targetConstants?: JsonObject | undefined;
};

export type MatchPlayer = {
  readonly xuid: Xuid;
  /** What the member says about itself. */
  readonly attributes: JsonObject;
  /** To servers, by name. */
  readonly latenciesMs?: Readonly<Record<string, Milliseconds>> | undefined;
  /** The names of teams that a player of a preserved session is in. */
  readonly teams?: readonly string[] | undefined;
  /** Users with whom the player does not want to play. */
  readonly avoids?: readonly Xuid[] | undefined;
};

export type PreservedSession = {
  /** Places that are taken by reservations, besides those of the players. */
  readonly reservedCount: number;
  /** The server that the session is on; no other will do. */
  readonly server?: string | undefined;
};

/** Places of a match that this ticket takes. */
export function placesOf({ players, preserved }: MatchTicket): number {
  return players.length + (preserved?.reservedCount ?? 0);
}
