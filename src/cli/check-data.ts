import { statSync } from 'node:fs';
import { checkDataFile } from '../store/sqlite/check-data-file.ts';
import { dataFileOf } from '../store/sqlite/data-folder.ts';
import { StoreUnavailable } from '../store/store.ts';

type Io = {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
};

const help = `openmpsd check-data <folder or file>

Looks at everything in the SQLite file of a data folder, also while a server is running on it, and
changes nothing. Tells how far it is on stderr, and on stdout what is lost or damaged, a line each.
Ends with 0 when nothing is, else with 1.
`;

/** A line of progress each time so much more is done. */
const progressStep = 0.1;

/**
 * The exit code of `openmpsd check-data`: 0 when everything is whole, 1 when something is lost or
 * nothing can be read, 2 when no argument says what to check.
 */
export async function runCheckData(args: readonly string[], io: Io): Promise<number> {
  if (args.some((arg) => arg === '--help' || arg === '-h')) {
    io.stdout.write(help);
    return 0;
  }
  const [path, ...more] = args;
  const option = args.find((arg) => arg.startsWith('-'));
  if (option !== undefined || path === undefined || path === '' || more.length > 0) {
    const reason =
      option === undefined ? 'needs one folder or file' : `does not know the option ${option}`;
    io.stderr.write(`openmpsd check-data: ${reason}. See openmpsd check-data --help.\n`);
    return 2;
  }
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const file = isFolder ? dataFileOf(path) : path;
  let problemsCount = 0;
  try {
    const summary = checkDataFile(file, {
      progress: reportProgress(io),
      found(problem) {
        problemsCount += 1;
        io.stdout.write(`${problem}\n`);
      },
    });
    const counts = [...summary].map(([kind, count]) => `${count.toLocaleString('en')} ${kind}`);
    io.stdout.write(`${file}: ${[...counts, summaryOf(problemsCount)].join(', ')}\n`);
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    io.stderr.write(`openmpsd check-data: ${error.message}\n`);
    return 1;
  }
  return problemsCount === 0 ? 0 : 1;
}

function summaryOf(problemsCount: number): string {
  if (problemsCount === 0) return 'no problems';
  return `${problemsCount} ${problemsCount === 1 ? 'problem' : 'problems'}. What is named as lost is gone; a server on this file serves the rest. To have it back, restore a backup`;
}

function reportProgress({ stderr }: Io): (kind: string, done: number, total: number) => void {
  const told = new Map<string, number>();
  return (kind, done, total) => {
    const share = total === 0 ? 1 : done / total;
    const next = told.get(kind) ?? 0;
    if (share < next) return;
    told.set(kind, share === 1 ? Number.POSITIVE_INFINITY : share + progressStep);
    stderr.write(
      `${kind}s: ${done.toLocaleString('en')} of ${total.toLocaleString('en')} (${Math.round(share * 100)} %)\n`,
    );
  };
}
