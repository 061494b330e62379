/** The commands of operators: those of `AdminCommandName`. */

import { type Flags, joinProblems, parseFlags } from '../config/flags.ts';
import { readFileVariables } from '../config/file-variables.ts';
import {
  formatPrintable,
  formatPrintableLines,
  isOneLine,
  parsePrintable,
} from '../domain/printable-text.ts';
import { canonicalXuidForm, isCanonicalXuid, isGuid, isXuid } from '../domain/ids.ts';
import { formatSessionPath, type SessionReference } from '../domain/session/reference.ts';
import { limits } from '../domain/limits.ts';
import { NoAnswer } from '../platform/no-answer.ts';
import { askText } from './ask.ts';
import { type OutputIo, reportMisuse, writeHelp } from './command-io.ts';
import {
  explainForeign,
  explainNoAnswer,
  isPage,
  parseServerAddress,
  parseToken,
} from './server-address.ts';
import { formatSessionName, parseSessionName } from './session-name.ts';
import { formatCount } from './count-text.ts';

export type AdminIo = OutputIo & { readonly env: Readonly<Record<string, string | undefined>> };

export type AdminCommandName =
  | 'stats'
  | 'sessions'
  | 'where'
  | 'kick'
  | 'end'
  | 'ban'
  | 'unban'
  | 'disconnect'
  | 'reload'
  | 'drain';

/** The flags that were given, by name: the last value of each. */
type FlagValues = ReadonlyMap<string, string>;

/** What the admin API answers; `status` alone where there is no body. `body` undefined: none. Throws CommandFailure. */
type Ask = (method: string, path: string, body?: unknown) => Promise<AnswerBody>;

/** JSON of the admin API, as its page describes it. */
// biome-ignore lint/suspicious/noExplicitAny: what the server answers is shown, and nothing depends on it.
type AnswerBody = any;

type AdminCommand = {
  readonly does: string;
  readonly flags: Flags;
  readonly usage: string;
  /** The lines to print. Throws an Error with what is wrong among the flags. */
  readonly run: (given: FlagValues, ask: Ask) => Promise<readonly string[]>;
  /** What is said on standard error where there is no line to print. */
  readonly ifNone?: (given: FlagValues) => string;
};

/** The server said no, or nothing; the message is a sentence. */
class CommandFailure extends Error {}

const xuidFlag = { xuid: { argument: '<digits>' } };
const sessionFlag = { session: { argument: '<session>' } };
const reasonFlag = { reason: { argument: '<text>' } };

const xuidUsage = '  --xuid <digits>       The user';
const sessionUsage =
  '  --session <session>   The session: <scid>~<template>~<name>, as openmpsd sessions prints it';
const nodeUsage =
  'The node is the one that --url names: name each node itself, and not the balancer.\n';
const reasonUsage = '  --reason <text>       Why; kept in the history of the session';

