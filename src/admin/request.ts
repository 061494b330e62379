/** What the control API is asked for. */

import * as v from 'valibot';
import type { JsonObject } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import { isXuid } from '../domain/ids.ts';
import { exactObject, integer, parseShape, text, word } from '../domain/shape.ts';
import { latestTimeMs, type Milliseconds } from '../domain/time.ts';
import type { TapsControl } from './connections.ts';
import type { ForcedRefusal } from './forced-refusals.ts';

/** At least one of its members is there, and not both of `advanceMs` and `nowMs`. */
export type ClockRequest = {
  readonly freeze?: boolean | undefined;
  readonly advanceMs?: Milliseconds | undefined;
  readonly nowMs?: Milliseconds | undefined;
};

const flag = v.boolean('Expected true or false');
const time = integer(0, latestTimeMs);
const clockShape = exactObject({
  freeze: v.optional(flag),
  advanceMs: v.optional(time),
  nowMs: v.optional(time),
});

/** The request to the clock that a body makes. Refuses: requestInvalid. */
export function parseClockRequest(body: JsonObject): ClockRequest | Refusal {
  const request = parseShape(clockShape, body);
  if (request instanceof Refusal) return request;
  if (Object.keys(request).length === 0) {
    return invalid('$', 'Expected "freeze", "advanceMs" or "nowMs"');
  }
  if (request.advanceMs !== undefined && request.nowMs !== undefined) {
    return invalid('$.nowMs', 'The clock is advanced or set, not both at once; remove one');
  }
  return request;
}

/** How long a tap can be held back. */
export const tapDelayMsMax = 3_600_000;

const tapsShape = exactObject({
  delayMs: v.optional(integer(0, tapDelayMsMax)),
  drop: v.optional(flag),
});

/** What is to change of a connection's taps. Refuses: requestInvalid. */
export function parseTapsRequest(body: JsonObject): Partial<TapsControl> | Refusal {
  const request = parseShape(tapsShape, body);
  if (request instanceof Refusal) return request;
  const { delayMs, drop } = request;
  if (delayMs === undefined && drop === undefined) {
    return invalid('$', 'Expected "delayMs" or "drop"');
  }
  return { ...(delayMs !== undefined && { delayMs }), ...(drop !== undefined && { drop }) };
}

/** How many refusals may be wanted at a time, so that none is forgotten for good. */
export const forcedRefusalsMax = 100;

const refusalShape = exactObject({
  method: v.optional(word(['GET', 'PUT', 'POST', 'DELETE'])),
  path: text((path) => /^[/*][\x21-\x7e]{0,999}$/.test(path), 'a path such as "/handles/*"'),
  xuid: v.optional(text(isXuid, 'a xuid: decimal digits')),
  status: integer(400, 599),
  code: v.optional(text((code) => /^\w{1,64}$/.test(code), 'a code such as "tooBusy"')),
  retryAfterSeconds: v.optional(integer(0, 3_600)),
  times: v.optional(integer(1, 1_000_000)),
});

/** The bodies of the control API, for its description. */
export const controlBodies = {
  clock: clockShape,
  taps: tapsShape,
  refusal: refusalShape,
} as const;

/** Which requests are to be refused, and with what. Refuses: requestInvalid. */
export function parseForcedRefusal(body: JsonObject): ForcedRefusal | Refusal {
  const request = parseShape(refusalShape, body);
  if (request instanceof Refusal) return request;
  const { method, path, xuid, status, code, retryAfterSeconds, times = 1 } = request;
  return {
    path,
    status,
    times,
    ...(method !== undefined && { method }),
    ...(xuid !== undefined && { xuid }),
    ...(code !== undefined && { code }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  };
}

function invalid(path: string, expected: string): Refusal {
  return new Refusal('requestInvalid', `${path}: ${expected}.`, { detail: path });
}
