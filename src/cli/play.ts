/** `openmpsd play`: users from the command line, who join a session, print what changes, and leave. */

import { randomUUID } from 'node:crypto';
import { formatDevelopmentToken } from '../auth/development-token.ts';
import {
  membersOf,
  MultiplayerError,
  MultiplayerService,
  type RtaConnection,
  type SessionDocument,
  type SessionReference,
  type Tap,
} from '../client/multiplayer-service.ts';
import { joinProblems, parseFlags } from '../config/flags.ts';
import { demoScid } from '../config/demo-config.ts';
import { canonicalXuidForm, isCanonicalXuid, isGuid } from '../domain/ids.ts';
import { formatPrintable } from '../domain/printable-text.ts';
import { type CommandIo, readOptions } from './command-io.ts';
import { explainFailedCall, parseServerAddress } from './server-address.ts';
import { formatSessionName, parseSessionName } from './session-name.ts';
import { formatCount } from './count-text.ts';

export type PlayIo = Pick<CommandIo, 'stdout' | 'stderr' | 'env' | 'once' | 'off'>;

const usersDefault = 2;
const usersMax = 100;
/** A server that is replaced comes back within seconds; when one is gone, the user sees that soon. */
const reconnect = { attemptsMax: 3 };

const help = `openmpsd play: users who join a session, print what changes in it, and leave at Ctrl-C.

  --users <number>     How many (default ${usersDefault}, at most ${usersMax})
  --join <session>     The session: <scid>~<template>~<name>, or the id of a handle that leads to it.
                       Without it: a new session of deathmatch of the demo config; its name is printed.
  --xuid <digits>      The first user; the others count on from it. Without it: users nobody else has.
  --url <address>      MPSD_URL (default http://127.0.0.1:8350)

The server must run with --auth dev, as npm start does.
`;

type PlayOptions = {
  readonly url: string;
  readonly xuids: readonly string[];
  /** A handle id is a text; undefined: a new session. */
  readonly join: SessionReference | string | undefined;
};

/**
 * The exit code of `openmpsd play`: 0 when a signal ended it or the session ended, 1 when the server
 * refused or a connection was given up, 2 when it was misused.
 */
export async function runPlay(args: readonly string[], io: PlayIo): Promise<number> {
  const given = readOptions({ name: 'play', help }, io, () => parseOptions(args, io.env));
  if (typeof given === 'number') return given;
  const players: Player[] = [];
  try {
    await playUntilSignal(given, players, io);
    return 0;
  } catch (error) {
    const isGone =
      error instanceof MultiplayerError &&
      (error.code === 'sessionMissing' ||
        error.code === 'sessionGone' ||
        error.code === 'handleUnknown');
    const explained = isGone
      ? 'There is no such session. Without --join, play creates one.'
      : explainFailedCall(error, given.url, { wasThere: players.length > 0 });
    if (explained === undefined) throw error;
    io.stderr.write(`openmpsd play: ${formatPrintable(explained)}\n`);
    return 1;
  }
}

function parseOptions(args: readonly string[], env: PlayIo['env']): PlayOptions | 'help' {
  const { values, problems } = parseFlags(args, {
    users: { argument: '<number>' },
    join: { argument: '<session>' },
    xuid: { argument: '<digits>' },
    url: { argument: '<address>' },
    help: { short: 'h' },
  });
  if (values.has('help')) return 'help';
  if (problems.length > 0) throw new Error(joinProblems(problems));
  const last = (flag: string): string | undefined => values.get(flag)?.at(-1);
  const users = last('users') ?? String(usersDefault);
  if (!/^[0-9]{1,3}$/.test(users) || Number(users) < 1 || Number(users) > usersMax) {
    throw new Error(`--users is "${users}"; expected a whole number from 1 to ${usersMax}.`);
  }
  const join = last('join');
  return {
    url: parseServerAddress(last('url'), env),
    xuids: xuidsFrom(last('xuid'), Number(users)),
    join:
      join === undefined || isGuid(join)
        ? join
        : parseSessionName(join, '--join', ', or the id of a handle'),
  };
}

function xuidsFrom(first: string | undefined, count: number): readonly string[] {
  const start = first ?? `2535${randomUUID().replaceAll(/\D/g, '').padEnd(12, '0').slice(0, 12)}`;
  if (!isCanonicalXuid(start)) {
    throw new Error(`--xuid is "${start}"; expected ${canonicalXuidForm}.`);
  }
  const xuids = Array.from({ length: count }, (_, i) => String(BigInt(start) + BigInt(i)));
  if (!isCanonicalXuid(xuids.at(-1) ?? '')) {
    throw new Error(`--xuid is "${start}": ${count} users from there go beyond 2^64.`);
  }
  return xuids;
}

type Player = {
  readonly name: string;
  readonly xuid: string;
  readonly service: MultiplayerService;
  readonly live: RtaConnection;
};

