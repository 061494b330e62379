import type { IncomingMessage } from 'node:http';
import { Refusal } from '../domain/refusal.ts';
import { parseTarget } from './route-table.ts';

/**
 * Undefined when it is clear where a request ends and which server it is for.
 *
 * Refuses: requestMalformed.
 */
export function mayBeFramed({ httpVersion, headers }: IncomingMessage): Refusal | undefined {
  if (headers.host?.includes(',')) {
    return new Refusal('requestMalformed', 'The request has more than one Host header.');
  }
  if (headers['transfer-encoding'] !== undefined && httpVersion === '1.0') {
    return new Refusal('requestMalformed', 'HTTP/1.0 has no Transfer-Encoding; send HTTP/1.1.');
  }
  return undefined;
}

/** The server that a request is for: its target, where that is a whole URL, goes before `Host`. */
export function hostOf({ url = '', headers }: IncomingMessage): string | undefined {
  return url.startsWith('/') ? headers.host : (parseTarget(url).host ?? headers.host);
}
