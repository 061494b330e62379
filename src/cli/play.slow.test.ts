/** Slow: `play` tries a few times, some seconds long, to reach its server again. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer } from '../server.ts';
import { startCommand } from '../testing/running-command.ts';
import { runPlay } from './play.ts';

// Kills: a command that waits for two minutes without a word, or asks to start what was there.
test('it says so when the server ends', async () => {
  await using server = await startServer({ port: 0, store: 'memory', tapWindowMs: 0 });
  const play = startCommand(runPlay, ['--users', '1', '--url', server.url]);
  while (!(await play.line()).startsWith('joined ')) {}
  await server.close();
  assert.equal(await play.ended, 1);
  assert.match(
    play.errors(),
    /^openmpsd play: the server at http:\S+ has ended, or cannot be reached/,
  );
});
