/** Calls against the documented limits, and calls that the service refused for their number. */

import type { Milliseconds } from '../time.ts';
import { type Call, callsByUser, groupCalls } from './call.ts';
import { burstWindowMs, type CallLimit, callLimitOf, sustainedWindowMs } from './call-limits.ts';
import { type Finding, findingOf, isFilled } from './finding.ts';

/** A limit is near when this part of it is used. */
const nearlyAll = 0.9;

/**
 * Where a user called one service more often than documented, or nearly as often.
 *
 * Windows of the service begin at times that nobody knows, so every window of that length counts.
 */
export function findFrequentCalls(calls: readonly Call[]): readonly Finding[] {
  return callsByUser(calls).flatMap((ofUser) => {
    const limitOf = (call: Call): CallLimit | undefined => callLimitOf(call, call.body);
    const groups = groupCalls(ofUser, (call) => limitOf(call)?.name);
    return groups.flatMap((group) => {
      const limit = group[0] && limitOf(group[0]);
      return limit === undefined ? [] : findingsOf(group, limit);
    });
  });
}

function findingsOf(calls: readonly Call[], limit: CallLimit): readonly Finding[] {
  const certified = overruns(calls, sustainedWindowMs, limit.certified);
  return [
    ...certified.map((over) => frequencyFinding(over, limit, 'certified', sustainedWindowMs)),
    // What is over the limit of certification is over this one too: once is enough.
    ...(certified.length > 0 ? [] : findingsIn(calls, limit, 'sustained', sustainedWindowMs)),
    ...findingsIn(calls, limit, 'burst', burstWindowMs),
  ];
}

function findingsIn(
  calls: readonly Call[],
  limit: CallLimit,
  kind: 'burst' | 'sustained',
  windowMs: Milliseconds,
): readonly Finding[] {
  const allowed = limit[kind];
  const over = overruns(calls, windowMs, allowed);
  if (over.length > 0) return over.map((one) => frequencyFinding(one, limit, kind, windowMs));
  // Of a limit as small as 3 there is no nearly.
  const isNearable = allowed >= 10;
  const [near] = isNearable ? overruns(calls, windowMs, Math.ceil(allowed * nearlyAll) - 1) : [];
  if (near === undefined) return [];
  return [
    findingOf(near.calls, {
      rule: 'frequency',
      severity: 'warning',
      endpoint: limit.name,
      sentence: `${near.peak} calls in ${windowMs / 1000} s; ${allowed} are allowed.`,
      advice: 'Calls over the limit are refused with 429. Leave more room.',
      limit: allowed,
      windowMs,
    }),
  ];
}

function frequencyFinding(
  { calls, peak }: Overrun,
  limit: CallLimit,
  kind: 'burst' | 'sustained' | 'certified',
  windowMs: Milliseconds,
): Finding {
  const allowed = limit[kind];
  return findingOf(calls, {
    rule: 'frequency',
    severity: 'error',
    endpoint: limit.name,
    sentence: `${peak} calls in ${windowMs / 1000} s; ${allowed} are ${kind === 'certified' ? 'allowed by certification' : 'allowed'}.`,
    advice:
      kind === 'certified'
        ? 'The title fails certification (XR-132). Call less often, ask for several things at once, or subscribe.'
        : 'The service refuses what is over it with 429, until the window has passed. Call less often, ask for several things at once, or subscribe.',
    limit: allowed,
    windowMs,
  });
}

type Overrun = {
  readonly calls: readonly [Call, ...Call[]];
  /** The most calls in one window. */
  readonly peak: number;
};

/** The stretches of `calls`, which are in their order of time, in which a window has more than `allowed`. */
function overruns(
  calls: readonly Call[],
  windowMs: Milliseconds,
  allowed: number,
): readonly Overrun[] {
  const found: Overrun[] = [];
  let start = 0;
  let open: { from: number; to: number; peak: number } | undefined;
  const close = (): void => {
    const stretch = open === undefined ? [] : calls.slice(open.from, open.to + 1);
    if (open !== undefined && isFilled(stretch)) found.push({ calls: stretch, peak: open.peak });
    open = undefined;
  };
  calls.forEach(({ atMs }, at) => {
    while (start < at && (calls[start]?.atMs ?? 0) <= atMs - windowMs) start += 1;
    const count = at - start + 1;
    if (count <= allowed) return;
    if (open === undefined || start > open.to) {
      close();
      open = { from: start, to: at, peak: count };
    } else {
      open = { from: open.from, to: at, peak: Math.max(open.peak, count) };
    }
  });
  close();
  return found;
}

/** Calls that were answered 429, each kind of each user once. */
export function findThrottledCalls(calls: readonly Call[]): readonly Finding[] {
  const throttled = calls.filter(({ status }) => status === 429);
  return callsByUser(throttled).flatMap((ofUser) =>
    groupCalls(ofUser, ({ service }) => service).flatMap((group) =>
      isFilled(group)
        ? [
            findingOf(group, {
              rule: 'throttled',
              severity: 'error',
              sentence: `${group.length === 1 ? 'A call was' : `${group.length} calls were`} answered 429: too many requests.`,
              advice:
                'Refused calls count too. Wait for Retry-After, and call less often before that.',
            }),
          ]
        : [],
    ),
  );
}
