import { type ClaimName, claimNames, type NameOfClaim } from './claims.ts';

/** Which claim of an outside token stands for which of ours; those that are left out keep their names. */
export type ClaimMapping = { readonly [name in ClaimName]?: string };

/** Of an OIDC issuer that says nothing else. */
export const oidcMapping: ClaimMapping = { xid: 'sub', gtg: 'preferred_username' };

/** What is expected of the text of a mapping. */
export const claimMappingExpected = `pairs such as xid=sub,gtg=preferred_username, the names to the left being of ${claimNames.join(', ')}`;

/**
 * The mapping that `xid=sub,gtg=preferred_username` writes; undefined for text of another form, an
 * unknown name, or one that is there twice.
 */
export function parseClaimMapping(text: string): ClaimMapping | undefined {
  const mapping: { [name in ClaimName]?: string } = {};
  for (const pair of text.split(',')) {
    const [, name = '', claim = ''] = /^\s*([a-z]+)\s*=\s*(\S.*?)\s*$/.exec(pair) ?? [];
    const known = claimNames.find((one) => one === name);
    if (known === undefined || mapping[known] !== undefined) return undefined;
    mapping[known] = claim;
  }
  return mapping;
}

/**
 * The claims of `payload` by our names. A claim in another is written with dots
 * (`user_metadata.user_name`), unless the payload has one of just this name.
 *
 * With `isOidc` only claims of the mapping count: an outside issuer may use our short names for
 * something else.
 */
export function mapClaims(
  payload: Readonly<Record<string, unknown>>,
  mapping: ClaimMapping,
  isOidc: boolean,
): Readonly<Record<string, unknown>> {
  const entries = claimNames.flatMap((name) => {
    const claim = mapping[name] ?? (isOidc ? undefined : name);
    const value = claim === undefined ? undefined : valueAt(payload, claim);
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(entries);
}

/** How a refusal names one of our claims: as the outside token calls it. */
export function nameOfMapped(mapping: ClaimMapping): NameOfClaim {
  return (claim) => `claim "${mapping[claim] ?? claim}"`;
}

function valueAt(payload: Readonly<Record<string, unknown>>, claim: string): unknown {
  if (Object.hasOwn(payload, claim)) return payload[claim];
  let value: unknown = payload;
  for (const part of claim.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part))
      return undefined;
    value = (value as Readonly<Record<string, unknown>>)[part];
  }
  return value;
}
