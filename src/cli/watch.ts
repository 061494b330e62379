/** `openmpsd watch`: prints what changes in sessions, without taking part. */

import { formatJson, type Json } from '../domain/json.ts';
import { formatPrintable } from '../domain/printable-text.ts';
import type { ChangeList, ChangeRow, LiveEvent } from '../inspector/api-types.ts';
import { parseFlags } from '../config/flags.ts';
import type { CommandIo } from './command-io.ts';
import { parseServerAddress } from './server-address.ts';
import { formatSessionName, parseSessionName } from './session-name.ts';

export type WatchIo = Pick<CommandIo, 'stdout' | 'stderr' | 'env' | 'once' | 'off'>;

const help = `openmpsd watch: prints what changes in sessions, with who and why, until Ctrl-C. It joins nothing.

  --session <session>   A session to watch: <scid>~<template>~<name>; may be repeated. All unless given.
  --xuid <digits>       Only changes by this user, or of this user's place
  --token <value>       The admin token; not needed on this machine with --auth dev
  --url <address>       MPSD_URL (default http://127.0.0.1:8350)
`;

type WatchOptions = {
  readonly url: string;
  readonly token: string | undefined;
  /** Lower-case. None: all sessions. */
  readonly keys: ReadonlySet<string>;
  readonly xuid: string | undefined;
};

/** The exit code of `openmpsd watch`: 0 when a signal ended it, 1 when the server did not answer, 2 when it was misused. */
export async function runWatch(args: readonly string[], io: WatchIo): Promise<number> {
  let given: WatchOptions | 'help';
  try {
    given = parseOptions(args, io.env);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    io.stderr.write(`openmpsd watch: ${reason} See openmpsd watch --help.\n`);
    return 2;
  }
  if (given === 'help') {
    io.stdout.write(help);
    return 0;
  }
  const ending = new AbortController();
  const end = (): void => ending.abort();
  io.once('SIGINT', end);
  io.once('SIGTERM', end);
  try {
    await watch(given, ending.signal, (line) => void io.stdout.write(`${formatPrintable(line)}\n`));
    if (ending.signal.aborted) return 0;
    io.stderr.write(`openmpsd watch: the server at ${given.url} has ended.\n`);
    return 1;
  } catch (error) {
    if (ending.signal.aborted) return 0;
    const { message, cause } = error as Error;
    const why = cause instanceof Error ? ` (${cause.message})` : '';
    io.stderr.write(`openmpsd watch: ${given.url}: ${formatPrintable(`${message}${why}`)}.\n`);
    return 1;
  } finally {
    end();
    io.off('SIGINT', end);
    io.off('SIGTERM', end);
  }
}

function parseOptions(args: readonly string[], env: WatchIo['env']): WatchOptions | 'help' {
  const { values, problems } = parseFlags(args, {
    session: { argument: '<session>' },
    xuid: { argument: '<digits>' },
    token: { argument: '<value>' },
    url: { argument: '<address>' },
    help: { short: 'h' },
  });
  if (values.has('help')) return 'help';
  if (problems.length > 0) throw new Error(problems.join(' '));
  const xuid = values.get('xuid')?.at(-1);
  if (xuid !== undefined && !/^[0-9]{1,20}$/.test(xuid)) {
    throw new Error('--xuid must name a user: decimal digits.');
  }
  const names = (values.get('session') ?? []).map((one) => parseSessionName(one, '--session'));
  return {
    url: parseServerAddress(values.get('url')?.at(-1), env),
    token: values.get('token')?.at(-1)?.trim(),
    keys: new Set(names.map((name) => formatSessionName(name).toLowerCase())),
    xuid,
  };
}

/** Resolves when the server ends the stream. Throws when it does not answer, or is aborted. */
async function watch(
  { url, token, keys, xuid }: WatchOptions,
  signal: AbortSignal,
  print: (line: string) => void,
): Promise<void> {
  const headers: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` };
  const ask = async (path: string): Promise<Response> => {
    const answer = await fetch(`${url}/inspector/api/v1${path}`, { headers, signal });
    if (answer.ok) return answer;
    throw new Error(`${answer.status} ${(await answer.text()).split('\n')[0]}`);
  };
  /** The last change that was printed, by session. */
  const printed = new Map<string, string>();
  /** By the server's clock: changes from here on are news. */
  let fromMs = Number.POSITIVE_INFINITY;
  const { body } = await ask('/stream');
  if (body === null) return;
  print(`watching    ${url}`);
  for await (const event of eventsOf(body)) {
    if (event.kind === 'hello') fromMs = event.info.clock.nowMs;
    // What comes after a move back has an earlier time.
    if (event.kind === 'clock') fromMs = Math.min(fromMs, event.clock.nowMs);
    const key =
      event.kind === 'session' ? event.row.key : event.kind === 'sessionGone' ? event.key : '';
    if (key === '' || (keys.size > 0 && !keys.has(key))) continue;
    const path = key.split('~').map(encodeURIComponent).join('/');
    const last = printed.get(key);
    const news: ChangeRow[] = [];
    let before = '';
    for (;;) {
      const answer = await ask(`/sessions/${path}/changes?take=100&differences=true${before}`);
      const { changes, nextBefore } = (await answer.json()) as ChangeList;
      const old = changes.findIndex(({ cursor, atMs }, at) =>
        // The newest change of a session that is seen for the first time is the one of the event.
        last === undefined ? atMs < fromMs && news.length + at > 0 : cursor === last,
      );
      news.push(...(old < 0 ? changes : changes.slice(0, old)));
      if (old >= 0 || nextBefore === undefined) break;
      before = `&before=${encodeURIComponent(nextBefore)}`;
    }
    const [newest] = news;
    if (newest) printed.set(key, newest.cursor);
    for (const change of news.toReversed()) {
      if (xuid === undefined || isOf(change, xuid)) printChange(key, change, print);
    }
  }
}

async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<LiveEvent> {
  let text = '';
  for await (const part of body.pipeThrough(new TextDecoderStream())) {
    const events = (text + part).split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const data = event.split('\n').find((line) => line.startsWith('data: '));
      if (data !== undefined) yield JSON.parse(data.slice('data: '.length)) as LiveEvent;
    }
  }
}

function isOf({ cause, members }: ChangeRow, xuid: string): boolean {
  return cause.xuid === xuid || members.some((one) => one.xuid === xuid);
}

/** Members of the document that differ after each change, and say nothing. */
const alwaysDifferent: ReadonlySet<string> = new Set(['/changeNumber', '/nextTimer']);

function printChange(key: string, change: ChangeRow, print: (line: string) => void): void {
  const time = new Date(change.atMs).toISOString().slice(11, 23);
  // An end has the number of the last document, whose own change has been printed.
  const number = change.kind === 'ended' ? '' : `change ${change.changeNumber}  `;
  print(`${time}  ${key}  ${number}${change.cause.sentence}`);
  for (const { what } of change.members) print(`              ${what}`);
  // Of a session that begins or ends all differs.
  if (change.kind !== 'changed') return;
  for (const { path, before, after } of change.differences ?? []) {
    if (alwaysDifferent.has(path)) continue;
    print(`              ${path}: ${shown(before)} → ${shown(after)}`);
  }
}

function shown(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  const text = formatJson(value);
  return text.length <= 100 ? text : `${text.slice(0, 100)}…`;
}