const commands: Readonly<Record<AdminCommandName, AdminCommand>> = {
  stats: {
    does: 'counts what a server has: nodes, connections, sessions, members, handles, bans',
    flags: {},
    usage: `A node is gone when its lease has run out, 15 s after a crash. It is counted until the others have ended
what it held, and then forgotten.
`,
    async run(_given, ask) {
      const answer = await ask('GET', '/stats');
      const { node, now, nodes, connections, sessions, members, handles, bans } = answer;
      const alive = nodes.filter((one: { readonly isAlive: boolean }) => one.isAlive).length;
      return [
        `time         ${now}`,
        `node         ${node}`,
        `nodes        ${alive} alive, ${nodes.length - alive} gone`,
        `connections  ${connections}`,
        `sessions     ${sessions.isMore ? 'more than ' : ''}${sessions.count}`,
        `members      ${members.joined} joined, ${members.reserved} reserved`,
        `handles      ${handles.activities} activities, ${handles.invites} invites, ${handles.transfers} transfers`,
        `bans         ${bans}`,
      ];
    },
  },
  sessions: {
    does: 'lists sessions, a line each',
    flags: {
      scid: { argument: '<guid>' },
      template: { argument: '<name>' },
      text: { argument: '<text>' },
      limit: { argument: '<number>' },
    },
    usage: `  --scid <guid>         Of this service config
  --template <name>     Of this session template
  --text <text>         With this in their name
  --limit <number>      At most so many (default 100)`,
    async run(given, ask) {
      const limit = parseCount(given.get('limit') ?? '100');
      const lines: string[] = [];
      let cursor: string | undefined;
      do {
        const query = new URLSearchParams({ limit: String(Math.min(limit - lines.length, 1_000)) });
        for (const name of ['scid', 'template', 'text']) {
          const value = given.get(name);
          // As the lines of this command print them.
          if (value !== undefined) query.set(name, parsePrintable(value));
        }
        if (cursor !== undefined) query.set('cursor', cursor);
        const page = await ask('GET', `/sessions?${query}`);
        cursor = page.cursor;
        lines.push(...page.sessions.slice(0, limit - lines.length).map(formatRow));
      } while (cursor !== undefined && lines.length < limit);
      return cursor === undefined ? lines : [...lines, `There may be more; --limit is ${limit}.`];
    },
    ifNone: (given) =>
      ['scid', 'template', 'text'].some((name) => given.has(name))
        ? 'no session matches.'
        : 'there is no session.',
  },
  where: {
    does: 'shows where a user is',
    flags: xuidFlag,
    usage: xuidUsage,
    async run(given, ask) {
      const user = await ask('GET', `/users/${xuidOf(given)}`);
      if (isUnknown(user)) throw new CommandFailure(unknownUser(user.xuid));
      const { xuid, gamertag, lastSeen, ban, sessions, connections, activities, silentNodes } =
        user;
      return [
        `user         ${xuid}${gamertag === undefined ? '' : ` (${gamertag})`}`,
        ...(lastSeen === undefined ? [] : [`last seen    ${lastSeen}`]),
        ...(ban === undefined ? [] : [`banned       ${formatBan(ban)}`]),
        ...sessions.map(
          (row: AnswerBody) =>
            `${row.member.status.padEnd(12)} ${formatRow(row)}, since ${row.member.since}`,
        ),
        ...activities.map(({ sessionRef }: AnswerBody) => {
          const { scid, templateName, name } = sessionRef;
          return `activity     ${formatSessionName({ scid, templateName, name })}`;
        }),
        ...connections.map(({ id, node }: AnswerBody) => `connection   ${id} to node ${node}`),
        ...(silentNodes ?? []).map(
          (node: string) => `no answer    from node ${node}: its connections are not known`,
        ),
        ...(sessions.length === 0 ? ['in no session'] : []),
      ];
    },
  },
  kick: {
    does: 'removes a user from a session',
    flags: { ...sessionFlag, ...xuidFlag, ...reasonFlag },
    usage: `${sessionUsage}\n${xuidUsage}\n${reasonUsage}`,
    async run(given, ask) {
      const [reference, xuid] = [sessionOf(given), xuidOf(given)];
      await ask('POST', `${formatSessionPath(reference)}/kick`, { xuid, ...reasonOf(given) });
      return [`User ${xuid} has been removed from ${formatSessionName(reference)}.`];
    },
  },
  end: {
    does: 'ends a session',
    flags: { ...sessionFlag, ...reasonFlag },
    usage: `${sessionUsage}\n${reasonUsage}`,
    async run(given, ask) {
      const reference = sessionOf(given);
      await ask('POST', `${formatSessionPath(reference)}/end`, reasonOf(given));
      return [`${formatSessionName(reference)} has been ended.`];
    },
  },
  ban: {
    does: 'bans a user for a time',
    flags: { ...xuidFlag, for: { argument: '<duration>' }, ...reasonFlag },
    usage: `${xuidUsage}
  --for <duration>      How long: 30m, 24h, 7d; at most 3650d
  --reason <text>       Why; the user sees it`,
    async run(given, ask) {
      const xuid = callerOf(given);
      const seconds = parseSeconds(neededOf(given, 'for'));
      const { until, leftSessions } = await ask('PUT', `/users/${xuid}/ban`, {
        seconds,
        ...reasonOf(given),
      });
      return [
        `User ${xuid} is banned until ${until}, and has left ${formatCount(leftSessions, 'session')}.`,
      ];
    },
  },
  unban: {
    does: 'ends the ban of a user; without --xuid it lists all bans',
    flags: xuidFlag,
    usage: xuidUsage,
    async run(given, ask) {
      if (!given.has('xuid')) {
        const { bans } = await ask('GET', '/bans');
        return bans.map((ban: AnswerBody) => `${ban.xuid}  ${formatBan(ban)}`);
      }
      const xuid = xuidOf(given);
      await ask('DELETE', `/users/${xuid}/ban`);
      return [`User ${xuid} is no longer banned.`];
    },
    ifNone: () => 'no user is banned.',
  },
  disconnect: {
    does: 'ends connections: all of a user, or one',
    flags: { ...xuidFlag, connection: { argument: '<id>' } },
    usage: `${xuidUsage}
  --connection <id>     The connection, as openmpsd where shows it`,
    async run(given, ask) {
      const id = given.get('connection');
      if (id === undefined) {
        if (!given.has('xuid')) throw new Error('This command needs --xuid or --connection.');
        const xuid = callerOf(given);
        // For the words alone: what it does not show is ended too.
        const user = await ask('GET', `/users/${xuid}`).catch(() => undefined);
        const { endedHere } = await ask('POST', `/users/${xuid}/disconnect`);
        if (endedHere === 0 && user !== undefined) {
          if (isUnknown(user)) throw new CommandFailure(unknownUser(xuid));
          if (user.connections.length === 0 && user.silentNodes === undefined) {
            return [`User ${xuid} has no connection.`];
          }
        }
        return [
          `Connections of user ${xuid} that ended: ${endedHere} of this node. Other nodes end theirs now.`,
        ];
      }
      if (given.has('xuid')) throw new Error('Give --xuid or --connection, not both.');
      if (!isGuid(id)) throw new Error(`--connection is "${id}"; expected a GUID.`);
      const { connections, silentNodes, isCut } = await ask('GET', '/connections');
      const isListed = connections.some((one: AnswerBody) => one.id === id.toLowerCase());
      if (!isListed && silentNodes === undefined && isCut === undefined) {
        throw new CommandFailure(
          `no node has a connection ${id}; openmpsd where shows those of a user.`,
        );
      }
      const { status } = await ask('DELETE', `/connections/${id}`);
      return [
        status === 202
          ? `Connection ${id} is not of this node. The node that has it ends it now.`
          : `Connection ${id} has ended.`,
      ];
    },
  },
  reload: {
    does: 'makes a node read its service configs and rate limits again',
    flags: {},
    usage: nodeUsage,
    async run(_given, ask) {
      const { problems } = await ask('POST', '/reload');
      if (problems.length > 0) {
        throw new CommandFailure(`the former configuration stays in place: ${problems.join('; ')}`);
      }
      return ['The node has read its configuration again.'];
    },
  },
  drain: {
    does: 'makes balancers send a node no more requests, before it is ended',
    flags: { cancel: {} },
    usage: `  --cancel              Ends that: the node gets requests again
${nodeUsage}`,
    async run(given, ask) {
      if (given.has('cancel')) {
        await ask('DELETE', '/drain');
        return ['From now on /health/ready of the node answers as before.'];
      }
      await ask('POST', '/drain');
      return [
        'From now on /health/ready of the node answers 503, so that balancers choose other nodes.',
        'Requests and connections that come to it are answered until it is ended. --cancel undoes this.',
      ];
    },
  },
};

