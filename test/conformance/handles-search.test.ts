/** Search handles: making, reading and deleting them, and POST /handles/query of type search. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { isJsonObject, type Json, type JsonObject } from '../../src/domain/json.ts';
import type { SessionReference } from '../../src/domain/session/reference.ts';
import {
  at,
  demoScid,
  demoTitleId,
  isAimed,
  joinBody,
  startKit,
  untilSearchable,
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
  guidPattern,
  handleId,
  leave,
  needsClock,
  needsOwnServer,
  timePattern,
  withAt,
} from './answers.ts';
import { blankTemplate } from './new-session.ts';

const searchable: JsonObject = {
  constants: { system: { inviteProtocol: 'game', capabilities: { searchable: true } } },
};

function searchFor(reference: SessionReference, searchAttributes?: JsonObject): JsonObject {
  return {
    version: 1,
    type: 'search',
    sessionRef: { ...reference },
    ...(searchAttributes && { searchAttributes }),
  };
}

/** A new session of these users that is found by the attributes. */
async function advertise(
  kit: Kit,
  users: readonly [KitUser, ...KitUser[]],
  attributes: JsonObject = {},
  body: JsonObject = {},
): Promise<{
  readonly reference: SessionReference;
  readonly made: KitAnswer;
  readonly id: string;
}> {
  const creation = { ...searchable, ...body };
  const reference = await gather(kit, users, creation, kit.reference(blankTemplate));
  const made = await users[0].postHandle(searchFor(reference, attributes));
  return { reference, made, id: handleId(made) };
}

/** A tag that no other test has. */
function ownTag(): string {
  return `t${randomUUID().replaceAll('-', '')}`;
}

async function query(asker: KitUser, body: JsonObject = {}, include = ''): Promise<KitAnswer> {
  await untilSearchable();
  return asker.request('POST', `/handles/query${include && `?include=${include}`}`, {
    body: { type: 'search', scid: demoScid, ...body },
  });
}

function resultsOf(answer: KitAnswer): readonly JsonObject[] {
  assertStatus(answer, 200);
  const { results } = answer.json;
  assert.ok(Array.isArray(results) && results.every(isJsonObject));
  return results;
}

function foundIn(answer: KitAnswer): readonly (Json | undefined)[] {
  return resultsOf(answer).map((result) => result.id);
}

/** The ids that a filter finds. */
async function find(asker: KitUser, filter: string, more: JsonObject = {}) {
  return foundIn(await query(asker, { filter, ...more }));
}

// ——— making

/** @source docs/wire/search.md "Search handles" */
test('H9 a search handle is made, shown in the document, and read', async () => {
  await using kit = await startKit();
  const [ada, eve] = kit.users('ada', 'eve');
  const attributes = { tags: ['Elite'], numbers: { mmr: 12.5 }, strings: { mode: 'Ctf' } };
  const { reference, made, id } = await advertise(kit, [ada], attributes);

  assert.equal(made.headers.get('location'), `/handles/${id}`);
  assert.equal(made.headers.get('content-location'), `/handles/${id}`);
  const { createTime, ...rest } = made.json;
  assert.match(String(createTime), timePattern);
  assert.match(id, guidPattern);
  assert.deepEqual(rest, {
    id,
    type: 'search',
    version: 1,
    sessionRef: { ...reference },
    searchAttributes: attributes,
  });
  assert.equal((await ada.getSession(reference)).json.searchHandle, id);
  assert.deepEqual((await eve.request('GET', `/handles/${id}`)).json, made.json);
});

/** @source docs/wire/search.md "Search handles" */
test('attributes may be left out, and are answered as empty', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada], searchable, kit.reference(blankTemplate));
  for (const attributes of [undefined, {}, { tags: [], numbers: {}, strings: {} }]) {
    const made = await ada.postHandle(searchFor(reference, attributes));
    assertStatus(made, 201);
    assert.deepEqual(made.json.searchAttributes, { tags: [], numbers: {}, strings: {} });
  }
});

