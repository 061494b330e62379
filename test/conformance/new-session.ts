/** Sessions for tests to begin with, and how tests look into documents. */

import assert from 'node:assert/strict';
import { isJsonObject, type Json, type JsonObject } from '../../src/domain/json.ts';
import type { SessionReference } from '../../src/domain/session/reference.ts';
import { at, joinBody, type Kit, type KitAnswer, type KitUser } from '../../src/testing/kit.ts';
import { assertStatus } from './answers.ts';

/** The demo template that sets no constants: each test asks for those that it is about. */
export const blankTemplate = 'blank';

/** Longer than any test runs, so that nobody is removed in the middle of one. */
export const anHourMs = 3_600_000;

export type SessionParts = {
  readonly templateName?: string;
  /** `constants.system`. */
  readonly constants?: JsonObject;
  /** `properties.system`. */
  readonly properties?: JsonObject;
  /** `properties.custom`. */
  readonly custom?: JsonObject;
  /** Laid over `members.me`, which is active unless this says otherwise. */
  readonly me?: JsonObject;
};

/** The body that creates a session of these parts with its writer as a member. */
export function creation({ constants, properties, custom, me }: SessionParts = {}): JsonObject {
  return {
    ...(constants !== undefined && { constants: { system: constants } }),
    properties: { system: properties ?? {}, custom: custom ?? {} },
    ...joinBody(me),
  };
}

/** A session that `creator` has just created and is the active member of. */
export async function newSession(
  kit: Kit,
  creator: KitUser,
  { templateName = blankTemplate, ...parts }: SessionParts = {},
): Promise<{ reference: SessionReference; created: KitAnswer; session: JsonObject }> {
  const reference = kit.reference(templateName);
  const created = await creator.putSession(reference, creation(parts));
  assert.equal(created.status, 201, created.text);
  return { reference, created, session: created.json };
}

/** The session as `reader` reads it now; fails when there is none to read. */
export async function read(reader: KitUser, reference: SessionReference): Promise<KitAnswer> {
  return assertStatus(await reader.getSession(reference), 200);
}

/** The member of this user in a document; undefined when there is none. */
export function memberOf(session: JsonObject, { xuid }: KitUser): JsonObject | undefined {
  const members = session.members;
  assert.ok(isJsonObject(members), 'a document always has members');
  const found = Object.values(members).find((one) => at(one, 'constants.system.xuid') === xuid);
  return isJsonObject(found) ? found : undefined;
}

/** What stands at a path of the member of this user. */
export function ofMember(session: JsonObject, user: KitUser, path: string): Json | undefined {
  return at(memberOf(session, user), path);
}

/** The index of the member of this user; fails when there is none. */
export function indexOf(session: JsonObject, user: KitUser): number {
  const index = ofMember(session, user, 'constants.system.index');
  assert.equal(typeof index, 'number', 'the user is a member');
  return index as number;
}

/** The keys of an object at a path of a document, in the order of their text. */
export function keysAt(session: JsonObject, path: string): readonly string[] {
  const found = at(session, path);
  return isJsonObject(found) ? Object.keys(found).toSorted() : [];
}

/** Asserts that a refusal is the session document, and not a sentence. */
export function assertCarriesDocument(answer: KitAnswer): void {
  assert.equal(answer.headers.get('content-type'), 'application/json');
  assert.ok(isJsonObject(answer.json.members), 'the body is the session document');
}

/** Asserts that a refusal is one sentence, and not a document. */
export function assertIsText(answer: KitAnswer): void {
  assert.match(answer.headers.get('content-type') ?? '', /^text\/plain/);
  assert.notEqual(answer.text.trim(), '');
  assert.ok(!answer.text.startsWith('{'), 'the body is no document');
}
