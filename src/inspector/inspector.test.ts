/** The inspector's API over a running server, seen by a client of it. */

import assert from 'node:assert/strict';
import { type IncomingMessage, request } from 'node:http';
import { after, before, test } from 'node:test';
import type { ObservedEvent } from '../observe/events.ts';
import { type RunningServer, startServer } from '../server.ts';
import { demoScid, Kit } from '../testing/kit.ts';
import { copyMemoryStore, openMemoryStore } from '../store/memory/memory-store.ts';
import { type ManualClock, manualClock } from '../testing/manual-clock.ts';
import { keyOf } from '../domain/session/reference.ts';
import type {
  ActivityList,
  Analysis,
  ChangeList,
  HopperDetail,
  HopperList,
  InspectorInfo,
  LiveEvent,
  PastSession,
  RequestDetail,
  SessionDetail,
  SessionList,
  SessionName,
  UserDetail,
  UserList,
} from './api-types.ts';

const root = '/inspector/api/v1';
const startMs = Date.UTC(2026, 0, 1);
const adminToken = 'a-token-of-this-test-0123456789abcdef';

let clock: ManualClock;
let server: RunningServer;
let kit: Kit;

before(async () => {
  clock = manualClock(startMs);
  server = await startServer({ port: 0, store: 'memory', clock, tapWindowMs: 0, adminToken });
  kit = new Kit(server.url, undefined);
});

after(() => server.close());

async function get<T>(path: string): Promise<T> {
  const answer = await fetch(`${server.url}${root}${path}`);
  assert.equal(answer.status, 200, `${path}: ${await answer.clone().text()}`);
  return (await answer.json()) as T;
}

const keyOfName = ({ scid, template, name }: SessionName): string =>
  `${scid}~${template}~${name}`.toLowerCase();

/** The head of the answer; `fetch` sends no `Host` and no `Sec-Fetch-Site` of a test. */
function ask(path: string, headers: Readonly<Record<string, string>>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(`${server.url}${root}${path}`, { headers, agent: false }, (answer) => {
      answer.resume();
      resolve(answer);
    })
      .on('error', reject)
      .end();
  });
}

/** A session of Ada, who is active in it by a connection, with a seat that is reserved for Ben. */
async function lobby() {
  const reference = kit.reference();
  const [ada, ben] = [kit.user('ada'), kit.user('ben')];
  await ada.join(reference);
  const answer = await ada.putSession(reference, {
    properties: { system: { keywords: ['ranked'] }, custom: { map: 'harbor' } },
    members: { reserve_0: { constants: { system: { xuid: ben.xuid } } } },
  });
  assert.equal(answer.status, 200, answer.text);
  return {
    reference,
    ada,
    ben,
    path: `/sessions/${demoScid}/${reference.templateName}/${reference.name}`,
  };
}

test('the start of the API says which server this is', async () => {
  const info = await get<InspectorInfo>('');
  assert.equal(info.apiVersion, 1);
  assert.deepEqual(
    [info.store, info.auth, info.access, info.mayControl, info.mayAct, info.clock],
    ['memory', 'dev', 'open', false, false, { nowMs: startMs, isFrozen: false }],
  );
  const [config] = info.serviceConfigs;
  assert.equal(config?.scid, demoScid);
  assert.ok(config.templates.length > 0);
});

