import type { Milliseconds } from '../domain/time.ts';
import type { Authenticator } from './authenticator.ts';
import { devAuthenticator } from './dev-authenticator.ts';
import { tokenKeyOf } from './token.ts';

/** Which tokens are accepted. @source docs/wire/callers.md "Callers" */
export type AuthenticatorSettings =
  | { readonly kind: 'dev' }
  | {
      readonly kind: 'signed';
      /** A JSON Web Key Set: the path of a file, or an address (http, https). */
      readonly keySet: string;
      readonly issuer?: string | undefined;
      readonly audience?: string | undefined;
      /** How long keys stay good while they cannot be read; 0: not at all. */
      readonly staleMsMax?: Milliseconds;
    };

/**
 * The authenticator that `settings` ask for. `secret` is the store's; `report` is called with what is wrong
 * when keys cannot be read, and with undefined when they can be again.
 *
 * A key set in a file is read at once, so that a bad one stops the start; one at an address when
 * the first token comes, so that the servers of a studio may start in any order.
 *
 * Throws AuthenticatorUnavailable when the file cannot be used.
 */
export async function openAuthenticator(
  settings: AuthenticatorSettings,
  secret: Uint8Array,
  nowMs: Milliseconds,
  report?: (problem: string | undefined) => void,
): Promise<Authenticator> {
  if (settings.kind === 'dev') return devAuthenticator(tokenKeyOf(secret));
  // Loaded only where tokens are signed by others.
  const [{ isKeySetUrl, openKeySet, readKeySetText }, { signedAuthenticator }] = await Promise.all([
    import('./key-set.ts'),
    import('./signed-authenticator.ts'),
  ]);
  const { keySet: where, issuer, audience, staleMsMax = 0 } = settings;
  const keySet = openKeySet(where, () => readKeySetText(where), {
    staleMsMax,
    ...(report && { report }),
  });
  if (!isKeySetUrl(where)) await keySet.read(nowMs);
  return signedAuthenticator({ keySet, issuer, audience });
}

/** What `settings` mean, in lines to print at the start, with what is not checked. */
export function describeAuthenticator(settings: AuthenticatorSettings): readonly string[] {
  if (settings.kind === 'dev') {
    return [
      'Callers: development. Anybody who can reach this server can be any user they name; unsigned tokens are accepted.',
    ];
  }
  const { keySet, issuer, audience } = settings;
  return [
    `Callers: tokens signed with a key of ${keySet}.`,
    ...(isPlainHttp(keySet)
      ? [
          '  Warning: the keys come over plain http; anybody who can change them on the way can be any user.',
        ]
      : []),
    issuer === undefined
      ? '  Issuer: NOT checked (--auth-issuer); tokens of any issuer who signs with these keys are accepted.'
      : `  Issuer: ${issuer}`,
    audience === undefined
      ? '  Audience: NOT checked (--auth-audience); tokens issued for other services are accepted too.'
      : `  Audience: ${audience}`,
  ];
}

function isPlainHttp(keySet: string): boolean {
  return /^http:\/\/(?!(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?:[:/]|$))/i.test(keySet);
}
