/**
 * A real-time line with as little as possible around it, so that one process holds thousands: a
 * socket, the handshake, and frames cut from the bytes.
 */

import { connect, type Socket } from 'node:net';

export type RtaLine = {
  readonly connectionId: string;
  /** Hears of every frame after the first answer; nobody by default. */
  onFrame: ((text: string) => void) | undefined;
  /** False once the server has ended it. */
  readonly isOpen: boolean;
  close(): void;
};

const connections = 'https://sessiondirectory.xboxlive.com/connections/';

/** A line of this user, subscribed to the session directory. Rejects when the server does not take it. */
export function openLine(url: string, authorization: string): Promise<RtaLine> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    let isUpgraded = false;
    let rest: Buffer = Buffer.alloc(0);
    const line: { -readonly [K in keyof RtaLine]: RtaLine[K] } = {
      connectionId: '',
      onFrame: undefined,
      isOpen: true,
      close: () => socket.destroy(),
    };
    socket.on('error', reject);
    socket.on('close', () => {
      line.isOpen = false;
      reject(new Error('the server closed the line'));
    });
    socket.once('connect', () => socket.write(handshake(hostname, port, authorization)));
    socket.on('data', (chunk) => {
      let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      if (!isUpgraded) {
        const end = bytes.indexOf('\r\n\r\n');
        if (end >= 0 && !bytes.toString('latin1', 0, 12).endsWith('101')) {
          reject(new Error(bytes.toString('latin1', 0, end)));
        }
        if (end >= 0) {
          isUpgraded = true;
          bytes = bytes.subarray(end + 4);
          send(socket, JSON.stringify([1, 0, connections]));
        }
      }
      if (isUpgraded) {
        for (let frame = frameOf(bytes); frame !== undefined; frame = frameOf(bytes)) {
          bytes = bytes.subarray(frame.length);
          if (frame.isPing) socket.write(pong);
          if (frame.text === undefined) continue;
          if (line.connectionId !== '') line.onFrame?.(frame.text);
          else {
            line.connectionId = JSON.parse(frame.text)[4].ConnectionId;
            resolve(line);
          }
        }
      }
      // A copy, or each line holds on to the whole of what was read last.
      rest = bytes.length === 0 ? noBytes : Buffer.from(bytes);
    });
  });
}

const noBytes = Buffer.alloc(0);
/** Without the bytes of the ping, which no server here looks at. */
const pong = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);

function handshake(host: string, port: string, authorization: string): string {
  return [
    'GET /connect HTTP/1.1',
    `Host: ${host}:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    'Sec-WebSocket-Protocol: rta.xboxlive.com.V2',
    `Authorization: ${authorization}`,
    '\r\n',
  ].join('\r\n');
}

/** A text frame of a client; its mask is zero, which leaves the text as it is. */
function send(socket: Socket, text: string): void {
  const payload = Buffer.from(text);
  socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload]));
}

type Frame = {
  readonly length: number;
  readonly isPing: boolean;
  /** Undefined of any other kind than text. */
  readonly text: string | undefined;
};

/** The frame that `bytes` begin with, once it is whole. */
function frameOf(bytes: Buffer): Frame | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes.readUInt8(1) & 0x7f;
  const at = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (bytes.length < at) return undefined;
  const size =
    short === 127
      ? Number(bytes.readBigUInt64BE(2))
      : short === 126
        ? bytes.readUInt16BE(2)
        : short;
  if (bytes.length < at + size) return undefined;
  const kind = bytes.readUInt8(0) & 0x0f;
  const text = kind === 1 ? bytes.toString('utf8', at, at + size) : undefined;
  return { length: at + size, isPing: kind === 9, text };
}
