import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { refuseConnection } from './connection-refusal.ts';

/** A client's end of a connection that hears everything and never hangs up by itself. */
function patientClient() {
  const heard: string[] = [];
  const socket = new Duplex({
    allowHalfOpen: true,
    read: () => undefined,
    write(chunk, _encoding, done) {
      heard.push(String(chunk));
      done();
    },
  });
  return { socket, text: () => heard.join('') };
}

function errorOf(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error('words of Node'), { code });
}

test('a client that is too slow is answered so, and cut off when it stays', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { socket, text } = patientClient();
  refuseConnection(errorOf('ERR_HTTP_REQUEST_TIMEOUT'), socket, undefined, 'id-1');
  assert.match(text(), /^HTTP\/1\.1 408 Request Timeout\r\n/);
  assert.match(text(), /\r\nX-Mpsd-Refusal: requestTooSlow\r\n/);
  assert.match(text(), /\r\nX-XblCorrelationId: id-1\r\n/);
  assert.match(text(), /\r\n\r\nThe request did not arrive in time\.$/);
  assert.equal(socket.destroyed, false);
  t.mock.timers.tick(1_000);
  assert.equal(socket.destroyed, true);
});

test('each further error on a connection that is being closed is passed over', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { socket, text } = patientClient();
  refuseConnection(errorOf('HPE_INVALID_METHOD'), socket, undefined, 'id-1');
  const once = text();
  refuseConnection(errorOf('HPE_INVALID_METHOD'), socket, undefined, 'id-2');
  assert.equal(text(), once);
  assert.match(once, /400 Bad Request[\s\S]*not HTTP\/1\.1: words of Node\.$/);
});

test('a connection that is gone is left alone', () => {
  const { socket, text } = patientClient();
  socket.destroy();
  refuseConnection(errorOf('ECONNRESET'), socket, undefined, 'id-1');
  assert.equal(text(), '');
});