test('sessions are listed, found by text and by filter, in pages', async () => {
  const { reference, ada } = await lobby();
  const others = [kit.reference(), kit.reference()];
  for (const one of others) await kit.user('cleo').join(one);
  const names = async (query: string) => {
    const list = await get<SessionList>(`/sessions?${query}`);
    return list.sessions.map(({ name }) => name);
  };
  const all = await get<SessionList>('/sessions?order=name');
  assert.equal(all.totalCount, all.sessions.length);
  assert.deepEqual(
    all.sessions.map(({ name }) => name),
    [...all.sessions].map(({ name }) => name).sort(),
  );
  assert.deepEqual(await names(`text=${reference.name.toUpperCase()}`), [reference.name]);
  // No text of letters from a to f: random names may hold it.
  assert.deepEqual(await names(`text=${ada.xuid}`), [reference.name]);
  const byMember = encodeURIComponent(`session/memberXuids/any(d:d eq '${ada.xuid}')`);
  assert.deepEqual(await names(`filter=${byMember}`), [reference.name]);
  const pages = [...(await names('order=name&take=2')), ...(await names('order=name&skip=2'))];
  assert.deepEqual(
    pages,
    all.sessions.map(({ name }) => name),
  );
  const row = all.sessions.find(({ name }) => name === reference.name);
  assert.deepEqual(row?.members, {
    total: 2,
    active: 1,
    ready: 0,
    reserved: 1,
    inactive: 0,
    max: row?.members.max,
  });
  assert.deepEqual(row?.keywords, ['ranked']);
});

test('the change that sets an activity says so', async () => {
  const { reference, ada, path } = await lobby();
  await ada.postHandle({ version: 1, type: 'activity', sessionRef: reference });
  const { changes } = await get<ChangeList>(`${path}/changes`);
  assert.equal(changes[0]?.cause.sentence, 'ada set it as activity');
});

// Kills: changes of one life only; a page that repeats its last change; a document of another moment.
test('the changes of a session say who, why and what, and each has its document', async () => {
  const { reference, ada, ben, path } = await lobby();
  await ada.putSession(reference, { members: { me: null } });
  await ben.putSession(reference, { members: { me: null } });
  await ada.join(reference);
  const { changes, nextBefore } = await get<ChangeList>(`${path}/changes?differences=true`);
  assert.equal(nextBefore, undefined);
  assert.deepEqual(
    changes.map(({ kind }) => kind),
    ['created', 'ended', 'changed', 'changed', 'created'],
  );
  const [, ended, left, changed] = changes;
  assert.equal(left?.cause.xuid, ada.xuid);
  assert.match(left?.cause.sentence ?? '', /^changed by ada: PUT session$/);
  assert.deepEqual(
    left?.members.map(({ xuid, what }) => [xuid, what]),
    [[ada.xuid, `${ada.xuid} went: left`]],
  );
  const map = changed?.differences?.find((one) => one.path === '/properties/custom/map');
  assert.equal(map?.after, 'harbor');
  const past = await get<PastSession>(
    `${path}/changes/${changed?.branch}/${changed?.changeNumber}`,
  );
  assert.deepEqual(past.document?.['changeNumber'], changed?.changeNumber);
  assert.equal(past.change.cursor, changed?.cursor);
  const gone = await get<PastSession>(`${path}/changes/${ended?.branch}/${left?.changeNumber}`);
  assert.equal(gone.change.kind, 'changed');

  const paged: string[] = [];
  let before: string | undefined;
  do {
    const query = before === undefined ? '' : `&before=${before}`;
    const page = await get<ChangeList>(`${path}/changes?take=2${query}`);
    paged.push(...page.changes.map(({ cursor }) => cursor));
    before = page.nextBefore;
  } while (before !== undefined);
  assert.deepEqual(
    paged,
    changes.map(({ cursor }) => cursor),
  );
});

test('a list follows what is committed after it was read', async () => {
  const reference = kit.reference();
  const count = async () =>
    (await get<SessionList>(`/sessions?text=${reference.name}`)).matchedCount;
  assert.equal(await count(), 0);
  await kit.user('ada').join(reference);
  assert.equal(await count(), 1);
  await kit.user('ada').putSession(reference, { members: { me: null } });
  assert.equal(await count(), 0);
});

