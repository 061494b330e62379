import { EventEmitter } from 'node:events';
import type { CommandIo } from '../cli/command-io.ts';

/** A command that runs until Ctrl-C, and the lines that it prints, as they come. */
export function startCommand(
  run: (args: readonly string[], io: CommandIo) => Promise<number>,
  args: readonly string[],
) {
  const signals = new EventEmitter();
  const lines: string[] = [];
  let err = '';
  let wake = () => {};
  const io = {
    stdout: {
      write(text: string) {
        lines.push(text.replace(/\n$/, ''));
        wake();
      },
    },
    stderr: { write: (text: string) => (err += text) },
    env: {},
    once: (name: string, listener: () => void) => signals.once(name, listener),
    off: (name: string, listener: () => void) => signals.off(name, listener),
  };
  return {
    ended: run(args, io as unknown as CommandIo),
    /** Those that nobody has read. */
    lines,
    errors: () => err,
    interrupt: () => signals.emit('SIGINT'),
    listeners: () => signals.eventNames(),
    async line(): Promise<string> {
      while (lines.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return lines.shift() ?? '';
    },
  };
}
