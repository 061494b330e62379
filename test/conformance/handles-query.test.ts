/** POST /handles/query: who is doing what now. */

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import type { SessionReference } from '../../src/domain/session/reference.ts';
import {
  at,
  demoScid,
  isAimed,
  joinBody,
  startKit,
  type Kit,
  type KitAnswer,
  type KitUser,
} from '../../src/testing/kit.ts';
import {
  activityOf,
  assertMembers,
  assertNoNulls,
  assertRefused,
  assertStatus,
  gather,
  handleId,
  idsOf,
  leave,
  needsClock,
  needsOwnServer,
  queryActivities,
  reserve,
  withAt,
  waysOfTime,
} from './answers.ts';
import { blankTemplate } from './new-session.ts';

/** A new session of this user, set as activity. */
async function playing(
  kit: Kit,
  user: KitUser,
  body: JsonObject = {},
  reference?: SessionReference,
): Promise<{
  readonly reference: SessionReference;
  readonly made: KitAnswer;
  readonly id: string;
}> {
  const session = await gather(kit, [user], body, reference);
  const made = await user.postHandle(activityOf(session));
  return { reference: session, made, id: handleId(made) };
}

function queryPeople(asker: KitUser, moniker: string, monikerXuid: string): Promise<KitAnswer> {
  return asker.request('POST', '/handles/query', {
    body: { type: 'activity', scid: demoScid, owners: { people: { moniker, monikerXuid } } },
  });
}

/** @source docs/wire/handles.md "POST /handles/query" */
test('a query answers the activities of the users asked for, as they were made', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = kit.users('ada', 'bob', 'cid');
  const [ofAda, ofBob] = [await playing(kit, ada), await playing(kit, bob)];

  const found = await queryActivities(cid, [ada.xuid, bob.xuid, cid.xuid], '', { scid: demoScid });

  assertStatus(found, 200);
  assert.equal(found.headers.get('content-type'), 'application/json');
  assert.equal(found.headers.get('cache-control'), 'no-cache, no-store');
  assert.deepEqual(found.json, { results: [ofAda.made.json, ofBob.made.json] });
});

/** @source docs/wire/handles.md "POST /handles/query", docs/wire/clients.md "What clients need" */
test('H11 nobody found is an empty list', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  for (const xuids of [[ada.xuid], [kit.user('bob').xuid, '1'], []]) {
    const found = await queryActivities(ada, xuids, 'relatedInfo,customProperties');
    assertStatus(found, 200);
    assert.equal(found.text, '{"results":[]}');
  }
});

/** @source docs/wire/handles.md "POST /handles/query", docs/wire/unknowns.md "the order of results" */
test('results come in the order of the xuids, each once', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const [ofAda, ofBob] = [await playing(kit, ada), await playing(kit, bob)];
  const ask = (...xuids: string[]) => queryActivities(ada, xuids);
  assert.deepEqual(idsOf(await ask(bob.xuid, ada.xuid)), [ofBob.id, ofAda.id]);
  assert.deepEqual(idsOf(await ask(ada.xuid, bob.xuid, ada.xuid)), [ofAda.id, ofBob.id]);
});

/** @source docs/wire/handles.md "POST /handles/query" */
test('a query answers at most 100 results', async () => {
  await using kit = await startKit();
  const users = Array.from({ length: 101 }, (_, i) => kit.user(`user-${i}`));
  await Promise.all(users.map((user) => playing(kit, user)));
  const found = await queryActivities(
    kit.user('asker'),
    users.map(({ xuid }) => xuid),
  );
  assert.equal(idsOf(found).length, 100);
});

