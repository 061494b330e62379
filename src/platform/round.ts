let over: Promise<void> | undefined;

/**
 * Resolves when this round of the event loop has read all that there is to read, for everybody who
 * asks in it.
 *
 * So requests that came together are read one after the other, and then decided one after the other.
 * A processor that turns from the one to the other for each request has dropped from its caches what
 * it is about to need, and takes twice as long for both.
 */
export function roundOver(): Promise<void> {
  over ??= new Promise((resolve) => {
    setImmediate(() => {
      over = undefined;
      resolve();
    });
  });
  return over;
}
