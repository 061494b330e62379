import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Group, GroupCommit, type GroupWriter } from './group-commit.ts';
import type { Write } from './statements.ts';
import type { WriteFailure } from './writer-messages.ts';

/** Groups in front of a writer that is done when the test says so, and what happened in its order. */
function openGroups() {
  const events: string[] = [];
  let nowMs = 0;
  let done: (failure: WriteFailure | undefined) => void = () => assert.fail();
  const writer: GroupWriter = {
    write(writes) {
      events.push(`sent ${String(writes[0]?.[1])}`);
      return new Promise((resolve) => {
        done = resolve;
      });
    },
    finished: () => undefined,
  };
  const groups = new GroupCommit(writer, () => nowMs);
  const write = (name: string): Write => ['insertNode', name];
  return {
    groups,
    events,
    pass(ms: number) {
      nowMs += ms;
    },
    join(name: string) {
      const group = groups.open();
      group.writes.push(write(name));
      void group.done.then(() => events.push(`done ${name}`));
    },
    joinAlone(name: string) {
      return groups.alone(async (send) => {
        const group = new Group();
        group.writes.push(write(name));
        await send(group);
        events.push(`done ${name}`);
      });
    },
    async finishWriting(failure?: WriteFailure) {
      done(failure);
      await quiet();
    },
  };
}

/** Turns that bring no commit, enough for a group to be sent. */
async function quiet() {
  for (let turn = 0; turn < 3; turn += 1) await nextTurn();
}

// Kills: groups that are sent while the requests that belong to them are still unread.
test('a group waits for the turn of the event loop that adds nothing to it', async () => {
  const { events, join } = openGroups();
  join('a');
  await nextTurn();
  join('b');
  await nextTurn();
  assert.deepEqual(events, []);
  await quiet();
  assert.deepEqual(events, ['sent a']);
});

// Kills: commits that wait as long as there are others.
test('a group waits for a few turns only, and not at all when it has enough', async () => {
  const { groups, events, join } = openGroups();
  let turns = 0;
  for (; events.length === 0; turns += 1) {
    join('a');
    await nextTurn();
  }
  assert.equal(turns, 4);
  assert.equal(groups.pending[0]?.commitsCount, 4);

  const full = openGroups();
  for (let count = 0; count < 64; count += 1) full.join('b');
  await nextTurn();
  assert.deepEqual(full.events, ['sent b']);
});

// Kills: on a busy event loop, commits that wait for four long turns.
test('a group is sent at the end of the turn in which it has waited for 5 ms', async () => {
  const { groups, events, join, pass } = openGroups();
  join('a');
  pass(4);
  await nextTurn();
  join('a');
  assert.deepEqual(events, []);
  pass(1);
  await nextTurn();
  assert.deepEqual(events, ['sent a']);
  assert.equal(groups.pending[0]?.commitsCount, 2);
});

// Kills: a writer that waits until the clients of the former group are answered.
test('the next group is sent before those who wait for the former one go on', async () => {
  const { groups, events, join, finishWriting } = openGroups();
  join('a');
  const { done } = groups.open();
  void done.then(() => join('c'));
  await quiet();
  join('b');
  await finishWriting();
  assert.deepEqual(events, ['sent a', 'sent b', 'done a']);
  assert.deepEqual(
    groups.pending.map(({ commitsCount }) => commitsCount),
    [1, 1],
  );
});

// Kills: a group filled after a failure that is sent too early, since it began to wait before.
test('what is filled after a failure waits for a quiet turn anew', async () => {
  const { groups, events, join, pass, finishWriting } = openGroups();
  join('a');
  const { done } = groups.open();
  void done.then(() => join('c'));
  await quiet();
  join('b');
  pass(20);
  await finishWriting({ message: 'full', isUndone: true });
  assert.deepEqual(events, ['sent a', 'done a', 'sent b']);
  assert.equal(groups.pending[0]?.commitsCount, 2);
});

// Kills: groups that follow each other for ever, and never let one in that is written alone.
test('one that is written alone goes before the group that is being filled', async () => {
  const { groups, events, join, joinAlone, finishWriting } = openGroups();
  join('a');
  await quiet();
  join('b');
  const alone = joinAlone('x');
  await finishWriting();
  join('c');
  await finishWriting();
  await alone;
  await finishWriting();
  await groups.idle();
  assert.deepEqual(events, ['sent a', 'done a', 'sent x', 'done x', 'sent b', 'done b', 'done c']);
});

// Kills: on a full disk, puts that are written and fail before the leaves that would make room.
test('after a failure, those who try again alone go before the group that was filled meanwhile', async () => {
  const { groups, events, join, joinAlone, finishWriting } = openGroups();
  join('a');
  const { done } = groups.open();
  const again = ['x', 'y'].map(async (name) => {
    assert.notEqual(await done, undefined);
    await joinAlone(name);
  });
  await quiet();
  join('b');
  await finishWriting({ message: 'full', isUndone: true });
  for (let left = 3; left > 0; left -= 1) await finishWriting();
  await Promise.all(again);
  await groups.idle();
  assert.deepEqual(
    events.filter((event) => event.startsWith('sent')),
    ['sent a', 'sent x', 'sent y', 'sent b'],
  );
});
