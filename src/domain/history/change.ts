/** What the history of a session keeps of each of its changes: plain JSON. */

import type { Cause } from '../cause.ts';
import type { Guid, TitleId, Xuid } from '../ids.ts';
import type { Json } from '../json.ts';
import { isLarge, withoutRows } from '../session/large.ts';
import type { Member, Session } from '../session/session.ts';
import type { SessionChange } from '../session/session-change.ts';
import { type Difference, differenceOf } from './difference.ts';

/** A cause as it is kept: of a request without what only the request needs. */
export type KeptCause =
  | {
      readonly kind: 'request';
      readonly id?: Guid;
      /** As `PUT session`, `POST handles`: the verb and the path without its common beginning. */
      readonly call?: string;
      readonly xuid?: Xuid;
      readonly gamertag?: string;
      /** The name of a service. */
      readonly service?: string;
      readonly titleId?: TitleId;
    }
  | Exclude<Cause, { readonly kind: 'request' }>;

export type HistoryChange = {
  /** The document's after the change; of the end of a session that of its last document. */
  readonly changeNumber: number;
  /** The revision of the record that the change was made to; 0: there was none. */
  readonly formerRevision: number;
  readonly cause: KeptCause;
  /** True of the change that ended the session. */
  readonly isEnd?: true;
  /** Leads back to the session before the change, as it was stored. */
  readonly back: Difference;
  /** Members of a large session that changed: they are not in the session as it is stored. */
  readonly rows?: readonly KeptRow[];
};

export type KeptRow = { readonly former?: Member; readonly member?: Member };

/** What to keep of this change. */
export function historyChangeOf(
  { before, next, members }: SessionChange,
  cause: Cause,
  formerRevision: number,
): HistoryChange {
  const large = (next ?? before) !== undefined && isLarge((next ?? before) as Session);
  return {
    changeNumber: (next ?? before)?.changeNumber ?? 0,
    formerRevision,
    cause: keptCause(cause),
    ...(next === undefined && { isEnd: true }),
    back: differenceOf(storedValue(next), storedValue(before)),
    ...(large && {
      rows: members.map(({ former, member }) => ({
        ...(former && { former }),
        ...(member && { member }),
      })),
    }),
  };
}

/** A session as its record holds it. Its `rowsDueMs` may be older. */
function storedValue(session: Session | undefined): Json | undefined {
  const stored = session && isLarge(session) ? withoutRows(session) : session;
  return stored as unknown as Json | undefined;
}

function keptCause(cause: Cause): KeptCause {
  if (cause.kind !== 'request') return cause;
  const { caller, id, method, route } = cause;
  const { titleId } = caller;
  return {
    kind: 'request',
    ...(id !== undefined && { id }),
    ...(method !== undefined && route !== undefined && { call: `${method} ${shortOf(route)}` }),
    ...(caller.kind === 'user'
      ? { xuid: caller.xuid, ...(caller.gamertag !== undefined && { gamertag: caller.gamertag }) }
      : { service: caller.name }),
    ...(titleId !== undefined && { titleId }),
  };
}

const sessionPath =
  /^\/serviceconfigs\/\{scid\}\/sessiontemplates\/\{templateName\}\/sessions\/\{name\}/;

const shortRoutes = new Map<string, string>();

/** `/handles` as `handles`, and the path of a session as `session`. There are as many as routes. */
function shortOf(route: string): string {
  const known = shortRoutes.get(route);
  if (known !== undefined) return known;
  const short = route.replace(sessionPath, '/session').slice(1);
  shortRoutes.set(route, short);
  return short;
}
