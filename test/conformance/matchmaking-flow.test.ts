/**
 * The whole way of two parties: lobbies, tickets, a target with teams and measurements, the game, and
 * backfill. With a config of its own. @source docs/wire/matchmaking.md "What sessions show"
 */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Json, JsonObject } from '../../src/domain/json.ts';
import type { SessionReference } from '../../src/domain/session/reference.ts';
import { at, isAimed, type Kit, type KitUser, startKit } from '../../src/testing/kit.ts';
import { demoScid, demoTitleId } from '../../src/testing/demo.ts';
import { assertStatus, needsOwnServer } from './answers.ts';
import { memberOf, read } from './new-session.ts';

const team = { name: 'teams', type: 'must', dataType: 'team' };
const config = {
  serviceConfigs: [
    {
      scid: demoScid,
      titles: [{ titleId: demoTitleId }],
      sessionTemplates: {
        lobby: {
          contractVersion: 107,
          constants: {
            system: { inactiveRemovalTimeout: null, capabilities: { connectivity: true } },
          },
        },
        game: {
          contractVersion: 107,
          constants: {
            system: {
              maxMembersCount: 4,
              inactiveRemovalTimeout: null,
              memberInitialization: { joinTimeout: 15_000, measurementTimeout: 10_000 },
              peerToPeerRequirements: { latencyMaximum: 250 },
              metrics: { latency: true },
              capabilities: { connectivity: true, gameplay: true },
            },
          },
        },
      },
      hoppers: {
        duo: {
          sessionTemplate: 'game',
          minGroupSize: 3,
          maxGroupSize: 4,
          rules: [
            {
              ...team,
              teams: [
                { name: 'red', min: 1, max: 2 },
                { name: 'blue', min: 1, max: 2 },
              ],
            },
            {
              name: 'servers',
              type: 'should',
              dataType: 'qualityOfService',
              topology: 'clientServer',
            },
          ],
        },
      },
    },
  ],
};

async function startFlow(context: TestContext): Promise<Kit> {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-flow-'));
  context.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'config.json');
  await writeFile(file, JSON.stringify(config));
  return startKit({ config: file });
}

const address = (name: string) => Buffer.from(name.padEnd(16, '-')).toString('base64');

function me(user: KitUser, more: JsonObject = {}, custom: JsonObject = {}): JsonObject {
  const system = {
    active: true,
    connection: randomUUID(),
    secureDeviceAddress: address(user.gamertag),
    ...more,
  };
  return { members: { me: { properties: { system, custom } } } };
}

const latencies = (east: number, west: number) => ({
  serverMeasurements: { east: { latency: east }, west: { latency: west } },
});

async function partyOf(kit: Kit, ...users: readonly KitUser[]): Promise<SessionReference> {
  const lobby = kit.reference('lobby');
  for (const [i, user] of users.entries()) {
    const body = me(user, latencies(20 + i, 90), { matchAttrs: { skill: 10 + i } });
    assertStatus(await user.putSession(lobby, body), i === 0 ? 201 : 200);
  }
  return lobby;
}

async function queue(user: KitUser, session: SessionReference, preserveSession = 'never') {
  const body = { giveUpDuration: 120, preserveSession, ticketSessionRef: session };
  assertStatus(
    await user.request('POST', `/serviceconfigs/${demoScid}/hoppers/duo`, {
      headers: { 'x-xbl-contract-version': '103' },
      body: { ...body, ticketAttributes: { PartyID: user.gamertag } },
    }),
    200,
  );
}

const entry = (session: Json, path: string) =>
  at(session, `servers.matchmaking.properties.${path}`);

/** A party of two and one of one, and the target in which they are matched. */
async function matchTwoParties(kit: Kit) {
  const [ada, bob, cleo] = kit.users('ada', 'bob', 'cleo');
  const lobby = await partyOf(kit, ada, bob);
  const other = await partyOf(kit, cleo);
  await queue(ada, lobby);
  await queue(cleo, other);
  const target = await untilFound(kit, ada, lobby);
  assert.deepEqual(await untilFound(kit, cleo, other), target);
  return { users: [ada, bob, cleo], ada, bob, cleo, lobby, other, target };
}

/** All of them take their places in the target: it, measuring. */
async function joinAll(target: SessionReference, users: readonly KitUser[], reader: KitUser) {
  for (const user of users) assertStatus(await user.putSession(target, me(user)), 200);
  const joined = (await read(reader, target)).json;
  assert.equal(at(joined, 'initializing.stage'), 'measuring');
  return joined;
}

/** The target that the lobby shows once its ticket is found. */
async function untilFound(
  kit: Kit,
  user: KitUser,
  lobby: SessionReference,
): Promise<SessionReference> {
  for (let turn = 0; turn < 40; turn += 1) {
    const { json } = await read(user, lobby);
    if (entry(json, 'system.status') === 'found') {
      return entry(json, 'system.targetSessionRef') as unknown as SessionReference;
    }
    await kit.advance(1_000);
  }
  assert.fail('no match');
}

