/** The client against a server: the services beside the session directory. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { demoTitleId, type Kit, startKit } from '../testing/kit.ts';
import { MultiplayerError, MultiplayerService } from './multiplayer-service.ts';

let kit: Kit;
before(async () => {
  kit = await startKit();
});
after(() => kit[Symbol.asyncDispose]());

/** A user of the kit whose client knows the user's xuid, and who has called once. */
async function user(name: string) {
  const { xuid, authorization } = kit.user(name);
  const service = new MultiplayerService({ baseUrl: kit.url, authorization, xuid, retry: false });
  await service.neighbours.getProfile();
  return { xuid, service, neighbours: service.neighbours };
}

test('profiles: of oneself, by xuid, by gamertag, and of several', async () => {
  const ada = await user('profile-ada');
  const ben = await user('profile-ben');
  const own = { xuid: ada.xuid, settings: { Gamertag: 'profile-ada' } };
  assert.deepEqual(await ada.neighbours.getProfile(), own);
  assert.deepEqual(await ben.neighbours.getProfile({ xuid: ada.xuid }), own);
  assert.equal(await ada.neighbours.getProfile({ gamertag: 'nobody at all' }), undefined);
  const settings = ['Gamertag', 'Gamerscore'];
  const both = await ada.neighbours.getProfiles([ben.xuid, ada.xuid, ben.xuid], settings);
  assert.deepEqual(
    both.map(({ settings: { Gamertag, Gamerscore } }) => [Gamertag, Gamerscore]),
    [
      ['profile-ben', '0'],
      ['profile-ada', '0'],
    ],
  );
  assert.deepEqual(await ada.neighbours.getProfiles([]), []);
});

test('people: who is followed, who follows, by xuid', async () => {
  const ada = await user('people-ada');
  const ben = await user('people-ben');
  assert.deepEqual(await ada.neighbours.getPeople(), []);
  await ada.service.follow([ben.xuid]);
  const [followed, ...others] = await ada.neighbours.getPeople();
  assert.deepEqual(others, []);
  assert.deepEqual(
    [followed?.xuid, followed?.gamertag, followed?.isFollowedByCaller, followed?.presenceState],
    [ben.xuid, 'people-ben', true, 'Offline'],
  );
  const [follower] = await ben.neighbours.getPeople('followers');
  assert.deepEqual([follower?.xuid, follower?.isFollowingCaller], [ada.xuid, true]);
  const [known] = await ben.neighbours.getPeopleByXuid([ada.xuid, ada.xuid]);
  assert.equal(known?.gamertag, 'people-ada');
  // Who was named a moment ago may not be found yet: what is found fits.
  for (const found of await ben.neighbours.searchPeople('PEOPLE-', { max: 5 })) {
    assert.match(found.gamertag, /^people-/);
  }
});

test('presence: here with a rich presence, in which title, and away again', async () => {
  const ada = await user('presence-ada');
  const ben = await user('presence-ben');
  assert.equal(await ada.neighbours.setPresence({ richPresence: 'lobby' }), 300_000);
  const xuids = [ada.xuid, ben.xuid];
  const [online, offline] = await ben.neighbours.getPresence(xuids);
  assert.deepEqual([online?.xuid, online?.state, offline?.state], [ada.xuid, 'Online', 'Offline']);
  const title = online?.devices?.[0]?.titles?.[0];
  assert.deepEqual([title?.id, title?.activity?.richPresence], [demoTitleId, 'lobby']);
  const here = await ben.neighbours.getPresence(xuids, { onlineOnly: true, level: 'user' });
  assert.deepEqual(here, [{ xuid: ada.xuid, state: 'Online' }]);
  assert.deepEqual(
    await ben.neighbours.getPresence(xuids, { onlineOnly: true, titleIds: ['77'] }),
    [],
  );
  await ada.neighbours.endPresence();
  const [left] = await ben.neighbours.getPresence([ada.xuid]);
  assert.deepEqual([left?.state, left?.lastSeen?.titleId], ['Offline', demoTitleId]);
});

test('permissions: each with its reasons', async () => {
  const ada = await user('permission-ada');
  const ben = await user('permission-ben');
  await ada.service.mute(ben.xuid);
  const names = ['PlayMultiplayer', 'CommunicateUsingVoice'];
  assert.deepEqual(await ada.neighbours.checkPermissions([ben.xuid], names), [
    { xuid: ben.xuid, permission: 'PlayMultiplayer', isAllowed: true, reasons: [] },
    {
      xuid: ben.xuid,
      permission: 'CommunicateUsingVoice',
      isAllowed: false,
      reasons: ['MuteListRestrictsTarget'],
    },
  ]);
});

