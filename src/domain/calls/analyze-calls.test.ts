import assert from 'node:assert/strict';
import { test } from 'node:test';
import { analyzeCalls } from './analyze-calls.ts';
import type { Call } from './call.ts';
import { callLimitOf } from './call-limits.ts';
import type { CallRule } from './finding.ts';

let count = 0;

function call(given: Partial<Call> & { readonly atMs: number }): Call {
  count += 1;
  return {
    id: String(count),
    endMs: given.atMs + 20,
    user: '1001',
    service: 'sessiondirectory',
    verb: 'GET',
    path: '/handles/5deb0100-0000-4000-8000-000000000000/session',
    query: '',
    body: '',
    status: 200,
    ...given,
  };
}

/** `length` calls, `everyMs` apart, each of which asks for something else. */
function calls(length: number, everyMs: number, given: Partial<Call> = {}): Call[] {
  return Array.from({ length }, (_, at) =>
    call({ atMs: at * everyMs, query: `n=${at}`, ...given }),
  );
}

/** The findings of one rule: severity, count and sentence. */
function findings(rule: CallRule, given: readonly Call[]) {
  return analyzeCalls(given)
    .findings.filter((one) => one.rule === rule)
    .map(({ severity, count: of, sentence }) => [severity, of, sentence]);
}

test('30 calls in 15 s are allowed and nearly too many; the next is too much', () => {
  assert.deepEqual(findings('frequency', calls(26, 100)), []);
  assert.deepEqual(findings('frequency', calls(30, 100)), [
    ['warning', 30, '30 calls in 15 s; 30 are allowed.'],
  ]);
  assert.deepEqual(findings('frequency', calls(31, 100)), [
    ['error', 31, '31 calls in 15 s; 30 are allowed.'],
  ]);
  // The last one comes when the first is 15 s old.
  assert.deepEqual(findings('frequency', calls(31, 500)), [
    ['warning', 31, '30 calls in 15 s; 30 are allowed.'],
  ]);
});

test('limits count for each user and title, and each service, apart', () => {
  const half = calls(20, 100);
  const others = [
    { user: '1002' },
    { title: '77' },
    { service: 'userstats', path: '/users/xuid(1)/scids/a' },
  ];
  for (const other of others) {
    assert.deepEqual(
      findings(
        'frequency',
        half.flatMap((one) => [one, { ...one, ...other }]),
      ),
      [],
    );
  }
  assert.equal(
    findings(
      'frequency',
      half.flatMap((one) => [one, { ...one }]),
    ).length,
    1,
  );
});

test('over the sustained limit; over what certification allows is said instead', () => {
  assert.deepEqual(findings('frequency', calls(40, 2_000, { service: 'social', path: '/x' })), [
    ['error', 40, '40 calls in 300 s; 30 are allowed.'],
  ]);
  const many = calls(3_001, 90);
  const [first] = analyzeCalls(many).findings;
  assert.equal(first?.sentence, '3001 calls in 300 s; 3000 are allowed by certification.');
});

test('a search has a limit of its own, by its body or by what it includes', () => {
  const query = (body: string, include: string) =>
    callLimitOf(
      { service: 'sessiondirectory', verb: 'POST', path: '/handles/query', query: include },
      body,
    )?.name;
  assert.equal(query('{"type":"search"}', ''), 'search handles, read');
  assert.equal(
    query('{"type":"activity"}', 'include=relatedInfo,customProperties'),
    'session directory',
  );
  assert.equal(query('', 'include=relatedInfo,roleInfo,customProperties'), 'search handles, read');
  assert.equal(query('', 'include=relatedInfo,customProperties'), 'session directory');
  const posted = { service: 'sessiondirectory', verb: 'POST', path: '/handles', query: '' };
  assert.equal(callLimitOf(posted, '{"type":"search"}')?.name, 'search handles, written');
  assert.equal(callLimitOf(posted, '{"type":"invite"}')?.name, 'session directory');
  const presence = { service: 'userpresence', verb: 'POST', query: '' };
  assert.equal(callLimitOf({ ...presence, path: '/users/batch' })?.name, 'presence, read');
  assert.equal(
    callLimitOf({ ...presence, path: '/users/xuid(1)/devices/current/titles/current' })?.name,
    'presence, written',
  );
  assert.equal(callLimitOf({ ...presence, service: 'unheardof', path: '/' }), undefined);
});

