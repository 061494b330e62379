/** The admin API, as an operator and the players of a server meet it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatSessionPath, type SessionReference } from '../domain/session/reference.ts';
import { type ServerOptions, startServer } from '../server.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { openProcessBus } from '../store/memory/process-bus.ts';
import { at, Kit } from '../testing/kit.ts';
import { KitConnection } from '../testing/kit-connection.ts';
import { manualClock } from '../testing/manual-clock.ts';

const adminToken = 'the-token-of-the-operator';

async function open(options: ServerOptions = {}) {
  const clock = manualClock();
  const server = await startServer({ port: 0, store: 'memory', clock, adminToken, ...options });
  const kit = new Kit(server.url, undefined);
  const headers = { authorization: `Bearer ${adminToken}` };
  const admin = (method: string, path: string, body?: unknown) =>
    kit.request(method, `/admin${path}`, { headers, ...(body !== undefined && { body }) });
  return { server, clock, kit, admin, [Symbol.asyncDispose]: () => server.close() };
}

const pathOf = (reference: SessionReference): string => formatSessionPath(reference);

test('only administrators are answered', async () => {
  await using opened = await open();
  const { kit } = opened;
  for (const [authorization, status] of [
    [`Bearer ${adminToken}`, 200],
    [`Bearer ${adminToken}x`, 401],
    [kit.user('ada').authorization, 403],
    // Any game service, since with development tokens on loopback anybody can be one.
    [kit.service().authorization, 200],
  ] as const) {
    const answer = await kit.request('GET', '/admin/stats', { headers: { authorization } });
    assert.equal(answer.status, status, authorization);
  }
  // The admin token is none for the rest of the server.
  const headers = { authorization: `Bearer ${adminToken}`, 'x-xbl-contract-version': '107' };
  const answer = await kit.request('GET', pathOf(kit.reference()), { headers });
  assert.equal(answer.status, 401);
});

test('every route is listed', async () => {
  await using opened = await open();
  const { json } = await opened.admin('GET', '');
  assert.deepEqual((json['routes'] as readonly string[]).length, 18);
});

test('sessions are listed in pages, filtered, read, and counted, without a keyword', async () => {
  await using opened = await open();
  const { kit, admin } = opened;
  const [ada, ben] = [kit.user('ada'), kit.user('ben')];
  const names = ['alpha', 'beta', 'gamma', 'Alphabet'];
  for (const name of names) await ada.join({ ...kit.reference(), name });
  await ben.join({ ...kit.reference('blank'), name: 'hall' });

  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const query = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const { json } = await admin('GET', `/sessions?limit=2${query}`);
    const page = json['sessions'] as readonly { readonly name: string }[];
    assert.ok(page.length <= 2);
    found.push(...page.map(({ name }) => name));
    cursor = json['cursor'] as string | undefined;
  } while (cursor !== undefined);
  assert.deepEqual(found.sort(), [...names, 'hall'].sort());

  const matching = async (query: string) => {
    const { json } = await admin('GET', `/sessions?${query}`);
    return (json['sessions'] as readonly { readonly name: string }[])
      .map(({ name }) => name)
      .sort();
  };
  assert.deepEqual(await matching('text=ALPHA'), ['Alphabet', 'alpha']);
  assert.deepEqual(await matching('template=Blank'), ['hall']);
  assert.deepEqual(await matching(`scid=${kit.reference().scid}&template=deathmatch&text=eta`), [
    'beta',
  ]);
  assert.deepEqual(await matching('scid=00000000-0000-0000-0000-000000000000'), []);
  for (const query of ['limit=0', 'limit=x', 'scid=7', 'name=a']) {
    assert.equal((await admin('GET', `/sessions?${query}`)).refusal, 'requestInvalid', query);
  }

  const hall = await admin('GET', pathOf({ ...kit.reference('blank'), name: 'hall' }));
  assert.equal(at(hall.json, 'members.0.constants.system.xuid'), ben.xuid);
  assert.equal((await admin('GET', pathOf(kit.reference()))).refusal, 'sessionGone');
  const { json } = await admin('GET', '/stats');
  assert.deepEqual(json['sessions'], { count: 5, isMore: false });
  assert.ok(Number(at(json, 'members.joined')) >= 5);
  assert.deepEqual(json['handles'], { activities: 0, invites: 0, transfers: 0 });
});

test('where a user is: sessions, seats, connections, activities', async () => {
  await using opened = await open();
  const { kit, admin } = opened;
  const [ada, ben] = [kit.user('ada'), kit.user('ben')];
  const [played, reserved] = [kit.reference(), kit.reference()];
  await ada.join(played);
  await ada.postHandle({ version: 1, type: 'activity', sessionRef: played });
  await ben.putSession(reserved, {
    members: {
      me: { properties: { system: { active: true } } },
      reserve_0: { constants: { system: { xuid: ada.xuid } } },
    },
  });
  await using connection = await ada.connect();
  await connection.subscribe();
  const { json } = await admin('GET', `/users/${ada.xuid}`);
  assert.equal(json['gamertag'], 'ada');
  assert.equal(at(json, 'connections.0.subscriptions'), 1);
  const sessions = json['sessions'] as readonly unknown[];
  assert.deepEqual(
    Object.fromEntries(
      sessions.map((_one, n) => [
        at(json, `sessions.${n}.name`),
        at(json, `sessions.${n}.member.status`),
      ]),
    ),
    { [played.name]: 'active', [reserved.name]: 'reserved' },
  );
  assert.equal(at(json, 'activities.0.sessionRef.name'), played.name);
  const nobody = await admin('GET', '/users/77');
  assert.deepEqual(nobody.json['sessions'], []);
  assert.equal((await admin('GET', '/users/ada')).refusal, 'requestInvalid');

  const { json: list } = await admin('GET', '/users');
  assert.deepEqual(list['users'], [{ xuid: ada.xuid, gamertag: 'ada', connections: 1 }]);
});

/** @source docs/admin.md "Requests" */
test('an activity that its session no longer confirms is shown nowhere', async () => {
  await using opened = await open();
  const { kit, admin } = opened;
  const ada = kit.user('ada');
  const reference = kit.reference();
  await ada.join(reference);
  await kit.user('ben').join(reference);
  await ada.postHandle({ version: 1, type: 'activity', sessionRef: reference });
  const activities = async () => (await admin('GET', `/users/${ada.xuid}`)).json['activities'];
  assert.equal(((await activities()) as readonly unknown[]).length, 1);
  await admin('POST', `${pathOf(reference)}/kick`, { xuid: ada.xuid });
  assert.deepEqual(await activities(), []);
});

