import { type Caller, xuidOf } from './caller.ts';
import type { Guid, Xuid } from './ids.ts';

/** What made a change of a session. */
export type Cause =
  | RequestCause
  /** Timeouts that ran out. Applied by the sweep, or before the session is shown or changed. */
  | { readonly kind: 'timer' }
  /** Connections that ended, or users who are not seen any more. */
  | { readonly kind: 'disconnect' }
  | { readonly kind: 'match'; readonly hopper: string }
  /** `by`: the name of the operator or service. */
  | { readonly kind: 'admin'; readonly by: string; readonly reason?: string };

export type RequestCause = {
  readonly kind: 'request';
  readonly caller: Caller;
  /** The correlation id of the answer; these three are absent of work that no HTTP request asked for. */
  readonly id?: Guid;
  readonly method?: string;
  /** The path of the route, with its parameters by name. */
  readonly route?: string;
};

/** The user who makes the change; undefined where no user does. */
export function xuidOfCause(cause: Cause): Xuid | undefined {
  return cause.kind === 'request' ? xuidOf(cause.caller) : undefined;
}