test('two searches in 15 s are one too many', () => {
  const search = { verb: 'POST', path: '/handles/query', body: '{"type":"search"}' };
  assert.equal(findings('frequency', calls(2, 15_000, search)).length, 0);
  assert.equal(findings('frequency', calls(2, 14_000, search)).length, 1);
});

test('calls that were refused with 429', () => {
  assert.deepEqual(findings('throttled', calls(2, 9_000, { status: 429 })), [
    ['error', 2, '2 calls were answered 429: too many requests.'],
  ]);
  assert.deepEqual(findings('throttled', calls(2, 9_000)), []);
});

/** @source docs/wire/unknowns.md "what a repeated call is" */
test('the same call within 5 s is a repeat when it brings nothing new', () => {
  const same = { query: '', answer: '"a"' };
  assert.deepEqual(findings('repeat', calls(3, 4_999, same)), [
    ['warning', 3, 'The same call 3 times, within 5 s of each other, with the same answer.'],
  ]);
  assert.deepEqual(findings('repeat', calls(3, 5_000, same)), []);
  assert.deepEqual(findings('repeat', calls(3, 1_000, { answer: '"a"' })), [], 'other queries');
  assert.deepEqual(
    findings('repeat', [call({ ...same, atMs: 0 }), call({ ...same, atMs: 9, answer: '"b"' })]),
    [],
    'the session has changed between',
  );
  assert.deepEqual(
    findings('repeat', [call({ ...same, atMs: 0 }), call({ ...same, atMs: 9, user: '2' })]),
    [],
    'another user',
  );
});

test('five calls at one pace are polling, but for the heartbeat of presence', () => {
  const same = { query: '' };
  assert.deepEqual(findings('polling', calls(5, 20_000, same)), [
    ['warning', 5, 'The same call 5 times, every 20 s.'],
  ]);
  assert.deepEqual(findings('polling', calls(4, 20_000, same)), []);
  assert.deepEqual(findings('polling', calls(5, 400_000, same)), [], 'seldom enough');
  const uneven = [0, 10_000, 25_000, 31_000, 48_000].map((atMs) => call({ ...same, atMs }));
  assert.deepEqual(findings('polling', uneven), []);
  const jitter = [0, 5_100, 10_050, 15_200, 20_150].map((atMs) => call({ ...same, atMs }));
  assert.equal(findings('polling', jitter).length, 1);
  const heartbeat = {
    service: 'userpresence',
    verb: 'POST',
    path: '/users/xuid(1)/devices/current/titles/current',
  };
  assert.deepEqual(findings('polling', calls(6, 300_000, { ...same, ...heartbeat })), []);
});

test('users asked for one by one, a batch of one, and a batch in parts', () => {
  const single = (xuid: number, atMs: number) =>
    call({ atMs, service: 'profile', path: `/users/xuid(${xuid})/profile/settings` });
  assert.equal(findings('singles', [single(1, 0), single(2, 900), single(3, 1_800)]).length, 1);
  assert.deepEqual(findings('singles', [single(1, 0), single(2, 900)]), [], 'two');
  assert.deepEqual(
    findings('singles', [single(1, 0), single(1, 9), single(1, 18)]),
    [],
    'one user',
  );
  assert.deepEqual(findings('singles', [single(1, 0), single(2, 3e3), single(3, 6e3)]), [], 'slow');
  const batch = (atMs: number, ...xuids: string[]) =>
    call({
      atMs,
      verb: 'POST',
      path: '/serviceconfigs/a/batch',
      body: JSON.stringify({ xuids }),
    });
  assert.equal(findings('smallBatch', [batch(0, '1')]).length, 1);
  assert.deepEqual(findings('smallBatch', [batch(0, '1', '2')]), []);
  assert.deepEqual(findings('splitBatch', [batch(0, '1', '2'), batch(2_000, '3', '4')]), [
    ['warning', 2, '2 calls for 4 users in all, within 2 s of each other.'],
  ]);
  assert.deepEqual(findings('splitBatch', [batch(0, '1', '2'), batch(2_001, '3', '4')]), []);
  assert.deepEqual(
    findings('splitBatch', [{ ...batch(0), body: 'no JSON' }, batch(1, '1', '2')]),
    [],
  );
});

