import { xuidsOf, type Caller } from '../domain/caller.ts';
import type { Cause } from '../domain/cause.ts';
import { mayDeleteHandle } from '../domain/handle/access.ts';
import { confirmsSearch } from '../domain/handle/confirm.ts';
import { deleteSearch } from '../domain/handle/create.ts';
import type { SearchHandle } from '../domain/handle/handle.ts';
import type { Guid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import { commitHandles } from './commit-session.ts';
import type { Context } from './context.ts';
import { handleUnknown, readLiveHandle } from './read-handle.ts';
import { transact } from './transact.ts';
import { forgetInvite } from './user-bounds.ts';

/**
 * Nothing once the handle is gone.
 *
 * Refuses: handleUnknown, handleNotYours, ownerRequired, serviceConfigUnknown, serviceConfigForbidden, tooBusy.
 *
 * @source docs/wire/handles.md "Reading and deleting"
 */
export async function deleteHandle(
  context: Context,
  id: Guid,
  caller: Caller,
  cause: Cause = { kind: 'request', caller },
): Promise<Refusal | undefined> {
  const handle = await readLiveHandle(context, id, caller);
  if (handle instanceof Refusal) return handle;
  if (handle.type === 'search') return deleteSearchHandle(context, handle, caller, cause);
  const refusal = mayDeleteHandle(handle, caller);
  if (refusal) return refusal;
  await commitHandles(context, { removeHandles: [handle.id] });
  forgetInvite(context, handle);
  return undefined;
}

/** Removes the handle from the session that carries it. */
async function deleteSearchHandle(
  context: Context,
  handle: SearchHandle,
  caller: Caller,
  cause: Cause,
): Promise<Refusal | undefined> {
  const { reference, id } = handle;
  return transact(context, {
    reference,
    mode: 'write',
    xuids: xuidsOf(caller),
    cause,
    gather: () => undefined,
    decide(current) {
      if (current === undefined || !confirmsSearch(current.session, handle)) {
        return handleUnknown(id);
      }
      const next = deleteSearch(current.session, caller);
      if (next instanceof Refusal) return next;
      return { result: undefined, next, handles: { removeHandles: [id] } };
    },
  });
}
