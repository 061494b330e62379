/**
 * Two nodes on one Redis cluster, and the one that works a hopper is killed while it makes matches: the
 * other one goes on. Real processes.
 *
 * @source docs/wire/matchmaking.md "What sessions show"
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../../src/domain/json.ts';
import type { SessionReference } from '../../src/domain/session/reference.ts';
import { at, demoScid, Kit, type KitUser } from '../../src/testing/kit.ts';
import { startNodeProcess } from '../../src/testing/node-process.ts';
import { startRedisCluster } from '../../src/testing/redis-servers.ts';
import { within } from './deadline.ts';

const pairsCount = 20;
/** The lease of a hopper, what was begun, and a busy machine. */
const matchedWithinMs = 120_000;

type Player = { readonly user: KitUser; readonly lobby: SessionReference };

const onNode = (url: string, { xuid, gamertag }: KitUser): KitUser =>
  new Kit(url, undefined).user(gamertag, { xuid });

async function openLobby(kit: Kit, name: string): Promise<Player> {
  const user = kit.user(name);
  const lobby = kit.reference('deathmatch');
  const me = { properties: { system: { active: true } } };
  assert.equal((await user.putSession(lobby, { members: { me } })).status, 201);
  return { user, lobby };
}

async function queue(user: KitUser, lobby: SessionReference): Promise<void> {
  const { status, text } = await user.request('POST', `/serviceconfigs/${demoScid}/hoppers/quick`, {
    headers: { 'x-xbl-contract-version': '103' },
    body: { giveUpDuration: 600, preserveSession: 'never', ticketSessionRef: lobby },
  });
  assert.equal(status, 200, text);
}

/** True when no answer came, or a part of one. */
const isOfConnection = (error: unknown): boolean => error instanceof TypeError;

/** The target that the lobby shows; undefined while its ticket waits. */
async function targetOf({ user, lobby }: Player): Promise<SessionReference | undefined> {
  const { json } = await user.getSession(lobby);
  const shown = at(json, 'servers.matchmaking.properties.system') as Record<string, Json>;
  if (shown['status'] === 'searching') return undefined;
  assert.equal(shown['status'], 'found');
  return shown['targetSessionRef'] as unknown as SessionReference;
}

/** The sessions in which a place is held for this user, by their names. */
async function placesOf({ user }: Player): Promise<readonly string[]> {
  const path = `/serviceconfigs/${demoScid}/sessions?xuid=${user.xuid}&reservations=true`;
  const { json } = await user.request('GET', path);
  const results = json['results'] as readonly Record<string, Json>[];
  return results.map((one) => String(at(one, 'sessionRef.name')));
}

// Kills: a match that is not stored before sessions are written; a lease that is not taken over; a ticket
// of a dead node that is forgotten; a match that is finished with a second target.
test('the node that works a hopper is killed: no ticket is lost, and none is matched twice', {
  timeout: 900_000,
}, async () => {
  await using redis = await startRedisCluster({ replicas: 0 });
  const flags = ['--store', redis.url, '--durability', 'relaxed'];
  await using worker = await startNodeProcess(flags);
  const first = new Kit(worker.url, undefined);
  const early = [await openLobby(first, 'early0'), await openLobby(first, 'early1')];
  for (const { user, lobby } of early) await queue(user, lobby);
  for (const one of early) await within(matchedWithinMs, 'the first', () => targetOf(one));

  // The other node finds the lease of the first one.
  await using other = await startNodeProcess(flags);
  const kit = new Kit(other.url, undefined);
  const players: Player[] = [];
  for (let i = 0; i < 2 * pairsCount; i += 1) players.push(await openLobby(kit, `player${i}`));
  const killed = within(matchedWithinMs, 'a match of the first node', async () => {
    const targets = await Promise.all(players.slice(0, 8).map(targetOfQueued));
    return targets.some((target) => target !== undefined);
  }).then(() => worker.kill());
  // It is awaited below; a failure before that ends the test there.
  killed.catch(() => undefined);
  for (const [i, { user, lobby }] of players.entries()) {
    const isLate = i >= (3 * players.length) / 4;
    if (isLate) await killed;
    // Some of the requests are answered by the node that is going to be killed.
    const asker = i % 4 === 0 && !isLate ? onNode(worker.url, user) : user;
    try {
      await queue(asker, lobby);
    } catch (error) {
      if (asker === user || !isOfConnection(error)) throw error;
      await killed;
      // Its ticket may have been made, and even matched.
      const { json } = await user.getSession(lobby);
      if (at(json, 'servers.matchmaking') === undefined) await queue(user, lobby);
    }
  }
  await killed;

  const mates = new Map<string, string[]>();
  await Promise.all(
    players.map(async (player) => {
      const target = await within(matchedWithinMs, 'a match', () => targetOf(player));
      mates.set(target.name, [...(mates.get(target.name) ?? []), player.user.xuid]);
      // On a machine that is slow enough, the place in the target has been given up by now.
      const expected = [player.lobby.name, target.name];
      for (const name of await placesOf(player)) assert.ok(expected.includes(name), name);
    }),
  );
  assert.equal(mates.size, pairsCount);
  for (const both of mates.values()) assert.equal(both.length, 2);
});

/** As `targetOf`, for a lobby that may have no ticket yet. */
async function targetOfQueued(player: Player): Promise<SessionReference | undefined> {
  const { json } = await player.user.getSession(player.lobby);
  return at(json, 'servers.matchmaking') === undefined ? undefined : targetOf(player);
}
