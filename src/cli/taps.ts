/** `openmpsd taps`: what a user is told over RTA, a line each, as it comes. */

import { parseArgs } from 'node:util';
import { formatDevelopmentToken } from '../auth/development-token.ts';
import {
  invitesResource,
  MultiplayerError,
  MultiplayerService,
  RtaError,
  type RtaConnection,
  type SessionReference,
  type Tap,
} from '../client/multiplayer-service.ts';
import type { CommandIo } from './command.ts';

export type TapsIo = Pick<CommandIo, 'stdout' | 'stderr' | 'env' | 'once' | 'off'>;

const help = `openmpsd taps: follows what a user is told over RTA, a line each, until Ctrl-C.

  --xuid <digits>       The user
  --session <session>   A session to be told of: <scid>~<template>~<name>; may be repeated.
                        The user's member becomes active on this connection (and joins, if it can
                        and is not in): who plays as the same user is not told any more.
  --token <value>       Value for Authorization, as openmpsd token prints it;
                        default: a development token of --xuid
  --url <address>       MPSD_URL (default http://127.0.0.1:8350)

Without --session: invites, and taps of each session into which you write the connection id that is
printed, as members.me.properties.system.connection beside a subscription.
`;

type Given = {
  readonly xuid: string;
  readonly url: string;
  readonly authorization: string;
  readonly sessions: readonly SessionReference[];
};

/**
 * The exit code of `openmpsd taps`: 0 when it was told to end, 1 when the server refused or the
 * connection was given up, 2 when it was misused.
 */
export async function runTaps(args: readonly string[], io: TapsIo): Promise<number> {
  let given: Given | 'help';
  try {
    given = parseOptions(args, io.env);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    io.stderr.write(`openmpsd taps: ${reason} See openmpsd taps --help.\n`);
    return 2;
  }
  if (given === 'help') {
    io.stdout.write(help);
    return 0;
  }
  try {
    await followUntilTold(given, io);
    return 0;
  } catch (error) {
    if (!(error instanceof MultiplayerError) && !(error instanceof RtaError)) throw error;
    const cause = error.cause instanceof Error ? ` ${error.cause.message}` : '';
    const isUnanswered = error instanceof MultiplayerError && error.code === 'noAnswer';
    io.stderr.write(
      isUnanswered
        ? `openmpsd taps: nothing answers at ${given.url}; start the server before: npm start.\n`
        : `openmpsd taps: ${error.message}${cause}\n`,
    );
    return 1;
  }
}

function parseOptions(args: readonly string[], env: TapsIo['env']): Given | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      xuid: { type: 'string' },
      session: { type: 'string', multiple: true },
      token: { type: 'string' },
      url: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return 'help';
  const { xuid, token, session = [] } = values;
  if (xuid === undefined || !/^[0-9]{1,20}$/.test(xuid)) {
    throw new Error('--xuid must name a user: decimal digits.');
  }
  const url = values.url ?? env['MPSD_URL'] ?? 'http://127.0.0.1:8350';
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new Error(`--url is "${url}"; expected http://host:port.`);
  }
  const authorization = token?.trim() ?? `XBL3.0 x=-;${formatDevelopmentToken({ xid: xuid })}`;
  return { xuid, url, authorization, sessions: session.map(parseSession) };
}

function parseSession(text: string): SessionReference {
  const [scid, templateName, name, ...more] = text.split('~');
  if (!scid || !templateName || !name || more.length > 0) {
    throw new Error(`--session is "${text}"; expected <scid>~<template>~<name>.`);
  }
  return { scid, templateName, name };
}

async function followUntilTold(
  { xuid, url, authorization, sessions }: Given,
  io: TapsIo,
): Promise<void> {
  const tell = (line: string): void => void io.stdout.write(`${line}\n`);
  const service = new MultiplayerService({ baseUrl: url, authorization, xuid });
  await using live = await service.connect();
  const end = (): void => void live.close();
  io.once('SIGINT', end);
  io.once('SIGTERM', end);
  try {
    tellConnection(live, tell);
    // Which title is asked for, the server does not look at.
    await live.subscribe(invitesResource(xuid, '0'), (data) => tell(formatInvite(data)));
    for (const session of sessions) {
      const written = await live.follow(session, {}, { mode: 'updateExisting' });
      if (written.status === 'deleted') continue;
      tell(`following   ${nameOf(session)}  change ${written.session.changeNumber}`);
    }
    for await (const tap of live.taps()) {
      if (tap.kind === 'resync' && tap.why === 'reconnected') tellConnection(live, tell);
      tell(formatTap(tap));
    }
  } finally {
    io.off('SIGINT', end);
    io.off('SIGTERM', end);
  }
}

function tellConnection({ connectionId }: RtaConnection, tell: (line: string) => void): void {
  if (connectionId !== undefined) tell(`connection  ${connectionId}`);
}

function formatTap(tap: Tap): string {
  switch (tap.kind) {
    case 'changed':
      return `changed     ${nameOf(tap.reference)}  change ${tap.changeNumber}  ${tap.timestamp}`;
    case 'ended':
      return `ended       ${nameOf(tap.reference)}  ${tap.timestamp}`;
    case 'resync':
      return `resync      taps may be missing: the ${tap.why === 'missed' ? 'server left some out' : 'line was cut'}`;
    case 'unfollowed':
      return `unfollowed  ${nameOf(tap.reference)}  ${tap.error?.message ?? 'it does not exist any more'}`;
  }
}

function nameOf({ scid, templateName, name }: SessionReference): string {
  return `${scid}~${templateName}~${name}`;
}

/** @source wire 6.7 */
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
  return `invited     ${nameOf(sessionRef)}  by ${senderXuid}, handle ${id}, until ${expiration}`;
}
