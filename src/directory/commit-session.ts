import type { Guid } from '../domain/ids.ts';
import { jsonEquals } from '../domain/json.ts';
import { limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';
import { candidateOf, type SearchCandidate } from '../domain/search/candidate.ts';
import { hintChange } from '../domain/session/hints.ts';
import { isLarge, rowChange, withoutRows } from '../domain/session/large.ts';
import { keyOf, type SessionKey } from '../domain/session/reference.ts';
import type { Member, Session } from '../domain/session/session.ts';
import { earlier, memberDueMs, nextDueMs } from '../domain/session/timeouts.ts';
import type { ChangeOrigin } from '../domain/tap/tap.ts';
import type {
  Batch,
  Committed,
  Conflict,
  SessionPut,
  SessionRecord,
  Store,
  Taken,
} from '../store/store.ts';
import { owedTaps, sendTaps } from './send-tap.ts';
import type { Context } from './context.ts';

/** What a use leaves in the store beside the session. */
type BesideSession = Omit<Batch, 'session'>;

/**
 * Stores `next` in place of `before`, or deletes the session with all handles that lead to it when
 * there is no next; together with what else belongs to the same use. Members who asked for such a
 * change are tapped once it is stored; nobody waits for that.
 */
export async function commitSession(
  world: Context,
  before: SessionRecord | { readonly revision: 0; readonly session: Session },
  next: Session | undefined,
  origin: ChangeOrigin,
  beside: BesideSession = {},
): Promise<Committed | Conflict | Taken> {
  const { store } = world;
  const key = keyOf(before.session.reference);
  const former = before.revision === 0 ? undefined : before.session;
  const owed = owedTaps(world, former, next, origin);
  const search = searchChange(former, next);
  const told = {
    key,
    expectRevision: before.revision,
    ...(search && { isSearchChange: true }),
    ...(owed && { owedTaps: owed }),
  };
  const batch: Batch =
    next === undefined
      ? {
          ...beside,
          session: { kind: 'delete', ...told },
          removeHandles: [...(beside.removeHandles ?? []), ...(await handleIdsFor(store, key))],
        }
      : {
          ...beside,
          session: {
            kind: 'put',
            ...told,
            session: next,
            ...(former && frees(former, next, origin, beside) && { frees: true }),
            dueMs: nextDueMs(next),
            ...hintChange(former, next),
            ...(isLarge(next) && asRows(former?.members ?? [], next)),
          },
        };
  const revision = before.revision + 1;
  const outcome = await noteSearch(world, key, revision, search, store.commit(batch));
  if (owed && outcome.kind === 'committed') {
    sendTaps(world, owed, outcome.owesTaps && { key, revision });
  }
  return outcome;
}

/** True of a change in which somebody leaves, and of those that time and lost connections bring. */
function frees(
  former: Session,
  next: Session,
  { byXuid }: ChangeOrigin,
  { handles }: BesideSession,
): boolean {
  const isByNobody = byXuid === undefined && handles === undefined;
  return isByNobody || next.members.length < former.members.length;
}

async function handleIdsFor(store: Store, key: SessionKey): Promise<readonly Guid[]> {
  return (await store.handlesFor(key)).map(({ id }) => id);
}

type SearchChange = { readonly candidate: SearchCandidate | undefined };

/** What a search sees of the session after the commit, when that is something else than before. */
function searchChange(
  former: Session | undefined,
  next: Session | undefined,
): SearchChange | undefined {
  if (former?.searchHandle === undefined && next?.searchHandle === undefined) return undefined;
  const candidate = next && candidateOf(next);
  return jsonEquals(former && candidateOf(former), candidate) ? undefined : { candidate };
}

/** The outcome of the commit, once this process's index knows what it did. */
async function noteSearch(
  { searchIndex }: Context,
  key: SessionKey,
  revision: number,
  search: SearchChange | undefined,
  commit: Promise<Committed | Conflict | Taken>,
): Promise<Committed | Conflict | Taken> {
  if (search === undefined) return commit;
  // A commit whose answer was lost may have been made.
  const outcome = await commit.catch((error: unknown) => {
    searchIndex.doubtful.add(key);
    throw error;
  });
  if (outcome.kind === 'committed') searchIndex.put(key, revision, search.candidate);
  return outcome;
}

/** The large session without the rows that were loaded, but for when the first is due. */
export function storedLarge(session: Session): Session {
  const rowsDueMs = session.members
    .map((row) => memberDueMs(row, session))
    .reduce(earlier, session.rowsDueMs);
  const { rowsDueMs: _former, ...rest } = withoutRows(session);
  return rowsDueMs === undefined ? rest : { ...rest, rowsDueMs };
}

function asRows(
  former: readonly Member[],
  next: Session,
): Required<Pick<SessionPut, 'session' | 'memberRows'>> {
  const { put, removed } = rowChange(former, next.members);
  return {
    session: storedLarge(next),
    memberRows: {
      put: put.map((member) => ({ member, dueMs: memberDueMs(member, next) })),
      remove: removed.map(({ xuid }) => xuid),
    },
  };
}

/** Says that other writers got in between too often. */
export function tooBusy(): Refusal {
  return new Refusal(
    'tooBusy',
    `Other writes to this session won ${limits.commitAttemptsMax} times in a row; send the request again.`,
  );
}
