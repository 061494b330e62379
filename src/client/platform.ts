/** The client's defaults for what the machine provides. */

import { onAbort } from './abort-listeners.ts';
import type { Guid } from './session-document.ts';

/** Resolves after `ms`; rejects with the signal's reason when that is aborted before. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

/** As `Sleep`. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return startSleep(ms, signal, () => undefined);
}

/** As `sleep`, but a process that has nothing else to do ends meanwhile. */
export function sleepInBackground(ms: number, signal: AbortSignal): Promise<void> {
  // Only Node has this; pages end by themselves.
  return startSleep(ms, signal, (timer) => (timer as { unref?: () => void }).unref?.());
}

function startSleep(
  ms: number,
  signal: AbortSignal,
  started: (timer: ReturnType<typeof setTimeout>) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const timer = setTimeout(() => {
      stop();
      resolve();
    }, ms);
    started(timer);
    const stop = onAbort(signal, () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

const dayMs = 86_400_000;

/** Keeps the process alive until it is disposed of. */
export function holdProcess(): Disposable {
  const timer = setInterval(() => undefined, dayMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** A random GUID of version 4. `crypto.randomUUID` is missing from pages that did not come over TLS. */
export function newGuid(): Guid {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const variant = '89ab'.charAt((bytes[8] ?? 0) & 3);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
}
