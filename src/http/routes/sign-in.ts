/**
 * A stand-in for the sign-in of Microsoft accounts, with which clients begin their login: the page, the
 * codes of devices and the tokens of OAuth 2.0, and `POST /authenticate` of sisu, which leads to the
 * page.
 *
 * There are no accounts and nothing is kept: a code, an access token and a refresh token are the
 * ticket itself, which names the user.
 *
 * @source docs/wire/callers.md "The sign-in page"
 */

import { parseSisuPageRequest } from '../../auth/token-chain.ts';
import { formatJson } from '../../domain/json.ts';
import { Refusal } from '../../domain/refusal.ts';
import { refusalResponse, textResponse } from '../refusal-response.ts';
import type { Answer, Route, RouteRequest } from '../route.ts';
import { escapeHtml } from '../escape-html.ts';
import { oauthAnswer, sisuPageAnswer } from './sign-in-answers.ts';

const lifetimeSeconds = 86_400;
const pollSeconds = 1;

/**
 * `ownUrl` is where browsers of this machine reach the server, without a slash at the end.
 *
 * Refuses: requestInvalid.
 */
export function signInRoutes({ ownUrl }: { readonly ownUrl: () => string }): readonly Route[] {
  /** Where a browser finds a page: a client that came by a name of Xbox Live is led to the address. */
  function pageUrl({ headers: { host = '' } }: RouteRequest, path: string): string {
    const isOwnName = host !== '' && !/\.(?:xboxlive|live)\.com(?::\d+)?$/i.test(host);
    return `${isOwnName ? `http://${host}` : ownUrl()}${path}`;
  }

  return [
    {
      method: 'POST',
      path: '/authenticate',
      auth: 'none',
      body: 'object',
      async answer(request, { ids }) {
        const parameters = parseSisuPageRequest(request.body);
        if (parameters instanceof Refusal) return parameters;
        const redirect = parameters['redirect_uri'] ?? '';
        if (!mayBeRedirectedTo(redirect)) return redirectRefused('$.RedirectUri');
        const page = pageUrl(request, '/oauth20_authorize.srf');
        return sisuPageAnswer(`${page}?${new URLSearchParams(parameters)}`, parameters, ids.guid());
      },
    },
    {
      method: 'GET',
      path: '/oauth20_authorize.srf',
      auth: 'none',
      body: 'none',
      isForPages: false,
      async answer({ query, headers }, { ids }) {
        const redirect = query.get('redirect_uri') ?? '';
        if (!mayBeRedirectedTo(redirect)) return redirectRefused('query redirect_uri');
        const hint = query.get('login_hint') ?? '';
        const isBrowser = headers['accept']?.includes('text/html') === true;
        if (hint === '' && isBrowser) return signInPage(query);
        const ticket = hint === '' ? `guest-${ids.guid()}` : ticketOf(hint);
        return { status: 302, headers: { Location: locationOf(redirect, ticket, query) } };
      },
    },
    {
      method: 'POST',
      path: '/oauth20_connect.srf',
      auth: 'none',
      body: 'form',
      async answer(request, { ids }) {
        const device = ids.guid();
        return oauthAnswer({
          user_code: device.slice(0, 8).toUpperCase(),
          device_code: `guest-${device}`,
          verification_uri: pageUrl(request, '/oauth20_remoteconnect.srf'),
          interval: pollSeconds,
          expires_in: lifetimeSeconds,
        });
      },
    },
    {
      method: 'GET',
      path: '/oauth20_remoteconnect.srf',
      auth: 'none',
      body: 'none',
      isForPages: false,
      async answer() {
        return textResponse(200, 'The device is signed in as a guest: go back to it.');
      },
    },
    {
      method: 'POST',
      path: '/oauth20_token.srf',
      auth: 'none',
      body: 'form',
      async answer({ body }) {
        const ticket = [body['code'], body['refresh_token'], body['device_code']].find(
          (one) => typeof one === 'string' && one !== '',
        );
        if (ticket === undefined) return formRefused(noGrant);
        return oauthAnswer({
          token_type: 'bearer',
          expires_in: lifetimeSeconds,
          scope: typeof body['scope'] === 'string' ? body['scope'] : '',
          access_token: ticket,
          refresh_token: ticket,
          user_id: '',
        });
      },
    },
  ];
}

const noGrant = new Refusal(
  'requestInvalid',
  'code: Expected one of code, refresh_token and device_code.',
  { detail: 'code' },
);

/** A refusal as clients of OAuth read it. */
function formRefused(refusal: Refusal): Answer {
  const { status, headers } = refusalResponse(refusal, 107);
  const body = { error: 'invalid_request', error_description: refusal.text };
  return { refusal, status, ...(headers && { headers }), body: formatJson(body) };
}

/** A name, or a ticket that says more: `Ada`, `xuid=1001&gtg=Ada`. */
function ticketOf(hint: string): string {
  return hint.includes('=') ? hint : `gtg=${encodeURIComponent(hint)}`;
}

/** True of an address of a client's own: a scheme of an app, this machine, or the real pages. */
function mayBeRedirectedTo(address: string): boolean {
  if (/^ms-[a-z0-9-]+:/i.test(address)) return true;
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  const isLoopback = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
  if (isLoopback) return protocol === 'http:' || protocol === 'https:';
  return protocol === 'https:' && /(?:^|\.)(?:login\.live|xboxlive)\.com$/.test(hostname);
}

function redirectRefused(place: string): Refusal {
  return new Refusal(
    'requestInvalid',
    `${place}: Expected an address of the client: ms-<app>:…, one of this machine, or one of login.live.com and xboxlive.com.`,
    { detail: place },
  );
}

/** `redirect` with the code, or with the token where that was asked for. */
function locationOf(redirect: string, ticket: string, query: URLSearchParams): string {
  const isToken = query.get('response_type') === 'token';
  const answer = new URLSearchParams(
    isToken
      ? { access_token: ticket, token_type: 'bearer', expires_in: String(lifetimeSeconds) }
      : { code: ticket },
  );
  const state = query.get('state');
  if (state !== null) answer.set('state', state);
  if (isToken) return `${redirect}#${answer}`;
  return `${redirect}${redirect.includes('?') ? '&' : '?'}${answer}`;
}

/** The page that asks who one is, and comes back with the answer. */
function signInPage(query: URLSearchParams): Answer {
  const fields = [...query].map(
    ([name, value]) =>
      `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  );
  return {
    status: 200,
    contentType: 'text/html; charset=utf-8',
    headers: {
      'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
      'Cache-Control': 'no-store',
    },
    body: `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>OpenMPSD: sign in</title>
<style>body{font:1.1rem sans-serif;max-width:30rem;margin:4rem auto}input,button{font:inherit}</style>
<h1>Who are you?</h1>
<p>This server has no accounts. Choose any gamertag; the same gamertag is always the same user.</p>
<form>
${fields.join('\n')}
<input name="login_hint" required autofocus maxlength="100" placeholder="Ada">
<button>Sign in</button>
</form>
`,
  };
}
