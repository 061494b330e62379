import { xuidOf, xuidsOf } from '../domain/caller.ts';
import type { Cause } from '../domain/cause.ts';
import type { Handle } from '../domain/handle/handle.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Session } from '../domain/session/session.ts';
import { mayUseTemplate } from '../domain/session/template.ts';
import { decideWrite, type SessionWrite, type WriteDecision } from '../domain/session/write.ts';
import { checkConnections } from './check-connections.ts';
import type { Context } from './context.ts';
import { gatherWriteFacts } from './session-facts.ts';
import { type Decision, transact } from './transact.ts';

/** How a write to a session is made. */
export type WriteOptions = {
  /** The handle of the request; it may lift the session's restrictions for the caller. */
  readonly handle?: Handle;
  /** False: the answer says what the write would do, and nothing is stored. */
  readonly commit: boolean;
  /** That of the change; the caller alone unless given. */
  readonly cause?: Cause;
};

export type WriteResult =
  | {
      readonly kind: 'created' | 'updated' | 'unchanged';
      readonly session: Session;
      /** False for a preview that was not stored: it has no etag. */
      readonly stored: boolean;
    }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'absent' };

/**
 * What the write made of the session.
 *
 * Refuses: as decideWrite and transact; serviceConfigUnknown, serviceConfigForbidden,
 * templateUnknown.
 *
 * @source docs/wire/sessions.md "PUT"
 */
export async function writeSession(
  context: Context,
  write: SessionWrite,
  options: WriteOptions = { commit: true },
): Promise<WriteResult | Refusal> {
  const { reference, caller } = write;
  const { unknownMembers } = write.request;
  if (unknownMembers) context.noteUnknownMembers(unknownMembers);
  const made = mayUseTemplate(context.catalog(), reference, caller);
  if (made instanceof Refusal) return made;
  const around = { template: made.template, handle: options.handle };
  const decided = await transact(context, {
    reference,
    mode: options.commit ? 'write' : 'read',
    xuids: xuidsOf(caller),
    cause: options.cause ?? { kind: 'request', caller },
    gather: (current, nowMs) => gatherWriteFacts(context, current?.session, write, around, nowMs),
    decide(current, facts) {
      const decision = decideWrite(current?.session, write, facts);
      if (decision instanceof Refusal || !options.commit) return asPreview(decision);
      return { result: decision, next: nextOf(decision) };
    },
  });
  if (decided instanceof Refusal) return decided;
  if (!('session' in decided)) return decided;
  const { kind, session } = decided;
  if (kind === 'unchanged') return { kind, session, stored: true };
  // It may have ended while the write was made.
  if (options.commit && decided.connection !== undefined) {
    checkConnections(context, [decided.connection], xuidOf(caller));
  }
  return { kind, session, stored: options.commit };
}

function asPreview(decision: WriteDecision | Refusal): Decision<WriteDecision> | Refusal {
  return decision instanceof Refusal ? decision : { result: decision };
}

/** What a decision stores; undefined: nothing. */
export function nextOf(decision: WriteDecision): Session | 'ended' | undefined {
  switch (decision.kind) {
    case 'created':
    case 'updated':
      return decision.session;
    case 'deleted':
      return 'ended';
    case 'unchanged':
    case 'absent':
      return undefined;
  }
}
