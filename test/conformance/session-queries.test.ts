/** GET …/sessions, POST …/batch: sessions by a keyword and by who is in them. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Json, JsonObject } from '../../src/domain/json.ts';
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
  assertMembers,
  assertNoNulls,
  assertRefused,
  assertStatus,
  gather,
  leave,
  needsClock,
  reserve,
  timePattern,
} from './answers.ts';
import { blankTemplate, newSession, type SessionParts } from './new-session.ts';

const config = `/serviceconfigs/${demoScid}`;
const templatePath = (name: string) => `${config}/sessiontemplates/${name}`;

function query(asker: KitUser, parameters: string, path = config): Promise<KitAnswer> {
  return asker.request('GET', `${path}/sessions?${parameters}`);
}

function batch(
  asker: KitUser,
  xuids: readonly string[],
  parameters = '',
  path = config,
): Promise<KitAnswer> {
  return asker.request('POST', `${path}/batch${parameters && `?${parameters}`}`, {
    body: { xuids },
  });
}

function resultsOf(answer: KitAnswer): readonly JsonObject[] {
  assertStatus(answer, 200);
  assert.deepEqual(Object.keys(answer.json), ['results']);
  assert.ok(Array.isArray(answer.json.results));
  return answer.json.results as readonly JsonObject[];
}

/** The names of the sessions in an answer, each with the xuid it was found by. */
function foundIn(answer: KitAnswer): readonly string[] {
  return resultsOf(answer).map((one) => at(one, 'sessionRef.name') as string);
}

const freshKeyword = (): string => `K-${randomUUID()}`;

async function withKeyword(
  kit: Kit,
  creator: KitUser,
  keyword: string,
  { properties, ...parts }: SessionParts = {},
): Promise<string> {
  const keywords: Json = [keyword];
  const made = await newSession(kit, creator, {
    ...parts,
    properties: { keywords, ...properties },
  });
  return made.reference.name;
}

/** @source docs/wire/queries.md "Queries for sessions", docs/wire/clients.md "What clients need" */
test('S8 a session is found by who is in it, with what the query shows of both', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference, session } = await newSession(kit, ada, {
    constants: { maxMembersCount: 2 },
    properties: { keywords: ['k'], turn: [0], joinRestriction: 'followed' },
  });

  const found = await query(
    ada,
    `xuid=${ada.xuid}&visibility=open&private=true&inactive=true&take=10`,
  );

  assert.equal(found.headers.get('content-type'), 'application/json');
  assert.equal(found.headers.get('cache-control'), 'no-cache, no-store');
  assert.deepEqual(resultsOf(found), [
    {
      xuid: ada.xuid,
      startTime: session.startTime as string,
      sessionRef: { ...reference },
      accepted: 1,
      status: 'active',
      visibility: 'open',
      joinRestriction: 'followed',
      firstMemberXuid: ada.xuid,
      myTurn: true,
      keywords: ['k'],
    },
  ]);
  assert.match(session.startTime as string, timePattern);
  assertNoNulls(found.json);
});

/** @source docs/wire/queries.md "Queries for sessions", docs/wire/clients.md "What clients need" */
test('S8 nobody found is an empty list', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const answers = await Promise.all([
    query(ada, `xuid=${ada.xuid}`),
    query(ada, `keyword=${freshKeyword()}`),
    query(ada, `xuid=${ada.xuid}&keyword=k`, templatePath('deathmatch')),
    batch(ada, [ada.xuid]),
    batch(ada, [ada.xuid], 'keyword=k', templatePath('deathmatch')),
  ]);
  for (const answer of answers) {
    assertStatus(answer, 200);
    assert.equal(answer.text, '{"results":[]}');
  }
});

/** @source docs/wire/queries.md "Queries for sessions" */
test('a result by keyword alone shows no user', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const keyword = freshKeyword();
  await withKeyword(kit, ada, keyword, { properties: { turn: [0] } });
  for (const asker of [ada, bob, kit.service()]) {
    const [result = assert.fail()] = resultsOf(await query(asker, `keyword=${keyword}`));
    assertMembers(result, [
      'startTime',
      'sessionRef',
      'accepted',
      'visibility',
      'firstMemberXuid',
      'keywords',
    ]);
  }
});

