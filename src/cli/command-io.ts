import { wrapText } from './wrap-text.ts';

/** What a command needs of the process that runs it. */
export type CommandIo = Pick<
  NodeJS.Process,
  'stdin' | 'stdout' | 'stderr' | 'env' | 'once' | 'on' | 'off' | 'exit'
>;

/** Where a command writes. */
export type OutputIo = {
  readonly stdout: {
    write(text: string): unknown;
    /** How wide the terminal is; undefined where it is none. */
    readonly columns?: number | undefined;
  };
  readonly stderr: { write(text: string): unknown };
};

/** As `OutputIo`, of a command that shows on a terminal how far it is. */
export type ProgressIo = OutputIo & {
  readonly stderr: OutputIo['stderr'] & { readonly isTTY?: boolean | undefined };
};

/** A terminal that is narrower, or does not say how wide it is (0), gets the help as it is. */
const columnsMin = 40;

/** Writes `help`; on a terminal lines break between words. */
export function writeHelp({ stdout }: Pick<OutputIo, 'stdout'>, help: string): void {
  const { columns = 0 } = stdout;
  stdout.write(columns < columnsMin ? help : wrapText(help, columns));
}

/**
 * Writes what is wrong with the options of a command, a line each, and where its help is. The exit code of
 * every command that was misused: 2.
 */
export function reportMisuse(
  { stderr }: Pick<OutputIo, 'stderr'>,
  name: string,
  problems: readonly string[],
): 2 {
  const lines = problems.map((problem) => `openmpsd ${name}: ${problem}`).join('\n');
  stderr.write(`${lines} See openmpsd ${name} --help.\n`);
  return 2;
}

/**
 * The options that `parse` gives; else the exit code, after the help or what is wrong has been written: 0
 * when `parse` gives `help`, 2 when it throws.
 */
export function readOptions<Options extends object>(
  { name, help }: { readonly name: string; readonly help: string },
  io: OutputIo,
  parse: () => Options | 'help',
): Options | 0 | 2 {
  let options: Options | 'help';
  try {
    options = parse();
  } catch (error) {
    return reportMisuse(io, name, [error instanceof Error ? error.message : String(error)]);
  }
  if (options !== 'help') return options;
  writeHelp(io, help);
  return 0;
}

/** A command that has one argument, the path of something. */
type PathCommand = {
  /** As it is called after `openmpsd`. */
  readonly name: string;
  readonly help: string;
  /** What the path leads to: completes "needs one". */
  readonly path: string;
};

/**
 * The one path that `args` are; else the exit code, after the help or what is wrong has been written:
 * 0 when the help was asked for, 2 for anything else.
 */
export function readOnePath(
  args: readonly string[],
  { name, help, path: expected }: PathCommand,
  io: OutputIo,
): string | number {
  if (args.some((arg) => arg === '--help' || arg === '-h')) {
    writeHelp(io, help);
    return 0;
  }
  const [path, ...more] = args;
  const option = args.find((arg) => arg.startsWith('-'));
  if (option === undefined && path !== undefined && path !== '' && more.length === 0) return path;
  const reason =
    option === undefined
      ? `needs one ${expected}`
      : `does not know the option ${option.split('=', 1)[0]}`;
  return reportMisuse(io, name, [`${reason}.`]);
}
