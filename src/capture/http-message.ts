/**
 * HTTP messages as Fiddler keeps them: the bytes that were sent.
 *
 *     message = start-line CRLF *( name ":" value CRLF ) CRLF body
 */

import { concatBytes, indexOfText, latin1Of, utf8Of } from './byte-text.ts';
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
export async function parseHttpMessage(bytes: Uint8Array): Promise<HttpMessage | undefined> {
  const end = indexOfText(bytes, '\r\n\r\n');
  const head = latin1Of(end === -1 ? bytes : bytes.subarray(0, end));
  const [startLine = '', ...lines] = head.split('\r\n');
  if (!startLine.includes(' ')) return undefined;
  const headers = lines.flatMap((line): CapturedHeader[] => {
    const colon = line.indexOf(':');
    return colon < 1 ? [] : [[line.slice(0, colon).trim(), line.slice(colon + 1).trim()]];
  });
  const raw = end === -1 ? new Uint8Array() : bytes.subarray(end + 4);
  try {
    const isChunked = headerOf(headers, 'transfer-encoding')?.toLowerCase() === 'chunked';
    const whole = isChunked ? joinChunks(raw) : raw;
    const body = await decodeContent(whole, headerOf(headers, 'content-encoding'));
    return { startLine, headers, body: utf8Of(body) };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { startLine, headers, body: '', problem };
  }
}

/** The bytes of all chunks. What is chunked by its header and not by its bytes is taken as it is. */
function joinChunks(bytes: Uint8Array): Uint8Array {
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = indexOfText(bytes, '\r\n', at);
    // A size of more than eight digits is longer than any file.
    const line = lineEnd === -1 ? '' : latin1Of(bytes.subarray(at, Math.min(lineEnd, at + 32)));
    const size = /^[0-9a-f]{1,8}/i.exec(line)?.[0];
    if (size === undefined) return at === 0 ? bytes : concatBytes(chunks);
    const length = Number.parseInt(size, 16);
    if (length === 0) return concatBytes(chunks);
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + length));
    at = lineEnd + 2 + length + 2;
  }
}

/** Throws an Error when the bytes are not so encoded, or are more than one body may be. */
async function decodeContent(bytes: Uint8Array, encoding: string | undefined): Promise<Uint8Array> {
  if (bytes.length === 0) return bytes;
  switch (encoding?.toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return decompress(bytes, 'gzip');
    case 'br':
      return decompressBrotli(bytes);
    case 'deflate':
      // Some send it without the wrapping that the standard asks for.
      return decompress(bytes, (bytes[0] ?? 0) % 16 === 8 ? 'deflate' : 'deflate-raw');
    default:
      return bytes;
  }
}

async function decompress(
  bytes: Uint8Array,
  format: 'gzip' | 'deflate' | 'deflate-raw',
): Promise<Uint8Array> {
  const bound = captureLimits.unpackedBytesMax;
  const parts: Uint8Array[] = [];
  let length = 0;
  const unpacked = new Blob([new Uint8Array(bytes)])
    .stream()
    .pipeThrough(new DecompressionStream(format));
  for await (const part of unpacked) {
    length += part.length;
    if (length > bound) throw new Error(`it unpacks to more than ${bound / 1024 / 1024} MiB`);
    parts.push(part);
  }
  return concatBytes(parts);
}

/** Browsers cannot do it for a page. */
async function decompressBrotli(bytes: Uint8Array): Promise<Uint8Array> {
  const zlib = globalThis.process?.getBuiltinModule?.('node:zlib');
  if (zlib === undefined) {
    throw new Error('it is packed with Brotli, which a page cannot unpack: openmpsd convert can');
  }
  return zlib.brotliDecompressSync(bytes, { maxOutputLength: captureLimits.unpackedBytesMax });
}