/** @source docs/wire/unknowns.md "search attributes beside tags, numbers and strings" */
test('attributes that only filters of the documentation know are kept', async () => {
  await using kit = await startKit();
  const [ada, tag] = [kit.user('ada'), ownTag()];
  const more = {
    achievementIds: ['123456'],
    language: 'en',
    scheduledTime: '2016-09-20T21:00:00.0000000Z',
    targetMembersCount: 4,
  };
  const { made, id } = await advertise(kit, [ada], { tags: [tag], ...more });
  assert.deepEqual(made.json.searchAttributes, { tags: [tag], numbers: {}, strings: {}, ...more });
  for (const filter of [
    "achievementIds/any(d:d eq '123456')",
    "language eq 'EN'",
    "session/scheduledTime le '2016-09-20T21:00:00Z'",
    'session/targetMembersCount eq 4 and session/targetMembersCountRemaining eq 3',
    'session/needs eq 3',
  ]) {
    assert.deepEqual(await find(ada, `tags/${tag} and ${filter}`), [id], filter);
  }
});

/** @source docs/wire/search.md "Search handles" */
test('making and deleting a search handle raise the change number', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada], searchable, kit.reference(blankTemplate));
  const before = await ada.getSession(reference);
  const id = handleId(await ada.postHandle(searchFor(reference)));
  const between = await ada.getSession(reference);
  assertStatus(await ada.request('DELETE', `/handles/${id}`), 204);
  const after = await ada.getSession(reference);
  const numbers = [before, between, after].map(({ json }) => json.changeNumber);
  const first = Number(numbers[0]);
  assert.deepEqual(numbers, [first, first + 1, first + 2]);
  assert.equal(after.json.searchHandle, undefined);
  assert.equal(new Set([before.etag, between.etag, after.etag]).size, 3);
});

/** @source docs/wire/search.md "Search handles" */
test('a new search handle takes the place of the former one', async () => {
  await using kit = await startKit();
  const [ada, bob, tag] = [kit.user('ada'), kit.user('bob'), ownTag()];
  const { reference, id } = await advertise(kit, [ada, bob], { tags: [tag] });
  const next = handleId(await bob.postHandle(searchFor(reference, { tags: [tag, 'b'] })));

  assert.deepEqual(await find(ada, `tags/${tag}`), [next]);
  assertRefused(await ada.request('GET', `/handles/${id}`), 404, 'handleUnknown', id);
  assert.equal((await ada.getSession(reference)).json.searchHandle, next);
});

/** @source docs/wire/search.md "Search handles" */
test('a POST repeated with its own id answers the handle that the first one made', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada], searchable, kit.reference(blankTemplate));
  const body = { ...searchFor(reference, { tags: ['a'] }), id: randomUUID() };
  const [first, second] = [await ada.postHandle(body), await ada.postHandle(body)];
  assertStatus(first, 201);
  assertStatus(second, 200);
  assert.deepEqual(second.json, first.json);
  const other = await ada.postHandle(withAt(body, 'searchAttributes.tags', ['b']));
  assertRefused(other, 409, 'handleIdTaken', body.id);
});

/** @source docs/wire/search.md "Search handles", docs/wire/unknowns.md "services and search handles" */
test('only members of searchable sessions make search handles', async () => {
  await using kit = await startKit();
  const [ada, bob, eve] = kit.users('ada', 'bob', 'eve');
  const plain = await gather(kit, [ada]);
  assertRefused(await ada.postHandle(searchFor(plain)), 403, 'notSearchable', 'searchable');

  const owned = withAt(searchable, 'constants.system.capabilities.hasOwners', true);
  const reference = await gather(kit, [ada, bob], owned, kit.reference(blankTemplate));
  const make = (user: KitUser) => user.postHandle(searchFor(reference));
  assertRefused(await make(eve), 403, 'notAMember', reference.name);
  assertRefused(await make(bob), 403, 'ownerRequired', 'owners');
  assertRefused(await make(kit.service()), 403, 'userRequired');
  const missing = await ada.postHandle(searchFor(kit.reference()));
  assertRefused(missing, 403, 'notAMember');

  const id = handleId(await make(ada));
  const remove = (user: KitUser) => user.request('DELETE', `/handles/${id}`);
  assertRefused(await remove(bob), 403, 'ownerRequired', 'owners');
  assertRefused(await remove(eve), 403, 'handleNotYours');
  assertRefused(await remove(kit.service()), 403, 'handleNotYours');
  assertStatus(await remove(ada), 204);
});

