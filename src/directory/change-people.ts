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
 * Nothing when the list is as the request asks. Subscribers to the owner's friends are notified.
 *
 * Refuses: listNotYours; as decideListChange; as People.change.
 *
 * @source docs/wire/people.md "People"
 */
export async function changePeople(
  world: Context,
  owner: Xuid,
  list: OwnListName,
  request: ListRequest,
  caller: Caller,
): Promise<Refusal | undefined> {
  return mayChangeLists(owner, caller) ?? (await changeListOf(world, owner, list, request));
}

/**
 * Nothing when `follower` does not follow the owner any more.
 *
 * Refuses: listNotYours for the owner's followers; as People.change.
 *
 * @source docs/wire/people.md "People"
 */
export async function removeFollower(
  world: Context,
  owner: Xuid,
  follower: Xuid,
  caller: Caller,
): Promise<Refusal | undefined> {
  return (
    mayChangeLists(owner, caller) ??
    (await changeListOf(world, follower, 'follows', { kind: 'remove', xuids: [owner] }))
  );
}

async function changeListOf(
  world: Context,
  owner: Xuid,
  list: OwnListName,
  request: ListRequest,
): Promise<Refusal | undefined> {
  const { people, clock } = world;
  const decision = await people.change(owner, list, (entries) =>
    decideListChange(owner, list, entries, request, clock.nowMs()),
  );
  if (decision === undefined || decision instanceof Refusal) return decision;
  if (list === 'follows') notifyUser(world, owner, { kind: 'friends', ...decision.notice });
  return undefined;
}
