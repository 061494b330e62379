/**
 * Member initialization: episodes, stages, what becomes of members who pass and who do not.
 *
 * @source docs/wire/initialization.md "Stages", docs/wire/clients.md "What clients need", docs/wire/sessions.md "PUT"
 */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import type { SessionReference } from '../../src/domain/session/reference.ts';
import {
  at,
  demoScid,
  demoTitleId,
  isAimed,
  startKit,
  type Kit,
  type KitAnswer,
  type KitUser,
} from '../../src/testing/kit.ts';
import {
  apartFromChangeNumber,
  assertRefusedBy,
  assertStatus,
  leave,
  needsClock,
  reserve,
  timePattern,
} from './answers.ts';
import { assertIsText, blankTemplate, memberOf, ofMember, read } from './new-session.ts';

const skip = isAimed && needsClock;
const needsOwnServer = 'needs service configs of its own, so a server of its own';

const addressOf = ({ xuid }: KitUser): string => Buffer.from(xuid).toString('base64');

/** A join body as clients that take part in initialization send it. */
function come(user: KitUser, system: JsonObject = {}): JsonObject {
  const properties = {
    system: {
      active: true,
      connection: randomUUID(),
      secureDeviceAddress: addressOf(user),
      ...system,
    },
  };
  return {
    members: { me: { constants: { system: { xuid: user.xuid, initialize: true } }, properties } },
  };
}

/** Seats for these users, to be initialized. */
function seats(...users: readonly KitUser[]): JsonObject {
  return Object.fromEntries(
    users.map(({ xuid }, n) => [
      `reserve_${n}`,
      { constants: { system: { xuid, initialize: true } } },
    ]),
  );
}

const stages = { joinTimeout: 1_000, measurementTimeout: 3_000 };

/** Constants of a session that initializes its members. */
function constantsOf(initialization: JsonObject, system: JsonObject = {}): JsonObject {
  return {
    // Their connections are made up, and tests let time pass.
    capabilities: { connectivity: true, suppressPresenceActivityCheck: true },
    memberInitialization: { ...stages, ...initialization },
    ...system,
  };
}

type Scene = {
  readonly ada: KitUser;
  readonly bob: KitUser;
  readonly cyd: KitUser;
  readonly reference: SessionReference;
  /** What the last write answered. */
  readonly last: KitAnswer;
};

/** A session that Ada creates and comes to, with seats for these; each who `comes` has come, too. */
async function gathered(
  kit: Kit,
  system: JsonObject,
  others: readonly ('bob' | 'cyd')[] = ['bob'],
  comes: readonly ('bob' | 'cyd')[] = others,
): Promise<Scene> {
  const users = { ada: kit.user('ada'), bob: kit.user('bob'), cyd: kit.user('cyd') };
  const { ada } = users;
  const reference = kit.reference(blankTemplate);
  const { members } = come(ada) as { readonly members: JsonObject };
  let last = assertStatus(
    await ada.putSession(reference, {
      constants: { system },
      members: { ...members, ...seats(...others.map((name) => users[name])) },
    }),
    201,
  );
  for (const name of comes) {
    last = assertStatus(await users[name].putSession(reference, come(users[name])), 200);
  }
  return { ...users, reference, last };
}

const stageOf = ({ json }: KitAnswer): string =>
  json.initializing === undefined
    ? 'none'
    : `${at(json, 'initializing.stage')} ${at(json, 'initializing.episode')}`;

/** Episode and failure of a member, or that there is none. */
function fateOf({ json }: KitAnswer, user: KitUser): string {
  const { initializationEpisode = '-', initializationFailure = '-' } = memberOf(json, user) ?? {};
  return memberOf(json, user) ? `${initializationEpisode} ${initializationFailure}` : 'gone';
}

const good = { latency: 20, bandwidthDown: 200_000, bandwidthUp: 200_000 };

/** What a member says of its connections to others, by their users. */
function telling(
  document: KitAnswer,
  reports: readonly (readonly [KitUser, JsonObject])[],
): JsonObject {
  const measurements = Object.fromEntries(
    reports.map(([user, measurement]) => [
      String(ofMember(document.json, user, 'deviceToken')),
      measurement,
    ]),
  );
  return { members: { me: { properties: { system: { measurements } } } } };
}

