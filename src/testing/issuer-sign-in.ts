/** The sign-in of a local issuer: its page, codes with PKCE, codes of devices and refresh tokens. */

import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LocalIssuer } from './local-issuer.ts';

export type IssuerSignInSettings = {
  /** The client that may sign users in. */
  readonly clientId: string;
  /** Its secret; a public client unless given. */
  readonly clientSecret?: string;
  /** What a sign-in must ask for as `audience` to get a JWT as access token, as at Auth0. */
  readonly audience?: string;
  /** Addresses to which its users come back. */
  readonly redirectUris: readonly string[];
  /** Claims of the user who signs in. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** The origin whose pages may ask for tokens. */
  readonly origin?: string;
};

/** What the issuer was asked for, by its endpoints. */
export type AskedIssuer = {
  readonly forms: readonly URLSearchParams[];
  /** The user of a device has signed in. */
  approveDevice(): void;
};

/** Adds a sign-in to `issuer`, whose page signs its user in at once. */
export function addSignIn(issuer: LocalIssuer, settings: IssuerSignInSettings): AskedIssuer {
  const { clientId, clientSecret, audience, redirectUris, claims, origin } = settings;
  const challenges = new Map<string, string>();
  let isAudienceAsked = false;
  const forms: URLSearchParams[] = [];
  let isDeviceApproved = false;
  issuer.discovery = {
    authorization_endpoint: `${issuer.url}/authorize`,
    token_endpoint: `${issuer.url}/token`,
    device_authorization_endpoint: `${issuer.url}/device`,
    scopes_supported: ['openid', 'profile', 'offline_access'],
  };

  function answer(response: ServerResponse, status: number, body: unknown): void {
    response.writeHead(status, {
      ...(origin !== undefined && { 'access-control-allow-origin': origin }),
      'content-type': 'application/json',
    });
    response.end(JSON.stringify(body));
  }

  async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
    let text = '';
    for await (const chunk of request) text += chunk;
    const form = new URLSearchParams(text);
    forms.push(form);
    return form;
  }

  issuer.routes.set('/authorize', (request, response) => {
    const { searchParams } = new URL(String(request.url), issuer.url);
    const redirect = searchParams.get('redirect_uri') ?? '';
    const isKnown = searchParams.get('client_id') === clientId && redirectUris.includes(redirect);
    if (!isKnown) return void response.writeHead(400).end('unknown client or redirect address');
    if (request.method === 'GET') {
      response.setHeader('content-type', 'text/html');
      return void response.end(
        '<form method="post"></form><script>document.forms[0].submit()</script>',
      );
    }
    isAudienceAsked = audience !== undefined && searchParams.get('audience') === audience;
    const code = randomUUID();
    challenges.set(code, searchParams.get('code_challenge') ?? '');
    const back = new URL(redirect);
    back.searchParams.set('code', code);
    back.searchParams.set('state', searchParams.get('state') ?? '');
    response.writeHead(303, { location: back.href }).end();
  });

  /** True of the client, with its secret where it has one. */
  function isOfClient({ headers }: IncomingMessage, form: URLSearchParams): boolean {
    if (clientSecret === undefined) return form.get('client_id') === clientId;
    const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
    return headers.authorization === `Basic ${basic}`;
  }

  issuer.routes.set('/device', async (request, response) => {
    const form = await formOf(request);
    if (!isOfClient(request, form)) return answer(response, 401, { error: 'invalid_client' });
    answer(response, 200, {
      device_code: 'device-1',
      user_code: 'ABCD',
      verification_uri: `${issuer.url}/activate`,
      expires_in: 600,
      interval: 1,
    });
  });

  issuer.routes.set('/token', async (request, response) => {
    const form = await formOf(request);
    const code = form.get('code') ?? '';
    const digest = createHash('sha256').update(form.get('code_verifier') ?? '');
    const grant = form.get('grant_type');
    if (!isOfClient(request, form)) return answer(response, 401, { error: 'invalid_client' });
    const isGood =
      grant === 'authorization_code'
        ? challenges.get(code) === digest.digest('base64url')
        : grant === 'refresh_token'
          ? form.get('refresh_token') === 'refresh-1'
          : form.get('device_code') === 'device-1';
    challenges.delete(code);
    if (!isGood) return answer(response, 400, { error: 'invalid_grant' });
    if (form.has('device_code') && !isDeviceApproved) {
      return answer(response, 400, { error: 'authorization_pending' });
    }
    answer(response, 200, {
      id_token: await issuer.sign({ aud: clientId, ...claims }),
      access_token: isAudienceAsked ? await issuer.sign({ aud: audience, ...claims }) : 'opaque',
      refresh_token: 'refresh-1',
      token_type: 'Bearer',
      expires_in: 600,
    });
  });

  return {
    forms,
    approveDevice() {
      isDeviceApproved = true;
    },
  };
}
