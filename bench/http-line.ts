/**
 * An HTTP connection with as little as possible around it: bytes that are made already, and one request at
 * a time. So the client costs next to nothing, and what is measured is the server.
 */

import { connect } from 'node:net';

export type HttpLine = {
  /** True while no request waits for its answer and the server has not closed the line. */
  isFree(): boolean;
  /** Sends a whole request; resolves with the status when the whole answer has come. */
  send(request: string): Promise<number>;
  close(): void;
};

/** A line to this server. Rejects when there is none; `send` rejects when the server closes the line, or has. */
export function openHttpLine(url: string): Promise<HttpLine> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    let waiting: PromiseWithResolvers<number> | undefined;
    let received = '';
    let failure: Error | undefined;
    const failed = (error: Error): void => {
      failure ??= error;
      reject(error);
      waiting?.reject(error);
    };
    // One character a byte, as Content-Length counts.
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      received += text;
      if (!isWhole(received)) return;
      const status = Number(received.slice(9, 12));
      const answered = waiting;
      received = '';
      waiting = undefined;
      answered?.resolve(status);
    });
    socket.on('error', failed);
    socket.on('close', () => failed(new Error('the server closed the line')));
    socket.once('connect', () =>
      resolve({
        isFree: () => waiting === undefined && failure === undefined,
        async send(request) {
          if (failure !== undefined) throw failure;
          waiting = Promise.withResolvers<number>();
          socket.write(request);
          return waiting.promise;
        },
        close: () => socket.destroy(),
      }),
    );
  });
}

/** True of an answer with all of its body. The server always says its length. */
function isWhole(answer: string): boolean {
  const headEnd = answer.indexOf('\r\n\r\n');
  if (headEnd < 0) return false;
  const [, length = '0'] = /\r\ncontent-length: (\d+)/i.exec(answer.slice(0, headEnd)) ?? [];
  return answer.length >= headEnd + 4 + Number(length);
}