/** Puts those who have joined into `players`. */
async function playUntilSignal(
  { url, xuids, join }: PlayOptions,
  players: Player[],
  io: PlayIo,
): Promise<void> {
  const print = (what: string, line: string): void =>
    void io.stdout.write(`${what.padEnd(11)} ${formatPrintable(line)}\n`);
  await using connections = new AsyncDisposableStack();
  const ending = Promise.withResolvers<void>();
  const end = (): void => ending.resolve();
  io.once('SIGINT', end);
  io.once('SIGTERM', end);
  let session: SessionReference | undefined;
  let isLeaving = false;
  try {
    for (const [i, xuid] of xuids.entries()) {
      const name = `Player ${i + 1}`;
      const token = formatDevelopmentToken({ xid: xuid, gtg: name });
      const authorization = `XBL3.0 x=-;${token}`;
      const service = new MultiplayerService({ baseUrl: url, authorization, xuid });
      const connecting = service.connect({ reconnect });
      const connected = await Promise.race([connecting, ending.promise]);
      if (connected === undefined) {
        connecting.then((late) => late.close()).catch(() => undefined);
        return;
      }
      const live = connections.use(connected);
      const player: Player = { name, xuid, service, live };
      const joined = await joinSession(player, session ?? join);
      if (session === undefined) {
        session = joined.reference;
        print('session', formatSessionName(session));
      }
      players.push(player);
      const { active, count } = joined.document.membersInfo;
      print('joined', `${name}  xuid ${xuid}  ${formatCount(count, 'member')}, ${active} active`);
    }
    if (session === undefined) return;
    const over = readTaps(players, session, (what, line) => {
      if (!isLeaving) print(what, line);
    });
    await Promise.race([ending.promise, over]);
  } finally {
    isLeaving = true;
    io.off('SIGINT', end);
    io.off('SIGTERM', end);
    if (session !== undefined) await leave([...players], session, print);
  }
}

/** The session that the player is in now. */
async function joinSession(
  { live }: Player,
  target: SessionReference | string | undefined,
): Promise<{ readonly reference: SessionReference; readonly document: SessionDocument }> {
  const changes = { members: { me: { constants: { system: { initialize: true } } } } } as const;
  const options = { mode: 'updateExisting' } as const;
  if (typeof target === 'string') {
    const written = await live.followByHandle(target, changes, options);
    if (written.status === 'deleted') throw gone(target);
    return { reference: written.reference, document: written.session };
  }
  const reference = target ?? {
    scid: demoScid,
    templateName: 'deathmatch',
    name: randomUUID(),
  };
  const written = await live.follow(reference, changes, target === undefined ? {} : options);
  if (written.status === 'deleted') throw gone(reference.name);
  return { reference, document: written.session };
}

/** A join that leaves no session behind. */
function gone(target: string): MultiplayerError {
  const facts = { verb: 'PUT', path: target, status: 204, code: 'sessionGone' } as const;
  return new MultiplayerError(facts);
}

/** Prints what changes until the session ends or no player is in it, and takes those who are out from `players`. */
async function readTaps(
  players: Player[],
  session: SessionReference,
  print: (what: string, line: string) => void,
): Promise<void> {
  // All hear the same; one prints it, and the next one when it was removed.
  for (let [reader] = players; reader !== undefined; [reader] = players) {
    const isOver = await readTapsOf(reader, players, session, print);
    if (isOver) return;
  }
}

/** False when this player was removed. */
async function readTapsOf(
  reader: Player,
  players: Player[],
  session: SessionReference,
  print: (what: string, line: string) => void,
): Promise<boolean> {
  const { service, live } = reader;
  let before: ReadonlyMap<string, string> = new Map();
  for await (const tap of live.taps()) {
    if (tap.kind === 'ended' || tap.kind === 'unfollowed') {
      print(tap.kind === 'ended' ? 'ended' : 'out', formatEnd(tap));
      if (tap.kind !== 'unfollowed' || tap.error === undefined) players.length = 0;
      return true;
    }
    const read = await service.getSession(session);
    if (read === undefined) continue; // its end is tapped
    const members = new Map(
      membersOf(read.session).map((one) => [one.constants.system.xuid, nameOf(one)]),
    );
    const came = [...members].filter(([xuid]) => before.size > 0 && !before.has(xuid));
    const left = [...before].filter(([xuid]) => !members.has(xuid));
    before = members;
    const { active, count } = read.session.membersInfo;
    const news = [
      `change ${read.session.changeNumber}: ${formatCount(count, 'member')}, ${active} active`,
      ...came.map(([, name]) => `${name} came`),
      ...left.map(([, name]) => `${name} left`),
    ];
    print('changed', news.join('; '));
    for (const player of players.filter(({ xuid }) => !members.has(xuid))) {
      print('removed', player.name);
      players.splice(players.indexOf(player), 1);
    }
    if (!players.includes(reader)) return false;
  }
  return true;
}

function nameOf({
  gamertag,
  constants,
}: {
  readonly gamertag?: string;
  readonly constants: { readonly system: { readonly xuid: string } };
}): string {
  return gamertag ?? constants.system.xuid;
}

function formatEnd(tap: Exclude<Tap, { kind: 'resync' }>): string {
  if (tap.kind !== 'unfollowed') return 'the session was ended';
  return tap.error?.message ?? 'the session does not exist any more';
}

/** Gives up the seats at once; a server that is away gives them up by itself. */
async function leave(
  players: readonly Player[],
  session: SessionReference,
  print: (what: string, line: string) => void,
): Promise<void> {
  for (const { name, service } of players) {
    try {
      await service.leaveSession(session, { timeoutMs: 3_000 });
      print('left', name);
    } catch (error) {
      if (!(error instanceof MultiplayerError)) throw error;
      print('not left', `${name}: ${error.message}`);
    }
  }
}
