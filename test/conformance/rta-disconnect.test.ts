/** Members whose connection has ended. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { SessionReference } from '../../src/domain/session/reference.ts';
import { at, isAimed, type Kit, type KitUser, startKit } from '../../src/testing/kit.ts';
import { anHourMs, newSession } from './new-session.ts';
import { needsClock } from './answers.ts';
import { subscriber } from './subscriber.ts';

const options = { timeout: 300_000, skip: isAimed && needsClock };
const graceMs = 30_000;

/** A session of members who need connections; an hour in it for those who became inactive. */
async function connectedSession(kit: Kit, creator: KitUser, timeoutMs = anHourMs) {
  const constants = {
    capabilities: { connectionRequiredForActiveMembers: true },
    inactiveRemovalTimeout: timeoutMs,
    sessionEmptyTimeout: anHourMs,
  };
  return newSession(kit, creator, { constants });
}

async function isActive(reader: KitUser, reference: SessionReference, index = 0): Promise<unknown> {
  const { json } = await reader.getSession(reference);
  return at(json, `members.${index}.properties.system.active`);
}

/** @source docs/wire/time.md "Time", docs/wire/rta.md "Life of a connection", docs/wire/unknowns.md "the time of grace after a disconnect" */
test(
  'R12 a member whose connection ends stays active for the time of grace, and no longer',
  options,
  async () => {
    await using kit = await startKit({ isShared: false });
    await using ada = await subscriber(kit.user('ada'));
    const watcher = kit.user('watcher');
    const { reference } = await connectedSession(kit, ada.user);
    const joined = await ada.join(reference);
    await ada.line.cut();
    await kit.untilConnected(0);
    const marked = await watcher.getSession(reference);
    assert.equal(marked.etag, joined.etag, 'clients see nothing yet');
    assert.deepEqual(marked.json, joined.json);
    await kit.advance(graceMs - 1);
    assert.equal(await isActive(watcher, reference), true);
    await kit.advance(1);
    const demoted = await watcher.getSession(reference);
    assert.equal(at(demoted.json, 'members.0.properties.system.active'), undefined);
    assert.equal(demoted.json['changeNumber'], Number(joined.json['changeNumber']) + 1);
    assert.ok(demoted.json['nextTimer'], 'and will be removed');
  },
);

/** @source docs/wire/time.md "Time", docs/wire/rta.md "Life of a connection" */
test(
  'R12 a new connection written within the time of grace keeps the member active',
  options,
  async () => {
    await using kit = await startKit({ isShared: false });
    await using first = await subscriber(kit.user('ada'));
    const { reference } = await connectedSession(kit, first.user);
    await first.join(reference);
    await first.line.cut();
    await kit.untilConnected(0);
    await kit.advance(graceMs - 1);
    await using second = await subscriber(kit.user('ada'));
    await second.join(reference);
    await kit.advance(graceMs * 10);
    assert.equal(await isActive(second.user, reference), true);
  },
);

/** @source docs/wire/time.md "Time" */
test('writing the old connection again, dead as it is, changes nothing', options, async () => {
  await using kit = await startKit({ isShared: false });
  await using ada = await subscriber(kit.user('ada'));
  const { reference } = await connectedSession(kit, ada.user);
  await ada.join(reference);
  await ada.line.cut();
  await kit.untilConnected(0);
  await kit.advance(graceMs - 1);
  await ada.join(reference);
  await kit.advance(1);
  assert.equal(await isActive(kit.user('watcher'), reference), undefined);
  // Active again by it: the time of grace begins anew, as for any connection that has ended.
  await ada.join(reference);
  await kit.advance(graceMs - 1);
  assert.equal(await isActive(kit.user('watcher'), reference), true);
  await kit.advance(1);
  assert.equal(await isActive(kit.user('watcher'), reference), undefined);
});

/** @source docs/wire/sessions.md "Members", docs/wire/time.md "Time" */
test(
  'a connection that never was counts as ended from the moment it is written',
  options,
  async () => {
    await using kit = await startKit({ isShared: false });
    await using line = await kit.user('ada').connect();
    const own = await line.connectionId();
    const strange = [
      randomUUID(),
      '00000000-0000-0000-0000-000000000000',
      // Of this very node, but no connection of it.
      `${own.slice(0, 8)}${randomUUID().slice(8)}`,
    ];
    for (const connection of strange) {
      const user = kit.user(connection);
      const { reference } = await connectedSession(kit, user);
      await user.join(reference, { properties: { system: { active: true, connection } } });
      await kit.advance(graceMs - 1);
      assert.equal(await isActive(user, reference), true);
      await kit.advance(1);
      assert.equal(await isActive(user, reference), undefined, connection);
    }
  },
);

/** @source docs/wire/time.md "Time" */
test('sessions that need no connections keep their members beyond the grace', options, async () => {
  await using kit = await startKit({ isShared: false });
  await using ada = await subscriber(kit.user('ada'));
  const { reference } = await newSession(kit, ada.user, {});
  await ada.join(reference);
  await ada.line.cut();
  await kit.untilConnected(0);
  await kit.advance(4 * 60_000);
  assert.equal(await isActive(ada.user, reference), true);
});

