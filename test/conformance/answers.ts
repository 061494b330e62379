/**
 * What the conformance tests expect of answers, and how they spoil requests.
 */

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { isJsonObject, type Json, type JsonObject } from '../../src/domain/json.ts';
import type { RefusalCode } from '../../src/domain/refusal.ts';
import type { SessionReference } from '../../src/domain/session/reference.ts';
import { at, joinBody, type Kit, type KitAnswer, type KitUser } from '../../src/testing/kit.ts';

export const guidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
export const etagPattern = /^"[0-9a-f]{32}"$/;
export const timePattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{7}Z$/;

/** Why a test that moves the clock cannot run against a server that runs elsewhere. */
export const needsClock = 'the clock of a server under MPSD_TARGET cannot be moved';

/** Why a test that brings its own config cannot run against such a server. */
export const needsOwnServer = 'a server under MPSD_TARGET has its own config';

/**
 * A refusal in text: this status, this rule, and a sentence that names `place`, where one is given.
 *
 * @source docs/wire/README.md "Every request"
 */
export function assertRefused(
  answer: KitAnswer,
  status: number,
  code: RefusalCode,
  place?: string,
): KitAnswer {
  const { headers, text } = answer;
  const summary = `${answer.status} ${answer.refusal}: ${text}`;
  assert.equal(answer.status, status, summary);
  assert.equal(answer.refusal, code, summary);
  assert.match(headers.get('content-type') ?? '', /^text\/plain\b/, summary);
  assert.match(text, /\S/, 'a refusal says why');
  assert.equal(headers.get('cache-control'), 'no-cache, no-store');
  if (place !== undefined) assert.ok(text.includes(place), `${summary} — does not name ${place}`);
  return answer;
}

/**
 * A refusal with the session as it stands, for callers who may read it.
 *
 * @source docs/wire/sessions.md "Preconditions"
 */
export function assertRefusedWithSession(
  answer: KitAnswer,
  status: number,
  code: RefusalCode,
  current: KitAnswer,
): void {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.refusal, code);
  assert.equal(answer.headers.get('content-type'), 'application/json');
  assert.deepEqual(answer.json, current.json);
}

/** The answer, once it has this status; what the server said otherwise. */
export function assertStatus(answer: KitAnswer, status: number): KitAnswer {
  assert.equal(answer.status, status, `${answer.status} ${answer.refusal ?? ''}: ${answer.text}`);
  return answer;
}

/** The answer, once it is a refusal by this very rule, in text or with the session. */
export function assertRefusedBy(answer: KitAnswer, status: number, code: string): KitAnswer {
  assert.deepEqual(
    { status: answer.status, code: answer.refusal },
    { status, code },
    answer.text.slice(0, 500),
  );
  return answer;
}

/** No null anywhere outside of title data. @source docs/wire/README.md "Every request", docs/wire/README.md "Every answer" */
export function assertNoNulls(value: Json | undefined, path = '$'): void {
  assert.notEqual(value, null, `${path} is null`);
  if (Array.isArray(value)) {
    value.forEach((item, i) => {
      assertNoNulls(item, `${path}[${i}]`);
    });
  } else if (isJsonObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      if (key !== 'custom' && key !== 'customProperties') assertNoNulls(item, `${path}.${key}`);
    }
  }
}

/** Exactly these members, and of `optional` any. */
export function assertMembers(
  object: JsonObject,
  required: readonly string[],
  optional: readonly string[] = [],
): void {
  const found = Object.keys(object);
  for (const key of required) assert.ok(found.includes(key), `${key} is missing: ${found}`);
  const unexpected = found.filter((key) => !required.includes(key) && !optional.includes(key));
  assert.deepEqual(unexpected, []);
}

/**
 * The document without what tells one state of it from the next: two states that differ in nothing
 * else look the same to a title.
 */
export function apartFromChangeNumber({ json }: KitAnswer): JsonObject {
  const { changeNumber: _, ...rest } = json;
  return rest;
}

/** `body` with `value` at a dotted path; undefined removes what stands there. */
export function withAt(body: JsonObject, path: string, value: unknown): JsonObject {
  const [key = '', ...rest] = path.split('.');
  const inner = body[key];
  const put =
    rest.length === 0 ? value : withAt(isJsonObject(inner) ? inner : {}, rest.join('.'), value);
  const kept = Object.entries(body).filter(([name]) => name !== key);
  return Object.fromEntries(put === undefined ? kept : [...kept, [key, put as Json]]);
}