/** @source docs/wire/handles.md "POST /handles/query" */
test('relatedInfo and customProperties come when they are asked for', async (t) => {
  await using kit = await startKit();
  const [ada, eve] = kit.users('ada', 'eve');
  await playing(kit, ada);
  const rows: readonly (readonly [query: string, expected: readonly string[]])[] = [
    ['', []],
    ['?include=', []],
    ['?include=relatedInfo', ['relatedInfo']],
    ['?include=customProperties', ['customProperties']],
    ['?include=relatedInfo,customProperties', ['relatedInfo', 'customProperties']],
    ['?include=relatedInfo%2CcustomProperties', ['relatedInfo', 'customProperties']],
    ['?include=relatedInfo,roleInfo,customProperties', ['relatedInfo', 'customProperties']],
    ['?include=nothingKnown,relatedInfo', ['relatedInfo']],
    ['?nothing=known', []],
  ];
  for (const [query, expected] of rows) {
    await t.test(query === '' ? 'no include' : query, async () => {
      const found = await eve.request('POST', `/handles/query${query}`, {
        body: { type: 'activity', owners: { xuids: [ada.xuid] } },
      });
      const result = at(found.json, 'results.0') as JsonObject;
      const extra = ['relatedInfo', 'customProperties'].filter((key) => Object.hasOwn(result, key));
      assert.deepEqual(extra, expected);
      assertNoNulls(result);
    });
  }
});

/** @source docs/wire/handles.md "POST /handles/query", docs/wire/unknowns.md "activities in sessions that one may not read" */
test('who may not read the session is shown the activity without what was written into it', async () => {
  await using kit = await startKit();
  const [ada, bob, eve] = kit.users('ada', 'bob', 'eve');
  const custom = { secret: 42 };
  const restrictions = { joinRestriction: 'local', readRestriction: 'local' };
  const system = { ...restrictions, keywords: ['k'], description: { text: 'd' } };
  const { reference } = await playing(kit, ada, { properties: { custom, system } });
  assertStatus(await ada.putSession(reference, reserve(bob)), 200);
  assertStatus(await bob.join(reference), 200);
  for (const [asker, isReader] of [
    [eve, false],
    [bob, true],
    [kit.service(), true],
  ] as const) {
    const found = await queryActivities(asker, [ada.xuid], 'relatedInfo,customProperties');
    const { customProperties, relatedInfo } = at(found.json, 'results.0') as JsonObject;
    assert.deepEqual(customProperties, isReader ? custom : {});
    assert.equal(at(relatedInfo, 'keywords.0'), isReader ? 'k' : undefined);
    assert.equal(at(relatedInfo, 'description.text'), isReader ? 'd' : undefined);
    assert.equal(at(relatedInfo, 'joinRestriction'), 'local');
  }
});

/** @source docs/wire/handles.md "POST /handles/query", docs/wire/unknowns.md "how long an answer is" */
test('an answer has a bound in bytes; results that do not fit are left out', async () => {
  await using kit = await startKit();
  const users = Array.from({ length: 7 }, (_, n) => kit.user(`host ${n}`));
  for (const [n, user] of users.entries()) {
    // The last one is small, and fits where those before it did not.
    const custom = { blob: 'x'.repeat(n === 6 ? 10 : 900_000) };
    await playing(kit, user, { properties: { custom } });
  }
  const found = await queryActivities(
    kit.user('asker'),
    users.map(({ xuid }) => xuid),
    'customProperties',
  );
  assert.ok(found.text.length < 4_194_304 + 100);
  const owners = (found.json.results as readonly JsonObject[]).map(({ ownerXuid }) => ownerXuid);
  assert.deepEqual(
    owners,
    [...users.slice(0, 4), users[6]].map((user) => user?.xuid),
  );
});

