/** SmartMatch: tickets, hoppers, and what sessions show of them. @source docs/wire/matchmaking.md "Tickets" */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { demoConfigFile } from '../../src/config/read-service-configs.ts';
import { type JsonObject, parseExactJson } from '../../src/domain/json.ts';
import type { SessionReference } from '../../src/domain/session/reference.ts';
import {
  at,
  demoScid,
  isAimed,
  type Kit,
  type KitAnswer,
  type KitUser,
  startKit,
  xuidsOf,
} from '../../src/testing/kit.ts';
import type { KitConnection } from '../../src/testing/kit-connection.ts';
import { assertRefused, assertStatus, guidPattern, needsClock, needsOwnServer } from './answers.ts';
import { memberOf, newSession, read } from './new-session.ts';
import { subscriber } from './subscriber.ts';

const hopperPath = (name: string) => `/serviceconfigs/${demoScid}/hoppers/${name}`;
const version = { 'x-xbl-contract-version': '103' };

/** A lobby with these users in it. */
async function lobbyOf(kit: Kit, ...users: readonly KitUser[]): Promise<SessionReference> {
  const [first, ...others] = users;
  assert.ok(first);
  const { reference } = await newSession(kit, first, { templateName: 'deathmatch' });
  for (const user of others) assertStatus(await user.join(reference), 200);
  return reference;
}

type TicketParts = {
  readonly hopper?: string;
  readonly preserve?: 'always' | 'never';
  readonly giveUp?: number;
  readonly attributes?: JsonObject;
};

function postTicket(
  user: KitUser,
  reference: SessionReference,
  { hopper = 'quick', preserve = 'never', giveUp = 120, attributes }: TicketParts = {},
): Promise<KitAnswer> {
  return user.request('POST', hopperPath(hopper), {
    headers: version,
    body: {
      giveUpDuration: giveUp,
      preserveSession: preserve,
      ticketSessionRef: reference,
      ...(attributes && { ticketAttributes: attributes }),
    },
  });
}

async function newTicket(
  user: KitUser,
  reference: SessionReference,
  parts?: TicketParts,
): Promise<string> {
  const { json } = assertStatus(await postTicket(user, reference, parts), 200);
  return String(json.ticketId);
}

const ticketPath = (ticketId: string, hopper = 'quick') =>
  `${hopperPath(hopper)}/tickets/${ticketId}`;

const getTicket = (user: KitUser, ticketId: string, hopper?: string) =>
  user.request('GET', ticketPath(ticketId, hopper), { headers: version });

const deleteTicket = (user: KitUser, ticketId: string, hopper?: string) =>
  user.request('DELETE', ticketPath(ticketId, hopper), { headers: version });

const shown = (session: JsonObject, path: string) =>
  at(session, `servers.matchmaking.properties.${path}`);

/** A server elsewhere may be busy: it has a minute, in turns of a tenth of a second. */
const turnsMax = isAimed ? 600 : 150;

/** The ticket session once it shows this status. */
async function untilShown(
  kit: Kit,
  reader: KitUser,
  reference: SessionReference,
  status: string,
): Promise<JsonObject> {
  let session: JsonObject = {};
  for (let turn = 0; turn < turnsMax; turn += 1) {
    session = (await read(reader, reference)).json;
    if (shown(session, 'system.status') === status) return session;
    // A server elsewhere works its hoppers by its own clock.
    if (isAimed) await new Promise((resolve) => setTimeout(resolve, 100));
    else await kit.advance(1_000);
  }
  assert.fail(`shows ${shown(session, 'system.status')}, not ${status}`);
}

/** Resolves with the next tap; the second within a second waits for the end of it. */
async function untilTapped(kit: Kit, line: KitConnection): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) {
    if ((await line.framesSoFar()).length > 0) return;
    await kit.advance(1_000);
  }
  assert.fail('no tap came');
}

const targetOf = (session: JsonObject) =>
  shown(session, 'system.targetSessionRef') as unknown as SessionReference;

