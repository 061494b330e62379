import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import {
  findExcess,
  isDeeperThan,
  isJsonObject,
  isRawNumber,
  parseRequestJson,
  type Json,
  type JsonObject,
} from '../domain/json.ts';
import { faultAt, findJsonFault, type JsonFault } from '../domain/json-fault.ts';
import { limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';
import type { HeldBytes } from './held-bytes.ts';
import { parseQuery } from './query.ts';

/** Nothing when the length that the client gives, if any, is small enough. Refuses: bodyTooLarge. */
export function sizeRefusal({ headers }: IncomingMessage, bytesMax: number): Refusal | undefined {
  return Number(headers['content-length']) > bytesMax ? tooLarge(bytesMax) : undefined;
}

function tooLarge(bytesMax: number): Refusal {
  return new Refusal('bodyTooLarge', `The body is larger than ${bytesMax} bytes.`);
}

/**
 * All of the body. Never settles when the client leaves before its end: nobody waits for an answer.
 *
 * What comes after a refusal is read and dropped, so that the client reads the answer and the
 * connection can be used again.
 *
 * Refuses: bodyTooLarge; requestTooSlow when this one is the oldest of too many unfinished ones, which
 * `uploads` counts.
 */
export function readBody(
  incoming: IncomingMessage,
  bytesMax: number,
  uploads: HeldBytes<object>,
): Promise<Buffer | Refusal> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const length = Number(incoming.headers['content-length']);
    let bytes = 0;
    let isRefused = false;
    const refuse = (refusal: Refusal): void => {
      isRefused = true;
      chunks.length = 0;
      uploads.delete(incoming);
      resolve(refusal);
    };
    const tooSlow = (): void =>
      refuse(
        new Refusal(
          'requestTooSlow',
          'The body is not complete, and of too many like it this one has been on its way the longest.',
        ),
      );
    incoming.on('data', (chunk: Buffer) => {
      if (isRefused) return;
      const isFirst = bytes === 0;
      bytes += chunk.length;
      if (bytes > bytesMax) return refuse(tooLarge(bytesMax));
      chunks.push(chunk);
      // A body in one piece, as nearly all are, is not held.
      if (bytes === length) return;
      uploads.add(incoming, chunk.length, tooSlow);
      if (isFirst) incoming.once('close', () => uploads.delete(incoming));
    });
    incoming.on('end', () => {
      uploads.delete(incoming);
      const [first = noBytes] = chunks;
      resolve(chunks.length > 1 ? Buffer.concat(chunks) : first);
    });
  });
}

const noBytes = Buffer.alloc(0);

/**
 * The JSON object that a body holds, whatever its Content-Type says; which numbers are exact is up to
 * `parse`.
 *
 * Refuses: bodyNotJson, naming line and column; requestInvalid for too deep a nesting; tooManyItems
 * for too many values.
 *
 * @source docs/wire/README.md "Every request"
 */
export function parseBody(
  bytes: Buffer,
  parse: (text: string) => Json = parseRequestJson,
): JsonObject | Refusal {
  const text = textOf(bytes);
  if (text === undefined) return notReadable('UTF-8', utf8FaultOf(bytes));
  if (text === '') return new Refusal('bodyNotJson', 'The body is empty; expected a JSON object.');
  if (isDeeperThan(text, limits.bodyDepthMax)) {
    return new Refusal(
      'requestInvalid',
      `The body nests arrays and objects more than ${limits.bodyDepthMax} deep.`,
    );
  }
  const tooMany = mayHoldSoMany(text);
  if (tooMany) return tooMany;
  try {
    const value = parse(text);
    return isJsonObject(value) ? value : notAnObject(value);
  } catch (error) {
    const fault = findJsonFault(text);
    if (fault === undefined) throw error;
    return notReadable('JSON', fault);
  }
}

/**
 * The fields of a form, `a=1&b=2`, whatever its Content-Type says; of a field that is there twice the
 * last.
 *
 * Refuses: requestInvalid for too many fields.
 */
export function parseForm(bytes: Buffer): JsonObject | Refusal {
  const fields = parseQuery(bytes.toString('utf8'));
  if (fields instanceof Refusal) {
    return new Refusal(
      'requestInvalid',
      `The form has more than ${limits.queryParametersMax} fields.`,
    );
  }
  return Object.fromEntries(fields);
}

/** Refuses: tooManyItems. */
function mayHoldSoMany(text: string): Refusal | undefined {
  const { bodyValuesMax, objectMembersMax } = limits;
  const excess = findExcess(text, { valuesMax: bodyValuesMax, membersMax: objectMembersMax });
  if (excess === undefined) return undefined;
  const [what, max] =
    excess === 'values'
      ? ['The body has', bodyValuesMax]
      : ['An object of the body has', objectMembersMax];
  return new Refusal(
    'tooManyItems',
    `${what} more than ${max} ${excess}; write less of it at a time, or keep many small values in one string.`,
    { detail: `${excess} max ${max}` },
  );
}

function notAnObject(value: Json): Refusal {
  return new Refusal('bodyNotJson', `$: Expected an object, found ${kindOf(value)}.`, {
    detail: '$',
  });
}

function kindOf(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return isRawNumber(value) ? 'a number' : `a ${typeof value}`;
}

function notReadable(as: string, { line, column, expected, found }: JsonFault): Refusal {
  const place = `line ${line}, column ${column}`;
  return new Refusal(
    'bodyNotJson',
    `The body is not ${as}; ${place}: expected ${expected}, found ${found}.`,
    { detail: place },
  );
}

const byteOrderMark = '\ufeff';

/** Undefined when the bytes are not UTF-8. */
function textOf(bytes: Buffer): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString('utf8');
  return text.startsWith(byteOrderMark) ? text.slice(1) : text;
}

/** Bytes that are checked at once in the search for a fault. */
const sliceBytes = 4_096;

/** The place of the first byte that is not UTF-8, in bytes that are not. A U+FFFD is no fault. */
function utf8FaultOf(bytes: Buffer): JsonFault {
  let at = 0;
  for (;;) {
    const end = startOfCharacter(bytes, at + sliceBytes);
    if (!isUtf8(bytes.subarray(at, end))) break;
    at = end;
  }
  for (;;) {
    const end = at + characterBytes(bytes[at]);
    if (!isUtf8(bytes.subarray(at, end))) break;
    at = end;
  }
  const before = bytes.toString('utf8', 0, at);
  const found = `byte 0x${bytes.toString('hex', at, at + 1)}`;
  return { ...faultAt(before, before.length, 'UTF-8'), found };
}

/** The first byte of the character that the byte at `at` is part of. */
function startOfCharacter(bytes: Buffer, at: number): number {
  let start = at;
  while (at - start < 3 && (Number(bytes[start]) & 0xc0) === 0x80) start -= 1;
  return start;
}

/** How many bytes a character takes that begins with `first`. */
function characterBytes(first = 0): number {
  if (first < 0x80) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}
