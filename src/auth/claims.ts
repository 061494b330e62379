import type { Caller } from '../domain/caller.ts';
import { canonicalXuidForm, isCanonicalXuid, isTitleId } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';

/** What a token says of its bearer, by name. @source docs/wire/callers.md "Callers" */
export const claimNames = ['xid', 'gtg', 'tid', 'did', 'sbx', 'prv', 'agg', 'svc'] as const;

export type ClaimName = (typeof claimNames)[number];

/** Claims as this project writes them: text, each of them optional. */
export type TokenClaims = { readonly [name in ClaimName]?: string };

/** How a claim is called where it was written: a claim of a JWT, a parameter, a flag. */
export type NameOfClaim = (claim: ClaimName) => string;

type Form = {
  readonly holds: (text: string) => boolean;
  readonly expected: string;
  /** Issuers write ids as JSON numbers too. */
  readonly mayBeNumber?: boolean;
};

const someText: Form = { holds: (text) => text !== '', expected: 'text that is not empty' };

const formOf: Record<ClaimName, Form> = {
  xid: { holds: isCanonicalXuid, expected: canonicalXuidForm, mayBeNumber: true },
  gtg: { ...someText, mayBeNumber: true },
  tid: { holds: isTitleId, expected: 'a decimal number from 0 to 4294967295', mayBeNumber: true },
  did: someText,
  sbx: someText,
  // Empty is a statement: no privileges at all.
  prv: { holds: () => true, expected: 'text, the privileges with spaces between them' },
  agg: someText,
  svc: someText,
};

/** The sandbox of a token that names none. */
export const defaultSandbox = 'RETAIL';

const nameOfJwtClaim: NameOfClaim = (claim) => `claim "${claim}"`;

/**
 * Who bears a token with these claims; the one place where claims become a caller, however the
 * token came. Claims that are not in the table are ignored.
 *
 * A claim that is there in the wrong form, null included, is never taken as absent: an absent `prv`
 * counts as having every privilege.
 *
 * Refuses: notAuthenticated, naming the claim by `nameOf`.
 *
 * @source docs/wire/unknowns.md "token with xid and svc", docs/wire/callers.md "Callers"
 */
export function callerOf(
  claims: Readonly<Record<string, unknown>>,
  nameOf: NameOfClaim = nameOfJwtClaim,
): Caller | Refusal {
  const texts = textsOf(claims, nameOf);
  if (texts instanceof Refusal) return texts;
  const { xid, gtg, tid, did, sbx, prv, agg, svc } = texts;
  const common = { ...(tid !== undefined && { titleId: tid }), sandbox: sbx ?? defaultSandbox };
  if (xid !== undefined && svc !== undefined) {
    return new Refusal(
      'notAuthenticated',
      `The token names both ${nameOf('xid')} and ${nameOf('svc')}; it is for a user or for a game service, not for both.`,
    );
  }
  if (svc !== undefined) return { kind: 'service', name: svc, ...common };
  if (xid === undefined) {
    return new Refusal(
      'notAuthenticated',
      `The token names nobody: it needs ${nameOf('xid')} (a user) or ${nameOf('svc')} (a game service).`,
    );
  }
  return {
    kind: 'user',
    xuid: xid,
    ...(gtg !== undefined && { gamertag: gtg }),
    ...common,
    ...(did !== undefined && { deviceId: did }),
    ...(prv !== undefined && { privileges: prv.split(/\s+/).filter((one) => one !== '') }),
    ...(agg !== undefined && { ageGroup: agg }),
  };
}

/** The claims that say the same as `caller`; the way back from `callerOf`. */
export function claimsOf(caller: Caller): TokenClaims {
  const { titleId, sandbox } = caller;
  const common = { ...(titleId !== undefined && { tid: titleId }), sbx: sandbox };
  if (caller.kind === 'service') return { svc: caller.name, ...common };
  const { xuid, gamertag, deviceId, privileges, ageGroup } = caller;
  return {
    xid: xuid,
    ...(gamertag !== undefined && { gtg: gamertag }),
    ...common,
    ...(deviceId !== undefined && { did: deviceId }),
    ...(privileges !== undefined && { prv: privileges.join(' ') }),
    ...(ageGroup !== undefined && { agg: ageGroup }),
  };
}

/**
 * The claims of the table as text.
 *
 * Refuses: notAuthenticated, naming the first claim that is not as it must be.
 */
export function textsOf(
  claims: Readonly<Record<string, unknown>>,
  nameOf: NameOfClaim = nameOfJwtClaim,
): TokenClaims | Refusal {
  const texts: { [name in ClaimName]?: string } = {};
  for (const name of claimNames) {
    const value = claims[name];
    if (value === undefined) continue;
    const { holds, expected, mayBeNumber = false } = formOf[name];
    const text = mayBeNumber && Number.isSafeInteger(value) ? String(value) : value;
    if (typeof text !== 'string' || !holds(text)) {
      const hint =
        typeof text === 'number' ? ', as text: a JSON number of this size is not exact' : '';
      return new Refusal(
        'notAuthenticated',
        `The token's ${nameOf(name)} must be ${expected}${hint}.`,
        { detail: nameOf(name) },
      );
    }
    texts[name] = text;
  }
  return texts;
}