test('a kick removes a member or a reservation, and others are notified as of any change', async () => {
  const causes: unknown[] = [];
  await using opened = await open({
    observe: (event) => event.kind === 'committed' && causes.push(event.cause),
  });
  const { kit, admin } = opened;
  const [ada, ben] = [kit.user('ada'), kit.user('ben')];
  const reference = kit.reference();
  const path = pathOf(reference);
  await ada.join(reference);
  await ben.join(reference);
  const kick = (body: unknown) => admin('POST', `${path}/kick`, body);
  assert.equal((await kick({ xuid: ben.xuid, reason: 'cheats' })).status, 204);
  assert.deepEqual(causes.at(-1), { kind: 'admin', by: 'admin', reason: 'cheats' });
  const { json } = await ada.getSession(reference);
  assert.equal(at(json, 'membersInfo.count'), 1);
  assert.equal((await kick({ xuid: ben.xuid })).refusal, 'personUnknown');
  assert.equal((await kick({ xuid: 'ben' })).refusal, 'requestInvalid');
  assert.equal((await kick({ xuid: ada.xuid, why: 'x' })).refusal, 'requestInvalid');

  assert.equal((await admin('POST', `${path}/end`, { reason: 'broken' })).status, 204);
  assert.deepEqual(causes.at(-1), { kind: 'admin', by: 'admin', reason: 'broken' });
  assert.equal((await ada.getSession(reference)).status, 204);
  assert.equal((await admin('POST', `${path}/end`, {})).refusal, 'sessionGone');
  assert.equal((await kick({ xuid: ada.xuid })).refusal, 'sessionGone');
});