/** The two ways in which time that has passed is noticed: each test of a limit in time takes both. */
export const waysOfTime: readonly (readonly [string, (kit: Kit, byMs: number) => unknown])[] = [
  ['swept', (kit, byMs) => kit.advance(byMs)],
  ['seen before the sweep', (kit, byMs) => kit.advanceWithoutSweep(byMs)],
];

/**
 * Each of these values at its path of a valid handle is refused there, and the detail names the path too;
 * undefined: the member is missing.
 */
export async function assertHandlesRefused(
  context: TestContext,
  user: KitUser,
  valid: JsonObject,
  wrong: readonly (readonly [path: string, values: readonly unknown[]])[],
): Promise<void> {
  for (const [path, values] of wrong) {
    for (const value of values) {
      const shown = value === undefined ? 'missing' : JSON.stringify(value).slice(0, 50);
      await context.test(`${path} ${shown}`, async () => {
        const refused = await user.postHandle(withAt(valid, path, value));
        assertRefused(refused, 400, 'requestInvalid', path);
        assert.ok(refused.detail?.includes(path), `X-Mpsd-Detail: ${refused.detail}`);
      });
    }
  }
}

/** The id of a handle that has just been made. */
export function handleId(answer: KitAnswer): string {
  assertStatus(answer, 201);
  return answer.json.id as string;
}

/** The body that makes `reference` the caller's activity. */
export function activityOf(reference: SessionReference): JsonObject {
  return { version: 1, type: 'activity', sessionRef: { ...reference } };
}

/** The body of an invite of `invitedXuid` to `reference`; `more` is laid over it. */
export function inviteTo(
  reference: SessionReference,
  invitedXuid: string,
  more: JsonObject = {},
): JsonObject {
  return {
    version: 1,
    type: 'invite',
    sessionRef: { ...reference },
    invitedXuid,
    inviteAttributes: { titleId: '1234567890' },
    ...more,
  };
}

/** The body of a transfer handle: from `origin`, a lobby say, to `target`, its game. */
export function transferTo(target: SessionReference, origin: SessionReference): JsonObject {
  return {
    version: 1,
    type: 'transfer',
    sessionRef: { ...target },
    originSessionRef: { ...origin },
  };
}

/**
 * A new session with these users as active members, indexes in their order. `body` is what the first
 * one creates it with. The others come on reserved seats, so that no restriction is in their way.
 */
export async function gather(
  kit: Kit,
  users: readonly [KitUser, ...KitUser[]],
  body: JsonObject = {},
  reference: SessionReference = kit.reference(),
): Promise<SessionReference> {
  const [first, ...others] = users;
  const joining = joinBody().members as JsonObject;
  const seats = reserve(...others).members as JsonObject;
  const created = await first.putSession(reference, { ...body, members: { ...joining, ...seats } });
  assertStatus(created, 201);
  for (const user of others) assertStatus(await user.join(reference), 200);
  return reference;
}

/** The body of a write that leaves. */
export const leave: JsonObject = { members: { me: null } };

/** The body of a write that reserves seats for these users. */
export function reserve(...users: readonly KitUser[]): JsonObject {
  const seats = users.map(({ xuid }, i) => [
    `reserve_${i}`,
    { constants: { system: { xuid } } },
  ]) as [string, Json][];
  return { members: Object.fromEntries(seats) };
}

/** The ids of the activities in a query's answer. */
export function idsOf(answer: KitAnswer): readonly Json[] {
  assertStatus(answer, 200);
  assert.deepEqual(Object.keys(answer.json), ['results']);
  const results = answer.json.results;
  assert.ok(Array.isArray(results));
  return results.map((result: Json) => at(result, 'id') as Json);
}

/** The activities of these users, as `asker` sees them. */
export function queryActivities(
  asker: KitUser,
  xuids: readonly string[],
  include = '',
  more: JsonObject = {},
): Promise<KitAnswer> {
  return asker.request('POST', `/handles/query${include && `?include=${include}`}`, {
    body: { type: 'activity', owners: { xuids }, ...more },
  });
}
