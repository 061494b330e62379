/**
 * Fiddler's archives: a ZIP with three or four files for each request,
 * `raw/12_c.txt` (request), `raw/12_s.txt` (answer), `raw/12_m.xml` (times), `raw/12_w.txt` (frames).
 *
 * Nothing is unpacked to the disk; names of files are only looked at. This runs in browsers too: the page of the
 * inspector opens captures.
 */

import type { FileEntry, ZipReader } from '@zip.js/zip.js';
import { messageOf } from '../domain/error-message.ts';
import { concatBytes, utf8Of } from './byte-text.ts';
import {
  type Capture,
  type CapturedCall,
  CaptureError,
  captureLimits,
  parseMoment,
} from './capture.ts';
import { parseFiddlerFrames } from './fiddler-frames.ts';
import { type HttpMessage, parseHttpMessage } from './http-message.ts';

type Part = 'c' | 's' | 'm' | 'w';

/** An archive, wherever it is. */
export type ArchiveBytes = {
  readonly size: number;
  /** Fewer where the archive ends. */
  readonly read: (at: number, length: number) => Promise<Uint8Array>;
};

/** The capture in an archive. Throws a CaptureError when it is none. */
export async function readSaz(archive: ArchiveBytes): Promise<Capture> {
  // Without threads and an unpacker of its own: Node and browsers have one.
  const { configure, Reader, ZipReader } = await import('@zip.js/zip.js/lib/zip-core-custom.js');
  configure({ useWebWorkers: false });
  const reader = new (class extends Reader<ArchiveBytes> {
    override size = archive.size;
    override readUint8Array = archive.read;
  })(archive);
  const zip = new ZipReader(reader);
  try {
    return await readArchive(zip);
  } finally {
    await zip.close();
  }
}

type Archive = ZipReader<unknown>;

async function readArchive(archive: Archive): Promise<Capture> {
  const calls: CapturedCall[] = [];
  const problems: string[] = [];
  for (const [number, parts] of await listCalls(archive)) {
    try {
      const call = await readCall(number, parts);
      if (call !== undefined) calls.push(call.call);
      problems.push(...(call?.problems ?? []).map((one) => `Request ${number}: ${one}`));
    } catch (error) {
      if (error instanceof CaptureError) throw error;
      problems.push(`Request ${number} could not be read: ${messageOf(error)}`);
    }
  }
  calls.sort((a, b) => a.startMs - b.startMs || a.number - b.number);
  return { madeBy: 'Fiddler', calls, problems };
}

type Parts = Partial<Record<Part, FileEntry>>;

/** The files of each request, by its number. Throws a CaptureError over the limits. */
async function listCalls(archive: Archive): Promise<ReadonlyMap<number, Parts>> {
  const found = new Map<number, Parts>();
  let files = 0;
  let unpacked = 0;
  try {
    for await (const entry of archive.getEntriesGenerator()) {
      files += 1;
      if (files > captureLimits.archiveFilesMax) {
        throw new CaptureError(`has more than ${captureLimits.archiveFilesMax} files.`);
      }
      const [, digits, part] = /^raw\/(\d{1,9})_([csmw])\.(?:txt|xml)$/i.exec(entry.filename) ?? [];
      if (digits === undefined || part === undefined || entry.directory) continue;
      if (entry.encrypted) {
        throw new CaptureError('is protected by a password; save it without one.');
      }
      unpacked += entry.uncompressedSize;
      if (unpacked > captureLimits.archiveBytesMax) {
        throw new CaptureError(
          `unpacks to more than ${captureLimits.archiveBytesMax / 1024 / 1024} MiB.`,
        );
      }
      const parts = found.get(Number(digits)) ?? {};
      parts[part.toLowerCase() as Part] = entry;
      found.set(Number(digits), parts);
    }
  } catch (error) {
    if (error instanceof CaptureError) throw error;
    throw new CaptureError(`is a damaged archive: ${messageOf(error)}`);
  }
  if (found.size === 0) {
    throw new CaptureError('is an archive without requests; Fiddler has them in raw/.');
  }
  return new Map([...found].toSorted(([a], [b]) => a - b));
}

type ReadCall = { readonly call: CapturedCall; readonly problems: readonly string[] };

/** Undefined for what Fiddler keeps besides requests: tunnels, and its own tests. */
async function readCall(number: number, { c, s, m, w }: Parts): Promise<ReadCall | undefined> {
  const request = c && (await parseHttpMessage(await unpack(c)));
  if (request === undefined) return undefined;
  const [method = '', target = ''] = request.startLine.split(' ');
  if (method === 'CONNECT') return undefined;
  if (!/^https?:\/\/[^/]/i.test(target) || !URL.canParse(target)) return undefined;
  const response: HttpMessage | undefined = s && (await parseHttpMessage(await unpack(s)));
  const { startMs, endMs } = parseTimes(m && utf8Of(await unpack(m)));
  const status = Number(response?.startLine.split(' ')[1]) || 0;
  const frames =
    status === 101
      ? parseFiddlerFrames(w ? await unpack(w) : new Uint8Array(), startMs)
      : undefined;
  return {
    call: {
      number,
      startMs,
      endMs,
      method,
      url: target,
      requestHeaders: request.headers,
      requestBody: request.body,
      status,
      responseHeaders: response?.headers ?? [],
      responseBody: response?.body ?? '',
      frames,
    },
    problems: [
      ...(request.problem === undefined ? [] : [`its body: ${request.problem}`]),
      ...(response?.problem === undefined ? [] : [`the body of its answer: ${response.problem}`]),
    ],
  };
}

/** `ClientBeginRequest` and `ClientDoneResponse` of the timers; 0 where there are none. */
function parseTimes(xml: string | undefined): { startMs: number; endMs: number } {
  const timeOf = (name: RegExp): number => {
    const value = name.exec(xml ?? '')?.[1] ?? '';
    const timeMs = parseMoment(value);
    // Fiddler writes the year 1 for what did not happen.
    return Number.isNaN(timeMs) || timeMs < 0 ? 0 : timeMs;
  };
  const startMs = timeOf(/\bClientBeginRequest="([^"]{1,60})"/);
  return { startMs, endMs: Math.max(timeOf(/\bClientDoneResponse="([^"]{1,60})"/), startMs) };
}

/** What an entry holds. Throws a CaptureError when that is more than one file may have. */
async function unpack(entry: FileEntry): Promise<Uint8Array> {
  const bound = captureLimits.unpackedBytesMax;
  const tooMuch = `${entry.filename} has more than ${bound / 1024 / 1024} MiB`;
  if (entry.uncompressedSize > bound) throw new Error(tooMuch);
  const parts: Uint8Array[] = [];
  let length = 0;
  // The size in the archive may lie.
  const kept = new WritableStream<Uint8Array>({
    write(part) {
      length += part.length;
      if (length > bound) throw new Error(tooMuch);
      parts.push(part);
    },
  });
  await entry.getData(kept, { checkSignature: true });
  return concatBytes(parts);
}