/** @source docs/wire/README.md "Every request", docs/wire/search.md "Search handles" */
test('attributes that cannot be are refused where they stand', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada], searchable, kit.reference(blankTemplate));
  const long = 'a'.repeat(100);
  const body = searchFor(reference, {});
  for (const [path, value, place] of [
    ['searchAttributes.tags', ['a b'], '$.searchAttributes.tags[0]'],
    ['searchAttributes.tags', ['a', '1a'], '$.searchAttributes.tags[1]'],
    ['searchAttributes.tags', [long], '$.searchAttributes.tags[0]'],
    ['searchAttributes.tags', 'a', '$.searchAttributes.tags'],
    ['searchAttributes.tags', Array(101).fill('a'), '$.searchAttributes.tags'],
    ['searchAttributes.numbers', { mmr: '12' }, '$.searchAttributes.numbers.mmr'],
    ['searchAttributes.numbers', { 'm-r': 12 }, '$.searchAttributes.numbers'],
    ['searchAttributes.numbers', { mmr: 1, MMR: 2 }, '$.searchAttributes.numbers'],
    ['searchAttributes.strings', { mode: 5 }, '$.searchAttributes.strings.mode'],
    ['searchAttributes.strings', { mode: long }, '$.searchAttributes.strings.mode'],
    ['searchAttributes.scheduledTime', 'soon', '$.searchAttributes.scheduledTime'],
    ['searchAttributes.booleans', {}, '$.searchAttributes.booleans'],
    ['sessionRef.name', undefined, '$.sessionRef.name'],
    ['owner', '1', '$.owner'],
  ] as const) {
    const refused = await ada.postHandle(withAt(body, path, value));
    assertRefused(refused, 400, 'requestInvalid', place);
  }
  const fits = { tags: ['a'.repeat(99)], numbers: { constructor: -1 }, strings: { mode: '' } };
  assertStatus(await ada.postHandle(searchFor(reference, fits)), 201);
});

// ——— the life of a handle

/** @source docs/wire/search.md "Search handles" */
test('a search handle ends with its session, and a later life of it has none', async () => {
  await using kit = await startKit();
  const [ada, tag] = [kit.user('ada'), ownTag()];
  const { reference, id } = await advertise(kit, [ada], { tags: [tag] });
  assertStatus(await ada.putSession(reference, leave), 204);

  assert.deepEqual(await find(ada, `tags/${tag}`), []);
  assertRefused(await ada.request('GET', `/handles/${id}`), 404, 'handleUnknown');
  assertRefused(await ada.request('GET', `/handles/${id}/session`), 404, 'handleUnknown');
  assertStatus(await ada.putSession(reference, { ...searchable, ...joinBody() }), 201);
  assert.equal((await ada.getSession(reference)).json.searchHandle, undefined);
  assert.deepEqual(await find(ada, `tags/${tag}`), []);
});

/** @source docs/wire/search.md "Search handles" */
test('a session that time ends is found no more', { skip: isAimed && needsClock }, async () => {
  await using kit = await startKit();
  const [ada, tag] = [kit.user('ada'), ownTag()];
  const ready = { members: { me: { properties: { system: { ready: true } } } } };
  const { id } = await advertise(
    kit,
    [ada],
    { tags: [tag] },
    {
      constants: {
        system: { readyRemovalTimeout: 1_000, capabilities: { searchable: true } },
      },
    },
  );
  const [found] = resultsOf(await query(ada, { filter: `tags/${tag}` }));
  const reference = found?.sessionRef as unknown as SessionReference;
  assertStatus(await ada.putSession(reference, ready), 200);
  assert.deepEqual(await find(ada, `tags/${tag}`), [id]);
  kit.advanceWithoutSweep(999);
  assert.deepEqual(await find(ada, `tags/${tag}`), [id]);
  kit.advanceWithoutSweep(1);
  assert.deepEqual(await find(ada, `tags/${tag}`), []);
});

/** @source docs/wire/sessions.md "Access", docs/wire/unknowns.md "who is shown a search handle" */
test('a search handle lifts restrictions, and nothing else', async () => {
  await using kit = await startKit();
  const [ada, eve, fay] = kit.users('ada', 'eve', 'fay');
  const system = { joinRestriction: 'followed', readRestriction: 'followed' };
  const { reference, id } = await advertise(kit, [ada], {}, { properties: { system } });
  assertRefused(await eve.getSession(reference), 403, 'readRestricted');
  assertRefused(await eve.join(reference), 403, 'joinRestricted');

  const seen = await eve.request('GET', `/handles/${id}/session`);
  assertStatus(seen, 200);
  const path = `/serviceconfigs/${demoScid}/sessionTemplates/${blankTemplate}/sessions/${reference.name}`;
  assert.equal(seen.headers.get('content-location'), path);
  assertStatus(await eve.putSessionByHandle(id, joinBody()), 200);

  await ada.putSession(reference, { properties: { system: { closed: true } } });
  assert.equal((await fay.putSessionByHandle(id, joinBody())).refusal, 'sessionClosed');
});

