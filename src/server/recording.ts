import { openRecorder } from '../capture/recorder.ts';
import { systemClock } from '../platform/clock.ts';
import { fileProblemOf } from '../platform/file-problem.ts';
import { readPackageVersion } from '../platform/package-version.ts';
import { CannotStart } from './cannot-start.ts';
import type { NodeCore } from './core.ts';
import type { ServerSettings } from './options.ts';

/**
 * Records what a node does from now on in the file `path`, until it is disposed of.
 *
 * Throws CannotStart when the file is there or cannot be made.
 */
export async function startRecording(
  path: string,
  { observers }: Pick<NodeCore, 'observers'>,
  { log }: Pick<ServerSettings, 'log'>,
): Promise<AsyncDisposable> {
  const recorder = await openRecorder({
    path,
    version: await readPackageVersion(),
    nowMs: () => performance.timeOrigin + performance.now(),
    after: systemClock.after,
    failed: log,
  }).catch((error: NodeJS.ErrnoException) => {
    const reason =
      error.code === 'EEXIST'
        ? 'is there already; name another file'
        : `cannot be made: ${fileProblemOf(error, 'write')}`;
    throw new CannotStart([`--record ${path} ${reason}.`]);
  });
  const observing = observers.add(recorder.observe);
  return {
    async [Symbol.asyncDispose]() {
      await recorder[Symbol.asyncDispose]();
      observing[Symbol.dispose]();
    },
  };
}
