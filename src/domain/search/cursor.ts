/**
 * Continuation tokens: the place after which the next page of a search begins. A token names a
 * place in the order, not a number of results, so that new and ended handles between two pages
 * shift nothing.
 *
 *     token = base64url( query "\n" group "\n" createTimeMs "\n" key "\n" ( "n" | "s" ) value )
 */

import { Refusal } from '../refusal.ts';
import type { Position } from './order.ts';

/** The token of the place, for this query only. */
export function formatCursor({ group, value, createTimeMs, key }: Position, query: string): string {
  const kind = typeof value === 'number' ? 'n' : 's';
  const text = [query, group, createTimeMs, key, `${kind}${value}`].join('\n');
  const base64 = btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** The place of a token. Refuses: requestInvalid, for a text that is no token of this query. */
export function parseCursor(token: string, query: string): Position | Refusal {
  const pattern = /^(.+)\n(\d)\n(-?\d+)\n(.+)\n([ns])([\s\S]*)$/;
  const [, named, group, createTimeMs, key, kind, text = ''] = pattern.exec(decode(token)) ?? [];
  const value = kind === 'n' ? Number(text) : text;
  if (named !== query || key === undefined || Number.isNaN(value)) {
    return new Refusal(
      'requestInvalid',
      '$.continuationToken: Expected the token that the page before came with, and the same query.',
      { detail: '$.continuationToken' },
    );
  }
  return { group: Number(group), value, createTimeMs: Number(createTimeMs), key };
}

function decode(token: string): string {
  const isBase64 = /^[\w-]+$/.test(token) && token.length % 4 !== 1;
  const bytes = isBase64 ? atob(token.replaceAll('-', '+').replaceAll('_', '/')) : '';
  return new TextDecoder().decode(Uint8Array.from(bytes, (one) => one.charCodeAt(0)));
}