/**
 * The exit code of a command of operators: 0 done, 1 the server refused or does not answer, 2 misused.
 */
export async function runAdmin(
  name: AdminCommandName,
  args: readonly string[],
  io: AdminIo,
): Promise<number> {
  const command = commands[name];
  const { values, problems } = parseFlags(
    args,
    { ...command.flags, url: { argument: '<address>' }, help: { short: 'h' } },
    'xuid' in command.flags ? xuidAdvice : undefined,
  );
  if (values.has('help')) {
    writeHelp(io, formatHelp(name, command));
    return 0;
  }
  const given = new Map([...values].map(([flag, all]) => [flag, all.at(-1) ?? '']));
  const read = readFileVariables(io.env, [tokenVariable]);
  try {
    const wrong = [...(problems.length > 0 ? [joinProblems(problems)] : []), ...read.problems];
    if (wrong.length > 0) throw new Error(wrong.join(' '));
    const url = parseServerAddress(given.get('url'), io.env);
    const token = parseToken(read.env[tokenVariable], tokenVariable);
    const lines = await command.run(given, openAsk(url, token));
    if (lines.length > 0) io.stdout.write(formatPrintableLines(lines));
    else if (command.ifNone) io.stderr.write(`openmpsd ${name}: ${command.ifNone(given)}\n`);
    return 0;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof CommandFailure) {
      io.stderr.write(`openmpsd ${name}: ${formatPrintable(reason)}\n`);
      return 1;
    }
    return reportMisuse(io, name, [reason]);
  }
}

/** True of a user of whom no node has anything: all have answered. */
function isUnknown(user: AnswerBody): boolean {
  const { gamertag, lastSeen, ban, silentNodes, sessions, connections, activities } = user;
  const lists: readonly (readonly unknown[])[] = [sessions, connections, activities];
  return (
    (gamertag ?? lastSeen ?? ban ?? silentNodes) === undefined &&
    lists.every((list) => list.length === 0)
  );
}

function unknownUser(xuid: string): string {
  return `the server knows nothing of user ${xuid}: is the xuid right?`;
}

const tokenVariable = 'MPSD_ADMIN_TOKEN';

