/** Signed tokens (JWT), by way of jose, which is loaded when the first one is met. */

import type { KeyObject } from 'node:crypto';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import { Refusal } from '../domain/refusal.ts';
import { formatTime, type Milliseconds } from '../domain/time.ts';
import type { TokenClaims } from './claims.ts';

export type Algorithm = 'HS256' | 'ES256' | 'RS256' | 'EdDSA';

/** There is not one key for a token; the message says why, for the caller. */
export class UnknownKey extends Error {
  override readonly name = 'UnknownKey';
}

/** A key, or how to find it, the algorithms it may be for, and what the tokens signed with it must say. */
export type Checks = {
  readonly key: Uint8Array | JWTVerifyGetKey;
  readonly algorithms: readonly Algorithm[];
  /** Undefined: any, or none. */
  readonly issuer?: string | undefined;
  /** One of these. */
  readonly audience?: string | readonly string[] | undefined;
  /** How far the clock of the issuer may be from this one; 0 when absent. */
  readonly clockToleranceMs?: Milliseconds;
  /** What the header's `typ` must be, and the text of the refusal of another. */
  readonly type?: { readonly name: string; readonly otherwise: string } | undefined;
};

export type VerifiedClaims = { readonly claims: JWTPayload; readonly expiresMs: Milliseconds };

/**
 * The claims of `token` and the end of its life, after all of `checks` and the expiry, which must
 * be there. The algorithm is one of those of the key, whatever the token says; extensions marked `crit`
 * fail.
 *
 * Refuses: notAuthenticated.
 */
export async function verifyJwt(
  token: string,
  checks: Checks,
  nowMs: Milliseconds,
): Promise<VerifiedClaims | Refusal> {
  const { key, algorithms, issuer, audience, clockToleranceMs = 0, type } = checks;
  const { jwtVerify } = await import('jose/jwt/verify');
  try {
    const options = {
      algorithms: [...algorithms],
      requiredClaims: ['exp'],
      currentDate: new Date(nowMs),
      ...(issuer !== undefined && { issuer }),
      ...(audience !== undefined && { audience: [audience].flat() }),
      clockTolerance: clockToleranceMs / 1000,
      ...(type !== undefined && { typ: type.name }),
    };
    const { payload } =
      typeof key === 'function'
        ? await jwtVerify(token, key, options)
        : await jwtVerify(token, key, options);
    return { claims: payload, expiresMs: Number(payload.exp) * 1000 };
  } catch (error) {
    if (error instanceof UnknownKey) return new Refusal('notAuthenticated', error.message);
    const text = textOf(error as Partial<JwtError>, checks, nowMs);
    if (text === undefined) throw error;
    const isExpired = (error as Partial<JwtError>).code === 'ERR_JWT_EXPIRED';
    return new Refusal('notAuthenticated', text, isExpired ? { detail: expiryDetail } : {});
  }
}

const expiryDetail = 'exp';

/** True of the refusal of a token that was good once. */
export function isExpiry({ code, detail }: Refusal): boolean {
  return code === 'notAuthenticated' && detail === expiryDetail;
}

/** The errors of jose for a token that fails a check. */
type JwtError = {
  readonly code: string;
  readonly claim: string;
  readonly reason: string;
  readonly payload: JWTPayload;
};

function textOf(
  { code, claim, reason, payload }: Partial<JwtError>,
  { algorithms, issuer, audience, type }: Checks,
  nowMs: Milliseconds,
): string | undefined {
  switch (code) {
    case 'ERR_JWT_EXPIRED':
      return `The token expired at ${formatSeconds(payload?.exp)}; get a fresh one.`;
    case 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED':
      return `The signature of the token cannot be verified: the token was changed, or signed with a key that is not accepted here, or not with ${algorithms.join(', ')}.`;
    case 'ERR_JOSE_ALG_NOT_ALLOWED':
      return `The token is not signed with ${algorithms.length > 1 ? 'one of ' : ''}${algorithms.join(', ')}.`;
    case 'ERR_JOSE_NOT_SUPPORTED':
      return 'The header of the token demands an extension ("crit") that is not known here.';
    case 'ERR_JWS_INVALID':
    case 'ERR_JWT_INVALID':
      return 'The token is not a well-formed JWT.';
    case 'ERR_JWT_CLAIM_VALIDATION_FAILED':
      break;
    default:
      return undefined;
  }
  if (claim === 'iss') return `The token's issuer (claim "iss") must be ${quote(issuer)}.`;
  if (claim === 'aud') return `The token's audience (claim "aud") must be ${quote(audience)}.`;
  if (claim === 'typ') return type?.otherwise;
  if (claim === 'exp' && reason === 'missing') return 'The token has no expiry (claim "exp").';
  if (claim === 'nbf' && reason === 'check_failed') {
    return `The token is not valid before ${formatSeconds(payload?.nbf)}; the clock of this server says ${formatTime(nowMs)}.`;
  }
  return `The token's claim ${quote(claim)} must be a time: a number of seconds.`;
}

export type SigningOptions = {
  readonly key: KeyObject | Uint8Array;
  readonly algorithm: Algorithm;
  readonly keyId?: string | undefined;
  readonly type?: string | undefined;
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
};

/** A token with these claims, made at `nowMs`, good for `lifetimeMs`; both in whole seconds. */
export async function signJwt(
  claims: TokenClaims,
  { key, algorithm, keyId, type = 'JWT', issuer, audience }: SigningOptions,
  { nowMs, lifetimeMs }: { readonly nowMs: Milliseconds; readonly lifetimeMs: Milliseconds },
): Promise<string> {
  const { SignJWT } = await import('jose/jwt/sign');
  const issuedSeconds = Math.floor(nowMs / 1000);
  const token = new SignJWT(claims)
    .setProtectedHeader({
      alg: algorithm,
      typ: type,
      ...(keyId !== undefined && { kid: keyId }),
    })
    .setIssuedAt(issuedSeconds)
    .setExpirationTime(issuedSeconds + Math.floor(lifetimeMs / 1000));
  if (issuer !== undefined) token.setIssuer(issuer);
  if (audience !== undefined) token.setAudience(audience);
  return token.sign(key);
}

/** The time that a claim of a token tells, which may be any number. */
function formatSeconds(seconds: number | undefined): string {
  const timeMs = Number(seconds) * 1000;
  return Math.abs(timeMs) <= 8.64e15 ? formatTime(timeMs) : 'a time out of reach';
}

function quote(text: string | readonly string[] | undefined): string {
  return [text ?? '']
    .flat()
    .map((one) => JSON.stringify(one))
    .join(' or ');
}