test('a session has its document, members, timers and handles', async () => {
  const { reference, ada, ben, path } = await lobby();
  const handle = await ada.request('POST', '/handles', {
    body: { version: 1, type: 'activity', sessionRef: reference },
  });
  assert.equal(handle.status, 201, handle.text);
  const shown = await get<SessionDetail>(path);
  const { json } = await ada.getSession(reference);
  assert.deepEqual(shown.document, json);
  assert.deepEqual(
    shown.members.map(({ xuid, status, index }) => [xuid, status, index]),
    [
      [ada.xuid, 'active', 0],
      [ben.xuid, 'reserved', 1],
    ],
  );
  assert.deepEqual(shown.timers[0], {
    what: 'reservedRemovalTimeout',
    index: 1,
    xuid: ben.xuid,
    startMs,
    dueMs: startMs + 30_000,
    becomes: 'removed',
  });
  assert.deepEqual(
    shown.handles.map(({ type, ownerXuid }) => [type, ownerXuid]),
    [['activity', ada.xuid]],
  );
});

test('a user is shown with sessions, connections, lists and handles', async () => {
  const { reference, ada, ben } = await lobby();
  await using connection = await ada.connect();
  await ada.request('PUT', `/users/xuid(${ada.xuid})/people/avoid`, { body: { xuid: ben.xuid } });
  const shown = await get<UserDetail>(`/users/${ada.xuid}`);
  assert.equal(shown.row.gamertag, 'ada');
  assert.ok(
    shown.sessions.some(
      ({ session, status }) => session.name === reference.name && status === 'active',
    ),
  );
  assert.equal(shown.connections.length, 1);
  assert.equal(shown.connections[0]?.xuid, ada.xuid);
  assert.deepEqual(shown.people.avoids, [ben.xuid]);
  assert.ok(connection);
  const { users } = await get<UserList>('/users?text=ada');
  assert.deepEqual(
    users.map(({ xuid, connectionsCount }) => [xuid, connectionsCount]),
    [[ada.xuid, 1]],
  );
});

test('a hopper is shown with its tickets, why they wait, and the matches made', async () => {
  const search = async (name: string, hopper = 'quick', ticketAttributes = {}) => {
    const user = kit.user(name);
    const reference = kit.reference('deathmatch');
    await user.join(reference);
    const ticket = await user.request('POST', `/serviceconfigs/${demoScid}/hoppers/${hopper}`, {
      headers: { 'x-xbl-contract-version': '103' },
      body: {
        giveUpDuration: 120,
        preserveSession: 'never',
        ticketSessionRef: reference,
        ticketAttributes,
      },
    });
    assert.equal(ticket.status, 200, ticket.text);
    return { user, ticketId: String(ticket.json['ticketId']) };
  };
  const { user, ticketId } = await search('nia');
  const { hoppers } = await get<HopperList>('/hoppers');
  const row = hoppers.find(({ name }) => name === 'quick');
  assert.deepEqual([row?.ticketsCount, row?.playersCount, row?.isCut], [1, 1, false]);
  const waiting = await get<HopperDetail>(`/hoppers/${demoScid}/QUICK`);
  const [ticket] = waiting.tickets;
  assert.deepEqual(
    [ticket?.id, ticket?.status, ticket?.xuids, ticket?.whyNot?.text],
    [ticketId, 'searching', [user.xuid], 'No other ticket waits in this hopper.'],
  );
  const { tickets } = await get<UserDetail>(`/users/${user.xuid}`);
  assert.deepEqual(
    tickets.map(({ id }) => id),
    [ticketId],
  );

  const other = await search('oli');
  await server.sweep();
  const matched = await get<HopperDetail>(`/hoppers/${demoScid}/quick`);
  assert.deepEqual(
    matched.matches.map((one) => [new Set(one.tickets), one.playersCount]),
    [[new Set([ticketId, other.ticketId]), 2]],
  );
  const found = matched.tickets.find(({ id }) => id === ticketId);
  assert.equal(found?.status, 'found');
  assert.equal(matched.matches[0]?.key, found.target && keyOfName(found.target));

  // Of tickets that do not go together each names the players of the other.
  const [first, second] = [
    await search('pia', 'ranked5v5', { build: 'a' }),
    await search('quin', 'ranked5v5', { build: 'b' }),
  ];
  const apart = await get<HopperDetail>(`/hoppers/${demoScid}/ranked5v5`);
  for (const [own, otherOne] of [
    [first, second],
    [second, first],
  ] as const) {
    const { whyNot } = apart.tickets.find(({ id }) => id === own.ticketId) ?? {};
    assert.deepEqual(whyNot?.nearest[0]?.xuids, [otherOne.user.xuid]);
  }
});

