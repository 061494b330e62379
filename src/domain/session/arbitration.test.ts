import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ada,
  me,
  referee,
  sampleTemplate,
  sessionOf,
  startMs,
  write,
} from '../../testing/samples.ts';
import type { JsonObject } from '../json.ts';
import { formatTime } from '../time.ts';
import type { Session } from './session.ts';
import { nextDueMs, applyTimeouts } from './timeouts.ts';

const by = referee;

const startTime = formatTime(startMs + 10_000);

/** An arbitrated session that starts in ten seconds; its timeouts are the defaults. */
function arbitrated(constants: JsonObject = {}, entry: JsonObject = {}): Session {
  const template = sampleTemplate({
    capabilities: { arbitration: true, gameplay: true },
    sessionEmptyTimeout: null,
    ...constants,
  });
  const arbitration = { constants: { system: { startTime } }, ...entry };
  return write(undefined, { servers: { arbitration } }, { by, template });
}

const resultOf = (session: Session | undefined) =>
  session?.servers['arbitration']?.properties.system;

test('from forfeitTimeout on a game without an active member is canceled', () => {
  const session = arbitrated();
  assert.equal(nextDueMs(session), startMs + 70_000);
  assert.equal(applyTimeouts(session, startMs + 69_999), session);
  const canceled = applyTimeouts(session, startMs + 70_000);
  assert.deepEqual(resultOf(canceled), { resultState: 'canceled', resultSource: 'arbitration' });
  assert.equal(canceled?.changeNumber, session.changeNumber + 1);
  assert.equal(canceled && nextDueMs(canceled), undefined);
});

test('with an active member it waits for arbitrationTimeout, and then has no results', () => {
  const session = write(arbitrated(), me());
  assert.equal(nextDueMs(session), startMs + 310_000);
  assert.deepEqual(resultOf(applyTimeouts(session, startMs + 310_000)), {
    resultState: 'noresults',
    resultSource: 'arbitration',
  });
  const idle = write(arbitrated({ inactiveRemovalTimeout: null }), me({}));
  assert.equal(nextDueMs(idle), startMs + 70_000);
});

test('a result that a service wrote is kept', () => {
  const result = { resultState: 'completed', resultSource: 'server', results: { red: 1 } };
  const servers = { arbitration: { properties: { system: result } } };
  const session = write(arbitrated(), { servers }, { by });
  assert.equal(nextDueMs(session), undefined);
  assert.deepEqual(resultOf(applyTimeouts(session, startMs + 1_000_000)), result);
  const late = applyTimeouts(arbitrated(), startMs + 70_000);
  assert.deepEqual(resultOf(write(late, { servers }, { by })), result);
});

for (const [what, session, dueMs] of [
  ['its timeouts as written', arbitrated({ arbitration: { forfeitTimeout: 5 } }), 10_005],
  [
    'a forfeit that never comes',
    arbitrated({ arbitration: { forfeitTimeout: null, arbitrationTimeout: null } }),
    undefined,
  ],
  ['no start', arbitrated({}, { constants: {} }), undefined],
  ['no entry any more', write(arbitrated(), { servers: { arbitration: null } }, { by }), undefined],
] as const) {
  test(`an arbitrated session with ${what}`, () => {
    assert.equal(nextDueMs(session), dueMs && startMs + dueMs);
  });
}

test('an arbitration entry in another session is the service’s own', () => {
  const entry = { arbitration: { constants: { system: { startTime } } } };
  const session = write(sessionOf([ada]), { servers: entry }, { by });
  assert.equal(nextDueMs(session), undefined);
});