const evaluated = (initializationSucceeded: boolean): JsonObject => ({
  properties: { system: { initializationSucceeded } },
});

const latency = { metrics: { latency: true } };
const peerToPeer = { peerToPeerRequirements: { latencyMaximum: 100, bandwidthMinimum: 1_000 } };
const peerToHost = {
  peerToHostRequirements: {
    latencyMaximum: 100,
    bandwidthDownMinimum: 1_000,
    bandwidthUpMinimum: 1_000,
  },
};

// @source docs/wire/clients.md "Multiplayer Manager"
test('M3 an episode goes from joining through measuring and evaluating to its end', async () => {
  await using kit = await startKit();
  const initialization = { externalEvaluation: true, membersNeededToStart: 2 };
  const system = constantsOf(initialization, latency);

  const { ada, bob, reference, last } = await gathered(kit, system, ['bob'], []);
  assert.equal(stageOf(last), 'joining 1');
  assert.match(String(at(last.json, 'initializing.stageStartTime')), timePattern);
  assert.deepEqual(Object.keys(last.json.initializing ?? {}).toSorted(), [
    'episode',
    'stage',
    'stageStartTime',
  ]);
  assert.equal(ofMember(last.json, bob, 'reserved'), true);
  assert.deepEqual([fateOf(last, ada), fateOf(last, bob)], ['1 -', '1 -']);

  const measuring = assertStatus(await bob.putSession(reference, come(bob)), 200);
  assert.equal(stageOf(measuring), 'measuring 1');
  const one = assertStatus(await ada.putSession(reference, telling(measuring, [[bob, good]])), 200);
  assert.equal(stageOf(one), 'measuring 1');
  const evaluating = assertStatus(
    await bob.putSession(reference, telling(measuring, [[ada, good]])),
    200,
  );
  assert.equal(stageOf(evaluating), 'evaluating 1');

  const over = assertStatus(await ada.putSession(reference, evaluated(true)), 200);
  assert.equal(stageOf(over), 'none');
  assert.deepEqual([fateOf(over, ada), fateOf(over, bob)], ['- -', '- -']);
  assert.equal(at(over.json, 'properties.system.initializationSucceeded'), undefined);
});

// @source docs/wire/initialization.md "Stages"
test('stages that have nothing to do are passed over', async () => {
  await using kit = await startKit();

  const { ada, last } = await gathered(kit, constantsOf({}), []);

  assert.equal(stageOf(last), 'none');
  assert.equal(fateOf(last, ada), '- -');
});

// @source docs/wire/sessions.md "The document"
test('initialize is answered where members are initialized, true of who asked for it', async () => {
  await using kit = await startKit();
  const { ada, bob, cyd, reference } = await gathered(kit, constantsOf({}));

  const { json } = assertStatus(await ada.putSession(reference, reserve(cyd)), 200);

  const initialize = [ada, bob, cyd].map((user) =>
    ofMember(json, user, 'constants.system.initialize'),
  );
  assert.deepEqual(initialize, [true, true, undefined]);
});

// @source docs/wire/initialization.md "Stages", docs/wire/sessions.md "PUT"
test('a session is not created with fewer members to initialize than it needs', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = kit.reference(blankTemplate);
  const constants = { system: constantsOf({ membersNeededToStart: 2 }) };
  const { members } = come(ada) as { readonly members: JsonObject };
  const unasked = reserve(bob).members as JsonObject;

  const refused = assertRefusedBy(
    await ada.putSession(reference, { constants, members: { ...members, ...unasked } }),
    400,
    'initializationMembersNeeded',
  );
  assertIsText(refused);
  assert.match(refused.text, /\b2 members\b/);
  assertStatus(await ada.getSession(reference), 204);

  assertStatus(
    await ada.putSession(reference, { constants, members: { ...members, ...seats(bob) } }),
    201,
  );
});

