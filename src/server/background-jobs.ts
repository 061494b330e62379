/** The periodic work of a node. */

import { followSearch } from '../search/follow-search.ts';
import { sweepActivities } from '../activity/activities.ts';
import { sweepActivityInvites } from '../activity/invites.ts';
import { sweepHistory } from '../history/forget-history.ts';
import { sweep, type SweepStep } from '../directory/sweep.ts';
import type { Context } from '../directory/context.ts';
import type { Matchmaker } from '../matchmaking/matchmaker.ts';
import { matchIntervalMs, pauseBetweenRuns } from '../matchmaking/match-interval.ts';
import type { Milliseconds } from '../domain/time.ts';
import { sweepPresence } from '../neighbours/presence.ts';
import { storeSeenNames } from '../neighbours/profiles.ts';
import { systemClock } from '../platform/clock.ts';
import { yieldToEventLoop } from '../platform/yield-to-event-loop.ts';
import { type RepeatedTask, repeat } from '../platform/repeat.ts';
import type { ServerSettings } from './options.ts';
import { RunLog } from './run-log.ts';

/**
 * A search handle that another node made is found here within a second. What this process commits is
 * in its index already.
 */
const searchIntervalMs: Milliseconds = 500;

/** What the sweep does for the services beside the directory. */
const services: readonly SweepStep[] = [
  storeSeenNames,
  sweepPresence,
  sweepActivities,
  sweepActivityInvites,
  sweepHistory,
];

/** Sweeps, with these steps as well, until it is disposed of; a sweep that is under way then is cut short. */
export function startSweeper(
  context: Context,
  { sweepIntervalMs, log }: Pick<ServerSettings, 'sweepIntervalMs' | 'log'>,
  more: readonly SweepStep[],
): RepeatedTask {
  const steps = [...services, ...more];
  let isClosing = false;
  const runLog = new RunLog('sweep', log, systemClock.elapsedMs);
  const sweeper = repeat(
    runLog.watch(async () => {
      // A sweep handles a part of what is due: repeated until nothing is left.
      while ((await sweep(context, steps)) === 'more' && !isClosing) await yieldToEventLoop();
    }),
    sweepIntervalMs,
    runLog.failed,
  );
  return {
    runNow: sweeper.runNow,
    [Symbol.asyncDispose]() {
      isClosing = true;
      return sweeper[Symbol.asyncDispose]();
    },
  };
}

/** Matches the tickets of hoppers until it is disposed of; a run that is under way then is cut short. */
export function startMatching(
  matchmaker: Matchmaker,
  { log }: Pick<ServerSettings, 'log'>,
): RepeatedTask {
  let isClosing = false;
  const runLog = new RunLog('matchmaking', log, systemClock.elapsedMs);
  const matching = repeat(
    runLog.watch(async () => {
      while ((await matchmaker.run()) === 'more' && !isClosing) await yieldToEventLoop();
    }),
    matchIntervalMs,
    runLog.failed,
    pauseBetweenRuns,
  );
  return {
    runNow: matching.runNow,
    [Symbol.asyncDispose]() {
      isClosing = true;
      return matching[Symbol.asyncDispose]();
    },
  };
}

/** Follows the search handles that other nodes make and end, until it is disposed of. */
export function startSearchFollower(
  context: Context,
  { log }: Pick<ServerSettings, 'log'>,
): AsyncDisposable {
  const runLog = new RunLog('search', log, systemClock.elapsedMs);
  return repeat(
    runLog.watch(() => followSearch(context)),
    searchIntervalMs,
    runLog.failed,
  );
}