/** @source docs/admin.md "Bans" */
test('a ban ends connections and memberships, and holds until its time', async () => {
  await using opened = await open();
  const { kit, admin, clock, server } = opened;
  const [ada, ben] = [kit.user('ada'), kit.user('ben')];
  const reference = kit.reference();
  await ada.join(reference);
  await ben.join(reference);
  await using connection = await ben.connect();
  const nonce = String((await ben.request('GET', '/nonce')).json['nonce']);

  const ban = await admin('PUT', `/users/${ben.xuid}/ban`, { seconds: 60, reason: 'cheats' });
  assert.equal(ban.json['leftSessions'], 1);
  await connection.closed;
  const refused = await ben.getSession(reference);
  assert.equal(refused.status, 403);
  assert.equal(refused.refusal, 'banned');
  assert.match(refused.text, /is banned until 2026-01-01T00:01:00\.0000000Z: cheats/);
  await assert.rejects(ben.connect(), /HTTP 403/);
  // Nor with what was issued before.
  const path = `/connect?nonce=${encodeURIComponent(nonce)}`;
  await assert.rejects(KitConnection.open(kit.url, { path }), /HTTP 403/);
  const { json } = await ada.getSession(reference);
  assert.equal(at(json, 'membersInfo.count'), 1);
  const { json: list } = await admin('GET', '/bans');
  assert.equal(at(list, 'bans.0.by'), 'admin');
  assert.equal(at(list, 'bans.0.reason'), 'cheats');

  clock.advance(59_999);
  assert.equal((await ben.getSession(reference)).refusal, 'banned');
  clock.advance(1);
  assert.equal((await ben.getSession(reference)).status, 200);
  await server.sweep();
  assert.deepEqual((await admin('GET', '/bans')).json['bans'], []);

  await admin('PUT', `/users/${ben.xuid}/ban`, { seconds: 60 });
  assert.equal((await admin('DELETE', `/users/${ben.xuid}/ban`)).status, 204);
  assert.equal((await ben.getSession(reference)).status, 200);
  assert.equal((await admin('DELETE', `/users/${ben.xuid}/ban`)).refusal, 'personUnknown');
  const reasons = ['x'.repeat(501), 'two\nlines', '\u001b[31mred', 'a\u2028b'];
  for (const body of [{}, { seconds: 0 }, ...reasons.map((reason) => ({ seconds: 1, reason }))]) {
    const answer = await admin('PUT', `/users/${ben.xuid}/ban`, body);
    assert.equal(answer.refusal, 'requestInvalid');
  }
  // Kills: a ban that holds for nobody, since no caller has this xuid.
  for (const xuid of ['01001', '00', '18446744073709551616']) {
    const answer = await admin('PUT', `/users/${xuid}/ban`, { seconds: 60 });
    assert.deepEqual([answer.status, answer.refusal], [400, 'requestInvalid'], xuid);
    assert.equal((await admin('POST', `/users/${xuid}/disconnect`)).status, 400, xuid);
  }
  assert.deepEqual((await admin('GET', '/bans')).json['bans'], []);
});

test('a ban holds on every node of a store, and after a restart', async () => {
  await using store = openMemoryStore();
  await using bus = openProcessBus();
  await using one = await open({ store, bus });
  await using other = await open({ store, bus });
  const ben = one.kit.user('ben');
  const elsewhere = other.kit.user('ben', { xuid: ben.xuid });
  const reference = other.kit.reference();
  await elsewhere.join(reference);
  await using connection = await elsewhere.connect();
  await one.admin('PUT', `/users/${ben.xuid}/ban`, { seconds: 3_600 });
  await connection.closed;
  assert.equal((await elsewhere.getSession(reference)).refusal, 'banned');
  // A node without administrators knows the bans too.
  await using later = await startServer({ port: 0, store, bus, clock: one.clock });
  const late = new Kit(later.url, undefined).user('ben', { xuid: ben.xuid });
  assert.equal((await late.getSession(reference)).refusal, 'banned');
  await one.admin('DELETE', `/users/${ben.xuid}/ban`);
  assert.notEqual((await late.getSession(reference)).refusal, 'banned');
});

