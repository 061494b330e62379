import { messageOf } from '../domain/error-message.ts';
import { formatJson } from './json.ts';
import type { Sleep } from './platform.ts';
import { MultiplayerError } from './multiplayer-error.ts';
import { parseRetryAfterMs, retryDelayMs, type Repeat, type RetryPolicy } from './retry.ts';
import { within } from './within.ts';

/**
 * The value of `Authorization`, or what gives it. A function is asked before each request; with
 * `refresh: true` after a 401, when the token that it gave last is no longer good.
 */
export type Authorization =
  | string
  | ((ask: { readonly refresh: boolean }) => string | Promise<string>);

/** As much of `fetch` as is used here; every platform's own fits. */
export type Fetch = (
  url: string,
  init: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly body?: string;
    readonly signal: AbortSignal;
  },
) => Promise<FetchAnswer>;

/** As much of a `Response` as is used here. */
export type FetchAnswer = {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
};

/** What every call takes. */
export type CallOptions = {
  /** Ends the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** How long to wait for one request to succeed, all its tries together. */
  readonly timeoutMs?: number;
};

/** One request to make. */
export type Call = {
  readonly verb: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly repeat: Repeat;
};

/** What was answered at last. */
export type Answer = {
  readonly verb: string;
  readonly path: string;
  readonly status: number;
  /** `X-Mpsd-Refusal`. */
  readonly code: string | undefined;
  readonly header: (name: string) => string | undefined;
  readonly text: string;
  readonly retryAfterMs: number | undefined;
};

export type TransportSettings = {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly authorization: Authorization;
  readonly contractVersion: number;
  readonly fetch: Fetch;
  /** Undefined: every call is one request, but for a fresh token. */
  readonly retry: RetryPolicy | undefined;
  readonly timeoutMs: number;
  /** Ends every call. */
  readonly signal: AbortSignal | undefined;
  readonly sleep: Sleep;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly nowMs: () => number;
};

/**
 * Carries calls to the server: headers, tokens, tries, time limits. Knows nothing of sessions.
 *
 * A `Retry-After` is remembered: until it has passed, the same verb on the same path is not sent, and its
 * answer is the earlier one. So a call that may be made again waits for what is left of that time,
 * and any other fails at once. It is not remembered for a whole kind of call, as other clients do, since
 * here a 503 mostly speaks of one session with too many writers, and of no other.
 *
 * @source docs/wire/README.md "Every answer"
 */
export class Transport {
  readonly #settings: TransportSettings;
  readonly #held = new Map<string, { readonly untilMs: number; readonly answer: Answer }>();

  constructor(settings: TransportSettings) {
    this.#settings = settings;
  }

