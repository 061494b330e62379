import type { UserCaller } from '../domain/caller.ts';
import type { Cause } from '../domain/cause.ts';
import type { Xuid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import type { SessionReference } from '../domain/session/reference.ts';
import { memberOf } from '../domain/session/session.ts';
import { findTemplate } from '../domain/session/template.ts';
import { decideWrite, sessionGone, type SessionWrite } from '../domain/session/write.ts';
import type { Context } from './context.ts';
import { gatherWriteFacts } from './session-facts.ts';
import { transact } from './transact.ts';
import { nextOf } from './write-session.ts';

/**
 * Removes a member from a session, a reservation too, whatever rules the session has for its members. What
 * follows is as if the member had left. False: the user was not in it.
 *
 * Refuses: serviceConfigUnknown, templateUnknown, sessionGone, tooBusy.
 */
export async function expelMember(
  context: Context,
  reference: SessionReference,
  xuid: Xuid,
  cause: Cause,
): Promise<boolean | Refusal> {
  const config = context.catalog().get(reference.scid.toLowerCase());
  if (config === undefined) return configUnknown(reference);
  const template = findTemplate(config, reference.templateName);
  if (template instanceof Refusal) return template;
  const caller: UserCaller = { kind: 'user', xuid, sandbox: '' };
  const write: SessionWrite = {
    reference,
    request: { me: null, reservations: [], others: [], servers: [] },
    preconditions: {},
    caller,
    onlyExisting: true,
  };
  return transact(context, {
    reference,
    mode: 'write',
    xuids: [xuid],
    cause,
    gather: (current, nowMs) =>
      gatherWriteFacts(context, current?.session, write, { template }, nowMs),
    decide(current, facts) {
      const session = current?.session;
      if (session === undefined) return sessionGone(reference);
      if (memberOf(session, xuid) === undefined) return { result: false };
      const decision = decideWrite(session, write, facts);
      if (decision instanceof Refusal) return decision;
      return { result: true, next: nextOf(decision) };
    },
  });
}

function configUnknown({ scid }: SessionReference): Refusal {
  return new Refusal(
    'serviceConfigUnknown',
    `Service config ${scid} is not configured on this server.`,
    { detail: scid },
  );
}