/** @source docs/wire/queries.md "Queries for sessions" */
test('party clients read who came first and the readRestriction, older ones do not', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada, {
    properties: { joinRestriction: 'local', readRestriction: 'local' },
  });
  assertStatus(await ada.putSession(reference, reserve(bob)), 200);
  assertStatus(await bob.join(reference), 200);
  for (const [contractVersion, expected] of [
    ['107', { firstMemberXuid: ada.xuid, readRestriction: 'local' }],
    ['105', { firstMemberXuid: undefined, readRestriction: undefined }],
  ] as const) {
    const answer = await bob.request('GET', `${config}/sessions?xuid=${bob.xuid}`, {
      headers: { 'x-xbl-contract-version': contractVersion },
    });
    const [{ firstMemberXuid, readRestriction } = assert.fail()] = resultsOf(answer);
    assert.deepEqual({ firstMemberXuid, readRestriction }, expected);
  }
  assertStatus(await ada.putSession(reference, leave), 200);
  const [left] = resultsOf(await query(bob, `xuid=${bob.xuid}`));
  assert.equal(left?.firstMemberXuid, bob.xuid);
});

/** @source docs/wire/queries.md "Queries for sessions" */
test('keywords match whole and in any case', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const keyword = freshKeyword();
  const name = await withKeyword(kit, ada, keyword);
  for (const asked of [keyword, keyword.toUpperCase(), keyword.toLowerCase()]) {
    assert.deepEqual(foundIn(await query(ada, `keyword=${asked}`)), [name]);
    assert.deepEqual(foundIn(await query(ada, `keyword=${asked}&xuid=${ada.xuid}`)), [name]);
  }
  for (const asked of [keyword.slice(1), `${keyword}x`]) {
    assert.deepEqual(foundIn(await query(ada, `keyword=${asked}`)), []);
    assert.deepEqual(foundIn(await query(ada, `keyword=${asked}&xuid=${ada.xuid}`)), []);
  }
});

/** @source docs/wire/queries.md "Queries for sessions" */
test('keyword and xuid together select what has both', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const keyword = freshKeyword();
  const name = await withKeyword(kit, ada, keyword);
  await withKeyword(kit, bob, keyword);
  await newSession(kit, ada);
  assert.deepEqual(foundIn(await query(bob, `keyword=${keyword}&xuid=${ada.xuid}`)), [name]);
  assert.equal(foundIn(await query(bob, `keyword=${keyword}`)).length, 2);
  assert.equal(foundIn(await query(bob, `xuid=${ada.xuid}`)).length, 2);
});

/** @source docs/wire/queries.md "Queries for sessions" */
test('a keyword that was taken away finds nothing any more', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const [former, later] = [freshKeyword(), freshKeyword()];
  const { reference } = await newSession(kit, ada, { properties: { keywords: [former] } });
  assertStatus(
    await ada.putSession(reference, { properties: { system: { keywords: [later] } } }),
    200,
  );
  assert.deepEqual(foundIn(await query(ada, `keyword=${former}`)), []);
  assert.deepEqual(foundIn(await query(ada, `keyword=${later}`)), [reference.name]);
});

/** @source docs/wire/queries.md "Queries for sessions", docs/wire/README.md "Every request" */
test('a template finds its own sessions, a service config those of all its templates', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const keyword = freshKeyword();
  const blank = await withKeyword(kit, ada, keyword);
  const match = await withKeyword(kit, ada, keyword, { templateName: 'deathmatch' });
  const other = `/serviceconfigs/4fc10100-5f7a-4470-899b-280835760c07`;
  const asker = kit.user('bob', { tid: '896928775' });
  for (const by of [`keyword=${keyword}`, `xuid=${ada.xuid}`]) {
    assert.deepEqual(foundIn(await query(asker, by)).toSorted(), [blank, match].toSorted());
    assert.deepEqual(foundIn(await query(asker, by, templatePath('BLANK'))), [blank]);
    assert.deepEqual(foundIn(await query(asker, by, templatePath('deathmatch'))), [match]);
    assert.deepEqual(foundIn(await query(asker, by, templatePath('visible'))), []);
    assert.deepEqual(foundIn(await query(asker, by, other)), []);
  }
});