// ——— querying

/** @source docs/wire/search.md "POST /handles/query" */
test('H9 a query finds what its filter selects, as it was made, with what is included', async () => {
  await using kit = await startKit();
  const [ada, bob, eve, tag] = [kit.user('ada'), kit.user('bob'), kit.user('eve'), ownTag()];
  const owned = withAt(searchable, 'constants.system.capabilities.hasOwners', true);
  const roleTypes = { lfg: { roles: { confirmed: { max: 4, target: 2 } } } };
  const { made } = await advertise(
    kit,
    [ada, bob],
    { tags: [tag], numbers: { mmr: 53 } },
    {
      ...owned,
      roleTypes,
      properties: { system: { joinRestriction: 'local' }, custom: { map: 'atoll' } },
    },
  );
  await advertise(kit, [eve], { tags: [tag], numbers: { mmr: 54 } });

  const found = await query(
    eve,
    {
      filter: `Tags/${tag} eq 'x' AND Numbers/mmr EQ 53`,
      templateName: blankTemplate,
      global: true,
    },
    'relatedInfo,roleInfo,customProperties',
  );

  const [result, ...others] = resultsOf(found);
  assert.ok(result);
  assert.deepEqual(others, []);
  const { relatedInfo, roleInfo, customProperties, ...handle } = result;
  assert.deepEqual(handle, made.json);
  assert.deepEqual(customProperties, { map: 'atoll' });
  assert.deepEqual(at(roleInfo, 'roleTypes.lfg.roles.confirmed'), {
    max: 4,
    target: 2,
    count: 0,
    memberXuids: [],
  });
  assert.deepEqual(relatedInfo, {
    visibility: 'open',
    joinRestriction: 'local',
    closed: false,
    maxMembersCount: 100,
    membersCount: 2,
    inviteProtocol: 'game',
    postedTime: made.json.createTime,
    sessionOwners: [ada.xuid],
  });
  assertNoNulls(found.json);
  assertMembers(
    resultsOf(await query(eve, { filter: `tags/${tag} and numbers/mmr eq 53` }))[0] ?? {},
    ['id', 'type', 'version', 'sessionRef', 'searchAttributes', 'createTime'],
  );
  const bare = resultsOf(
    await query(ada, { filter: `tags/${tag} and numbers/mmr eq 54` }, 'roleInfo'),
  );
  assert.deepEqual(bare[0]?.roleInfo, { roleTypes: {} });
});

/** @source docs/wire/search.md "POST /handles/query" */
test('filters see the session as it is now', async () => {
  await using kit = await startKit();
  const [ada, bob, tag] = [kit.user('ada'), kit.user('bob'), ownTag()];
  const { reference, id } = await advertise(kit, [ada], { tags: [tag] });
  const finds = async (condition: string): Promise<boolean> => {
    const found = await find(bob, `tags/${tag} and ${condition}`);
    assert.ok(found.length === 0 || found[0] === id);
    return found.length === 1;
  };

  assert.equal(await finds('session/membersCount eq 1'), true);
  assert.equal(await finds(`session/memberXuids/any(d:d eq '${bob.xuid}')`), false);
  await bob.join(reference);
  assert.equal(await finds('session/membersCount eq 1'), false);
  assert.equal(
    await finds('session/membersCount eq 2 and session/maxMembersCountRemaining eq 98'),
    true,
  );
  assert.equal(await finds(`session/memberXuids/any(d:d eq '${bob.xuid}')`), true);
  assert.equal(await finds('session/closed'), false);
  await ada.putSession(reference, {
    properties: { system: { closed: true, keywords: ['Level2'], joinRestriction: 'local' } },
  });
  assert.equal(await finds('session/closed eq true'), true);
  assert.equal(await finds("session/keywords/any(d:tolower(d) eq 'level2')"), true);
  assert.equal(await finds("session/joinRestriction eq 'local'"), true);
  await bob.putSession(reference, leave);
  assert.equal(await finds('session/membersCount eq 1'), true);
});

/** @source docs/wire/search.md "POST /handles/query" */
test('a filter that does not parse is refused with the place', async () => {
  await using kit = await startKit();
  const refused = await query(kit.user('ada'), { filter: 'numbers/mmr gt 5 and tags = 1' });
  assertRefused(refused, 400, 'filterInvalid', 'character 22');
  assert.equal(refused.detail, '$.filter character 22');
});

