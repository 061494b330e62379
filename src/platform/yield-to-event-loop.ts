/** Resolves once what else waits for this thread has had its turn: requests, timers, answers. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
