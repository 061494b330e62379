import type { Member, Session } from './session.ts';

/** One member before and after: absent before if it joined, absent after if it is gone. */
export type MemberChange =
  | { readonly former: Member | undefined; readonly member: Member }
  | { readonly former: Member; readonly member: undefined };

/** A session before and after a commit: undefined where there is none. */
export type SessionChange = {
  readonly before: Session | undefined;
  readonly next: Session | undefined;
  readonly members: readonly MemberChange[];
};

/** What changes when `next` is committed in place of `before`; computed once for all readers. */
export function changeOf(before: Session | undefined, next: Session | undefined): SessionChange {
  return { before, next, members: memberChanges(before?.members ?? [], next?.members ?? []) };
}

/**
 * The members whose value differs between `before` and `next`, compared by index: those in `next`,
 * in its order, then removed ones. Sessions share unchanged members, so each of these costs one
 * comparison.
 */
export function memberChanges(
  before: readonly Member[],
  next: readonly Member[],
): readonly MemberChange[] {
  if (before === next) return [];
  const changes: MemberChange[] = [];
  let at = 0;
  for (const member of next) {
    const former = before[at];
    if (former?.index !== member.index) break;
    if (former !== member) changes.push({ former, member });
    at += 1;
  }
  if (at === next.length && at === before.length) return changes;
  // From here on seats do not match one to one: a member joined or is gone.
  const left = new Map(before.slice(at).map((former) => [former.index, former]));
  for (const member of next.slice(at)) {
    const former = left.get(member.index);
    left.delete(member.index);
    if (former !== member) changes.push({ former, member });
  }
  for (const former of left.values()) changes.push({ former, member: undefined });
  return changes;
}