// @source docs/wire/sessions.md "Constants", docs/wire/initialization.md "Stages"
test('the times of the stages are shown by nextTimer, and pass', { skip }, async () => {
  await using kit = await startKit();
  const system = {
    capabilities: { connectivity: true },
    memberInitialization: { externalEvaluation: true, membersNeededToStart: 0 },
    metrics: { latency: true },
    inactiveRemovalTimeout: null,
  };
  const { ada, bob, cyd, reference } = await gathered(kit, system, ['bob', 'cyd'], ['bob']);
  const due = async (): Promise<number> => {
    const { json } = await read(ada, reference);
    return Date.parse(String(json.nextTimer)) - kit.nowMs();
  };

  assert.equal(await due(), 10_000);
  await kit.advance(9_999);
  assert.equal(stageOf(await read(ada, reference)), 'joining 1');
  await kit.advance(1);
  const measuring = await read(ada, reference);
  assert.equal(stageOf(measuring), 'measuring 1');
  assert.equal(fateOf(measuring, cyd), 'gone', 'a seat that was not taken is free');

  assert.equal(await due(), 30_000);
  assertStatus(await ada.putSession(reference, telling(measuring, [[bob, good]])), 200);
  await kit.advance(30_000);
  const evaluating = await read(ada, reference);
  assert.equal(stageOf(evaluating), 'evaluating 1');
  assert.deepEqual([fateOf(evaluating, ada), fateOf(evaluating, bob)], ['1 -', '1 timeout']);

  assert.equal(await due(), 5_000);
  await kit.advance(5_000);
  const failed = await read(ada, reference);
  assert.equal(stageOf(failed), 'failed 1');
  assert.deepEqual([fateOf(failed, ada), fateOf(failed, bob)], ['1 timeout', '1 timeout']);
  assert.equal(failed.json.nextTimer, undefined);
});

// @source docs/wire/initialization.md "Stages"
test('a seat of an episode is held for joinTimeout, whatever reservedRemovalTimeout says', {
  skip,
}, async () => {
  await using kit = await startKit();
  const system = constantsOf(
    { joinTimeout: 60_000 },
    { reservedRemovalTimeout: 1_000, readyRemovalTimeout: 1_000, inactiveRemovalTimeout: null },
  );
  const { ada, bob, cyd, reference } = await gathered(kit, system, ['bob', 'cyd'], []);
  assertStatus(await bob.putSession(reference, come(bob, { active: false, ready: true })), 200);

  await kit.advance(59_999);
  const waiting = await read(ada, reference);
  assert.equal(stageOf(waiting), 'joining 1');
  assert.equal(ofMember(waiting.json, cyd, 'reserved'), true);
  assert.equal(ofMember(waiting.json, bob, 'properties.system.ready'), true);

  await kit.advance(1);
  const over = await read(ada, reference);
  assert.equal(stageOf(over), 'none');
  assert.deepEqual(
    [fateOf(over, ada), fateOf(over, bob), fateOf(over, cyd)],
    ['- -', '1 group', 'gone'],
  );
});

// @source docs/wire/initialization.md "Stages"
// @source docs/wire/unknowns.md "who fails for a bad connection"
test('M3 who is badly connected fails for the worst of it, the others pass', async () => {
  await using kit = await startKit();
  const { ada, bob, cyd, reference, last } = await gathered(kit, constantsOf({}, peerToPeer), [
    'bob',
    'cyd',
  ]);
  assert.equal(stageOf(last), 'measuring 1');
  const bad = { ...good, latency: 101, bandwidthUp: 1 };

  await ada.putSession(
    reference,
    telling(last, [
      [bob, good],
      [cyd, { ...good, bandwidthUp: 1 }],
    ]),
  );
  await bob.putSession(
    reference,
    telling(last, [
      [ada, good],
      [cyd, good],
    ]),
  );
  const over = assertStatus(
    await cyd.putSession(
      reference,
      telling(last, [
        [ada, good],
        [bob, bad],
      ]),
    ),
    200,
  );

  assert.equal(stageOf(over), 'none');
  assert.deepEqual(
    [fateOf(over, ada), fateOf(over, bob), fateOf(over, cyd)],
    ['- -', '- -', '1 latency'],
  );
});