  /**
   * The answer to `call`, whatever its status, after as many tries as its kind allows.
   *
   * Throws a MultiplayerError when no answer arrived, and the reason of a signal, its own or that of the
   * settings, that was aborted.
   */
  async send(call: Call, { signal, timeoutMs }: CallOptions = {}): Promise<Answer> {
    const { sleep } = this.#settings;
    const limitMs = timeoutMs ?? this.#settings.timeoutMs;
    const late = () => timedOut(call, limitMs);
    const limits = { signals: [signal, this.#settings.signal], time: { limitMs, sleep, late } };
    return within(limits, (ending) => this.#sendUntilFinal(call, limitMs, ending));
  }

  async #sendUntilFinal(call: Call, limitMs: number, signal: AbortSignal): Promise<Answer> {
    const { authorization, retry, sleep, random, nowMs } = this.#settings;
    const policy = retry && { ...retry, windowMs: Math.min(retry.windowMs, limitMs) };
    const startMs = nowMs();
    for (let retries = 0; ; retries += 1) {
      let outcome: Answer | MultiplayerError | undefined;
      if (retries === 0) outcome = this.#heldAnswer(call); // later tries have waited for it
      const isFixed = typeof authorization === 'string';
      outcome ??= await this.#try(
        call,
        isFixed ? authorization : await authorization({ refresh: false }),
        signal,
      );
      if (outcome.status === 401 && !isFixed) {
        outcome = await this.#try(call, await authorization({ refresh: true }), signal);
      }
      const delayMs =
        policy &&
        retryDelayMs(
          {
            repeat: call.repeat,
            failure: outcome,
            retries,
            elapsedMs: nowMs() - startMs,
            random: random(),
          },
          policy,
        );
      if (delayMs !== undefined) await sleep(delayMs, signal);
      else if (outcome instanceof MultiplayerError) throw outcome;
      else return outcome;
    }
  }

  /** What came back, or that nothing did. */
  async #try(
    call: Call,
    authorization: string,
    signal: AbortSignal,
  ): Promise<Answer | MultiplayerError> {
    signal.throwIfAborted(); // a token may have come too late
    const { baseUrl, contractVersion, fetch, nowMs } = this.#settings;
    const { verb, path } = call;
    const body = call.body === undefined ? undefined : formatJson(call.body);
    const headers = {
      Authorization: authorization,
      'X-Xbl-Contract-Version': String(contractVersion),
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...call.headers,
    };
    new Headers(headers); // throws on what no header can hold, which fetch reports like a lost network
    let answer: Answer;
    try {
      const init = { method: verb, headers, ...(body !== undefined && { body }), signal };
      const response = await fetch(`${baseUrl}${path}`, init);
      const text = await response.text();
      const header = (name: string) => response.headers.get(name) ?? undefined;
      answer = {
        verb,
        path,
        status: response.status,
        code: header('X-Mpsd-Refusal'),
        header,
        text,
        retryAfterMs: parseRetryAfterMs(header('Retry-After'), header('Date'), nowMs()),
      };
    } catch (error) {
      const text = `${causesOf(error)}${pageHint(baseUrl)}`;
      return new MultiplayerError({ verb, path, status: 0, code: 'noAnswer', text, cause: error });
    }
    this.#hold(call, answer);
    return answer;
  }

  #hold(call: Call, answer: Answer): void {
    const { retry, nowMs } = this.#settings;
    if (retry === undefined || answer.status < 400 || !answer.retryAfterMs) return;
    const now = nowMs();
    for (const [key, { untilMs }] of this.#held) if (untilMs <= now) this.#held.delete(key);
    this.#held.set(keyOf(call), { untilMs: now + answer.retryAfterMs, answer });
  }

  #heldAnswer(call: Call): Answer | undefined {
    const held = this.#held.get(keyOf(call));
    if (held === undefined) return undefined;
    const leftMs = held.untilMs - this.#settings.nowMs();
    return leftMs > 0 ? { ...held.answer, path: call.path, retryAfterMs: leftMs } : undefined;
  }
}

function keyOf({ verb, path }: Call): string {
  return `${verb} ${path.split('?', 1)[0]}`;
}

/** The error of a call that took longer than it may. */
export function timedOut({ verb, path }: Pick<Call, 'verb' | 'path'>, limitMs: number): Error {
  const text = `nothing came within ${limitMs} ms`;
  return new MultiplayerError({ verb, path, status: 0, code: 'timedOut', text });
}

/** What a page should know: browsers do not say that a server refused its origin. */
function pageHint(baseUrl: string): string {
  const { location } = globalThis as { readonly location?: { readonly origin?: string } };
  const origin = location?.origin;
  return origin === undefined || origin === new URL(baseUrl).origin
    ? ''
    : ` (the server must be there, and allow pages of ${origin}: openmpsd serve --cors ${origin})`;
}

/** The message of an error and of its causes: `fetch failed: connect ECONNREFUSED …`. */
export function causesOf(error: unknown): string {
  const words: string[] = [];
  for (let at = error; at instanceof Error && words.length < 4; at = at.cause) {
    words.push(messageOf(at));
  }
  return words.join(': ') || String(error);
}