/** @source docs/wire/search.md "POST /handles/query" */
test('a query with what it cannot have is refused where it stands', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const people = { moniker: 'people', monikerXuid: ada.xuid };
  for (const [more, place] of [
    [{ take: 101 }, '$.take'],
    [{ take: -1 }, '$.take'],
    [{ maxItems: 0 }, '$.maxItems'],
    [{ maxItems: 101 }, '$.maxItems'],
    [{ continuationToken: 'none' }, '$.continuationToken'],
    [{ orderBy: 'mmr up' }, '$.orderBy'],
    [{ orderBy: 'tags' }, '$.orderBy'],
    [{ filter: 1 }, '$.filter'],
    [{ global: 'yes' }, '$.global'],
    [{ sessionMembers: {} }, '$.sessionMembers'],
    [{ sessionMembers: { people, xuids: ['1'] } }, '$.sessionMembers'],
    [{ owners: { xuids: ['1'] } }, '$.owners'],
  ] as const) {
    assertRefused(await query(ada, more as JsonObject), 400, 'requestInvalid', place);
  }
  assertRefused(await query(ada, { scid: randomUUID() }), 404, 'serviceConfigUnknown');
  assertRefused(await query(ada, { templateName: 'none' }), 404, 'templateUnknown', 'none');
  const others = { people: { ...people, monikerXuid: '1' } };
  assertRefused(await query(ada, { sessionMembers: others }), 403, 'handleNotYours');
  assertStatus(await query(ada, { filter: ' ', orderBy: '', take: 0 }), 200);
});

/** @source docs/wire/unknowns.md "the order of search results", docs/wire/search.md "POST /handles/query" */
test('results come in the order asked for, by default the oldest first', async () => {
  await using kit = await startKit();
  const tag = ownTag();
  const ids: string[] = [];
  for (const [i, numbers] of [{ mmr: 2 }, { mmr: 3 }, {}, { mmr: 1 }].entries()) {
    if (!isAimed) kit.advanceWithoutSweep(1);
    ids.push((await advertise(kit, [kit.user(`u${i}`)], { tags: [tag], numbers })).id);
  }
  const asker = kit.user('asker');
  for (const [orderBy, order] of [
    [undefined, [0, 1, 2, 3]],
    ['timestamp asc', [0, 1, 2, 3]],
    ['Timestamp DESC', [3, 2, 1, 0]],
    ['mmr asc', [3, 0, 1, 2]],
    ['mmr desc', [1, 0, 3, 2]],
    ['numbers/mmr', [3, 0, 1, 2]],
    ['session/membersCount', [0, 1, 2, 3]],
  ] as const) {
    const found = await find(asker, `tags/${tag}`, orderBy === undefined ? {} : { orderBy });
    assert.deepEqual(
      found,
      order.map((i) => ids[i]),
      orderBy,
    );
  }
  assert.deepEqual(await find(asker, `tags/${tag}`, { orderBy: 'mmr desc', take: 2 }), [
    ids[1],
    ids[0],
  ]);
});

/** @source docs/wire/search.md "POST /handles/query", docs/wire/unknowns.md "who is shown a search handle" */
test('a private session is found by those in it, and by services', async () => {
  await using kit = await startKit();
  const [ada, eve, tag] = [kit.user('ada'), kit.user('eve'), ownTag()];
  const hidden = withAt(searchable, 'constants.system.visibility', 'private');
  const { id } = await advertise(kit, [ada], { tags: [tag] }, hidden);
  assert.deepEqual(await find(ada, `tags/${tag}`), [id]);
  assert.deepEqual(await find(kit.service(), `tags/${tag}`), [id]);
  assert.deepEqual(await find(eve, `tags/${tag}`), []);
});

/** @source docs/wire/search.md "POST /handles/query" */
test('a query looks at one service config, and at one template when it names one', async () => {
  await using kit = await startKit();
  const [ada, tag] = [kit.user('ada'), ownTag()];
  const { id } = await advertise(kit, [ada], { tags: [tag] });
  const filter = `tags/${tag}`;
  const scid = demoScid.toUpperCase();
  assert.deepEqual(await find(ada, filter, { templateName: blankTemplate.toUpperCase(), scid }), [
    id,
  ]);
  assert.deepEqual(await find(ada, filter, { templateName: 'deathmatch' }), []);
  const other = kit.user('other', { tid: '999' });
  assertRefused(await query(other, { filter }), 403, 'serviceConfigForbidden');
});

