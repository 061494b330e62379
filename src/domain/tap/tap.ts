/** Shoulder taps: who is notified that a session changed, and the text of it. */

import type { Guid, Xuid } from '../ids.ts';
import { nodeOfConnection } from '../session/hints.ts';
import type { SessionChange } from '../session/session-change.ts';
import { createMemo } from '../memo.ts';
import { keyOf, type SessionKey } from '../session/reference.ts';
import type { Member, Session } from '../session/session.ts';
import { formatTime, type Milliseconds } from '../time.ts';
import { type ChangeTypes, changeTypesOf, parseChangeTypes } from './change-types.ts';

/**
 * The news that a session changed, and its recipients. Plain JSON, since it may go to other nodes.
 */
export type Tap = {
  readonly resource: SessionKey;
  readonly branch: Guid;
  /** Absent: the session has ended. */
  readonly changeNumber?: number;
  readonly timeMs: Milliseconds;
  readonly to: readonly TapRecipient[];
  /**
   * The other members of the session; absent when there are none. A connection gets a tap only if its
   * user is a member: anybody can write its id into a session.
   */
  readonly otherXuids?: readonly Xuid[];
};

/** A member that is notified of a change. */
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

/** False when nobody is known to listen for this node, the one that issued a connection id. */
type IsHeard = (node: string) => boolean;

/**
 * The tap of a change; undefined when it has no recipient, as the first commit of a session.
 *
 * Recipients are all members whose subscription matches the change, the writer too, and members who
 * were removed but did not leave by themselves. When the session ends (`next` is undefined) they are
 * all members who subscribed. Connections of nodes for which nobody listens are left out.
 *
 * @source docs/wire/rta.md "Taps"
 */
export function tapOf(
  { before, next, members }: SessionChange,
  { atMs, byXuid }: ChangeOrigin,
  isHeard: IsHeard = () => true,
): Tap | undefined {
  if (before === undefined) return undefined;
  const to =
    next === undefined
      ? subscribersOf(before, isHeard)
      : recipientsOf(before, next, members, byXuid, isHeard);
  if (to.length === 0) return undefined;
  return {
    resource: keyOf(before.reference),
    branch: before.branch,
    ...(next && { changeNumber: next.changeNumber }),
    timeMs: atMs,
    to,
    ...otherMembers(next ?? before, to),
  };
}

/** True when this user is in the session of the tap, or was until the change. */
export function isOfMember({ to, otherXuids = [] }: Tap, xuid: Xuid): boolean {
  return to.some((one) => one.xuid === xuid) || otherXuids.includes(xuid);
}

/** In a large session, only the loaded members. */
function otherMembers(
  { members }: Session,
  to: readonly TapRecipient[],
): Pick<Tap, 'otherXuids'> | undefined {
  const listed = new Set(to.map(({ xuid }) => xuid));
  const otherXuids = members.flatMap(({ xuid }) => (listed.has(xuid) ? [] : [xuid]));
  return otherXuids.length > 0 ? { otherXuids } : undefined;
}

function subscribersOf({ members }: Session, isHeard: IsHeard): readonly TapRecipient[] {
  return members.flatMap((member) => {
    const target = targetOf(member);
    return target !== undefined && isHeard(target.node) ? [target.recipient] : [];
  });
}

function recipientsOf(
  before: Session,
  next: Session,
  changes: SessionChange['members'],
  byXuid: Xuid | undefined,
  isHeard: IsHeard,
): readonly TapRecipient[] {
  if (before.changeNumber === next.changeNumber) return [];
  const to: TapRecipient[] = [];
  let types: ChangeTypes | undefined;
  const addIfAsked = (member: Member): void => {
    const target = targetOf(member);
    if (target === undefined || !isHeard(target.node)) return;
    types ??= changeTypesOf(before, next, changes);
    if ((target.types & types) !== 0) to.push(target.recipient);
  };
  for (const member of next.members) addIfAsked(member);
  for (const { former, member } of changes) {
    if (member === undefined && former.xuid !== byXuid) addIfAsked(former);
  }
  return to;
}

/** Where a member who subscribed gets taps, and for which changes. */
type TapTarget = {
  /** As the member wrote it. */
  readonly connection: Guid;
  readonly node: string;
  readonly recipient: TapRecipient;
  readonly types: ChangeTypes;
};

// Kept with the subscription: other writes of the member leave that object the same.
const targets = createMemo<object, TapTarget>();

/** Undefined for a member without a connection or a subscription. */
function targetOf({ properties, index, xuid }: Member): TapTarget | undefined {
  const { connection, subscription } = properties.system;
  if (connection === undefined || subscription === undefined) return undefined;
  const known = targets.get(subscription);
  if (
    known?.connection === connection &&
    known.recipient.memberIndex === index &&
    known.recipient.xuid === xuid
  ) {
    return known;
  }
  return targets.set(subscription, {
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

/**
 * The text of a tap before and after the subscription id, the only part that differs between
 * recipients.
 */
type TapText = { readonly head: string; readonly tail: string };

const texts = createMemo<Tap, TapText>();

/** A tap as JSON text for the member with this subscription; all but the id is formatted once. */
export function formatTap(tap: Tap, subscription: Guid): string {
  const { head, tail } = texts.get(tap) ?? texts.set(tap, textOf(tap));
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
