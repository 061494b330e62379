/**
 * The shoulder tap: who is told that a session changed.
 *
 * @source contract 9, wire 6.6
 */

import type { Guid, Xuid } from '../ids.ts';
import { nodeOfConnection } from '../session/hints.ts';
import { memberChanges } from '../session/member-changes.ts';
import { createKeeper } from '../kept.ts';
import { keyOf, type SessionKey } from '../session/reference.ts';
import type { Member, Session } from '../session/session.ts';
import { formatTime, type Milliseconds } from '../time.ts';
import { type ChangeTypes, changeTypesOf, parseChangeTypes } from './change-types.ts';

/** That a session changed, and whom to tell. Plain JSON, for the way to other nodes. */
export type Tap = {
  readonly resource: SessionKey;
  readonly branch: Guid;
  /** Absent: the session has ended. */
  readonly changeNumber?: number;
  readonly timeMs: Milliseconds;
  readonly to: readonly TapRecipient[];
  /**
   * Who is in the session besides the recipients; absent when nobody is. A connection is told of the
   * session only if its user is in it: others can write its id into their sessions.
   */
  readonly otherXuids?: readonly Xuid[];
};

/** A member who is told of a change. */
export type TapRecipient = {
  readonly xuid: Xuid;
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
 * than by leaving. The end of a session (`next` undefined) is told to all who were in it. Left out
 * are the connections of nodes of which `isHeard` says that nobody listens there.
 */
export function tapOf(
  before: Session,
  next: Session | undefined,
  { atMs, byXuid }: ChangeOrigin,
  isHeard: IsHeard = () => true,
): Tap | undefined {
  const to =
    next === undefined ? everyoneIn(before, isHeard) : concernedBy(before, next, byXuid, isHeard);
  if (to.length === 0) return undefined;
  return {
    resource: keyOf(before.reference),
    branch: before.branch,
    ...(next && { changeNumber: next.changeNumber }),
    timeMs: atMs,
    to,
    ...othersIn(next ?? before, to),
  };
}

/** Who of the members that are loaded is no recipient. */
function othersIn(
  { members }: Session,
  to: readonly TapRecipient[],
): Pick<Tap, 'otherXuids'> | undefined {
  const told = new Set(to.map(({ xuid }) => xuid));
  const otherXuids = members.flatMap(({ xuid }) => (told.has(xuid) ? [] : [xuid]));
  return otherXuids.length > 0 ? { otherXuids } : undefined;
}

/** True when this user is in the session that the tap is of, or was until the change. */
export function isOfMember({ to, otherXuids = [] }: Tap, xuid: Xuid): boolean {
  return to.some((one) => one.xuid === xuid) || otherXuids.includes(xuid);
}

/** Of the node that minted a connection. */
type IsHeard = (node: string) => boolean;

function everyoneIn({ members }: Session, isHeard: IsHeard): readonly TapRecipient[] {
  return members.flatMap((member) => {
    const asking = askingOf(member);
    return asking !== undefined && isHeard(asking.node) ? [asking.recipient] : [];
  });
}

function concernedBy(
  before: Session,
  next: Session,
  byXuid: Xuid | undefined,
  isHeard: IsHeard,
): readonly TapRecipient[] {
  if (before.changeNumber === next.changeNumber) return [];
  const to: TapRecipient[] = [];
  let types: ChangeTypes | undefined;
  const tell = (member: Member): void => {
    const asking = askingOf(member);
    if (asking === undefined || !isHeard(asking.node)) return;
    types ??= changeTypesOf(before, next);
    if ((asking.types & types) !== 0) to.push(asking.recipient);
  };
  for (const member of next.members) tell(member);
  for (const { former, member } of memberChanges(before.members, next.members)) {
    if (member === undefined && former.xuid !== byXuid) tell(former);
  }
  return to;
}

/** What a member who subscribed is told of, and where. */
type Asking = {
  /** As the member wrote it. */
  readonly connection: Guid;
  readonly node: string;
  readonly recipient: TapRecipient;
  readonly types: ChangeTypes;
};

// Only a write of the subscription itself replaces it: the members' other writes find what they ask
// for again.
const askings = createKeeper<object, Asking>();

function askingOf({ properties, index, xuid }: Member): Asking | undefined {
  const { connection, subscription } = properties.system;
  if (connection === undefined || subscription === undefined) return undefined;
  const known = askings.of(subscription);
  if (
    known?.connection === connection &&
    known.recipient.memberIndex === index &&
    known.recipient.xuid === xuid
  ) {
    return known;
  }
  return askings.keep(subscription, {
    connection,
    node: nodeOfConnection(connection),
    recipient: {
      xuid,
      connection: connection.toLowerCase(),
      subscription: subscription.id.toLowerCase(),
      memberIndex: index,
    },
    types: parseChangeTypes(subscription.changeTypes ?? ['everything']),
  });
}

/** The text of a tap before and after the subscription id, which each recipient has its own of. */
type TapText = { readonly head: string; readonly tail: string };

const texts = createKeeper<Tap, TapText>();

/** A tap as JSON for the member with this subscription; made once for all but for that id. */
export function formatTap(tap: Tap, subscription: Guid): string {
  const { head, tail } = texts.of(tap) ?? texts.keep(tap, textOf(tap));
  return head + subscription + tail;
}

function textOf({ timeMs, resource, branch, changeNumber }: Tap): TapText {
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