// @source docs/wire/unknowns.md "who may use a ticket"
test('a ticket is shown in its session, and can be read and canceled', async () => {
  await using kit = await startKit();
  const [ada, bob, eve] = kit.users('ada', 'bob', 'eve');
  const lobby = await lobbyOf(kit, ada, bob);
  // Nobody else of this hopper fits to two players.
  const answer = assertStatus(
    await postTicket(ada, lobby, { attributes: { skill: 5 }, hopper: 'ranked5v5' }),
    200,
  );
  const ticketId = String(answer.json.ticketId);
  assert.match(ticketId, guidPattern);
  assert.ok(Number.isInteger(answer.json.waitTime));

  const session = (await read(bob, lobby)).json;
  assert.deepEqual(at(session, 'servers.matchmaking'), {
    constants: { system: {}, custom: {} },
    properties: {
      system: { status: 'searching', statusDetails: '', typicalWait: answer.json.waitTime },
      custom: { ticketScid: demoScid, ticketHopperName: 'ranked5v5', ticketId },
    },
  });
  const ticket = assertStatus(await getTicket(bob, ticketId, 'Ranked5v5'), 200).json;
  const { whyNot, ...document } = ticket;
  assert.deepEqual(document, {
    ticketStatus: 'Searching',
    waitTime: answer.json.waitTime,
    giveUpDuration: 120,
    preserveSession: 'never',
    serviceConfig: demoScid,
    hopperName: 'ranked5v5',
    ticketSessionRef: { ...lobby },
    ticketAttributes: { skill: 5 },
    players: [ada, bob].map(({ xuid }) => ({ xuid, playerAttributes: {} })),
  });
  assert.equal(at(whyNot, 'neededPlayers'), 10);

  assertRefused(await getTicket(eve, ticketId, 'ranked5v5'), 403, 'notAMember');
  assertRefused(await deleteTicket(eve, ticketId, 'ranked5v5'), 403, 'notAMember');
  assertStatus(await deleteTicket(bob, ticketId, 'ranked5v5'), 204);
  assert.equal(shown((await read(ada, lobby)).json, 'system.status'), 'canceled');
  const { json } = assertStatus(await getTicket(ada, ticketId, 'ranked5v5'), 200);
  assert.equal(json.ticketStatus, 'Canceled');
  assertStatus(await deleteTicket(ada, ticketId, 'ranked5v5'), 204);
});

test('two tickets get one target session, which is there before they are found', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  await using line = await subscriber(ada, ['matchmakingStatus']);
  const lobby = kit.reference('deathmatch');
  await line.join(lobby);
  const attrs = { matchAttrs: { level: 7 } };
  await ada.putSession(lobby, { members: { me: { properties: { custom: attrs } } } });
  const otherLobby = await lobbyOf(kit, bob);
  const ticketId = await newTicket(ada, lobby, { attributes: { mode: 'duel' } });
  await newTicket(bob, otherLobby);

  const session = await untilShown(kit, ada, lobby, 'found');
  const other = await untilShown(kit, bob, otherLobby, 'found');
  const target = targetOf(session);
  assert.deepEqual(targetOf(other), target);
  assert.equal(target.templateName, 'GameSession');
  const game = (await read(kit.service(), target)).json;
  assert.deepEqual([...xuidsOf(game)].sort(), [ada.xuid, bob.xuid].sort());
  const member = memberOf(game, ada);
  assert.equal(member?.reserved, true);
  assert.deepEqual(at(member, 'constants.custom.matchmakingResult'), {
    playerAttrs: { level: 7 },
    ticketAttrs: { mode: 'duel' },
  });
  assert.deepEqual(at(member, 'constants.system.matchmakingResult'), { serverMeasurements: {} });

  assertStatus(await ada.join(target), 200);
  const joined = memberOf((await read(ada, target)).json, ada);
  assert.deepEqual(
    at(joined, 'constants.custom.matchmakingResult.ticketAttrs'),
    { mode: 'duel' },
    'what the match said of a player stays',
  );
  const { json } = assertStatus(await getTicket(ada, ticketId), 200);
  assert.deepEqual([json.ticketStatus, json.targetSessionRef], ['Found', { ...target }]);
});

test('matchmakingStatus taps say that a ticket is shown, and found', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  await using line = await subscriber(ada, ['matchmakingStatus']);
  const lobby = kit.reference('deathmatch');
  await line.join(lobby);
  await newTicket(ada, lobby);
  await line.line.nextTaps();
  await newTicket(bob, await lobbyOf(kit, bob));
  const session = await untilShown(kit, ada, lobby, 'found');
  assert.equal((await read(kit.service(), targetOf(session))).status, 200);
  if (isAimed) await line.line.nextTaps();
  else await untilTapped(kit, line.line);
});

