/** What the inspector says would have been accepted: for real refusals of a running server, and for every code. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Refusal, refusalCodes } from '../domain/refusal.ts';
import { defaultBounds } from '../domain/session/bounds.ts';
import { formatSessionPath } from '../domain/session/reference.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { faultyStore } from '../testing/faulty-store.ts';
import { type KitAnswer, Kit } from '../testing/kit.ts';
import { type RunningServer, startServer } from '../server.ts';
import { type ManualClock, manualClock } from '../testing/manual-clock.ts';
import { openTestContexts } from '../testing/test-context.ts';
import { acceptedWays } from './accepted-rules.ts';
import type { AcceptedRequests, RequestDetail } from './api-types.ts';
import { openInspector } from './inspector.ts';
import { RecentEvents } from './recent-events.ts';

let clock: ManualClock;
let server: RunningServer;
let kit: Kit;

before(async () => {
  clock = manualClock(Date.UTC(2026, 0, 1));
  server = await startServer({ port: 0, store: 'memory', clock });
  kit = new Kit(server.url, undefined);
  // The log is kept from the first look on.
  await fetch(`${server.url}/inspector/api/v1`);
});

after(() => server.close());

async function acceptedOf(answer: KitAnswer, code: string): Promise<AcceptedRequests> {
  assert.equal(answer.refusal, code, answer.text);
  const id = answer.headers.get('x-xblcorrelationid');
  const opened = await fetch(`${server.url}/inspector/api/v1/requests/${id}`);
  const { accepted } = (await opened.json()) as RequestDetail;
  assert.ok(accepted, `nothing is said of ${code}`);
  return accepted;
}

/** The values of the first way whose text is like that. */
function valuesOf({ ways }: AcceptedRequests, text: RegExp): readonly string[] | undefined {
  const found = ways.find((one) => text.test(one.text));
  assert.ok(found, `${text} is none of: ${ways.map((one) => one.text).join(' | ')}`);
  return found.values;
}

// Kills: roles of another type; a full role; counting reservations of other roles.
test('a full role names the roles of its type that have room', async () => {
  const reference = kit.reference('lfg');
  const [ada, ben, cleo] = [kit.user('ada'), kit.user('ben'), kit.user('cleo')];
  await ada.join(reference, { roles: { class: 'tank' } });
  await cleo.join(reference, { roles: { class: 'healer' } });
  const accepted = await acceptedOf(
    await ben.join(reference, { roles: { class: 'tank' } }),
    'roleFull',
  );
  assert.deepEqual(valuesOf(accepted, /type "class" that have room/), [
    'healer: 1 of 2',
    'damage: 0',
  ]);
});

test('what owners may do names the owners, and what everybody may', async () => {
  const reference = kit.reference('lfg');
  const [ada, ben] = [kit.user('ada'), kit.user('ben')];
  await ada.join(reference);
  await ben.join(reference);
  const accepted = await acceptedOf(
    await ben.putSession(reference, { properties: { system: { closed: true } } }),
    'ownerRequired',
  );
  assert.deepEqual(valuesOf(accepted, /owners of the session/), [`ada (${ada.xuid})`]);
  const fixed = await acceptedOf(
    await ada.putSession(reference, { roleTypes: { class: { roles: { tank: { max: 3 } } } } }),
    'roleSettingsFixed',
  );
  assert.deepEqual(valuesOf(fixed, /owners may change/), ['target']);
});

// Kills: a name that is missed where the path of the refusal quotes it.
test('settings of a role type are named whatever its name is', async () => {
  const reference = kit.reference('lfg');
  const ada = kit.user('ada');
  const names = ['5v5', '7', 'team'];
  const type = { mutableRoleSettings: ['target'], roles: { a: { max: 2, target: 1 } } };
  const created = await ada.putSession(reference, {
    members: { me: {} },
    roleTypes: Object.fromEntries(names.map((name) => [name, type])),
  });
  assert.equal(created.status, 201, created.text);
  for (const name of names) {
    const fixed = await acceptedOf(
      await ada.putSession(reference, { roleTypes: { [name]: { roles: { a: { max: 3 } } } } }),
      'roleSettingsFixed',
    );
    assert.deepEqual(fixed.ways, [
      { text: `Settings of roles of type "${name}" that owners may change`, values: ['target'] },
    ]);
  }
});

