/**
 * A server that is replaced again and again while clients use it: no client whose connection it holds
 * loses a request by it. What clients must bear is a refused connection, while nothing listens.
 *
 * `MPSD_RESTARTS` sets how often.
 *
 * @source docs/operations.md "Stopping and replacing"
 */

import assert from 'node:assert/strict';
import { Agent, request, type RequestOptions } from 'node:http';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { demoScid } from '../../src/testing/demo.ts';
import { freePort } from '../../src/testing/free-port.ts';
import { startNodeProcess } from '../../src/testing/node-process.ts';

const restarts = Number(process.env.MPSD_RESTARTS ?? 5);

const body = JSON.stringify({ members: { me: { properties: { system: { active: true } } } } });

/** What came of one request: its status, or the code of the error. */
function ask(options: RequestOptions, text?: string): Promise<number | string> {
  return new Promise((resolve) => {
    const outgoing = request(options, (incoming) => {
      incoming.resume();
      incoming.once('end', () => resolve(incoming.statusCode ?? 0));
      incoming.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    });
    outgoing.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    outgoing.end(text);
  });
}

/** How many requests are answered between two restarts. */
const answersBetween = 100;

/** Calls `reached` once so many requests were answered. */
class Answers {
  #due = Number.POSITIVE_INFINITY;
  #reached: () => void = () => undefined;

  count(): void {
    this.#due -= 1;
    if (this.#due === 0) this.#reached();
  }

  next(count: number): Promise<void> {
    this.#due = count;
    return new Promise((resolve) => {
      this.#reached = resolve;
    });
  }
}

/** One client with a connection that it keeps; writes and reads a session of its own. */
async function play(
  port: number,
  n: number,
  thinkMs: number,
  answers: Answers,
  signal: AbortSignal,
) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const outcomes = new Map<number | string, number>();
  const headers = {
    authorization: `XBL3.0 x=-;xuid=${5_000 + n}`,
    'x-xbl-contract-version': '107',
  };
  const path = `/serviceconfigs/${demoScid}/sessionTemplates/deathmatch/sessions/player-${n}`;
  const target = { host: '127.0.0.1', port, path, headers, agent };
  for (let turn = 0; !signal.aborted; turn += 1) {
    const outcome = await (turn % 2 === 0
      ? ask({ ...target, method: 'PUT' }, body)
      : ask({ ...target, method: 'GET' }));
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (typeof outcome === 'number') answers.count();
    if (outcome === 'ECONNREFUSED') await wait(20);
    else if (thinkMs > 0) await wait(thinkMs);
  }
  agent.destroy();
  return outcomes;
}

test(`${restarts} restarts under load reset no connection`, {
  timeout: 300_000 + restarts * 60_000,
}, async () => {
  // Not one that others may be given while nothing listens there.
  const port = await freePort();
  await using first = await startNodeProcess(['--store', 'memory', '--port', String(port)]);
  const playing = new AbortController();
  const answers = new Answers();
  // Without a pause, and with pauses in which a connection is idle.
  const players = Array.from({ length: 16 }, (_, n) =>
    play(port, n, n % 4 === 0 ? 40 * n : 0, answers, playing.signal),
  );
  let server = first;
  for (let n = 0; n < restarts; n += 1) {
    await answers.next(answersBetween);
    server.signal('SIGTERM');
    assert.equal(await server.ended, 0);
    assert.deepEqual(server.complaints, []);
    server = await startNodeProcess(['--store', 'memory', '--port', String(port)]);
  }
  playing.abort();
  const outcomes = new Map<number | string, number>();
  for (const counts of await Promise.all(players)) {
    for (const [outcome, count] of counts) {
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + count);
    }
  }
  await server.kill();
  const unexpected = [...outcomes].filter(
    ([outcome]) => ![200, 201, 204, 'ECONNREFUSED'].includes(outcome),
  );
  assert.deepEqual(unexpected, [], JSON.stringify([...outcomes]));
  assert.ok(Number(outcomes.get(200)) > restarts, 'the load was none');
});
