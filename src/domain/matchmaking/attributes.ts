/**
 * What tickets say about an attribute. An attribute of the ticket goes before those of its players.
 *
 * @source docs/wire/matchmaking.md "Attributes"
 */

import { isRawNumber, type Json } from '../json.ts';
import type { MatchTicket } from './ticket.ts';

type Parse<T> = (value: Json) => T | undefined;

/** The values of an attribute that are of the kind that `parse` takes. */
export type AttributeValues<T> = {
  /** That of the ticket. */
  readonly ofTicket?: T | undefined;
  /** Those of players who have one; empty where the ticket has its own. */
  readonly ofPlayers: readonly T[];
  /** Players without a value; 0 where the ticket has its own. */
  readonly missing: number;
};

/** What the ticket, or else each of its players, says about `attribute`. */
export function attributeValues<T>(
  { attributes, players }: MatchTicket,
  attribute: string,
  parse: Parse<T>,
): AttributeValues<T> {
  const own = Object.hasOwn(attributes, attribute) ? attributes[attribute] : undefined;
  const ofTicket = own === undefined ? undefined : parse(own);
  if (ofTicket !== undefined) return { ofTicket, ofPlayers: [], missing: 0 };
  const ofPlayers: T[] = [];
  for (const player of players) {
    const given = Object.hasOwn(player.attributes, attribute)
      ? player.attributes[attribute]
      : undefined;
    const value = given === undefined ? undefined : parse(given);
    if (value !== undefined) ofPlayers.push(value);
  }
  return { ofPlayers, missing: players.length - ofPlayers.length };
}

/**
 * All values of the ticket: its own, or those of its players, with the default for players who have
 * none. Undefined: the ticket goes with every other one. Null: a value is missing, so it goes with none.
 */
export function valuesOrWildcard<T>(
  ticket: MatchTicket,
  rule: {
    readonly attribute: string;
    readonly allowWildcards: boolean;
    readonly defaultValue?: T | undefined;
  },
  parse: Parse<T>,
): readonly T[] | undefined | null {
  const { ofTicket, ofPlayers, missing } = attributeValues(ticket, rule.attribute, parse);
  if (ofTicket !== undefined) return [ofTicket];
  if (missing === 0) return ofPlayers;
  if (rule.allowWildcards) return ofPlayers.length > 0 ? ofPlayers : undefined;
  const { defaultValue } = rule;
  if (defaultValue === undefined) return null;
  return [...ofPlayers, ...Array<T>(missing).fill(defaultValue)];
}

/** The number that a JSON value is, however it was written. */
export function parseNumber(value: Json): number | undefined {
  const number = isRawNumber(value) ? Number(value.rawJSON) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** The text that a JSON value is. */
export function parseText(value: Json): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The texts that a JSON array holds; undefined of an array with anything else in it. */
export function parseTexts(value: Json): readonly string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
    ? value
    : undefined;
}