// Kills: the name of the join for ever, and a seat of a user without the name that everybody knows.
test('a user has one name in all rows, the newest', async () => {
  const [rosa, sam] = [kit.user('rosa'), kit.user('sam')];
  const reference = kit.reference('deathmatch');
  await rosa.join(reference);
  const authorization = `XBL3.0 x=-;xuid=${rosa.xuid}&gtg=Rosalind`;
  await fetch(`${server.url}/handles/${sam.xuid}`, { headers: { authorization } });
  const tess = kit.user('tess');
  await tess.getSession(reference);
  await sam.join(reference);
  const reserved = await sam.putSession(reference, {
    members: { reserve_0: { constants: { system: { xuid: tess.xuid } } } },
  });
  assert.equal(reserved.status, 200, reserved.text);
  const names = (rows: readonly { readonly gamertag?: string }[]) =>
    rows.map(({ gamertag }) => gamertag);
  const shown = await get<SessionDetail>(
    `/sessions/${demoScid}/${reference.templateName}/${reference.name}`,
  );
  const expected = ['Rosalind', 'sam', 'tess'];
  assert.deepEqual(names(shown.members), expected);
  assert.deepEqual(names(shown.row.people), expected);
  const { row } = await get<UserDetail>(`/users/${rosa.xuid}`);
  assert.equal(row.gamertag, 'Rosalind');
});

// Kills: a caller who is noted only after the bans were looked at.
test('a banned user is shown as banned, and requests of that user as theirs', async () => {
  const uma = kit.user('uma');
  await uma.join(kit.reference());
  const ban = (method: string) =>
    fetch(`${server.url}/admin/users/${uma.xuid}/ban`, {
      method,
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      ...(method === 'PUT' && { body: JSON.stringify({ seconds: 60, reason: 'cheats' }) }),
    });
  const shown = async () => ({
    row: (await get<UserDetail>(`/users/${uma.xuid}`)).row.ban,
    list: (await get<UserList>(`/users?text=${uma.xuid}`)).users.find(
      ({ xuid }) => xuid === uma.xuid,
    )?.ban,
  });
  assert.ok((await ban('PUT')).ok);
  const expected = { untilMs: clock.nowMs() + 60_000, by: 'admin', reason: 'cheats' };
  assert.deepEqual(await shown(), { row: expected, list: expected });
  assert.equal((await uma.getSession(kit.reference())).refusal, 'banned');
  const path = `/requests?refused=true&xuid=${uma.xuid}`;
  const { rows } = await get<ActivityList>(path);
  assert.deepEqual(
    rows.map((row) => row.kind === 'request' && [row.refusal?.code, row.caller?.gamertag]),
    [['banned', 'uma']],
  );
  assert.ok((await ban('DELETE')).ok);
  assert.deepEqual(await shown(), { row: undefined, list: undefined });
});

test('what is asked for wrongly is refused with the place', async () => {
  const cases = [
    ['/sessions?take=0', 400, 'requestInvalid', 'take'],
    ['/sessions?order=size', 400, 'requestInvalid', 'order'],
    ['/sessions?scid=x', 400, 'requestInvalid', 'scid'],
    ['/sessions?filter=nonsense', 400, 'filterInvalid', undefined],
    [`/sessions/${demoScid}/lobby/nobody`, 404, 'pathUnknown', undefined],
    ['/users/ada', 400, 'requestInvalid', 'path'],
    [`/hoppers/${demoScid}/none`, 404, 'hopperUnknown', undefined],
    ['/nothing', 404, 'pathUnknown', undefined],
  ] as const;
  for (const [path, status, refusal, detail] of cases) {
    const answer = await kit.request('GET', `${root}${path}`);
    assert.deepEqual([answer.status, answer.refusal], [status, refusal], path);
    if (detail !== undefined) assert.equal(answer.detail, detail);
  }
});

