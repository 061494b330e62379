/** `openmpsd watch`: prints what changes in sessions, or what users do, without taking part. */

import { formatJson, type Json } from '../domain/json.ts';
import { formatPrintable } from '../domain/printable-text.ts';
import { canonicalXuidForm, isCanonicalXuid, type Xuid } from '../domain/ids.ts';
import type { ChangeRow, LiveEvent } from '../inspector/api-types.ts';
import { causesOf } from '../client/transport.ts';
import { NoAnswer } from '../platform/no-answer.ts';
import { joinProblems, parseFlags } from '../config/flags.ts';
import { ask } from './ask.ts';
import { ChangeNews } from './change-news.ts';
import { type CommandIo, readOptions } from './command-io.ts';
import {
  explainForeign,
  explainNoAnswer,
  parseServerAddress,
  parseToken,
} from './server-address.ts';
import { formatSessionName, parseSessionName } from './session-name.ts';
import { formatClock, type InspectorApi, watchUsers } from './watch-users.ts';

export type WatchIo = Pick<CommandIo, 'stdout' | 'stderr' | 'env' | 'once' | 'off'>;

const help = `openmpsd watch: prints what happens, as it happens, until Ctrl-C. It joins nothing.

  openmpsd watch           What changes in sessions, with who and why
  openmpsd watch users     Who is here, and what they do: connections, subscriptions, taps, joins and leaves
  openmpsd watch <xuid>    Where this user is, and all that this user does or receives, with the requests

  --session <session>   A session to watch: <scid>~<template>~<name>; may be repeated. All unless given.
  --xuid <digits>       Only changes by this user, or of this user's place
  --token <value>       The admin token; not needed on this machine with --auth dev
  --url <address>       MPSD_URL (default http://127.0.0.1:8350)
`;

type WatchOptions = {
  /** What is watched: sessions, all users, or the user of this xuid. */
  readonly subject: 'sessions' | 'users' | Xuid;
  readonly url: string;
  readonly token: string | undefined;
  /** Lower-case. None: all sessions. */
  readonly keys: ReadonlySet<string>;
  readonly xuid: string | undefined;
};

/** The exit code of `openmpsd watch`: 0 when a signal ended it, 1 when the server did not answer, 2 when it was misused. */
export async function runWatch(args: readonly string[], io: WatchIo): Promise<number> {
  const given = readOptions({ name: 'watch', help }, io, () => parseOptions(args, io.env));
  if (typeof given === 'number') return given;
  const ending = new AbortController();
  const end = (): void => ending.abort();
  io.once('SIGINT', end);
  io.once('SIGTERM', end);
  try {
    const print = (line: string): void =>
      void io.stdout.write(`${fitInto(io.stdout, formatPrintable(line))}\n`);
    const api = apiOf(given, ending.signal);
    if (given.subject === 'sessions') await watchSessions(given, api, print);
    else await watchUsers(given.subject, api, print);
    if (ending.signal.aborted) return 0;
    io.stderr.write(`openmpsd watch: the server at ${given.url} has ended.\n`);
    return 1;
  } catch (error) {
    if (ending.signal.aborted) return 0;
    let why = `${given.url}: ${causesOf(error)}.`;
    if (error instanceof ForeignServer) why = error.message;
    else if (error instanceof NoAnswer) {
      why = explainNoAnswer(error, given.url);
    }
    io.stderr.write(`openmpsd watch: ${formatPrintable(why)}\n`);
    return 1;
  } finally {
    end();
    io.off('SIGINT', end);
    io.off('SIGTERM', end);
  }
}

/** The line as wide as the terminal; whole where the output is no terminal. */
function fitInto({ isTTY, columns }: WatchIo['stdout'], line: string): string {
  if (!isTTY || !(columns > 20) || line.length <= columns) return line;
  return `${line.slice(0, columns - 1)}…`;
}

function parseOptions(args: readonly string[], env: WatchIo['env']): WatchOptions | 'help' {
  const [first = ''] = args;
  const hasSubject = first !== '' && !first.startsWith('-');
  const { values, problems } = parseFlags(hasSubject ? args.slice(1) : args, {
    session: { argument: '<session>', isList: true },
    xuid: { argument: '<digits>' },
    token: { argument: '<value>', isSecret: true },
    url: { argument: '<address>' },
    help: { short: 'h' },
  });
  if (values.has('help')) return 'help';
  if (problems.length > 0) throw new Error(joinProblems(problems));
  const xuid = values.get('xuid')?.at(-1);
  if (xuid !== undefined && !isCanonicalXuid(xuid)) {
    throw new Error(`--xuid must name a user: ${canonicalXuidForm}.`);
  }
  const isSubject = first === 'users' || isCanonicalXuid(first);
  if (hasSubject && !isSubject) {
    throw new Error(`does not know "${first}": expected users, or a xuid (${canonicalXuidForm}).`);
  }
  if (hasSubject && (values.has('session') || values.has('xuid'))) {
    throw new Error('--session and --xuid choose changes of sessions; leave them out.');
  }
  const names = (values.get('session') ?? []).map((one) => parseSessionName(one, '--session'));
  return {
    subject: hasSubject ? first : 'sessions',
    url: parseServerAddress(values.get('url')?.at(-1), env),
    token: parseToken(values.get('token')?.at(-1), '--token'),
    keys: new Set(names.map((name) => formatSessionName(name).toLowerCase())),
    xuid,
  };
}

/** What answers is not OpenMPSD; the message is a sentence. */
class ForeignServer extends Error {}

/** The inspector's API of a server. It throws when the server does not answer, or is aborted. */
function apiOf({ url, token }: WatchOptions, signal: AbortSignal): InspectorApi {
  const headers: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` };
  const get = async (path: string): Promise<Response> => {
    const answer = await ask(`${url}/inspector/api/v1${path}`, { headers, signal });
    const type = answer.headers.get('content-type') ?? '';
    const isOurs = /^(?:application\/json|text\/event-stream)/.test(type);
    if (answer.ok ? !isOurs : type.startsWith('text/html')) {
      await answer.body?.cancel();
      throw new ForeignServer(explainForeign(answer.status, url));
    }
    if (answer.ok) return answer;
    throw new Error(`${answer.status} ${(await answer.text()).split('\n')[0]}`);
  };
  return {
    url,
    ask: async (path) => (await get(path)).json(),
    async *events() {
      const { body } = await get('/stream');
      if (body !== null) yield* eventsOf(body);
    },
  };
}

/** Resolves when the server ends the stream. */
async function watchSessions(
  { keys, xuid }: WatchOptions,
  { url, ask, events }: InspectorApi,
  print: (line: string) => void,
): Promise<void> {
  const news = new ChangeNews(ask, (key) => keys.size === 0 || keys.has(key));
  for await (const event of events()) {
    if (event.kind === 'hello') print(`watching    ${url}`);
    for (const { key, change } of await news.of(event)) {
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
  const time = formatClock(change.atMs);
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
