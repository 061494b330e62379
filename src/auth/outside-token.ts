import { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { VerifiedCaller } from './authenticator.ts';
import { type ClaimMapping, mapClaims, nameOfMapped } from './claim-mapping.ts';
import { callerOf, textsOf, type TokenClaims } from './claims.ts';
import { verifyJwt } from './jwt.ts';
import { type KeySet, signatureAlgorithms } from './key-set.ts';
import type { OutsideUsers } from './outside-users.ts';

/** What tokens signed by others must say beside who the caller is. */
export type OutsideTokenRules = {
  readonly keySet: KeySet;
  /** Undefined: every holder of a key of the set may issue tokens. */
  readonly issuer?: string | undefined;
  /** One of these; undefined: tokens issued for other services are accepted too. */
  readonly audience?: string | readonly string[] | undefined;
  readonly clockToleranceMs?: Milliseconds;
  /** Undefined: the claims are called as ours are. */
  readonly mapping?: ClaimMapping | undefined;
  /** True where only claims of the mapping count. */
  readonly isOidc?: boolean;
  /** Gives users xuids whose ids are none; without it such an id is refused. */
  readonly users?: OutsideUsers | undefined;
};

/** What an outside token says in our claims, and how long. */
export type OutsideClaims = { readonly claims: TokenClaims; readonly expiresMs: Milliseconds };

/**
 * The claims of a token that others signed with ES256, RS256 or EdDSA.
 *
 * Refuses: notAuthenticated.
 *
 * Throws AuthenticatorUnavailable, StoreUnavailable.
 *
 * @source docs/wire/callers.md "oidc"
 */
export async function verifyOutsideToken(
  token: string,
  rules: OutsideTokenRules,
  nowMs: Milliseconds,
): Promise<OutsideClaims | Refusal> {
  const { keySet, issuer, audience, clockToleranceMs = 0 } = rules;
  const { mapping = {}, isOidc = false, users } = rules;
  // Of keys that the token itself brings (`jwk`, `jku`, `x5c`) nothing is read.
  const key = keySet.keysAt(nowMs);
  const checks = { key, algorithms: signatureAlgorithms, issuer, audience, clockToleranceMs };
  const verified = await verifyJwt(token, checks, nowMs);
  if (verified instanceof Refusal) return verified;
  const { expiresMs } = verified;
  const mapped = mapClaims(verified.claims, mapping, isOidc);
  const nameOf = nameOfMapped(mapping);
  const id = users && idOf(mapped['xid']);
  if (users === undefined || id === undefined) {
    const claims = textsOf(mapped, nameOf);
    return claims instanceof Refusal ? claims : { claims, expiresMs };
  }
  const { xid: _, ...others } = mapped;
  const claims = textsOf(others, nameOf);
  if (claims instanceof Refusal) return claims;
  const known = await users.know({ issuer: verified.claims.iss ?? '', id, name: claims.gtg });
  return known instanceof Refusal ? known : { claims: { ...claims, ...known }, expiresMs };
}

/** Who sent an outside token. Refuses and throws as `verifyOutsideToken`. */
export async function callerOfOutsideToken(
  token: string,
  rules: OutsideTokenRules,
  nowMs: Milliseconds,
): Promise<VerifiedCaller | Refusal> {
  const verified = await verifyOutsideToken(token, rules, nowMs);
  if (verified instanceof Refusal) return verified;
  const caller = callerOf(verified.claims, nameOfMapped(rules.mapping ?? {}));
  return caller instanceof Refusal ? caller : { caller, expiresMs: verified.expiresMs };
}

/** An id as text; undefined for what is none, which the checks of claims refuse. */
function idOf(value: unknown): string | undefined {
  if (Number.isSafeInteger(value)) return String(value);
  return typeof value === 'string' ? value : undefined;
}
