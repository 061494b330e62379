import { Refusal } from '../refusal.ts';
import type { Session } from './session.ts';

/**
 * A refusal that the protocol answers with the current session: a failed precondition, a write to a
 * session that the caller may read but not change.
 */
export class RefusalWithSession extends Refusal {
  readonly session: Session;

  constructor({ code, text, detail }: Refusal, session: Session) {
    super(code, text, detail === undefined ? {} : { detail });
    this.session = session;
  }
}

/** The session that the refusal is answered with; undefined: with its text. */
export function sessionShownBy(refusal: Refusal): Session | undefined {
  return refusal instanceof RefusalWithSession ? refusal.session : undefined;
}
