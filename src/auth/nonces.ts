import type { Caller } from '../domain/caller.ts';
import type { Guid } from '../domain/ids.ts';
import type { Milliseconds } from '../domain/time.ts';
import { createHmac, timingSafeEqual } from 'node:crypto';

/** How long a nonce stands for its caller. @source docs/wire/rta.md "Life of a connection" */
const nonceLifetimeMs: Milliseconds = 60_000;

/** Texts that stand for a caller once, for clients that cannot send headers with a WebSocket. */
export type Nonces = {
  /** A nonce for this caller; `freshGuid` makes it different from all others. */
  issue(caller: Caller, nowMs: Milliseconds, freshGuid: Guid): string;

  /** Whom a nonce stands for; undefined when it is not one, has been redeemed or is too old. */
  redeem(nonce: string, nowMs: Milliseconds): Promise<Caller | undefined>;
};

/** True for the first who asks for a name, on whichever node, and false for all others until then. */
export type Claim = (name: string, nowMs: Milliseconds, untilMs: Milliseconds) => Promise<boolean>;

type Claims = { readonly id: Guid; readonly caller: Caller; readonly expiresMs: Milliseconds };

/**
 * Nonces that carry their caller, signed with `key`, so that each node that has the key knows those
 * of the others; who redeems one claims its id.
 */
export function openNonces(key: Uint8Array, claim: Claim): Nonces {
  const sign = (claims: string): Buffer => createHmac('sha256', key).update(claims).digest();

  return {
    issue(caller, nowMs, freshGuid) {
      const claims: Claims = { id: freshGuid, caller, expiresMs: nowMs + nonceLifetimeMs };
      const text = Buffer.from(JSON.stringify(claims)).toString('base64url');
      return `${text}.${sign(text).toString('base64url')}`;
    },
    async redeem(nonce, nowMs) {
      const [text = '', signature = ''] = nonce.split('.');
      const given = Buffer.from(signature, 'base64url');
      const right = sign(text);
      if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
      const claims = JSON.parse(Buffer.from(text, 'base64url').toString()) as Claims;
      if (claims.expiresMs <= nowMs) return undefined;
      const isFirst = await claim(`nonce:${claims.id}`, nowMs, claims.expiresMs);
      return isFirst ? claims.caller : undefined;
    },
  };
}
