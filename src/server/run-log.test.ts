import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreUnavailable } from '../store/store.ts';
import { RunLog } from './run-log.ts';

// Kills: an outage that passes as an error every few seconds, and no word that it is over.
test('while the store is away there is a line when it begins and one when it is over', async () => {
  const lines: string[] = [];
  const runLog = new RunLog('search', (line) => lines.push(line));
  let error: Error | undefined;
  const task = runLog.watch(async () => {
    if (error !== undefined) throw error;
  });
  const run = (): Promise<void> => task().catch(runLog.failed);
  await run();
  assert.deepEqual(lines.splice(0), []);
  for (const reason of ['nothing listens there', 'no server has slot 7']) {
    error = new StoreUnavailable(`It cannot be reached: ${reason}.`);
    await run();
  }
  const sentence = 'search: It cannot be reached: nothing listens there.';
  assert.deepEqual(lines.splice(0), [`warning: ${sentence}`]);
  // A fault of another kind is one, meanwhile too.
  error = new Error('a fault');
  await run();
  assert.deepEqual(lines.splice(0), ['error: search: a fault']);
  error = undefined;
  for (let time = 0; time < 2; time += 1) await run();
  assert.deepEqual(lines.splice(0), [`no longer so: ${sentence}`]);
});
