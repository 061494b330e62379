/**
 * The frames of RTA: JSON arrays, as text.
 *
 *     client   [1, sequence, "uri"]                                subscribe
 *              [2, sequence, subscriptionId]                       unsubscribe
 *     server   [1, sequence, 0, subscriptionId, data]              subscribed
 *              [1, sequence, code, "why", null]                    not subscribed
 *              [2, sequence, code]                                 unsubscribed
 *              [3, subscriptionId, data]                           event
 *              [4]                                                 resync
 *
 * @source docs/wire/rta.md "Frames"
 */

import type { Guid } from '../domain/ids.ts';

export type ClientFrame =
  | { readonly kind: 'subscribe'; readonly sequence: number; readonly uri: string }
  | { readonly kind: 'unsubscribe'; readonly sequence: number; readonly subscriptionId: number };

/** Answers to a subscribe or an unsubscribe. @source docs/wire/rta.md "Frames" */
export const codes = {
  success: 0,
  unknownResource: 1,
  subscriptionLimitReached: 2,
  noResourceData: 3,
  throttled: 1001,
  serviceUnavailable: 1002,
} as const;

export type Code = (typeof codes)[keyof typeof codes];

/**
 * The frame of a text; or, as a text, what was expected instead. NUL characters at the end are not
 * part of it: one client sends them.
 */
export function parseFrame(text: string): ClientFrame | string {
  let frame: unknown;
  try {
    frame = JSON.parse(withoutTrailingNuls(text));
  } catch {
    return 'Expected JSON: [1, sequence, "uri"] or [2, sequence, subscriptionId]';
  }
  if (!Array.isArray(frame)) return 'Expected a JSON array: [1, sequence, "uri"]';
  const [kind, sequence, operand] = frame as readonly unknown[];
  if (kind !== 1 && kind !== 2) return 'Expected 1 (subscribe) or 2 (unsubscribe) as first element';
  if (!isInteger(sequence)) return 'Expected an integer, the sequence number, as second element';
  if (kind === 1) {
    return typeof operand === 'string'
      ? { kind: 'subscribe', sequence, uri: operand }
      : 'Expected a string, the resource URI, as third element of a subscribe';
  }
  return isInteger(operand)
    ? { kind: 'unsubscribe', sequence, subscriptionId: operand }
    : 'Expected an integer, the subscription id, as third element of an unsubscribe';
}

/** No regular expression: it would read each run of NULs once for each NUL in it. */
function withoutTrailingNuls(text: string): string {
  let end = text.length;
  while (text.charCodeAt(end - 1) === 0) end -= 1;
  return text.slice(0, end);
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

/** `data` is JSON text. */
export function formatSubscribed(sequence: number, subscriptionId: number, data: string): string {
  return `[1,${sequence},${codes.success},${subscriptionId},${data}]`;
}

export function formatNotSubscribed(sequence: number, code: Code, why: string): string {
  return `[1,${sequence},${code},${JSON.stringify(why)},null]`;
}

export function formatUnsubscribed(sequence: number, code: Code): string {
  return `[2,${sequence},${code}]`;
}

/** `data` is JSON text. */
export function formatEvent(subscriptionId: number, data: string): string {
  return `[3,${subscriptionId},${data}]`;
}

/** Says that the client may have missed something, and must read its sessions again. */
export const resyncFrame = '[4]';

/** The data of an event with these taps, each JSON text. @source docs/wire/rta.md "Taps" */
export function formatTaps(ncid: Guid, taps: readonly string[]): string {
  return `{"ncid":"${ncid}","shoulderTaps":[${taps.join(',')}]}`;
}
