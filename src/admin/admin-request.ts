/** What operators ask of the admin API. */

import * as v from 'valibot';
import { limits } from '../domain/limits.ts';
import {
  type Guid,
  canonicalXuidForm,
  isCanonicalXuid,
  isGuid,
  isXuid,
  type Xuid,
} from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import { isOneLine } from '../domain/printable-text.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';
import { exactObject, integer, parseShape, text } from '../domain/shape.ts';

const reason = v.optional(
  text(
    (given) => given.length <= 500 && isOneLine(given),
    'a reason of at most 500 characters, in one line and without control characters',
  ),
);
const xuid = text(isXuid, 'a xuid: decimal digits');

const actShape = exactObject({ reason });
const kickShape = exactObject({ xuid, reason });
const banShape = exactObject({ seconds: integer(1, limits.banSecondsMax), reason });

/** The bodies of the admin API, for its description. */
export const adminBodies = { act: actShape, kick: kickShape, ban: banShape } as const;

/** Why an operator acts. Refuses: requestInvalid. */
export function parseAct(body: JsonObject): v.InferOutput<typeof actShape> | Refusal {
  return parseShape(actShape, body);
}

/** Whom an operator removes, and why. Refuses: requestInvalid. */
export function parseKick(body: JsonObject): v.InferOutput<typeof kickShape> | Refusal {
  return parseShape(kickShape, body);
}

/** For how long an operator bans, and why. Refuses: requestInvalid. */
export function parseBan(body: JsonObject): v.InferOutput<typeof banShape> | Refusal {
  return parseShape(banShape, body);
}

/**
 * The user that a path names. It may be one that cannot call, since a seat can be reserved for any digits, and
 * a former version banned any. Refuses: requestInvalid.
 */
export function parsePathXuid(given: string): Xuid | Refusal {
  return isXuid(given) ? given : invalid('xuid', `"${given.slice(0, 50)}" is no xuid.`);
}

/** The user that a path names, who can call. Refuses: requestInvalid. */
export function parsePathCaller(given: string): Xuid | Refusal {
  return isCanonicalXuid(given)
    ? given
    : invalid('xuid', `"${given.slice(0, 50)}" is no xuid of a caller: ${canonicalXuidForm}.`);
}

/** Which sessions are asked for. */
export type SessionListRequest = {
  readonly scid: Guid | undefined;
  /** Any letter case. */
  readonly templateName: string | undefined;
  /** A part of the name, in any letter case. */
  readonly text: string | undefined;
  readonly limit: number;
  readonly cursor: string | undefined;
};

const sessionsMax = 1_000;
const sessionsUsual = 100;

/** The sessions that a query asks for. Refuses: requestInvalid. */
export function parseSessionList(query: URLSearchParams): SessionListRequest | Refusal {
  const unknown = [...query.keys()].find((name) => !listParameters.has(name));
  if (unknown !== undefined) {
    return invalid(
      'query',
      `"${unknown.slice(0, 50)}" is not known here; known are ${[...listParameters].join(', ')}.`,
    );
  }
  const scid = query.get('scid') ?? undefined;
  if (scid !== undefined && !isGuid(scid)) return invalid('scid', 'scid is no GUID.');
  const limit = Number(query.get('limit') ?? sessionsUsual);
  if (!Number.isInteger(limit) || limit < 1 || limit > sessionsMax) {
    return invalid('limit', `limit must be an integer from 1 to ${sessionsMax}.`);
  }
  return {
    scid,
    templateName: query.get('template') ?? undefined,
    text: query.get('text') ?? undefined,
    limit,
    cursor: query.get('cursor') ?? undefined,
  };
}

/** What a query of sessions may have. */
export const listParameters: ReadonlySet<string> = new Set([
  'scid',
  'template',
  'text',
  'limit',
  'cursor',
]);

/** The time from which acts are asked for; 0 unless given. Refuses: requestInvalid. */
export function parseFrom(query: URLSearchParams): Milliseconds | Refusal {
  const from = query.get('from');
  if (from === null) return 0;
  const fromMs = Date.parse(from);
  return Number.isNaN(fromMs)
    ? invalid('from', 'from is no time such as 2026-01-31T12:00:00Z.')
    : fromMs;
}

function invalid(detail: string, sentence: string): Refusal {
  return new Refusal('requestInvalid', sentence, { detail });
}
