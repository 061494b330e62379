import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreUnavailable } from '../store/store.ts';
import { RunLog } from './run-log.ts';

/** A task that fails with what `run` is given; each run answers with its lines. */
function newTask(elapsedMs = () => 0): (error?: Error) => Promise<readonly string[]> {
  const lines: string[] = [];
  const runLog = new RunLog('search', (line) => lines.push(line), elapsedMs);
  let failure: Error | undefined;
  const task = runLog.watch(async () => {
    if (failure !== undefined) throw failure;
  });
  return async (error) => {
    failure = error;
    await task().catch(runLog.failed);
    return lines.splice(0);
  };
}

const unavailable = (reason: string) => new StoreUnavailable(`It cannot be reached: ${reason}.`);

// Kills: an outage that passes as an error every few seconds, and no word that it is over.
test('while the store is away there is a line when it begins and one when it is over', async () => {
  const run = newTask();
  assert.deepEqual(await run(), []);
  const sentence = 'search: It cannot be reached: nothing listens there.';
  assert.deepEqual(await run(unavailable('nothing listens there')), [`warning: ${sentence}`]);
  assert.deepEqual(await run(unavailable('nothing listens there')), []);
  // A fault of another kind is one, meanwhile too.
  assert.deepEqual(await run(new Error('a fault')), ['error: search: a fault']);
  assert.deepEqual(await run(), [`no longer so: ${sentence}`]);
  assert.deepEqual(await run(), []);
  // The same again is another outage.
  assert.deepEqual(await run(unavailable('nothing listens there')), [`warning: ${sentence}`]);
});

// Kills: a server that comes back with another password, which the log never says; a damaged record that
// hides every later outage.
test('each reason of an outage is logged once, and all end with it', async () => {
  const run = newTask();
  const reasons = ['nothing listens there', 'it does not know this user and password'];
  const sentences = reasons.map((reason) => `search: It cannot be reached: ${reason}.`);
  for (const [n, reason] of reasons.entries()) {
    assert.deepEqual(await run(unavailable(reason)), [`warning: ${sentences[n]}`]);
  }
  for (const reason of reasons) assert.deepEqual(await run(unavailable(reason)), []);
  assert.deepEqual(
    await run(),
    sentences.map((sentence) => `no longer so: ${sentence}`),
  );
});

// Kills: a line each run, without end, where each one names another key.
test('an outage with a new reason in each run does not fill the log', async () => {
  const run = newTask();
  let linesCount = 0;
  for (let slot = 0; slot < 100; slot += 1) {
    linesCount += (await run(unavailable(`no server has slot ${slot}`))).length;
  }
  assert.equal(linesCount, 20);
  assert.equal((await run()).length, 20);
});

// Kills: an outage since yesterday that is in no line of the last hour; a line each run after ten minutes.
test('a reason that lasts is logged again every ten minutes, with how often it was met', async () => {
  let nowMs = 1_000;
  const run = newTask(() => nowMs);
  const reason = unavailable('nothing listens there');
  const sentence = 'search: It cannot be reached: nothing listens there.';
  assert.deepEqual(await run(reason), [`warning: ${sentence}`]);
  nowMs += 599_999;
  assert.deepEqual(await run(reason), []);
  nowMs += 1;
  const again = (minutes: number, count: number) =>
    `warning: still so after ${minutes} minutes, ${count} times: ${sentence}`;
  assert.deepEqual(await run(reason), [again(10, 3)]);
  assert.deepEqual(await run(reason), []);
  nowMs += 600_000;
  assert.deepEqual(await run(reason), [again(20, 5)]);
  assert.deepEqual(await run(), [`no longer so: ${sentence}`]);
  assert.deepEqual(await run(reason), [`warning: ${sentence}`]);
});
