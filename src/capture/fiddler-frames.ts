/**
 * The frames of a socket as Fiddler keeps them beside its request.
 *
 *     file    = *( CRLF / message )
 *     message = ( "Request-Length" / "Response-Length" ) ":" length CRLF
 *               *( name ":" value CRLF ) CRLF frame CRLF
 *     frame   = a frame of RFC 6455 of that many bytes; of a client, with its mask
 */

import { indexOfText, latin1Of, utf8Of } from './byte-text.ts';
import { type CapturedFrame, parseMoment } from './capture.ts';

const kinds: Readonly<Record<number, CapturedFrame['kind']>> = {
  0: 'text',
  1: 'text',
  2: 'text',
  8: 'close',
  9: 'ping',
  10: 'pong',
};

/** The frames in `bytes`, up to the first that is none; `startMs` is the time of one without its own. */
export function parseFiddlerFrames(bytes: Uint8Array, startMs: number): readonly CapturedFrame[] {
  const frames: CapturedFrame[] = [];
  /** A message comes in parts: one of each side may be open. */
  const parts = { client: '', server: '' };
  for (const { from, atMs, frame } of messagesIn(bytes, startMs)) {
    const kind = kinds[frame.opcode];
    if (kind === undefined) continue;
    if (kind !== 'text') {
      frames.push({ from, atMs, kind, text: '' });
      continue;
    }
    const text: string = parts[from] + utf8Of(frame.payload);
    parts[from] = frame.isFinal ? '' : text;
    if (frame.isFinal) frames.push({ from, atMs, kind, text });
  }
  return frames;
}

type Message = Pick<CapturedFrame, 'from' | 'atMs'> & { readonly frame: WireFrame };

function* messagesIn(bytes: Uint8Array, startMs: number): Generator<Message> {
  let atMs = startMs;
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] === 13 || bytes[at] === 10) {
      at += 1;
      continue;
    }
    const head = readHead(bytes, at);
    if (head === undefined) return;
    if (!Number.isNaN(head.readMs)) atMs = head.readMs;
    at = head.endsAt + head.frameLength;
    const frame = readFrame(bytes.subarray(head.endsAt, at));
    if (frame !== undefined) yield { from: head.from, atMs, frame };
  }
}

type MessageHead = {
  readonly from: CapturedFrame['from'];
  /** In bytes. */
  readonly frameLength: number;
  /** NaN: it does not say when it was read. */
  readonly readMs: number;
  /** Where the frame begins. */
  readonly endsAt: number;
};

/** The lines before a frame; undefined for others. */
function readHead(bytes: Uint8Array, at: number): MessageHead | undefined {
  const end = indexOfText(bytes, '\r\n\r\n', at);
  if (end === -1 || end - at > 1_000) return undefined;
  const text = latin1Of(bytes.subarray(at, end));
  const [, side, digits] = /^(Request|Response)-Length: *(\d{1,9})/i.exec(text) ?? [];
  if (side === undefined) return undefined;
  const read = /^(?:DoneRead|BeginSend): *([^\r\n]{1,60})/im.exec(text)?.[1] ?? '';
  return {
    from: side.toLowerCase() === 'request' ? 'client' : 'server',
    frameLength: Number(digits),
    readMs: parseMoment(read),
    endsAt: end + 4,
  };
}

type WireFrame = {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly payload: Uint8Array;
};

/** A frame of RFC 6455, unmasked; undefined when the bytes are fewer than it says. */
function readFrame(bytes: Uint8Array): WireFrame | undefined {
  if (bytes.length < 2) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [first = 0, second = 0] = bytes;
  let at = 2;
  let length = second & 127;
  if (length === 126) {
    if (bytes.length < 4) return undefined;
    length = view.getUint16(2);
    at = 4;
  } else if (length === 127) {
    if (bytes.length < 10) return undefined;
    length = Number(view.getBigUint64(2));
    at = 10;
  }
  const isMasked = (second & 128) !== 0;
  const mask = isMasked ? bytes.subarray(at, at + 4) : undefined;
  at += isMasked ? 4 : 0;
  if (bytes.length < at + length) return undefined;
  const payload = bytes.slice(at, at + length);
  if (mask !== undefined) {
    for (let i = 0; i < payload.length; i += 1) payload[i] = (payload[i] ?? 0) ^ (mask[i % 4] ?? 0);
  }
  return { opcode: first & 15, isFinal: (first & 128) !== 0, payload };
}
