import type { Caller } from '../domain/caller.ts';
import { mayReadHandle } from '../domain/handle/access.ts';
import {
  confirmsActivity,
  confirmsSearch,
  confirmsTransfer,
  isPending,
} from '../domain/handle/confirm.ts';
import type { ActivityHandle, Handle } from '../domain/handle/handle.ts';
import type { Guid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import { mayUseServiceConfig } from '../domain/session/template.ts';
import { readCurrent } from './transact.ts';
import type { Context } from './context.ts';

/**
 * The handle of this id, when it is live and the caller may see it.
 *
 * Refuses: handleUnknown, handleNotYours, serviceConfigUnknown, serviceConfigForbidden, tooBusy.
 *
 * @source docs/wire/handles.md "Reading and deleting"
 */
export async function readHandle(
  context: Context,
  id: Guid,
  caller: Caller,
): Promise<Handle | Refusal> {
  const handle = await readLiveHandle(context, id, caller);
  if (handle instanceof Refusal) return handle;
  return mayReadHandle(handle, caller) ?? handle;
}

/**
 * The handle of this id, for any caller, while it is live: one that its session does not confirm
 * counts as gone.
 *
 * Refuses: handleUnknown, serviceConfigUnknown, serviceConfigForbidden, tooBusy.
 */
export async function readLiveHandle(
  context: Context,
  id: Guid,
  caller: Caller,
): Promise<Handle | Refusal> {
  const handle = await context.store.handle(id.toLowerCase());
  if (handle === undefined) return handleUnknown(id);
  const config = mayUseServiceConfig(context.catalog(), handle.reference.scid, caller);
  if (config instanceof Refusal) return config;
  const live = await isLive(context, handle);
  if (live instanceof Refusal) return live;
  return live ? handle : handleUnknown(id);
}

/** True while the session confirms the handle. Refuses: tooBusy. */
export async function isLive(context: Context, handle: Handle): Promise<boolean | Refusal> {
  if (handle.type === 'invite') return isPending(handle, context.clock.nowMs());
  const owners = handle.type === 'activity' ? [handle.ownerXuid] : [];
  const record = await readCurrent(context, handle.reference, owners);
  if (record instanceof Refusal) return record;
  if (handle.type === 'transfer') return confirmsTransfer(record?.session, handle);
  if (handle.type === 'search') return confirmsSearch(record?.session, handle);
  // Set before the session existed: shown to its owner until the session decides.
  if (handle.branch === undefined && record === undefined) return isCurrent(context, handle);
  return confirmsActivity(record?.session, handle, await isCurrent(context, handle));
}

async function isCurrent(
  { store }: Context,
  { ownerXuid, reference, id }: ActivityHandle,
): Promise<boolean> {
  const current = await store.activitiesOf([ownerXuid], reference.scid);
  return current.some((handle) => handle.id === id);
}

/** The refusal that no live handle has this id. */
export function handleUnknown(id: Guid): Refusal {
  return new Refusal(
    'handleUnknown',
    `No handle ${id} is live: it never was, has expired, was replaced or deleted, or its session has ended.`,
    { detail: id },
  );
}
