/** The client against a server: queries for sessions, friends, blocks; searches as they are sent. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demoScid, startKit, type Kit, type KitUser } from '../testing/kit.ts';
import { MultiplayerError, MultiplayerService, where } from './multiplayer-service.ts';

const scid = demoScid;

/** A session of this user with a keyword. */
async function withKeyword(kit: Kit, user: KitUser, keyword: string, system: object = {}) {
  const reference = kit.reference();
  await user.client.writeSession(reference, {
    properties: { system: { keywords: [keyword], ...system } },
    members: { me: { properties: { system: { active: true } } } },
  });
  return reference;
}

const namesOf = (found: readonly { readonly sessionRef: { readonly name: string } }[]) =>
  found.map(({ sessionRef }) => sessionRef.name);

test('getSessions finds sessions by keyword and by one user or several', async () => {
  await using kit = await startKit();
  const [ada, bob] = [kit.user('ada'), kit.user('bob')];
  const keyword = `Finding others & more ${ada.xuid}`;
  const ofAda = await withKeyword(kit, ada, keyword, { turn: [0] });
  const ofBob = await withKeyword(kit, bob, keyword);
  const { client } = kit.user('cid');

  const [found, ...others] = await client.getSessions({ scid, xuids: [ada.xuid], keyword });
  assert.deepEqual(others, []);
  assert.deepEqual(found?.sessionRef, ofAda);
  assert.deepEqual(
    [found?.xuid, found?.status, found?.accepted, found?.visibility, found?.myTurn],
    [ada.xuid, 'active', 1, 'open', true],
  );
  assert.deepEqual(found?.keywords, [keyword]);

  const both = await client.getSessions({ scid, xuids: [bob.xuid, ada.xuid] });
  assert.deepEqual(namesOf(both), [ofBob.name, ofAda.name]);
  const byKeyword = await client.getSessions({ scid, templateName: 'deathmatch', keyword });
  assert.deepEqual(namesOf(byKeyword).toSorted(), [ofAda.name, ofBob.name].toSorted());
  for (const none of [
    { scid, templateName: 'blank', keyword },
    { scid, keyword, take: 0 },
    { scid, keyword, visibility: 'full' },
    { scid, keyword: `${keyword}!` },
    { scid, xuids: [ada.xuid, bob.xuid], keyword, visibility: 'visible' },
  ] as const) {
    assert.deepEqual(await client.getSessions(none), []);
  }
  assert.equal((await client.getSessions({ scid, keyword, versionMax: 1 })).length, 2);
});

test('getSessions shows own private sessions and of reservations, when asked', async () => {
  await using kit = await startKit();
  const [ada, bob] = [kit.user('ada'), kit.user('bob')];
  const reference = kit.reference('private');
  await ada.client.writeSession(reference, {
    members: {
      me: { properties: { system: { ready: true } } },
      reserve_0: { constants: { system: { xuid: bob.xuid } } },
    },
  });
  const of = (user: KitUser, more: object) =>
    user.client.getSessions({ scid, xuids: [user.xuid], includePrivate: true, ...more });
  assert.deepEqual(await of(ada, {}), []);
  assert.equal((await of(ada, { includeInactive: true }))[0]?.status, 'inactive');
  assert.deepEqual(await of(bob, {}), []);
  assert.equal((await of(bob, { includeReservations: true }))[0]?.status, 'reserved');
  await assert.rejects(
    bob.client.getSessions({ scid, xuids: [ada.xuid], includePrivate: true }),
    (error) => error instanceof MultiplayerError && error.code === 'queryNotYours',
  );
});

test('getActivitiesForSocialGroup tells what friends play, as follow and unfollow have it', async () => {
  await using kit = await startKit();
  const [ada, bob] = [kit.user('ada'), kit.user('bob')];
  const reference = await withKeyword(kit, bob, 'k');
  const { id } = await bob.client.setActivity(reference);
  const seen = async (group: 'people' | 'favorites' = 'people') =>
    (await ada.client.getActivitiesForSocialGroup(scid, group, { xuid: ada.xuid })).map(
      (activity) => [activity.id, activity.relatedInfo?.membersCount],
    );
  assert.deepEqual(await seen(), []);
  await ada.client.follow([bob.xuid]);
  assert.deepEqual(await seen(), [[id, 1]]);
  assert.deepEqual(await seen('favorites'), []);
  await ada.client.unfollow([bob.xuid]);
  assert.deepEqual(await seen(), []);
  await assert.rejects(ada.client.getActivitiesForSocialGroup(scid, 'people'), TypeError);
  const own = { xuid: bob.xuid };
  assert.deepEqual(await bob.client.getActivitiesForSocialGroup(scid, 'people', own), []);
  // who set an activity is known
  assert.deepEqual(await bob.client.getActivitiesForSocialGroup(scid, 'people'), []);
});