/** @source docs/wire/queries.md "Queries for sessions" */
test('inactive and reserved users are found when they are asked for', async () => {
  await using kit = await startKit();
  const users = kit.users('ada', 'bob', 'cid', 'dan');
  const [ada, bob, cid, dan] = users;
  const session = await gather(kit, [ada, bob, cid]);
  const setStatus = (user: KitUser, system: JsonObject) =>
    user.putSession(session, { members: { me: { properties: { system } } } });
  assertStatus(await setStatus(bob, { active: false }), 200);
  assertStatus(await setStatus(cid, { active: false, ready: true }), 200);
  assertStatus(await ada.putSession(session, reserve(dan)), 200);

  const statuses = async (parameters: string) => {
    const found = await batch(
      kit.service(),
      users.map(({ xuid }) => xuid),
      parameters,
    );
    return resultsOf(found).map(({ xuid, status }) => [xuid, status]);
  };

  const active = [ada.xuid, 'active'];
  const inactive = [
    [bob.xuid, 'inactive'],
    [cid.xuid, 'inactive'],
  ];
  const reserved = [dan.xuid, 'reserved'];
  assert.deepEqual(await statuses(''), [active]);
  assert.deepEqual(await statuses('inactive=false&reservations=false'), [active]);
  assert.deepEqual(await statuses('inactive=true'), [active, ...inactive]);
  assert.deepEqual(await statuses('reservations=true'), [active, reserved]);
  assert.deepEqual(await statuses('reservations=true&inactive=true'), [
    active,
    ...inactive,
    reserved,
  ]);
  const own = await query(dan, `xuid=${dan.xuid}&reservations=true`);
  assert.deepEqual(
    resultsOf(own).map(({ status, accepted }) => [status, accepted]),
    [['reserved', 3]],
  );
});

/** @source docs/wire/queries.md "Queries for sessions" */
test('private sessions are found by those in them, and by services, when they are asked for', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada, { templateName: 'private' });
  const of = (asker: KitUser, more = '') => query(asker, `xuid=${ada.xuid}${more}`);
  assert.deepEqual(foundIn(await of(ada)), []);
  assert.deepEqual(foundIn(await of(ada, '&private=true')), [reference.name]);
  assert.deepEqual(foundIn(await of(ada, '&private=true&visibility=private')), [reference.name]);
  assert.deepEqual(foundIn(await of(ada, '&private=true&visibility=open')), []);
  assert.deepEqual(foundIn(await of(bob)), []);
  assert.deepEqual(foundIn(await of(kit.service())), []);
  assert.deepEqual(foundIn(await of(kit.service(), '&private=true')), [reference.name]);
});

/** @source docs/wire/queries.md "Queries for sessions" */
test('others’ private sessions and reservations are 403, with or without such sessions', async () => {
  await using kit = await startKit();
  const [ada, bob, eve] = kit.users('ada', 'bob', 'eve');
  await newSession(kit, ada, { templateName: 'private' });
  for (const { xuid } of [ada, eve]) {
    for (const asked of ['private', 'reservations']) {
      const answers = await Promise.all([
        query(bob, `xuid=${xuid}&${asked}=true`),
        query(bob, `keyword=k&${asked}=true`),
        query(bob, `xuid=${xuid}&${asked}=true`, templatePath('private')),
        batch(bob, [bob.xuid, xuid], `${asked}=true`),
      ]);
      for (const answer of answers) {
        assertRefused(answer, 403, 'queryNotYours', asked);
        assert.equal(answer.detail, `query.${asked}`);
      }
    }
    assertStatus(await query(bob, `xuid=${xuid}&private=false&inactive=true`), 200);
  }
  assertStatus(await batch(bob, [bob.xuid], 'private=true&reservations=true'), 200);
  assertStatus(await batch(kit.service(), [ada.xuid, eve.xuid], 'private=true'), 200);
});

