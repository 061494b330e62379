import type { TitleId } from '../domain/ids.ts';
import type { Milliseconds } from '../domain/time.ts';
import { withoutUrlSecrets } from '../platform/url-secrets.ts';
import type { RecordStore } from '../store/store.ts';
import type { Authenticator } from './authenticator.ts';
import { type ClaimMapping, oidcMapping } from './claim-mapping.ts';
import { devAuthenticator } from './dev-authenticator.ts';
import type { IssuerClient } from './issuer-sign-in.ts';
import { developmentLogin, type LoginPolicy } from './login-policy.ts';
import { tokenKeyOf } from './token.ts';

/** Which tokens are accepted. @source docs/wire/callers.md "Callers" */
export type AuthenticatorSettings =
  | {
      readonly kind: 'dev';
      /** Lets in encrypted tokens of Xbox Live, as users of this title; `any`: of none. */
      readonly encryptedTokens?: TitleId | 'any' | undefined;
    }
  | (KeySettings & {
      readonly kind: 'signed';
      /** A JSON Web Key Set: the path of a file, or an address (http, https). */
      readonly keySet: string;
      readonly issuer?: string | undefined;
      readonly audience?: string | undefined;
    })
  | (KeySettings & {
      readonly kind: 'oidc';
      /** As its tokens name it; an address, unless there is a key set. */
      readonly issuer: string;
      /** One of these. */
      readonly audience: readonly string[];
      /** In place of the one that the issuer names. */
      readonly keySet?: string | undefined;
      /** Lets clients that log in by themselves sign in at the issuer. */
      readonly client?: IssuerClient | undefined;
    });

type KeySettings = {
  /** How long keys stay good while they cannot be read; 0: not at all. */
  readonly staleMsMax?: Milliseconds;
  /** Which of its claims are which of ours. */
  readonly claims?: ClaimMapping | undefined;
};

/** How callers are authenticated, and who may log in here. */
export type Callers = {
  readonly authenticator: Authenticator;
  /** Undefined where the login chain is not served. */
  readonly login: LoginPolicy | undefined;
};

/** What an authenticator needs. */
export type CallersParts = {
  /** That of the store. */
  readonly secret: Uint8Array;
  readonly store: Pick<RecordStore, 'record' | 'commitRecords'>;
  readonly nowMs: Milliseconds;
  /** Called with what cannot be used and why, and with undefined when it can be again. */
  readonly report?: (what: 'key set' | 'sign-in', problem: string | undefined) => void;
};

/** How far the clock of an OIDC issuer may be from this one. */
const oidcToleranceMs: Milliseconds = 10_000;

/**
 * What `settings` ask for.
 *
 * The keys are read at once, and where the sign-in of the issuer is, so that a wrong file, address or
 * issuer stops the start. An address that does not answer is no reason to stop: the servers of a studio
 * may start in any order.
 *
 * Throws AuthenticatorUnavailable when the keys cannot be used, SignInUnavailable when the sign-in cannot.
 *
 * @source docs/wire/callers.md "oidc"
 */