test('avoid keeps invites away until unavoid', async () => {
  await using kit = await startKit();
  const [ada, bob] = [kit.user('ada'), kit.user('bob')];
  const reference = await withKeyword(kit, ada, 'k');
  const invite = async () => {
    const [outcome = assert.fail()] = await ada.client.sendInvites(reference, [bob.xuid], {
      titleId: '1234567890',
    });
    return outcome.status === 'sent' ? 'sent' : outcome.error.code;
  };
  await bob.client.mute(ada.xuid);
  assert.equal(await invite(), 'sent');
  await bob.client.unmute(ada.xuid);
  await bob.client.avoid(ada.xuid);
  assert.equal(await invite(), 'inviteBlocked');
  await bob.client.unavoid(ada.xuid);
  assert.equal(await invite(), 'sent');
});

test('what is wrong with a list is reported in a sentence', async () => {
  await using kit = await startKit();
  const { client, xuid } = kit.user('ada');
  for (const change of [client.follow([xuid]), client.avoid(xuid), client.mute(xuid)]) {
    await assert.rejects(change, (error) => {
      assert.ok(error instanceof MultiplayerError);
      assert.equal(error.code, 'requestInvalid');
      assert.match(error.message, /Nobody can be on a list of their own/);
      assert.doesNotMatch(error.message, /\{/);
      return true;
    });
  }
});

/** A client whose requests are kept, each answered by `body`. */
function recorded(body: object) {
  const requests: { readonly call: string; readonly body: unknown }[] = [];
  const service = new MultiplayerService({
    baseUrl: 'http://directory.test',
    authorization: 'XBL3.0 x=-;xuid=1',
    xuid: '1',
    fetch: async (url, init) => {
      const call = `${init.method} ${url.slice('http://directory.test'.length)}`;
      requests.push({ call, body: JSON.parse(init.body ?? 'null') });
      return { status: 200, headers: new Headers(), text: async () => JSON.stringify(body) };
    },
  });
  return { service, requests };
}

test('setSearchHandle sends what a search finds the session by', async () => {
  const handle = { id: 'a', type: 'search', version: 1 };
  const { service, requests } = recorded(handle);
  const reference = { scid, templateName: 'lobby', name: 'one' };
  const attributes = { tags: ['mic'], numbers: { mmr: 12.5 }, strings: { mode: 'ctf' } };
  assert.deepEqual(await service.setSearchHandle(reference, attributes), handle);
  await service.setSearchHandle(reference);
  const sent = { type: 'search', version: 1, sessionRef: reference };
  assert.deepEqual(requests, [
    { call: 'POST /handles', body: { ...sent, searchAttributes: attributes } },
    { call: 'POST /handles', body: { ...sent, searchAttributes: {} } },
  ]);
});

test('getSearchHandles sends what is asked for, and nothing else', async () => {
  const result = { id: 'a', type: 'search' };
  const { service, requests } = recorded({ results: [result] });
  const people = { moniker: 'favorites', monikerXuid: '1' };
  assert.deepEqual(await service.getSearchHandles({ scid }), [result]);
  await service.getSearchHandles({ scid, filter: "strings/mode eq 'x'" });
  await service.getSearchHandles({
    scid,
    templateName: 'lobby',
    filter: where.all(where.tag('mic'), where.number('mmr', 'ge', 5)),
    orderBy: 'mmr desc',
    socialGroup: 'favorites',
    take: 5,
  });
  const call = 'POST /handles/query?include=relatedInfo,roleInfo,customProperties';
  assert.deepEqual(requests, [
    { call, body: { type: 'search', scid } },
    { call, body: { type: 'search', scid, filter: "strings/mode eq 'x'" } },
    {
      call,
      body: {
        type: 'search',
        scid,
        templateName: 'lobby',
        filter: "tags/any(d:d eq 'mic') and numbers/mmr ge 5",
        orderBy: 'mmr desc',
        sessionMembers: { people },
        take: 5,
      },
    },
  ]);
});
