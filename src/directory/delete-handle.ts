import { xuidOf, xuidsOf, type Caller } from '../domain/caller.ts';
import { mayDeleteHandle } from '../domain/handle/access.ts';
import { confirmsSearch } from '../domain/handle/confirm.ts';
import { deleteSearch } from '../domain/handle/create.ts';
import type { SearchHandle } from '../domain/handle/handle.ts';
import type { Guid } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';
import { handleUnknown, readLiveHandle } from './read-handle.ts';
import { commitSession, tooBusy } from './commit-session.ts';
import { readSettledSession } from './settled-session.ts';
import type { Context } from './context.ts';

/**
 * Nothing once the handle is gone.
 *
 * Refuses: handleUnknown, handleNotYours, ownerRequired, serviceConfigUnknown, serviceConfigForbidden, tooBusy.
 *
 * @source contract 8
 */
export async function deleteHandle(
  world: Context,
  id: Guid,
  caller: Caller,
): Promise<Refusal | undefined> {
  const handle = await readLiveHandle(world, id, caller);
  if (handle instanceof Refusal) return handle;
  if (handle.type === 'search') return deleteSearchHandle(world, handle, caller);
  const refusal = mayDeleteHandle(handle, caller);
  if (refusal) return refusal;
  await world.store.commit({ removeHandles: [handle.id] });
  return undefined;
}

/** Takes the handle from its session, which must not be changed by others meanwhile. */
async function deleteSearchHandle(
  world: Context,
  handle: SearchHandle,
  caller: Caller,
): Promise<Refusal | undefined> {
  for (let attempt = 1; attempt <= limits.commitAttemptsMax; attempt += 1) {
    const record = await readSettledSession(world, handle.reference, xuidsOf(caller));
    if (record instanceof Refusal) return record;
    if (record === undefined || !confirmsSearch(record.session, handle)) {
      return handleUnknown(handle.id);
    }
    const next = deleteSearch(record.session, caller);
    if (next instanceof Refusal) return next;
    const origin = { atMs: world.clock.nowMs(), byXuid: xuidOf(caller) };
    const beside = { removeHandles: [handle.id] };
    const outcome = await commitSession(world, record, next, origin, beside);
    if (outcome.kind === 'committed') return undefined;
  }
  return tooBusy();
}
