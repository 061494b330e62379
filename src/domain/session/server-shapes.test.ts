import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ada, referee, refuse, sessionOf, write } from '../../testing/samples.ts';
import type { JsonObject } from '../json.ts';

const by = referee;

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
