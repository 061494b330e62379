/** `openmpsd replay`: plays a capture against a server, and reports what it answers otherwise. */

import { type Capture, CaptureError } from '../capture/capture.ts';
import { readCapture } from '../capture/read-capture.ts';
import {
  type DifferentCall,
  type Pace,
  replay,
  type ReplayReport,
  thereAlready,
} from '../capture/replay.ts';
import { joinProblems, parseFlags } from '../config/flags.ts';
import {
  formatPrintable,
  formatPrintableJson,
  formatPrintableLines,
} from '../domain/printable-text.ts';
import { type OutputIo, readOptions } from './command-io.ts';
import { NoAnswer } from '../platform/no-answer.ts';
import { explainNoAnswer, parseServerAddress } from './server-address.ts';
import { formatCount } from './count-text.ts';

export type ReplayIo = OutputIo & {
  readonly stderr: OutputIo['stderr'] & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
};

const help = `openmpsd replay <capture>: plays a capture against a server, and says where it answers otherwise.

  <capture>           A .har file, of a browser, a proxy or openmpsd serve --record; or Fiddler's .saz
  --url <address>     MPSD_URL (default http://127.0.0.1:8350): the server, with the service configs
                      of the title
  --pace <pace>       How time passes between the calls:
                      clock      the server's clock is stopped and moved (needs serve --control)
                      recorded   as much as in the capture
                      none       none; frames that are due are waited for
                      Default: none where the capture moves the clock itself, else clock where the
                      server can be controlled, else recorded
  --authorization <xuid>=<value>
                      Authorization of a user, where the server takes no development tokens;
                      may be repeated
  --patience <ms>     How long to wait for a frame that is due (default 10000)
  --tolerance <ms>    By how much times may differ (default 30000)
  --json              The report as JSON

The exit code is 0 when nothing differs, 1 when something does, 2 when it could not be played.
`;

const paces: readonly Pace[] = ['clock', 'recorded', 'none'];

type ReplaySettings = {
  readonly path: string;
  readonly url: string;
  readonly pace: Pace | undefined;
  readonly authorizations: ReadonlyMap<string, string>;
  readonly patienceMs: number;
  readonly toleranceMs: number;
  readonly isJson: boolean;
};

/** The exit code of `openmpsd replay`: 0 all the same, 1 something differs, 2 misused or not played. */
export async function runReplay(args: readonly string[], io: ReplayIo): Promise<number> {
  const isHelp = args.some((arg) => arg === '--help' || arg === '-h');
  const given = readOptions({ name: 'replay', help }, io, () =>
    isHelp ? 'help' : parseOptions(args, io.env),
  );
  if (typeof given === 'number') return given;
  let wasThere = false;
  try {
    const capture = await readCapture(given.path);
    const answered = (): void => {
      wasThere = true;
    };
    const progress = openProgress(io.stderr);
    const options = { ...given, progress: progress.show, answered };
    const report = await replay(capture, options).finally(progress.clear);
    io.stdout.write(
      given.isJson ? `${formatPrintableJson(jsonOf(report))}\n` : format(capture, report, given),
    );
    return report.different.length === 0 ? 0 : 1;
  } catch (error) {
    if (error instanceof CaptureError) {
      io.stderr.write(`openmpsd replay: ${given.path} ${formatPrintable(error.message)}\n`);
    } else if (error instanceof NoAnswer) {
      const { call, reason } = error;
      const why = explainNoAnswer(error, given.url, { wasThere });
      const said = formatPrintable(`${call} got no answer (${reason}): ${why}`);
      io.stderr.write(`openmpsd replay: ${said}\n`);
    } else throw error;
    return 2;
  }
}

