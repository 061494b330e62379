import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ada,
  bert,
  cleo,
  leave,
  me,
  sampleTemplate,
  sessionOf,
  startMs,
  system,
  write,
} from '../../testing/samples.ts';
import type { JsonObject } from '../json.ts';
import type { Session } from './session.ts';
import { applyTimeouts } from './timeouts.ts';

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

test('candidates follow members who leave or time out, and stay without measurements', () => {
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
