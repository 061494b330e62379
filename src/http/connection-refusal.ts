import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { createMemo } from '../domain/memo.ts';
import type { Guid } from '../domain/ids.ts';
import type { Milliseconds } from '../domain/time.ts';
import { Refusal } from '../domain/refusal.ts';
import { maxHeaderSize, STATUS_CODES } from './node-http.ts';
import { refusalResponse } from './refusal-response.ts';
import type { Answer } from './route.ts';
import { headersOf, sendAnswer } from './send-answer.ts';

/** How long a client may read the answer and continue to send, before its connection is cut. */
const lingerMs: Milliseconds = 1_000;

const refused = createMemo<Duplex, true>();

/**
 * Answers a client that does not speak HTTP, or is too slow, and closes the connection. `last` is
 * the answer to the latest request of this connection. An answer that is still due goes first, so
 * that the client does not take this refusal for it; a faulty request is refused in its turn.
 * Returns the refusal; undefined when this connection is refused already, or gone.
 */
export function refuseConnection(
  error: NodeJS.ErrnoException & { readonly reason?: string },
  socket: Duplex,
  last: ServerResponse | undefined,
  correlationId: Guid,
): Answer | undefined {
  // All bytes after the first fault are faulty too.
  if (refused.get(socket) || !socket.writable) return undefined;
  refused.set(socket, true);
  const answer = refusalResponse(refusalOf(error), 107);
  if (last === undefined || last.writableFinished) {
    hangUp(socket, answer, correlationId);
  } else if (last.req.complete || last.headersSent) {
    last.once('close', () => hangUp(socket, answer, correlationId));
  } else {
    last.shouldKeepAlive = false;
    sendAnswer(last, answer, correlationId);
  }
  return answer;
}

/** Answers a client that uses this server as a proxy, and closes the connection. */
export function refuseConnect(socket: Duplex, correlationId: Guid): Answer {
  const refusal = new Refusal('requestMalformed', 'CONNECT is for proxies; this server is none.');
  const answer = refusalResponse(refusal, 107);
  hangUp(socket, answer, correlationId);
  return answer;
}

function refusalOf({ code, reason, message }: NodeJS.ErrnoException & { reason?: string }) {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new Refusal(
      'headersTooLarge',
      `The request line and headers are larger than ${maxHeaderSize} bytes.`,
    );
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new Refusal('requestTooSlow', 'The request did not arrive in time.');
  }
  return new Refusal('requestMalformed', `The request is not HTTP/1.1: ${reason ?? message}.`);
}

/** Sends `answer` by hand and closes the connection. */
export function hangUp(socket: Duplex, answer: Answer, correlationId: Guid): void {
  if (!socket.writable) return;
  const headers = ['Date', new Date().toUTCString(), 'Connection', 'close'];
  headers.push(...headersOf(answer, correlationId));
  const lines = [`HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}`];
  for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  socket.end(answer.body);
  // If it were cut at once, a client that is still sending would lose the answer to a connection
  // reset.
  setTimeout(() => socket.destroy(), lingerMs).unref();
}