test('the lowest contract version is that of the route', async () => {
  const ada = kit.user('ada');
  const headers = { 'x-xbl-contract-version': '1' };
  const hoppers = `/serviceconfigs/${kit.reference().scid}/hoppers`;
  for (const [path, version] of [
    [`${hoppers}/quick/stats`, '103'],
    [formatSessionPath({ ...kit.reference(), name: 'hoppers' }), '104'],
    ['/handles/00000000-0000-4000-8000-000000000001?at=/hoppers/quick', '104'],
  ] as const) {
    const refused = await ada.request('GET', path, { headers });
    const accepted = await acceptedOf(refused, 'contractVersionMissing');
    assert.deepEqual(valuesOf(accepted, /X-Xbl-Contract-Version/), [version], path);
  }
});

// Kills: the session as it is now, where the request was refused by what it was.
test('who may join is said by the session as it was when it refused', async () => {
  const reference = kit.reference();
  const [ada, ben, cleo] = [kit.user('ada'), kit.user('ben'), kit.user('cleo')];
  await ada.join(reference);
  await ada.putSession(reference, { properties: { system: { joinRestriction: 'followed' } } });
  const refused = await ben.join(reference);
  const now = await acceptedOf(refused, 'joinRestricted');
  assert.deepEqual(now.session, { changeNumber: 2, isNow: true });
  assert.deepEqual(valuesOf(now, /a member follows/), [`ada (${ada.xuid})`]);
  clock.advance(1_000);
  await ada.follow(cleo);
  assert.equal((await cleo.join(reference)).status, 200);
  const then = await acceptedOf(refused, 'joinRestricted');
  assert.deepEqual(then.session, { changeNumber: 2, isNow: false });
  assert.deepEqual(valuesOf(then, /a member follows/), [`ada (${ada.xuid})`]);
  // The session has ended since: what it was then is still said.
  await ada.client.leaveSession(reference);
  await cleo.client.leaveSession(reference);
  assert.deepEqual((await acceptedOf(refused, 'joinRestricted')).session, then.session);
});

test('seats, reservations and members are named', async () => {
  const [ada, ben, cleo] = [kit.user('ada'), kit.user('ben'), kit.user('cleo')];
  const reference = kit.reference('visible');
  await ada.join(reference);
  const reserve = (xuid: string) => ({ constants: { system: { xuid } } });
  await ada.putSession(reference, { members: { reserve_0: reserve(ben.xuid) } });
  const needed = await acceptedOf(await cleo.join(reference), 'reservationNeeded');
  assert.deepEqual(valuesOf(needed, /have a reservation/), [`ben (${ben.xuid})`]);
  assert.match(
    valuesOf(needed, /a reservation for the user first/)?.[0] ?? '',
    new RegExp(cleo.xuid),
  );
  const outside = await acceptedOf(
    await cleo.putSession(reference, { properties: { custom: { map: 1 } } }),
    'notAMember',
  );
  assert.deepEqual(valuesOf(outside, /^Members$/), [`ada (${ada.xuid})`]);
  const open = kit.reference('deathmatch');
  await ada.join(open);
  const others = Object.fromEntries(
    Array.from({ length: 15 }, (_, at) => [`reserve_${at}`, reserve(String(9_000 + at))]),
  );
  await ada.putSession(open, { members: others });
  const full = await acceptedOf(await cleo.join(open), 'sessionFull');
  assert.equal(valuesOf(full, /16 of 16 seats are taken/)?.length, 16);
  assert.match(valuesOf(full, /reservedRemovalTimeout/)?.[0] ?? '', /^9\d+ at 2026-01-01T/);
});

test('fixed and conditional values are said', async () => {
  const ada = kit.user('ada');
  const reference = kit.reference();
  const { etag } = await ada.join(reference);
  const conflict = await acceptedOf(
    await ada.putSession(reference, { constants: { system: { maxMembersCount: 4 } } }),
    'constantsConflict',
  );
  assert.deepEqual(valuesOf(conflict, /maxMembersCount with the value/), ['16']);
  await ada.putSession(reference, { properties: { custom: { map: 1 } } });
  const differs = await acceptedOf(
    await ada.putSession(reference, {}, { ifMatch: etag ?? '' }),
    'etagDiffers',
  );
  const { etag: current } = await ada.getSession(reference);
  assert.deepEqual(valuesOf(differs, /If-Match/), [current]);
});

