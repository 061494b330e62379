import { openObservers, type Observers } from '../observe/observers.ts';
import type { AskedSettings } from './options.ts';

/** What observes a server from its start to its end. */
export type Observation = AsyncDisposable & {
  readonly observers: Observers;
  /** Where warnings and faults go. */
  readonly log: AskedSettings['log'];
};

/** The observers that these settings ask for; nothing is loaded that was not asked for. */
export async function openObservation({
  requestLog = 'off',
  observe,
  log: toOperator,
}: AskedSettings): Promise<Observation> {
  await using opened = new AsyncDisposableStack();
  let log = toOperator;
  const observers = openObservers((error) => {
    log(`An observer failed: ${error instanceof Error ? error.stack : String(error)}`);
  });
  if (observe) observers.add(observe);
  if (requestLog !== 'off') {
    const { openLog } = await import('../observe/open-log.ts');
    const { stdout } = process;
    const isColoured = stdout.isTTY && stdout.hasColors();
    const requests = opened.use(
      await openLog(requestLog, stdout, { isColoured, warn: toOperator }),
    );
    observers.add(requests.observe);
    log = requests.warn;
  }
  const parts = opened.move();
  return { observers, log, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}