function formatHelp(name: string, { does, usage }: AdminCommand): string {
  return `openmpsd ${name}: ${does}.

${usage === '' ? '' : `${usage}\n`}  --url <address>       MPSD_URL (default http://127.0.0.1:8350)

The admin token of the server is read from ${tokenVariable} (or ${tokenVariable}_FILE). A development server on
this machine needs none.

The exit code is 0 when it is done, 1 when the server refuses, does not answer, or does not know the user,
2 when the command is misused.
`;
}

function openAsk(url: string, token: string | undefined): Ask {
  const authorization = token === undefined ? 'XBL3.0 x=-;svc=operator' : `Bearer ${token}`;
  return async (method, path, body) => {
    const init = {
      method,
      headers: { authorization },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    const { answer, text } = await askText(`${url}/admin${path}`, init).catch((error: unknown) => {
      throw error instanceof NoAnswer ? new CommandFailure(explainNoAnswer(error, url)) : error;
    });
    if (isPage(text)) throw new CommandFailure(explainForeign(answer.status, url));
    if (answer.ok) {
      if (text === '') return { status: answer.status };
      try {
        return JSON.parse(text);
      } catch {
        throw new CommandFailure(explainForeign(answer.status, url));
      }
    }
    const code = answer.headers.get('x-mpsd-refusal');
    if (code === 'pathUnknown') {
      throw new CommandFailure(
        `the server at ${url} has no administrators; start it with an admin token (${tokenVariable}).`,
      );
    }
    if (code === 'notAuthenticated' && token !== undefined && !resemblesJwt(token)) {
      // A server that has an admin token says so; any other takes it for the token of a caller.
      throw new CommandFailure(
        text.includes('admin token')
          ? `${tokenVariable} is not the admin token of the server at ${url}.`
          : `${tokenVariable} is set, but the server at ${url} has no admin token; unset it, or set it to the signed token of a service that --admin-services names.`,
      );
    }
    if (token === undefined && (code === 'notAuthenticated' || code === 'adminRequired')) {
      throw new CommandFailure(
        `the server at ${url} wants its admin token: set ${tokenVariable}, or ${tokenVariable}_FILE to a file with it, or to the signed token of a service that --admin-services names. (${code})`,
      );
    }
    const why = text === '' ? `The server answered ${answer.status}.` : text;
    throw new CommandFailure(code === null ? why : `${why} (${code})`);
  };
}

/** It may be the token of a game service that may administer: then what the server says of it counts. */
function resemblesJwt(token: string): boolean {
  return token.split('.').length === 3;
}

const xuidAdvice = 'A user is named by --xuid <digits>.';

function neededOf(given: FlagValues, name: string): string {
  const value = given.get(name);
  if (value === undefined) throw new Error(`This command needs --${name}.`);
  return value;
}

function xuidOf(given: FlagValues): string {
  const xuid = neededOf(given, 'xuid');
  if (!isXuid(xuid)) throw new Error('--xuid must name a user: decimal digits.');
  return xuid;
}

/** A user who can have a connection; seats can be reserved for other digits too. */
function callerOf(given: FlagValues): string {
  const xuid = xuidOf(given);
  if (isCanonicalXuid(xuid)) return xuid;
  throw new Error(`--xuid is "${xuid}"; expected ${canonicalXuidForm}.`);
}

function sessionOf(given: FlagValues): SessionReference {
  return parseSessionName(neededOf(given, 'session'), '--session');
}

function reasonOf(given: FlagValues): { readonly reason?: string } {
  const reason = given.get('reason');
  if (reason === undefined) return {};
  if (reason.length <= 500 && isOneLine(reason)) return { reason };
  throw new Error(
    '--reason must be at most 500 characters, in one line and without control characters.',
  );
}

function parseCount(text: string): number {
  if (/^[1-9][0-9]{0,6}$/.test(text)) return Number(text);
  throw new Error(`--limit is "${text}"; expected a whole number from 1 to 9999999.`);
}

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

function parseSeconds(text: string): number {
  const [, count, unit = ''] = /^([1-9][0-9]{0,8})([smhd])$/.exec(text) ?? [];
  const seconds = Number(count) * (unitSeconds[unit] ?? 0);
  if (seconds <= limits.banSecondsMax) return seconds;
  throw new Error(
    `--for is "${text}"; expected a duration such as 30m, 24h or 7d, at most ten years (3650d).`,
  );
}

function formatRow({ scid, template, name, members, changeNumber, keywords }: AnswerBody): string {
  const words = keywords === undefined ? '' : `, keywords ${keywords.join(' ')}`;
  return `${formatSessionName({ scid, templateName: template, name })}  ${formatCount(members.count, 'member')}, ${members.active} active, change ${changeNumber}${words}`;
}

function formatBan({ until, by, reason }: AnswerBody): string {
  return `until ${until} by ${by}${reason === undefined ? '' : `: ${reason}`}`;
}
