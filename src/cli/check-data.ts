import { formatPrintable } from '../domain/printable-text.ts';
import { checkDataFile, type WholeCount } from '../store/sqlite/check-data-file.ts';
import { dataFileAt } from '../store/sqlite/data-folder.ts';
import { adviceOnLeftLog } from '../store/sqlite/write-ahead-log.ts';
import { StoreUnavailable } from '../store/store.ts';
import { type ProgressIo, readOnePath } from './command-io.ts';
import { formatCount } from './count-text.ts';

const help = `openmpsd check-data <folder or file>

Looks at everything in the SQLite file of a data folder, also while a server is running on it, and
changes nothing. Writes what is lost or damaged to stdout, a line each, and to a terminal on stderr how far
it is. Ends with 0 when nothing is, else with 1.
`;

/** A line of progress each time so much more is done. */
const progressStep = 0.1;

/**
 * The exit code of `openmpsd check-data`: 0 when everything is whole, 1 when something is lost or
 * nothing can be read, 2 when no argument says what to check.
 */
export async function runCheckData(args: readonly string[], io: ProgressIo): Promise<number> {
  const path = readOnePath(args, { name: 'check-data', help, path: 'folder or file' }, io);
  if (typeof path === 'number') return path;
  let problemsCount = 0;
  try {
    const file = dataFileAt(path);
    const { wholeCounts, isCut } = checkDataFile(file, {
      progress: reportProgress(io),
      found(problem) {
        problemsCount += 1;
        io.stdout.write(`${formatPrintable(problem)}\n`);
      },
    });
    io.stdout.write(
      `${file}: ${[...formatCounts(wholeCounts), summaryOf(file, problemsCount, isCut)].join(', ')}\n`,
    );
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    io.stderr.write(`openmpsd check-data: ${error.message}\n`);
    return 1;
  }
  return problemsCount === 0 ? 0 : 1;
}

/** Such as "3 sessions", of each kind. */
export function formatCounts(counts: readonly WholeCount[]): readonly string[] {
  return counts.map(({ one, many, count }) => formatCount(count, one, many));
}

function summaryOf(file: string, problemsCount: number, isCut: boolean): string {
  if (problemsCount === 0) return 'no problems';
  // Whether the damage hinders a start is known only to a server, which writes at a start.
  const advice = isCut
    ? 'No server starts on this file, since it has been cut: restore a backup'
    : `What is named as lost is gone. A server that starts on this file serves the rest; if it says that the file is damaged and does not start, or to have all back, restore a backup. ${adviceOnLeftLog(file)}`;
  return `${formatCount(problemsCount, 'problem')}. ${advice}`;
}

/** Writes lines of how far the check is, where somebody sees them. */
export function reportProgress({
  stderr,
}: ProgressIo): (kinds: string, done: number, total: number) => void {
  // In the log of a backup it would be dozens of lines.
  if (stderr.isTTY !== true) return () => undefined;
  const nextShares = new Map<string, number>();
  return (kinds, done, total) => {
    const share = total === 0 ? 1 : done / total;
    const next = nextShares.get(kinds) ?? 0;
    if (share < next) return;
    nextShares.set(kinds, share === 1 ? Number.POSITIVE_INFINITY : share + progressStep);
    stderr.write(
      `${kinds}: ${done.toLocaleString('en')} of ${total.toLocaleString('en')} (${Math.round(share * 100)} %)\n`,
    );
  };
}
