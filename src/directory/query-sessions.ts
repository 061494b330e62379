import { xuidOf, type Caller } from '../domain/caller.ts';
import type { Guid, Xuid } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { matchesQuery, mayQuery, type SessionQuery } from '../domain/query/session-query.ts';
import { Refusal } from '../domain/refusal.ts';
import { mayRead } from '../domain/session/access.ts';
import { keywordHint } from '../domain/session/hints.ts';
import {
  keyOf,
  keyPrefixOf,
  parseSessionKey,
  type SessionKey,
} from '../domain/session/reference.ts';
import type { Session } from '../domain/session/session.ts';
import { findTemplate, mayUseServiceConfig } from '../domain/session/template.ts';
import { yieldToEventLoop } from '../platform/yield-to-event-loop.ts';
import type { Hint } from '../store/store.ts';
import { gatherAccessFacts } from './session-facts.ts';
import { readCurrent } from './transact.ts';
import type { Context } from './context.ts';

/** A session that was found, and by which user, where the query names users. */
export type FoundSession = { readonly session: Session; readonly xuid?: Xuid };

/** Where a query looks: a service config, or one template of it. */
export type QueryScope = { readonly scid: Guid; readonly templateName?: string };

/**
 * The sessions that a query selects, at most `take`: each as it is now, and only those that the
 * caller may read. In the order of the users asked for; each user's memberships come before the
 * reserved seats, both in the order of keys. A session may come once for each user. A query looks
 * at sessionQueryLookedAtMax sessions at most, so that one with few results ends. Requests get
 * their turn between.
 *
 * Refuses: serviceConfigUnknown, serviceConfigForbidden, templateUnknown; as mayQuery.
 *
 * @source docs/wire/unknowns.md "how far a query for sessions looks", docs/wire/queries.md "Queries for sessions"
 */
export async function querySessions(
  context: Context,
  { scid, templateName }: QueryScope,
  query: SessionQuery,
  caller: Caller,
): Promise<readonly FoundSession[] | Refusal> {
  const config = mayUseServiceConfig(context.catalog(), scid, caller);
  if (config instanceof Refusal) return config;
  if (templateName !== undefined) {
    const template = findTemplate(config, templateName);
    if (template instanceof Refusal) return template;
  }
  const refusal = mayQuery(query, caller);
  if (refusal) return refusal;

  const found: FoundSession[] = [];
  const isTemplate = (name: string): boolean => config.sessionTemplates.has(name);
  for await (const { keys, xuid } of slicesOf(context, query, keyPrefixOf(scid, templateName))) {
    const sessions = await Promise.all(
      keys
        .filter((key) => isTemplate(parseSessionKey(key).templateName))
        .map((key) =>
          context.setAside.attempt('a query', key, () =>
            confirmedSession(context, key, query, caller, xuid),
          ),
        ),
    );
    for (const session of sessions) {
      if (session === undefined || isAmong(found, session, xuid)) continue;
      found.push({ session, ...(xuid !== undefined && { xuid }) });
    }
    if (found.length >= query.take) break;
  }
  return found.slice(0, query.take);
}

/** A hint may be stale, so that two hints find one session. */
function isAmong(
  found: readonly FoundSession[],
  session: Session,
  xuid: Xuid | undefined,
): boolean {
  const key = keyOf(session.reference);
  return found.some((one) => one.xuid === xuid && keyOf(one.session.reference) === key);
}

/** Candidates read at once: a few more than asked for, since some may not match. */
const sliceKeys = { min: 20, max: 50 };

type Slice = { readonly keys: readonly SessionKey[]; readonly xuid?: Xuid };

/** Keys of sessions that the query may select, as many as it may look at. */
async function* slicesOf(
  { store }: Context,
  { xuids, keyword, take, includesReservations }: SessionQuery,
  prefix: SessionKey,
): AsyncGenerator<Slice> {
  if (take === 0) return;
  const sliceKeysMax = Math.min(Math.max(take, sliceKeys.min), sliceKeys.max);
  let lookedAt = 0;
  const scid = parseSessionKey(prefix).scid;
  // A user is in few sessions, and some of them have the keyword; of all sessions with the keyword
  // few have the user.
  const hints: readonly (readonly [Hint, Xuid?])[] =
    xuids.length === 0
      ? [[keywordHint(scid, keyword ?? '')]]
      : xuids.flatMap((xuid) => userHints(xuid, includesReservations));
  for (const [hint, xuid] of hints) {
    let after: SessionKey | undefined = prefix;
    while (after !== undefined) {
      if (lookedAt >= limits.sessionQueryLookedAtMax) return;
      if (lookedAt > 0) await yieldToEventLoop();
      const candidates: readonly SessionKey[] = await store.sessionsBy(hint, sliceKeysMax, after);
      const keys = candidates.filter((key) => key.startsWith(prefix));
      lookedAt += keys.length;
      yield { keys, ...(xuid !== undefined && { xuid }) };
      after = keys.length === sliceKeysMax ? keys.at(-1) : undefined;
    }
  }
}

/** The user's sessions come before those with a reserved seat for the user. */
function userHints(xuid: Xuid, includesReservations: boolean): readonly (readonly [Hint, Xuid])[] {
  const own = [`xuid:${xuid}`, xuid] as const;
  return includesReservations ? [own, [`seat:${xuid}`, xuid]] : [own];
}

async function confirmedSession(
  context: Context,
  key: SessionKey,
  query: SessionQuery,
  caller: Caller,
  xuid: Xuid | undefined,
): Promise<Session | undefined> {
  const rows = [xuid, xuidOf(caller)].filter((one) => one !== undefined);
  const record = await readCurrent(context, parseSessionKey(key), rows);
  if (record === undefined || record instanceof Refusal) return undefined;
  const { session } = record;
  if (!matchesQuery(session, query, xuid)) return undefined;
  const facts = await gatherAccessFacts(context, session, { caller, use: 'read' });
  return mayRead(session, caller, facts) === undefined ? session : undefined;
}