/** @source docs/wire/unknowns.md "who finds a session with a readRestriction", docs/wire/sessions.md "Access", docs/wire/queries.md "Queries for sessions" */
test('a session is found only by those who may read it', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const neighbour = kit.user('cid', { did: `device-ada-${ada.xuid}` });
  const keyword = freshKeyword();
  const name = await withKeyword(kit, ada, keyword, {
    properties: { joinRestriction: 'local', readRestriction: 'local' },
  });
  for (const by of [`keyword=${keyword}`, `xuid=${ada.xuid}`]) {
    assert.deepEqual(foundIn(await query(ada, by)), [name]);
    assert.deepEqual(foundIn(await query(kit.service(), by)), [name]);
    assert.deepEqual(foundIn(await query(neighbour, by)), [name]);
    assert.deepEqual(foundIn(await query(bob, by)), []);
  }
});

/** @source docs/wire/sessions.md "Access", docs/wire/queries.md "Queries for sessions" */
test('a readRestriction followed lets those find a session whom a member follows', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const keyword = freshKeyword();
  const name = await withKeyword(kit, ada, keyword, {
    properties: { joinRestriction: 'followed', readRestriction: 'followed' },
  });
  assert.deepEqual(foundIn(await query(bob, `keyword=${keyword}`)), []);
  await ada.follow(bob);
  assert.deepEqual(foundIn(await query(bob, `keyword=${keyword}`)), [name]);
});

/** @source docs/wire/queries.md "Queries for sessions" */
test('visibility selects; an open session without a free seat is full', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const make = (constants: JsonObject) =>
    newSession(kit, ada, { constants }).then(({ reference }) => reference.name);
  const open = await make({ maxMembersCount: 2 });
  const full = await make({ maxMembersCount: 1 });
  const visible = await make({ maxMembersCount: 1, visibility: 'visible' });
  const hidden = await make({ visibility: 'private' });
  const of = async (more: string) => foundIn(await query(ada, `xuid=${ada.xuid}${more}`));
  assert.deepEqual((await of('')).toSorted(), [open, full, visible].toSorted());
  assert.deepEqual((await of('&private=true')).length, 4);
  assert.deepEqual(await of('&visibility=open'), [open]);
  assert.deepEqual(await of('&visibility=Full'), [full]);
  assert.deepEqual(await of('&visibility=visible'), [visible]);
  assert.deepEqual(await of('&visibility=private&private=true'), [hidden]);
  const results = resultsOf(await query(ada, `xuid=${ada.xuid}&private=true`));
  assert.deepEqual(results.map(({ visibility }) => visibility).toSorted(), [
    'full',
    'open',
    'private',
    'visible',
  ]);
});

/** @source docs/wire/unknowns.md "the version of a query", docs/wire/queries.md "Queries for sessions" */
test('version selects sessions of this version or lower', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const make = (version: number) =>
    newSession(kit, ada, { constants: { version } }).then(({ reference }) => reference.name);
  const [one, two, nine] = [await make(1), await make(2), await make(9)];
  const of = async (version: number) =>
    foundIn(await query(ada, `xuid=${ada.xuid}&version=${version}`)).toSorted();
  assert.deepEqual(await of(1), [one]);
  assert.deepEqual(await of(2), [one, two].toSorted());
  assert.deepEqual(await of(2_147_483_647), [one, two, nine].toSorted());
});

/** @source docs/wire/queries.md "Queries for sessions" */
test('take bounds the results; without it at most 100 come', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const keyword = freshKeyword();
  const names = await Promise.all(
    Array.from({ length: 103 }, () => withKeyword(kit, ada, keyword)),
  );
  for (const by of [`keyword=${keyword}`, `xuid=${ada.xuid}`]) {
    for (const [more, count] of [
      ['', 100],
      ['&take=100', 100],
      ['&take=99', 99],
      ['&take=1', 1],
      ['&take=0', 0],
    ] as const) {
      const found = foundIn(await query(ada, `${by}${more}`));
      assert.equal(found.length, count, more);
      assert.equal(new Set(found).size, count, more);
      assert.ok(found.every((name) => names.includes(name)));
    }
  }
});

/** @source docs/wire/queries.md "Queries for sessions" */
test('take counts what is found, however many others have the keyword', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const keyword = freshKeyword();
  await Promise.all(Array.from({ length: 90 }, () => withKeyword(kit, ada, keyword)));
  const constants = { maxMembersCount: 1 };
  const full = await Promise.all(
    Array.from({ length: 5 }, () => withKeyword(kit, ada, keyword, { constants })),
  );
  const found = foundIn(await query(ada, `keyword=${keyword}&visibility=full&take=5`));
  assert.deepEqual(found.toSorted(), full.toSorted());
});