// @source docs/wire/initialization.md "Stages"
test('M3 a first episode that too few pass fails for good', { skip }, async () => {
  await using kit = await startKit();
  const system = constantsOf({ membersNeededToStart: 2 }, peerToPeer);
  const { ada, bob, cyd, reference, last } = await gathered(kit, system);
  const bad = { ...good, bandwidthDown: 999 };

  await ada.putSession(reference, telling(last, [[bob, bad]]));
  const failed = assertStatus(await bob.putSession(reference, telling(last, [[ada, good]])), 200);

  assert.equal(stageOf(failed), 'failed 1');
  assert.deepEqual([fateOf(failed, ada), fateOf(failed, bob)], ['1 episode', '1 bandwidthdown']);
  const joined = assertStatus(await cyd.putSession(reference, come(cyd)), 200);
  assert.deepEqual([stageOf(joined), fateOf(joined, cyd)], ['failed 1', '- -']);
  await kit.advance(3_600_000);
  assert.equal(stageOf(await read(ada, reference)), 'failed 1');
});

// @source docs/wire/sessions.md "Members"
test('W16 members of one group fail together', { skip }, async () => {
  await using kit = await startKit();
  const { ada, bob, cyd, reference } = await gathered(kit, constantsOf({}, latency), [
    'bob',
    'cyd',
  ]);

  const named = assertStatus(
    await ada.putSession(reference, {
      members: { me: { properties: { system: { initializationGroup: [1] } } } },
    }),
    200,
  );
  assert.deepEqual(ofMember(named.json, ada, 'properties.system.initializationGroup'), [1, 0]);
  await ada.putSession(
    reference,
    telling(named, [
      [bob, good],
      [cyd, good],
    ]),
  );
  await cyd.putSession(
    reference,
    telling(named, [
      [ada, good],
      [bob, good],
    ]),
  );
  await kit.advance(3_000);

  const over = await read(ada, reference);
  assert.deepEqual(
    [fateOf(over, ada), fateOf(over, bob), fateOf(over, cyd)],
    ['1 group', '1 timeout', '- -'],
  );
});

// @source docs/wire/initialization.md "Stages"
// @source docs/wire/unknowns.md "the episode that a member shows"
test('who comes while an episode runs is of the next, and its seat is held till then', {
  skip,
}, async () => {
  await using kit = await startKit();
  const system = constantsOf({}, { ...latency, reservedRemovalTimeout: 100 });
  const { ada, bob, cyd, reference } = await gathered(kit, system);

  const waiting = assertStatus(await ada.putSession(reference, { members: seats(cyd) }), 200);
  assert.deepEqual([stageOf(waiting), fateOf(waiting, cyd)], ['measuring 1', '2 -']);
  await kit.advance(2_999);
  assert.equal(fateOf(await read(ada, reference), cyd), '2 -');
  await ada.putSession(reference, telling(waiting, [[bob, good]]));
  await kit.advance(1);

  const second = await read(ada, reference);
  assert.equal(stageOf(second), 'joining 2');
  assert.deepEqual([fateOf(second, ada), fateOf(second, bob)], ['- -', '1 timeout']);
  const joined = assertStatus(await cyd.putSession(reference, come(cyd)), 200);
  assert.equal(stageOf(joined), 'measuring 2');
  const over = assertStatus(await cyd.putSession(reference, telling(joined, [[ada, good]])), 200);
  assert.deepEqual([stageOf(over), fateOf(over, cyd)], ['none', '- -']);
});

// @source docs/wire/initialization.md "Stages"
// @source docs/wire/unknowns.md "the episode that a member shows"
test('a later episode that fails leaves session and other members as they are', async () => {
  await using kit = await startKit();
  const { ada, bob, reference } = await gathered(
    kit,
    constantsOf({ externalEvaluation: true }),
    [],
  );
  assertStatus(await ada.putSession(reference, evaluated(true)), 200);
  const second = assertStatus(await bob.putSession(reference, come(bob)), 200);
  assert.equal(stageOf(second), 'evaluating 2');

  const rejected = assertStatus(await ada.putSession(reference, evaluated(false)), 200);

  assert.equal(stageOf(rejected), 'none');
  assert.deepEqual([fateOf(rejected, ada), fateOf(rejected, bob)], ['- -', '2 episode']);
});

