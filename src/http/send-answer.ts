import type { ServerResponse } from 'node:http';
import type { Guid } from '../domain/ids.ts';
import { STATUS_CODES } from './node-http.ts';
import type { Answer } from './route.ts';

/** How long the server keeps an idle connection. */
export const keepAliveSeconds = 75;

/** Sends `answer`, unless the request is answered already. */
export type SendAnswer = (outgoing: ServerResponse, answer: Answer, correlationId: Guid) => void;

/** Sends as Node documents it: Node checks each header and writes them down. */
export const sendAnswer: SendAnswer = (outgoing, answer, correlationId) => {
  if (outgoing.headersSent) return;
  outgoing.writeHead(answer.status, headersOf(answer, correlationId));
  if (answer.stream === undefined || outgoing.req.method === 'HEAD') outgoing.end(answer.body);
  else answer.stream(outgoing);
};

/**
 * Sends the same bytes as `sendAnswer` with less work: all headers are one text, which is what Node
 * makes of them in a private field. An answer that is not of the usual kind goes the other way: to
 * HEAD or HTTP/1.0, without a body, the last of its connection, or with a header that Node would refuse.
 *
 * `send-answer.test.ts` compares the bytes of both ways, so that a Node with other fields is noticed.
 */
export const sendAnswerAsBlock: SendAnswer = (outgoing, answer, correlationId) => {
  const { status, body, headers } = answer;
  const { method, httpVersionMinor } = outgoing.req;
  if (
    outgoing.headersSent ||
    !outgoing.shouldKeepAlive ||
    body === undefined ||
    body === '' ||
    status === 204 ||
    status === 304 ||
    method === 'HEAD' ||
    httpVersionMinor !== 1
  ) {
    return sendAnswer(outgoing, answer, correlationId);
  }
  let own = '';
  for (const name in headers) {
    const value = headers[name] as string;
    if (name === 'Connection' || !printable.test(value)) {
      return sendAnswer(outgoing, answer, correlationId);
    }
    own += `${name}: ${value}\r\n`;
  }
  outgoing.statusCode = status;
  (outgoing as unknown as { _header: string })._header =
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n` +
    `Cache-Control: ${cacheControlOf(answer)}\r\n` +
    `X-Content-Type-Options: nosniff\r\nX-XblCorrelationId: ${correlationId}\r\n` +
    `Content-Type: ${answer.contentType ?? usualType}\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n` +
    `${own}Date: ${date()}\r\n` +
    `Connection: keep-alive\r\nKeep-Alive: timeout=${keepAliveSeconds}\r\n\r\n`;
  outgoing.end(body);
};

const printable = /^[\x20-\x7e]*$/;
const usualType = 'application/json';

function cacheControlOf({ isSession }: Answer): string {
  return isSession ? 'max-age=0, must-revalidate' : 'no-cache, no-store';
}

let dateText = '';
let dateSecond = 0;

/** The time of day for headers; made once a second. */
function date(): string {
  const nowMs = Date.now();
  const second = Math.floor(nowMs / 1_000);
  if (second !== dateSecond) {
    dateText = new Date(nowMs).toUTCString();
    dateSecond = second;
  }
  return dateText;
}

/** The headers of `answer` as one flat list; `Date` is not among them. @source docs/wire/README.md "Every answer" */
export function headersOf(answer: Answer, correlationId: Guid): string[] {
  const { status, body, stream, contentType = usualType, headers } = answer;
  const list = [
    'Cache-Control',
    cacheControlOf(answer),
    'X-Content-Type-Options',
    'nosniff',
    'X-XblCorrelationId',
    correlationId,
  ];
  if (body !== undefined) {
    list.push('Content-Type', contentType, 'Content-Length', String(Buffer.byteLength(body)));
  } else if (stream !== undefined) {
    list.push('Content-Type', contentType);
  } else if (status !== 204 && status !== 304) {
    list.push('Content-Length', '0');
  }
  for (const name in headers) list.push(name, headers[name] as string);
  return list;
}
