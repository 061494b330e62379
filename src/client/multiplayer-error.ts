import type { RefusalCode } from '../domain/refusal.ts';
import type { SessionDocument } from './session-document.ts';

/** The parts of an HTTP answer that say why a call failed. */
export type ErrorFacts = {
  /** `GET`, `PUT`, `POST`, `DELETE`. */
  readonly verb: string;
  /** The path that was asked for, with its query. */
  readonly path: string;
  /** 0 when no answer arrived. */
  readonly status: number;
  readonly code?: MultiplayerErrorCode | undefined;
  readonly detail?: string | undefined;
  readonly text?: string | undefined;
  readonly session?: SessionDocument | undefined;
  readonly etag?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
};

/**
 * The rule that refused: a code of the server, or one of the client: `noAnswer`, `timedOut`,
 * `answerMalformed` (a success that is not as the protocol says).
 */
export type MultiplayerErrorCode =
  | RefusalCode
  | 'noAnswer'
  | 'timedOut'
  | 'answerMalformed'
  // a code of a newer server
  | (string & {});

const messageTextCharactersMax = 1_000;

/**
 * A call that the server refused, or that got no usable answer. The message names the verb, the
 * path, the status, the rule and the server's sentence.
 *
 * @source docs/wire/README.md "Every answer"
 */
export class MultiplayerError extends Error implements ErrorFacts {
  override readonly name = 'MultiplayerError';
  /** `GET`, `PUT`, `POST`, `DELETE`. */
  readonly verb: string;
  /** The path that was asked for, with its query. */
  readonly path: string;
  /**
   * The status of the answer. 0 when none arrived: then a write may or may not have happened; read
   * the session to find out.
   */
  readonly status: number;
  /** The rule that refused: `X-Mpsd-Refusal`, or a code of the client. */
  readonly code: MultiplayerErrorCode | undefined;
  /** The place: a JSON path, a member, a conflicting constant. */
  readonly detail: string | undefined;
  /** The server's sentence; empty when it sent none. */
  readonly text: string;
  /** The current session, where the refusal has it. */
  readonly session: SessionDocument | undefined;
  /** The ETag of `session`. */
  readonly etag: string | undefined;
  /** How long the server asks to wait before the same call may be made again. */
  readonly retryAfterMs: number | undefined;

  constructor(facts: ErrorFacts) {
    super(formatMessage(facts), facts.cause === undefined ? {} : { cause: facts.cause });
    this.verb = facts.verb;
    this.path = facts.path;
    this.status = facts.status;
    this.code = facts.code;
    this.detail = facts.detail;
    this.text = facts.text ?? '';
    this.session = facts.session;
    this.etag = facts.etag;
    this.retryAfterMs = facts.retryAfterMs;
  }
}

function formatMessage({ verb, path, status, code, detail, text = '' }: ErrorFacts): string {
  const answer = status === 0 ? 'got no answer' : `was answered ${status}`;
  const rule = status === 0 || code === undefined ? '' : ` ${code}`;
  const place = detail === undefined || text.includes(detail) ? '' : ` (${detail})`;
  const sentence = text === '' ? '' : `: ${text.slice(0, messageTextCharactersMax)}`;
  return `${verb} ${path} ${answer}${rule}${place}${sentence}`;
}
