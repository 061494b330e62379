/** The TypeScript client's real-time connection against the server, over sockets. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  memberOf,
  type ReceivedInvite,
  type RtaConnection,
  type SessionTap,
} from '../../src/client/multiplayer-service.ts';
import { startServer } from '../../src/server.ts';
import { demoTitleId, Kit, type KitUser } from '../../src/testing/kit.ts';
import { manualClock } from '../../src/testing/manual-clock.ts';

async function open() {
  const machine = manualClock();
  const server = await startServer({
    port: 0,
    store: 'memory',
    clock: machine,
    control: true,
    tapWindowMs: 0,
  });
  const kit = new Kit(server.url, undefined);
  const tests = kit.service('tests');
  const connections: RtaConnection[] = [];
  return {
    kit,
    async connect(user: KitUser) {
      const live = await user.client.connect({ reconnect: { firstDelayMs: 0 } });
      connections.push(live);
      return live;
    },
    advance: (advanceMs: number) =>
      tests.request('POST', '/control/clock', { body: { advanceMs } }),
    openIds: async () => (await tests.request('GET', '/control')).json['connections'] as unknown[],
    drop: (id = '') => tests.request('POST', `/control/connections/${id}/drop`),
    async [Symbol.asyncDispose]() {
      for (const live of connections) await live.close();
      await server.close();
    },
  };
}

async function nextChange(live: RtaConnection): Promise<SessionTap> {
  for await (const tap of live.taps()) {
    if (tap.kind === 'changed' || tap.kind === 'ended') return tap;
  }
  throw new Error('the connection has been closed');
}

async function untilResync(live: RtaConnection): Promise<void> {
  for await (const tap of live.taps()) if (tap.kind === 'resync') return;
}

test('a follower receives what others do, and the end', async () => {
  await using opened = await open();
  const { kit, connect } = opened;
  const [ada, ben] = [kit.user('ada'), kit.user('ben')];
  const lobby = kit.reference('LobbySession');
  const live = await connect(ada);
  const created = await live.follow(lobby, {
    members: { me: { properties: { system: { secureDeviceAddress: 'QUJD' } } } },
    properties: { system: { joinRestriction: 'followed', readRestriction: 'followed' } },
  });
  assert.equal(created.status, 'created');
  await ada.client.sendInvites(lobby, [ben.xuid], { titleId: demoTitleId });
  const bens = await connect(ben);
  const heard = Promise.withResolvers<ReceivedInvite>();
  await bens.subscribeToInvites({ xuid: ben.xuid, titleId: demoTitleId }, heard.resolve);
  const invite = await heard.promise;
  assert.deepEqual(invite.sessionRef, lobby);
  assert.equal(invite.inviteInfo.sender, 'ada');

  const joined = await bens.followByHandle(invite.id);
  assert.equal(joined.status, 'updated');
  const { kind, reference, branch, changeNumber } = await nextChange(live);
  assert.deepEqual(
    { kind, reference, branch, changeNumber },
    { kind: 'changed', reference: lobby, branch: created.session.branch, changeNumber: 2 },
  );
  await ben.client.leaveSession(lobby);
  assert.equal((await nextChange(live)).changeNumber, 3);
  await ada.client.leaveSession(lobby);
  assert.equal((await nextChange(live)).kind, 'ended');
});

test('a line that is cut is made anew before the seat is lost; one that is closed is not', async () => {
  await using opened = await open();
  const { kit, connect, advance, drop, openIds } = opened;
  const [ada, ben] = [kit.user('ada'), kit.user('ben')];
  const lobby = kit.reference('LobbySession');
  const live = await connect(ada);
  await live.follow(lobby, {
    properties: { system: { joinRestriction: 'followed', readRestriction: 'followed' } },
  });
  const [invite] = await ada.client.sendInvites(lobby, [ben.xuid], { titleId: demoTitleId });
  assert.ok(invite?.status === 'sent');
  const bens = await connect(ben);
  await bens.followByHandle(invite.handle.id);

  const former = live.connectionId;
  assert.equal((await drop(former)).status, 204);
  await untilResync(live);
  assert.notEqual(live.connectionId, former);
  await bens.close();
  while ((await openIds()).length > 1);
  const xuids = async () =>
    Object.values((await ada.client.getSession(lobby))?.session.members ?? {}).map(
      ({ constants }) => constants.system.xuid,
    );
  assert.deepEqual(await xuids(), [ada.xuid, ben.xuid]);
  for (let step = 0; step < 5; step += 1) await advance(30_000);
  assert.deepEqual(await xuids(), [ada.xuid]);
  const read = await ada.client.getSession(lobby);
  const me = read && memberOf(read.session, ada.xuid);
  assert.equal(me?.properties.system.active, true);
  assert.equal(me.properties.system.connection, live.connectionId);
});

test('a server that is gone for good: the title is notified, and its loop ends', async () => {
  const server = await startServer({ port: 0, store: 'memory' });
  const ada = new Kit(server.url, undefined).user('ada');
  const lost = Promise.withResolvers<Error>();
  const live = await ada.client.connect({
    reconnect: { firstDelayMs: 0, attemptsMax: 1 },
    onSubscriptionsLost: lost.resolve,
  });
  await server.close();
  const reason = await lost.promise;
  await assert.rejects(async () => {
    // The last word of a server that stops is to look again.
    for await (const tap of live.taps()) assert.equal(tap.kind, 'resync');
  }, reason);
});
