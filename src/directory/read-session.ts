import { xuidsOf, type Caller } from '../domain/caller.ts';
import { Refusal } from '../domain/refusal.ts';
import { mayRead } from '../domain/session/access.ts';
import type { SessionReference } from '../domain/session/reference.ts';
import type { Session } from '../domain/session/session.ts';
import { mayUseTemplate } from '../domain/session/template.ts';
import { gatherAccessFacts } from './session-facts.ts';
import { readCurrent } from './transact.ts';
import type { Context } from './context.ts';

/**
 * The session as it stands now, when the caller may read it; undefined when there is none.
 *
 * Refuses: serviceConfigUnknown, serviceConfigForbidden, templateUnknown, sessionPrivate,
 * readRestricted, tooBusy.
 *
 * @source contract 5
 */
export async function readSession(
  world: Context,
  reference: SessionReference,
  caller: Caller,
  granted = false,
): Promise<Session | undefined | Refusal> {
  const made = mayUseTemplate(world.catalog(), reference, caller);
  if (made instanceof Refusal) return made;
  const record = await readCurrent(world, reference, xuidsOf(caller));
  if (record === undefined || record instanceof Refusal) return record;
  const facts = await gatherAccessFacts(world, record.session, caller, granted);
  return mayRead(record.session, caller, facts) ?? record.session;
}
