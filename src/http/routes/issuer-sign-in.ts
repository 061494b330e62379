/**
 * The sign-in of Microsoft accounts as clients ask for it, answered by the sign-in of an OIDC issuer.
 *
 * @source docs/wire/callers.md "Sign-in at an issuer"
 */

import { isKnownUser, type LoginPolicy } from '../../auth/login-policy.ts';
import type { IssuerSignIn } from '../../auth/issuer-sign-in.ts';
import { parseSisuPageRequest } from '../../auth/token-chain.ts';
import type { Context } from '../../directory/context.ts';
import type { JsonObject } from '../../domain/json.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Answer, Route } from '../route.ts';
import { oauthAnswer, sisuPageAnswer } from './sign-in-answers.ts';

/**
 * The routes, with `policy` for which of the issuer's tokens is the ticket of the login chain.
 *
 * Refuses: requestInvalid, serviceAbsent.
 */
export function issuerSignInRoutes(
  signIn: IssuerSignIn,
  policy: Pick<LoginPolicy, 'userOf'>,
): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/authenticate',
      auth: 'none',
      body: 'object',
      async answer({ body }, { clock, ids }) {
        const parameters = parseSisuPageRequest(body);
        if (parameters instanceof Refusal) return parameters;
        const pageUrl = await signIn.pageUrl(parameters, clock.nowMs());
        return sisuPageAnswer(pageUrl, parameters, ids.guid());
      },
    },
    {
      method: 'GET',
      path: '/oauth20_authorize.srf',
      auth: 'none',
      body: 'none',
      isForPages: false,
      async answer({ query }, { clock }) {
        if (query.get('response_type') === 'token') return noImplicitFlow;
        const asked = Object.fromEntries(query);
        const location = await signIn.pageUrl(asked, clock.nowMs());
        return { status: 302, headers: { Location: location } };
      },
    },
    {
      method: 'POST',
      path: '/oauth20_connect.srf',
      auth: 'none',
      body: 'form',
      async answer(_request, { clock }) {
        const given = await signIn.deviceCode(clock.nowMs());
        return given === undefined ? noDeviceCodes : oauthAnswer(given.body, given.status);
      },
    },
    {
      method: 'POST',
      path: '/oauth20_token.srf',
      auth: 'none',
      body: 'form',
      answer: ({ body }, context) => exchange(body, context),
    },
  ];

  async function exchange(form: JsonObject, { clock }: Context): Promise<Answer> {
    const nowMs = clock.nowMs();
    const { status, body } = await signIn.tokens(form, nowMs);
    if (status !== 200) return oauthAnswer(body, status);
    const tokens = [body['access_token'], body['id_token']].filter(
      (one) => typeof one === 'string',
    );
    let said = 'The issuer gave no token.';
    for (const token of tokens) {
      const user = await policy.userOf(token, nowMs);
      if (isKnownUser(user)) return oauthAnswer({ ...viewTokens(body), access_token: token });
      said = user.text;
    }
    return oauthAnswer({ error: 'invalid_grant', error_description: said }, 400);
  }
}

/** What clients of Microsoft accounts read of an answer with tokens. */
function viewTokens({ expires_in, scope, refresh_token }: JsonObject): JsonObject {
  return {
    token_type: 'bearer',
    ...(expires_in !== undefined && { expires_in }),
    scope: scope ?? '',
    ...(refresh_token !== undefined && { refresh_token }),
    user_id: '',
  };
}

const noImplicitFlow = new Refusal(
  'requestInvalid',
  'query response_type: Expected "code": the issuer gives no token to a page.',
  { detail: 'query response_type' },
);

const noDeviceCodes = new Refusal(
  'serviceAbsent',
  'The issuer has no codes for devices: its discovery document names no "device_authorization_endpoint".',
  { detail: 'login.live.com' },
);