/** @source docs/wire/handles.md "POST /handles/query" */
test('relatedInfo shows the session as it is now', async () => {
  await using kit = await startKit();
  const [ada, bob, eve] = kit.users('ada', 'bob', 'eve');
  const { reference, made } = await playing(kit, ada, {
    properties: { system: { joinRestriction: 'local', readRestriction: 'local' } },
  });
  const related = async () =>
    at((await queryActivities(eve, [ada.xuid], 'relatedInfo')).json, 'results.0.relatedInfo');

  assert.deepEqual(await related(), {
    visibility: 'open',
    joinRestriction: 'local',
    closed: false,
    maxMembersCount: 16,
    membersCount: 1,
    inviteProtocol: 'game',
    postedTime: made.json.createTime,
  });

  await ada.putSession(reference, { ...reserve(bob), properties: { system: { closed: true } } });
  assertStatus(await bob.join(reference), 200);
  const now = (await related()) as JsonObject;
  assert.equal(now.closed, true);
  assert.equal(now.membersCount, 2);
});

/** @source docs/wire/handles.md "POST /handles/query", docs/wire/sessions.md "Constants" */
test('relatedInfo has a joinRestriction also when nobody set one', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  await playing(kit, ada, {}, kit.reference(blankTemplate));
  const found = await queryActivities(ada, [ada.xuid], 'relatedInfo');
  const related = at(found.json, 'results.0.relatedInfo') as JsonObject;
  assertMembers(
    related,
    ['visibility', 'joinRestriction', 'closed', 'maxMembersCount', 'membersCount', 'postedTime'],
    ['inviteProtocol'],
  );
  assert.equal(related.joinRestriction, 'none');
  assert.equal(related.maxMembersCount, 100);
});

/** @source docs/wire/handles.md "POST /handles/query", docs/wire/README.md "Every request" */
test('customProperties is the custom object of the session, exact, and {} when it has none', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const custom =
    '{"WebRTCNetworkId":18446744073709551615,"ratio":1.50,"nested":{"none":null},"__proto__":{"a":1}}';
  const connection = JSON.stringify(joinBody().members);
  const reference = kit.reference();
  const body = `{"properties":{"custom":${custom}},"members":${connection}}`;
  assertStatus(await ada.putSession(reference, body), 201);
  handleId(await ada.postHandle(activityOf(reference)));
  await playing(kit, bob);

  const found = await queryActivities(ada, [ada.xuid], 'customProperties');
  assert.ok(found.text.includes(`"customProperties":${custom}`), found.text);
  const none = await queryActivities(ada, [bob.xuid], 'relatedInfo,customProperties');
  assert.deepEqual(at(none.json, 'results.0.customProperties'), {});
});

/** @source docs/wire/handles.md "POST /handles/query" */
test('scid limits a query to one service config', { skip: isAimed && needsOwnServer }, async () => {
  await using config = await twoServiceConfigs();
  await using kit = await startKit({ config: config.file });
  const ada = kit.user('ada');
  const [first, second] = config.scids.map((scid) => ({ ...kit.reference(), scid })) as [
    SessionReference,
    SessionReference,
  ];
  const inFirst = await playing(kit, ada, {}, first);
  const inSecond = await playing(kit, ada, {}, second);
  const ask = (more: JsonObject) => queryActivities(ada, [ada.xuid], '', more);
  // One activity for each service config: neither has replaced the other.
  assert.deepEqual(idsOf(await ask({ scid: first.scid })), [inFirst.id]);
  assert.deepEqual(idsOf(await ask({ scid: second.scid.toUpperCase() })), [inSecond.id]);
  assert.deepEqual(idsOf(await ask({})), [inFirst.id, inSecond.id]);

  // What another title may not use is not shown to it, asked for by name or not.
  const outsider = kit.user('outsider', { tid: '7' });
  assert.deepEqual(idsOf(await queryActivities(outsider, [ada.xuid])), [inSecond.id]);
  const forbidden = await queryActivities(outsider, [ada.xuid], '', { scid: first.scid });
  assertRefused(forbidden, 403, 'serviceConfigForbidden');
});