test('players of a ticket fill a preserved session, and two preserved ones never meet', async () => {
  await using kit = await startKit();
  const [ada, bob, eve] = kit.users('ada', 'bob', 'eve');
  const { reference: game } = await newSession(kit, ada, { templateName: 'GameSession' });
  const { reference: otherGame } = await newSession(kit, eve, { templateName: 'GameSession' });
  const [ticketId, otherId] = [
    await newTicket(ada, game, { preserve: 'always' }),
    await newTicket(eve, otherGame, { preserve: 'always' }),
  ];
  const { json } = assertStatus(await getTicket(eve, otherId), 200);
  // Another node hears of a ticket a little later.
  if (!isAimed) assert.equal(at(json.whyNot, 'keptBy.0.rule'), 'both keep their session');
  assertStatus(await deleteTicket(eve, otherId), 204);

  const lobby = await lobbyOf(kit, bob);
  await newTicket(bob, lobby);
  const session = await untilShown(kit, bob, lobby, 'found');
  assert.deepEqual(targetOf(session), { ...game });
  const filled = (await read(ada, game)).json;
  assert.equal(shown(filled, 'system.status'), 'found');
  assert.deepEqual(targetOf(filled), { ...game });
  assert.equal(memberOf(filled, ada)?.reserved, undefined);
  assert.equal(memberOf(filled, bob)?.reserved, true);
  assert.equal((await getTicket(ada, ticketId)).json.ticketStatus, 'Found');
});

test('a ticket expires when its time is over', { skip: isAimed && needsClock }, async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const lobby = await lobbyOf(kit, ada);
  const ticketId = await newTicket(ada, lobby, { giveUp: 20 });
  await kit.advance(19_999);
  assert.equal(shown((await read(ada, lobby)).json, 'system.status'), 'searching');
  await kit.advance(1);
  assert.equal(shown((await read(ada, lobby)).json, 'system.status'), 'expired');
  assert.equal((await getTicket(ada, ticketId)).json.ticketStatus, 'Expired');
  // It can be read for an hour.
  await kit.advance(3_599_999);
  assertStatus(await getTicket(ada, ticketId), 200);
  await kit.advance(1);
  assertRefused(await getTicket(ada, ticketId), 404, 'ticketUnknown');
});

// @source docs/wire/unknowns.md "how long a resubmitted ticket searches"
// @source docs/wire/unknowns.md "who takes `matchmakingResubmit` back"
test('a match that came to nothing is resubmitted, with the same ticket', async () => {
  await using kit = await startKit();
  const [ada, bob, eve] = kit.users('ada', 'bob', 'eve');
  const lobby = await lobbyOf(kit, ada);
  const ticketId = await newTicket(ada, lobby);
  await newTicket(bob, await lobbyOf(kit, bob));
  const first = targetOf(await untilShown(kit, ada, lobby, 'found'));
  const resubmit = { properties: { system: { matchmakingResubmit: true } } };
  assertStatus(await ada.putSession(lobby, resubmit, { ifMatch: '*' }), 200);
  const again = await untilShown(kit, ada, lobby, 'searching');
  assert.equal(shown(again, 'system.targetSessionRef'), undefined);
  assert.equal(shown(again, 'custom.ticketId'), ticketId);
  assert.equal(at(again, 'properties.system.matchmakingResubmit'), undefined);

  await newTicket(eve, await lobbyOf(kit, eve));
  const second = targetOf(await untilShown(kit, ada, lobby, 'found'));
  assert.notDeepEqual(second, first);
  assert.equal(memberOf((await read(kit.service(), second)).json, eve)?.reserved, true);
});

// @source docs/wire/unknowns.md "a second ticket of a session"
test('a second ticket of a session takes the place of the first', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const lobby = await lobbyOf(kit, ada);
  const first = await newTicket(ada, lobby, { hopper: 'ranked5v5' });
  const second = await newTicket(ada, lobby, { hopper: 'ranked5v5' });
  assert.equal(shown((await read(ada, lobby)).json, 'custom.ticketId'), second);
  assert.equal((await getTicket(ada, first, 'ranked5v5')).json.ticketStatus, 'Canceled');
  assert.equal((await getTicket(ada, second, 'ranked5v5')).json.ticketStatus, 'Searching');
  assertStatus(await deleteTicket(ada, second, 'ranked5v5'), 204);
});

// @source docs/wire/unknowns.md "players who leave a ticket session"
test('who has left is not matched, and a session that has ended has no ticket', async () => {
  await using kit = await startKit();
  const [ada, bob, eve] = kit.users('ada', 'bob', 'eve');
  const gone = await lobbyOf(kit, eve);
  const ticketId = await newTicket(eve, gone);
  assertStatus(await eve.putSession(gone, { members: { me: null } }), 204);
  const lobby = await lobbyOf(kit, ada, bob);
  await newTicket(ada, lobby);
  assertStatus(await bob.putSession(lobby, { members: { me: null } }), 200);

  const mia = kit.user('mia');
  const otherLobby = await lobbyOf(kit, mia);
  await newTicket(mia, otherLobby);
  const target = targetOf(await untilShown(kit, ada, lobby, 'found'));
  const game = (await read(kit.service(), target)).json;
  assert.deepEqual([...xuidsOf(game)].sort(), [ada.xuid, mia.xuid].sort());
  assert.equal((await getTicket(eve, ticketId)).json.ticketStatus, 'Canceled');
});

