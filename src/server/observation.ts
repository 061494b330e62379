import type { Observe } from '../observe/observers.ts';
import type { ServerSettings } from './options.ts';

/** What observes a server from its start to its end. */
export type Observation = AsyncDisposable & {
  /** Calls all of them; undefined when there is none. */
  readonly observe: Observe | undefined;
  /** Where warnings and faults go. */
  readonly log: ServerSettings['log'];
};

/** The observers that these settings ask for; nothing is loaded that was not asked for. */
export async function openObservation({
  requestLog = 'off',
  observe,
  log,
}: ServerSettings): Promise<Observation> {
  if (requestLog === 'off') return { observe, log, [Symbol.asyncDispose]: async () => undefined };
  const { openLog } = await import('../observe/open-log.ts');
  const { stdout } = process;
  const isColoured = stdout.isTTY && stdout.hasColors();
  const requests = await openLog(requestLog, stdout, { isColoured, warn: log });
  return {
    observe(event) {
      requests.observe(event);
      observe?.(event);
    },
    log: requests.warn,
    async [Symbol.asyncDispose]() {
      requests[Symbol.dispose]();
    },
  };
}
