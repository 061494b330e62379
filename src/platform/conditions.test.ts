import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openConditions } from './conditions.ts';

test('a condition is logged when it is raised, when it changes and when it ends, and once each', () => {
  const lines: string[] = [];
  const conditions = openConditions((line) => lines.push(line));
  conditions.raise('disk', 'The disk is full.');
  conditions.raise('disk', 'The disk is full.');
  conditions.raise('memory', 'The memory is full.');
  assert.deepEqual(conditions.list(), ['The disk is full.', 'The memory is full.']);
  conditions.raise('disk', 'The disk is read-only.');
  conditions.clear('memory');
  conditions.clear('memory');
  conditions.raise('emptied', 'At 10:00 the store was emptied.');
  conditions.hide('emptied');
  conditions.clear('emptied');
  assert.deepEqual(conditions.list(), ['The disk is read-only.']);
  assert.deepEqual(lines, [
    'warning: The disk is full.',
    'warning: The memory is full.',
    'warning: The disk is read-only.',
    'no longer so: The memory is full.',
    'warning: At 10:00 the store was emptied.',
  ]);
});
