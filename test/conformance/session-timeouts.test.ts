/** What time does to a session. @source docs/wire/time.md "Time", docs/wire/sessions.md "Constants" */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import { at, isAimed, type Kit, type KitUser, startKit } from '../../src/testing/kit.ts';
import {
  assertRefusedBy,
  assertStatus,
  leave,
  needsClock,
  reserve,
  timePattern,
} from './answers.ts';
import {
  anHourMs,
  blankTemplate,
  creation,
  indexOf,
  memberOf,
  newSession,
  ofMember,
  read,
} from './new-session.ts';

const skip = isAimed && needsClock;

const mySystem = (system: JsonObject) => ({ members: { me: { properties: { system } } } });
const becomeInactive = mySystem({ active: false, ready: false });
const becomeReady = mySystem({ active: false, ready: true });

/** A session of two active members with these timeouts. */
async function sessionOfTwo(kit: Kit, constants: JsonObject) {
  const [ada, bob] = [kit.user('ada'), kit.user('bob')] as [KitUser, KitUser];
  const { reference } = await newSession(kit, ada, { constants });
  assertStatus(await bob.join(reference), 200);
  return { ada, bob, reference };
}

for (const appliedBy of ['by the sweep', 'by a reader'] as const) {
  const pass = async (kit: Kit, byMs: number): Promise<void> =>
    appliedBy === 'by the sweep' ? kit.advance(byMs) : kit.advanceWithoutSweep(byMs);

  // @source docs/wire/time.md "Time"
  test(`a reservation is removed after reservedRemovalTimeout, ${appliedBy}`, {
    skip,
  }, async () => {
    await using kit = await startKit();
    const { ada, reference } = await sessionOfTwo(kit, { reservedRemovalTimeout: 20_000 });
    const cyd = kit.user('cyd');
    const kept = assertStatus(await ada.putSession(reference, reserve(cyd)), 200);

    await pass(kit, 19_999);
    assert.equal((await read(ada, reference)).etag, kept.etag);
    await pass(kit, 1);
    const { json } = await read(ada, reference);

    assert.equal(memberOf(json, cyd), undefined);
    assert.equal(json.changeNumber, Number(kept.json.changeNumber) + 1);
    assert.deepEqual(json.membersInfo, { first: 0, next: 3, count: 2, accepted: 2, active: 2 });
    assert.equal(at(json, 'members.1.next'), 3);
  });

  // @source docs/wire/time.md "Time"
  test(`an inactive member is removed after inactiveRemovalTimeout, ${appliedBy}`, {
    skip,
  }, async () => {
    await using kit = await startKit();
    const { ada, bob, reference } = await sessionOfTwo(kit, { inactiveRemovalTimeout: 20_000 });
    assertStatus(await bob.putSession(reference, becomeInactive), 200);

    await pass(kit, 19_999);
    assert.ok(memberOf((await read(ada, reference)).json, bob));
    await pass(kit, 1);

    assert.equal(memberOf((await read(ada, reference)).json, bob), undefined);
  });

  // @source docs/wire/time.md "Time"
  test(`a ready member becomes inactive after readyRemovalTimeout, ${appliedBy}`, {
    skip,
  }, async () => {
    await using kit = await startKit();
    const { ada, bob, reference } = await sessionOfTwo(kit, {
      readyRemovalTimeout: 20_000,
      inactiveRemovalTimeout: 30_000,
    });
    assertStatus(await bob.putSession(reference, becomeReady), 200);

    await pass(kit, 19_999);
    assert.equal(ofMember((await read(ada, reference)).json, bob, 'properties.system.ready'), true);
    await pass(kit, 1);
    const inactive = (await read(ada, reference)).json;
    assert.equal(ofMember(inactive, bob, 'properties.system.ready') ?? false, false);
    assert.equal(ofMember(inactive, bob, 'properties.system.active') ?? false, false);
    assert.equal(at(inactive, 'membersInfo.accepted'), 2);

    await pass(kit, 29_999);
    assert.ok(memberOf((await read(ada, reference)).json, bob));
    await pass(kit, 1);
    assert.equal(memberOf((await read(ada, reference)).json, bob), undefined);
  });

  // @source docs/wire/time.md "Time"
  test(`an empty session is deleted after sessionEmptyTimeout, ${appliedBy}`, {
    skip,
  }, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const { reference, session } = await newSession(kit, ada, {
      constants: { sessionEmptyTimeout: 20_000 },
    });
    await pass(kit, 60_000);
    assertStatus(await ada.putSession(reference, leave), 200);

    await pass(kit, 19_999);
    assert.equal((await read(ada, reference)).json.branch, session.branch);
    await pass(kit, 1);
    assertStatus(await ada.getSession(reference), 204);
    const again = assertStatus(await ada.putSession(reference, creation()), 201);
    assert.notEqual(again.json.branch, session.branch);
  });

  // @source docs/wire/time.md "Time"
  test(`a session that nobody joined is deleted after sessionEmptyTimeout, ${appliedBy}`, {
    skip,
  }, async () => {
    await using kit = await startKit();
    const service = kit.service();
    const reference = kit.reference(blankTemplate);
    const constants = { system: { sessionEmptyTimeout: 20_000 } };
    assertStatus(await service.putSession(reference, { constants }), 201);

    await pass(kit, 19_999);
    assertStatus(await service.getSession(reference), 200);
    await pass(kit, 1);
    assertStatus(await service.getSession(reference), 204);
  });
}

