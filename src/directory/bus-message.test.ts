import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodesToTell } from './bus-message.ts';

// Kills: a node left out that another one stands before; one told twice.
test('a tap goes to each node that holds one of its connections, once', () => {
  const toldOf = (...nodes: readonly string[]): readonly string[] =>
    nodesToTell({
      resource: 'a~b~c',
      branch: 'b',
      timeMs: 0,
      to: nodes.map((node, memberIndex) => ({
        xuid: `${memberIndex}`,
        connection: `${node}-0000-4000-8000-00000000000${memberIndex}`,
        subscription: 's',
        memberIndex,
      })),
    });
  assert.deepEqual(toldOf(), []);
  assert.deepEqual(toldOf('0badcafe', '0badcafe'), ['0badcafe']);
  assert.deepEqual(toldOf('0badcafe', '0000beef', '0badcafe', '0badf00d', '0000beef'), [
    '0badcafe',
    '0000beef',
    '0badf00d',
  ]);
});
