/** `openmpsd analyze`: what certification would say about a capture. */

import { type Capture, CaptureError } from '../capture/capture.ts';
import { callsOf } from '../capture/captured-calls.ts';
import { readCapture } from '../capture/read-capture.ts';
import { parseFlags } from '../config/flags.ts';
import {
  type Analysis,
  analyzeCalls,
  type EndpointStatistics,
} from '../domain/calls/analyze-calls.ts';
import type { Finding } from '../domain/calls/finding.ts';
import {
  formatPrintable,
  formatPrintableJson,
  formatPrintableLines,
} from '../domain/printable-text.ts';
import { type OutputIo, reportMisuse, writeHelp } from './command-io.ts';
import { formatCount } from './count-text.ts';

const help = `openmpsd analyze <capture>: says what certification would say about the calls of a game.

  <capture>   A .har file, of a browser, a proxy or openmpsd serve --record; or Fiddler's .saz
  --strict    Warnings count too: the exit code is 1 when there is one. What cannot be read counts too: 2
  --json      The result as JSON

The exit code is 0 when there is no error, 1 when there is one, 2 when no call of the capture can be
read.
The rules are in docs/captures.md.
`;

/**
 * The exit code of `openmpsd analyze`: 0 no error, 1 an error, 2 misused or not readable; with
 * `--strict` also when a part is not readable.
 */
export async function runAnalyze(args: readonly string[], io: OutputIo): Promise<number> {
  const paths = args.filter((arg) => !arg.startsWith('-'));
  const { values, problems } = parseFlags(
    args.filter((arg) => arg.startsWith('-')),
    { strict: {}, json: {}, help: { short: 'h' } },
  );
  if (values.has('help')) {
    writeHelp(io, help);
    return 0;
  }
  const [path, ...more] = paths;
  const misuse = [
    ...problems,
    ...(path === undefined || more.length > 0 ? ['needs one capture: a .har or .saz file.'] : []),
  ];
  if (misuse.length > 0 || path === undefined) {
    return reportMisuse(io, 'analyze', misuse);
  }
  let capture: Capture;
  try {
    capture = await readCapture(path);
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    io.stderr.write(`openmpsd analyze: ${path} ${formatPrintable(error.message)}\n`);
    return 2;
  }
  const calls = callsOf(capture);
  const analysis = analyzeCalls(calls);
  if (values.has('json')) io.stdout.write(`${formatPrintableJson(analysis)}\n`);
  else {
    const others = capture.calls.length - calls.length;
    io.stdout.write(formatAnalysis(analysis, calls.length, others));
  }
  for (const problem of capture.problems) io.stderr.write(`${formatPrintable(problem)}\n`);
  if (capture.problems.length > 0 && values.has('strict')) return 2;
  const counts = (finding: Finding): boolean =>
    finding.severity === 'error' || values.has('strict');
  return analysis.findings.some(counts) ? 1 : 0;
}

function formatAnalysis({ findings, endpoints }: Analysis, calls: number, others: number): string {
  const count = (severity: Finding['severity']): number =>
    findings.filter((one) => one.severity === severity).length;
  const left = others === 0 ? '' : `; ${others} to other hosts are left out`;
  return formatPrintableLines([
    `${formatCount(calls, 'call')} to Xbox Live${left}.`,
    '',
    ...formatTable(endpoints),
    '',
    ...findings.flatMap(formatFinding),
    `${formatCount(count('error'), 'error')}, ${formatCount(count('warning'), 'warning')}.`,
  ]);
}

function formatTable(endpoints: readonly EndpointStatistics[]): readonly string[] {
  const rows = [
    ['calls', 'failed', 'users', 'in 15 s', 'in 300 s', 'endpoint'],
    ...endpoints.map((one) => [
      String(one.calls),
      String(one.failed),
      String(one.users),
      String(one.burstPeak),
      String(one.sustainedPeak),
      one.endpoint,
    ]),
  ];
  return rows.map((row) => row.map((cell, at) => (at === 5 ? cell : cell.padStart(8))).join('  '));
}

function formatFinding(finding: Finding): readonly string[] {
  const { severity, rule, endpoint, user, usersCount, fromMs, callIds, count } = finding;
  const who = usersCount === 1 ? `user ${user}` : `${usersCount} users`;
  const more = count > callIds.length ? ', …' : '';
  return [
    `${severity.toUpperCase()} ${rule}: ${endpoint}, ${who}, ${new Date(fromMs).toISOString()}`,
    `  ${finding.sentence} ${finding.advice}`,
    `  Calls ${callIds.slice(0, 20).join(', ')}${callIds.length > 20 ? ', …' : more}`,
    '',
  ];
}
