/**
 * The shoulder tap: who is told that a session changed.
 *
 * @source contract 9, wire 6.6
 */

import type { Guid, Xuid } from '../ids.ts';
import { keyOf, type SessionKey } from '../session/reference.ts';
import type { Member, Session } from '../session/session.ts';
import { formatTime, type Milliseconds } from '../time.ts';
import { changeTypesOf } from './change-types.ts';

/** That a session changed, and whom to tell. Plain JSON, for the way to other nodes. */
export type Tap = {
  readonly resource: SessionKey;
  readonly branch: Guid;
  /** Absent: the session has ended. */
  readonly changeNumber?: number;
  readonly timeMs: Milliseconds;
  readonly to: readonly TapRecipient[];
};

export type TapRecipient = {
  /** Lower-case, as is the subscription. */
  readonly connection: Guid;
  readonly subscription: Guid;
  /** Several members may share a connection. */
  readonly memberIndex: number;
};

/** When a change was made, and by which user, if by one. */
export type ChangeOrigin = { readonly atMs: Milliseconds; readonly byXuid?: Xuid | undefined };

/**
 * The tap of the change from `before` to `next`; undefined when nobody is to hear of it.
 *
 * Every member is told whose subscription matches, the writer too; and whoever was removed, other
 * than by leaving. The end of a session (`next` undefined) is told to all who were in it.
 */
export function tapOf(
  before: Session,
  next: Session | undefined,
  { atMs, byXuid }: ChangeOrigin,
): Tap | undefined {
  const to = next === undefined ? everyoneIn(before) : concernedBy(before, next, byXuid);
  if (to.length === 0) return undefined;
  return {
    resource: keyOf(before.reference),
    branch: before.branch,
    ...(next && { changeNumber: next.changeNumber }),
    timeMs: atMs,
    to,
  };
}

function everyoneIn({ members }: Session): readonly TapRecipient[] {
  return members.flatMap((member) => recipientOf(member) ?? []);
}

function concernedBy(
  before: Session,
  next: Session,
  byXuid: Xuid | undefined,
): readonly TapRecipient[] {
  if (before.changeNumber === next.changeNumber) return [];
  const to: TapRecipient[] = [];
  let types: ReadonlySet<string> | undefined;
  const tell = (member: Member): void => {
    const recipient = recipientOf(member);
    if (recipient === undefined) return;
    types ??= new Set([...changeTypesOf(before, next)].map((type) => type.toLowerCase()));
    if (asksFor(member, types)) to.push(recipient);
  };
  for (const member of next.members) tell(member);
  if (before.members !== next.members) {
    const present = new Set(next.members.map(({ index }) => index));
    for (const member of before.members) {
      if (!present.has(member.index) && member.xuid !== byXuid) tell(member);
    }
  }
  return to;
}

function recipientOf({ properties, index }: Member): TapRecipient | undefined {
  const { connection, subscription } = properties.system;
  return connection === undefined || subscription === undefined
    ? undefined
    : {
        connection: connection.toLowerCase(),
        subscription: subscription.id.toLowerCase(),
        memberIndex: index,
      };
}

/** `types` are in lower case; a subscription keeps the case in which it was written. */
function asksFor({ properties }: Member, types: ReadonlySet<string>): boolean {
  const asked = properties.system.subscription?.changeTypes ?? [];
  return asked.some((type) => types.has(type.toLowerCase()));
}

/** One tap as text, but for the subscription, which each member has its own of. */
export type TapText = { readonly head: string; readonly tail: string };

/** The text of a tap before and after the subscription id, so that it is made once for all. */
export function formatTap({ timeMs, resource, branch, changeNumber }: Tap): TapText {
  const rest = JSON.stringify({
    resourceType: 'mpsd/session',
    resource,
    branch,
    ...(changeNumber !== undefined && { changeNumber }),
  });
  return {
    head: `{"timestamp":"${formatTime(timeMs)}","subscription":"`,
    tail: `",${rest.slice(1)}`,
  };
}