/** @source docs/wire/search.md "POST /handles/query" */
test('sessionMembers finds the sessions of those on a list', async () => {
  await using kit = await startKit();
  const [ada, bob, cid, dan] = kit.users('ada', 'bob', 'cid', 'dan');
  await ada.follow(bob, cid);
  const favorites = '/users/me/people/favorites/xuids?method=add';
  assertStatus(await ada.request('POST', favorites, { body: { xuids: [cid.xuid] } }), 204);
  const tag = ownTag();
  const ofBob = (await advertise(kit, [bob], { tags: [tag] })).id;
  const ofCid = (await advertise(kit, [cid])).id;
  await advertise(kit, [dan], { tags: [tag] });
  const of = (moniker: string, monikerXuid = ada.xuid) => ({
    sessionMembers: { people: { moniker, monikerXuid } },
  });

  assert.deepEqual(foundIn(await query(ada, of('People'))).toSorted(), [ofBob, ofCid].toSorted());
  assert.deepEqual(foundIn(await query(ada, of('favorites'))), [ofCid]);
  assert.deepEqual(await find(ada, `tags/${tag}`, of('people')), [ofBob]);
  assert.deepEqual(foundIn(await query(kit.service(), of('favorites'))), [ofCid]);
  assert.deepEqual(foundIn(await query(dan, of('people', dan.xuid))), []);
  const named = { sessionMembers: { xuids: [cid.xuid] } };
  assert.deepEqual(foundIn(await query(dan, named)), [ofCid]);
});

// ——— page after page

/** @source docs/wire/search.md "POST /handles/query", docs/wire/unknowns.md "pages of search results" */
test('a query answers at most 100, and pages beyond them when asked to', async () => {
  await using kit = await startKit();
  const [asker, tag] = [kit.user('asker'), ownTag()];
  const made = await Promise.all(
    Array.from({ length: 101 }, (_, i) =>
      advertise(kit, [kit.user(`u${i}`)], { tags: [tag], numbers: { n: i } }),
    ),
  );
  const filter = `tags/${tag}`;
  const plain = await query(asker, { filter });
  assert.deepEqual(Object.keys(plain.json), ['results']);
  assert.equal(foundIn(plain).length, 100);

  const search = { filter, orderBy: 'n asc', maxItems: 40 };
  const pages: KitAnswer[] = [];
  let token: Json | undefined;
  do {
    const more = token === undefined ? {} : { continuationToken: token };
    const page = await query(asker, { ...search, ...more });
    assert.ok(foundIn(page).length <= 40);
    pages.push(page);
    token = page.json.continuationToken;
  } while (token !== undefined);
  assert.deepEqual(
    pages.flatMap(foundIn),
    made.map(({ id }) => id),
  );
  const strange = {
    ...search,
    orderBy: 'n desc',
    continuationToken: pages[0]?.json.continuationToken ?? '',
  };
  assertRefused(await query(asker, strange), 400, 'requestInvalid', '$.continuationToken');
});

/** @source docs/wire/search.md "POST /handles/query", docs/wire/unknowns.md "pages of search results" */
test('what is created, ended and deleted between two pages shifts nothing', async () => {
  await using kit = await startKit();
  const [asker, tag] = [kit.user('asker'), ownTag()];
  const make = (mmr: number) =>
    advertise(kit, [kit.user(`u${mmr}`)], { tags: [tag], numbers: { mmr } });
  const made = new Map<number, Awaited<ReturnType<typeof make>>>();
  for (const mmr of [10, 20, 30, 40, 50, 60]) made.set(mmr, await make(mmr));
  const idOf = (mmr: number) => made.get(mmr)?.id;
  const page = async (continuationToken?: Json) => {
    const more = continuationToken === undefined ? {} : { continuationToken };
    return query(asker, { filter: `tags/${tag}`, orderBy: 'mmr asc', maxItems: 2, ...more });
  };

  const first = await page();
  assert.deepEqual(foundIn(first), [idOf(10), idOf(20)]);
  made.set(5, await make(5));
  made.set(35, await make(35));
  // The one at which the page ended, one before it and one behind it.
  for (const mmr of [20, 40]) {
    await kit.user(`u${mmr}`).putSession(made.get(mmr)?.reference ?? kit.reference(), leave);
  }
  assertStatus(await kit.user('u10').request('DELETE', `/handles/${idOf(10)}`), 204);
  const second = await page(first.json.continuationToken);
  assert.deepEqual(foundIn(second), [idOf(30), idOf(35)]);
  const third = await page(second.json.continuationToken);
  assert.deepEqual(foundIn(third), [idOf(50), idOf(60)]);
});

