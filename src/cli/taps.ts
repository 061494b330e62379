/** `openmpsd taps`: prints what a user receives over RTA, a line each. */

import { formatDevelopmentToken } from '../auth/development-token.ts';
import {
  invitesResource,
  MultiplayerError,
  MultiplayerService,
  type OpenWebSocket,
  type SessionReference,
  type Tap,
} from '../client/multiplayer-service.ts';
import { joinProblems, parseFlags } from '../config/flags.ts';
import { canonicalXuidForm, isCanonicalXuid } from '../domain/ids.ts';
import { formatPrintable } from '../domain/printable-text.ts';
import { type CommandIo, readOptions } from './command-io.ts';
import { explainFailedCall, parseServerAddress, parseToken } from './server-address.ts';
import { formatSessionName, parseSessionName } from './session-name.ts';

export type TapsIo = Pick<CommandIo, 'stdout' | 'stderr' | 'env' | 'once' | 'off'>;

const help = `openmpsd taps: prints what a user receives over RTA, a line each, until Ctrl-C: invites, and taps.
A tap says that a session has changed.

  --xuid <digits>       The user
  --session <session>   A session to follow: <scid>~<template>~<name>; may be repeated.
                        It must exist. The user's member becomes active on this connection, and joins
                        if it is not in; another client of the same user gets no more taps of it.
  --token <value>       Value for Authorization, as openmpsd token prints it;
                        default: a development token of --xuid
  --url <address>       MPSD_URL (default http://127.0.0.1:8350)

Without --session: invites, and taps of each session into which you write the connection id that is
printed, as members.me.properties.system.connection beside a subscription.
`;

type TapsOptions = {
  readonly xuid: string;
  readonly url: string;
  readonly authorization: string;
  readonly sessions: readonly SessionReference[];
};

/**
 * The exit code of `openmpsd taps`: 0 when a signal ended it, 1 when the server refused or the
 * connection was given up, 2 when it was misused.
 */
export async function runTaps(args: readonly string[], io: TapsIo): Promise<number> {
  const given = readOptions({ name: 'taps', help }, io, () => parseOptions(args, io.env));
  if (typeof given === 'number') return given;
  try {
    await followUntilSignal(given, io);
    return 0;
  } catch (error) {
    if (error instanceof NoSession) {
      io.stderr.write(`openmpsd taps: ${error.message}\n`);
      return 1;
    }
    const explained = explainFailedCall(error, given.url);
    if (explained === undefined) throw error;
    io.stderr.write(`openmpsd taps: ${formatPrintable(explained)}\n`);
    return 1;
  }
}

function parseOptions(args: readonly string[], env: TapsIo['env']): TapsOptions | 'help' {
  const { values, problems } = parseFlags(args, {
    xuid: { argument: '<digits>' },
    session: { argument: '<session>', isList: true },
    token: { argument: '<value>', isSecret: true },
    url: { argument: '<address>' },
    help: { short: 'h' },
  });
  if (values.has('help')) return 'help';
  if (problems.length > 0) throw new Error(joinProblems(problems));
  const xuid = values.get('xuid')?.at(-1);
  if (xuid === undefined) throw new Error('This command needs --xuid.');
  if (!isCanonicalXuid(xuid)) {
    throw new Error(`--xuid must name a user: ${canonicalXuidForm}.`);
  }
  const url = parseServerAddress(values.get('url')?.at(-1), env);
  const token = parseToken(values.get('token')?.at(-1), '--token');
  const authorization = token ?? `XBL3.0 x=-;${formatDevelopmentToken({ xid: xuid })}`;
  const sessions = (values.get('session') ?? []).map((one) => parseSessionName(one, '--session'));
  return { xuid, url, authorization, sessions };
}

async function followUntilSignal(
  { xuid, url, authorization, sessions }: TapsOptions,
  io: TapsIo,
): Promise<void> {
  const print = (line: string): void => void io.stdout.write(`${formatPrintable(line)}\n`);
  const service = new MultiplayerService({ baseUrl: url, authorization, xuid });
  const ending = new AbortController();
  const end = (): void => ending.abort();
  try {
    await using live = await service.connect({ webSocket: openPrinted(print, ending.signal) });
    ending.signal.addEventListener('abort', () => void live.close());
    io.once('SIGINT', end);
    io.once('SIGTERM', end);
    // Which title is asked for, the server does not look at.
    await live.subscribe(invitesResource(xuid, '0'), (data) => print(formatInvite(data)));
    for (const session of sessions) {
      const written = await live
        .follow(session, {}, { mode: 'updateExisting' })
        .catch((error: unknown) => {
          const isMissing = error instanceof MultiplayerError && error.code === 'sessionMissing';
          throw isMissing ? new NoSession(session) : error;
        });
      if (written.status === 'deleted') continue;
      print(`following   ${formatSessionName(session)}  change ${written.session.changeNumber}`);
    }
    for await (const tap of live.taps()) print(formatTap(tap));
  } finally {
    end();
    io.off('SIGINT', end);
    io.off('SIGTERM', end);
  }
}

/** The session that is to be followed does not exist. */
class NoSession extends Error {
  constructor(session: SessionReference) {
    super(`there is no session ${formatSessionName(session)}; create it first.`);
  }
}

/**
 * Opens the platform's sockets, and prints the connection id of each before anything that comes on
 * it, and its end, unless it is ended here.
 *
 * @source docs/wire/rta.md "Frames"
 */
function openPrinted(print: (line: string) => void, ending: AbortSignal): OpenWebSocket {
  return (url, protocol) => {
    const socket = new WebSocket(url, protocol);
    let connectionId: string | undefined;
    // This listener is the first: the connection's own come behind it.
    socket.addEventListener('message', ({ data }) => {
      if (connectionId !== undefined) return;
      connectionId = /"ConnectionId":"([^"]+)"/.exec(String(data))?.[1];
      if (connectionId !== undefined) print(`connection  ${connectionId}`);
    });
    socket.addEventListener('close', () => {
      if (connectionId !== undefined && !ending.aborted) {
        print('lost        the connection was lost; connecting again');
      }
    });
    return socket;
  };
}

function formatTap(tap: Tap): string {
  switch (tap.kind) {
    case 'changed':
      return `changed     ${formatSessionName(tap.reference)}  change ${tap.changeNumber}  ${tap.timestamp}`;
    case 'ended':
      return `ended       ${formatSessionName(tap.reference)}  ${tap.timestamp}`;
    case 'resync':
      return `resync      taps may be missing: the ${tap.why === 'missed' ? 'server left some out' : 'connection was lost'}`;
    case 'unfollowed':
      return `unfollowed  ${formatSessionName(tap.reference)}  ${tap.error?.message ?? 'it does not exist any more'}`;
  }
}

/** @source docs/wire/rta.md "Invites" */
function formatInvite(data: unknown): string {
  const { inviteHandle } = (data ?? {}) as {
    readonly inviteHandle?: {
      readonly id: string;
      readonly senderXuid: string;
      readonly sessionRef: SessionReference;
      readonly expiration: string;
    };
  };
  if (inviteHandle === undefined) return `notified    ${JSON.stringify(data)}`;
  const { id, senderXuid, sessionRef, expiration } = inviteHandle;
  return `invited     ${formatSessionName(sessionRef)}  by ${senderXuid}, handle ${id}, until ${expiration}`;
}
