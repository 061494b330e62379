/** The same call again: too soon, by the clock, too early after a refusal; and calls that come in heaps. */

import type { Milliseconds } from '../time.ts';
import { type Call, callsByEndpoint, callsByUser, groupCalls, requestKeyOf } from './call.ts';
import { type Finding, findingOf, isFilled } from './finding.ts';

/** The same call within this time is a repeat. */
const repeatWithinMs = 5_000;
/** How often the same call at a steady pace is polling. */
const pollsMin = 5;
/** Steady: intervals differ from their median by no more than this part of it, or this time. */
const pollTolerance = 0.1;
const pollToleranceMs = 250;
/** Slower polls cost nobody anything. */
const pollIntervalMaxMs = 300_000;
/** How long a client waits at least before it tries again. */
const retryAfterMinMs = 2_000;

/** True of calls that clients have to make again and again. @source docs/wire/neighbours.md "Presence" */
function isHeartbeat({ service, verb, path }: Call): boolean {
  return service === 'userpresence' && verb === 'POST' && /\/devices\/current/i.test(path);
}

/** Where a user asked the same again within five seconds and got the same answer. */
export function findRepeatedCalls(calls: readonly Call[]): readonly Finding[] {
  return sameCalls(calls).flatMap((same) => {
    const repeats: Call[] = [];
    let before: Call | undefined;
    for (const call of same) {
      const isRepeat =
        before !== undefined &&
        call.atMs - before.atMs < repeatWithinMs &&
        isSuccess(before) &&
        isSuccess(call) &&
        before.answer !== undefined &&
        before.answer === call.answer;
      if (isRepeat && before !== undefined) {
        if (repeats.at(-1) !== before) repeats.push(before);
        repeats.push(call);
      }
      before = call;
    }
    return isFilled(repeats)
      ? [
          findingOf(repeats, {
            rule: 'repeat',
            severity: 'warning',
            sentence: `The same call ${repeats.length} times, within ${repeatWithinMs / 1000} s of each other, with the same answer.`,
            advice: 'Keep the answer, or ask once for all who need it.',
            windowMs: repeatWithinMs,
          }),
        ]
      : [];
  });
}

/** Where a user made the same call at a steady pace. */
export function findPolling(calls: readonly Call[]): readonly Finding[] {
  return sameCalls(calls)
    .filter(([first]) => first !== undefined && !isHeartbeat(first))
    .flatMap((same) => steadyStretches(same))
    .map(({ stretch, intervalMs }) =>
      findingOf(stretch, {
        rule: 'polling',
        severity: 'warning',
        sentence: `The same call ${stretch.length} times, every ${seconds(intervalMs)}.`,
        advice: /sessiondirectory|social|userpresence|notify/.test(stretch[0].service)
          ? 'Subscribe over RTA, and ask when something has changed.'
          : 'Ask when the user needs it.',
        windowMs: intervalMs,
      }),
    );
}

type Steady = { readonly stretch: readonly [Call, ...Call[]]; readonly intervalMs: Milliseconds };

/** The longest stretches of calls that follow each other at one pace. */
function steadyStretches(same: readonly Call[]): readonly Steady[] {
  const found: Steady[] = [];
  let stretch: Call[] = [];
  let sumMs = 0;
  const close = (): void => {
    if (stretch.length >= pollsMin && isFilled(stretch)) {
      found.push({ stretch, intervalMs: sumMs / (stretch.length - 1) });
    }
  };
  for (const call of same) {
    const last = stretch.at(-1);
    if (last === undefined) {
      stretch = [call];
      continue;
    }
    const intervalMs = call.atMs - last.atMs;
    const meanMs = stretch.length > 1 ? sumMs / (stretch.length - 1) : intervalMs;
    const isSteady =
      intervalMs > 0 &&
      intervalMs <= pollIntervalMaxMs &&
      Math.abs(intervalMs - meanMs) <= Math.max(meanMs * pollTolerance, pollToleranceMs);
    if (isSteady) {
      stretch.push(call);
      sumMs += intervalMs;
    } else {
      close();
      stretch = [last, call];
      sumMs = intervalMs;
    }
  }
  close();
  return found;
}

/** Where a user tried again before the service allowed it, or at once. */
export function findHastyRetries(calls: readonly Call[]): readonly Finding[] {
  return callsByUser(calls).flatMap((ofUser) =>
    callsByEndpoint(ofUser).flatMap((group) => [...tooEarly(group), ...atOnce(group)]),
  );
}

