/** What the inspector does with --control: acts as users, moves time, saves and loads the state. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { JsonObject } from '../domain/json.ts';
import { keyOf } from '../domain/session/reference.ts';
import { type RunningServer, startServer } from '../server.ts';
import { demoScid, Kit } from '../testing/kit.ts';
import { manualClock } from '../testing/manual-clock.ts';
import type {
  ActAnswer,
  ActingConnection,
  ActRequest,
  ClockState,
  InspectorInfo,
  LoadedState,
  RequestDetail,
  SavedState,
  SessionDetail,
  UserDetail,
} from './api-types.ts';

const root = '/inspector/api/v1';
const startMs = Date.UTC(2026, 0, 1);

let server: RunningServer;
let kit: Kit;

before(async () => {
  const clock = manualClock(startMs);
  server = await startServer({ port: 0, store: 'memory', clock, control: true, tapWindowMs: 0 });
  kit = new Kit(server.url, undefined);
});

after(() => server.close());

async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await fetch(`${server.url}${root}${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

const act = (request: ActRequest) => ask<ActAnswer>('POST', '/act', request);

const ada = { xuid: '1001', gamertag: 'Ada' } as const;

test('it acts as a development user, and the log shows the request', async () => {
  const info = await ask<InspectorInfo>('GET', '');
  assert.deepEqual([info.mayControl, info.mayAct], [true, true]);
  const { scid, templateName, name } = kit.reference();
  const target = `/serviceconfigs/${scid}/sessionTemplates/${templateName}/sessions/${name}`;
  const body = {
    members: {
      me: { properties: { system: { active: true }, custom: { big: 12345678901234567890n } } },
    },
  };
  const answer = await fetch(`${server.url}${root}/act`, {
    method: 'POST',
    body: JSON.stringify({ as: ada, method: 'PUT', target, body }, (_key, value) =>
      typeof value === 'bigint'
        ? (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(value))
        : value,
    ),
  });
  const created = (await answer.json()) as ActAnswer;
  assert.equal(created.status, 201, created.body);
  assert.match(created.body, /12345678901234567890/);
  assert.equal(created.headers['x-xblcorrelationid'], created.requestId);
  const detail = await ask<RequestDetail>('GET', `/requests/${created.requestId}`);
  assert.deepEqual(detail.row.caller, { xuid: ada.xuid, gamertag: 'Ada' });

  const refused = await act({
    as: { xuid: '1002' },
    method: 'PUT',
    target,
    headers: { 'If-None-Match': '*' },
    body: {},
  });
  assert.deepEqual([refused.status, refused.headers['x-mpsd-refusal']], [412, 'sessionExists']);
  const broken = await act({ as: ada, method: 'PUT', target, bodyText: '{' });
  assert.equal(broken.headers['x-mpsd-refusal'], 'bodyNotJson');
});

test('it holds connections for users, until they are dropped', async () => {
  const { id } = await ask<ActingConnection>('POST', '/act/connections', { as: ada });
  const { connections } = await ask<UserDetail>('GET', `/users/${ada.xuid}`);
  assert.deepEqual(
    connections.map((one) => [one.id, one.subscriptions.map(({ resource }) => resource)]),
    [[id, ['https://sessiondirectory.xboxlive.com/connections/']]],
  );
  await ask('POST', `/control/connections/${id}/drop`);
  assert.deepEqual((await ask<UserDetail>('GET', `/users/${ada.xuid}`)).connections, []);
  const { id: second } = await ask<ActingConnection>('POST', '/act/connections', { as: ada });
  await ask('DELETE', `/act/connections/${second}`);
  const gone = await kit.request('DELETE', `${root}/act/connections/${second}`);
  assert.deepEqual([gone.status, gone.refusal], [404, 'connectionUnknown']);
});

test('what cannot be sent is refused with the place', async () => {
  const good = { as: ada, method: 'GET', target: '/handles' };
  const cases: readonly (readonly [body: JsonObject, detail: string])[] = [
    [{ ...good, target: '/inspector/api/v1/state' }, '$.target'],
    [{ ...good, target: '/control' }, '$.target'],
    [{ ...good, target: 'http://example.com/' }, '$.target'],
    [{ ...good, target: '/a b' }, '$.target'],
    [{ ...good, as: { xuid: 'ada' } }, '$.as.xuid'],
    [{ ...good, method: 'CONNECT' }, '$.method'],
    [{ ...good, headers: { Authorization: 'x' } }, '$.headers'],
    [{ ...good, headers: { 'x-a': 'a\r\nb: c' } }, '$.headers'],
    [{ ...good, more: 1 }, '$.more'],
  ];
  for (const [body, detail] of cases) {
    const answer = await kit.request('POST', `${root}/act`, { body });
    assert.deepEqual(
      [answer.status, answer.refusal, answer.detail],
      [400, 'requestInvalid', detail],
    );
  }
});

// Kills: a clock that is frozen or moved, of which an open page does not hear, or hears the time before.
test('every open page hears that the clock is frozen, moved, and goes on', async () => {
  const ending = new AbortController();
  const answer = await fetch(`${server.url}${root}/stream`, { signal: ending.signal });
  assert.ok(answer.body);
  const parts = answer.body.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  let text = '';
  const nextClock = async (): Promise<ClockState> => {
    for (;;) {
      const line = /^data: (.*"kind":"clock".*)\n/m.exec(text);
      if (line?.[1] !== undefined) {
        text = text.slice(line.index + line[0].length);
        return (JSON.parse(line[1]) as { readonly clock: ClockState }).clock;
      }
      const { value, done } = await parts.next();
      assert.ok(!done, 'the stream has ended');
      text += value;
    }
  };
  const { clock } = await ask<InspectorInfo>('GET', '');
  const movedMs = clock.nowMs + 10_000;
  await ask('POST', '/control/clock', { freeze: true });
  assert.deepEqual(await nextClock(), { ...clock, isFrozen: true });
  await ask('POST', '/control/clock', { advanceMs: 10_000 });
  assert.deepEqual(await nextClock(), { nowMs: movedMs, isFrozen: true });
  await ask('POST', '/control/clock', { freeze: false });
  assert.deepEqual(await nextClock(), { nowMs: movedMs, isFrozen: false });
  // Back where it was: the next tests begin there.
  await ask('POST', '/control/clock', { nowMs: clock.nowMs });
  assert.deepEqual(await nextClock(), clock);
  ending.abort();
});

test('the whole state is saved as a file and comes back, with its time', async () => {
  const reference = kit.reference();
  const { templateName, name } = reference;
  const [eve, fay] = [kit.user('eve'), kit.user('fay')];
  await eve.join(reference);
  await eve.putSession(reference, {
    properties: { custom: { map: 'harbor', exact: 1.5 } },
    members: { reserve_0: { constants: { system: { xuid: fay.xuid } } } },
  });
  const body = { version: 1, type: 'activity', sessionRef: reference };
  assert.equal((await eve.request('POST', '/handles', { body })).status, 201);
  const invite = {
    version: 1,
    type: 'invite',
    sessionRef: reference,
    invitedXuid: fay.xuid,
    inviteAttributes: { titleId: '1297287741' },
  };
  assert.equal((await eve.request('POST', '/handles', { body: invite })).status, 201);
  await eve.request('PUT', `/users/xuid(${eve.xuid})/people/mute`, { body: { xuid: fay.xuid } });

  const path = `/sessions/${demoScid}/${templateName}/${name}`;
  const former = await ask<SessionDetail>('GET', path);
  const file = await ask<SavedState>('GET', '/state');
  assert.equal(file.savedMs, startMs);

  await eve.putSession(reference, { members: { me: null, 1: null } });
  await ask('POST', '/control/clock', { advanceMs: 86_400_000 });
  const other = kit.reference();
  await eve.join(other);
  await eve.request('DELETE', `/users/xuid(${eve.xuid})/people/mute`, { body: { xuid: fay.xuid } });

  const loaded = await ask<LoadedState>('PUT', '/state', file);
  assert.ok(loaded.removedSessionsCount >= 1);
  assert.equal(loaded.sessionsCount, file.sessions.length);
  const restored = await ask<SessionDetail>('GET', path);
  assert.deepEqual(restored.members, former.members);
  assert.deepEqual(restored.timers, former.timers);
  assert.deepEqual(restored.document['properties'], former.document['properties']);
  assert.equal(
    (await kit.request('GET', `${root}/sessions/${demoScid}/${other.templateName}/${other.name}`))
      .status,
    404,
  );
  const user = await ask<UserDetail>('GET', `/users/${fay.xuid}`);
  assert.deepEqual(
    user.invites.map(({ senderXuid }) => senderXuid),
    [eve.xuid],
  );
  const sender = await ask<UserDetail>('GET', `/users/${eve.xuid}`);
  assert.deepEqual([sender.activities.length, sender.people.mutes], [1, [fay.xuid]]);
  assert.equal(sender.nowMs, startMs);

  // Clients go on with what was loaded.
  const left = await eve.putSession(reference, { members: { me: null } });
  assert.equal(left.status, 200, left.text);
  assert.deepEqual((await ask<SavedState>('GET', '/state')).sessions.length, file.sessions.length);
});

test('a file that is not a saved state changes nothing', async () => {
  const reference = kit.reference();
  await kit.user('gil').join(reference);
  const file = await ask<SavedState>('GET', '/state');
  const [session] = file.sessions;
  assert.ok(session);
  const cases: readonly (readonly [body: unknown, refusal: string, detail: string | undefined])[] =
    [
      [{ ...file, openmpsdState: 2 }, 'requestInvalid', '$.openmpsdState'],
      [
        { ...file, sessions: [...file.sessions, session] },
        'requestInvalid',
        `$.sessions[${file.sessions.length}]`,
      ],
      [
        { ...file, sessions: [{ ...session, reference: { scid: 'x' } }] },
        'requestInvalid',
        '$.sessions[0].reference.scid',
      ],
      [
        { ...file, sessions: [{ ...session, members: [{}] }] },
        'requestInvalid',
        '$.sessions[0].members[0].index',
      ],
      [
        { ...file, sessions: [{ ...session, constants: {} }] },
        'requestInvalid',
        '$.sessions[0].constants.system',
      ],
      [{ ...file, handles: [{ id: 'x' }] }, 'requestInvalid', '$.handles[0].type'],
      [{ ...file, users: [{ xuid: 'x' }] }, 'requestInvalid', '$.users[0].xuid'],
    ];
  for (const [body, refusal, detail] of cases) {
    const answer = await kit.request('PUT', `${root}/state`, { body });
    assert.deepEqual(
      [answer.status, answer.refusal, answer.detail],
      [400, refusal, detail],
      answer.text,
    );
  }
  const notJson = await fetch(`${server.url}${root}/state`, { method: 'PUT', body: '{' });
  assert.equal(notJson.headers.get('x-mpsd-refusal'), 'bodyNotJson');
  const list = await ask<SavedState>('GET', '/state');
  assert.deepEqual(list.sessions, file.sessions);
  assert.ok(file.sessions.some((one) => keyOf(one['reference'] as never) === keyOf(reference)));
});

test('no page of another origin acts', async () => {
  const before = await ask<SavedState>('GET', '/state');
  for (const origin of ['https://example.com', 'http://localhost:5173', 'null']) {
    for (const [method, path] of [
      ['POST', '/act'],
      ['POST', '/act/connections'],
      ['PUT', '/state'],
      ['POST', '/control/clock'],
    ] as const) {
      const asked = { headers: { origin, 'content-type': 'text/plain' }, body: { advanceMs: 1 } };
      const answer = await kit.request(method, `${root}${path}`, asked);
      assert.deepEqual([answer.status, answer.refusal], [403, 'originForbidden'], path);
      const preflight = await kit.request('OPTIONS', `${root}${path}`, {
        headers: { origin, 'access-control-request-method': method },
      });
      assert.equal(preflight.headers.get('access-control-allow-origin'), null);
    }
  }
  assert.deepEqual(await ask<SavedState>('GET', '/state'), before);
});

test('without --control it only reads', async () => {
  await using other = await startServer({ port: 0, store: 'memory' });
  const watching = new Kit(other.url, undefined);
  const cases = [
    ['POST', '/act'],
    ['POST', '/act/connections'],
    ['GET', '/state'],
    ['PUT', '/state'],
    ['POST', '/control/clock'],
  ] as const;
  for (const [method, path] of cases) {
    const body = method === 'GET' ? {} : { body: {} };
    const answer = await watching.request(method, `${root}${path}`, body);
    assert.deepEqual([answer.status, answer.refusal], [404, 'pathUnknown'], path);
  }
});