async function untilSearching(kit: Kit, user: KitUser, lobby: SessionReference): Promise<void> {
  for (let turn = 0; turn < 40; turn += 1) {
    const { json } = await read(user, lobby);
    if (entry(json, 'system.status') === 'searching') return;
    await kit.advance(100);
  }
  assert.fail('it does not search again');
}

async function measureAll(
  target: SessionReference,
  users: readonly KitUser[],
  old: JsonObject,
  latencyMs = 30,
) {
  for (const user of users) {
    const others = users.filter((other) => other !== user);
    const measurements = Object.fromEntries(
      others.map((other) => {
        const token = at(memberOf(old, other), 'deviceToken');
        return [String(token), { latency: latencyMs }];
      }),
    );
    const body = { members: { me: { properties: { system: { measurements } } } } };
    assertStatus(await user.putSession(target, body, { ifMatch: '*' }), 200);
  }
}

test('two parties: teams, measurements, the game, and a third party fills it up', {
  skip: isAimed && needsOwnServer,
}, async (context) => {
  await using kit = await startFlow(context);
  const { users, ada, bob, cleo, target } = await matchTwoParties(kit);
  const made = (await read(kit.service(), target)).json;
  assert.deepEqual(at(made, 'properties.system.serverConnectionStringCandidates'), [
    'east',
    'west',
  ]);
  assert.equal(at(made, 'initializing.stage'), 'joining');
  const resultOf = (user: KitUser) =>
    at(memberOf(made, user), 'constants.custom.matchmakingResult');
  assert.deepEqual(at(resultOf(bob), 'playerAttrs'), { skill: 11 });
  assert.deepEqual(at(resultOf(bob), 'ticketAttrs'), { PartyID: 'ada' });
  assert.equal(at(resultOf(ada), 'initialTeam'), at(resultOf(bob), 'initialTeam'));
  assert.notEqual(at(resultOf(ada), 'initialTeam'), at(resultOf(cleo), 'initialTeam'));
  assert.deepEqual(at(memberOf(made, bob), 'constants.system.matchmakingResult'), {
    serverMeasurements: { east: { latency: 21 }, west: { latency: 90 } },
  });

  const joined = await joinAll(target, users, ada);
  await measureAll(target, users, joined);
  const ready = (await read(ada, target)).json;
  assert.equal(ready.initializing, undefined);

  // The game goes on with three; its ticket asks for a fourth player, and nobody else starts anew.
  const teamOf = (user: KitUser) => [String(at(resultOf(user), 'initialTeam'))];
  for (const user of users) {
    const body = { members: { me: { properties: { system: { groups: teamOf(user) } } } } };
    assertStatus(await user.putSession(target, body), 200);
  }
  await queue(ada, target, 'always');
  const dora = kit.user('dora');
  const late = await partyOf(kit, dora);
  await queue(dora, late);
  assert.deepEqual(await untilFound(kit, dora, late), target);
  const filled = (await read(ada, target)).json;
  assert.equal(memberOf(filled, dora)?.reserved, true);
  assert.equal(
    at(memberOf(filled, dora), 'constants.custom.matchmakingResult.initialTeam'),
    at(resultOf(cleo), 'initialTeam'),
    'the open place is in the team of one',
  );
  assert.equal(memberOf(filled, ada)?.initializationEpisode, undefined, 'not initialized again');
  assert.equal(memberOf(filled, dora)?.initializationEpisode, 2);
});

// Kills: a ticket that searches again without the players of the party who did not ask for it.
test('measurements fail: the ticket of one member who says so searches again with its whole party', {
  skip: isAimed && needsOwnServer,
}, async (context) => {
  await using kit = await startFlow(context);
  const { users, ada, bob, cleo, lobby, other, target } = await matchTwoParties(kit);
  const joined = await joinAll(target, users, ada);
  await measureAll(target, users, joined, 900);
  const failed = (await read(kit.service(), target)).json;
  assert.equal(memberOf(failed, bob)?.initializationFailure, 'latency');

  const resubmit = { properties: { system: { matchmakingResubmit: true } } };
  assertStatus(await bob.putSession(lobby, resubmit, { ifMatch: '*' }), 200);
  await untilSearching(kit, ada, lobby);
  assertStatus(await cleo.putSession(other, resubmit, { ifMatch: '*' }), 200);
  const next = await untilFound(kit, ada, lobby);
  assert.notDeepEqual(next, target);
  const made = (await read(kit.service(), next)).json;
  for (const user of users) assert.equal(memberOf(made, user)?.reserved, true);
});
