import { xuidsOf, type Caller } from '../domain/caller.ts';
import { confirmsActivity } from '../domain/handle/confirm.ts';
import type { ActivityHandle } from '../domain/handle/handle.ts';
import type { ActivityQuery, PeopleQuery } from '../domain/handle/request.ts';
import type { Guid, Xuid } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';
import { isListedTo, mayRead } from '../domain/session/access.ts';
import { keyOf } from '../domain/session/reference.ts';
import { mayUseServiceConfig } from '../domain/session/template.ts';
import type { Session } from '../domain/session/session.ts';
import { AnswerBudget } from './answer-budget.ts';
import { hasLostConnection } from './live-nodes.ts';
import { gatherAccessFacts } from './session-facts.ts';
import { readCurrent } from './transact.ts';
import type { Context } from './context.ts';

/** An activity, the session that confirmed it, and the text of both. */
export type ActivityResult = {
  readonly handle: ActivityHandle;
  readonly session: Session;
  readonly text: string;
};

/**
 * The activities that a query asks for, in the order of its owners, at most handleQueryResultsMax:
 * each confirmed by its session, those in private sessions only for callers who may read these.
 * `format` makes the text of each. What would exceed queryAnswerBytesMax is left out.
 *
 * Refuses: handleNotYours for somebody else's list of people, serviceConfigUnknown,
 * serviceConfigForbidden.
 *
 * @source docs/wire/handles.md "POST /handles/query"
 */
export async function queryActivities(
  context: Context,
  { scid, owners }: ActivityQuery,
  caller: Caller,
  format: (handle: ActivityHandle, session: Session, mayRead: boolean) => string = () => '',
): Promise<readonly ActivityResult[] | Refusal> {
  const config =
    scid === undefined ? undefined : mayUseServiceConfig(context.catalog(), scid, caller);
  if (config instanceof Refusal) return config;
  const xuids = await peopleAskedFor(context, owners, caller, '$.owners');
  if (xuids instanceof Refusal) return xuids;
  const seen = new Set<Guid>();
  const budget = new AnswerBudget(context.settings.queryAnswerBytesMax);
  const results: ActivityResult[] = [];
  /** With those that do not fit into the answer. */
  let resultsCount = 0;
  for (const handle of await context.store.activitiesOf(xuids, scid)) {
    if (resultsCount === limits.handleQueryResultsMax) break;
    if (handle.type !== 'activity' || seen.has(handle.id)) continue;
    seen.add(handle.id);
    if (mayUseServiceConfig(context.catalog(), handle.reference.scid, caller) instanceof Refusal) {
      continue;
    }
    const session = await confirmingSession(context, handle, xuidsOf(caller));
    if (session === undefined || !isListedTo(session, caller)) continue;
    const facts = await gatherAccessFacts(context, session, { caller, use: 'read' });
    const text = format(handle, session, mayRead(session, caller, facts) === undefined);
    resultsCount += 1;
    if (budget.takes(text)) results.push({ handle, session, text });
  }
  return results;
}

/**
 * The users that a query names at `path`.
 *
 * Refuses: handleNotYours for somebody else's list.
 */
export async function peopleAskedFor(
  { people }: Context,
  asked: PeopleQuery,
  caller: Caller,
  path: string,
): Promise<readonly Xuid[] | Refusal> {
  if ('xuids' in asked) return asked.xuids;
  if (caller.kind === 'user' && caller.xuid !== asked.ofXuid) {
    return new Refusal(
      'handleNotYours',
      "monikerXuid must be the caller's own xuid; only services may ask for somebody else's list.",
      { detail: `${path}.people.monikerXuid` },
    );
  }
  return people.followedBy(asked.ofXuid, asked.list);
}

/**
 * The session that confirms an activity, as it is now; undefined when there is none, or when the owner's
 * connection to it is lost. `readers` are the users besides the owner whose places in it matter.
 *
 * Throws StoreUnavailable.
 */
export function confirmingSession(
  context: Context,
  handle: ActivityHandle,
  readers: readonly Xuid[] = [],
): Promise<Session | undefined> {
  const { reference, ownerXuid } = handle;
  return context.setAside.attempt('a query', keyOf(reference), async () => {
    const record = await readCurrent(context, reference, [ownerXuid, ...readers]);
    if (record === undefined || record instanceof Refusal) return undefined;
    const { session } = record;
    if (!confirmsActivity(session, handle, true)) return undefined;
    // Until the grace is over it is kept for an owner who comes back; others would find nobody.
    return (await hasLostConnection(context, session, ownerXuid)) ? undefined : session;
  });
}
