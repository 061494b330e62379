import { limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';
import { decideWrite, type SessionWrite, type WriteDecision } from '../domain/session/write.ts';
import { mayUseTemplate, type SessionTemplate } from '../domain/session/template.ts';
import type { Session } from '../domain/session/session.ts';
import type { SessionRecord } from '../store/store.ts';
import { gatherAccessFacts } from './session-facts.ts';
import { commitSession, readSettledSession, tooBusy } from './settled-session.ts';
import type { World } from './world.ts';

/** How a write to a session is made. */
export type WriteOptions = {
  /** True when the handle that led here lifts the session's restrictions for the caller. */
  readonly granted: boolean;
  /** False: tell what the write would do, and do nothing. */
  readonly commit: boolean;
};

export type Written =
  | {
      readonly kind: 'created' | 'updated' | 'unchanged';
      readonly session: Session;
      /** False for a preview that was not stored: it has no etag. */
      readonly stored: boolean;
    }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'absent' };

/**
 * Load, settle, decide, commit; and again from the load when another writer got in between.
 *
 * Refuses: as decideWrite, serviceConfigUnknown, serviceConfigForbidden, templateUnknown, and
 * tooBusy after commitAttemptsMax lost races.
 *
 * @source contract 4
 */
export async function writeSession(
  world: World,
  write: SessionWrite,
  options: WriteOptions = { granted: false, commit: true },
): Promise<Written | Refusal> {
  const made = mayUseTemplate(world.catalog(), write.reference, write.caller);
  if (made instanceof Refusal) return made;
  for (let attempt = 1; attempt <= limits.commitAttemptsMax; attempt += 1) {
    const record = await readSettledSession(world, write.reference);
    if (record instanceof Refusal) return record;
    const decision = await decide(world, record?.session, write, made.template, options.granted);
    if (decision instanceof Refusal) return decision;
    if (decision.kind === 'unchanged') return { ...decision, stored: true };
    if (decision.kind === 'absent') return decision;
    if (!options.commit) return preview(decision);
    const outcome = await commitDecision(world, record, decision);
    if (outcome.kind === 'committed')
      return decision.kind === 'deleted' ? decision : { ...decision, stored: true };
  }
  return tooBusy();
}

async function decide(
  world: World,
  session: Session | undefined,
  write: SessionWrite,
  template: SessionTemplate,
  granted: boolean,
): Promise<WriteDecision | Refusal> {
  const access =
    session === undefined
      ? { granted, followed: false, blockedByOwner: false }
      : await gatherAccessFacts(world, session, write.caller, granted, 'write');
  return decideWrite(session, write, {
    ...access,
    template,
    nowMs: world.clock.nowMs(),
    freshGuid: world.ids.guid(),
    deviceTokenKey: world.settings.deviceTokenKey,
  });
}

function commitDecision(
  world: World,
  record: SessionRecord | undefined,
  decision: Extract<WriteDecision, { kind: 'created' | 'updated' | 'deleted' }>,
): ReturnType<typeof commitSession> {
  if (decision.kind === 'deleted') {
    if (record === undefined) throw new Error('deleted a session that is not there');
    return commitSession(world, record, undefined);
  }
  const before = record ?? { revision: 0 as const, session: decision.session };
  return commitSession(world, before, decision.session);
}

function preview(
  decision: Extract<WriteDecision, { kind: 'created' | 'updated' | 'deleted' }>,
): Written {
  return decision.kind === 'deleted' ? decision : { ...decision, stored: false };
}
