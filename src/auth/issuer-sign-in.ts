/**
 * The sign-in at an OIDC issuer, for clients that know the sign-in of Microsoft accounts: what they ask is
 * passed on in the words of OpenID Connect.
 *
 * Nothing is decided here: the issuer checks the redirect address, the code and its challenge.
 */

import type { JsonObject } from '../domain/json.ts';
import type { Milliseconds } from '../domain/time.ts';
import { SignInUnavailable } from './authenticator.ts';
import { endpointOf, type ReadIssuerDocument } from './issuer-keys.ts';
import { keepReading } from './kept-reading.ts';
import { reasonOf } from './key-set.ts';

/** Parameters of a client, by name. */
export type SignInParameters = Readonly<Record<string, unknown>>;

/** What an endpoint of the issuer answers: 200, or 4xx with `error`. */
export type IssuerAnswer = { readonly status: number; readonly body: JsonObject };

export type IssuerSignIn = {
  /** Reads the discovery document now. Throws SignInUnavailable, also where an endpoint is missing or wrong. */
  read(nowMs: Milliseconds): Promise<void>;

  /**
   * Where a browser signs in and comes back to the client's own address with a code.
   *
   * Throws SignInUnavailable.
   */
  pageUrl(asked: SignInParameters, nowMs: Milliseconds): Promise<string>;

  /** Tokens for a code, a device code or a refresh token. Throws SignInUnavailable. */
  tokens(form: SignInParameters, nowMs: Milliseconds): Promise<IssuerAnswer>;

  /**
   * A code with which a device signs in; undefined where the issuer has none.
   *
   * Throws SignInUnavailable.
   */
  deviceCode(nowMs: Milliseconds): Promise<IssuerAnswer | undefined>;
};

/** The client that this server is at the issuer, whatever its own clients call themselves. */
export type IssuerClient = {
  readonly id: string;
  /** Undefined: a public client. */
  readonly secret?: string | undefined;
  /** What the tokens are asked to be for, where an issuer wants that said, as Auth0. */
  readonly audience?: string | undefined;
};

export type IssuerSignInSettings = {
  readonly issuer: string;
  readonly client: IssuerClient;
  readonly readDocument: ReadIssuerDocument;
  /** How long a discovery document stays good while it cannot be read again. */
  readonly staleMsMax: Milliseconds;
  /** Called with what is wrong while the sign-in cannot be used, and with undefined when it can be again. */
  readonly report: (problem: string | undefined) => void;
};

/** What the sign-in takes of a discovery document. */
type Endpoints = {
  readonly page: string;
  readonly tokens: string;
  /** Undefined: the issuer has no codes for devices. */
  readonly deviceCodes: string | undefined;
  readonly scope: string;
  /** Where the issuer takes the secret of a client. */
  readonly secretIn: 'header' | 'form';
};

/** What of the issuer was asked. */
type IssuerPart = 'discovery' | 'tokens' | 'device codes';

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

/**
 * The sign-in at this issuer, whose endpoints are those of its discovery document. The document is read
 * again as key sets are.
 */
