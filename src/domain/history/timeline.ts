/** The kept changes of a session, read: its states, what each change did, and why members went. */

import type { Xuid } from '../ids.ts';
import type { Json } from '../json.ts';
import { isLarge } from '../session/large.ts';
import type { Member, MemberStatus, Session } from '../session/session.ts';
import { changeOf, type MemberChange } from '../session/session-change.ts';
import { type ChangeType, changeTypesOf, namesOfChangeTypes } from '../tap/change-types.ts';
import type { Milliseconds } from '../time.ts';
import type { HistoryChange, KeptCause } from './change.ts';
import { withDifference } from './difference.ts';

/** A kept change with the revision that it led to. */
export type DatedChange = {
  readonly revision: number;
  readonly atMs: Milliseconds;
  readonly change: HistoryChange;
};

/** One change, and the session before and after it, where these are known. */
export type Moment = {
  readonly revision: number;
  readonly atMs: Milliseconds;
  readonly changeNumber: number;
  readonly cause: KeptCause;
  /** True of the change that created the session. */
  readonly isBegin: boolean;
  readonly isEnd: boolean;
  /** False of a change that no client sees: the change number stayed. */
  readonly isVisible: boolean;
  readonly changeTypes: readonly ChangeType[];
  readonly members: readonly MemberEvent[];
  /** Undefined: there was none, or it is not known. */
  readonly before: Session | undefined;
  readonly after: Session | undefined;
};

/** What a change did to a member. */
export type MemberEvent = {
  readonly xuid: Xuid;
  readonly index: number;
} & (
  | { readonly what: 'joined' | 'reserved' }
  | { readonly what: 'changed'; readonly former: MemberStatus; readonly status: MemberStatus }
  | { readonly what: 'went'; readonly why: Departure }
);

/** Why a member went. `by`: a xuid, or the name of a service or an operator. */
export type Departure =
  | { readonly kind: 'left' }
  | { readonly kind: 'removed'; readonly by: string; readonly reason?: string }
  /** Its connection had ended, or it was not seen any more, and then its time was over. */
  | { readonly kind: 'disconnected' }
  /** It was inactive for too long. */
  | { readonly kind: 'timedOut' }
  | { readonly kind: 'reservationTimedOut' }
  | { readonly kind: 'initializationFailed' }
  /** Its user has another place by the same change. */
  | { readonly kind: 'replaced' }
  | { readonly kind: 'sessionEnded' };

/**
 * The moments of a branch, the oldest first, from its kept changes, the newest first.
 *
 * `newest` is the session after the first of `changes`; undefined: it has ended, or is not known. States
 * before a change that was not kept are not known.
 */
export function momentsOf(
  newest: Session | undefined,
  changes: readonly DatedChange[],
): readonly Moment[] {
  const moments: Moment[] = [];
  let after = newest;
  let isKnown = newest !== undefined || changes[0]?.change.isEnd === true;
  let expected = changes[0]?.revision;
  for (const { revision, atMs, change } of changes) {
    isKnown &&= revision === expected;
    expected = change.formerRevision;
    if (!isKnown) after = undefined;
    const former = isKnown ? stateBefore(after, change) : undefined;
    if (former === 'unknown') isKnown = false;
    const before = former === 'unknown' ? undefined : former;
    const { changeNumber, cause, isEnd = false } = change;
    moments.push({
      revision,
      atMs,
      changeNumber,
      cause,
      isBegin: change.formerRevision === 0,
      isEnd,
      isVisible: isEnd || before === undefined || before.changeNumber !== changeNumber,
      changeTypes: typesOf(before, after),
      members: [],
      before,
      after,
    });
    after = before;
  }
  return withMembers(moments.reverse(), changes.toReversed());
}

function stateBefore(
  after: Session | undefined,
  { back }: HistoryChange,
): Session | undefined | 'unknown' {
  try {
    return withDifference(after as Json | undefined, back) as Session | undefined;
  } catch {
    return 'unknown';
  }
}

function typesOf(before: Session | undefined, after: Session | undefined): readonly ChangeType[] {
  if (before === undefined || after === undefined) return ['everything'];
  return namesOfChangeTypes(changeTypesOf(before, after));
}

function withMembers(
  moments: readonly Moment[],
  changes: readonly DatedChange[],
): readonly Moment[] {
  /** Indexes of the members whose connection has ended since they were active by it. */
  const disconnected = new Set<number>();
  return moments.map((moment, at) => {
    const changed = memberChangesOf(moment, changes[at]?.change);
    const events = changed.flatMap((one) => eventOf(one, moment, disconnected));
    for (const { former, member } of changed) {
      if (member === undefined) disconnected.delete(former.index);
      else if (member.activeUntilMs !== undefined) disconnected.add(member.index);
      else if (member.status === 'active' || isBy(moment.cause, member)) {
        disconnected.delete(member.index);
      }
    }
    return { ...moment, members: events };
  });
}

function isBy(cause: KeptCause, { xuid }: Member): boolean {
  return cause.kind === 'request' && cause.xuid === xuid;
}

function memberChangesOf(
  { before, after }: Moment,
  change: HistoryChange | undefined,
): readonly MemberChange[] {
  if (change?.rows !== undefined) return change.rows as readonly MemberChange[];
  const known = before ?? after;
  if (known === undefined || isLarge(known)) return [];
  const { members } = changeOf(before, after);
  // A session that was read from texts shares nothing with the one before.
  return members.filter(({ former, member }) => former !== member);
}

function eventOf(
  { former, member }: MemberChange,
  moment: Moment,
  disconnected: ReadonlySet<number>,
): readonly MemberEvent[] {
  if (member === undefined) {
    const { xuid, index } = former;
    return [{ xuid, index, what: 'went', why: whyWent(former, moment, disconnected) }];
  }
  const { xuid, index, status } = member;
  if (former === undefined) {
    return [{ xuid, index, what: status === 'reserved' ? 'reserved' : 'joined' }];
  }
  if (former.status === status) return [];
  if (former.status === 'reserved') return [{ xuid, index, what: 'joined' }];
  return [{ xuid, index, what: 'changed', former: former.status, status }];
}

function whyWent(
  { xuid, index, status }: Member,
  { cause, isEnd, after }: Moment,
  disconnected: ReadonlySet<number>,
): Departure {
  if (after?.members.some((one) => one.xuid === xuid)) return { kind: 'replaced' };
  switch (cause.kind) {
    case 'request': {
      if (cause.xuid === xuid) return { kind: 'left' };
      if (isEnd) return { kind: 'sessionEnded' };
      return { kind: 'removed', by: cause.xuid ?? cause.service ?? 'nobody known' };
    }
    case 'admin': {
      if (isEnd) return { kind: 'sessionEnded' };
      const { by, reason } = cause;
      return { kind: 'removed', by, ...(reason !== undefined && { reason }) };
    }
    case 'match':
      return isEnd ? { kind: 'sessionEnded' } : { kind: 'removed', by: 'matchmaking' };
    case 'disconnect':
      return { kind: 'disconnected' };
    case 'timer': {
      if (status === 'reserved') return { kind: 'reservationTimedOut' };
      if (disconnected.has(index)) return { kind: 'disconnected' };
      if (status === 'inactive') return { kind: 'timedOut' };
      return isEnd ? { kind: 'sessionEnded' } : { kind: 'initializationFailed' };
    }
  }
}
