import type { Milliseconds } from '../domain/time.ts';
import type { ObservedEvent } from './events.ts';
import type { Observe } from './observers.ts';
import { type LineOutput, type LineWriter, openLineWriter } from './line-writer.ts';
import { colourStyles, openTextLog, plainStyles } from './text-log.ts';

export type LogFormat = 'text' | 'json';

/** The log of a server that runs. Disposing writes what still waits. */
export type Log = Disposable & {
  readonly observe: Observe;
  /** Logs a fault or a warning of the server, or the end of one. */
  readonly warn: (text: string) => void;
};

/** How long events wait for others, so that their lines are made and written in one step. */
const gatherMs = 15;
/** Events that wait at most: each keeps its request in memory. */
const gatheredMax = 256;

/**
 * A log in this format to `output`; with colours in text if `isColoured`. Warnings are lines like the
 * others in JSON; in text they go to `warn` as they are.
 *
 * Lines are made of many events at a time: a processor that goes from requests to lines and back has to
 * load the code of both again each time, which costs more than the lines.
 */
export async function openLog(
  format: LogFormat,
  output: LineOutput,
  { isColoured, warn }: { readonly isColoured: boolean; readonly warn: (text: string) => void },
): Promise<Log> {
  let lineMs = 0;
  const { writer, observe, writeWarning } = await openLines(format);
  let gathered: { readonly event: ObservedEvent; readonly atMs: Milliseconds }[] = [];
  let timer: NodeJS.Timeout | undefined;
  let hasFailed = false;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const events = gathered;
    gathered = [];
    for (const { event, atMs } of events) {
      lineMs = atMs;
      try {
        observe(event);
      } catch (error) {
        // Nobody else is here to catch it.
        if (!hasFailed) warn(`error: a line of the log could not be made: ${String(error)}`);
        hasFailed = true;
      }
    }
    writer.flush();
  };

  return {
    observe(event) {
      gathered.push({ event, atMs: Date.now() });
      if (gathered.length >= gatheredMax) flush();
      else timer ??= setTimeout(flush, gatherMs).unref();
    },
    warn(text) {
      // In the order in which it happened.
      flush();
      lineMs = Date.now();
      writeWarning(text);
      writer.flush();
    },
    [Symbol.dispose]: flush,
  };

  async function openLines(as: LogFormat): Promise<Lines> {
    if (as === 'json') {
      const { openJsonLog } = await import('./json-log.ts');
      const formatLeftOut = (count: number): string =>
        `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), msg: leftOut(count) })}\n`;
      const writer = openLineWriter(output, formatLeftOut);
      const log = openJsonLog(
        (line) => writer.write(line),
        () => lineMs,
      );
      return { writer, observe: log.observe, writeWarning: log.warn };
    }
    const writer = openLineWriter(output, (count) => `${leftOut(count)}\n`);
    const styles = isColoured ? colourStyles : plainStyles;
    const formatEvent = openTextLog({ styles, nowMs: () => lineMs });
    return {
      writer,
      observe(event) {
        const line = formatEvent(event);
        if (line !== undefined) writer.write(line);
      },
      writeWarning: warn,
    };
  }
}

type Lines = {
  readonly writer: LineWriter;
  readonly observe: Observe;
  readonly writeWarning: (text: string) => void;
};

function leftOut(count: number): string {
  return `${count} lines were left out: what reads this log is too slow`;
}
