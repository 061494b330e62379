/** Resolves once the event loop has looked after everybody else who waits. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