// @source docs/wire/time.md "Time"
test('a timeout of 0 leaves the member in the answer of the write, and not in the next', {
  skip,
}, async () => {
  await using kit = await startKit();
  const { ada, bob, reference } = await sessionOfTwo(kit, { inactiveRemovalTimeout: 0 });

  const written = assertStatus(await bob.putSession(reference, becomeInactive), 200);
  assert.ok(memberOf(written.json, bob));
  assert.equal(memberOf((await read(ada, reference)).json, bob), undefined);
});

// @source docs/wire/time.md "Time"
test('timeouts are not stacked: who is long overdue goes one step, and its next timeout begins then', {
  skip,
}, async () => {
  await using kit = await startKit();
  const { ada, bob, reference } = await sessionOfTwo(kit, {
    readyRemovalTimeout: 1_000,
    inactiveRemovalTimeout: 10_000,
  });
  assertStatus(await bob.putSession(reference, becomeReady), 200);

  kit.advanceWithoutSweep(anHourMs);
  const once = await read(ada, reference);
  const twice = await read(ada, reference);
  assert.equal(ofMember(once.json, bob, 'properties.system.ready') ?? false, false);
  assert.equal(twice.etag, once.etag, 'looking again moves nothing');
  kit.advanceWithoutSweep(9_999);
  assert.ok(memberOf((await read(ada, reference)).json, bob));
  kit.advanceWithoutSweep(1);
  assert.equal(memberOf((await read(ada, reference)).json, bob), undefined);
});

// @source docs/wire/time.md "Time"
test('repeating a status does not begin its timeout again', { skip }, async () => {
  await using kit = await startKit();
  const { ada, bob, reference } = await sessionOfTwo(kit, {
    inactiveRemovalTimeout: 20_000,
    readyRemovalTimeout: 20_000,
  });
  assertStatus(await bob.putSession(reference, becomeInactive), 200);
  kit.advanceWithoutSweep(15_000);
  assertStatus(await bob.putSession(reference, becomeInactive), 200);
  assertStatus(
    await bob.putSession(reference, { members: { me: { properties: { custom: { x: 1 } } } } }),
    200,
  );

  kit.advanceWithoutSweep(5_000);

  assert.equal(memberOf((await read(ada, reference)).json, bob), undefined);
});

// @source docs/wire/time.md "Time"
test('who is active again in time stays', { skip }, async () => {
  await using kit = await startKit();
  const { ada, bob, reference } = await sessionOfTwo(kit, {
    inactiveRemovalTimeout: 20_000,
    capabilities: { suppressPresenceActivityCheck: true },
  });
  assertStatus(await bob.putSession(reference, becomeInactive), 200);
  await kit.advance(19_999);
  assertStatus(await bob.putSession(reference, mySystem({ active: true })), 200);

  await kit.advance(anHourMs * 24);

  const { json } = await read(ada, reference);
  assert.equal(at(json, 'membersInfo.active'), 2);
});