/** @source docs/wire/sessions.md "Members", docs/wire/rta.md "Life of a connection" */
test(
  'several members on one connection, and one connection in many sessions',
  options,
  async () => {
    await using kit = await startKit({ isShared: false });
    await using ada = await subscriber(kit.user('ada'));
    const ben = kit.user('ben');
    await using cleo = await subscriber(kit.user('cleo'));
    const references: SessionReference[] = [];
    for (let n = 0; n < 3; n += 1) {
      const { reference } = await connectedSession(kit, ada.user);
      references.push(reference);
      await ada.join(reference);
      const system = { active: true, connection: ada.connection.toUpperCase() };
      await ben.putSession(reference, { members: { me: { properties: { system } } } });
      await cleo.join(reference);
    }
    await ada.line.cut();
    await kit.untilConnected(1);
    await kit.advance(graceMs);
    for (const reference of references) {
      assert.deepEqual(
        await Promise.all([0, 1, 2].map((index) => isActive(cleo.user, reference, index))),
        [undefined, undefined, true],
      );
    }
  },
);

/** @source docs/wire/time.md "Time" */
test(
  'with an inactiveRemovalTimeout of 0 the seat is free the next time, and the others get a tap',
  options,
  async () => {
    await using kit = await startKit({ settings: { tapWindowMs: 0 } });
    await using ada = await subscriber(kit.user('ada'));
    await using ben = await subscriber(kit.user('ben'), ['membersStatus', 'membersList']);
    const { reference } = await connectedSession(kit, ada.user, 0);
    await ada.join(reference);
    await ben.join(reference);
    await ben.line.framesSoFar();
    await ada.line.cut();
    await kit.untilConnected(1);
    await kit.advance(graceMs);
    const { json } = await ben.user.getSession(reference);
    assert.deepEqual(Object.keys(json['members'] ?? {}), ['1']);
    const numbers = (await ben.line.framesSoFar()).length;
    assert.equal(numbers, 2, 'inactive, then removed');
  },
);

/** @source docs/wire/handles.md "POST /handles/query", docs/wire/unknowns.md "an activity while the grace runs" */
test(
  'the activity of a member whose connection ended is not listed, and goes',
  options,
  async () => {
    await using kit = await startKit({ isShared: false });
    const ben = kit.user('ben');
    await using ada = await subscriber(kit.user('ada'));
    const { reference } = await connectedSession(kit, ada.user);
    await ada.join(reference);
    const { json } = await ada.user.postHandle({
      version: 1,
      type: 'activity',
      sessionRef: { ...reference },
    });
    const status = async (): Promise<number> =>
      (await ada.user.request('GET', `/handles/${json['id']}`)).status;
    const listed = async (): Promise<number> => {
      const { scid } = reference;
      const body = { type: 'activity', scid, owners: { xuids: [ada.user.xuid] } };
      const answer = await ben.request('POST', '/handles/query', { body });
      return (answer.json['results'] as unknown[]).length;
    };
    assert.equal(await listed(), 1);
    await ada.line.cut();
    await kit.untilConnected(0);
    assert.deepEqual([await listed(), await status()], [0, 200]);

    await using back = await subscriber(ada.user);
    await back.join(reference);
    assert.deepEqual([await listed(), await status()], [1, 200]);

    await back.line.cut();
    await kit.untilConnected(0);
    await kit.advance(graceMs - 1);
    assert.deepEqual([await listed(), await status()], [0, 200]);
    await kit.advance(1);
    assert.deepEqual([await listed(), await status()], [0, 404]);
  },
);

/** @source docs/wire/time.md "Time", docs/wire/sessions.md "Owners" */
test('members of a large session as well', options, async () => {
  await using kit = await startKit({ isShared: false });
  await using ada = await subscriber(kit.user('ada'));
  const { reference } = await newSession(kit, kit.user('creator'), {
    constants: {
      capabilities: { large: true, connectionRequiredForActiveMembers: true },
      inactiveRemovalTimeout: anHourMs,
    },
  });
  const system = { active: true, connection: ada.connection };
  const joined = await ada.user.putSession(reference, {
    members: { me: { properties: { system } } },
  });
  assert.equal(joined.status, 200, joined.text);
  await ada.line.cut();
  await kit.untilConnected(0);
  const active = async (): Promise<unknown> =>
    at((await ada.user.getSession(reference)).json, 'members.me.properties.system.active');
  await kit.advance(graceMs - 1);
  assert.equal(await active(), true);
  await kit.advance(1);
  assert.equal(await active(), undefined);
});

/** @source docs/wire/rta.md "Members whose connection has ended" */
test('a session whose last member lost the connection ends', options, async () => {
  await using kit = await startKit({ isShared: false });
  await using ada = await subscriber(kit.user('ada'));
  const reference = kit.reference('LobbySession');
  await ada.join(reference);
  await ada.line.cut();
  await kit.untilConnected(0);
  await kit.advance(graceMs);
  await kit.advance(0);
  assert.equal((await ada.user.getSession(reference)).status, 204);
});
