/** The login chain and the sign-in page, for the API description. */

import * as v from 'valibot';
import { loginBodies } from '../../auth/token-chain.ts';
import type { Operation } from './operation.ts';

const tag = 'Login';
const formText = v.optional(v.string());

/** By verb and path, as routes have them. */
export const loginOperations: Readonly<Record<string, Operation>> = {
  'POST /user/authenticate': {
    tag,
    summary: 'A user token for a ticket',
    body: loginBodies.ticket,
    answers: { 200: 'LoginToken' },
  },
  'POST /device/authenticate': {
    tag,
    summary: 'A device token',
    body: loginBodies.device,
    answers: { 200: 'LoginToken' },
  },
  'POST /title/authenticate': {
    tag,
    summary: 'A title token for a ticket',
    body: loginBodies.ticket,
    answers: { 200: 'LoginToken' },
  },
  'POST /xsts/authorize': {
    tag,
    summary: 'The token with which requests are made, for the tokens of the former steps',
    body: loginBodies.access,
    answers: { 200: 'LoginToken' },
  },
  'POST /authorize': {
    tag,
    summary: 'All tokens at once, as sisu gives them',
    body: loginBodies.sisu,
    answers: { 200: 'SisuTokens' },
  },
  'POST /authenticate': {
    tag,
    summary: 'The address of the sign-in page',
    body: loginBodies.sisuPage,
    answers: { 200: 'SignInAddress' },
  },
  'GET /oauth20_authorize.srf': {
    tag,
    summary: 'The sign-in page; with a name, the way back to the client',
    query: ['client_id', 'response_type', 'redirect_uri', 'scope', 'state', 'login_hint'],
    answers: { 200: 'page', 302: 'none' },
  },
  'POST /oauth20_connect.srf': {
    tag,
    summary: 'A code with which a device signs in',
    body: v.looseObject({ client_id: formText, scope: formText }),
    answers: { 200: 'DeviceCode' },
  },
  'GET /oauth20_remoteconnect.srf': {
    tag,
    summary: 'The page on which the code of a device is used',
    answers: { 200: 'text' },
  },
  'POST /oauth20_token.srf': {
    tag,
    summary: 'Tokens for a code, a device code or a refresh token',
    body: v.looseObject({ code: formText, refresh_token: formText, device_code: formText }),
    answers: { 200: 'OauthTokens' },
  },
};