function tooEarly(group: readonly Call[]): readonly Finding[] {
  const hasty: Call[] = [];
  let until: Milliseconds = -Infinity;
  let seconds = 0;
  for (const call of group) {
    if (call.atMs < until) hasty.push(call);
    if (call.retryAfterSeconds !== undefined && call.status >= 400) {
      until = Math.max(until, call.endMs + call.retryAfterSeconds * 1000);
      seconds = call.retryAfterSeconds;
    }
  }
  if (!isFilled(hasty)) return [];
  return [
    findingOf(hasty, {
      rule: 'retry',
      severity: 'error',
      sentence: `${hasty.length === 1 ? 'A call' : `${hasty.length} calls`} before Retry-After had passed (the last one: ${seconds} s).`,
      advice: 'Make no call of this kind until Retry-After has passed.',
    }),
  ];
}

function atOnce(group: readonly Call[]): readonly Finding[] {
  const hasty: Call[] = [];
  for (const same of groupCalls(group, requestKeyOf)) {
    let failed: Call | undefined;
    for (const call of same) {
      const isEarly = failed !== undefined && call.atMs - failed.endMs < retryAfterMinMs;
      if (isEarly) hasty.push(call);
      const mayHelp = call.status === 408 || call.status === 429 || call.status >= 500;
      failed = mayHelp && call.retryAfterSeconds === undefined ? call : undefined;
    }
  }
  if (!isFilled(hasty)) return [];
  return [
    findingOf(hasty, {
      rule: 'retry',
      severity: 'warning',
      sentence: `${hasty.length === 1 ? 'A failed call was' : `${hasty.length} failed calls were`} tried again within ${retryAfterMinMs / 1000} s.`,
      advice: 'Wait 2 s, then twice as long each time, with some chance in it.',
      windowMs: retryAfterMinMs,
    }),
  ];
}

const burstWindowMs = 2_000;
const burstCallsMin = 3;
/** Shorter than this, nobody can tell what is usual. */
const usualWindowsMin = 10;

/**
 * Where a user called one service far more often within two seconds than usual: at least three times,
 * and more than the mean and two standard deviations of all two seconds between first and last call.
 */
export function findBursts(calls: readonly Call[]): readonly Finding[] {
  return callsByUser(calls).flatMap((ofUser) =>
    groupCalls(ofUser, ({ service }) => service).flatMap(burstsOf),
  );
}

function burstsOf(calls: readonly Call[]): readonly Finding[] {
  const [first] = calls;
  const last = calls.at(-1);
  if (first === undefined || last === undefined) return [];
  const windows = Math.floor((last.atMs - first.atMs) / burstWindowMs) + 1;
  if (windows < usualWindowsMin) return [];
  const byWindow = groupCalls(calls, ({ atMs }) =>
    String(Math.floor((atMs - first.atMs) / burstWindowMs)),
  );
  const mean = calls.length / windows;
  const squares = byWindow.reduce((sum, { length }) => sum + length * length, 0);
  const deviation = Math.sqrt(Math.max(squares / windows - mean * mean, 0));
  const usual = mean + 2 * deviation;
  return byWindow.flatMap((group) =>
    group.length >= burstCallsMin && group.length > usual && isFilled(group)
      ? [
          findingOf(group, {
            rule: 'burst',
            severity: 'warning',
            endpoint: first.service,
            sentence: `${group.length} calls within 2 s; on average it was ${mean.toFixed(1)} calls in 2 s.`,
            advice: 'Spread calls that are not urgent, or ask for several things at once.',
            windowMs: burstWindowMs,
          }),
        ]
      : [],
  );
}

/** Calls of one user that ask for the same. */
function sameCalls(calls: readonly Call[]): readonly (readonly Call[])[] {
  return callsByUser(calls)
    .flatMap((ofUser) => groupCalls(ofUser, requestKeyOf))
    .filter(({ length }) => length > 1);
}

function isSuccess({ status }: Call): boolean {
  return status >= 200 && status < 400;
}

function seconds(spanMs: Milliseconds): string {
  if (spanMs < 1000) return `${Math.max(1, Math.round(spanMs))} ms`;
  return `${(spanMs / 1000).toFixed(spanMs < 10_000 ? 1 : 0)} s`;
}
