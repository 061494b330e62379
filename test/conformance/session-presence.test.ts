/** Members whose connection is gone, where none is needed to be active. @source docs/wire/people.md "People" */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import type { SessionReference } from '../../src/domain/session/reference.ts';
import { at, isAimed, type Kit, type KitUser, startKit } from '../../src/testing/kit.ts';
import { assertStatus, needsClock } from './answers.ts';
import { anHourMs, newSession, ofMember, read } from './new-session.ts';

const skip = isAimed && needsClock;
const timeoutMs = 300_000;
const unconnectedTimeoutMs = 900_000;
/** Of the template deathmatch. */
const inactiveRemovalTimeoutMs = 900_000;

const activeBy = (connection: string | null): JsonObject => ({
  properties: { system: { active: true, connection } },
});

/** A session of Ada, active by nothing, and Bob, who is active by `connection`. */
async function scene(kit: Kit, connection: string | null, capabilities: JsonObject = {}) {
  const [ada, bob] = [kit.user('ada'), kit.user('bob')] as [KitUser, KitUser];
  const { reference } = await newSession(kit, ada, {
    constants: { inactiveRemovalTimeout: anHourMs, capabilities },
    me: activeBy(null),
  });
  assertStatus(await bob.join(reference, activeBy(connection)), 200);
  return { ada, bob, reference };
}

async function isActive(reader: KitUser, reference: SessionReference, who: KitUser) {
  const { json } = await read(reader, reference);
  return ofMember(json, who, 'properties.system.active') === true;
}

// @source docs/wire/unknowns.md "presence without a heartbeat"
test('who loses the connection and shows no sign of life is inactive after the timeout', {
  skip,
}, async () => {
  await using kit = await startKit();
  const line = await kit.user('bob').connect();
  const { ada, bob, reference } = await scene(kit, await line.connectionId());
  for (let minute = 0; minute < 12; minute += 1) {
    await kit.advance(30_000);
    await line.framesSoFar();
  }
  assert.ok(await isActive(ada, reference, bob), 'a connection that is open is enough');

  // A client that sends nothing for a minute, and answers no ping, is gone.
  await kit.advance(60_000);
  assert.equal(await line.closed, 1006);
  await kit.advance(timeoutMs - 1);
  const before = await read(ada, reference);
  assert.equal(before.json.nextTimer, undefined);
  assert.ok(await isActive(ada, reference, bob));
  await kit.advance(1);

  const after = await read(ada, reference);
  assert.equal(await isActive(ada, reference, bob), false);
  assert.equal(after.json.changeNumber, Number(before.json.changeNumber) + 1);
  assert.equal(at(after.json, 'membersInfo.active'), 1);
});

for (const [what, live] of [
  ['a read', (bob: KitUser, reference: SessionReference) => bob.getSession(reference)],
  ['a refusal', (bob: KitUser) => bob.request('GET', '/handles/none')],
] as const) {
  test(`any request is a sign of life: ${what}`, { skip }, async () => {
    await using kit = await startKit();
    const { ada, bob, reference } = await scene(kit, randomUUID());
    await kit.advance(timeoutMs - 60_000);
    const before = await read(ada, reference);
    await live(bob, reference);

    await kit.advance(timeoutMs - 1);
    const seen = await read(ada, reference);
    assert.ok(await isActive(ada, reference, bob));
    assert.equal(seen.etag, before.etag);
    await kit.advance(1);

    assert.equal(await isActive(ada, reference, bob), false);
  });
}

test('a client that asks late has shown by asking that it is there', { skip }, async () => {
  await using kit = await startKit();
  const { bob, reference } = await scene(kit, randomUUID());
  kit.advanceWithoutSweep(timeoutMs * 2);
  assert.ok(await isActive(bob, reference, bob));
});