test('browsers get the page at /, all others a 404', async () => {
  const page = await fetch(server.url, { headers: { accept: 'text/html,*/*' } });
  assert.equal(page.status, 200);
  assert.match(page.headers.get('content-type') ?? '', /^text\/html/);
  assert.match(page.headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/);
  assert.match(await page.text(), /OpenMPSD/);
  for (const method of ['GET', 'PUT', 'POST', 'DELETE', 'PATCH']) {
    const answer = await kit.request(method, '/', { headers: { accept: '*/*' } });
    assert.deepEqual([answer.status, answer.refusal], [404, 'pathUnknown']);
    assert.match(answer.text, /^Nothing is found at \/\./);
  }
  for (const file of ['..%2f..%2fpackage.json', 'none.js', '.js', 'index.html']) {
    assert.equal((await kit.request('GET', `/assets/${file}`)).status, 404, file);
  }
});

test('no page of another origin reads it, no name that leads here, nobody through a proxy', async () => {
  const cases = [
    [{ origin: 'http://localhost:5173' }, 'originForbidden'],
    [{ origin: 'https://example.com' }, 'originForbidden'],
    [{ 'sec-fetch-site': 'same-site' }, 'originForbidden'],
    [{ 'sec-fetch-site': 'cross-site' }, 'originForbidden'],
    [{ host: 'rebound.example.com' }, 'hostForbidden'],
    [{ 'x-forwarded-for': '203.0.113.7' }, 'adminRequired'],
  ] as const;
  for (const [headers, refusal] of cases) {
    for (const path of ['', '/sessions', '/stream']) {
      const { statusCode, headers: answered } = await ask(path, headers);
      const shown = JSON.stringify(headers);
      assert.deepEqual([statusCode, answered['x-mpsd-refusal']], [403, refusal], shown);
      assert.equal(answered['access-control-allow-origin'], undefined);
    }
  }
  const own = { origin: server.url, 'sec-fetch-site': 'same-origin' };
  assert.equal((await kit.request('GET', root, { headers: own })).status, 200);
});

/** The events of the live stream, until the reader is closed. */
async function openStream() {
  const ending = new AbortController();
  const answer = await fetch(`${server.url}${root}/stream`, { signal: ending.signal });
  assert.equal(answer.headers.get('content-type'), 'text/event-stream');
  assert.ok(answer.body);
  const parts = answer.body.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  let text = '';
  return {
    /** The next event for which `fits`; those before it are passed over. */
    async next<K extends LiveEvent['kind']>(
      kind: K,
      fits: (event: Extract<LiveEvent, { kind: K }>) => boolean = () => true,
    ): Promise<Extract<LiveEvent, { kind: K }>> {
      for (;;) {
        const end = text.indexOf('\n\n');
        if (end < 0) {
          const { value, done } = await parts.next();
          assert.ok(!done, 'the stream has ended');
          text += value;
          continue;
        }
        const data = /^data: (.*)$/m.exec(text.slice(0, end))?.[1];
        text = text.slice(end + 2);
        const event = JSON.parse(data ?? '{}') as Extract<LiveEvent, { kind: K }>;
        if (event.kind === kind && fits(event)) return event;
      }
    },
    [Symbol.dispose]: () => ending.abort(),
  };
}

