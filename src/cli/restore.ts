/** `openmpsd restore`: a backup becomes the data of a server. */

import { joinProblems, parseFlags } from '../config/flags.ts';
import { formatPrintable } from '../domain/printable-text.ts';
import {
  checkDataFile,
  type DataFileListener,
  type DataFileSummary,
} from '../store/sqlite/check-data-file.ts';
import { dataFileAt, dataFileOf } from '../store/sqlite/data-folder.ts';
import { restoreDataFile } from '../store/sqlite/restore-data-file.ts';
import { UnusableFile } from '../store/sqlite/sqlite-errors.ts';
import { StoreUnavailable } from '../store/store.ts';
import { formatCounts, reportProgress } from './check-data.ts';
import { type ProgressIo, readOptions } from './command-io.ts';
import { formatCount } from './count-text.ts';

const help = `openmpsd restore <backup> --data <folder>: puts a backup in the place of the data file of a server.

  <backup>          A SQLite file of OpenMPSD, or a data folder that was copied as a whole; it stays
                    as it is
  --data <folder>   Data folder of the server, which must not be running; it is made if it is not
                    there
  --replace         Also where there is data already, which is kept beside under a name with the
                    date: openmpsd.db.before-20260131T120000Z

First the backup is checked as openmpsd check-data does it, and refused if anything of it is lost.
Where the command is interrupted, the former data or that of the backup is there; the next start of
a server does what is left to do. Run it as the user of the server.

The exit code is 0 when the data is that of the backup, 1 when it is refused or cannot be written,
2 when the command is misused.
`;

type RestoreIo = ProgressIo & { readonly nowMs: number };

type RestoreOptions = {
  readonly path: string;
  readonly folder: string;
  readonly mayReplace: boolean;
};

/** The exit code of `openmpsd restore`: 0 restored, 1 refused or not writable, 2 misused. */
export async function runRestore(args: readonly string[], io: RestoreIo): Promise<number> {
  const options = readOptions({ name: 'restore', help }, io, () => parseOptions(args));
  if (typeof options === 'number') return options;
  const { path, folder, mayReplace } = options;
  const file = dataFileOf(folder);
  const say = (text: string): void => {
    io.stderr.write(`openmpsd restore: ${formatPrintable(text)}\n`);
  };
  try {
    const backup = dataFileAt(path);
    let problemsCount = 0;
    const found = (problem: string): void => {
      problemsCount += 1;
      say(`${backup}: ${problem}`);
    };
    const summary = checkBackup(backup, { progress: reportProgress(io), found });
    if (problemsCount > 0) {
      say(
        `${backup} is not restored: ${formatCount(problemsCount, 'problem')}. Nothing has changed. Take another backup.`,
      );
      return 1;
    }
    const { nowMs } = io;
    const former = restoreDataFile({ backup, file, mayReplace, nowMs });
    const kept = former === undefined ? '' : ` The former data is kept: ${former}.`;
    io.stdout.write(`${file}: ${describe(summary)} of ${backup}.${kept}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    say(error.message);
    return 1;
  }
}

/** Throws StoreUnavailable without the advice that is for the data file of a server. */
function checkBackup(backup: string, listener: DataFileListener): DataFileSummary {
  try {
    return checkDataFile(backup, listener);
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    const [problem, advice] =
      error instanceof UnusableFile
        ? [error.problem, ' Take another backup.']
        : [error.message, ''];
    throw new StoreUnavailable(
      `${backup} cannot be restored: ${problem} Nothing has changed.${advice}`,
      { cause: error },
    );
  }
}

/** What was restored. Of a former schema nothing is counted. */
function describe({ wholeCounts }: DataFileSummary): string {
  if (wholeCounts.length > 0) return formatCounts(wholeCounts).join(', ');
  return 'the data, which the next start of a server converts,';
}

function parseOptions(args: readonly string[]): RestoreOptions | 'help' {
  const [first, ...others] = args;
  const [path, rest] =
    first === undefined || first.startsWith('-') ? [undefined, args] : [first, others];
  const { values, problems } = parseFlags(rest, {
    data: { argument: '<folder>' },
    replace: {},
    help: { short: 'h' },
  });
  if (values.has('help')) return 'help';
  if (problems.length > 0) throw new Error(joinProblems(problems));
  if (!path) throw new Error('needs a backup before its options.');
  const folder = values.get('data')?.at(-1);
  if (!folder) throw new Error('needs a data folder: --data <folder>.');
  return { path, folder, mayReplace: values.has('replace') };
}
