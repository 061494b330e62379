/** Listeners of signals that many calls share. */

const listenersOf = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `listener` when `signal` is aborted, or at once if it is already. The function that comes back
 * ends that.
 *
 * The signal itself gets one listener however many there are here, since Node warns of more than ten,
 * and none when all have ended.
 */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined || signal.aborted) {
    if (signal !== undefined) listener();
    return () => {};
  }
  const listeners = listenersOf.get(signal) ?? new Set();
  listenersOf.set(signal, listeners);
  signal.addEventListener('abort', callListeners); // adds nothing when it is there
  const own = (): void => listener(); // two may be the same function
  listeners.add(own);
  return () => {
    listeners.delete(own);
    if (listeners.size === 0) signal.removeEventListener('abort', callListeners);
  };
}

function callListeners({ target }: Event): void {
  const listeners = listenersOf.get(target as AbortSignal) ?? [];
  for (const listener of listeners) {
    try {
      listener();
    } catch (error) {
      // As of listeners of the signal: it is reported, and the others are called.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
