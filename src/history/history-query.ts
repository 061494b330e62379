import type { Json, JsonObject } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';

export type HistoryQuery = {
  readonly by: 'xuid' | 'gamertag' | 'correlation';
  readonly value: string;
  /** Sessions that changed between these times, both included. */
  readonly startMs: Milliseconds;
  readonly endMs: Milliseconds;
  readonly skip: number;
  readonly take: number;
};

const takeMax = 100;

/**
 * What a query asks for.
 *
 * Refuses: requestInvalid.
 *
 * @source docs/wire/history.md "Queries"
 */
export function parseHistoryQuery(
  query: URLSearchParams,
  { xuid, gamertag, correlationId, startAt, endAt }: JsonObject,
): HistoryQuery | Refusal {
  const subject = subjectOf(xuid, gamertag, correlationId);
  if (subject instanceof Refusal) return subject;
  const [startMs, endMs] = [startAt ?? 0, endAt ?? Number.MAX_SAFE_INTEGER].map(timeOf);
  if (startMs === undefined) return invalid('startAt', timeExpectation);
  if (endMs === undefined) return invalid('endAt', timeExpectation);
  const take = countOf(query.get('take') ?? String(takeMax), takeMax);
  if (take === undefined || take === 0) return invalid('take', `a number from 1 to ${takeMax}`);
  const skip = countOf(query.get('continuationtoken') ?? '0', 1_000_000);
  if (skip === undefined) return invalid('continuationtoken', 'the token of an answer');
  return { ...subject, startMs, endMs, skip, take };
}

function subjectOf(
  xuid: Json | undefined,
  gamertag: Json | undefined,
  correlationId: Json | undefined,
): Pick<HistoryQuery, 'by' | 'value'> | Refusal {
  const count = [xuid, gamertag, correlationId].filter((one) => one !== undefined).length;
  if (count !== 1) return invalid('$', 'one of xuid, gamertag and correlationId');
  if (xuid !== undefined) {
    return /^\d{1,20}$/.test(String(xuid))
      ? { by: 'xuid', value: String(xuid) }
      : invalid('$.xuid', 'decimal digits');
  }
  if (typeof gamertag === 'string' && gamertag.length <= 100) {
    return { by: 'gamertag', value: gamertag };
  }
  if (gamertag !== undefined) return invalid('$.gamertag', 'a text');
  return typeof correlationId === 'string' && correlationId.length <= 100
    ? { by: 'correlation', value: correlationId.toLowerCase() }
    : invalid('$.correlationId', 'a text');
}

const timeExpectation = 'a time such as "2026-11-30T06:00:00Z" or "/Date(1796018400000)/"';

/** A time as the viewer writes it, as JSON usually has it, or in milliseconds. */
function timeOf(value: unknown): Milliseconds | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || value.length > 100) return undefined;
  const [, ms] = /^\/Date\((-?\d{1,16})(?:[+-]\d{4})?\)\/$/.exec(value) ?? [];
  const timeMs = ms === undefined ? Date.parse(value) : Number(ms);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

function countOf(text: string, max: number): number | undefined {
  return /^\d{1,7}$/.test(text) && Number(text) <= max ? Number(text) : undefined;
}

function invalid(detail: string, expected: string): Refusal {
  return new Refusal('requestInvalid', `Expected ${expected} at ${detail}.`, { detail });
}
