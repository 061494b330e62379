import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyOf } from '../domain/session/reference.ts';
import { CannotStart, startServer } from '../server.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { at, Kit, type KitUser } from '../testing/kit.ts';
import { manualClock } from '../testing/manual-clock.ts';

const startMs = Date.UTC(2026, 0, 1);

async function open() {
  const machine = manualClock(startMs);
  const store = openMemoryStore();
  const server = await startServer({ port: 0, store, clock: machine, control: true });
  const kit = new Kit(server.url, undefined);
  const tests = kit.service('tests');
  const clock = (body: unknown) => tests.request('POST', '/control/clock', { body });
  return { machine, store, kit, tests, clock, [Symbol.asyncDispose]: () => server.close() };
}

async function clockOf(tests: KitUser) {
  return at((await tests.request('GET', '/control')).json, 'clock');
}

test('GET /control answers with the clock and the connections', async () => {
  await using opened = await open();
  const answer = await opened.tests.request('GET', '/control', {
    headers: { 'x-xbl-contract-version': '' },
  });
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json, {
    clock: { nowMs: startMs, now: '2026-01-01T00:00:00.0000000Z', frozen: false },
    connections: [],
    refusals: [],
    routes: [
      'GET /control',
      'POST /control/clock',
      'POST /control/connections/{id}/drop',
      'POST /control/connections/{id}/taps',
      'POST /control/refusals',
      'DELETE /control/refusals',
    ],
  });
});

test('the clock is frozen, set, advanced and let run', async () => {
  await using opened = await open();
  const { machine, clock, tests } = opened;
  const steps = [
    [{ freeze: true }, { nowMs: startMs, frozen: true }],
    [{ advanceMs: 1_500 }, { nowMs: startMs + 1_500, frozen: true }],
    [{ nowMs: 0 }, { nowMs: 0, frozen: true }],
    [
      { freeze: false, advanceMs: 7 },
      { nowMs: 7, frozen: false },
    ],
    [
      { freeze: true, nowMs: startMs },
      { nowMs: startMs, frozen: true },
    ],
  ] as const;
  for (const [body, expected] of steps) {
    const answer = await clock(body);
    assert.equal(answer.status, 200, answer.text);
    const { nowMs, frozen } = answer.json['clock'] as { nowMs: number; frozen: boolean };
    assert.deepEqual({ nowMs, frozen }, expected);
    assert.deepEqual(await clockOf(tests), answer.json['clock']);
  }
  machine.advance(99);
  assert.equal(at(await clockOf(tests), 'nowMs'), startMs);
  await clock({ freeze: false });
  machine.advance(1);
  assert.equal(at(await clockOf(tests), 'nowMs'), startMs + 1);
});

test('when an advance is answered, what came due has happened', async () => {
  await using opened = await open();
  const { kit, clock, store } = opened;
  const reference = kit.reference();
  const [ada, ben] = [kit.user('ada'), kit.user('ben')];
  await ada.join(reference);
  await ada.putSession(reference, {
    members: { reserve_0: { constants: { system: { xuid: ben.xuid } } } },
  });
  const count = async () => (await store.session(keyOf(reference)))?.session.members.length;
  await clock({ advanceMs: 29_999 });
  assert.equal(await count(), 2);
  await clock({ advanceMs: 1 });
  assert.equal(await count(), 1, 'the reservation has run out');
});

test('what the control API cannot do is refused with the place and what would be right', async () => {
  await using opened = await open();
  const { tests } = opened;
  const id = 'EC6C5D7E-0000-4000-8000-000000000000';
  const cases = [
    ['clock', {}, 400, 'requestInvalid', '$', /"freeze", "advanceMs" or "nowMs"/],
    ['clock', { freeze: 'yes' }, 400, 'requestInvalid', '$.freeze', /true or false/],
    ['clock', { advanceMs: -1 }, 400, 'requestInvalid', '$.advanceMs', /an integer from 0/],
    ['clock', { advanceMs: 1, nowMs: 2 }, 400, 'requestInvalid', '$.nowMs', /not both/],
    ['clock', { advanceMs: 253402300799999 }, 400, 'requestInvalid', '$.advanceMs', /9999/],
    ['clock', { thaw: true }, 400, 'requestInvalid', '$.thaw', /not known/],
    ['refusals', { status: 503 }, 400, 'requestInvalid', '$.path', /a path such as/],
    [
      'refusals',
      { path: 'handles', status: 503 },
      400,
      'requestInvalid',
      '$.path',
      /a path such as/,
    ],
    ['refusals', { path: '/*', status: 200 }, 400, 'requestInvalid', '$.status', /from 400 to 599/],
    ['refusals', { path: '/*', status: 503, times: 0 }, 400, 'requestInvalid', '$.times', /from 1/],
    [
      'refusals',
      { path: '/*', status: 503, code: 'a\r\nb' },
      400,
      'requestInvalid',
      '$.code',
      /a code/,
    ],
    [
      'refusals',
      { path: '/*', status: 503, method: 'PATCH' },
      400,
      'requestInvalid',
      '$.method',
      /"PUT"/,
    ],
    [`connections/${id}/drop`, undefined, 404, 'connectionUnknown', undefined, /GET \/control/],
    [
      `connections/${id}/taps`,
      { drop: true },
      404,
      'connectionUnknown',
      undefined,
      /No connection/,
    ],
  ] as const;
  for (const [path, body, status, refusal, detail, text] of cases) {
    const answer = await tests.request('POST', `/control/${path}`, { body });
    assert.deepEqual([answer.status, answer.refusal, answer.detail], [status, refusal, detail]);
    assert.match(answer.text, text);
  }
  assert.equal(at(await clockOf(tests), 'nowMs'), startMs, 'nothing has moved');
});

