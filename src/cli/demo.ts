/**
 * `openmpsd demo`: three users play the recorded lobby-and-game sequence against a running server,
 * and every step is told in words.
 *
 * @source wire 12, wire 7
 */

import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import {
  MultiplayerError,
  MultiplayerService,
  type SessionChanges,
  type SessionReference,
} from '../client/multiplayer-service.ts';

export type DemoIo = {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** The service config, title and templates of the built-in demo config. */
const scid = 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862';
const titleId = '1234567890';
const templates = { lobby: 'LobbySession', game: 'GameSession' };

const help = `openmpsd demo: plays a lobby and a game with three users against a running server.

  --url <address>   MPSD_URL (default http://127.0.0.1:8350)
      The server; it must run with the demo config and --auth dev, as npm start does.
`;

/**
 * The exit code of the demo: 0 when every step went as recorded, 1 when one did not (it is told
 * which), 2 when it was misused.
 */
export async function runDemo(args: readonly string[], io: DemoIo): Promise<number> {
  let url: string;
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { url: { type: 'string' }, help: { type: 'boolean' } },
    });
    if (values.help) {
      io.stdout.write(help);
      return 0;
    }
    url = new URL(values.url ?? io.env['MPSD_URL'] ?? 'http://127.0.0.1:8350').href;
  } catch (error) {
    io.stderr.write(`openmpsd demo: ${error instanceof Error ? error.message : error}\n`);
    return 2;
  }
  try {
    await play(url, (line) => io.stdout.write(`${line}\n`));
    return 0;
  } catch (error) {
    if (!(error instanceof MultiplayerError) && !(error instanceof StoryBroken)) throw error;
    io.stderr.write(`openmpsd demo: ${error.message}\n`);
    return 1;
  }
}

/** A step went otherwise than it was recorded. */
class StoryBroken extends Error {}

function expect(holds: boolean, what: string): asserts holds {
  if (!holds)
    throw new StoryBroken(`expected that ${what}; it is not so. Is this the demo config?`);
}

type Player = {
  readonly name: string;
  readonly xuid: string;
  readonly service: MultiplayerService;
  /** Stands for the id that the RTA connection of the player would have. */
  readonly connection: string;
  readonly secureDeviceAddress: string;
};

function player(url: string, name: string): Player {
  const xuid = `2535${String(Math.floor(Math.random() * 1e12)).padStart(12, '0')}`;
  const token = new URLSearchParams({ xuid, gtg: name, tid: titleId, did: `console-of-${name}` });
  return {
    name,
    xuid,
    service: new MultiplayerService({ baseUrl: url, authorization: `XBL3.0 x=-;${token}`, xuid }),
    connection: randomUUID(),
    secureDeviceAddress: btoa(`address of ${name}`),
  };
}

