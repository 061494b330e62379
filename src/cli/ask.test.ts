import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { NoAnswer } from '../platform/no-answer.ts';
import { ask, askText } from './ask.ts';

const limitMs = 50;
const server = createServer((request, response) => {
  if (request.url === '/head') response.write('the beginning');
  if (request.url === '/ended') response.destroy();
});
await once(server.listen(0, '127.0.0.1'), 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
after(() => {
  server.closeAllConnections();
  server.close();
});

// Kills: a command that waits for ever for the rest of an answer.
test('a head or a text that does not come in time is late', async () => {
  const late = { name: 'Error', isLate: true };
  await assert.rejects(ask(`${url}/silent`, {}, limitMs), { ...late, call: 'GET /silent' });
  await assert.rejects(askText(`${url}/head`, {}, limitMs), { ...late, call: 'GET /head' });
});

// Kills: the limit of the head, kept for a body that lasts, such as a stream of events.
test('a head in time is an answer, however long its body takes', async () => {
  const answer = await ask(`${url}/head`, {}, 10_000);
  assert.equal(answer.status, 200);
  await answer.body?.cancel();
});

test('a server that ends, and a caller who gives up, are not late', async () => {
  await assert.rejects(
    ask(`${url}/ended`, {}),
    (error) => error instanceof NoAnswer && !error.isLate && /fetch failed: /.test(error.reason),
  );
  const givenUp = ask(`${url}/silent`, { signal: AbortSignal.abort() });
  await assert.rejects(givenUp, { name: 'Error', isLate: false });
});

test('what no request can hold is no fault of the server', async () => {
  await assert.rejects(ask(url, { headers: { authorization: 'a\nb' } }), TypeError);
});
