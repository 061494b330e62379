import type { TokenClaims } from '../auth/claims.ts';
import type { Milliseconds } from '../domain/time.ts';
import { type CapturedFrame, type CapturedHeader, formatMoment, headerOf } from './capture.ts';

/** What an entry of a HAR file is made of; no token is in it any more. */
export type EntryParts = {
  readonly startMs: Milliseconds;
  readonly durationMs: Milliseconds;
  readonly method: string;
  readonly url: string;
  readonly requestHeaders: readonly CapturedHeader[];
  readonly requestBody: string;
  readonly status: number;
  readonly responseHeaders: readonly CapturedHeader[];
  readonly responseBody: string;
  readonly isSocket: boolean;
  readonly caller: TokenClaims | undefined;
};

/** A message of a socket, as browsers write it. */
export type HarMessage = {
  readonly type: 'send' | 'receive';
  /** Seconds. */
  readonly time: number;
  readonly opcode: number;
  readonly data: string;
};

/** An entry as HAR 1.2 wants it, with `_caller` for whom it was. */
export function harEntryOf(parts: EntryParts): object {
  const { method, url, status, isSocket, caller, requestBody, responseBody } = parts;
  const time = Math.round(parts.durationMs * 1000) / 1000;
  return {
    startedDateTime: formatMoment(parts.startMs),
    time,
    ...(isSocket && { _resourceType: 'websocket' }),
    request: {
      method,
      url,
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: parts.requestHeaders.map(([name, value]) => ({ name, value })),
      queryString: queryOf(url),
      ...(requestBody !== '' && {
        postData: {
          mimeType: headerOf(parts.requestHeaders, 'content-type') ?? 'application/json',
          text: requestBody,
        },
      }),
      headersSize: -1,
      bodySize: Buffer.byteLength(requestBody),
    },
    response: {
      status,
      statusText: '',
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: parts.responseHeaders.map(([name, value]) => ({ name, value })),
      content: {
        size: Buffer.byteLength(responseBody),
        mimeType: headerOf(parts.responseHeaders, 'content-type') ?? '',
        ...(responseBody !== '' && { text: responseBody }),
      },
      redirectURL: '',
      headersSize: -1,
      bodySize: -1,
    },
    cache: {},
    timings: { send: 0, wait: time, receive: 0 },
    ...(caller !== undefined && { _caller: caller }),
  };
}

function queryOf(url: string): readonly { readonly name: string; readonly value: string }[] {
  if (!URL.canParse(url)) return [];
  return [...new URL(url).searchParams].map(([name, value]) => ({ name, value }));
}

const opcodes: Readonly<Record<CapturedFrame['kind'], number>> = {
  text: 1,
  close: 8,
  ping: 9,
  pong: 10,
};

/** A captured frame as browsers write it. */
export function harMessageOf({ from, atMs, kind, text }: CapturedFrame): HarMessage {
  return {
    type: from === 'client' ? 'send' : 'receive',
    time: atMs / 1000,
    opcode: opcodes[kind],
    data: text,
  };
}