test('a call before Retry-After has passed, and a failed call that is tried again at once', () => {
  const busy = call({ atMs: 0, endMs: 10, status: 429, retryAfterSeconds: 10 });
  assert.deepEqual(findings('retry', [busy, call({ atMs: 10_009 })]), [
    ['error', 1, 'A call before Retry-After had passed (the last one: 10 s).'],
  ]);
  assert.deepEqual(findings('retry', [busy, call({ atMs: 10_010 })]), []);
  const failed = call({ atMs: 0, endMs: 10, status: 500 });
  assert.deepEqual(findings('retry', [failed, call({ atMs: 2_009 })]), [
    ['warning', 1, 'A failed call was tried again within 2 s.'],
  ]);
  assert.deepEqual(findings('retry', [failed, call({ atMs: 2_010 })]), []);
  assert.deepEqual(findings('retry', [{ ...failed, status: 412 }, call({ atMs: 500 })]), []);
});

test('a heap of calls among few is a burst; many all the time are none', () => {
  const quiet = calls(10, 10_000);
  assert.deepEqual(findings('burst', [...quiet, ...calls(5, 10).map(later(44_001))]), [
    ['warning', 5, '5 calls within 2 s; on average it was 0.3 calls in 2 s.'],
  ]);
  assert.deepEqual(findings('burst', calls(200, 300)), []);
});

function later(byMs: number) {
  return (one: Call): Call => ({ ...one, atMs: one.atMs + byMs, endMs: one.endMs + byMs });
}

test('a session written eleven times in a second', () => {
  const path = '/serviceconfigs/a/sessiontemplates/b/sessions/c';
  const write = { verb: 'PUT', path };
  assert.deepEqual(findings('sessionWrites', calls(11, 99, write)), [
    ['warning', 11, 'Session b/c was written more than 10 times within a second.'],
  ]);
  assert.deepEqual(findings('sessionWrites', calls(11, 100, write)), []);
});

// Kills: one user blamed for what many did; the writes after the tenth alone.
test('a session written by many users is said of all of them', () => {
  const path = '/serviceconfigs/a/sessionTemplates/Lobby/sessions/one';
  const write = (at: number, atMs: number) =>
    call({ atMs, verb: 'PUT', path, user: String(1_000 + at) });
  const joins = Array.from({ length: 15 }, (_, at) => write(at, at * 60));
  const { findings: found } = analyzeCalls([...joins, write(1, 30_000)]);
  const [finding = assert.fail(), ...others] = found.filter(({ rule }) => rule === 'sessionWrites');
  assert.deepEqual(others, []);
  assert.equal(finding.usersCount, 15);
  assert.equal(finding.count, 15);
  assert.equal(
    finding.sentence,
    'Session Lobby/one was written more than 10 times within a second.',
  );
});

test('numbers of each endpoint; ids and names do not make new ones', () => {
  const { endpoints } = analyzeCalls([
    ...calls(3, 10_000),
    call({ atMs: 5, path: '/handles/00000000-0000-4000-8000-00000000000a/session', user: '2' }),
    call({ atMs: 9, verb: 'POST', path: '/handles/query', status: 0 }),
  ]);
  assert.deepEqual(endpoints, [
    {
      endpoint: 'GET sessiondirectory/handles/{id}/session',
      calls: 4,
      users: 2,
      failed: 0,
      burstPeak: 2,
      sustainedPeak: 3,
      limit: 'session directory',
    },
    {
      endpoint: 'POST sessiondirectory/handles/query',
      calls: 1,
      users: 1,
      failed: 1,
      burstPeak: 1,
      sustainedPeak: 1,
      limit: 'session directory',
    },
  ]);
});