/** @source docs/wire/search.md "Search handles" */
test('the activity and the search handle of a session live side by side', async () => {
  await using kit = await startKit();
  const [ada, tag] = [kit.user('ada'), ownTag()];
  const { reference, id } = await advertise(kit, [ada], { tags: [tag] });
  const activity = handleId(await ada.postHandle(activityOf(reference)));
  assert.deepEqual(await find(ada, `tags/${tag}`), [id]);
  assertStatus(await ada.request('DELETE', `/handles/${activity}`), 204);
  assertStatus(await ada.request('GET', `/handles/${id}`), 200);
});

// ——— the Xbox app and Game Bar

/** @source docs/wire/search.md "Search handles" */
test('the Xbox app posts with a locale, without achievements and without a version', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada], searchable, kit.reference(blankTemplate));
  const searchAttributes = { tags: [ownTag()], achievementIds: [], locale: 'en-US' };
  const { version: _, ...body } = searchFor(reference, searchAttributes);

  const made = await ada.request('POST', '/handles?include=relatedInfo', { body });

  assertStatus(made, 201);
  assert.deepEqual(made.json.searchAttributes, { ...searchAttributes, numbers: {}, strings: {} });
});

/** @source docs/wire/search.md "POST /handles/query", docs/wire/unknowns.md "what else the Xbox app asks of a search", docs/wire/unknowns.md "whose title a post is of" */
test('the Xbox app asks for posts, each part alone', async (t) => {
  await using kit = await startKit();
  const [ada, bob, eve] = [
    kit.user('ada', { tid: demoTitleId }),
    kit.user('bob', { tid: demoTitleId }),
    kit.user('eve', { tid: '896928775' }),
  ];
  const tag = ownTag();
  const owned = { constants: { system: { capabilities: { searchable: true, hasOwners: true } } } };
  const system = { scheduledTime: '2999-12-05T20:15:00Z' };
  const ofAda = await advertise(kit, [ada], { tags: [tag], locale: 'en' }, owned);
  const later = await advertise(kit, [eve], { tags: [tag] }, { ...owned, properties: { system } });
  assertStatus(await bob.request('PUT', `/users/me/people/xuid(${ada.xuid})`), 204);
  const both = [ofAda.id, later.id];
  const rows: readonly (readonly [
    what: string,
    body: JsonObject,
    filter: string,
    expected: readonly string[],
  ])[] = [
    ['communicatePermissionRequired', { communicatePermissionRequired: true }, '', both],
    ['includeScheduled', { includeScheduled: true }, '', both],
    ['not includeScheduled', { includeScheduled: false }, '', [ofAda.id]],
    ['followed', { followed: true }, '', [ofAda.id]],
    ['not followed', { followed: false }, '', both],
    ['sessionOwners', { sessionOwners: eve.xuid }, '', [later.id]],
    ['suggestedLfg', { orderBy: 'suggestedLfg desc' }, '', both],
    ['titleId', {}, `and session/titleId eq ${demoTitleId}`, [ofAda.id]],
    ['titleId as text', {}, `and session/titleId ne '${demoTitleId}'`, [later.id]],
    ['blanks', {}, `and tolower(session / templateName) eq '${blankTemplate}'`, both],
    ['locale', {}, "and locale eq 'EN'", [ofAda.id]],
    ['scheduledTime', {}, "and session/scheduledTime gt '2999-01-01T00:00:00Z'", [later.id]],
  ];
  for (const [what, body, filter, expected] of rows) {
    await t.test(what, async () => {
      const asked = { filter: `tags/${tag} ${filter}`, templateName: blankTemplate, ...body };
      const found = await query(bob, asked, 'relatedInfo,roleInfo,activityInfo');
      assert.deepEqual([...foundIn(found)].sort(), [...expected].sort());
    });
  }
  await t.test('no scid', async () => {
    const body = { type: 'search', templateName: blankTemplate, filter: `tags/${tag}` };
    const everywhere = await bob.request('POST', '/handles/query', { body });
    assert.deepEqual([...foundIn(everywhere)].sort(), [...both].sort());
  });
  for (const body of [{ sessionOwners: 'ada' }, { followed: 'yes' }, { includeScheduled: 1 }]) {
    assertRefused(await query(bob, body), 400, 'requestInvalid');
  }
  assertRefused(await query(kit.service(), { followed: true }), 403, 'userRequired');
  assertRefused(await query(bob, { filter: 'session/titleId gt 1' }), 400, 'filterInvalid');
});