function parseOptions(args: readonly string[], env: ReplayIo['env']): ReplaySettings {
  const [first, ...others] = args;
  const hasPath = first !== undefined && !first.startsWith('-');
  const [path, rest] = hasPath ? [first, others] : [undefined, args];
  const { values, problems } = parseFlags(rest, {
    url: { argument: '<address>' },
    pace: { argument: '<pace>' },
    authorization: { argument: '<xuid>=<value>', isList: true, isSecret: true },
    patience: { argument: '<ms>' },
    tolerance: { argument: '<ms>' },
    json: {},
  });
  if (problems.length > 0) throw new Error(joinProblems(problems));
  if (path === undefined) {
    throw new Error('needs a capture, a .har or .saz file, before its options.');
  }
  const pace = values.get('pace')?.at(-1);
  const known = paces.find((one) => one === pace);
  if (pace !== undefined && known === undefined) {
    throw new Error(`--pace is "${pace}"; expected ${paces.join(', ')}.`);
  }
  const milliseconds = (name: string, otherwise: number): number => {
    const text = values.get(name)?.at(-1) ?? String(otherwise);
    if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} is "${text}"; expected milliseconds.`);
    return Number(text);
  };
  return {
    path,
    url: parseServerAddress(values.get('url')?.at(-1), env),
    pace: known,
    authorizations: new Map((values.get('authorization') ?? []).map(parseAuthorization)),
    patienceMs: milliseconds('patience', 10_000),
    toleranceMs: milliseconds('tolerance', 30_000),
    isJson: values.has('json'),
  };
}

function parseAuthorization(text: string): readonly [xuid: string, value: string] {
  const [, xuid, value] = /^(\d{1,20})=(.+)$/s.exec(text) ?? [];
  // The value is a secret.
  if (xuid === undefined || value === undefined) {
    throw new Error('--authorization must be <xuid>=<value>.');
  }
  return [xuid, value];
}

/** Shows on a terminal how far the replay is, each percent once; `clear` leaves nothing of it there. */
function openProgress(stderr: ReplayIo['stderr']): {
  readonly show: (done: number, stepsCount: number) => void;
  readonly clear: () => void;
} {
  let shown = -1;
  return {
    show(done, stepsCount) {
      const percent = Math.floor((100 * done) / stepsCount);
      if (!stderr.isTTY || percent === shown) return;
      shown = percent;
      stderr.write(`\rreplaying: ${percent} %`);
    },
    clear() {
      if (shown >= 0) stderr.write('\r\x1b[K');
    },
  };
}

/** Calls that are reported in full; of the others it is counted how they differ. */
const shownMax = 20;

function format(capture: Capture, report: ReplayReport, { url }: ReplaySettings): string {
  const { callsCount, socketsCount, framesCount, different, leftOut, pace } = report;
  const others = [...leftOut].map(([host, count]) => `${host} (${count})`);
  const differing = different.length;
  return formatPrintableLines([
    `Replayed ${formatCount(callsCount, 'call')} and ${formatCount(socketsCount, 'socket')} with ${formatCount(framesCount, 'frame')} of the server against ${url}, pace ${pace}.`,
    ...(others.length === 0 ? [] : [`Left out, to other hosts: ${others.join(', ')}.`]),
    ...capture.problems,
    '',
    ...formatThere(different),
    ...different.slice(0, shownMax).flatMap(formatDifferent),
    ...formatKinds(different.slice(shownMax)),
    differing === 0
      ? 'Nothing differs.'
      : `${differing} of ${callsCount + socketsCount} ${differing === 1 ? 'differs' : 'differ'}.`,
  ]);
}

function formatDifferent({ call, differences, reasons }: DifferentCall): readonly string[] {
  const { pathname, search } = new URL(call.url);
  return [
    `Call ${call.number}: ${call.method} ${pathname}${search}`,
    ...differences.flatMap(({ where, captured, present }) => [
      `  ${where}`,
      `    captured  ${captured}`,
      `    now       ${present}`,
    ]),
    ...reasons.map((reason) => `  ${reason}`),
    '',
  ];
}

/** How many calls differ in which way, the most frequent way first. */
function formatKinds(different: readonly DifferentCall[]): readonly string[] {
  if (different.length === 0) return [];
  const kinds = new Map<string, number>();
  for (const { call, differences } of different) {
    const kind = `${call.method} ${differences.slice(0, 1).map(kindOf).join('')}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  const width = String(different.length).length;
  return [
    `${different.length} more, by the first difference of each (all with --json):`,
    ...[...kinds]
      .toSorted(([, a], [, b]) => b - a)
      .map(([kind, count]) => `  ${String(count).padStart(width)}  ${kind}`),
    '',
  ];
}

/** A place without the ids in it; of a status both values. */
function kindOf({ where, captured, present }: DifferentCall['differences'][number]): string {
  const place = where.replaceAll(/[0-9a-f-]{36}|\d+/gi, '*');
  return where === 'status' ? `${place}: captured ${captured}, now ${present}` : place;
}

/** The likeliest reason of many differences: before them, since it explains them. */
function formatThere(different: readonly DifferentCall[]): readonly string[] {
  const there = different.filter(({ reasons }) => reasons.includes(thereAlready)).length;
  if (there === 0) return [];
  return [
    `${formatCount(there, 'call')} of the capture made what this server had already: it was not empty when the replay began.`,
    '',
  ];
}

function jsonOf({ different, leftOut, ...report }: ReplayReport): object {
  return {
    ...report,
    leftOut: Object.fromEntries(leftOut),
    different: different.map(({ call, differences, reasons }) => ({
      call: call.number,
      method: call.method,
      url: call.url,
      differences,
      reasons,
    })),
  };
}
