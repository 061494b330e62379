/** A request as a command of a shell. */

import type { RequestDetail } from '../api-types.ts';

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Headers that curl or the connection makes by itself. */
const ownHeaders =
  /^(host|content-length|connection|accept-encoding|transfer-encoding|keep-alive)$/i;

/** A development token that names the caller: the real one is not kept. */
function authorizationOf({ row }: RequestDetail): string | undefined {
  const { caller } = row;
  if (caller === undefined) return undefined;
  if (caller.xuid === undefined) {
    return caller.service === undefined ? undefined : `XBL3.0 x=-;svc=${caller.service}`;
  }
  const token = new URLSearchParams({ xuid: caller.xuid });
  if (caller.gamertag !== undefined) token.set('gtg', caller.gamertag);
  if (caller.titleId !== undefined) token.set('tid', caller.titleId);
  return `XBL3.0 x=-;${token}`;
}

/**
 * The command that makes the request again against `origin`. With the development authenticator the
 * caller is named by a token; otherwise the token has to be put in by hand.
 */
export function curlOf(detail: RequestDetail, origin: string, auth: string): string {
  const { row, requestHeaders, requestBody } = detail;
  const lines = [
    `curl -i ${row.method === 'GET' ? '' : `-X ${row.method} `}${quoted(origin + row.target)}`,
  ];
  for (const [name, value] of Object.entries(requestHeaders)) {
    if (ownHeaders.test(name) || name.toLowerCase() === 'authorization') continue;
    lines.push(`-H ${quoted(`${name}: ${value}`)}`);
  }
  const hadToken = Object.keys(requestHeaders).some(
    (name) => name.toLowerCase() === 'authorization',
  );
  const authorization =
    auth === 'dev' ? authorizationOf(detail) : hadToken ? 'XBL3.0 x=…;…' : undefined;
  if (authorization !== undefined) lines.push(`-H ${quoted(`Authorization: ${authorization}`)}`);
  if (requestBody !== undefined && requestBody.text !== '') {
    lines.push(`--data-raw ${quoted(requestBody.text)}`);
  }
  return lines.join(' \\\n  ');
}