test('activities without sessions: set, seen, invited into, ended', async () => {
  const ada = await user('activity-ada');
  const ben = await user('activity-ben');
  const activity = {
    connectionString: 'host=1',
    joinRestriction: 'Public',
    maxPlayers: 4,
  } as const;
  await ada.neighbours.setTitleActivity(demoTitleId, activity);
  // Kills: a second change within the same step of time, with the same number, is passed over.
  await ada.neighbours.setTitleActivity(demoTitleId, { ...activity, currentPlayers: 2 });
  const seen = await ben.neighbours.getTitleActivities(demoTitleId, [ada.xuid, ben.xuid]);
  assert.deepEqual(
    seen.map(({ xuid, activities }) => [xuid, activities.map((one) => one.currentPlayers)]),
    [
      [ada.xuid, [2]],
      [ben.xuid, []],
    ],
  );
  assert.equal(seen[0]?.activities[0]?.connectionString, 'host=1');

  await using live = await ben.service.connect();
  const got = Promise.withResolvers<unknown>();
  const resource = `https://notify.xboxlive.com/users/xuid(${ben.xuid})/deviceId/current/titleId/${demoTitleId}`;
  await live.subscribe(resource, (data) => got.resolve(data));
  await ada.neighbours.sendActivityInvites(demoTitleId, [ben.xuid]);
  const { notificationData } = (await got.promise) as {
    notificationData: { sender: { xuid: string }; connectionString: string };
  };
  const { sender, connectionString } = notificationData;
  assert.deepEqual([sender.xuid, connectionString], [ada.xuid, 'host=1']);

  await ada.neighbours.clearTitleActivity(demoTitleId);
  const [gone] = await ben.neighbours.getTitleActivities(demoTitleId, [ada.xuid]);
  assert.deepEqual(gone?.activities, []);
});

test('recent players are seen through the people hub', async () => {
  const ada = await user('recent-ada');
  const ben = await user('recent-ben');
  await ada.neighbours.noteRecentPlayers(demoTitleId, [{ xuid: ben.xuid, type: 'Teammate' }]);
  const [met] = await ada.neighbours.getPeople('recentPlayers');
  const title = met?.recentPlayer?.titles[0];
  assert.deepEqual(
    [met?.xuid, title?.titleId, title?.encounterType],
    [ben.xuid, demoTitleId, 'Teammate'],
  );
});

test('lists of any length are asked for in parts, in order', async () => {
  const { neighbours } = await user('long-ada');
  const xuids = Array.from({ length: 1_001 }, (_, i) => String(2_535_000_000_000_000 + i));
  const profiles = await neighbours.getProfiles(xuids);
  assert.deepEqual(
    profiles.map(({ xuid }) => xuid),
    xuids,
  );
  const activities = await neighbours.getTitleActivities(demoTitleId, xuids.slice(0, 61));
  assert.equal(activities.length, 61);
});

test('a refusal is an error with its rule and its sentence', async () => {
  const ada = await user('refused-ada');
  const wrong = { connectionString: 'x'.repeat(513), joinRestriction: 'Public' } as const;
  await assert.rejects(ada.neighbours.setTitleActivity(demoTitleId, wrong), (error) => {
    assert.ok(error instanceof MultiplayerError);
    assert.deepEqual([error.status, error.code], [400, 'requestInvalid']);
    assert.match(error.message, /connectionString: Expected a text of at most 512 characters/);
    assert.ok(!error.message.includes('debugMessage'));
    return true;
  });
  const unknown = new MultiplayerService({
    baseUrl: kit.url,
    authorization: kit.user('x').authorization,
  });
  await assert.rejects(unknown.neighbours.clearTitleActivity(demoTitleId), TypeError);
});

test('the snippet of docs/wire/neighbours.md does what its lines say', async () => {
  const page = await readFile(new URL('../../docs/wire/neighbours.md', import.meta.url), 'utf8');
  const snippet = /```ts\n([\s\S]*?)```/.exec(page)?.[1] ?? assert.fail('no snippet');
  const ada = await user('snippet-ada');
  const ben = await user('snippet-ben');
  await ada.service.follow([ben.xuid]);
  const run = new Function(
    'ada',
    'ben',
    'titleId',
    `return (async () => { ${snippet}; return { friends, voice }; })()`,
  );
  const { friends, voice } = await run(ada.service, ben.xuid, demoTitleId);
  assert.deepEqual([friends.length, friends[0].xuid, voice.isAllowed], [1, ben.xuid, true]);
  const [playing] = await ben.neighbours.getTitleActivities(demoTitleId, [ada.xuid]);
  assert.equal(playing?.activities[0]?.joinRestriction, 'Followed');
});
