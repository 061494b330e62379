import { setTimeout as pause } from 'node:timers/promises';

/**
 * What `look` finds, as soon as it finds something; processes of their own tell nobody. Throws when
 * that is not so within `withinMs`.
 */
export async function within<T>(
  withinMs: number,
  what: string,
  look: () => Promise<T | false | undefined>,
): Promise<T> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== false && found !== undefined) return found;
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await pause(50);
  }
}
