import type { Handle } from '../../domain/handle/handle.ts';
import { formatJson } from '../../domain/json.ts';
import { keyOf } from '../../domain/session/reference.ts';
import type { Batch } from '../store.ts';
import type { Write } from './statements.ts';

/** What a batch writes beside its session, in the order in which a batch is applied. */
export function handleWrites({
  handles = [],
  pointActivity,
  removeHandles = [],
}: Batch): readonly Write[] {
  const pointers = pointActivity ? [pointActivity] : [];
  return [
    ...handles.map(handleWrite),
    ...pointers.map(({ xuid, scid, handleId }): Write => {
      return ['upsertPointer', xuid, scid.toLowerCase(), handleId.toLowerCase()];
    }),
    ...removeHandles.flatMap((id): Write[] => [
      ['deleteHandle', id.toLowerCase()],
      ['deletePointersTo', id.toLowerCase()],
    ]),
  ];
}

function handleWrite(handle: Handle): Write {
  const [sessionKey, expirationMs] =
    handle.type === 'invite' ? [null, handle.expirationMs] : [keyOf(handle.reference), null];
  return ['insertHandle', handle.id.toLowerCase(), sessionKey, expirationMs, formatJson(handle)];
}