test('players who block each other do not meet', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  await ada.client.avoid(bob.xuid);
  const [lobby, otherLobby] = [await lobbyOf(kit, ada), await lobbyOf(kit, bob)];
  await newTicket(ada, lobby);
  // Who waits longer comes first.
  if (!isAimed) kit.advanceWithoutSweep(1);
  const ticketId = await newTicket(bob, otherLobby);
  const { json } = assertStatus(await getTicket(bob, ticketId), 200);
  assert.equal(json.ticketStatus, 'Searching');
  if (!isAimed) {
    assert.deepEqual(at(json.whyNot, 'keptBy'), [{ rule: 'players block each other', tickets: 1 }]);
  }
  const eve = kit.user('eve');
  await newTicket(eve, await lobbyOf(kit, eve));
  const target = targetOf(await untilShown(kit, ada, lobby, 'found'));
  assert.equal(xuidsOf((await read(kit.service(), target)).json).includes(bob.xuid), false);
  assertStatus(await deleteTicket(bob, ticketId), 204);
});

// @source docs/wire/matchmaking.md "What a match is"
test('a user who waits with two tickets is not matched with himself', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const [lobby, otherLobby] = [await lobbyOf(kit, ada), await lobbyOf(kit, ada)];
  const tickets = [await newTicket(ada, lobby)];
  // Who waits longer comes first.
  if (!isAimed) kit.advanceWithoutSweep(1);
  tickets.push(await newTicket(ada, otherLobby));
  if (!isAimed) await kit.advance(10_000);
  for (const ticketId of tickets) {
    const { json } = assertStatus(await getTicket(ada, ticketId), 200);
    assert.equal(json.ticketStatus, 'Searching');
    if (!isAimed) {
      assert.deepEqual(at(json.whyNot, 'keptBy'), [{ rule: 'a player is in both', tickets: 1 }]);
    }
  }
  await newTicket(bob, await lobbyOf(kit, bob));
  const target = targetOf(await untilShown(kit, ada, lobby, 'found'));
  const game = (await read(kit.service(), target)).json;
  assert.deepEqual([...xuidsOf(game)].sort(), [ada.xuid, bob.xuid].sort());
  assertStatus(await deleteTicket(ada, String(tickets[1])), 204);
});

// @source docs/wire/matchmaking.md "Tickets"
test('a ticket can be read and canceled when its hopper is no longer in the config', {
  skip: isAimed && needsOwnServer,
}, async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-hopper-'));
  context.after(() => rm(folder, { recursive: true }));
  const config = join(folder, 'config.json');
  const demo = await readFile(demoConfigFile, 'utf8');
  await writeFile(config, demo);
  const lines: string[] = [];
  await using kit = await startKit({ config, settings: { log: (line) => void lines.push(line) } });
  const [ada, eve] = kit.users('ada', 'eve');
  const lobby = await lobbyOf(kit, ada);
  const ticketId = await newTicket(ada, lobby);
  await writeFile(config, demo.replace('"quick": {', '"slow": {'));
  await kit.reload();
  assert.match(
    lines.join('\n'),
    /^warning: hopper quick of \S+ was removed and 1 user waits in it: /m,
  );

  assertRefused(await postTicket(ada, lobby), 404, 'hopperUnknown');
  assertRefused(await getTicket(ada, randomUUID()), 404, 'hopperUnknown');
  assertRefused(await getTicket(eve, ticketId), 403, 'notAMember');
  const { json } = assertStatus(await getTicket(ada, ticketId), 200);
  assert.equal(json.ticketStatus, 'Searching');
  assert.equal('whyNot' in json, false);
  assertStatus(await deleteTicket(ada, ticketId), 204);
  assert.equal((await getTicket(ada, ticketId)).json.ticketStatus, 'Canceled');
  assert.equal(shown((await read(ada, lobby)).json, 'system.status'), 'canceled');
});