/** @source docs/wire/service-configs.md "Service configs and session templates", docs/wire/handles.md "POST /handles/query" */
test('inviteProtocol and gameTypes are those configured', {
  skip: isAimed && needsOwnServer,
}, async () => {
  await using config = await twoServiceConfigs();
  await using kit = await startKit({ config: config.file });
  const ada = kit.user('ada');
  const [scid, plainScid] = config.scids;
  const rich = await playing(kit, ada, {}, { ...kit.reference(), scid });
  assertMembers(rich.made.json, [...ofActivity, 'inviteProtocol', 'gameTypes']);
  assert.equal(rich.made.json.inviteProtocol, 'tournamentgame');
  assert.deepEqual(rich.made.json.gameTypes, { era: { titleId: '1234567890', pfn: 'Demo_1' } });
  const plain = await playing(kit, ada, {}, { ...kit.reference(), scid: plainScid });
  assertMembers(plain.made.json, ofActivity);
});

const ofActivity = ['id', 'type', 'version', 'sessionRef', 'titleId', 'ownerXuid', 'createTime'];

async function twoServiceConfigs() {
  const scids = [
    '00000000-0000-4000-8000-00000000000a',
    '00000000-0000-4000-8000-00000000000b',
  ] as const;
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-query-'));
  const file = join(folder, 'service-configs.json');
  const template = (system: JsonObject) => ({
    deathmatch: { contractVersion: 107, constants: { system } },
  });
  const gameTypes = { era: { titleId: 1234567890, pfn: 'Demo_1' } };
  await writeFile(
    file,
    JSON.stringify({
      serviceConfigs: [
        {
          scid: scids[0],
          titles: [{ titleId: 1234567890, gameTypes }],
          sessionTemplates: template({ inviteProtocol: 'tournamentgame' }),
        },
        {
          scid: scids[1],
          titles: [{ titleId: 1234567890 }, { titleId: 7 }],
          sessionTemplates: template({}),
        },
      ],
    }),
  );
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  return { file, scids, [Symbol.asyncDispose]: remove };
}

/** @source docs/wire/README.md "Every request" */
test('a query in a service config that is not configured answers 404', async () => {
  await using kit = await startKit();
  const scid = '00000000-0000-4000-8000-00000000dead';
  const refused = await queryActivities(kit.user('ada'), ['1'], '', { scid });
  assertRefused(refused, 404, 'serviceConfigUnknown', scid);
});

/** @source docs/wire/handles.md "POST /handles/query", docs/wire/people.md "People", docs/wire/clients.md "What clients need" */
test('H11 a query for people finds those on the list alone', async (t) => {
  await using kit = await startKit();
  const [ada, bob, cid, dot] = kit.users('ada', 'bob', 'cid', 'dot');
  await ada.follow(bob, cid);
  assertStatus(
    await ada.request('POST', '/users/me/people/favorites/xuids?method=add', {
      body: { xuids: [cid.xuid] },
    }),
    204,
  );
  const [ofBob, ofCid] = [await playing(kit, bob), await playing(kit, cid)];
  await playing(kit, dot);
  const lists: readonly (readonly [moniker: string, ids: readonly string[]])[] = [
    ['people', [ofBob.id, ofCid.id]],
    ['People', [ofBob.id, ofCid.id]],
    ['PEOPLE', [ofBob.id, ofCid.id]],
    ['friends', [ofBob.id, ofCid.id]],
    ['Friends', [ofBob.id, ofCid.id]],
    ['favorites', [ofCid.id]],
    ['Favorites', [ofCid.id]],
  ];
  for (const [moniker, ids] of lists) {
    await t.test(moniker, async () => {
      assert.deepEqual(idsOf(await queryPeople(ada, moniker, ada.xuid)), ids);
      assert.deepEqual(idsOf(await queryPeople(kit.service(), moniker, ada.xuid)), ids);
    });
  }
  await t.test('a list without anybody', async () => {
    assert.deepEqual(idsOf(await queryPeople(dot, 'people', dot.xuid)), []);
  });
  await t.test("somebody else's list", async () => {
    const refused = await queryPeople(bob, 'people', ada.xuid);
    assertRefused(refused, 403, 'handleNotYours', 'monikerXuid');
  });
});

