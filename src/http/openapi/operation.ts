import type { GenericSchema } from 'valibot';
import type { AnswerShape } from './answer-shapes.ts';

/** What an answer holds that is not JSON: nothing, text, a page for people. */
export type PlainAnswer = 'none' | 'text' | 'page';

/** What the API description says of a route, beside what the route says itself. */
export type Operation = {
  readonly tag: string;
  readonly summary: string;
  readonly body?: GenericSchema;
  /** Query parameters. */
  readonly query?: readonly string[];
  /** Answers that are no refusals, by status. */
  readonly answers: Readonly<Record<number, AnswerShape | PlainAnswer>>;
};
