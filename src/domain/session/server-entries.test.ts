import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ada,
  bert,
  cleo,
  leave,
  me,
  referee,
  refuse,
  sampleTemplate,
  sessionOf,
  startMs,
  system,
  write,
} from '../../testing/samples.ts';
import type { JsonObject } from '../json.ts';
import { formatTime } from '../time.ts';
import type { Session } from './session.ts';
import { nextDueMs, applyTimeouts } from './timeouts.ts';

const by = referee;

const populated = (more: JsonObject = {}) =>
  sampleTemplate({
    capabilities: { autoPopulateServerCandidates: true },
    inactiveRemovalTimeout: 1_000,
    ...more,
  });

const latencies = (measured: Readonly<Record<string, number>>): JsonObject =>
  me({
    active: true,
    serverMeasurements: Object.fromEntries(
      Object.entries(measured).map(([name, latency]) => [name, { latency }]),
    ),
  });

const candidatesOf = (session: Session | undefined) =>
  session?.properties.system.serverConnectionStringCandidates;

test('servers come by how many members reach them, then by mean latency, then by name', () => {
  const session = sessionOf([ada, bert, cleo], { template: populated() });
  assert.equal(candidatesOf(session), undefined);
  const one = write(session, latencies({ west: 10, east: 30 }));
  assert.deepEqual(candidatesOf(one), ['west', 'east']);
  const two = write(one, latencies({ east: 20, west: 50, south: 1, north: 1 }), { by: bert });
  assert.deepEqual(candidatesOf(two), ['east', 'west', 'north', 'south']);
  const three = write(two, latencies({ West: 1 }), { by: cleo });
  assert.deepEqual(candidatesOf(three), ['west', 'east', 'north', 'south']);
});

test('servers that the session does not name are no candidates', () => {
  const named = populated({
    measurementServerAddresses: { west: { secureDeviceAddress: 'QUFB' } },
  });
  const session = write(sessionOf([ada], { template: named }), latencies({ far: 1, west: 9 }));
  assert.deepEqual(candidatesOf(session), ['west']);
});

test('candidates follow members who leave or time out, and stay while nobody has measured', () => {
  const both = write(
    write(sessionOf([ada, bert], { template: populated() }), latencies({ west: 10 })),
    latencies({ east: 5 }),
    { by: bert },
  );
  assert.deepEqual(candidatesOf(both), ['east', 'west']);
  assert.deepEqual(candidatesOf(write(both, leave, { by: bert })), ['west']);
  const idle = write(both, me({ active: false }), { by: bert });
  assert.deepEqual(candidatesOf(applyTimeouts(idle, startMs + 1_000)), ['west']);
  assert.deepEqual(candidatesOf(write(both, system({ keywords: ['a'] }))), ['east', 'west']);
  const unmeasured = sessionOf([ada], { template: populated() });
  const written = write(unmeasured, system({ serverConnectionStringCandidates: ['mine'] }));
  assert.deepEqual(candidatesOf(written), ['mine']);
});

test('without the capability nothing is computed', () => {
  assert.equal(candidatesOf(write(sessionOf([ada]), latencies({ west: 10 }))), undefined);
});

// Kills: the latest member's latencies alone counted; the order of members deciding.
test('the order of candidates does not depend on who measured', () => {
  const anyMeasured = fc.dictionary(fc.constantFrom('west', 'east', 'north'), fc.nat(50), {
    maxKeys: 3,
  });
  fc.assert(
    fc.property(anyMeasured, anyMeasured, (first, second) => {
      const session = sessionOf([ada, bert], { template: populated() });
      const [here, there] = [
        [first, second],
        [second, first],
      ].map(([adas = {}, berts = {}]) =>
        write(write(session, latencies(adas)), latencies(berts), { by: bert }),
      );
      const names = new Set([...Object.keys(first), ...Object.keys(second)]);
      assert.deepEqual(new Set(candidatesOf(here)), names);
      assert.deepEqual(candidatesOf(here), candidatesOf(there));
    }),
  );
});

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

test('a result that a service wrote stands', () => {
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

const misfits: readonly (readonly [servers: JsonObject, detail: string])[] = [
  [
    { arbitration: { constants: { system: { startTime: '2016-09-20' } } } },
    '$.servers.arbitration.constants.system.startTime',
  ],
  [
    { arbitration: { constants: { system: { startTime: 7 } } } },
    '$.servers.arbitration.constants.system.startTime',
  ],
  [
    { matchmaking: { properties: { system: { status: 'lost' } } } },
    '$.servers.matchmaking.properties.system.status',
  ],
];

for (const [servers, detail] of misfits) {
  test(`${JSON.stringify(servers)} is refused`, () => {
    const refusal = refuse(sessionOf([ada]), { servers }, { by });
    assert.deepEqual([refusal.code, refusal.detail], ['requestInvalid', detail]);
  });
}

test('the status of a match is stored as it is documented, whatever its case', () => {
  const servers = { matchmaking: { properties: { system: { status: 'Found' } } } };
  const session = write(sessionOf([ada]), { servers }, { by });
  assert.deepEqual(session.servers['matchmaking']?.properties.system, { status: 'found' });
});