test('the stream says what changes: sessions, requests, connections', async () => {
  using stream = await openStream();
  const { info } = await stream.next('hello');
  assert.equal(info.apiVersion, 1);
  const reference = kit.reference();
  const ada = kit.user('ada');
  await ada.join(reference);
  const { row } = await stream.next('session', (event) => event.row.name === reference.name);
  assert.deepEqual([row.changeNumber, row.members.active], [1, 1]);
  const refused = await ada.putSession(reference, {}, { ifNoneMatch: '*' });
  assert.equal(refused.refusal, 'sessionExists');
  const { row: shown } = await stream.next(
    'activity',
    (event) => event.row.kind === 'request' && event.row.refusal !== undefined,
  );
  assert.equal(shown.kind === 'request' && shown.refusal?.code, 'sessionExists');
  await using connection = await ada.connect();
  await connection.cut();
  await stream.next('connectionGone', ({ xuid }) => xuid === ada.xuid);
  await ada.putSession(reference, { members: { me: null } });
  await stream.next('sessionGone', ({ key }) => key === row.key);
});

test('requests are listed with what they were refused for, and shown whole without tokens', async () => {
  const reference = kit.reference();
  const ada = kit.user('ada');
  await ada.join(reference);
  const secret = 'XBL3.0 x=1;xuid=77&gtg=Nobody';
  const refused = await kit.request(
    'PUT',
    `/serviceconfigs/${demoScid}/sessionTemplates/none/sessions/x`,
    {
      headers: { authorization: secret, 'x-xbl-contract-version': '107' },
      body: { properties: { custom: { a: 1 } } },
    },
  );
  assert.equal(refused.refusal, 'templateUnknown');
  const { rows } = await get<ActivityList>('/requests?refused=true&xuid=77');
  const [row] = rows;
  assert.ok(row?.kind === 'request');
  assert.deepEqual(
    [row.method, row.status, row.refusal?.code, row.refusal?.detail, row.caller?.gamertag],
    ['PUT', 404, 'templateUnknown', 'none', 'Nobody'],
  );
  assert.equal(row.refusal?.text, refused.text);
  assert.equal(row.id, refused.headers.get('x-xblcorrelationid'));
  const detail = await get<RequestDetail>(`/requests/${row.id}`);
  assert.deepEqual(JSON.parse(detail.requestBody?.text ?? ''), {
    properties: { custom: { a: 1 } },
  });
  assert.equal(detail.answerBody?.text, refused.text);
  assert.deepEqual([detail.claims?.['xuid'], detail.claims?.['gamertag']], ['77', 'Nobody']);
  assert.match(detail.requestHeaders['authorization'] ?? '', /^XBL3\.0 /);
  assert.doesNotMatch(JSON.stringify(detail.requestHeaders), /gtg=Nobody/);

  const ofSession = await get<ActivityList>(`/requests?key=${keyOf(reference)}`);
  assert.deepEqual(
    ofSession.rows.map((one) => one.kind === 'request' && [one.method, one.status]),
    [['PUT', 201]],
  );
  const all = await get<ActivityList>('/requests?take=2000');
  assert.ok(
    all.rows.every((one) => one.kind !== 'request' || !one.target.startsWith('/inspector')),
  );
  const later = await get<ActivityList>(`/requests?after=${all.lastNumber}`);
  assert.deepEqual(later.rows, []);
});

test('calls are judged by the rules of certification', async () => {
  const reference = kit.reference();
  const ada = kit.user('dora');
  await ada.join(reference);
  for (let count = 0; count < 40; count += 1) await ada.getSession(reference);
  const { findings, endpoints } = await get<Analysis>('/analysis');
  assert.ok(
    findings.some(({ user }) => user === ada.xuid),
    JSON.stringify(findings),
  );
  assert.ok(endpoints.some(({ endpoint, calls }) => endpoint.startsWith('GET ') && calls >= 40));
});

