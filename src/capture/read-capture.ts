import { open, readFile } from 'node:fs/promises';
import { fileProblemOf } from '../platform/file-problem.ts';
import { type Capture, CaptureError, captureLimits } from './capture.ts';
import { parseHar } from './har.ts';

/**
 * The capture in a file, which is a `.har` or a `.saz`; what it is is seen by its first bytes.
 *
 * Throws a CaptureError when it is none, is larger than can be read, or nothing of it can be read.
 */
export async function readCapture(path: string): Promise<Capture> {
  const capture = await readAny(path);
  if (capture.calls.length > 0) return capture;
  throw new CaptureError(['has no call that can be read.', ...capture.problems].join(' '));
}

async function readAny(path: string): Promise<Capture> {
  const { first, bytes } = await lookInto(path);
  if (bytes === 0) throw new CaptureError('is empty.');
  if (bytes > captureLimits.fileBytesMax) {
    throw new CaptureError(`has more than ${captureLimits.fileBytesMax / 1024 / 1024} MiB.`);
  }
  if (first === 'PK') {
    const { readSaz } = await import('./saz.ts');
    await using file = await open(path);
    return await readSaz({
      size: bytes,
      async read(at, length) {
        const wanted = Math.max(0, Math.min(length, bytes - at));
        const { buffer, bytesRead } = await file.read(new Uint8Array(wanted), 0, wanted, at);
        return buffer.subarray(0, bytesRead);
      },
    });
  }
  return parseHar(await readFile(path, 'utf8'));
}

async function lookInto(path: string): Promise<{ first: string; bytes: number }> {
  try {
    await using file = await open(path);
    const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    const stats = await file.stat();
    if (!stats.isFile()) throw new Error('it is no file');
    return { first: buffer.toString('latin1'), bytes: stats.size };
  } catch (error) {
    throw new CaptureError(`cannot be read: ${fileProblemOf(error)}.`);
  }
}
