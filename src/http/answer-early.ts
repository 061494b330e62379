import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Guid } from '../domain/ids.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Answer } from './route.ts';
import { headersOf, type SendAnswer } from './send-answer.ts';

/** What is still received of a body after its request was answered. */
const lateBytesMax = 64 * 1024 * 1024;
const lateMsMax: Milliseconds = 30_000;

/** True of a request of whose body something is still to come. */
export function isBodyDue({ complete, headers }: IncomingMessage): boolean {
  if (complete) return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0;
}

/** Requests whose body was asked for. */
const askedFor = new WeakSet<IncomingMessage>();

/** Asks for the body of a client that waits for that, with `Expect: 100-continue`. */
export function askForBody(outgoing: ServerResponse): void {
  const { req: incoming } = outgoing;
  if (!waitsToContinue(incoming)) return;
  outgoing.writeContinue();
  askedFor.add(incoming);
}

/** True of a client that sends a body only after it is asked to, and has not been asked yet. */
function waitsToContinue(incoming: IncomingMessage): boolean {
  const { expect } = incoming.headers;
  return (
    expect !== undefined &&
    incoming.httpVersionMinor === 1 &&
    /(?:^|\W)100-continue(?:$|\W)/i.test(expect) &&
    !askedFor.has(incoming)
  );
}

/**
 * Answers a request before its body has come, as a refusal does, and receives the rest of the body. If the
 * connection ended with the answer, the system would reset it, and a client that is still sending would lose
 * the answer. After 64 MiB or 30 seconds it is cut all the same.
 * The answer to a client that still waits to be asked for the body is the last of its connection, since it is
 * unknown whether the body comes.
 */
export function answerEarly(
  outgoing: ServerResponse,
  answer: Answer,
  correlationId: Guid,
  send: SendAnswer,
): void {
  const { req: incoming } = outgoing;
  if (waitsToContinue(incoming)) outgoing.shouldKeepAlive = false;
  const isLast = !outgoing.shouldKeepAlive || answer.headers?.['Connection'] === 'close';
  if (!isLast || answer.stream !== undefined || outgoing.headersSent) {
    send(outgoing, answer, correlationId);
    receiveRest(incoming, (isWhole) => {
      if (!isWhole) incoming.socket.destroy();
    });
    return;
  }
  // All of the answer goes now, at once: who calls asks what the system did not take. Node ends the
  // connection at `end`.
  outgoing.writeHead(answer.status, headersOf(answer, correlationId));
  outgoing.cork();
  if (answer.body === undefined || incoming.method === 'HEAD') outgoing.flushHeaders();
  else outgoing.write(answer.body);
  outgoing.uncork();
  receiveRest(incoming, () => outgoing.end());
}

/** Drops what comes of a body. Calls `ended` once: at its end, when the client leaves, or when it is too much. */
export function receiveRest(incoming: IncomingMessage, ended: (isWhole: boolean) => void): void {
  let bytes = 0;
  let isEnded = false;
  const end = (isWhole: boolean): void => {
    if (isEnded) return;
    isEnded = true;
    clearTimeout(timer);
    ended(isWhole);
  };
  const timer = setTimeout(() => end(false), lateMsMax).unref();
  incoming.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > lateBytesMax) end(false);
  });
  incoming.once('end', () => end(true));
  incoming.once('close', () => end(false));
}
