import { xuidsOf, type Caller } from '../domain/caller.ts';
import type { Handle } from '../domain/handle/handle.ts';
import { Refusal } from '../domain/refusal.ts';
import { mayRead } from '../domain/session/access.ts';
import type { SessionReference } from '../domain/session/reference.ts';
import type { Session } from '../domain/session/session.ts';
import { mayUseTemplate } from '../domain/session/template.ts';
import { gatherAccessThrough } from './session-facts.ts';
import { readCurrent } from './transact.ts';
import type { Context } from './context.ts';

/**
 * The session as it is now, when the caller may read it, through `handle` if there is one;
 * undefined when there is no session.
 *
 * Refuses: serviceConfigUnknown, serviceConfigForbidden, templateUnknown, sessionPrivate,
 * readRestricted, tooBusy.
 *
 * @source docs/wire/sessions.md "Access"
 */
export async function readSession(
  context: Context,
  reference: SessionReference,
  caller: Caller,
  handle?: Handle,
): Promise<Session | undefined | Refusal> {
  const made = mayUseTemplate(context.catalog(), reference, caller);
  if (made instanceof Refusal) return made;
  const record = await readCurrent(context, reference, xuidsOf(caller));
  if (record === undefined || record instanceof Refusal) return record;
  const request = { caller, use: 'read' } as const;
  const gathering = gatherAccessThrough(context, record.session, request, handle);
  const facts = gathering instanceof Promise ? await gathering : gathering;
  if (facts instanceof Refusal) return facts;
  return mayRead(record.session, caller, facts) ?? record.session;
}
