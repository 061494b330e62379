/**
 * What somebody recorded between a game and Xbox Live, or this server: calls with their answers, and
 * sockets with their frames. Independent of the file that it came from.
 *
 * @source docs/captures.md "What is read"
 */

import type { TokenClaims } from '../auth/claims.ts';
import type { Milliseconds } from '../domain/time.ts';

export type Capture = {
  /** The program that wrote the file. */
  readonly madeBy: string;
  /** In the order in which they began. */
  readonly calls: readonly CapturedCall[];
  /** What is in the file and could not be read, a sentence each. */
  readonly problems: readonly string[];
};

/** A name, as it was written, and a value. */
export type CapturedHeader = readonly [name: string, value: string];

/** One request with its answer; a socket where it has frames. */
export type CapturedCall = {
  /** As the program that recorded it counts: from 1. */
  readonly number: number;
  readonly startMs: Milliseconds;
  readonly endMs: Milliseconds;
  readonly method: string;
  /** The whole URL, `https:` for `wss:`. */
  readonly url: string;
  readonly requestHeaders: readonly CapturedHeader[];
  readonly requestBody: string;
  /** 0: no answer came. */
  readonly status: number;
  readonly responseHeaders: readonly CapturedHeader[];
  readonly responseBody: string;
  /** Those of a socket, in their order. */
  readonly frames?: readonly CapturedFrame[] | undefined;
  /** Who called, where the program that recorded it knew. */
  readonly caller?: TokenClaims | undefined;
};

/** A message on a socket. */
export type CapturedFrame = {
  readonly from: 'client' | 'server';
  readonly atMs: Milliseconds;
  readonly kind: 'text' | 'close' | 'ping' | 'pong';
  /** Of a text. */
  readonly text: string;
};

/** A file that is no capture, or more than can be read: the message says why. */
export class CaptureError extends Error {}

/** Bounds on what is read of one capture. Archives and answers can say little and unpack to much. */
export const captureLimits = {
  /** A file. */
  fileBytesMax: 256 * 1024 * 1024,
  /** The files in an archive. */
  archiveFilesMax: 200_000,
  /** One file of an archive, and one body, unpacked. */
  unpackedBytesMax: 16 * 1024 * 1024,
  /** All of an archive, unpacked. */
  archiveBytesMax: 512 * 1024 * 1024,
} as const;

/** The value of the first header `name`, which is lower-case. */
export function headerOf(headers: readonly CapturedHeader[], name: string): string | undefined {
  return headers.find(([one]) => one.toLowerCase() === name)?.[1];
}

/**
 * The time of an ISO 8601 text, with its fractions of a millisecond: steps of a capture are that close.
 * NaN when it is none.
 */
export function parseMoment(text: string): Milliseconds {
  const fraction = /\.\d{3}(\d{1,6})/.exec(text)?.[1];
  return Date.parse(text) + (fraction === undefined ? 0 : Number(`0.${fraction}`));
}

/** A time as `parseMoment` reads it. */
export function formatMoment(timeMs: Milliseconds): string {
  const whole = new Date(timeMs).toISOString();
  const micros = Math.floor((timeMs - Math.floor(timeMs)) * 1000);
  return `${whole.slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
}
