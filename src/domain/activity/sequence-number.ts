import { isRawNumber } from '../json.ts';

/** What orders the updates of an activity: decimal digits without leading zeros, from 1 to 2^64-1. */
export type SequenceNumber = string;

const largest: SequenceNumber = '18446744073709551615';

/**
 * The sequence number that a client wrote, as a JSON number or as a string; undefined for what is
 * none. Every digit counts: clients send numbers beyond 2^53.
 *
 * @source docs/wire/activity.md "Sequence numbers"
 */
export function parseSequenceNumber(given: unknown): SequenceNumber | undefined {
  const text = typeof given === 'number' ? String(given) : textOf(given);
  const digits = /^0{0,20}([1-9]\d{0,19})$/.exec(text)?.[1];
  return digits === undefined || isNewer(digits, largest) ? undefined : digits;
}

function textOf(given: unknown): string {
  if (typeof given === 'string') return given;
  return isRawNumber(given) ? given.rawJSON : '';
}

/** True when `one` is larger than `other`. */
export function isNewer(one: SequenceNumber, other: SequenceNumber): boolean {
  return one.length === other.length ? one > other : one.length > other.length;
}
