/** What a node does by itself, again and again. */

import { followSearch } from '../search/follow-search.ts';
import { sweep } from '../directory/sweep.ts';
import type { Context } from '../directory/context.ts';
import type { Milliseconds } from '../domain/time.ts';
import { breathe } from '../platform/breathe.ts';
import { type Repeated, repeat } from '../platform/repeat.ts';
import type { ServerSettings } from './options.ts';

/**
 * A search handle that another node made is found here within a second. What this process commits is
 * in its index already.
 */
const searchIntervalMs: Milliseconds = 500;

/** Settles what is due, until it is disposed of; one that is under way then is cut short. */
export function startSweeper(
  world: Context,
  { sweepIntervalMs, log }: Pick<ServerSettings, 'sweepIntervalMs' | 'log'>,
): Repeated {
  let isClosing = false;
  const sweeper = repeat(
    async () => {
      // A full sweep leaves some for later; go on until one finds nothing it had to leave.
      while ((await sweep(world)) === 'more' && !isClosing) await breathe();
    },
    sweepIntervalMs,
    logged('sweep', log),
  );
  return {
    runNow: sweeper.runNow,
    [Symbol.asyncDispose]() {
      isClosing = true;
      return sweeper[Symbol.asyncDispose]();
    },
  };
}

/** Learns of the search handles that other nodes make and end, until it is disposed of. */
export function startSearchFollower(
  world: Context,
  { log }: Pick<ServerSettings, 'log'>,
): AsyncDisposable {
  return repeat(() => followSearch(world), searchIntervalMs, logged('search', log));
}

/** Tells of a run that failed, in a line. */
export function logged(what: string, log: ServerSettings['log']): (error: unknown) => void {
  return (error) => log(`${what}: ${error instanceof Error ? error.message : String(error)}`);
}