test('watching changes nothing: no session, no handle, no timer, though time has passed', async () => {
  const store = openMemoryStore();
  const time = manualClock(startMs);
  const changes: ObservedEvent[] = [];
  const kinds = ['committed', 'handlesCommitted', 'clockMoved', 'sweep'];
  await using watched = await startServer({
    port: 0,
    store,
    clock: time,
    tapWindowMs: 0,
    sweepIntervalMs: 86_400_000,
    observe: (event) => void (kinds.includes(event.kind) && changes.push(event)),
  });
  const people = new Kit(watched.url, undefined);
  const [ada, ben] = [people.user('ada'), people.user('ben')];
  const reference = people.reference();
  await ada.join(reference);
  await ada.putSession(reference, {
    members: { reserve_0: { constants: { system: { xuid: ben.xuid } } } },
  });
  const invite = { version: 1, type: 'invite', sessionRef: reference, invitedXuid: ben.xuid };
  await ada.request('POST', '/handles', {
    body: { ...invite, inviteAttributes: { titleId: '1297287741' } },
  });
  time.advance(60_000);
  const key = keyOf(reference);
  const before = copyMemoryStore(store);
  changes.length = 0;

  const { templateName, name } = reference;
  const stopping = new AbortController();
  const stream = await fetch(`${watched.url}${root}/stream`, { signal: stopping.signal });
  for (const path of [
    '',
    '/sessions',
    `/sessions?filter=${encodeURIComponent('session/membersCount gt 0')}`,
    `/sessions/${demoScid}/${templateName}/${name}`,
    '/users',
    `/users/${ada.xuid}`,
    `/users/${ben.xuid}`,
    '/requests',
    '/analysis',
    '/hoppers',
  ]) {
    const answer = await fetch(`${watched.url}${root}${path}`);
    assert.equal(answer.status, 200, path);
    await answer.arrayBuffer();
  }
  stopping.abort();
  await stream.body?.cancel().catch(() => undefined);

  // The seat is due and still there: nobody but the sweep or a request may end it.
  const [was, is] = [await before.session(key), await store.session(key)];
  assert.equal(is, was);
  assert.equal(is?.session.members.length, 2);
  assert.deepEqual(await store.due(time.nowMs(), 10), [key]);
  assert.deepEqual(await store.invitesOf(ben.xuid), await before.invitesOf(ben.xuid));
  assert.deepEqual(changes, []);
});

test('where others reach the server, it is for holders of the admin token', async () => {
  const adminToken = 'a-token-for-this-test';
  const reachable = { port: 0, store: 'memory', host: '0.0.0.0', allowDevAuth: true } as const;
  await using guarded = await startServer({ ...reachable, adminToken });
  const url = guarded.url.replace('0.0.0.0', '127.0.0.1');
  const statusOf = async (authorization: string | undefined, path = '') => {
    const headers = { ...(authorization !== undefined && { authorization }) };
    const answer = await fetch(`${url}${root}${path}`, { headers });
    await answer.body?.cancel();
    return answer.status;
  };
  for (const path of ['', '/sessions', '/requests', '/stream']) {
    assert.equal(await statusOf(undefined, path), 401);
    assert.equal(await statusOf('Bearer another-token-of-nobody', path), 401);
    assert.equal(await statusOf('XBL3.0 x=-;svc=tests', path), 403);
    assert.equal(await statusOf(`Bearer ${adminToken}`, path), 200);
  }
  const page = await fetch(url, { headers: { accept: 'text/html' } });
  assert.equal(page.status, 200);

  await using without = await startServer(reachable);
  await using off = await startServer({ port: 0, store: 'memory', inspector: 'off' });
  for (const other of [without.url.replace('0.0.0.0', '127.0.0.1'), off.url]) {
    for (const path of [root, '/', '/assets/index.js']) {
      const answer = await fetch(`${other}${path}`, { headers: { accept: 'text/html' } });
      assert.equal(answer.status, 404, path);
    }
  }
});

test('a server that ends does not wait for those who watch', async () => {
  const ending = await startServer({ port: 0, store: 'memory', drainMs: 600_000 });
  const stream = await fetch(`${ending.url}${root}/stream`);
  const rest = stream.text();
  await ending.drain();
  assert.match(await rest, /event: hello/);
  await ending.close();
});