test('statistics count people, and name the hopper as clients read it', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const lobby = await lobbyOf(kit, ada, bob);
  const ticketId = await newTicket(ada, lobby, { hopper: 'ranked5v5' });
  for (const path of ['/stats', '']) {
    const { json } = assertStatus(
      await ada.request('GET', `${hopperPath('RANKED5V5')}${path}`, { headers: version }),
      200,
    );
    assert.equal(json.name, 'ranked5v5');
    assert.equal(json.hopperName, 'ranked5v5');
    assert.ok(Number.isInteger(json.waitTime));
    if (!isAimed) assert.equal(json.population, 2);
  }
  assertStatus(await deleteTicket(ada, ticketId, 'ranked5v5'), 204);
});

test('what keeps a ticket from being made', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const lobby = await lobbyOf(kit, ada);
  const post = (body: object, path = hopperPath('quick'), user = ada) =>
    user.request('POST', path, { headers: version, body });
  const otherScid = randomUUID();
  const good = { giveUpDuration: 10, preserveSession: 'never', ticketSessionRef: lobby };

  assertRefused(await post(good, hopperPath('none')), 404, 'hopperUnknown');
  assertRefused(await post({}, hopperPath('none')), 404, 'hopperUnknown');
  assertRefused(
    await post(
      { ...good, ticketSessionRef: { ...lobby, scid: otherScid } },
      `/serviceconfigs/${otherScid}/hoppers/quick`,
    ),
    404,
    'serviceConfigUnknown',
  );
  assertRefused(await post(good, hopperPath('quick'), bob), 403, 'notAMember');
  assertRefused(await post(good, hopperPath('quick'), kit.service()), 403, 'userRequired');
  assertRefused(
    await post(good, hopperPath('quick'), kit.user('ada', { prv: '1' })),
    403,
    'privilegeMissing',
  );
  const missing = { ...good, ticketSessionRef: kit.reference('deathmatch') };
  assertRefused(await post(missing), 404, 'sessionGone');
  const odder = { ...good, ticketSessionRef: { ...lobby, templateName: 'none' } };
  assertRefused(await post(odder), 404, 'templateUnknown');
  const crowd = await lobbyOf(kit, ada, bob, kit.user('eve'));
  assertRefused(await post({ ...good, ticketSessionRef: crowd }), 400, 'ticketTooLarge');
  const { name, ...unnamed } = lobby;
  const tooLarge = parseExactJson('1e400');
  const bodies: readonly (readonly [object, string])[] = [
    [{ ...good, giveUpDuration: -1 }, '$.giveUpDuration'],
    [{ ...good, giveUpDuration: 1.5 }, '$.giveUpDuration'],
    [{ ...good, giveUpDuration: undefined }, '$.giveUpDuration'],
    [{ ...good, preserveSession: 'unknown' }, '$.preserveSession'],
    [{ ...good, ticketSessionRef: undefined }, '$.ticketSessionRef'],
    [{ ...good, ticketSessionRef: unnamed }, '$.ticketSessionRef.name'],
    [{ ...good, ticketAttributes: [] }, '$.ticketAttributes'],
    [{ ...good, ticketAttributes: { skill: tooLarge } }, '$.ticketAttributes.skill'],
    [{ ...good, ticketAttributes: { long: 'x'.repeat(16_384) } }, '$.ticketAttributes'],
    [{ ...good, hopperName: 'other' }, '$.hopperName'],
    [{ ...good, serviceConfig: randomUUID() }, '$.serviceConfig'],
    [{ ...good, colour: 1 }, '$.colour'],
  ];
  for (const [body, place] of bodies) {
    assertRefused(await post(body), 400, 'requestInvalid', place);
  }
  const odd = {
    ...good,
    preserveSession: 'NEVER',
    ticketSessionRef: { ...unnamed, sessionName: name },
    hopperName: 'QUICK',
    serviceConfig: demoScid.toUpperCase(),
  };
  const { json } = assertStatus(await post(odd), 200);
  assertStatus(await deleteTicket(ada, String(json.ticketId)), 204);
  assertRefused(await getTicket(ada, randomUUID()), 404, 'ticketUnknown');
  assertRefused(await getTicket(ada, 'x'), 404, 'ticketUnknown');
});

test('contract versions from 103 on', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const stats = (headers: Readonly<Record<string, string>>) =>
    ada.request('GET', `${hopperPath('quick')}/stats`, { headers });
  for (const accepted of ['103', '107', '108']) {
    assertStatus(await stats({ 'x-xbl-contract-version': accepted }), 200);
  }
  assertRefused(
    await stats({ 'x-xbl-contract-version': '102' }),
    400,
    'contractVersionMissing',
    '103',
  );
});
