/**
 * Random bytes, random JSON and spoilt requests at every route.
 *
 * What holds: never a fault of the server, never a hang; a refusal says which rule and where, and
 * changes nothing.
 *
 * The same requests are drawn each time; others are drawn each night. `MPSD_FUZZ_REQUESTS` sets how many
 * are sent, `MPSD_FUZZ_SEED` which: both are printed, and a failure prints the requests that it shrank to.
 */

import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../../src/domain/json.ts';
import { refusalCodes } from '../../src/domain/refusal.ts';
import { formatSessionPath, type SessionReference } from '../../src/domain/session/reference.ts';
import { isAimed, startKit, type Kit, type KitUser } from '../../src/testing/kit.ts';
import {
  activityOf,
  assertNoNulls,
  assertStatus,
  inviteTo,
  needsClock,
  reserve,
  transferTo,
} from '../conformance/answers.ts';
import { RawConnection } from '../conformance/raw.ts';
import {
  anyRequest,
  type Answer,
  cut,
  type DrawnRequest,
  inLane,
  type Lane,
  me,
  openLane,
  patienceMs,
  routes,
  send,
} from './drawn-requests.ts';

const requestsMin = Number(process.env.MPSD_FUZZ_REQUESTS ?? 20_000);
const seed = Number(process.env.MPSD_FUZZ_SEED ?? 20_260_722);
const lanes = 8;
const requestsPerLane = 25;
/** The watched need a clock that stands still, so that nothing changes by itself. */
const skip = isAimed && needsClock;
/** How long a failure is made smaller. */
const shrinkMs = 30_000;

/** Where all lanes send. */
type Range = { readonly kit: Kit; readonly url: string; readonly agent: Agent };

/** What stands at a path, as a service sees it: with its ETag, byte for byte. */
async function look({ url, agent }: Range, target: string): Promise<string> {
  const { status, headers, text } = await send(url, agent, {
    method: 'GET',
    target,
    headers: { authorization: 'XBL3.0 x=-;svc=onlooker', 'x-xbl-contract-version': '107' },
    body: undefined,
  });
  return `${status} ${headers.get('etag')} ${text}`;
}

/** The watched of a lane: where two sessions and three handles are, and what stands there. */
async function readWatched(range: Range, lane: Lane): Promise<Map<string, string>> {
  const { lobby, game, words } = lane;
  const handles = ['ACTIVITY', 'INVITE', 'TRANSFER'].map((word) => `/handles/${words.get(word)}`);
  const targets = [formatSessionPath(lobby), formatSessionPath(game), ...handles];
  const seen = new Map<string, string>();
  for (const target of targets) seen.set(target, await look(range, target));
  words.set('ETAG', seen.get(formatSessionPath(lobby))?.split(' ')[1] ?? '"none"');
  return seen;
}

/** Sets the watched up anew where a request that went through took them away. */
async function restoreWatched(range: Range, lane: Lane): Promise<Map<string, string>> {
  const { kit } = range;
  const { ada, bob, lobby, game, words } = lane;
  const seen = await readWatched(range, lane);
  const isWhole = [...seen.values()].every((one) => one.startsWith('200'));
  if (isWhole && seen.get(formatSessionPath(lobby))?.includes(bob.xuid)) return seen;
  const open = {
    system: { closed: false, locked: false, joinRestriction: 'none', readRestriction: 'none' },
  };
  const arrive = async (user: KitUser, reference: SessionReference): Promise<void> => {
    // Whatever the session has become, a service can end it, and it begins anew.
    let joined = await user.putSession(reference, { ...me, properties: open });
    if (joined.status >= 400) {
      const { json } = await kit.service().getSession(reference);
      const everybody = Object.keys((json.members ?? {}) as JsonObject).map((index) => [
        index,
        null,
      ]);
      await kit.service().putSession(reference, { members: Object.fromEntries(everybody) });
      joined = await user.putSession(reference, me);
    }
    assert.ok(joined.status < 300, joined.text);
  };
  await arrive(ada, lobby);
  await ada.putSession(lobby, reserve(bob));
  await arrive(bob, lobby);
  await arrive(ada, game);
  if (!(await ada.getSession(lobby)).text.includes(ada.xuid)) await arrive(ada, lobby);
  for (const [word, body] of [
    ['ACTIVITY', activityOf(lobby)],
    ['INVITE', inviteTo(lobby, bob.xuid)],
    ['TRANSFER', transferTo(game, lobby)],
  ] as const) {
    const made = await ada.postHandle(body);
    assertStatus(made, 201);
    words.set(word, String(made.json.id));
  }
  return readWatched(range, lane);
}

