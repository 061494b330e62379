/**
 * Which pages of browsers may call.
 *
 * A page that a developer has open runs code of strangers, and it reaches this server over loopback.
 * Two headers show it: `Origin` names the site of a page that calls another site, and `Host` names the
 * site that a page calls as its own, when a stranger made that name lead to this machine (DNS
 * rebinding).
 *
 * @source docs/wire/callers.md "Pages of browsers"
 */

import { isIP } from 'node:net';
import { Refusal } from '../domain/refusal.ts';

export type OriginSettings = {
  /** Origins (`https://play.example`) whose pages may call; `loopback` stands for all of this machine. */
  readonly allowed: readonly string[];
  /**
   * True where a page that reaches the server can do harm without a secret: development tokens, the
   * control API. `Host` and `Origin` are checked then.
   */
  readonly isGuarded: boolean;
  /** Names of this server beside those that no stranger can own. */
  readonly hostNames: readonly string[];
};

export type Origins = {
  /**
   * Undefined when a request for `host`, from a page of `origin` if from any, may be answered.
   * `isForPages` is false where no page of another origin is answered.
   *
   * Refuses: hostForbidden, originForbidden.
   */
  mayAsk(
    host: string | undefined,
    origin: string | undefined,
    asked: { readonly isForPages: boolean; readonly isPreflight: boolean },
  ): Refusal | undefined;
  /** The headers by which a browser shows an answer to a page of `origin`, where it may. */
  sharing(origin: string): Readonly<Record<string, string>>;
};

/** Names under which strangers can have no site: reserved, of a private network, or Xbox Live's own. */
const ownSuffixes = ['localhost', 'local', 'internal', 'test', 'home.arpa', 'xboxlive.com'];

const exposedHeaders =
  'ETag, Location, Content-Location, X-Mpsd-Refusal, X-Mpsd-Detail, Retry-After, X-XblCorrelationId';

/** How long a browser need not ask again; Chromium keeps to two hours at most. */
const preflightSeconds = 7_200;

/** The checks that `settings` ask for. */
export function openOrigins({ allowed, isGuarded, hostNames }: OriginSettings): Origins {
  const origins = new Set(allowed.map((one) => one.toLowerCase()));
  const names = new Set(hostNames.map((one) => one.toLowerCase()));
  // Clients repeat the same values.
  let lastHost: string | undefined;

  const isAllowed = (origin: string): boolean =>
    origins.has(origin.toLowerCase()) || (origins.has('loopback') && isLoopbackOrigin(origin));

  const isOwn = (host: string): boolean => {
    const name = nameOf(host);
    return (
      isIP(name) !== 0 ||
      !name.includes('.') ||
      names.has(name) ||
      ownSuffixes.some((suffix) => name === suffix || name.endsWith(`.${suffix}`))
    );
  };

  return {
    mayAsk(host, origin, { isForPages, isPreflight }) {
      if (isGuarded && host !== undefined && host !== lastHost) {
        if (!isOwn(host)) {
          return new Refusal(
            'hostForbidden',
            `This server is not known as ${quote(nameOf(host))}; start it with --hosts if that is one of its names.`,
            { detail: 'Host' },
          );
        }
        lastHost = host;
      }
      if (origin === undefined || isSameSite(origin, host)) return undefined;
      if (!isForPages) {
        return new Refusal(
          'originForbidden',
          'No page of another origin may call this; call it from a program.',
          { detail: 'Origin' },
        );
      }
      if (isAllowed(origin)) return undefined;
      // What needs a token without which nothing can be done is safe: the browser keeps the answer.
      if (!isPreflight && (!isGuarded || isXboxLive(origin))) return undefined;
      return new Refusal(
        'originForbidden',
        `Pages of ${quote(origin)} may not call this server; start it with --cors and this origin if they should.`,
        { detail: 'Origin' },
      );
    },
    sharing(origin) {
      return {
        Vary: 'Origin',
        ...(isAllowed(origin) && {
          'Access-Control-Allow-Origin': origin,
          'Access-Control-Expose-Headers': exposedHeaders,
        }),
      };
    },
  };
}

/** The headers of the answer to a preflight for `method`. */
export function formatPreflight(
  method: string,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Readonly<Record<string, string>> {
  const asked = headers['access-control-request-headers'];
  return {
    'Access-Control-Allow-Methods': method,
    ...(isListOfNames(asked) && { 'Access-Control-Allow-Headers': asked }),
    ...(headers['access-control-request-private-network'] === 'true' && {
      'Access-Control-Allow-Private-Network': 'true',
    }),
    'Access-Control-Max-Age': String(preflightSeconds),
  };
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}

/** The name or address of a `Host` header, in lower case, without port, brackets and last dot. */
function nameOf(host: string): string {
  const withoutPort = /^\[([^\]]*)\](?::\d*)?$/.exec(host)?.[1] ?? host.replace(/:\d*$/, '');
  return withoutPort.toLowerCase().replace(/\.$/, '');
}

function isLoopbackOrigin(origin: string): boolean {
  return /^https?:\/\/(?:localhost|[a-z0-9-]{1,63}\.localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(?::\d{1,5})?$/i.test(
    origin,
  );
}

/** True of the request's own site: a page of this server. */
function isSameSite(origin: string, host: string | undefined): boolean {
  return (
    host !== undefined && origin.toLowerCase().replace(/^https?:\/\//, '') === host.toLowerCase()
  );
}

/** Some clients of consoles send the service as `Origin`. */
function isXboxLive(origin: string): boolean {
  return /^https:\/\/(?:[a-z0-9-]{1,63}\.){1,4}xboxlive\.com$/i.test(origin);
}

/** True of a value that may be sent back: names of headers with commas between them. */
function isListOfNames(text: unknown): text is string {
  return typeof text === 'string' && /^[\w!#$%&'*+.^`|~, -]{1,2000}$/.test(text);
}
