import type { Caller } from '../domain/caller.ts';
import type { Xuid } from '../domain/ids.ts';
import type { Answer } from '../http/route.ts';

/** Requests that tests want refused, and with what. */
export type ForcedRefusal = {
  /** Any when absent. */
  readonly method?: string;
  /** Of the request, without its query, in any letter case; `*` stands for any text. */
  readonly path: string;
  /** Of the caller; anybody's when absent. */
  readonly xuid?: Xuid;
  readonly status: number;
  /** For `X-Mpsd-Refusal`. */
  readonly code?: string;
  readonly retryAfterSeconds?: number;
  /** How many more requests. */
  readonly times: number;
};

/** What is asked for, and by whom; the caller of a request that needs no token is not known. */
export type AskedRequest = {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly caller: Caller | undefined;
};

/** Refusals that tests want, the oldest first; the first one that matches a request counts. */
export class ForcedRefusals {
  #wanted: readonly ForcedRefusal[] = [];

  list(): readonly ForcedRefusal[] {
    return this.#wanted;
  }

  add(refusal: ForcedRefusal): void {
    this.#wanted = [...this.#wanted, refusal];
  }

  clear(): void {
    this.#wanted = [];
  }

  /** The answer that a test wants for this request, and one time less from now on. */
  take(asked: AskedRequest): Answer | undefined {
    const found = this.#wanted.find((one) => matches(one, asked));
    if (found === undefined) return undefined;
    this.#wanted = this.#wanted.flatMap((one) => {
      if (one !== found) return [one];
      return one.times > 1 ? [{ ...one, times: one.times - 1 }] : [];
    });
    return answerOf(found);
  }
}

function matches({ method, path, xuid }: ForcedRefusal, asked: AskedRequest): boolean {
  const [askedPath = ''] = asked.url.split('?', 1);
  return (
    !isControl(askedPath) &&
    (method === undefined || method === asked.method) &&
    (xuid === undefined || (asked.caller?.kind === 'user' && asked.caller.xuid === xuid)) &&
    isLike(askedPath.toLowerCase(), path.toLowerCase())
  );
}

/** A test that refuses everything must still be able to end that. */
function isControl(path: string): boolean {
  return /^\/control(?:\/|$)/i.test(path);
}

/** True when `text` is `pattern`, in which each `*` stands for any text. */
function isLike(text: string, pattern: string): boolean {
  const [start = '', ...parts] = pattern.split('*');
  const end = parts.pop();
  if (end === undefined) return text === pattern;
  if (!text.startsWith(start)) return false;
  let at = start.length;
  for (const part of parts) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - end.length >= at && text.endsWith(end);
}

function answerOf({ status, code, retryAfterSeconds }: ForcedRefusal): Answer {
  return {
    status,
    headers: {
      ...(code !== undefined && { 'X-Mpsd-Refusal': code }),
      ...(retryAfterSeconds !== undefined && { 'Retry-After': String(retryAfterSeconds) }),
    },
    body: 'A test wanted this request refused (POST /control/refusals).',
    contentType: 'text/plain; charset=utf-8',
  };
}