// ── What holds ───────────────────────────────────────────────────────────────────────────────────

const codes: ReadonlySet<string> = new Set(refusalCodes);

/** The rules that a refusal can name without a place in the body. */
const placed = /\$|^path:|query\b|in the path|xuid \d|line \d+, column \d+|nests|empty/;

function check(sent: Omit<DrawnRequest, 'route'>, { status, headers, text }: Answer): void {
  const summary = `${sent.method} ${sent.target} → ${status} ${headers.get('x-mpsd-refusal')}: ${text.slice(0, 300)}`;
  assert.ok(status >= 200 && status < 500, summary);
  assert.ok(headers.get('date'), summary);
  assert.ok(headers.get('x-xblcorrelationid'), summary);
  assert.equal(headers.get('x-content-type-options'), 'nosniff', summary);
  if (status < 300) {
    assert.ok([200, 201, 204].includes(status), summary);
    assert.equal(headers.get('x-mpsd-refusal'), null, summary);
    // One route answers a person, in words.
    const isWords = headers.get('content-type')?.startsWith('text/plain') ?? false;
    if (text !== '' && !isWords) assertNoNulls(JSON.parse(text));
    return;
  }
  if (status === 304) return;
  if (status === 302) {
    assert.match(headers.get('location') ?? '', /^ms-|^https?:/, summary);
    return;
  }
  const code = headers.get('x-mpsd-refusal') ?? '';
  assert.ok(codes.has(code), summary);
  if (sent.method === 'HEAD' || code === 'sessionMissing') {
    assert.equal(text, '', summary);
  } else if (headers.get('content-type') === 'application/json') {
    const body = JSON.parse(text);
    const { membersInfo, code: number, description, XErr, error } = body;
    // Clients of the login chain read a number, those of OAuth and of activities a word.
    if (XErr !== undefined) {
      assert.equal(status, 401, summary);
      assert.equal(headers.get('x-err'), String(XErr), summary);
    } else if (error !== undefined) assert.equal(status, 400, summary);
    else if (body.errorCode !== undefined) {
      if (code === 'requestInvalid') assert.match(body.debugMessage, placed, summary);
    } else if (number === undefined) {
      assert.ok(status === 403 || status === 412, summary);
      assert.ok(membersInfo, summary);
    } else {
      assert.ok(status === 400 || status === 403, summary);
      if (code === 'requestInvalid') assert.match(description, placed, summary);
    }
  } else {
    assert.match(headers.get('content-type') ?? '', /^text\/plain\b/, summary);
    assert.match(text, /\w+ .*\w+/s, summary);
    if (code === 'requestInvalid' || code === 'bodyNotJson') assert.match(text, placed, summary);
  }
}

const tally = new Map<string, number>();

function count(what: string): void {
  tally.set(what, (tally.get(what) ?? 0) + 1);
}

/**
 * Sends these one after the other, and sees that the refused ones have changed nothing: at once in
 * the lobby, now and then in one of the other watched, and in the end in all.
 */
async function runLane(range: Range, lane: Lane, requests: readonly DrawnRequest[]): Promise<void> {
  let watched = await restoreWatched(range, lane);
  const assertUnchanged = async (target: string, by: string): Promise<void> => {
    assert.equal(await look(range, target), watched.get(target), `${target} after ${by}`);
  };
  for (const [i, request] of requests.entries()) {
    const sent = inLane(request, lane);
    const answer = await send(range.url, range.agent, sent);
    count('requests');
    count(String(answer.status));
    count(request.route);
    count(answer.headers.get('x-mpsd-refusal') ?? 'no refusal');
    check(sent, answer);
    const by = `${sent.method} ${sent.target} → ${answer.status}`;
    if (answer.status < 300 && sent.method !== 'GET') {
      watched = await readWatched(range, lane);
    } else {
      const [first = '', ...others] = watched.keys();
      await assertUnchanged(first, by);
      if (i % 4 === 0) await assertUnchanged(others[(i / 4) % others.length] ?? first, by);
    }
  }
  for (const target of watched.keys()) await assertUnchanged(target, 'all');
}

/** Each lane with its share of the drawn requests, all lanes at once. */
async function runLanes(
  range: Range,
  all: readonly Lane[],
  requests: readonly DrawnRequest[],
): Promise<void> {
  const share = (lane: number) => requests.filter((_, at) => at % all.length === lane);
  await Promise.all(all.map((lane, i) => runLane(range, lane, share(i))));
}

