/** Answers that every sign-in gives in the same form, the own one and that of an issuer. */

import { formatJson, type JsonObject } from '../../domain/json.ts';
import type { Answer } from '../route.ts';

/** An answer of OAuth 2.0, which nothing on the way may keep. */
export function oauthAnswer(body: JsonObject, status = 200): Answer {
  return { status, headers: { 'Cache-Control': 'no-store' }, body: formatJson(body) };
}

/** Where sisu's client opens the page at which its user signs in, with what it asked for. */
export function sisuPageAnswer(
  pageUrl: string,
  parameters: Readonly<Record<string, string>>,
  sessionId: string,
): Answer {
  const view = { MsaOauthRedirect: pageUrl, MsaRequestParameters: parameters };
  return { status: 200, headers: { 'X-SessionId': sessionId }, body: formatJson(view) };
}