/** @source docs/wire/handles.md "POST /handles/query" */
test("somebody else's list is refused, whether or not there is anybody on it", async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  assertRefused(await queryPeople(ada, 'people', bob.xuid), 403, 'handleNotYours');
  assert.deepEqual(idsOf(await queryPeople(ada, 'people', ada.xuid)), []);
  assert.deepEqual(idsOf(await queryPeople(kit.service(), 'people', bob.xuid)), []);
});

/** @source docs/wire/handles.md "POST /handles/query", docs/wire/clients.md "What clients need" */
test('H10 owners are xuids or people: both or neither answers 400', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const people = { moniker: 'people', monikerXuid: ada.xuid };
  for (const owners of [{ xuids: [ada.xuid], people }, {}]) {
    const refused = await ada.request('POST', '/handles/query', {
      body: { type: 'activity', scid: demoScid, owners },
    });
    assertRefused(refused, 400, 'requestInvalid', 'owners');
  }
});

/** @source docs/wire/README.md "Every request" */
test('a body that is no query is refused at the place that is wrong', async (t) => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const byXuids = { type: 'activity', scid: demoScid, owners: { xuids: [ada.xuid] } };
  const byPeople = {
    type: 'activity',
    scid: demoScid,
    owners: { people: { moniker: 'people', monikerXuid: ada.xuid } },
  };
  const wrong: readonly (readonly [valid: JsonObject, path: string, values: readonly unknown[]])[] =
    [
      [byXuids, 'type', [undefined, null, 7, '', 'invite', 'transfer', 'party', [], {}]],
      [byXuids, 'scid', [null, 7, '', 'x', [], {}]],
      [byXuids, 'owners', [undefined, null, 7, 'x', [], [ada.xuid]]],
      [byXuids, 'owners.xuids', [null, 7, ada.xuid, {}, [7], [null], [''], ['x'], ['-1'], [['1']]]],
      [byXuids, 'owners.extra', [1]],
      [byXuids, 'extra', [1]],
      [byXuids, 'filter', ["tags/any(d:d eq 'x')"]],
      [byPeople, 'owners.people', [null, 7, 'people', []]],
      [byPeople, 'owners.people.moniker', [undefined, null, 7, '', 'followers', []]],
      [byPeople, 'owners.people.monikerXuid', [undefined, null, 7, '', 'x', []]],
      [byPeople, 'owners.people.extra', [1]],
    ];
  for (const [valid, path, values] of wrong) {
    for (const value of values) {
      await t.test(
        `${path} ${value === undefined ? 'missing' : JSON.stringify(value)}`,
        async () => {
          const refused = await ada.request('POST', '/handles/query', {
            body: withAt(valid, path, value),
          });
          assertRefused(refused, 400, 'requestInvalid', path);
          assert.ok(refused.detail?.includes(path), `X-Mpsd-Detail: ${refused.detail}`);
        },
      );
    }
  }
});

/** @source docs/wire/handles.md "POST /handles/query", docs/wire/unknowns.md "which activities are listed to whom" */
test('an activity in a private session is shown to those in it, and to services', async () => {
  await using kit = await startKit();
  const [ada, bob, cid, eve] = kit.users('ada', 'bob', 'cid', 'eve');
  const secret = await gather(kit, [ada, bob], {}, kit.reference('private'));
  assertStatus(await ada.putSession(secret, reserve(cid)), 200);
  const id = handleId(await ada.postHandle(activityOf(secret)));
  for (const asker of [ada, bob, cid, kit.service()]) {
    assert.deepEqual(idsOf(await queryActivities(asker, [ada.xuid])), [id]);
  }
  assert.deepEqual(idsOf(await queryActivities(eve, [ada.xuid], 'relatedInfo')), []);
});

