import type { Observe } from './observers.ts';
import { openLineWriter, type LineOutput } from './line-writer.ts';
import { colourStyles, openTextLog, plainStyles } from './text-log.ts';

export type LogFormat = 'text' | 'json';

/** The log of a server that runs. Disposing writes what still waits. */
export type Log = Disposable & {
  readonly observe: Observe;
  /** Logs a fault or a warning of the server. */
  readonly warn: (text: string) => void;
};

/**
 * A log in this format to `output`; with colours in text if `isColoured`. Warnings are lines like the
 * others in JSON; in text they go to `warn` as they are.
 */
export async function openLog(
  format: LogFormat,
  output: LineOutput,
  { isColoured, warn }: { readonly isColoured: boolean; readonly warn: (text: string) => void },
): Promise<Log> {
  if (format === 'json') {
    const { openJsonLog } = await import('./json-log.ts');
    const formatLeftOut = (count: number): string =>
      `${JSON.stringify({ level: 'warn', msg: leftOut(count) })}\n`;
    const writer = openLineWriter(output, formatLeftOut);
    const log = openJsonLog((line) => writer.write(line));
    return { ...log, [Symbol.dispose]: () => writer.flush() };
  }
  const writer = openLineWriter(output, (count) => `${leftOut(count)}\n`);
  const styles = isColoured ? colourStyles : plainStyles;
  const formatEvent = openTextLog({ styles, nowMs: Date.now });
  return {
    observe(event) {
      const line = formatEvent(event);
      if (line !== undefined) writer.write(line);
    },
    warn(text) {
      // In the order in which it happened.
      writer.flush();
      warn(text);
    },
    [Symbol.dispose]: () => writer.flush(),
  };
}

function leftOut(count: number): string {
  return `${count} lines were left out: what reads this log is too slow`;
}
