/**
 * The sign-in at an OIDC issuer, for clients that know the sign-in of Microsoft accounts: what they ask is
 * passed on in the words of OpenID Connect.
 *
 * Nothing is decided here: the issuer checks the redirect address, the code and its challenge.
 */

import type { JsonObject } from '../domain/json.ts';
import type { Milliseconds } from '../domain/time.ts';
import { AuthenticatorUnavailable } from './authenticator.ts';
import { readIssuerDocument } from './issuer-keys.ts';

/** Parameters of a client, by name. */
export type SignInParameters = Readonly<Record<string, unknown>>;

/** What an endpoint of the issuer answers: 200, or 4xx with `error`. */
export type IssuerAnswer = { readonly status: number; readonly body: JsonObject };

export type IssuerSignIn = {
  /**
   * Where a browser signs in and comes back to the client's own address with a code.
   *
   * Throws AuthenticatorUnavailable.
   */
  pageUrl(asked: SignInParameters, nowMs: Milliseconds): Promise<string>;

  /** Tokens for a code, a device code or a refresh token. Throws AuthenticatorUnavailable. */
  tokens(form: SignInParameters, nowMs: Milliseconds): Promise<IssuerAnswer>;

  /**
   * A code with which a device signs in; undefined where the issuer has none.
   *
   * Throws AuthenticatorUnavailable.
   */
  deviceCode(nowMs: Milliseconds): Promise<IssuerAnswer | undefined>;
};

export type IssuerSignInSettings = {
  readonly issuer: string;
  /** By which the issuer knows the clients of this server, whatever they call themselves. */
  readonly clientId: string;
};

const documentAgeMaxMs: Milliseconds = 10 * 60_000;
const answerWithinMs: Milliseconds = 5_000;

/** Parameters of the page that are the client's own. */
const pageParameters = [
  'redirect_uri',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'login_hint',
  'prompt',
];

/** Parameters of a request for tokens that are the client's own. */
const grantParameters = ['code', 'redirect_uri', 'code_verifier', 'refresh_token', 'device_code'];

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

/** The sign-in at this issuer, whose endpoints are those of its discovery document. */
export function openIssuerSignIn({ issuer, clientId }: IssuerSignInSettings): IssuerSignIn {
  let known: { readonly document: SignInParameters; readonly readMs: Milliseconds } | undefined;

  async function documentAt(nowMs: Milliseconds): Promise<SignInParameters> {
    if (known !== undefined && nowMs < known.readMs + documentAgeMaxMs) return known.document;
    try {
      known = { document: await readIssuerDocument(issuer), readMs: nowMs };
      return known.document;
    } catch (error) {
      throw unavailable(error);
    }
  }

  async function endpoint(name: string, nowMs: Milliseconds): Promise<string> {
    const url = (await documentAt(nowMs))[name];
    if (typeof url === 'string' && URL.canParse(url)) return url;
    throw unavailable(new Error(`its discovery document names no "${name}"`));
  }

  /** `profile` for the name; a refresh token only where the issuer knows how to ask for one. */
  async function scopeAt(nowMs: Milliseconds): Promise<string> {
    const { scopes_supported: scopes } = await documentAt(nowMs);
    const hasRefresh = Array.isArray(scopes) && scopes.includes('offline_access');
    return hasRefresh ? 'openid profile offline_access' : 'openid profile';
  }

  async function post(url: string, form: Record<string, string>): Promise<IssuerAnswer> {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { accept: 'application/json' },
        body: new URLSearchParams(form),
        redirect: 'error',
        signal: AbortSignal.timeout(answerWithinMs),
      });
      const { status } = response;
      if (status >= 500) throw new Error(`${url} answers ${status}`);
      const body = Object(await response.json()) as JsonObject;
      return { status: status < 400 ? 200 : status, body };
    } catch (error) {
      throw unavailable(error);
    }
  }

  function unavailable(cause: unknown): AuthenticatorUnavailable {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new AuthenticatorUnavailable(`The issuer ${issuer} cannot be asked: ${reason}.`, {
      cause,
    });
  }

  return {
    async pageUrl(asked, nowMs) {
      const url = new URL(await endpoint('authorization_endpoint', nowMs));
      const own = { client_id: clientId, response_type: 'code', scope: await scopeAt(nowMs) };
      for (const [name, value] of Object.entries({ ...own, ...textsOf(asked, pageParameters) })) {
        url.searchParams.set(name, value);
      }
      return url.href;
    },

    async tokens(form, nowMs) {
      const given = textsOf(form, grantParameters);
      const grant =
        given['device_code'] !== undefined
          ? deviceGrant
          : given['refresh_token'] !== undefined
            ? 'refresh_token'
            : 'authorization_code';
      const url = await endpoint('token_endpoint', nowMs);
      return post(url, { ...given, client_id: clientId, grant_type: grant });
    },

    async deviceCode(nowMs) {
      const { device_authorization_endpoint: url } = await documentAt(nowMs);
      if (typeof url !== 'string') return undefined;
      return post(url, { client_id: clientId, scope: await scopeAt(nowMs) });
    },
  };
}

function textsOf(asked: SignInParameters, names: readonly string[]): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const name of names) {
    const value = asked[name];
    if (typeof value === 'string' && value !== '') texts[name] = value;
  }
  return texts;
}