export async function openAuthenticator(
  settings: AuthenticatorSettings,
  { secret, store, nowMs, report }: CallersParts,
): Promise<Callers> {
  const ownKey = tokenKeyOf(secret);
  if (settings.kind === 'dev') {
    const { encryptedTokens } = settings;
    const encrypted = encryptedTokens && (await openEncrypted(store, encryptedTokens));
    return {
      authenticator: devAuthenticator(ownKey, encrypted || undefined),
      login: developmentLogin,
    };
  }
  // Loaded only where tokens are signed by others.
  const [{ isAway, openKeySet, readKeySetText }, { readIssuerKeysText, shareIssuerDocument }] =
    await Promise.all([import('./key-set.ts'), import('./issuer-keys.ts')]);
  const { keySet: where, issuer, audience, staleMsMax = 0 } = settings;
  const name = where === undefined ? `of ${issuer}` : shownKeySet(where);
  const readDocument = shareIssuerDocument(String(issuer));
  const readText = (atMs: Milliseconds) =>
    where === undefined
      ? readIssuerKeysText(String(issuer), readDocument(atMs))
      : readKeySetText(where);
  // What ends the start is said by its error, and is no condition of a server.
  let isStarted = false;
  const atStart = new Map<'key set' | 'sign-in', string | undefined>();
  const reportOnceStarted =
    (what: 'key set' | 'sign-in') =>
    (problem: string | undefined): void => {
      if (isStarted) report?.(what, problem);
      else atStart.set(what, problem);
    };
  const keySet = openKeySet(name, readText, { staleMsMax, report: reportOnceStarted('key set') });
  const isOidc = settings.kind === 'oidc';
  const signIn =
    isOidc && settings.client !== undefined
      ? (await import('./issuer-sign-in.ts')).openIssuerSignIn({
          ...{ issuer: settings.issuer, client: settings.client, readDocument, staleMsMax },
          report: reportOnceStarted('sign-in'),
        })
      : undefined;
  for (const source of [keySet, signIn]) {
    try {
      await source?.read(nowMs);
    } catch (error) {
      if (!isAway(error)) throw error;
    }
  }
  isStarted = true;
  for (const [what, problem] of atStart) {
    if (problem !== undefined) report?.(what, problem);
  }

  const mapping = isOidc ? { ...oidcMapping, ...settings.claims } : settings.claims;
  const users =
    mapping?.xid === undefined
      ? undefined
      : (await import('./outside-users.ts')).openOutsideUsers(store);
  const rules = {
    keySet,
    issuer,
    audience,
    mapping,
    isOidc,
    users,
    ...(isOidc && { clockToleranceMs: oidcToleranceMs }),
  };
  if (!isOidc) {
    const { signedAuthenticator } = await import('./signed-authenticator.ts');
    return { authenticator: signedAuthenticator(rules), login: undefined };
  }
  const { oidcAuthenticator, oidcLogin } = await import('./oidc-authenticator.ts');
  return { authenticator: oidcAuthenticator(rules, ownKey), login: oidcLogin(rules, signIn) };
}

async function openEncrypted(store: CallersParts['store'], title: TitleId | 'any') {
  const [{ openEncryptedTokens }, { openOutsideUsers }] = await Promise.all([
    import('./encrypted-tokens.ts'),
    import('./outside-users.ts'),
  ]);
  return openEncryptedTokens(openOutsideUsers(store), title === 'any' ? undefined : title);
}

/** What `settings` mean, in lines to print at the start, with what is not checked. */
export function describeAuthenticator(settings: AuthenticatorSettings): readonly string[] {
  if (settings.kind === 'dev') {
    return [
      'Callers: development. Anybody who can reach this server can be any user they name; unsigned tokens are accepted.',
      ...(settings.encryptedTokens === undefined
        ? []
        : [
            '  Encrypted tokens of Xbox Live are accepted unread: the sender of a user hash is its user.',
          ]),
    ];
  }
  const { keySet, issuer, audience } = settings;
  const source = keySet ?? String(issuer);
  const shown = keySet === undefined ? undefined : shownKeySet(keySet);
  return [
    settings.kind === 'oidc'
      ? `Callers: users of ${issuer}${keySet === undefined ? '' : `, with the keys of ${shown}`}.`
      : `Callers: tokens signed with a key of ${shown}.`,
    ...(isPlainHttp(source)
      ? [
          '  Warning: the keys come over plain http; anybody who can change them on the way can be any user.',
        ]
      : []),
    ...(settings.kind === 'oidc'
      ? []
      : [
          issuer === undefined
            ? '  Issuer: NOT checked (--auth-issuer); tokens of any issuer who signs with these keys are accepted.'
            : `  Issuer: ${issuer}`,
        ]),
    ...(settings.kind === 'oidc' && settings.client !== undefined
      ? [`  Xbox clients sign in there, as its client ${settings.client.id}.`]
      : []),
    audience === undefined
      ? '  Audience: NOT checked (--auth-audience); tokens issued for other services are accepted too.'
      : `  Audience: ${[audience].flat().join(', ')}`,
  ];
}

/** Paths of files may have any characters. */
function shownKeySet(keySet: string): string {
  return /^https?:/i.test(keySet) ? withoutUrlSecrets(keySet) : keySet;
}

function isPlainHttp(keySet: string): boolean {
  return /^http:\/\/(?!(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?:[:/]|$))/i.test(keySet);
}