/** @source docs/wire/queries.md "Queries for sessions" */
test('a batch answers the sessions of each user in the order of the request', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = kit.users('ada', 'bob', 'cid');
  const shared = (await gather(kit, [ada, bob])).name;
  const own = (await newSession(kit, cid)).reference.name;
  const pairs = async (...askedFor: readonly KitUser[]) =>
    resultsOf(
      await batch(
        cid,
        askedFor.map(({ xuid }) => xuid),
      ),
    ).map((one) => [one.xuid, at(one, 'sessionRef.name')]);
  const [ofAda, ofBob, ofCid] = [
    [ada.xuid, shared],
    [bob.xuid, shared],
    [cid.xuid, own],
  ];
  assert.deepEqual(await pairs(ada, bob, cid), [ofAda, ofBob, ofCid]);
  assert.deepEqual(await pairs(cid, bob, ada), [ofCid, ofBob, ofAda]);
  assert.deepEqual(await pairs(bob, cid, bob, kit.user('eve')), [ofBob, ofCid]);
});

/** @source docs/wire/unknowns.md "take in a batch", docs/wire/queries.md "Queries for sessions" */
test('take bounds the results of a batch as a whole', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const session = await gather(kit, [ada, bob]);
  await newSession(kit, bob);
  const found = await batch(ada, [ada.xuid, bob.xuid], 'take=2');
  assert.deepEqual(
    resultsOf(found).map(({ xuid }) => xuid),
    [ada.xuid, bob.xuid],
  );
  assert.equal(foundIn(found)[0], session.name);
});

/** @source docs/wire/queries.md "Queries for sessions" */
test('what a query cannot be is refused by the name of the parameter', async (t) => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const rows: readonly (readonly [parameters: string, detail: string])[] = [
    ['', 'query'],
    ['take=10', 'query'],
    ['keyword=', 'query.keyword'],
    ['xuid=me', 'query.xuid'],
    ['xuid=1&xuid=2', 'query.xuid'],
    ['xuid=1&take=101', 'query.take'],
    ['xuid=1&take=many', 'query.take'],
    ['xuid=1&inactive=maybe', 'query.inactive'],
    ['xuid=1&visibility=everyone', 'query.visibility'],
    [`xuid=${ada.xuid}&visibility=private`, 'query.visibility'],
    ['xuid=1&version=one', 'query.version'],
    ['keyword=k&inactive=true', 'query.inactive'],
  ];
  for (const [parameters, detail] of rows) {
    await t.test(parameters || 'nothing', async () => {
      const refused = await query(ada, parameters);
      assertRefused(refused, 400, 'requestInvalid', detail);
      assert.equal(refused.detail, detail);
    });
  }
});

/** @source docs/wire/queries.md "Queries for sessions", docs/wire/README.md "Every request", docs/wire/unknowns.md "take in a batch" */
test('what a batch cannot be is refused by its place', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const post = (body: unknown, parameters = '') =>
    ada.request('POST', `${config}/batch${parameters}`, { body });
  const rows: readonly (readonly [body: unknown, detail: string])[] = [
    [{}, '$.xuids'],
    [{ xuids: [] }, '$.xuids'],
    [{ xuids: '1' }, '$.xuids'],
    [{ xuids: [1] }, '$.xuids[0]'],
    [{ xuids: ['1'], keyword: 'k' }, '$.keyword'],
    [{ xuids: Array.from({ length: 1_001 }, (_, i) => String(i)) }, '$.xuids'],
  ];
  for (const [body, detail] of rows) {
    const refused = await post(body);
    assertRefused(refused, 400, 'requestInvalid', detail);
    assert.equal(refused.detail, detail);
  }
  assertRefused(await post({ xuids: ['1'] }, '?xuid=1'), 400, 'requestInvalid', 'query.xuid');
});