/** @source docs/wire/handles.md "POST /handles/query", docs/wire/unknowns.md "which activities are listed to whom" */
test('an activity in a session that the asker may not read is listed', async () => {
  await using kit = await startKit();
  const [ada, eve] = kit.users('ada', 'eve');
  const { reference, id } = await playing(kit, ada, {
    properties: { system: { joinRestriction: 'local', readRestriction: 'local' } },
  });
  assertRefused(await eve.getSession(reference), 403, 'readRestricted');
  assert.deepEqual(idsOf(await queryActivities(eve, [ada.xuid])), [id]);
});

/** @source docs/wire/handles.md "POST /handles/query" */
test('what is no longer so is never listed', async (t) => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const inactive = { members: { me: { properties: { system: { active: false, ready: false } } } } };
  type End = (reference: SessionReference, id: string) => Promise<unknown>;
  const ends: readonly (readonly [what: string, end: End])[] = [
    ['the owner left', (reference) => ada.putSession(reference, leave)],
    ['the owner became inactive', (reference) => ada.putSession(reference, inactive)],
    ['it was deleted', (_, id) => ada.request('DELETE', `/handles/${id}`)],
    [
      'the session has ended',
      async (reference) => {
        await bob.putSession(reference, leave);
        assertStatus(await ada.putSession(reference, leave), 204);
      },
    ],
    [
      'the session has ended and begun again',
      async (reference) => {
        await bob.putSession(reference, leave);
        assertStatus(await ada.putSession(reference, leave), 204);
        assertStatus(await ada.join(reference), 201);
      },
    ],
    [
      'the owner left and came back',
      async (reference) => {
        assertStatus(await ada.putSession(reference, leave), 200);
        assertStatus(await ada.join(reference), 200);
      },
    ],
    [
      'a service removed the owner',
      async (reference) => {
        const remove = { members: { '0': null } };
        assertStatus(await kit.service().putSession(reference, remove), 200);
      },
    ],
  ];
  for (const [what, end] of ends) {
    await t.test(what, async () => {
      const reference = await gather(kit, [ada, bob]);
      const id = handleId(await ada.postHandle(activityOf(reference)));
      const ofBob = handleId(await bob.postHandle(activityOf(reference)));
      assert.deepEqual(idsOf(await queryActivities(bob, [ada.xuid, bob.xuid])), [id, ofBob]);
      await end(reference, id);
      for (const asker of [ada, bob, kit.service()]) {
        const found = await queryActivities(asker, [ada.xuid], 'relatedInfo,customProperties');
        assert.deepEqual(idsOf(found), []);
      }
    });
  }
});

/** @source docs/wire/time.md "Time", docs/wire/handles.md "POST /handles/query" */
test('an owner who timed out is never listed, swept or not', {
  skip: isAimed && needsClock,
}, async (t) => {
  for (const [what, advance] of waysOfTime) {
    await t.test(what, async () => {
      await using kit = await startKit();
      const [ada, bob] = kit.users('ada', 'bob');
      const reference = await gather(kit, [ada, bob]);
      const id = handleId(await ada.postHandle(activityOf(reference)));
      const ready = { members: { me: { properties: { system: { active: false, ready: true } } } } };
      assertStatus(await ada.putSession(reference, ready), 200);
      await advance(kit, 180_000);
      assert.deepEqual(idsOf(await queryActivities(bob, [ada.xuid], 'relatedInfo')), []);
      assertRefused(await bob.request('GET', `/handles/${id}`), 404, 'handleUnknown');
    });
  }
});

/** @source docs/wire/handles.md "POST /handles/query", docs/wire/clients.md "Other clients" */
test('a query without a Content-Type is read as JSON', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { id } = await playing(kit, ada);
  const text = JSON.stringify({ type: 'activity', scid: demoScid, owners: { xuids: [ada.xuid] } });
  // Bytes have no type of their own, so that none is sent.
  const found = await ada.request('POST', '/handles/query?include=relatedInfo%2CcustomProperties', {
    body: new TextEncoder().encode(text),
  });
  assert.deepEqual(idsOf(found), [id]);
});
