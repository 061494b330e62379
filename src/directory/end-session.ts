import type { Cause } from '../domain/cause.ts';
import type { Refusal } from '../domain/refusal.ts';
import type { SessionReference } from '../domain/session/reference.ts';
import type { Context } from './context.ts';
import { transact } from './transact.ts';

/**
 * Ends a session with all its members and handles, whatever its configuration. False: there was none.
 *
 * Refuses: tooBusy.
 */
export function endSession(
  context: Context,
  reference: SessionReference,
  cause: Cause,
): Promise<boolean | Refusal> {
  return transact(context, {
    reference,
    mode: 'write',
    xuids: [],
    cause,
    gather: () => undefined,
    decide: (current) =>
      current === undefined ? { result: false } : { result: true, next: 'ended' },
  });
}