/** @source docs/wire/README.md "Every request", docs/wire/queries.md "Queries for sessions" */
test('service config and template of a query must be there, and for the caller', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const unknown = `/serviceconfigs/${randomUUID()}`;
  for (const ask of [
    (user: KitUser, path: string) => query(user, 'xuid=1', path),
    (user: KitUser, path: string) => batch(user, ['1'], '', path),
  ]) {
    assertRefused(await ask(ada, unknown), 404, 'serviceConfigUnknown');
    assertRefused(await ask(ada, '/serviceconfigs/x'), 404, 'serviceConfigUnknown');
    assertRefused(await ask(ada, templatePath('nothing')), 404, 'templateUnknown');
    assertRefused(await ask(ada, templatePath('a~b')), 404, 'templateUnknown');
    assertRefused(await ask(kit.user('eve', { tid: '5' }), config), 403, 'serviceConfigForbidden');
  }
});

/** @source docs/architecture.md "Promises" */
test('who left, and sessions that ended, are found no more', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const keyword = freshKeyword();
  const session = await gather(kit, [ada, bob], {
    properties: { system: { keywords: [keyword] } },
  });
  const found = async () => [
    foundIn(await query(ada, `xuid=${ada.xuid}`)),
    foundIn(await query(ada, `xuid=${bob.xuid}`)),
    foundIn(await query(ada, `keyword=${keyword}`)),
  ];
  const names = [session.name];
  assert.deepEqual(await found(), [names, names, names]);
  assertStatus(await bob.putSession(session, leave), 200);
  assert.deepEqual(await found(), [names, [], names]);
  assertStatus(await ada.putSession(session, leave), 204);
  assert.deepEqual(await found(), [[], [], []]);
});

/** @source docs/wire/time.md "Time", docs/wire/queries.md "Queries for sessions" */
test('a query shows what time has made of a session', { skip: isAimed && needsClock }, async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = kit.reference(blankTemplate);
  const created = await ada.putSession(reference, {
    constants: { system: { readyRemovalTimeout: 1_000, inactiveRemovalTimeout: 1_000 } },
    members: { me: { properties: { system: { ready: true } } } },
  });
  assertStatus(created, 201);
  const found = async () => foundIn(await query(ada, `xuid=${ada.xuid}&inactive=true`));
  assert.deepEqual(await found(), [reference.name]);
  kit.advanceWithoutSweep(1_000);
  assert.deepEqual(await found(), [reference.name], 'inactive now');
  kit.advanceWithoutSweep(1_000);
  assert.deepEqual(await found(), [], 'removed, and the session with its last member');
});

/** @source docs/wire/sessions.md "PUT", docs/wire/queries.md "Queries for sessions" */
test('a session that was made again is found by what it is now', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const [former, later] = [freshKeyword(), freshKeyword()];
  const { reference } = await newSession(kit, ada, { properties: { keywords: [former] } });
  assertStatus(await ada.putSession(reference, leave), 204);
  const again = await ada.putSession(reference, {
    properties: { system: { keywords: [later] } },
    ...joinBody(),
  });
  assertStatus(again, 201);
  assert.deepEqual(foundIn(await query(ada, `keyword=${former}`)), []);
  assert.deepEqual(foundIn(await query(ada, `keyword=${later}`)), [reference.name]);
});

/** @source docs/wire/sessions.md "Owners", docs/wire/queries.md "Queries for sessions" */
test('a large session is found by any of its members, and counts all of them', async () => {
  await using kit = await startKit();
  const [ada, bob, eve] = kit.users('ada', 'bob', 'eve');
  const { reference } = await newSession(kit, ada, {
    constants: { maxMembersCount: 2, capabilities: { large: true } },
  });
  assertStatus(await bob.join(reference), 200);
  const found = await batch(eve, [bob.xuid, ada.xuid, eve.xuid]);
  assert.deepEqual(
    resultsOf(found).map(({ xuid, status, accepted, visibility }) => [
      xuid,
      status,
      accepted,
      visibility,
    ]),
    [
      [bob.xuid, 'active', 2, 'full'],
      [ada.xuid, 'active', 2, 'full'],
    ],
  );
  assertStatus(await bob.putSession(reference, leave), 200);
  assert.deepEqual(foundIn(await query(eve, `xuid=${bob.xuid}`)), []);
});
