import { Refusal } from '../domain/refusal.ts';
import { refuseEncrypted } from './authorization.ts';
import { type Authenticator, rememberingAuthenticator } from './authenticator.ts';
import { callerOfOutsideToken, type OutsideTokenRules } from './outside-token.ts';

/**
 * An authenticator that accepts only tokens that others signed, as `rules` say.
 *
 * @source docs/wire/callers.md "signed"
 */
export function signedAuthenticator(rules: OutsideTokenRules): Authenticator {
  return rememberingAuthenticator(
    ({ form, token }, nowMs) =>
      form === 'jwt' ? callerOfOutsideToken(token, rules, nowMs) : refuseUnsigned(form),
    'issued',
  );
}

/** Refuses a token that is no JWT. */
export function refuseUnsigned(form: 'development' | 'encrypted'): Refusal {
  return form === 'encrypted'
    ? refuseEncrypted('send one that this server can check')
    : new Refusal(
        'notAuthenticated',
        'The token is not signed; send a JWT of the issuer that this server trusts.',
      );
}