const sentSoFar = (): number => tally.get('requests') ?? 0;

/**
 * The property, which after its first failure goes on failing for so long only: then the smallest
 * counterexample found has to do.
 */
function shrinkingFor<T>(timeMs: number, holds: (drawn: T) => Promise<void>) {
  let untilMs = Number.POSITIVE_INFINITY;
  return async (drawn: T): Promise<void> => {
    if (Date.now() > untilMs) return;
    try {
      await holds(drawn);
    } catch (error) {
      untilMs = Math.min(untilMs, Date.now() + timeMs);
      throw error;
    }
  };
}

// Kills: a write that is kept although it was refused; a nesting limit that is not looked at; a
// refusal without its sentence.
test('every route under random requests', { skip }, async (t) => {
  t.diagnostic(`seed ${seed}`);
  await using kit = await startKit();
  const agent = new Agent({ keepAlive: true, maxSockets: lanes });
  const all = Array.from({ length: lanes }, (_, i) => openLane(kit, i, seed));
  const bystander = kit.reference('private');
  const owner = kit.user('bystander');
  assertStatus(await owner.join(bystander), 201);
  const before = await owner.getSession(bystander);
  const range: Range = { kit, url: kit.url, agent };
  const batch = fc.array(anyRequest, {
    minLength: 1,
    maxLength: lanes * requestsPerLane,
    size: 'max',
  });
  try {
    for (let round = 0; sentSoFar() < requestsMin; round += 1) {
      const property = fc.asyncProperty(
        batch,
        shrinkingFor(shrinkMs, (requests) => runLanes(range, all, requests)),
      );
      await fc.assert(property, { seed: seed + round, numRuns: 20 });
    }
  } finally {
    agent.destroy();
  }
  const after = await owner.getSession(bystander);
  assert.equal(after.text, before.text);
  assert.equal(after.etag, before.etag);

  const summary = [...tally]
    .sort(([, a], [, b]) => b - a)
    .map(([what, times]) => `${what}: ${times}`);
  t.diagnostic(summary.join('; '));
  // Requests that are all refused at once would show nothing.
  for (const { method, path } of routes) assert.ok(tally.has(`${method} ${path}`), path);
  if (requestsMin >= 5_000) {
    for (const seen of ['200', '201', '204', '400', '401', '403', '404', '405', '409', '412']) {
      assert.ok(tally.has(seen), `nothing was answered ${seen}`);
    }
  }
});

const requestText = [
  'PUT /serviceconfigs/x/sessiontemplates/y/sessions/z HTTP/1.1',
  'Host: sessiondirectory.xboxlive.com',
  'Authorization: Bearer nobody',
  'X-Xbl-Contract-Version: 107',
  'Content-Type: application/json',
  'Transfer-Encoding: chunked',
  '',
  '2',
  '{}',
  '0',
  '',
  '',
].join('\r\n');

/** Bytes, one character each. */
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  cut(fc.constant(requestText)),
  cut(cut(fc.constant(requestText.replace('Transfer-Encoding: chunked', 'Content-Length: 15')))),
  fc.constantFrom(
    '\r\n'.repeat(5_000),
    'GET '.repeat(5_000),
    `GET / HTTP/1.1\r\n${'a: b\r\n'.repeat(5_000)}\r\n`,
  ),
);

// Kills: an error of the connection that nobody listens to, which ends the process.
test('bytes that are hardly HTTP', { skip }, async (t) => {
  t.diagnostic(`seed ${seed}`);
  await using kit = await startKit();
  const numRuns = Math.min(500, requestsMin);
  let answered = 0;
  const property = fc.asyncProperty(anyBytes, async (bytes) => {
    const signal = AbortSignal.timeout(patienceMs);
    await using connection = new RawConnection(kit.url, { signal });
    connection.write(bytes);
    connection.end();
    const received = await connection.untilEnd();
    assert.equal(signal.aborted, false, 'the server neither answers nor hangs up');
    const statuses = received.match(/(?<=^HTTP\/1\.1 )\d+/gm) ?? [];
    for (const status of statuses) assert.match(status, /^4\d\d$/, received);
    if (received === '') return;
    assert.match(received, /^X-Mpsd-Refusal: \w+\r$/m);
    answered += 1;
  });
  await fc.assert(property, { seed, numRuns });
  assert.ok(answered > numRuns / 4, `only ${answered} of ${numRuns} were answered`);
  assert.equal((await kit.request('GET', '/nothing')).status, 404);
});
