/**
 * HTTP messages as Fiddler keeps them: the bytes that were sent.
 *
 *     message = start-line CRLF *( name ":" value CRLF ) CRLF body
 */

import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import { type CapturedHeader, captureLimits, headerOf } from './capture.ts';

export type HttpMessage = {
  readonly startLine: string;
  readonly headers: readonly CapturedHeader[];
  /** Without transfer and content coding, as UTF-8. */
  readonly body: string;
  /** Why the body could not be decoded; it is empty then. */
  readonly problem?: string;
};

/** What `bytes` say; undefined when they do not begin as a message does. */
export function parseHttpMessage(bytes: Buffer): HttpMessage | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  const head = (end === -1 ? bytes : bytes.subarray(0, end)).toString('latin1');
  const [startLine = '', ...lines] = head.split('\r\n');
  if (!startLine.includes(' ')) return undefined;
  const headers = lines.flatMap((line): CapturedHeader[] => {
    const colon = line.indexOf(':');
    return colon < 1 ? [] : [[line.slice(0, colon).trim(), line.slice(colon + 1).trim()]];
  });
  const raw = end === -1 ? Buffer.alloc(0) : bytes.subarray(end + 4);
  try {
    const isChunked = headerOf(headers, 'transfer-encoding')?.toLowerCase() === 'chunked';
    const whole = isChunked ? joinChunks(raw) : raw;
    const body = decodeContent(whole, headerOf(headers, 'content-encoding'));
    return { startLine, headers, body: body.toString('utf8') };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { startLine, headers, body: '', problem };
  }
}

/** The bytes of all chunks. What is chunked by its header and not by its bytes is taken as it is. */
function joinChunks(bytes: Buffer): Buffer {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    // A size of more than eight digits is longer than any file.
    const line = lineEnd === -1 ? '' : bytes.toString('latin1', at, Math.min(lineEnd, at + 32));
    const size = /^[0-9a-f]{1,8}/i.exec(line)?.[0];
    if (size === undefined) return at === 0 ? bytes : Buffer.concat(chunks);
    const length = Number.parseInt(size, 16);
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + length));
    at = lineEnd + 2 + length + 2;
  }
}

/** Throws an Error when the bytes are not so encoded, or are more than one body may be. */
function decodeContent(bytes: Buffer, encoding: string | undefined): Buffer {
  const bound = { maxOutputLength: captureLimits.unpackedBytesMax };
  if (bytes.length === 0) return bytes;
  switch (encoding?.toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return gunzipSync(bytes, bound);
    case 'br':
      return brotliDecompressSync(bytes, bound);
    case 'deflate':
      // Some send it without the wrapping that the standard asks for.
      return (bytes[0] ?? 0) % 16 === 8 ? inflateSync(bytes, bound) : inflateRawSync(bytes, bound);
    default:
      return bytes;
  }
}
