import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { demoScid, type Kit, type KitUser, startKit } from '../testing/kit.ts';
import { memberOf, MultiplayerError } from './multiplayer-service.ts';

const hopper = 'quick';
const pollMs = 5;

async function lobbyOf(kit: Kit, ...users: readonly KitUser[]) {
  const reference = kit.reference();
  for (const { client } of users) {
    await client.writeSession(reference, {
      members: { me: { properties: { system: { active: true } } } },
    });
  }
  return reference;
}

/** A search with what it reported; `seen` resolves at the first report. */
function search(
  user: KitUser,
  lobby: Awaited<ReturnType<typeof lobbyOf>>,
  isOwn = true,
  signal?: AbortSignal,
) {
  const statuses: string[] = [];
  const seen = Promise.withResolvers<void>();
  const outcome = user.client.findMatch(
    lobby,
    {
      ...(isOwn && { ticket: { hopper, giveUpSeconds: 30, attributes: { skill: 1 } } }),
      pollMs,
      me: { properties: { system: { active: true, connection: randomUUID() } } },
      progress({ status }) {
        statuses.push(status);
        seen.resolve();
      },
    },
    signal ? { signal } : {},
  );
  return { outcome, statuses, seen: seen.promise };
}

test('a party of one and another come to the same game, and each learns how it goes', async () => {
  await using kit = await startKit();
  const [ada, bob] = [kit.user('ada'), kit.user('bob')];
  const first = search(ada, await lobbyOf(kit, ada));
  await first.seen;
  const second = search(bob, await lobbyOf(kit, bob));
  await second.seen;
  await kit.advance(1_000);

  const outcomes = await Promise.all([first.outcome, second.outcome]);

  const games = outcomes.map((outcome) =>
    outcome.status === 'joined' ? outcome.reference.name : '',
  );
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['joined', 'joined'],
  );
  assert.equal(games[0], games[1]);
  assert.equal(first.statuses.at(-1), 'found');
});

test('a player whose connection is given follows the game, and hears who comes', async () => {
  await using kit = await startKit();
  const [ada, bob] = [kit.user('ada'), kit.user('bob')];
  const lobbies = [await lobbyOf(kit, ada), await lobbyOf(kit, bob)] as const;
  await using live = await ada.client.connect();
  const seen = Promise.withResolvers<void>();
  const searching = ada.client.findMatch(lobbies[0], {
    ticket: { hopper },
    connection: live,
    pollMs,
    progress: () => seen.resolve(),
  });
  await seen.promise;
  const other = search(bob, lobbies[1]);
  await other.seen;
  await kit.advance(1_000);

  const outcome = await searching;
  assert.equal(outcome.status, 'joined');
  const { reference, session } = outcome;
  const me = memberOf(session, ada.xuid)?.properties.system;
  assert.equal(me?.connection, live.connectionId);
  const joined = await other.outcome;
  assert.equal(joined.status, 'joined');
  await bob.client.writeSession(reference, { properties: { custom: { map: 'canyon' } } });
  for await (const tap of live.taps()) {
    if (tap.kind !== 'changed') continue;
    const read = await ada.client.getSession(reference);
    if (read?.session.properties.custom['map'] === 'canyon') break;
  }
});

test('a member without a ticket comes along, and learns that the search is over', async () => {
  await using kit = await startKit();
  const [ada, bob] = [kit.user('ada'), kit.user('bob')];
  const lobby = await lobbyOf(kit, ada, bob);
  const { ticketId } = await ada.client.createMatchTicket(lobby, { hopper });
  const search1 = search(bob, lobby, false);
  await search1.seen;
  await ada.client.deleteMatchTicket({ scid: demoScid, hopper, ticketId });
  assert.deepEqual(await search1.outcome, { status: 'canceled' });
});

test('an abandoned search deletes its ticket', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const lobby = await lobbyOf(kit, ada);
  const ending = new AbortController();
  const { outcome, seen } = search(ada, lobby, true, ending.signal);
  await seen;
  ending.abort(new Error('enough'));
  await assert.rejects(outcome, /enough/);
  const read = await ada.client.getSession(lobby);
  assert.equal(read?.session.servers['matchmaking']?.properties?.system?.['status'], 'canceled');
});

test('tickets, details and statistics; a refusal is an error with its code', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const lobby = await lobbyOf(kit, ada);
  const made = await ada.client.createMatchTicket(lobby, { hopper, preserveSession: true });
  const ticket = { scid: demoScid, hopper, ticketId: made.ticketId };
  const details = await ada.client.getMatchTicketDetails(ticket);
  assert.equal(details.ticketStatus, 'Searching');
  assert.equal(details.preserveSession, 'always');
  assert.equal(details.whyNot?.text, 'No other ticket waits in this hopper.');
  const statistics = await ada.client.getHopperStatistics(demoScid, hopper);
  assert.deepEqual([statistics.name, statistics.population], [hopper, 1]);
  await assert.rejects(
    ada.client.createMatchTicket(lobby, { hopper: 'none' }),
    (error) => error instanceof MultiplayerError && error.code === 'hopperUnknown',
  );
  await ada.client.deleteMatchTicket(ticket);
  assert.equal((await ada.client.getMatchTicketDetails(ticket)).ticketStatus, 'Canceled');
});
