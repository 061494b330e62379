import type { Caller } from '../domain/caller.ts';
import type { Xuid } from '../domain/ids.ts';
import {
  decideListChange,
  mayChangeLists,
  type ListRequest,
  type OwnListName,
} from '../domain/people/list.ts';
import { Refusal } from '../domain/refusal.ts';
import { notifyUser } from './notifications.ts';
import type { Context } from './context.ts';

/**
 * Undefined when the list already is as the request asks. Subscribers to the owner's friends are
 * notified.
 *
 * Refuses: listNotYours; as decideListChange; as People.change.
 *
 * @source docs/wire/people.md "People"
 */
export async function changePeople(
  context: Context,
  owner: Xuid,
  list: OwnListName,
  request: ListRequest,
  caller: Caller,
): Promise<Refusal | undefined> {
  return mayChangeLists(owner, caller) ?? (await changeListOf(context, owner, list, request));
}

/**
 * Undefined when `follower` no longer follows the owner.
 *
 * Refuses: listNotYours for the owner's followers; as People.change.
 *
 * @source docs/wire/people.md "People"
 */
export async function removeFollower(
  context: Context,
  owner: Xuid,
  follower: Xuid,
  caller: Caller,
): Promise<Refusal | undefined> {
  return (
    mayChangeLists(owner, caller) ??
    (await changeListOf(context, follower, 'follows', { kind: 'remove', xuids: [owner] }))
  );
}

async function changeListOf(
  context: Context,
  owner: Xuid,
  list: OwnListName,
  request: ListRequest,
): Promise<Refusal | undefined> {
  const { people, clock } = context;
  const decision = await people.change(owner, list, (entries) =>
    decideListChange(owner, list, entries, request, clock.nowMs()),
  );
  if (decision === undefined || decision instanceof Refusal) return decision;
  if (list === 'follows') notifyUser(context, owner, { kind: 'friends', ...decision.notice });
  return undefined;
}
