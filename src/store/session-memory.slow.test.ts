import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { formatJson, type JsonObject, parseExactJson } from '../domain/json.ts';
import type { Session } from '../domain/session/session.ts';
import { renderSession } from '../domain/session/document-text.ts';
import { storedMember, storedSession } from '../testing/store-samples.ts';
import { sessionMemoryBytes } from './session-memory.ts';
import { formatStoredSession } from './session-text.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** A document with a part that differs in each copy. */
function textOf(custom: JsonObject, membersCount: number): string {
  const members = Array.from({ length: membersCount }, (_, index) =>
    storedMember(`${1000 + index}`, index),
  );
  return formatJson({ ...storedSession('a', { map: 'atoll', ...custom }), members });
}

/** Heap bytes of one session that was written and answered. */
function measure(text: string): number {
  const count = Math.ceil(4e6 / text.length);
  const sessions: Session[] = [];
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let n = 0; n < count; n += 1) {
    const session = parseExactJson(text.replace('atoll', `a${n}`)) as unknown as Session;
    formatStoredSession(session);
    renderSession(session, 107);
    sessions.push(session);
  }
  collect();
  const bytes = (process.memoryUsage().heapUsed - before) / count;
  assert.equal(sessions.length, count);
  return bytes;
}

const objects = (count: number): JsonObject =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, {}]));

for (const [name, text] of [
  ['a member', textOf({}, 1)],
  ['four members', textOf({}, 4)],
  ['sixteen members', textOf({}, 16)],
  ['one long text', textOf({ text: 'x'.repeat(20_000) }, 1)],
  ['many numbers', textOf({ list: Array.from({ length: 2_000 }, (_, n) => n) }, 1)],
  ['nothing but small arrays', textOf({ list: Array.from({ length: 4_000 }, () => []) }, 1)],
  ['nothing but small objects', textOf(objects(1_000), 1)],
] as const) {
  test(`the memory of a session is known from its text: ${name}`, () => {
    const bytes = measure(text);
    const ratio = sessionMemoryBytes(text) / bytes;
    assert.ok(ratio > 0.6 && ratio < 2, `${sessionMemoryBytes(text)} for ${bytes}`);
  });
}