test('connections are ended by user or by id, on every node', async () => {
  await using store = openMemoryStore();
  await using bus = openProcessBus();
  await using one = await open({ store, bus });
  await using other = await open({ store, bus });
  const ada = one.kit.user('ada');
  const elsewhere = other.kit.user('ada', { xuid: ada.xuid });
  await using here = await ada.connect();
  await using there = await elsewhere.connect();
  // Asked of either node.
  for (const { admin } of [one, other]) {
    const { json } = await admin('GET', '/connections');
    assert.equal((json['connections'] as readonly unknown[]).length, 2);
    assert.deepEqual((await admin('GET', '/users')).json['users'], [
      { xuid: ada.xuid, gamertag: 'ada', connections: 2 },
    ]);
    const where = await admin('GET', `/users/${ada.xuid}`);
    assert.equal((where.json['connections'] as readonly unknown[]).length, 2);
    assert.equal((await admin('GET', '/stats')).json['connections'], 2);
  }
  const ended = await one.admin('POST', `/users/${ada.xuid}/disconnect`);
  assert.deepEqual(ended.json, { endedHere: 1 });
  await Promise.all([here.closed, there.closed]);

  await using again = await ada.connect();
  const { json } = await one.admin('GET', '/connections');
  const id = at(json, 'connections.0.id');
  assert.equal((await other.admin('DELETE', `/connections/${id}`)).status, 202);
  await again.closed;
  await using last = await ada.connect();
  const lastId = at((await one.admin('GET', '/connections')).json, 'connections.0.id');
  assert.equal((await one.admin('DELETE', `/connections/${lastId}`)).status, 204);
  await last.closed;
});

test('what administrators do is listed, and kept for 90 days', async () => {
  await using opened = await open();
  const { admin, kit, clock, server } = opened;
  const path = pathOf({ ...kit.reference(), name: 'hall' });
  await admin('POST', `${path}/kick`, { xuid: '7', reason: 'rude' });
  clock.advance(1_000);
  await admin('POST', `${path}/end`, {});
  await admin('PUT', '/users/7/ban', { seconds: 60, reason: 'cheats' });
  await admin('DELETE', '/users/7/ban');
  await admin('POST', '/users/7/disconnect');
  await admin('DELETE', '/connections/00000000-0000-4000-8000-000000000000');
  await admin('POST', '/reload');
  const acts = async (query = '') => {
    const { json } = await admin('GET', `/acts${query}`);
    return json['acts'] as readonly Readonly<Record<string, string>>[];
  };
  const all = await acts();
  assert.deepEqual(all.map(({ act }) => act).sort(), [
    'ban',
    'disconnect',
    'disconnect',
    'end',
    'kick',
    'reload',
    'unban',
  ]);
  assert.deepEqual(all[0], {
    at: '2026-01-01T00:00:00.0000000Z',
    by: 'admin',
    act: 'kick',
    xuid: '7',
    session: path,
    reason: 'rude',
  });
  assert.equal(all.find(({ act }) => act === 'ban')?.['until'], '2026-01-01T00:01:01.0000000Z');
  assert.equal((await acts('?from=2026-01-01T00:00:01Z')).length, 6);
  assert.equal((await admin('GET', '/acts?from=yesterday')).refusal, 'requestInvalid');
  const noConnection = await admin('DELETE', '/connections/x');
  assert.equal(noConnection.refusal, 'connectionUnknown');
  clock.advance(90 * 86_400_000);
  await server.sweep();
  assert.deepEqual(await acts(), []);
});

test('the configuration is read again, and a node is drained', async () => {
  await using opened = await open();
  const { admin, kit } = opened;
  assert.deepEqual((await admin('POST', '/reload')).json, { problems: [] });
  assert.equal((await kit.request('GET', '/health/ready')).status, 200);
  assert.equal((await admin('POST', '/drain')).status, 204);
  assert.equal((await kit.request('GET', '/health/ready')).status, 503);
  // Who is here may go on.
  assert.equal((await kit.user('ada').join(kit.reference())).status, 201);
});