for (const connection of [null, randomUUID()]) {
  test(`a member whose presence does not count stays active, by ${connection === null ? 'no' : 'a lost'} connection`, {
    skip,
  }, async () => {
    await using kit = await startKit();
    const capabilities = { suppressPresenceActivityCheck: true };
    const { ada, bob, reference } = await scene(kit, connection, capabilities);
    await kit.advance(anHourMs * 24);
    assert.ok(await isActive(ada, reference, bob));
  });
}

// @source docs/wire/unknowns.md "presence without a heartbeat"
test('who never wrote a connection and shows no sign of life is inactive after a longer time', {
  skip,
}, async () => {
  await using kit = await startKit();
  const { ada, bob, reference } = await scene(kit, null);
  const before = await read(ada, reference);
  assert.equal(before.json.nextTimer, undefined);
  await kit.advance(unconnectedTimeoutMs - 1);
  await read(bob, reference);
  await read(ada, reference);
  await kit.advance(unconnectedTimeoutMs - 1);
  const seen = await read(ada, reference);
  assert.ok(await isActive(ada, reference, bob), 'a request, whatever it asks for, is enough');
  assert.equal(seen.etag, before.etag);
  await kit.advance(1);
  assert.equal(await isActive(ada, reference, bob), false);
  assert.ok(await isActive(ada, reference, ada));
});

test('what users leave behind who are gone is gone too, with no connection ever written', {
  skip,
}, async () => {
  await using kit = await startKit();
  const [ada, cleo] = kit.users('ada', 'cleo');
  const reference = kit.reference();
  const join = { members: { me: { properties: { system: { active: true } } } } };
  assertStatus(await ada.putSession(reference, join), 201);
  await ada.client.setActivity(reference);
  const activities = () => cleo.client.getActivitiesForUsers(reference.scid, [ada.xuid]);
  assert.equal((await activities()).length, 1);
  await kit.advance(unconnectedTimeoutMs);
  assert.deepEqual(await activities(), []);
  assert.equal(at((await read(cleo, reference)).json, 'membersInfo.active'), 0);
  await kit.advance(inactiveRemovalTimeoutMs);
  assertStatus(await cleo.getSession(reference), 204);
});

test('another connection, or none, takes the place of the one that ended', { skip }, async () => {
  for (const next of ['open', null]) {
    await using kit = await startKit();
    const { ada, bob, reference } = await scene(kit, randomUUID());
    await using line = await bob.connect();
    const connection = next === 'open' ? await line.connectionId() : next;
    await kit.advance(1_000);
    assertStatus(await bob.putSession(reference, { members: { me: activeBy(connection) } }), 200);
    for (let minute = 0; minute < 12; minute += 1) {
      await kit.advance(20_000);
      if (next === 'open') await line.framesSoFar();
    }
    assert.ok(await isActive(ada, reference, bob));
  }
});

test('with timeouts of 0 nobody is looked for', { skip }, async () => {
  await using kit = await startKit({
    settings: { presenceTimeoutMs: 0, unconnectedTimeoutMs: 0 },
  });
  const { ada, bob, reference } = await scene(kit, randomUUID());
  await kit.advance(anHourMs * 24);
  assert.ok(await isActive(ada, reference, bob));
  assert.ok(await isActive(bob, reference, ada));
});

test('in a large session each is looked for by himself', { skip }, async () => {
  await using kit = await startKit();
  const { ada, bob, reference } = await scene(kit, randomUUID(), { large: true });
  await kit.advance(timeoutMs);
  const { json } = await read(ada, reference);
  assert.equal(at(json, 'membersInfo.active'), 1);
  assert.equal(at(json, 'membersInfo.count'), 2);
  const own = await read(bob, reference);
  assert.equal(at(own.json, 'members.me.properties.system.active'), undefined);
  await kit.advance(unconnectedTimeoutMs);
  const later = await read(bob, reference);
  assert.equal(at(later.json, 'membersInfo.active'), 0, 'Ada, by no connection');
});
