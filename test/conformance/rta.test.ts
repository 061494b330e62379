/** RTA over the wire: handshakes, frames, taps. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomUUID } from 'node:crypto';
import { startKit } from '../../src/testing/kit.ts';

test('a member is tapped when the session changes', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  await using line = await ada.connect();
  const connection = await line.connectionId();
  const reference = kit.reference();
  const id = randomUUID().toUpperCase();
  const subscription = { id, changeTypes: ['everything'] };
  await ada.join(reference, {
    properties: { system: { active: true, connection, subscription } },
  });
  await ada.putSession(reference, { properties: { custom: { map: 'atoll' } } });
  const [tap] = await line.nextTaps();
  assert.equal(tap?.changeNumber, 2);
});
