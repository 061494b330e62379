/** Requests to the services beside the session directory. */

import assert from 'node:assert/strict';
import type { RefusalCode } from '../../src/domain/refusal.ts';
import type { KitAnswer, KitUser } from '../../src/testing/kit.ts';
import { assertMembers } from './answers.ts';

/** A request in the contract version of such a service. */
export function ask(
  user: KitUser,
  method: string,
  path: string,
  body?: unknown,
): Promise<KitAnswer> {
  return user.request(method, path, { headers: { 'x-xbl-contract-version': '1' }, body });
}

/** A JSON array that an answer holds. */
export function arrayIn<T>(answer: KitAnswer): readonly T[] {
  assert.equal(answer.status, 200, answer.text);
  const found = JSON.parse(answer.text) as unknown;
  assert.ok(Array.isArray(found), answer.text);
  return found as readonly T[];
}

/** A refusal as clients of Multiplayer Activity read it: always 400. @source docs/wire/activity.md "Errors" */
export function assertActivityRefusal(
  answer: KitAnswer,
  errorCode: 'RequestValidationError' | 'InvalidRequest' | 'AuthorizationError',
  refusal: RefusalCode,
): void {
  assert.equal(answer.status, 400, answer.text);
  assert.equal(answer.refusal, refusal, answer.text);
  assert.equal(answer.headers.get('content-type'), 'application/json');
  assertMembers(answer.json, ['errorCode', 'debugMessage']);
  assert.equal(answer.json.errorCode, errorCode);
  assert.match(String(answer.json.debugMessage), /\w/);
}

/** Servers tell each other gamertags within seconds; a busy machine takes longer. */
const namedWithinMs = 60_000;

/** The first answer that fits: servers tell each other gamertags a moment later. */
export async function untilAnswered(
  asking: () => Promise<KitAnswer>,
  fits: (answer: KitAnswer) => boolean,
): Promise<KitAnswer> {
  const endMs = Date.now() + namedWithinMs;
  for (;;) {
    const answer = await asking();
    if (fits(answer)) return answer;
    assert.ok(Date.now() < endMs, `not answered in time: ${answer.status} ${answer.text}`);
    await new Promise((turn) => setTimeout(turn, 20));
  }
}