function joining({
  xuid,
  connection,
  secureDeviceAddress,
}: Player): NonNullable<SessionChanges['members']> {
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
  const say = (line: string): void => {
    step += 1;
    tell(`${String(step).padStart(2)}. ${line}`);
  };
  const [ada, ben, cleo] = [player(url, 'Ada'), player(url, 'Ben'), player(url, 'Cleo')];
  const reference = (templateName: string): SessionReference => ({
    scid,
    templateName,
    name: randomUUID().toUpperCase(),
  });
  const lobby = reference(templates.lobby);
  const game = reference(templates.game);

  const nothing = await ada.service.getActivitiesForUsers(scid, [ben.xuid, cleo.xuid]);
  expect(nothing.length === 0, 'nobody plays yet');
  say('Ada looks what Ben and Cleo are doing: nothing yet.');

  const created = await ada.service.writeSession(lobby, {
    properties: {
      system: { joinRestriction: 'followed', readRestriction: 'followed' },
      custom: { Joinability: 'joinable_by_friends' },
    },
    members: joining(ada),
  });
  expect(created.status === 'created', 'the lobby was created');
  say(`Ada creates the lobby ${lobby.name}: change ${created.session.changeNumber}.`);

  await ada.service.setActivity(lobby);
  say('Ada makes the lobby her activity, which counts as a change of it.');

  const pending = { properties: { custom: { GameSessionTransferHandle: `pending~${ada.xuid}` } } };
  const stale = await ada.service.tryWriteSession(lobby, pending, { etag: created.etag ?? '' });
  expect(stale.status === 'outOfSync', 'the ETag from before the activity is stale');
  say(
    `Ada announces a game with the ETag of change 1 and is told 412, with change ${stale.session?.changeNumber} to look at.`,
  );

  const token = created.session.members['0']?.deviceToken;
  expect(token !== undefined, 'Ada has a device token');
  const hosted = await ada.service.writeSession(
    lobby,
    { properties: { system: { host: token } } },
    { mode: 'updateExisting' },
  );
  expect(hosted.status === 'updated', 'the host was set');
  say(`Ada becomes the host of the lobby: change ${hosted.session.changeNumber}.`);

  const begun = await ada.service.writeSession(game, { members: joining(ada) });
  expect(begun.status === 'created', 'the game was created');
  say(`Ada creates the game ${game.name}.`);

  const transferId = await ada.service.setTransferHandle(game, lobby);
  say('Ada makes a transfer handle: who is in the lobby may follow into the game.');

  const gameHost: SessionChanges = { properties: { system: { host: token } } };
  const tooEarly = await ada.service.tryWriteSession(game, gameHost, { etag: begun.etag ?? '' });
  expect(tooEarly.status === 'outOfSync', 'the transfer handle has changed the game');
  say(
    `Ada makes herself host of the game with the ETag of change 1 and is told 412: the transfer handle made it change ${tooEarly.session?.changeNumber}.`,
  );

  const completed = await ada.service.writeSession(
    lobby,
    { properties: { custom: { GameSessionTransferHandle: `completed~${transferId}` } } },
    { mode: 'updateExisting' },
  );
  expect(completed.status === 'updated', 'the transfer was announced');
  say(`Ada announces it in the lobby: change ${completed.session.changeNumber}.`);

  const gameHosted = await ada.service.tryWriteSession(game, gameHost, {
    etag: tooEarly.etag ?? '',
  });
  expect(gameHosted.status === 'updated', 'the ETag that came with the 412 is good');
  say(
    `With the ETag of the 412 it works: the game is at change ${gameHosted.session.changeNumber}.`,
  );

  const [invited] = await ada.service.sendInvites(lobby, [ben.xuid], { titleId });
  expect(invited?.status === 'sent', 'the invite was sent');
  say('Ada invites Ben.');

  const refused = await refusalOf(cleo.service.writeSession(lobby, { members: joining(cleo) }));
  expect(refused === 'joinRestricted', 'Cleo, whom nobody follows, cannot join by herself');
  say(`Cleo tries to join without an invite and is told why not: ${refused}.`);

  const joined = await ben.service.writeSessionByHandle(invited.handle.id, {
    members: joining(ben),
  });
  expect(joined.status === 'updated', 'Ben joined the lobby');
  say(`Ben accepts: the lobby has ${joined.session.membersInfo.count} members.`);

  const followed = await ben.service.writeSessionByHandle(transferId, { members: joining(ben) });
  expect(followed.status === 'updated', 'Ben followed into the game');
  say('Ben follows into the game through the transfer handle.');

  const found = await cleo.service.getActivitiesForUsers(scid, [ada.xuid]);
  expect(found.length === 1, "Ada's activity is listed");
  say("Cleo sees Ada's lobby among the activities.");

  for (const one of [ben, ada]) await one.service.leaveSession(game);
  expect((await ada.service.getSession(game)) === undefined, 'the game is gone');
  say('Ben and Ada leave the game, and it is gone: its last member left.');

  for (const one of [ben, ada]) await one.service.leaveSession(lobby);
  const after = await cleo.service.getActivitiesForUsers(scid, [ada.xuid]);
  expect(after.length === 0, 'no activity is left');
  say('They leave the lobby too. Nothing of it is listed any more.');
  tell('All went as it was recorded from the real service.');
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