// @source docs/wire/initialization.md "Stages"
test('who has failed leaves and comes again, into the next episode', async () => {
  await using kit = await startKit();
  const { ada, bob, reference } = await gathered(
    kit,
    constantsOf({ externalEvaluation: true }),
    [],
  );
  assertStatus(await ada.putSession(reference, evaluated(true)), 200);
  assertStatus(await bob.putSession(reference, come(bob)), 200);
  assertStatus(await ada.putSession(reference, evaluated(false)), 200);

  const still = assertStatus(await bob.putSession(reference, come(bob)), 200);
  assert.equal(fateOf(still, bob), '2 episode');
  assertStatus(await bob.putSession(reference, leave), 200);
  const again = assertStatus(await bob.putSession(reference, come(bob)), 200);
  assert.deepEqual([stageOf(again), fateOf(again, bob)], ['evaluating 3', '3 -']);
});

// @source docs/wire/sessions.md "properties.system"
test('initializationSucceeded is refused in every other stage, and changes nothing', async () => {
  await using kit = await startKit();
  const system = constantsOf({ externalEvaluation: true, membersNeededToStart: 0 }, latency);
  const { ada, bob, reference } = await gathered(kit, system, ['bob'], []);
  const refused = async (): Promise<void> => {
    const before = await read(ada, reference);
    for (const verdict of [true, false]) {
      assertIsText(
        assertRefusedBy(
          await ada.putSession(reference, evaluated(verdict)),
          409,
          'initializationNotEvaluating',
        ),
      );
    }
    assert.equal((await read(ada, reference)).etag, before.etag);
  };

  await refused(); // joining
  const measuring = assertStatus(await bob.putSession(reference, come(bob)), 200);
  await refused(); // measuring
  await ada.putSession(reference, telling(measuring, [[bob, good]]));
  await bob.putSession(reference, telling(measuring, [[ada, good]]));
  const rejected = assertStatus(await ada.putSession(reference, evaluated(false)), 200);
  assert.equal(stageOf(rejected), 'failed 1');
  await refused(); // failed
});

// @source docs/wire/initialization.md "Stages", docs/wire/sessions.md "PUT"
// @source docs/wire/unknowns.md "hosts and their order"
test('hosts are offered in the order of the metric, until one is set', async () => {
  await using kit = await startKit();
  const { ada, bob, cyd, reference, last } = await gathered(kit, constantsOf({}, peerToHost), [
    'bob',
    'cyd',
  ]);
  const tokens = [ada, bob, cyd].map((user) => ofMember(last.json, user, 'deviceToken'));
  const to = (ms: number) => ({ ...good, latency: ms });

  await ada.putSession(
    reference,
    telling(last, [
      [bob, to(40)],
      [cyd, to(20)],
    ]),
  );
  await bob.putSession(
    reference,
    telling(last, [
      [ada, to(101)],
      [cyd, to(50)],
    ]),
  );
  const over = assertStatus(
    await cyd.putSession(
      reference,
      telling(last, [
        [ada, to(10)],
        [bob, to(30)],
      ]),
    ),
    200,
  );
  assert.equal(stageOf(over), 'none');
  assert.deepEqual(
    [ada, bob, cyd].map((user) => fateOf(over, user)),
    ['- -', '- -', '- -'],
  );
  assert.deepEqual(over.json.hostCandidates, [tokens[1], tokens[2]]);

  const gone = assertStatus(await bob.putSession(reference, leave), 200);
  assert.deepEqual(gone.json.hostCandidates, [tokens[2]]);
  const hosted = assertStatus(
    await cyd.putSession(reference, { properties: { system: { host: tokens[2] as string } } }),
    200,
  );
  assert.equal(hosted.json.hostCandidates, undefined);
});