// @source docs/wire/sessions.md "Constants"
test('a timeout of null never runs out while somebody is active', { skip }, async () => {
  // Dan is silent all the year.
  await using kit = await startKit({ settings: { unconnectedTimeoutMs: 0 } });
  const { ada, bob, reference } = await sessionOfTwo(kit, {
    reservedRemovalTimeout: null,
    readyRemovalTimeout: null,
    inactiveRemovalTimeout: null,
    sessionEmptyTimeout: null,
  });
  const [cyd, dan] = kit.users('cyd', 'dan');
  assertStatus(await ada.putSession(reference, reserve(cyd)), 200);
  assertStatus(await dan.putSession(reference, mySystem({ active: true })), 200);
  assertStatus(await ada.putSession(reference, becomeReady), 200);
  const before = assertStatus(await bob.putSession(reference, becomeInactive), 200);

  await kit.advance(anHourMs * 24 * 365);

  const after = await read(ada, reference);
  assert.equal(after.etag, before.etag);
  assert.equal(after.json.nextTimer, undefined);
});

// @source docs/wire/sessions.md "PUT"
test('a write sees the session as time left it', { skip }, async () => {
  await using kit = await startKit();
  const [ada, bob, cyd] = kit.users('ada', 'bob', 'cyd');
  const { reference } = await newSession(kit, ada, {
    constants: { maxMembersCount: 2, reservedRemovalTimeout: 20_000 },
  });
  assertStatus(await ada.putSession(reference, reserve(bob)), 200);
  assertRefusedBy(await cyd.join(reference), 400, 'sessionFull');

  kit.advanceWithoutSweep(20_000);

  const { json } = assertStatus(await cyd.join(reference), 200);
  assert.equal(memberOf(json, bob), undefined);
  assert.equal(indexOf(json, cyd), 2);
  assertRefusedBy(await bob.join(reference), 400, 'sessionFull');
});

// @source docs/wire/sessions.md "Access"
test('a reservation that ran out lets nobody in', { skip }, async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada, {
    constants: { visibility: 'private', reservedRemovalTimeout: 20_000 },
  });
  assertStatus(await ada.putSession(reference, reserve(bob)), 200);

  kit.advanceWithoutSweep(20_000);

  assertRefusedBy(await bob.join(reference), 403, 'sessionPrivate');
});

// @source docs/wire/time.md "Time"
test('what time changed makes an earlier ETag stale', { skip }, async () => {
  await using kit = await startKit();
  const { ada, bob, reference } = await sessionOfTwo(kit, { inactiveRemovalTimeout: 20_000 });
  const before = assertStatus(await bob.putSession(reference, becomeInactive), 200);
  kit.advanceWithoutSweep(20_000);
  const body = { properties: { custom: { map: 'dunes' } } };

  const stale = assertRefusedBy(
    await ada.putSession(reference, body, { ifMatch: before.etag }),
    412,
    'etagDiffers',
  );

  assert.equal(memberOf(stale.json, bob), undefined);
  assert.equal(stale.json.changeNumber, Number(before.json.changeNumber) + 1);
  assertStatus(await ada.putSession(reference, body, { ifMatch: stale.etag }), 200);
});

