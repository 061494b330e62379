/** Where tokens are in requests and answers, and how they are replaced: on the server and in a browser. */

import type { ObservedHeaders } from './events.ts';

/** The end of the lower-case name of a header that proves who the client is. */
const secretHeaders: readonly string[] = [
  'api-key',
  'apikey',
  'authorization',
  'cookie',
  'password',
  'secret',
  'signature',
  'subscription-key',
  'ticket',
  'token',
];

/** Headers that hold a URL, by lower-case name. */
const urlHeaders: ReadonlySet<string> = new Set([
  'content-location',
  'location',
  'referer',
  'x-original-url',
]);

/** Names of fields that hold a secret wherever they are, in lower case. */
const secretFields: readonly string[] = [
  'access_token',
  'accesstoken',
  'auth_token',
  'authorization',
  'authorizationtoken',
  'authtoken',
  'client_assertion',
  'client_secret',
  'code_verifier',
  'device_code',
  'devicetoken',
  'entitytoken',
  'id_token',
  'jwt',
  'refresh_token',
  'rpsticket',
  'servicetoken',
  'sessionticket',
  'titletoken',
  'usertoken',
  'usertokens',
  'xboxtoken',
];

/** Names of fields that hold a secret at a sign-in, and mostly something else in what a game writes. */
const signInFields: readonly string[] = [
  'assertion',
  'code',
  'nonce',
  'password',
  'saml_response',
  'samlresponse',
  'session_state',
  'sessionid',
  'state',
  'ticket',
  'token',
  'user_code',
];

const fieldNames: ReadonlySet<string> = new Set(secretFields);
const signInNames: ReadonlySet<string> = new Set([...secretFields, ...signInFields]);
/** Parameters of a URL; the last ones sign it. */
const parameterNames: ReadonlySet<string> = new Set([
  ...signInNames,
  'api_key',
  'apikey',
  'sig',
  'signature',
  'x-amz-credential',
  'x-amz-security-token',
  'x-amz-signature',
]);

/** Parts of the paths of sign-ins, in lower case. */
const signInSegments: ReadonlySet<string> = new Set([
  'authorize',
  'device_authorization',
  'devicecode',
  'nonce',
  'oauth',
  'oauth2',
  'ppsecure',
  'rst.srf',
  'rst2.srf',
  'signin',
  'sso',
  'token',
]);
const signInBeginnings: readonly string[] = ['authenticat', 'getentitytoken', 'login', 'oauth20_'];

/** Headers of answers that say how to sign in, as in `Bearer realm="…"`; these hold no credentials. */
const challengeHeaders: ReadonlySet<string> = new Set(['proxy-authenticate', 'www-authenticate']);

/** A header value that begins with the scheme of credentials. */
const credentials = /^(?:basic|bearer|digest|dpop|jwt|negotiate|ntlm|(?:xbl|wlid|msauth)\d\.\d) /i;

