import type { Caller } from '../domain/caller.ts';
import { mayDeleteHandle } from '../domain/handle/access.ts';
import type { Guid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import { readLiveHandle } from './read-handle.ts';
import type { World } from './world.ts';

/**
 * Nothing once the handle is gone.
 *
 * Refuses: handleUnknown, handleNotYours, serviceConfigUnknown, serviceConfigForbidden, tooBusy.
 *
 * @source contract 8
 */
export async function deleteHandle(
  world: World,
  id: Guid,
  caller: Caller,
): Promise<Refusal | undefined> {
  const handle = await readLiveHandle(world, id, caller);
  if (handle instanceof Refusal) return handle;
  const refusal = mayDeleteHandle(handle, caller);
  if (refusal) return refusal;
  await world.store.commit({ removeHandles: [handle.id] });
  return undefined;
}