/** @source docs/wire/search.md "POST /handles/query" */
test('relatedInfo tells what a post says of itself', async () => {
  await using kit = await startKit();
  const [ada, eve] = kit.users('ada', 'eve');
  const tag = ownTag();
  const system = {
    description: { text: 'two seats, bring a mic', locale: 'en' },
    keywords: ['Mic'],
    searchHandleVisibility: 'xboxlive',
  };
  await advertise(kit, [ada], { tags: [tag] }, { properties: { system } });
  const [found] = resultsOf(await query(eve, { filter: `tags/${tag}` }, 'relatedInfo'));
  const { description, keywords, searchHandleVisibility } = at(found, 'relatedInfo') as JsonObject;
  assert.deepEqual({ description, keywords, searchHandleVisibility }, system);
});

/** @source docs/wire/search.md "Search handles" */
test('search attributes have a bound in bytes', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada], searchable, kit.reference(blankTemplate));
  const long = (i: number) => [`n${i}`, 'x'.repeat(99)];
  const strings = Object.fromEntries(Array.from({ length: 99 }, (_, i) => long(i)));
  assertStatus(await ada.postHandle(searchFor(reference, { strings })), 201);
  const numbers = Object.fromEntries(
    Array.from({ length: 90 }, (_, i) => [`n${i}${'x'.repeat(90)}`, i]),
  );
  const refused = await ada.postHandle(searchFor(reference, { strings, numbers }));
  assertRefused(refused, 400, 'searchAttributesTooLarge', '$.searchAttributes');
});

/** @source docs/wire/handles.md "POST /handles/query" */
test('an answer has a bound in bytes; what is left out comes with the next page', async () => {
  await using kit = await startKit();
  const [eve, tag] = [kit.user('eve'), ownTag()];
  const custom = { blob: 'x'.repeat(900_000) };
  const made: string[] = [];
  for (let n = 0; n < 6; n += 1) {
    const { id } = await advertise(
      kit,
      [kit.user(`host ${n}`)],
      { tags: [tag], numbers: { n } },
      { properties: { custom } },
    );
    made.push(id);
  }
  const search = { filter: `tags/${tag}`, orderBy: 'n asc' };
  const one = await query(eve, search, 'customProperties');
  assert.deepEqual(foundIn(one), made.slice(0, 4));
  const first = await query(eve, { ...search, maxItems: 100 }, 'customProperties');
  assert.deepEqual(foundIn(first), made.slice(0, 4));
  const { continuationToken } = first.json;
  const rest = await query(
    eve,
    { ...search, continuationToken: String(continuationToken) },
    'customProperties',
  );
  assert.deepEqual(foundIn(rest), made.slice(4));
  assert.equal(rest.json.continuationToken, undefined);
});

/** @source docs/wire/sessions.md "Members that nobody knows" */
test('members of handles and queries that nobody knows are refused, or by a setting ignored', async (t) => {
  const settings = { unknownMembers: 'keep' } as const;
  await using strict = await startKit();
  await using lenient = await startKit({ settings });
  for (const [what, kit, statuses] of [
    ['refused', strict, [400, 400, 400, 400, 400, 400, 400]],
    ['ignored', lenient, [201, 200, 200, 200, 200, 200, 204]],
  ] as const) {
    await t.test(what, { skip: isAimed && needsOwnServer }, async () => {
      const ada = kit.user('ada');
      const reference = await gather(kit, [ada], searchable, kit.reference(blankTemplate));
      const body = { ...searchFor(reference, { tags: [ownTag()], later: { a: 1 } }), later: 1 };
      const asked = { type: 'activity', owners: { xuids: [ada.xuid], later: 1 } };
      const config = `/serviceconfigs/${reference.scid}`;
      const xuids = { xuids: [ada.xuid], later: 1 };
      const answers = [
        await ada.postHandle(body),
        await query(ada, { later: true }),
        await ada.request('POST', '/handles/query', { body: asked }),
        await ada.request('POST', `${config}/batch`, { body: xuids }),
        await ada.request('POST', `${config}/sessiontemplates/${reference.templateName}/batch`, {
          body: xuids,
        }),
        await ada.request('POST', '/users/me/people/xuids?method=get', { body: xuids }),
        await ada.request('PUT', '/users/me/people/mute', { body: { xuid: '2814', later: 1 } }),
      ];
      assert.deepEqual(
        answers.map(({ status }) => status),
        statuses,
      );
      assert.equal(at(answers[0]?.json, 'searchAttributes.later'), undefined);
    });
  }
});