/** Credentials within a text: after a word that people write too, only what is too long to be a word. */
const credentialsInText =
  /((?:basic|bearer|dpop|jwt|negotiate)(?: |%20|\+))([\w.~+/%=-]{16,})|((?:xbl|wlid|msauth)\d\.\d(?: |%20|\+))(\w{1,8}(?:=|%3d)[^\s"'<>&\\]+)/gi;

/** The characters of base64url, and the points between the parts of a JWT. */
const encodedRun = /[\w.-]+/g;

/** A field of a text that is not JSON as a whole; its value may lack its end. */
const quotedField = /("([\w-]{1,40})"[ \t]*:[ \t]*")([^"\\]*(?:\\[\s\S][^"\\]*)*)/g;

/** No name of a protocol of a WebSocket has that many characters between two points. */
const protocolPartCharactersMax = 24;

/** Games name the fields of sessions and handles: no name there says that its value is a secret. */
const gamePath = /^\/(?:serviceconfigs|handles)(?:\/|$)/i;

/** True of the path of a sign-in, here or at another service: its bodies hold tokens. */
function isSignIn(path: string): boolean {
  return path
    .toLowerCase()
    .split('/')
    .some(
      (segment) =>
        signInSegments.has(segment) || signInBeginnings.some((start) => segment.startsWith(start)),
    );
}

/** Requests and answers with their tokens replaced. */
export type SecretReplacement = {
  /** The headers; the scheme of a token stays, as in `XBL3.0 token-3f2a90c1d2e3`. */
  readonly headersWithoutSecrets: (headers: ObservedHeaders) => ObservedHeaders;
  /** A request target or a URL, with the tokens in its path, its query and its fragment replaced. */
  readonly targetWithoutSecrets: (target: string) => string;
  /**
   * A body that was sent to this path, or its answer. Secrets are known by the names of fields of JSON or of a
   * form, but not in sessions and handles, where a game gives the names; and JWTs and `Authorization` values
   * by their form. Of a sign-in any other body is replaced as a whole. A body without secrets is the same
   * text. One that is too deep to be looked through is replaced as a whole.
   */
  readonly bodyWithoutSecrets: (path: string, body: string) => string;
  /** A text, such as a frame of a socket, with what has the form of a JWT or of an `Authorization` value replaced. */
  readonly textWithoutTokens: (text: string) => string;
};

/** Replaces each secret by what `replacementOf` answers for it. */
export function replaceSecrets(replacementOf: (secret: string) => string): SecretReplacement {
  function headersWithoutSecrets(headers: ObservedHeaders): ObservedHeaders {
    return Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, headerWithoutSecret(name, value)]),
    );
  }

  function headerWithoutSecret(
    name: string,
    value: ObservedHeaders[string],
  ): string | readonly string[] | undefined {
    if (value === undefined) return value;
    const lowerName = name.toLowerCase();
    if (secretHeaders.some((end) => lowerName.endsWith(end))) {
      return [value].flat().map(credentialsWithoutSecret).join(', ');
    }
    const shownOf = (one: string): string => {
      if (urlHeaders.has(lowerName)) return targetWithoutSecrets(one);
      if (lowerName === 'sec-websocket-protocol') return protocolsWithoutSecrets(one);
      if (challengeHeaders.has(lowerName)) return textWithoutJwts(one);
      return credentials.test(one) ? credentialsWithoutSecret(one) : textWithoutTokens(one);
    };
    return typeof value === 'string' ? shownOf(value) : value.map(shownOf);
  }

  /** Browsers can send a token in no other header: the names of protocols stay. */
  function protocolsWithoutSecrets(value: string): string {
    return value
      .split(',')
      .map((part) => {
        const protocol = part.trim();
        const isToken = protocol.split('.').some((one) => one.length > protocolPartCharactersMax);
        return isToken ? part.replace(protocol, replacementOf(protocol)) : textWithoutTokens(part);
      })
      .join(',');
  }

  function textWithoutTokens(text: string): string {
    return textWithoutJwts(text).replace(
      credentialsInText,
      (_, scheme, token, versionedScheme, versionedToken) =>
        `${scheme ?? versionedScheme}${replacementOf(token ?? versionedToken)}`,
    );
  }

  /** The parts of a JWT are three, or five where it is encrypted; the first one is a JSON object. */
  function textWithoutJwts(text: string): string {
    if (!text.includes('eyJ')) return text;
    return text.replace(encodedRun, (run) => {
      const at = run.indexOf('eyJ');
      if (at < 0) return run;
      const isJwt = run.slice(at).split('.').length >= 3;
      return isJwt ? `${run.slice(0, at)}${replacementOf(run.slice(at))}` : run;
    });
  }

  function targetWithoutSecrets(target: string): string {
    const [place = '', ...fragments] = target.split('#');
    const at = place.indexOf('?');
    const query = at < 0 ? '' : `?${formWithoutSecrets(place.slice(at + 1), parameterNames)}`;
    const shown = [
      at < 0 ? place : `${place.slice(0, at)}${query}`,
      ...fragments.map((one) => formWithoutSecrets(one, parameterNames)),
    ].join('#');
    return textWithoutTokens(shown);
  }

  function bodyWithoutSecrets(path: string, body: string): string {
    if (gamePath.test(path)) return textWithoutTokens(body);
    if (body === '') return body;
    const isSecretPath = isSignIn(path);
    const names = isSecretPath ? signInNames : fieldNames;
    let value: unknown;
    try {
      value = JSON.parse(body);
    } catch {
      const isForm = body.includes('=') && !/[<{\n]/.test(body);
      if (isSecretPath && !isForm) return replacementOf(body);
      // A form may end with a line break, and its values may be JSON that is not encoded.
      return textWithoutTokens(fieldsWithoutSecrets(formWithoutSecrets(body, names), names));
    }
    try {
      const shown = valueWithoutSecrets(value, names, false);
      return shown === value ? body : JSON.stringify(shown);
    } catch (error) {
      if (error instanceof RangeError) return replacementOf(body);
      throw error;
    }
  }

  /** The same value where nothing in it is a secret. */
  function valueWithoutSecrets(
    value: unknown,
    names: ReadonlySet<string>,
    isSecret: boolean,
  ): unknown {
    if (typeof value === 'string') {
      return isSecret ? replacementOf(value) : textWithoutTokens(value);
    }
    if (typeof value === 'number') return isSecret ? replacementOf(String(value)) : value;
    if (typeof value !== 'object' || value === null) return value;
    let isChanged = false;
    const shownOf = (one: unknown, isOneSecret: boolean): unknown => {
      const shown = valueWithoutSecrets(one, names, isOneSecret);
      isChanged ||= shown !== one;
      return shown;
    };
    const shown = Array.isArray(value)
      ? value.map((one) => shownOf(one, isSecret))
      : Object.fromEntries(
          Object.entries(value).map(([name, one]) => [
            name,
            shownOf(one, isSecret || (names.has(name.toLowerCase()) && !isStatus(name, one))),
          ]),
        );
    return isChanged ? shown : value;
  }

  /** `a=1&token=…`, with the secrets replaced, up to the end of their line. */
  function formWithoutSecrets(form: string, names: ReadonlySet<string>): string {
    return form
      .split(/([&\r\n])/)
      .map((part) => {
        const at = part.indexOf('=');
        if (at < 0 || !names.has(nameOf(part.slice(0, at)))) return part;
        return `${part.slice(0, at + 1)}${replacementOf(part.slice(at + 1))}`;
      })
      .join('');
  }

  /** `"Authorization":"…"` in a text that is not JSON as a whole. */
  function fieldsWithoutSecrets(text: string, names: ReadonlySet<string>): string {
    return text.replace(quotedField, (field, before: string, name: string, value: string) =>
      names.has(name.toLowerCase()) ? `${before}${replacementOf(value)}` : field,
    );
  }

  /** `XBL3.0 x=…` keeps its scheme; a text of one word is a secret as a whole. */
  function credentialsWithoutSecret(value: string): string {
    const at = value.indexOf(' ');
    if (at <= 0 || at > 20) return replacementOf(value);
    return `${value.slice(0, at)} ${replacementOf(value.slice(at + 1))}`;
  }

  return { headersWithoutSecrets, targetWithoutSecrets, bodyWithoutSecrets, textWithoutTokens };
}

/** True of `"code":200`, as sign-ins answer that repeat the HTTP status in their body. */
function isStatus(name: string, value: unknown): boolean {
  return name === 'code' && typeof value === 'number' && value >= 100 && value < 600;
}

/** The name of a parameter in lower case, decoded where it can be. */
function nameOf(encoded: string): string {
  try {
    return decodeURIComponent(encoded).toLowerCase();
  } catch {
    return encoded.toLowerCase();
  }
}