test('a test refuses requests: by path, method and user, as often as it wants', async () => {
  await using opened = await open();
  const { kit, tests } = opened;
  const [ada, ben] = [kit.user('ada'), kit.user('ben')];
  const reference = kit.reference();
  const refuse = async (body: unknown) => {
    const answer = await tests.request('POST', '/control/refusals', { body });
    assert.equal(answer.status, 200, answer.text);
    return at(answer.json, 'refusals');
  };
  const first = {
    path: '/ServiceConfigs/*/sessions/*',
    status: 503,
    times: 2,
    method: 'PUT',
    xuid: ada.xuid,
    code: 'tooBusy',
    retryAfterSeconds: 7,
  };
  assert.deepEqual(await refuse({ ...first, method: 'put' }), [first]);

  for (const left of [1, 0]) {
    const { status, refusal, headers, text } = await ada.join(reference);
    assert.deepEqual([status, refusal, headers.get('retry-after')], [503, 'tooBusy', '7']);
    assert.match(text, /A test wanted/);
    const { json } = await tests.request('GET', '/control');
    assert.equal(at(json, 'refusals.0.times'), left === 0 ? undefined : left);
    // Neither another user nor another method is refused, nor counts.
    assert.equal((await ben.getSession(kit.reference())).status, 204);
    assert.equal((await ada.getSession(reference)).status, 204);
  }
  assert.equal((await ada.join(reference)).status, 201);

  await refuse({ path: '/*', status: 500, times: 100 });
  const refused = await ben.join(reference);
  assert.deepEqual([refused.status, refused.refusal], [500, undefined]);
  await assert.rejects(ben.connect(), /HTTP 500: A test wanted/);
  assert.equal((await kit.request('GET', '/health/live')).status, 500);
  assert.equal((await tests.request('DELETE', '/control/refusals')).status, 204);
  assert.equal((await ben.join(reference)).status, 200);
});

test('of two refusals the older one comes first, and a path without a star is the whole path', async () => {
  await using opened = await open();
  const { kit, tests } = opened;
  const ada = kit.user('ada');
  for (const [path, status] of [
    ['/handles', 501],
    ['/h*n*es', 502],
    ['/handles/*', 503],
  ] as const) {
    await tests.request('POST', '/control/refusals', { body: { path, status } });
  }
  const statuses: number[] = [];
  for (const path of ['/handles', '/HANDLES?include=relatedInfo', '/handles', '/handles/query']) {
    statuses.push((await ada.request('POST', path, { body: {} })).status);
  }
  assert.deepEqual(statuses, [501, 502, 400, 503]);
});

test('no more refusals are taken than anybody wants', async () => {
  await using opened = await open();
  const body = { path: '/x', status: 503 };
  const ask = () => opened.tests.request('POST', '/control/refusals', { body });
  for (let count = 0; count < 100; count += 1) assert.equal((await ask()).status, 200);
  assert.deepEqual([(await ask()).status, (await ask()).detail], [400, '$']);
});

test('only game services may control', async () => {
  await using opened = await open();
  const { kit } = opened;
  const asUser = await kit.user('ada').request('GET', '/control');
  assert.deepEqual([asUser.status, asUser.refusal], [403, 'serviceRequired']);
  const asNobody = await kit.request('POST', '/control/clock', { body: { freeze: true } });
  assert.deepEqual([asNobody.status, asNobody.refusal], [401, 'notAuthenticated']);
});

test('without --control there is nothing to control', async () => {
  await using server = await startServer({ port: 0, store: 'memory' });
  const answer = await new Kit(server.url, undefined).service().request('GET', '/control');
  assert.deepEqual([answer.status, answer.refusal], [404, 'pathUnknown']);
});

test('other machines do not get the control API unless that was asked for', async () => {
  const options = { port: 0, store: 'memory', host: '0.0.0.0', allowDevAuth: true } as const;
  await assert.rejects(startServer({ ...options, control: true }), (error) => {
    assert.ok(error instanceof CannotStart);
    assert.equal(error.problems.length, 1);
    assert.match(error.message, /^host 0\.0\.0\.0 .* add allowControl if/);
    return true;
  });
  await using server = await startServer({ ...options, control: true, allowControl: true });
  assert.match(server.url, /^http/);
});

test('no page may call it, of this machine neither', async () => {
  await using opened = await open();
  const origin = 'http://localhost:5173';
  for (const path of ['/control', '/control/clock']) {
    const preflight = await opened.kit.request('OPTIONS', path, {
      headers: { origin, 'access-control-request-method': path === '/control' ? 'GET' : 'POST' },
    });
    assert.equal(preflight.refusal, 'originForbidden', path);
    assert.equal(preflight.headers.get('access-control-allow-origin'), null);
  }
  const asked = await opened.tests.request('GET', '/control', { headers: { origin } });
  assert.equal(asked.refusal, 'originForbidden');
});