// @source docs/wire/service-configs.md "Service configs and session templates"
test('one session in both shapes: created by the older names, read by either', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = kit.reference(blankTemplate);
  const managedInitialization = {
    ...stages,
    autoEvaluate: false,
    evaluationTimeout: 7_000,
    membersNeededToStart: 1,
  };
  const constants = { system: { managedInitialization } };

  const older = assertStatus(
    await ada.putSession(
      reference,
      { constants, ...come(ada, { secureDeviceAddress: '' }) },
      { contractVersion: 105 },
    ),
    201,
  );
  const newer = await read(ada, reference);

  assert.deepEqual(at(older.json, 'constants.system.managedInitialization'), managedInitialization);
  const { autoEvaluate: _, ...same } = managedInitialization;
  assert.deepEqual(at(newer.json, 'constants.system.memberInitialization'), {
    ...same,
    externalEvaluation: true,
  });
  for (const part of ['initializing', 'members'] as const) {
    assert.deepEqual(older.json[part], newer.json[part]);
  }
  assert.equal(stageOf(newer), 'evaluating 1');
  assert.equal(at(newer.json, 'constants.system.managedInitialization'), undefined);
  // What was read may be sent back, in the shape that it was read in.
  for (const [document, contractVersion] of [
    [older, 105],
    [newer, 107],
  ] as const) {
    const echoed = { constants: document.json.constants };
    const answer = assertStatus(await ada.putSession(reference, echoed, { contractVersion }), 200);
    assert.equal(answer.etag, newer.etag);
  }
});

const ownTemplates = {
  serviceConfigs: [
    {
      scid: demoScid,
      titles: [{ titleId: demoTitleId }],
      sessionTemplates: {
        older: {
          contractVersion: 105,
          constants: {
            system: { managedInitialization: {}, capabilities: { connectivity: true } },
          },
        },
        newer: {
          contractVersion: 107,
          constants: { system: { memberInitialization: {}, capabilities: { connectivity: true } } },
        },
      },
    },
  ],
};

// @source docs/wire/initialization.md "Stages"
test('templates of both families begin with their own defaults', {
  skip: isAimed && needsOwnServer,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-initialization-'));
  const config = join(folder, 'config.json');
  await writeFile(config, JSON.stringify(ownTemplates));
  await using kit = await startKit({ config });
  await rm(folder, { recursive: true });
  const [ada, bob] = kit.users('ada', 'bob');
  const { members } = come(ada) as { readonly members: JsonObject };
  const both = { members: { ...members, ...seats(bob) } };

  const older = kit.reference('older');
  assertRefusedBy(await ada.putSession(older, come(ada)), 400, 'initializationMembersNeeded');
  const joining = assertStatus(await ada.putSession(older, both), 201);
  const left = Date.parse(String(joining.json.nextTimer)) - kit.nowMs();
  assert.deepEqual([stageOf(joining), left], ['joining 1', 5_000]);
  const evaluating = assertStatus(await bob.putSession(older, come(bob)), 200);
  assert.equal(stageOf(evaluating), 'evaluating 1');

  const newer = kit.reference('newer');
  assert.equal(stageOf(assertStatus(await ada.putSession(newer, come(ada)), 201)), 'none');
});

// @source docs/wire/sessions.md "PUT"
test('the same writes again change nothing, and a preview begins no episode', async () => {
  await using kit = await startKit();
  const { ada, bob, cyd, reference, last } = await gathered(kit, constantsOf({}, latency));
  const body = telling(last, [[bob, good]]);

  const once = assertStatus(await ada.putSession(reference, body), 200);
  const twice = assertStatus(await ada.putSession(reference, body), 200);
  assert.equal(twice.etag, once.etag);
  assert.deepEqual(apartFromChangeNumber(twice), apartFromChangeNumber(once));

  const preview = assertStatus(await cyd.putSession(reference, come(cyd), { nocommit: true }), 200);
  assert.equal(fateOf(preview, cyd), '2 -');
  assert.equal((await read(ada, reference)).etag, once.etag);
});
