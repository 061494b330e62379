/**
 * An HTTP connection with as little as possible around it: texts that are made already, and one request at
 * a time. So the client costs next to nothing, and what is measured is the server.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export type HttpAnswer = {
  readonly status: number;
  /** Head and body, one character a byte. */
  readonly text: string;
};

export type HttpLine = {
  /** True while no request waits for its answer and the server has not closed the line. */
  isFree(): boolean;
  /** Sends a whole request; resolves when the whole answer has come. */
  send(request: string): Promise<HttpAnswer>;
  close(): void;
};

/** A line to this server. Rejects when there is none; `send` rejects when the server closes the line, or has. */
export async function openHttpLine(url: string): Promise<HttpLine> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  return httpLineOn(socket);
}

/** A line on a connected socket, with TLS or without. */
export function httpLineOn(socket: Socket): HttpLine {
  let waiting: PromiseWithResolvers<HttpAnswer> | undefined;
  let received = '';
  /** Where the answer ends; 0 until its head is there. */
  let end = 0;
  let failure: Error | undefined;
  const failed = (error: Error): void => {
    failure ??= error;
    waiting?.reject(failure);
  };
  // One character a byte, as Content-Length counts.
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    received += text;
    if (end === 0) end = endOf(received);
    if (end === 0 || received.length < end) return;
    const answer = { status: Number(received.slice(9, 12)), text: received };
    const answered = waiting;
    received = '';
    end = 0;
    waiting = undefined;
    answered?.resolve(answer);
  });
  socket.on('error', failed);
  socket.on('close', () => failed(new Error('the server closed the line')));
  return {
    isFree: () => waiting === undefined && failure === undefined,
    async send(request) {
      if (failure !== undefined) throw failure;
      waiting = Promise.withResolvers<HttpAnswer>();
      socket.write(request);
      return waiting.promise;
    },
    close: () => socket.destroy(),
  };
}

/** The length of an answer with its body; 0 while its head is not whole. The server always says it. */
function endOf(answer: string): number {
  const headEnd = answer.indexOf('\r\n\r\n');
  if (headEnd < 0) return 0;
  const [, length = '0'] = /\r\ncontent-length: (\d+)/i.exec(answer.slice(0, headEnd)) ?? [];
  return headEnd + 4 + Number(length);
}
