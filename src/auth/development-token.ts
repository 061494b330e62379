/**
 * Development tokens: unsigned, so that one can write them by hand.
 *
 *     token     = parameter *( "&" parameter )
 *     parameter = name "=" value          value URL-encoded; "+" and a bare space are spaces
 *     name      = "xuid" | "gtg" | "tid" | "did" | "sbx" | "prv" | "agg" | "svc"
 *
 * @source docs/wire/callers.md "Callers"
 */

import { Refusal } from '../domain/refusal.ts';
import { type ClaimName, claimNames, type NameOfClaim, type TokenClaims } from './claims.ts';

/** The parameter that carries a claim: as the claim is called, but `xuid` for `xid`. */
export function parameterOf(claim: ClaimName): string {
  return claim === 'xid' ? 'xuid' : claim;
}

/** How a refusal names a claim that came as a parameter. */
export const nameOfParameter: NameOfClaim = (claim) => `parameter "${parameterOf(claim)}"`;

const claimOfParameter: ReadonlyMap<string, ClaimName> = new Map(
  claimNames.map((claim) => [parameterOf(claim), claim]),
);

const knownParameters = [...claimOfParameter.keys()].join(', ');

/** True of text that starts as a parameter does, whether or not its name is a known one. */
export function resemblesDevelopmentToken(text: string): boolean {
  return /^[a-z_]{1,20}=/i.test(text);
}

/** True of text that starts with a known parameter. */
export function startsWithParameter(text: string): boolean {
  return claimOfParameter.has(text.slice(0, Math.max(text.indexOf('='), 0)));
}

/**
 * The claims that the parameters of `text` make. Whether they name anybody is for `callerOf`.
 *
 * A refusal may name a parameter, never its value.
 *
 * Refuses: notAuthenticated.
 */
export function parseDevelopmentToken(text: string): TokenClaims | Refusal {
  const claims: { [name in ClaimName]?: string } = {};
  for (const [i, part] of text.split('&').entries()) {
    const split = part.indexOf('=');
    const name = part.slice(0, Math.max(split, 0));
    // A part of another form may be anything, a secret that was pasted too: the text names its place only.
    if (!/^[a-z_]{1,20}$/i.test(name)) {
      return wrong(`Part ${i + 1} of the development token is not of the form name=value.`);
    }
    const claim = claimOfParameter.get(name);
    if (claim === undefined) {
      return wrong(
        `The development token has an unknown parameter "${name}"; known are ${knownParameters}.`,
      );
    }
    if (claims[claim] !== undefined) {
      return wrong(`The development token repeats its parameter "${name}".`);
    }
    const value = decode(part.slice(split + 1));
    if (value === undefined) {
      return wrong(
        `The value of parameter "${name}" of the development token is not URL-encoded UTF-8 (write "Zo%C3%AB" for "Zoë", "%25" for "%").`,
      );
    }
    claims[claim] = value;
  }
  return claims;
}

/** The development token that says `claims`; the way back from `parseDevelopmentToken`. */
export function formatDevelopmentToken(claims: TokenClaims): string {
  return claimNames
    .flatMap((claim) => {
      const value = claims[claim];
      return value === undefined ? [] : [`${parameterOf(claim)}=${encodeURIComponent(value)}`];
    })
    .join('&');
}

function decode(value: string): string | undefined {
  // Beyond ASCII a header's bytes have no agreed meaning; what was typed would arrive as another.
  if (!/^[\x20-\x7e]*$/.test(value)) return undefined;
  try {
    return decodeURIComponent(value.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function wrong(text: string): Refusal {
  return new Refusal('notAuthenticated', text);
}
