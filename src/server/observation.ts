import { openObservers, type Observers } from '../observe/observers.ts';
import type { RequestScope } from '../observe/request-scope.ts';
import type { Traces } from '../observe/traces.ts';
import { type AskedSettings, kindOfStore } from './options.ts';
import { readPackageVersion } from '../platform/package-version.ts';

/** What observes a server from its start to its end. */
export type Observation = AsyncDisposable & {
  readonly observers: Observers;
  /** Undefined where there are no traces. */
  readonly requestScope: RequestScope | undefined;
  /** Where warnings and faults go. */
  readonly log: AskedSettings['log'];
};

/** The observers that these settings ask for; nothing is loaded that was not asked for. */
export async function openObservation({
  requestLog = 'off',
  tracesUrl,
  observe,
  store,
  log: toOperator,
}: AskedSettings): Promise<Observation> {
  await using opened = new AsyncDisposableStack();
  let log = toOperator;
  const observers = openObservers((error) => {
    log(`error: an observer failed: ${error instanceof Error ? error.stack : String(error)}`);
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
  let requestScope: RequestScope | undefined;
  const traces = tracesUrl === undefined ? undefined : await openTracesTo(tracesUrl, store, log);
  if (traces !== undefined) {
    observers.add(opened.use(traces).observe);
    const { openRequestScope } = await import('../observe/request-scope.ts');
    requestScope = openRequestScope(traces.begin);
  }
  const parts = opened.move();
  return { observers, requestScope, log, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

/** Undefined, and said in the log, where the packages for it are not installed. */
async function openTracesTo(
  url: string,
  store: AskedSettings['store'],
  log: AskedSettings['log'],
): Promise<Traces | undefined> {
  try {
    const [{ openTraces }, version] = await Promise.all([
      import('../observe/traces.ts'),
      readPackageVersion(),
    ]);
    return openTraces({ url, version, store: kindOfStore(store), nowMs: Date.now });
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_MODULE_NOT_FOUND') {
      throw error;
    }
    log(
      'warning: there are no traces, since their packages are not installed: npm install @opentelemetry/sdk-trace-base @opentelemetry/exporter-trace-otlp-http @opentelemetry/resources',
    );
    return undefined;
  }
}