export function openIssuerSignIn({
  issuer,
  client,
  readDocument,
  staleMsMax,
  report,
}: IssuerSignInSettings): IssuerSignIn {
  /** By what was asked, so that the success of one endpoint does not hide the failure of another. */
  const problems = new Map<IssuerPart, string>();
  const { current, newest } = keepReading(readEndpoints, {
    staleMsMax,
    failureOf: unavailable,
    report: (failure, isKnown) =>
      note(
        'discovery',
        failure &&
          (isKnown ? failure.message : `${failure.message} Until it can, nobody signs in.`),
      ),
  });

  const audience = client.audience === undefined ? {} : { audience: client.audience };

  async function readEndpoints(nowMs: Milliseconds): Promise<Endpoints> {
    const document = await readDocument(nowMs);
    const deviceCodes = 'device_authorization_endpoint';
    return {
      page: endpointOf(document, 'authorization_endpoint', issuer),
      tokens: endpointOf(document, 'token_endpoint', issuer),
      deviceCodes:
        document[deviceCodes] === undefined ? undefined : endpointOf(document, deviceCodes, issuer),
      scope: scopeOf(document['scopes_supported']),
      secretIn: secretPlaceOf(document['token_endpoint_auth_methods_supported']),
    };
  }

  async function endpointsAt(nowMs: Milliseconds): Promise<Endpoints> {
    return (await current(nowMs)).value;
  }

  /** Asks an endpoint at which the client proves who it is. */
  async function post(
    endpoint: IssuerPart,
    url: string,
    form: Record<string, string>,
    secretIn: Endpoints['secretIn'],
  ): Promise<IssuerAnswer> {
    const { id, secret } = client;
    const isInHeader = secret !== undefined && secretIn === 'header';
    const proof = {
      ...(!isInHeader && { client_id: id }),
      ...(!isInHeader && secret !== undefined && { client_secret: secret }),
    };
    const headers = isInHeader ? { authorization: basicOf(id, secret) } : {};
    try {
      const answer = await ask(url, { ...form, ...proof }, headers);
      note(endpoint, undefined);
      return answer;
    } catch (error) {
      const failure = unavailable(error);
      note(endpoint, failure.message);
      throw failure;
    }
  }

  function note(asked: IssuerPart, problem: string | undefined): void {
    if (problem === undefined) problems.delete(asked);
    else problems.set(asked, problem);
    const [first] = problems.values();
    report(first);
  }

  function unavailable(cause: unknown): SignInUnavailable {
    return new SignInUnavailable(`The sign-in at ${issuer} cannot be used: ${reasonOf(cause)}.`, {
      cause,
    });
  }

  return {
    async read(nowMs) {
      await newest(nowMs);
    },

    async pageUrl(asked, nowMs) {
      const { page, scope } = await endpointsAt(nowMs);
      const url = new URL(page);
      const own = { client_id: client.id, response_type: 'code', scope, ...audience };
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
      const { tokens, secretIn } = await endpointsAt(nowMs);
      return post('tokens', tokens, { ...given, grant_type: grant }, secretIn);
    },

    async deviceCode(nowMs) {
      const { deviceCodes, scope, secretIn } = await endpointsAt(nowMs);
      return deviceCodes === undefined
        ? undefined
        : post('device codes', deviceCodes, { scope, ...audience }, secretIn);
    },
  };
}

/** `profile` for the name; a refresh token only where the issuer knows how to ask for one. */
function scopeOf(supported: unknown): string {
  const hasRefresh = Array.isArray(supported) && supported.includes('offline_access');
  return hasRefresh ? 'openid profile offline_access' : 'openid profile';
}

/** Where an issuer takes the secret of a client: in the header, unless it takes it in the form alone. */
function secretPlaceOf(methods: unknown): Endpoints['secretIn'] {
  const isInForm =
    Array.isArray(methods) &&
    methods.includes('client_secret_post') &&
    !methods.includes('client_secret_basic');
  return isInForm ? 'form' : 'header';
}

/** The header of a client that proves who it is: both parts are written as in a form. */
function basicOf(id: string, secret: string): string {
  const encode = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1);
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}`;
}

/** Throws an Error that completes "it cannot be used: …". */
async function ask(
  url: string,
  form: Record<string, string>,
  headers: Record<string, string>,
): Promise<IssuerAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { accept: 'application/json', ...headers },
    body: new URLSearchParams(form),
    redirect: 'error',
    signal: AbortSignal.timeout(answerWithinMs),
  });
  const { status } = response;
  const text = await response.text();
  if (status >= 500) throw new Error(`${url} answers ${status}`);
  try {
    return { status: status < 400 ? 200 : status, body: Object(JSON.parse(text)) as JsonObject };
  } catch {
    throw new Error(`${url} does not answer JSON`);
  }
}

function textsOf(asked: SignInParameters, names: readonly string[]): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const name of names) {
    const value = asked[name];
    if (typeof value === 'string' && value !== '') texts[name] = value;
  }
  return texts;
}
