/**
 * The lists of other users that a user keeps: who may see and change them, and the result of a
 * change.
 *
 * @source docs/wire/people.md "People"
 */

import type { Caller } from '../caller.ts';
import type { Xuid } from '../ids.ts';
import { limits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import type { Milliseconds } from '../time.ts';

/**
 * The lists that users keep themselves: whom they follow (their friends), avoid (block) and mute.
 */
export type OwnListName = 'follows' | 'avoids' | 'mutes';

/** And the list that follows from these: who follows a user. */
export type ListName = OwnListName | 'followers';

export type ListEntry = {
  readonly xuid: Xuid;
  readonly addedMs: Milliseconds;
  /** In `follows` only. */
  readonly isFavorite?: boolean;
};

/** Entries to put, in place of those of the same xuid, and to remove. */
export type ListChange = {
  readonly put?: readonly ListEntry[];
  readonly remove?: readonly Xuid[];
};

/** A requested change of a list. Favourites are among the followed people. */
export type ListRequest = {
  readonly kind: 'add' | 'remove' | 'favor' | 'unfavor';
  readonly xuids: readonly Xuid[];
};

/** The change, and the notice to subscribers of the list; undefined: nothing changes. */
export type ListDecision = {
  readonly change: ListChange;
  readonly notice: ListNotice;
};

export type ListNotice = {
  readonly notificationType: 'Added' | 'Changed' | 'Removed';
  readonly xuids: readonly Xuid[];
};

/** How many entries a list may have. */
export const listEntriesMax: Readonly<Record<OwnListName, number>> = {
  follows: limits.followsMax,
  avoids: limits.avoidsMax,
  mutes: limits.mutesMax,
};

/**
 * What `request` makes of the owner's list, which has these entries; undefined when nothing
 * changes.
 *
 * Refuses: requestInvalid for the owner's own xuid, listFull, personUnknown for a favourite who is
 * not followed.
 */
export function decideListChange(
  owner: Xuid,
  list: OwnListName,
  entries: readonly ListEntry[],
  { kind, xuids }: ListRequest,
  nowMs: Milliseconds,
): ListDecision | Refusal | undefined {
  const current = new Map(entries.map((entry) => [entry.xuid, entry]));
  const asked = [...new Set(xuids)];
  switch (kind) {
    case 'add': {
      const added = asked.filter((xuid) => !current.has(xuid));
      const put = added.map((xuid) => ({ xuid, addedMs: nowMs }));
      return (
        refuseAdding(owner, list, added, current.size) ??
        decision('Added', added, put.length > 0 && { put })
      );
    }
    case 'remove': {
      const remove = asked.filter((xuid) => current.has(xuid));
      return decision('Removed', remove, remove.length > 0 && { remove });
    }
    case 'favor':
    case 'unfavor': {
      const isFavorite = kind === 'favor';
      const unknown = asked.find((xuid) => !current.has(xuid));
      if (unknown !== undefined && isFavorite) return personUnknown(owner, unknown);
      const put = asked
        .flatMap((xuid) => current.get(xuid) ?? [])
        .filter((entry) => (entry.isFavorite ?? false) !== isFavorite)
        .map(({ xuid, addedMs }) => ({ xuid, addedMs, ...(isFavorite && { isFavorite }) }));
      const changed = put.map(({ xuid }) => xuid);
      return decision('Changed', changed, put.length > 0 && { put });
    }
  }
}

function decision(
  notificationType: ListNotice['notificationType'],
  xuids: readonly Xuid[],
  change: ListChange | false,
): ListDecision | undefined {
  return change === false ? undefined : { change, notice: { notificationType, xuids } };
}

function refuseAdding(
  owner: Xuid,
  list: OwnListName,
  added: readonly Xuid[],
  count: number,
): Refusal | undefined {
  if (added.includes(owner)) {
    return new Refusal('requestInvalid', `xuid ${owner}: Nobody can be on a list of their own.`, {
      detail: `xuid ${owner}`,
    });
  }
  const max = listEntriesMax[list];
  if (added.length === 0 || count + added.length <= max) return undefined;
  return new Refusal(
    'listFull',
    `The list has ${count} of ${max} entries and cannot take ${added.length} more; remove some before.`,
    { detail: `${count} of ${max}` },
  );
}

/** The refusal that a user is not on the list of `owner`. */
export function personUnknown(owner: Xuid, xuid: Xuid): Refusal {
  return new Refusal('personUnknown', `User ${xuid} is not on the list of user ${owner}.`, {
    detail: `xuid ${xuid}`,
  });
}

/** Lists that only their owners see. Everybody may see whom a user follows. */
export type ListView = OwnListName | 'favorites';

/** Undefined when the caller may see the list. Refuses: listNotYours. */
export function mayReadList(owner: Xuid, view: ListView, caller: Caller): Refusal | undefined {
  return view === 'follows' || isOwn(owner, caller)
    ? undefined
    : notYours(owner, `see the ${view} of user ${owner}`);
}

/**
 * Undefined when the caller may change the lists of `owner`.
 *
 * Refuses: listNotYours.
 *
 * @source docs/wire/unknowns.md "services and lists of people"
 */
export function mayChangeLists(owner: Xuid, caller: Caller): Refusal | undefined {
  return isOwn(owner, caller) ? undefined : notYours(owner, `change lists of user ${owner}`);
}

function isOwn(owner: Xuid, caller: Caller): boolean {
  return caller.kind === 'service' || caller.xuid === owner;
}

function notYours(owner: Xuid, doing: string): Refusal {
  return new Refusal('listNotYours', `Only user ${owner} and services may ${doing}.`, {
    detail: `xuid ${owner}`,
  });
}