test('names, words, members and limits are listed', async () => {
  const ada = kit.user('ada');
  const reference = kit.reference();
  const root = `/serviceconfigs/${reference.scid}`;
  const template = await acceptedOf(
    await ada.join({ ...reference, templateName: 'nothing' }),
    'templateUnknown',
  );
  assert.ok(valuesOf(template, /templates/)?.includes('lfg'));
  const ticket = { ticketSessionRef: reference, giveUpDuration: 10, preserveSession: 'never' };
  const hopper = await acceptedOf(
    await ada.request('POST', `${root}/hoppers/none`, { body: ticket }),
    'hopperUnknown',
  );
  assert.ok(valuesOf(hopper, /hoppers/)?.includes('quick'));
  const word = await acceptedOf(
    await ada.putSession(reference, { properties: { system: { joinRestriction: 'x' } } }),
    'requestInvalid',
  );
  assert.deepEqual(valuesOf(word, /One of these/), ['none', 'local', 'followed']);
  const member = await acceptedOf(
    await ada.putSession(reference, { properties: { system: { joinRestricton: 'none' } } }),
    'requestInvalid',
  );
  assert.ok(valuesOf(member, /These members/)?.includes('joinRestriction'));
  // The state of the session is not named where the rule does not look at it.
  assert.equal(member.session, undefined);
  const verb = await acceptedOf(await ada.request('PATCH', '/handles'), 'verbNotAllowed');
  assert.deepEqual(valuesOf(verb, /path/), ['POST']);
  const items = Object.fromEntries(Array.from({ length: 201 }, (_, at) => [`reserve_${at}`, null]));
  const many = await acceptedOf(
    await ada.putSession(reference, { members: items }),
    'tooManyMembers',
  );
  assert.deepEqual(valuesOf(many, /At most/), ['200']);
});

test('a request that is kept can be read while the store cannot', async () => {
  const context = (await openTestContexts())(faultyStore(openMemoryStore(), () => 'fails'));
  const recent = new RecentEvents();
  const id = '00000000-0000-4000-8000-000000000001';
  recent.note({
    kind: 'request',
    id,
    atMs: 0,
    durationMs: 1,
    method: 'GET',
    target: `/handles/${id}`,
    route: '/handles/{id}',
    caller: undefined,
    address: undefined,
    requestHeaders: {},
    requestBody: undefined,
    status: 404,
    refusal: new Refusal('handleUnknown', 'No.'),
    fault: undefined,
    answerHeaders: {},
    answerBody: undefined,
  });
  using inspector = openInspector({
    context,
    store: 'memory',
    isShared: false,
    auth: 'dev',
    access: 'open',
    mayControl: false,
    startedMs: 0,
    bodyBytesMax: 1,
    readVersion: async () => '0',
    clock: { elapsedMs: () => 0, after: context.clock.after.bind(context.clock) },
    ownUrl: () => server.url,
    moveClock: () => undefined,
    forgetRecords: async () => undefined,
    bans: () => [],
    isFrozen: () => true,
    recent: () => ({ recent, sinceMs: 0 }),
    connections: () => [],
  });
  const answer = await inspector.request({ id });
  assert.ok(!(answer instanceof Refusal));
  const { row, accepted } = JSON.parse(String(answer.body)) as RequestDetail;
  assert.equal(row.status, 404);
  assert.equal(accepted, undefined);
});

// Kills: a rule that needs a session or a caller to be there; a sentence that breaks in the middle.
test('every code can be opened without a session, a caller or a detail', () => {
  for (const code of refusalCodes) {
    for (const auth of ['dev', 'signed', 'oidc'] as const) {
      const ways = acceptedWays({
        refusal: new Refusal(code, 'No.'),
        method: 'GET',
        caller: undefined,
        answerHeaders: {},
        session: undefined,
        handle: undefined,
        config: undefined,
        catalog: new Map(),
        settings: {
          bounds: defaultBounds,
          bodyBytesMax: 1,
          sessionsPerUserMax: 1,
          invitesPerUserMax: 1,
          searchAttributesBytesMax: 1,
        },
        auth,
        ownUrl: 'http://127.0.0.1:1',
        connectionIds: [],
        gamertagOf: () => undefined,
      });
      for (const { text, values = [] } of ways) {
        assert.ok(!/undefined|NaN/.test(`${text} ${values}`), `${code}: ${text} ${values}`);
      }
    }
  }
});
