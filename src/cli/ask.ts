import { causesOf } from '../client/transport.ts';
import type { Milliseconds } from '../domain/time.ts';
import { NoAnswer } from '../platform/no-answer.ts';

/** How long a command waits for an answer. */
const answerWithinMs: Milliseconds = 30_000;

/**
 * The answer, as soon as its head is there; its body may take as long as it likes.
 *
 * Throws NoAnswer, also when `init.signal` is aborted; and a TypeError for what no request can hold.
 */
export function ask(
  url: string,
  init: RequestInit,
  limitMs: Milliseconds = answerWithinMs,
): Promise<Response> {
  return requestWithin(url, init, limitMs, async (answer) => answer);
}

/** As `ask`, with the text of the answer, which has to come in the same time. */
export function askText(
  url: string,
  init: RequestInit,
  limitMs: Milliseconds = answerWithinMs,
): Promise<{ readonly answer: Response; readonly text: string }> {
  return requestWithin(url, init, limitMs, async (answer) => ({
    answer,
    text: await answer.text(),
  }));
}

/** What `read` makes of the answer. The time limit is over when it has. */
async function requestWithin<T>(
  url: string,
  { signal, ...init }: RequestInit,
  limitMs: Milliseconds,
  read: (answer: Response) => Promise<T>,
): Promise<T> {
  // What no request can hold fails here, and is no fault of the server.
  const request = new Request(url, init);
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), limitMs);
  const signals = signal ? [signal, late.signal] : [late.signal];
  try {
    return await read(await fetch(request, { signal: AbortSignal.any(signals) }));
  } catch (error) {
    const call = `${request.method} ${new URL(url).pathname}`;
    throw new NoAnswer(call, causesOf(error), { isLate: late.signal.aborted, cause: error });
  } finally {
    clearTimeout(timer);
  }
}
