/**
 * `openmpsd demo`: three users play the recorded lobby-and-game sequence against a running server,
 * taps included, and every step is described in words.
 *
 * @source docs/wire/clients.md "A recorded lobby", docs/wire/clients.md "Multiplayer Manager"
 */

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import {
  invitesResource,
  MultiplayerError,
  MultiplayerService,
  type SessionChanges,
  type SessionDocument,
  type SessionReference,
} from '../client/multiplayer-service.ts';
import { demoScid, demoTitleId } from '../config/demo-config.ts';
import { joinProblems, parseFlags } from '../config/flags.ts';
import { NoAnswer } from '../platform/no-answer.ts';
import { askText } from './ask.ts';
import { type OutputIo, readOptions } from './command-io.ts';
import { DemoLine } from './demo-line.ts';
import { openDemoTime } from './demo-time.ts';
import { explainForeign, explainNoAnswer, isPage, parseServerAddress } from './server-address.ts';

export type DemoIo = OutputIo & {
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** Templates of the built-in demo config. */
const templates = { lobby: 'LobbySession', game: 'GameSession' };

/** How long the server gathers taps, and after which silence it sends a pong, and a bit. */
const tapWindowMs = 2_500;
const silenceMs = 11_500;

const help = `openmpsd demo: plays a lobby and a game with three users against a running server.

  --url <address>   MPSD_URL (default http://127.0.0.1:8350)
      The server; it must run with the demo config and --auth dev, as npm start does.
      With --control too the demo moves its clock; else it waits 15 seconds or so.
`;

/**
 * The exit code of the demo: 0 when every step went as recorded, 1 when one did not (it is reported
 * which), 2 when it was misused.
 */
export async function runDemo(args: readonly string[], io: DemoIo): Promise<number> {
  const { values, problems } = parseFlags(args, {
    url: { argument: '<address>' },
    help: { short: 'h' },
  });
  const given = readOptions({ name: 'demo', help }, io, () => {
    if (values.has('help')) return 'help';
    if (problems.length > 0) throw new Error(joinProblems(problems));
    return { url: parseServerAddress(values.get('url')?.at(-1), io.env) };
  });
  if (typeof given === 'number') return given;
  const { url } = given;
  try {
    await play(url, (line) => io.stdout.write(`${line}\n`));
    return 0;
  } catch (error) {
    if (!(error instanceof MultiplayerError) && !(error instanceof UnexpectedStep)) throw error;
    const isRefused = error instanceof MultiplayerError && error.status >= 400;
    const advice = isRefused
      ? ' The demo needs a server with the demo config and --auth dev, as npm start runs it.'
      : '';
    io.stderr.write(`openmpsd demo: ${error.message}${advice}\n`);
    return 1;
  }
}

/** A step went otherwise than it was recorded. */
class UnexpectedStep extends Error {}

function expect(holds: boolean, what: string): asserts holds {
  if (!holds)
    throw new UnexpectedStep(`expected that ${what}; it is not so. Is this the demo config?`);
}

type Player = {
  readonly name: string;
  readonly xuid: string;
  readonly authorization: string;
  readonly service: MultiplayerService;
  readonly secureDeviceAddress: string;
};

function player(url: string, name: string): Player {
  const xuid = `2535${String(Math.floor(Math.random() * 1e12)).padStart(12, '0')}`;
  const token = new URLSearchParams({
    xuid,
    gtg: name,
    tid: demoTitleId,
    did: `console-of-${name}`,
  });
  const authorization = `XBL3.0 x=-;${token}`;
  return {
    name,
    xuid,
    authorization,
    service: new MultiplayerService({ baseUrl: url, authorization, xuid }),
    secureDeviceAddress: btoa(`address of ${name}`),
  };
}

function joining(
  { xuid, secureDeviceAddress }: Player,
  connection: string,
): NonNullable<SessionChanges['members']> {
  return {
    me: {
      constants: { system: { xuid, initialize: true } },
      properties: {
        system: {
          active: true,
          connection,
          secureDeviceAddress,
          subscription: { id: randomUUID().toUpperCase(), changeTypes: ['everything'] },
        },
      },
    },
  };
}

async function play(url: string, tell: (line: string) => void): Promise<void> {
  let step = 0;
  /** A step of the recording, in its order. */
  const say = (line: string): void => {
    step += 1;
    tell(`${String(step).padStart(2)}. ${line}`);
  };
  /** What the recording does not have. */
  const add = (line: string): void => tell(`    ${line}`);
  const [ada, ben, cleo] = [player(url, 'Ada'), player(url, 'Ben'), player(url, 'Cleo')];
  const reference = (templateName: string): SessionReference => ({
    scid: demoScid,
    templateName,
    name: randomUUID().toUpperCase(),
  });
  const lobby = reference(templates.lobby);
  const game = reference(templates.game);
  const query = {
    method: 'POST',
    headers: { authorization: ada.authorization, 'x-xbl-contract-version': '107' },
    body: JSON.stringify({
      type: 'activity',
      scid: demoScid,
      owners: { people: { moniker: 'people', monikerXuid: ada.xuid } },
    }),
  };
  const { answer: friends, text: playing } = await askText(
    `${url}/handles/query?include=relatedInfo`,
    query,
  ).catch((error: unknown) => {
    throw error instanceof NoAnswer ? new UnexpectedStep(explainNoAnswer(error, url)) : error;
  });
  if (isPage(playing)) throw new UnexpectedStep(explainForeign(friends.status, url));
  if (!friends.ok) {
    throw new MultiplayerError({
      verb: 'POST',
      path: '/handles/query',
      status: friends.status,
      code: friends.headers.get('X-Mpsd-Refusal') ?? undefined,
      text: playing,
    });
  }
  expect(playing === '{"results":[]}', 'none of her friends plays');
  say('Ada looks what her friends are doing: nothing yet.');
  await using time = await openDemoTime(url);

  await using line = await openLine(url, ada);
  line.send([1, 1, 'https://sessiondirectory.xboxlive.com/connections/']);
  const subscribed = await line.next(time.patienceMs);
  const connection = connectionIdOf(subscribed);
  expect(connection !== undefined, `${JSON.stringify(subscribed)} is [1,1,0,0,{"ConnectionId":…}]`);
  say(`Ada connects over RTA, sub-protocol V2: she is connection ${connection}.`);

  const created = await ada.service.writeSession(lobby, {
    properties: {
      system: { joinRestriction: 'followed', readRestriction: 'followed' },
      custom: { Joinability: 'joinable_by_friends' },
    },
    members: joining(ada, connection),
  });
  expect(created.status === 'created', 'the lobby was created');
  expect(created.session.changeNumber === 1, 'its first change is 1');
  say(`Ada creates the lobby ${lobby.name}: change 1, and nobody is notified.`);

  const activity = await ada.service.setActivity(lobby);
  const first = tapsOf(await line.next(time.patienceMs));
  expectTaps(first, [tapOf(created.session, lobby, 2)]);
  expect(first[0]?.timestamp === activity.createTime, 'the tap has the time of the activity');
  say('Ada makes the lobby her activity, which counts as change 2, and gets a tap for it at once.');

  const pending = { properties: { custom: { GameSessionTransferHandle: `pending~${ada.xuid}` } } };
  const stale = await ada.service.tryWriteSession(lobby, pending, { etag: created.etag ?? '' });
  expect(stale.status === 'outOfSync', 'the ETag from before the activity is stale');
  expect(stale.session?.changeNumber === 2, 'the document of the 412 is change 2');
  say('Ada announces a game with the ETag of change 1 and gets 412, with change 2 to look at.');

  const token = created.session.members['0']?.deviceToken;
  expect(token !== undefined, 'Ada has a device token');
  const host: SessionChanges = { properties: { system: { host: token } } };
  const hosted = await ada.service.writeSession(lobby, host, { mode: 'updateExisting' });
  expect(hosted.status === 'updated' && hosted.session.changeNumber === 3, 'it is change 3');
  say('Ada becomes the host of the lobby: change 3.');

  const begun = await ada.service.writeSession(game, { members: joining(ada, connection) });
  expect(begun.status === 'created', 'the game was created');
  say(`Ada creates the game ${game.name}: change 1.`);

  const transferId = await ada.service.setTransferHandle(game, lobby);
  say('Ada makes a transfer handle: who is in the lobby may follow into the game.');

  const tooEarly = await ada.service.tryWriteSession(game, host, { etag: begun.etag ?? '' });
  expect(tooEarly.status === 'outOfSync', 'the transfer handle has changed the game');
  expect(tooEarly.session?.changeNumber === 2, 'the document of the 412 is change 2');
  say('Ada makes herself host of the game and gets 412: the transfer handle made it change 2.');

  const completed = await ada.service.writeSession(
    lobby,
    { properties: { custom: { GameSessionTransferHandle: `completed~${transferId}` } } },
    { mode: 'updateExisting' },
  );
  expect(completed.status === 'updated' && completed.session.changeNumber === 4, 'it is change 4');
  say('Ada announces it in the lobby: change 4.');

  const gameHosted = await ada.service.tryWriteSession(game, host, { etag: tooEarly.etag ?? '' });
  expect(gameHosted.status === 'updated', 'the ETag that came with the 412 is good');
  expect(gameHosted.session.changeNumber === 3, 'it is change 3');
  say('With the ETag of the 412 it works: the game is at change 3.');

  expect(line.waiting.length === 0, 'no tap comes before the window of the first one ends');
  await time.pass(tapWindowMs);
  expectTaps(tapsOf(await line.next(time.patienceMs)), [
    tapOf(created.session, lobby, 4),
    tapOf(begun.session, game, 3),
  ]);
  say('Ada receives all that in one event of two taps: lobby 4, game 3.');

  await time.pass(silenceMs);
  const pong = await line.next(time.patienceMs);
  expect(pong === 'pong', `${JSON.stringify(pong)} is a pong`);
  say('After 10 s of silence the server sends a pong.');

  await using live = await ben.service.connect();
  const invited = Promise.withResolvers<unknown>();
  await live.subscribe(invitesResource(ben.xuid, demoTitleId), invited.resolve);
  const [sent] = await ada.service.sendInvites(lobby, [ben.xuid], { titleId: demoTitleId });
  expect(sent?.status === 'sent', 'the invite was sent');
  const heard = (await withTimeout(time.patienceMs, invited.promise)) as
    | { readonly inviteHandle: { readonly id: string } }
    | undefined;
  expect(heard?.inviteHandle.id === sent.handle.id, 'Ben hears of the invite');
  add('Ada invites Ben, who hears of it over RTA.');

  const refused = await refusalOf(
    cleo.service.writeSession(lobby, { members: joining(cleo, randomUUID()) }),
  );
  expect(refused === 'joinRestricted', 'Cleo, whom nobody follows, cannot join by herself');
  add(`Cleo tries to join without an invite and is refused: ${refused}.`);

  const joined = await live.followByHandle(heard.inviteHandle.id);
  expect(joined.status === 'updated', 'Ben joined the lobby');
  const arrival = tapsOf(await line.next(time.patienceMs));
  expectTaps(arrival, [tapOf(created.session, lobby, 5)]);
  add(
    `Ben accepts: the lobby has ${joined.session.membersInfo.count} members, and Ada gets a tap.`,
  );

  const followed = await live.followByHandle(transferId);
  expect(followed.status === 'updated', 'Ben followed into the game');
  add('Ben follows into the game through the transfer handle.');

  const found = await cleo.service.getActivitiesForUsers(demoScid, [ada.xuid]);
  expect(found.length === 1, "Ada's activity is listed");
  add("Cleo sees Ada's lobby among the activities.");

  await ben.service.leaveSession(game);
  await ada.service.leaveSession(game);
  expect((await ada.service.getSession(game)) === undefined, 'the game is gone');
  await time.pass(tapWindowMs);
  const end = await tapsUntil(line, (tap) => !('changeNumber' in tap), time.patienceMs);
  expectTaps(end, [tapOf(begun.session, game, undefined)]);
  say('Ben and Ada leave the game, it is gone, and a tap without a change number says so.');

  for (const one of [ben, ada]) await one.service.leaveSession(lobby);
  const after = await cleo.service.getActivitiesForUsers(demoScid, [ada.xuid]);
  expect(after.length === 0, 'no activity is left');
  add('They leave the lobby too. Nothing of it is listed any more.');
  tell('All went as it was recorded from the real service.');
}

async function openLine(url: string, { authorization }: Player): Promise<DemoLine> {
  const line = await DemoLine.open(url, authorization);
  if (line instanceof Error) {
    throw new UnexpectedStep(`there is no WebSocket at ${url}/connect: ${line.message}.`);
  }
  if (line.protocol === 'rta.xboxlive.com.V2') return line;
  await line[Symbol.asyncDispose]();
  throw new UnexpectedStep(`the server named the sub-protocol "${line.protocol}".`);
}

/** Of the answer to the first subscribe of a line. @source docs/wire/rta.md "Frames" */
function connectionIdOf(frame: unknown): string | undefined {
  const { ConnectionId: id } = (Array.isArray(frame) ? (frame[4] ?? {}) : {}) as {
    readonly ConnectionId?: string;
  };
  return isDeepStrictEqual(frame, [1, 1, 0, 0, { ConnectionId: id }]) ? id : undefined;
}

type WireTap = Readonly<Record<string, unknown>>;

/** The taps of an event of the first subscription; none when it is something else. @source docs/wire/rta.md "Taps" */
function tapsOf(frame: unknown): readonly WireTap[] {
  const [kind, id, data] = Array.isArray(frame) ? frame : [];
  const { ncid, shoulderTaps } = (data ?? {}) as {
    readonly ncid?: unknown;
    readonly shoulderTaps?: unknown;
  };
  const isEvent = kind === 3 && id === 0 && typeof ncid === 'string' && Array.isArray(shoulderTaps);
  return isEvent ? shoulderTaps : [];
}

/** The taps that hold, of the next event that has any. */
async function tapsUntil(
  line: DemoLine,
  holds: (tap: WireTap) => boolean,
  limitMs: number,
): Promise<readonly WireTap[]> {
  for (;;) {
    const frame = await line.next(limitMs);
    const taps = tapsOf(frame).filter(holds);
    if (frame === undefined || taps.length > 0) return taps;
  }
}

/** What a tap of Ada's says, but for its time. @source docs/wire/rta.md "Taps" */
function tapOf(
  session: SessionDocument,
  { scid, templateName, name }: SessionReference,
  changeNumber: number | undefined,
): WireTap {
  return {
    subscription: session.members['0']?.properties.system.subscription?.id.toLowerCase(),
    resourceType: 'mpsd/session',
    resource: `${scid}~${templateName}~${name}`.toLowerCase(),
    branch: session.branch,
    ...(changeNumber !== undefined && { changeNumber }),
  };
}

function expectTaps(taps: readonly WireTap[], expected: readonly WireTap[]): void {
  const withoutTime = taps.map(({ timestamp: _, ...tap }) => tap);
  expect(
    isDeepStrictEqual(withoutTime, expected),
    `Ada gets a tap with ${JSON.stringify(expected)}, not ${JSON.stringify(withoutTime)}`,
  );
}

/** What is promised, or undefined when that takes too long. */
async function withTimeout<T>(limitMs: number, promised: Promise<T>): Promise<T | undefined> {
  const ending = new AbortController();
  const late = sleep(limitMs, undefined, { signal: ending.signal }).catch(() => undefined);
  const outcome = await Promise.race([promised, late]);
  ending.abort();
  return outcome;
}

async function refusalOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (error instanceof MultiplayerError) return error.code;
    throw error;
  }
}
