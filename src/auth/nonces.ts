import type { Caller } from '../domain/caller.ts';
import type { Guid } from '../domain/ids.ts';
import type { Milliseconds } from '../domain/time.ts';
import { createHmac, timingSafeEqual } from 'node:crypto';

/** How long a nonce stands for its caller. @source contract 9 */
const nonceLifetimeMs: Milliseconds = 60_000;

/** Texts that stand for a caller once, for clients that cannot send headers with a WebSocket. */
export type Nonces = {
  /** A nonce for this caller; `freshGuid` makes it different from all others. */
  issue(caller: Caller, nowMs: Milliseconds, freshGuid: Guid): string;

  /** Whom a nonce stands for; undefined when it is not one, has been redeemed here or is too old. */
  redeem(nonce: string, nowMs: Milliseconds): Caller | undefined;
};

type Claims = { readonly id: Guid; readonly caller: Caller; readonly expiresMs: Milliseconds };

/**
 * Nonces that carry their caller, signed with `key`, so that each node that has the key knows those
 * of the others. Once means once on each node.
 */
export function openNonces(key: Uint8Array): Nonces {
  /** Ids of redeemed nonces, the first to expire first. */
  const redeemed = new Map<Guid, Milliseconds>();
  const sign = (claims: string): Buffer => createHmac('sha256', key).update(claims).digest();

  return {
    issue(caller, nowMs, freshGuid) {
      const claims: Claims = { id: freshGuid, caller, expiresMs: nowMs + nonceLifetimeMs };
      const text = Buffer.from(JSON.stringify(claims)).toString('base64url');
      return `${text}.${sign(text).toString('base64url')}`;
    },
    redeem(nonce, nowMs) {
      const [text = '', signature = ''] = nonce.split('.');
      const given = Buffer.from(signature, 'base64url');
      const right = sign(text);
      if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
      const claims = JSON.parse(Buffer.from(text, 'base64url').toString()) as Claims;
      for (const [id, expiresMs] of redeemed) {
        if (expiresMs > nowMs) break;
        redeemed.delete(id);
      }
      if (claims.expiresMs <= nowMs || redeemed.has(claims.id)) return undefined;
      redeemed.set(claims.id, claims.expiresMs);
      return claims.caller;
    },
  };
}