// @source docs/wire/time.md "Time", docs/wire/sessions.md "Access"
test('nextTimer and Expires tell when the next timeout is due, and are absent when none is', {
  skip,
}, async () => {
  await using kit = await startKit();
  const { ada, bob, reference } = await sessionOfTwo(kit, {
    inactiveRemovalTimeout: 60_000,
    reservedRemovalTimeout: 20_000,
  });
  const quiet = await read(ada, reference);
  assert.equal(quiet.json.nextTimer, undefined);
  assert.equal(quiet.headers.get('expires'), null);
  const startMs = kit.nowMs();
  const dueInMs = async (): Promise<number> => {
    const answer = await read(ada, reference);
    const { nextTimer } = answer.json;
    assert.match(String(nextTimer), timePattern);
    const dueMs = Date.parse(String(nextTimer));
    const wholeSecondsMs = Math.floor(dueMs / 1_000) * 1_000;
    assert.equal(Date.parse(answer.headers.get('expires') ?? ''), wholeSecondsMs);
    return dueMs - startMs;
  };

  assertStatus(await bob.putSession(reference, becomeInactive), 200);
  assert.equal(await dueInMs(), 60_000);
  assertStatus(await ada.putSession(reference, reserve(kit.user('cyd'))), 200);
  assert.equal(await dueInMs(), 20_000);
  await kit.advance(20_000);
  assert.equal(await dueInMs(), 60_000);
  assertStatus(await bob.putSession(reference, mySystem({ active: true })), 200);
  assert.equal((await read(ada, reference)).json.nextTimer, undefined);
});

// @source docs/wire/time.md "Time"
test('nextTimer of an empty session is its end', { skip }, async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada, {
    constants: { sessionEmptyTimeout: 20_000 },
  });
  await kit.advance(5_000);

  const { json } = assertStatus(await ada.putSession(reference, leave), 200);

  assert.equal(Date.parse(String(json.nextTimer)), kit.nowMs() + 20_000);
});

// @source docs/wire/time.md "Time"
test('the host that is removed by time is host no more, nor has it the turn', {
  skip,
}, async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada, {
    constants: { capabilities: { connectivity: true }, inactiveRemovalTimeout: 20_000 },
  });
  const joined = await bob.join(reference, {
    properties: { system: { active: true, secureDeviceAddress: 'MS4xLjEuMQ==' } },
  });
  const host = ofMember(joined.json, bob, 'deviceToken') ?? null;
  const set = assertStatus(
    await ada.putSession(reference, { properties: { system: { host, turn: [0, 1] } } }),
    200,
  );
  assert.equal(at(set.json, 'properties.system.host'), host);
  assertStatus(await bob.putSession(reference, becomeInactive), 200);

  await kit.advance(20_000);

  const { json } = await read(ada, reference);
  assert.equal(at(json, 'properties.system.host'), undefined);
  assert.deepEqual(at(json, 'properties.system.turn'), [0]);
});

// @source docs/wire/time.md "Time", docs/wire/sessions.md "PUT"
test('a session ends when time has removed its last member', { skip }, async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const brief = await newSession(kit, ada, {
    constants: { inactiveRemovalTimeout: 20_000, sessionEmptyTimeout: 0 },
  });
  const lasting = await newSession(kit, ada, {
    constants: { inactiveRemovalTimeout: 20_000, sessionEmptyTimeout: 20_000 },
  });
  for (const { reference } of [brief, lasting]) {
    assertStatus(await ada.putSession(reference, becomeInactive), 200);
  }
  await kit.advance(20_000);
  assert.deepEqual((await read(ada, lasting.reference)).json.members, {});
  await kit.advance(19_999);

  assertStatus(await ada.getSession(brief.reference), 204);
  assertStatus(await ada.getSession(lasting.reference), 200);
  await kit.advance(1);
  assertStatus(await ada.getSession(lasting.reference), 204);
});

// @source docs/wire/time.md "Time"
test('elements show what time left', { skip }, async () => {
  await using kit = await startKit();
  const { ada, bob, reference } = await sessionOfTwo(kit, { inactiveRemovalTimeout: 20_000 });
  assertStatus(await bob.putSession(reference, becomeInactive), 200);
  kit.advanceWithoutSweep(20_000);

  assert.equal(await ada.client.getMember(reference, 1), undefined);
});

// @source docs/wire/sessions.md "PUT", docs/wire/time.md "Time"
test('a preview sees what time left, too', { skip }, async () => {
  await using kit = await startKit();
  const { ada, bob, reference } = await sessionOfTwo(kit, { inactiveRemovalTimeout: 20_000 });
  assertStatus(await bob.putSession(reference, becomeInactive), 200);
  kit.advanceWithoutSweep(20_000);

  const { json } = assertStatus(await ada.putSession(reference, {}, { nocommit: true }), 200);

  assert.equal(memberOf(json, bob), undefined);
});
