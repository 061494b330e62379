/**
 * Fiddler's archives: a ZIP with three or four files for each request,
 * `raw/12_c.txt` (request), `raw/12_s.txt` (answer), `raw/12_m.xml` (times), `raw/12_w.txt` (frames).
 *
 * Nothing is unpacked to the disk; names of files are only looked at.
 */

import type { Readable } from 'node:stream';
import type { Entry, ZipFile } from 'yauzl';
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

/** The capture in the archive at `path`. Throws a CaptureError when it is none. */
export async function readSaz(path: string): Promise<Capture> {
  const { openPromise } = await import('yauzl');
  let archive: ZipFile;
  try {
    archive = await openPromise(path, { autoClose: false });
  } catch (error) {
    throw new CaptureError(`is no archive that can be read: ${messageOf(error)}`);
  }
  try {
    return await readArchive(archive);
  } finally {
    archive.close();
  }
}

async function readArchive(archive: ZipFile): Promise<Capture> {
  const calls: CapturedCall[] = [];
  const problems: string[] = [];
  for (const [number, parts] of await listCalls(archive)) {
    try {
      const call = await readCall(archive, number, parts);
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

type Parts = Partial<Record<Part, Entry>>;

/** The files of each request, by its number. Throws a CaptureError over the limits. */
async function listCalls(archive: ZipFile): Promise<ReadonlyMap<number, Parts>> {
  const found = new Map<number, Parts>();
  let files = 0;
  let unpacked = 0;
  try {
    for await (const entry of archive.eachEntry()) {
      files += 1;
      if (files > captureLimits.archiveFilesMax) {
        throw new CaptureError(`has more than ${captureLimits.archiveFilesMax} files.`);
      }
      const [, digits, part] = /^raw\/(\d{1,9})_([csmw])\.(?:txt|xml)$/i.exec(entry.fileName) ?? [];
      if (digits === undefined || part === undefined) continue;
      if (entry.isEncrypted()) {
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
async function readCall(
  archive: ZipFile,
  number: number,
  { c, s, m, w }: Parts,
): Promise<ReadCall | undefined> {
  const request = c && parseHttpMessage(await unpack(archive, c));
  if (request === undefined) return undefined;
  const [method = '', target = ''] = request.startLine.split(' ');
  if (method === 'CONNECT') return undefined;
  if (!/^https?:\/\/[^/]/i.test(target) || !URL.canParse(target)) return undefined;
  const response: HttpMessage | undefined = s && parseHttpMessage(await unpack(archive, s));
  const { startMs, endMs } = parseTimes(m && (await unpack(archive, m)).toString('utf8'));
  const status = Number(response?.startLine.split(' ')[1]) || 0;
  const frames =
    status === 101
      ? parseFiddlerFrames(w ? await unpack(archive, w) : Buffer.alloc(0), startMs)
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
async function unpack(archive: ZipFile, entry: Entry): Promise<Buffer> {
  const bound = captureLimits.unpackedBytesMax;
  if (entry.uncompressedSize > bound) {
    throw new Error(`${entry.fileName} has more than ${bound / 1024 / 1024} MiB.`);
  }
  const stream: Readable = await archive.openReadStreamPromise(entry);
  const chunks: Buffer[] = [];
  let length = 0;
  // The size in the archive may lie: the reader stops a stream that is longer, and so does this.
  for await (const chunk of stream) {
    length += (chunk as Buffer).length;
    if (length > bound)
      throw new Error(`${entry.fileName} has more than ${bound / 1024 / 1024} MiB.`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
