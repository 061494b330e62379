import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { FakeRta } from '../testing/fake-rta.ts';
import { onAbort } from './abort-listeners.ts';
import { MultiplayerService, type MultiplayerServiceSettings } from './multiplayer-service.ts';
import { sleep } from './platform.ts';

const lobby = { scid: 'S', templateName: 'Lobby', name: 'One' };

/** A service whose server never answers. */
const silent = (settings: Partial<MultiplayerServiceSettings>) =>
  new MultiplayerService({
    baseUrl: 'http://directory.test',
    authorization: 'token',
    timeoutMs: Number.POSITIVE_INFINITY,
    fetch: () => new Promise(() => {}),
    ...settings,
  });

const countOf = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

// Kills: a warning of Node 20, which comes at the eleventh listener of a signal.
test('many calls and connections put a single listener on a signal, and leave none', async () => {
  const [ofService, ofCalls] = [new AbortController(), new AbortController()];
  const service = silent({ signal: ofService.signal });
  const options = { signal: ofCalls.signal };
  const calls = Array.from({ length: 12 }, () => service.getSession(lobby, options));
  assert.deepEqual([countOf(ofService.signal), countOf(ofCalls.signal)], [1, 1]);
  const reason = new Error('the player went to the menu');
  ofCalls.abort(reason);
  for (const call of calls) await assert.rejects(call, (error) => error === reason);
  assert.equal(countOf(ofService.signal), 0);

  const rta = new FakeRta();
  const live = silent({ signal: ofService.signal, fetch: rta.fetch });
  const settings = { webSocket: rta.webSocket, heartbeatMs: Number.POSITIVE_INFINITY };
  const opened = await Promise.all(Array.from({ length: 12 }, () => live.connect(settings)));
  assert.equal(countOf(ofService.signal), 1);
  for (const one of opened) await one.close();
  assert.equal(countOf(ofService.signal), 0);
});

// Kills: a listener on the signal of the call, although that of the service was aborted before.
test('a call that is not begun leaves no listener', async () => {
  const reason = new Error('the game ends');
  const service = silent({ signal: AbortSignal.abort(reason) });
  const { signal } = new AbortController();
  await assert.rejects(service.getSession(lobby, { signal }), (error) => error === reason);
  await assert.rejects(service.connect(), (error) => error === reason);
  assert.equal(countOf(signal), 0);
});

// Kills: a listener for each heartbeat of a connection, and for each look of a search.
test('a sleep that is over leaves no listener', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { signal } = new AbortController();
  const slept = sleep(1_000, signal);
  assert.equal(countOf(signal), 1);
  context.mock.timers.tick(1_000);
  await slept;
  assert.equal(countOf(signal), 0);
});

test('each listener is called once, one that was ended is not, and a late one at once', () => {
  const ending = new AbortController();
  const called: string[] = [];
  const shared = (): void => {
    called.push('shared');
  };
  onAbort(ending.signal, shared);
  onAbort(ending.signal, shared);
  onAbort(ending.signal, () => called.push('ended'))();
  onAbort(ending.signal, () => called.push('other'));
  ending.abort();
  ending.abort();
  onAbort(ending.signal, () => called.push('late'));
  assert.deepEqual(called, ['shared', 'shared', 'other', 'late']);
});
