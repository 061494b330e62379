import { loginErrors, redirectOf } from '../auth/login-errors.ts';
import { isExpiry } from '../auth/jwt.ts';
import { formatJson } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import { refusalResponse } from './refusal-response.ts';
import type { Answer } from './route.ts';

/**
 * A refusal of a step of the login chain, with the number by which clients know the reason: in the body
 * and, as sisu sends it, in the header `X-Err`.
 *
 * @source docs/wire/callers.md "Refusals of the login chain"
 */
export function loginRefusal(refusal: Refusal, xErr: number): Answer {
  const redirect = redirectOf(xErr);
  const { headers } = refusalResponse(refusal, 107);
  return {
    refusal,
    status: 401,
    headers: { ...headers, 'X-Err': String(xErr) },
    body: formatJson({
      Identity: '0',
      XErr: xErr,
      Message: refusal.text,
      Redirect: redirect,
      // Sisu names the page so.
      ...(redirect !== '' && { WebPage: redirect }),
    }),
  };
}

/** The refusal of a token of a former step, or of a ticket; `place` is where the client sent it. */
export function refusalOfToken(
  refusal: Refusal,
  use: 'user' | 'device' | 'title',
  place: string,
): Answer {
  const reason = isExpiry(refusal) ? 'Expired' : 'Invalid';
  const text = `${place}: ${refusal.text}`;
  const atPlace = new Refusal(refusal.code, text, { detail: place });
  return loginRefusal(atPlace, loginErrors[`${use}Token${reason}`]);
}
