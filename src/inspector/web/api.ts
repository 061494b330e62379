/** Requests of the page to the inspector's API. No other address is ever asked. */

import { signal } from '@preact/signals';
import { parseExactJson } from '../../domain/json.ts';

const root = './inspector/api/v1';
const tokenKey = 'openmpsd.adminToken';

/** True while the server wants an admin token, or does not accept the one that was given. */
export const needsToken = signal(false);

/** The server said no: its rule and its sentence. */
export class ApiRefusal extends Error {
  readonly status: number;
  readonly code: string | undefined;
  readonly detail: string | undefined;

  constructor(status: number, code: string | undefined, text: string, detail: string | undefined) {
    super(text);
    this.name = 'ApiRefusal';
    this.status = status;
    this.code = code;
    this.detail = detail;
  }
}

/** Keeps the token for this tab, until it is closed. */
export function useToken(token: string): void {
  sessionStorage.setItem(tokenKey, token);
  needsToken.value = false;
}

/**
 * The headers of a request.
 *
 * Throws ApiRefusal when no header can carry the token: it is forgotten, and asked for again.
 */
function headersOf(hasBody: boolean): Record<string, string> {
  const token = sessionStorage.getItem(tokenKey);
  if (token !== null && !isHeaderText(token)) {
    sessionStorage.removeItem(tokenKey);
    needsToken.value = true;
    throw new ApiRefusal(
      401,
      'adminRequired',
      'The admin token is wrong: it has a character that no header can carry.',
      undefined,
    );
  }
  return {
    accept: 'application/json, text/event-stream',
    ...(hasBody ? { 'content-type': 'application/json' } : {}),
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
  };
}

function isHeaderText(text: string): boolean {
  try {
    new Headers({ authorization: text });
    return true;
  } catch {
    return false;
  }
}

/**
 * The answer to a request of the API, when it is one of 2xx.
 *
 * Throws ApiRefusal for every other status, and TypeError when no answer came.
 */
export async function ask(
  path: string,
  more: {
    readonly method?: string;
    readonly body?: unknown;
    readonly signal?: AbortSignal;
  } = {},
): Promise<Response> {
  const { method = 'GET', body, signal: stop } = more;
  const answer = await fetch(root + path, {
    method,
    headers: headersOf(body !== undefined),
    cache: 'no-store',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(stop === undefined ? {} : { signal: stop }),
  });
  if (answer.ok) return answer;
  const code = answer.headers.get('x-mpsd-refusal') ?? undefined;
  if (answer.status === 401 || code === 'adminRequired') needsToken.value = true;
  const text = (await answer.text()).trim();
  throw new ApiRefusal(
    answer.status,
    code,
    text === '' ? `The server answered ${answer.status}.` : text,
    answer.headers.get('x-mpsd-detail') ?? undefined,
  );
}

/** The JSON of an answer, with all digits of its numbers. The caller names the type that the API documents for the path. */
export async function askJson<Answer>(
  path: string,
  more: Parameters<typeof ask>[1] = {},
): Promise<Answer> {
  const answer = await ask(path, more);
  return parseExactJson(await answer.text()) as Answer;
}

/** Sends a change of the server: nothing comes back but that it was done. */
export async function send(method: string, path: string, body?: unknown): Promise<void> {
  const answer = await ask(path, { method, ...(body === undefined ? {} : { body }) });
  await answer.arrayBuffer();
}

/** One path segment each, encoded. */
export function pathOf(...segments: readonly (string | number)[]): string {
  return segments.map((segment) => `/${encodeURIComponent(String(segment))}`).join('');
}

/** `?a=1&b=2` of the values that are there; '' without any. */
export function queryOf(values: Readonly<Record<string, string | number | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== '') query.set(name, String(value));
  }
  return query.size === 0 ? '' : `?${query}`;
}
