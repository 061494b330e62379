/** `openmpsd convert`: makes a HAR file without tokens of a capture. */

import { CaptureError } from '../capture/capture.ts';
import { readCapture } from '../capture/read-capture.ts';
import { writeCapture } from '../capture/write-capture.ts';
import { formatPrintable } from '../domain/printable-text.ts';
import { fileProblemOf } from '../platform/file-problem.ts';
import { type OutputIo, reportMisuse, writeHelp } from './command-io.ts';
import { formatCount } from './count-text.ts';

const help = `openmpsd convert <capture> <file.har>: makes a HAR file of a capture, without tokens.

  <capture>    A .har file, or Fiddler's .saz
  <file.har>   The new file; it must not be there yet

Tokens, cookies, codes, nonces and keys are replaced, also those of other services. Who called is noted at each call, as far as the capture says so.
Everything else that players sent stays in it.

The exit code is 0 when the file is made, 1 when it cannot be written, 2 when no call of the capture can
be read.
`;

/** The exit code of `openmpsd convert`: 0 done, 1 not writable, 2 misused or not readable. */
export async function runConvert(args: readonly string[], io: OutputIo): Promise<number> {
  if (args.some((arg) => arg === '--help' || arg === '-h')) {
    writeHelp(io, help);
    return 0;
  }
  const [from, to, ...more] = args;
  const option = args.find((arg) => arg.startsWith('-'));
  if (from === undefined || to === undefined || more.length > 0 || option !== undefined) {
    const reason =
      option === undefined
        ? 'needs a capture and a new file'
        : `does not know the option ${option.split('=', 1)[0]}`;
    return reportMisuse(io, 'convert', [`${reason}.`]);
  }
  try {
    const capture = await readCapture(from);
    await writeCapture(capture, to);
    for (const problem of capture.problems) io.stderr.write(`${formatPrintable(problem)}\n`);
    io.stdout.write(`${to}: ${formatCount(capture.calls.length, 'call')}.\n`);
    return 0;
  } catch (error) {
    if (error instanceof CaptureError) {
      io.stderr.write(`openmpsd convert: ${from} ${formatPrintable(error.message)}\n`);
      return 2;
    }
    if (error instanceof Error && 'code' in error) {
      io.stderr.write(
        `openmpsd convert: ${to} cannot be written: ${fileProblemOf(error, 'write')}.\n`,
      );
    } else throw error;
    return 1;
  }
}
