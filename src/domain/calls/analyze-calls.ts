/**
 * What certification would say about calls.
 *
 * @source docs/captures.md "What certification looks at"
 */

import { findSessionWrites, findUnbatchedCalls } from './batches.ts';
import { type Call, callsByEndpoint, endpointOf } from './call.ts';
import { burstWindowMs, callLimitOf, sustainedWindowMs } from './call-limits.ts';
import type { Finding } from './finding.ts';
import { findFrequentCalls, findThrottledCalls } from './frequency.ts';
import { findBursts, findHastyRetries, findPolling, findRepeatedCalls } from './repeats.ts';

/** The calls of one kind, of all users, in numbers. */
export type EndpointStatistics = {
  readonly endpoint: string;
  readonly calls: number;
  readonly users: number;
  readonly failed: number;
  /** The most calls of one user in a window of 15 s, and of 300 s. */
  readonly burstPeak: number;
  readonly sustainedPeak: number;
  /** What the limit that counts these calls is called. */
  readonly limit?: string;
};

export type Analysis = {
  /** Errors first, then in the order of time. */
  readonly findings: readonly Finding[];
  /** The most frequent first. */
  readonly endpoints: readonly EndpointStatistics[];
};

const rules: readonly ((calls: readonly Call[]) => readonly Finding[])[] = [
  findFrequentCalls,
  findThrottledCalls,
  findHastyRetries,
  findPolling,
  findRepeatedCalls,
  findUnbatchedCalls,
  findBursts,
  findSessionWrites,
];

/** What every rule has to say about `calls`, which may be in any order. */
export function analyzeCalls(calls: readonly Call[]): Analysis {
  const ordered = calls.toSorted((a, b) => a.atMs - b.atMs);
  const findings = rules
    .flatMap((find) => find(ordered))
    .toSorted(
      (a, b) =>
        Number(b.severity === 'error') - Number(a.severity === 'error') || a.fromMs - b.fromMs,
    );
  const endpoints = callsByEndpoint(ordered)
    .map(statisticsOf)
    .toSorted((a, b) => b.calls - a.calls || (a.endpoint < b.endpoint ? -1 : 1));
  return { findings, endpoints };
}

function statisticsOf(calls: readonly Call[]): EndpointStatistics {
  const [first] = calls;
  const byUser = Map.groupBy(calls, ({ user }) => user);
  const peak = (windowMs: number): number =>
    [...byUser.values()].reduce((most, own) => Math.max(most, peakOf(own, windowMs)), 0);
  const limit = first && callLimitOf(first, first.body);
  return {
    endpoint: first === undefined ? '' : endpointOf(first),
    calls: calls.length,
    users: byUser.size,
    failed: calls.filter(({ status }) => status === 0 || status >= 400).length,
    burstPeak: peak(burstWindowMs),
    sustainedPeak: peak(sustainedWindowMs),
    ...(limit !== undefined && { limit: limit.name }),
  };
}

function peakOf(calls: readonly Call[], windowMs: number): number {
  let start = 0;
  let most = 0;
  calls.forEach(({ atMs }, at) => {
    while ((calls[start]?.atMs ?? 0) <= atMs - windowMs) start += 1;
    most = Math.max(most, at - start + 1);
  });
  return most;
}
