import { ownerOfActivityId } from '../../domain/handle/activity-id.ts';
import type { Handle } from '../../domain/handle/handle.ts';
import type { Guid } from '../../domain/ids.ts';
import { formatJson } from '../../domain/json.ts';
import { keyOf } from '../../domain/session/reference.ts';
import { hintText } from '../hint-text.ts';
import type { Batch, Hint, SessionDelete, SessionPut } from '../store.ts';
import type { Write } from './statements.ts';

const none: readonly never[] = [];

/** True of a hint that is kept in the process alone. */
export function isOfConnection(hint: Hint): boolean {
  return hint.startsWith('connection:');
}

/** What goes into the file with the row of a session that is put. */
export function besideWrites(
  { key, addHints = none, removeHints = none, memberRows, isSearchChange = false }: SessionPut,
  number: number,
): readonly Write[] {
  const hasHints = addHints.length > 0 || removeHints.length > 0;
  // The usual put: nothing but the session changes.
  if (!hasHints && !memberRows && !isSearchChange) return none;
  const { put = none, remove = none } = memberRows ?? {};
  return [
    ...addHints
      .filter((hint) => !isOfConnection(hint))
      .map((hint): Write => ['insertHint', hintText(hint), key, number]),
    ...removeHints
      .filter((hint) => !isOfConnection(hint))
      .map((hint): Write => ['deleteHint', hintText(hint), key]),
    ...put.map(({ member, dueMs }): Write => {
      return ['upsertMemberRow', key, member.xuid, dueMs ?? null, formatJson(member)];
    }),
    ...remove.map((xuid): Write => ['deleteMemberRow', key, xuid]),
    ...(isSearchChange ? [['replaceSearchChange', key] as const] : []),
  ];
}

/**
 * What a commit adds to the history of the session with this number, at its revision. `isKnown`: the
 * history has its branch.
 */
export function historyWrites(
  { key, history }: SessionPut | SessionDelete,
  { number, revision, isKnown }: HistoryPlace,
): readonly Write[] {
  if (history === undefined) return [];
  const { branch, atMs, text, addNames, changesMax, keptMs } = history;
  const append: Write = ['appendChange', number, revision, atMs, changesMax, text];
  if (isKnown && addNames.length === 0) return [append];
  const names = addNames.length === 0 ? null : formatJson(addNames);
  const place = isKnown ? ([null, null, null] as const) : ([key, branch, atMs + keptMs] as const);
  return [append, ['insertRecentBranch', number, atMs, ...place, names]];
}

type HistoryPlace = {
  readonly number: number;
  readonly revision: number;
  readonly isKnown: boolean;
};

/** What takes a session out of the file, with all that is there because of it. */
export function deleteWrites({ key }: SessionDelete, number: number): readonly Write[] {
  return [
    ['deleteSession', number],
    ['deleteHintsOf', number],
    ['deleteMemberRowsOf', key],
    ['deleteSearchChange', key],
  ];
}

/** What a batch writes of handles, in the order in which a batch is applied. */
export function handleWrites({ handle, removeHandles = none }: Batch): readonly Write[] {
  if (handle === undefined && removeHandles.length === 0) return none;
  return [
    ...(handle ? [handleWrite(handle)] : []),
    ...removeHandles.flatMap((id) => removeWrites(id.toLowerCase())),
  ];
}

function handleWrite(handle: Handle): Write {
  const id = handle.id.toLowerCase();
  const document = formatJson(handle);
  if (handle.type === 'invite') {
    return ['insertInvite', id, handle.expirationMs, handle.invitedXuid, document];
  }
  const key = keyOf(handle.reference);
  if (handle.type !== 'activity') return ['insertHandle', id, key, document];
  const scid = handle.reference.scid.toLowerCase();
  // One that a client chose may be taken already, so that it must be found by its id, whatever it says.
  const isDrawn = handle.requestId === undefined && ownerOfActivityId(id) === handle.ownerXuid;
  const name = isDrawn ? 'upsertActivityByOwner' : 'upsertActivity';
  return [name, id, handle.ownerXuid, scid, key, document];
}

function removeWrites(id: Guid): readonly Write[] {
  const owner = ownerOfActivityId(id);
  if (owner === undefined) return [['deleteHandle', id]];
  return [
    ['deleteHandle', id],
    ['deleteActivityByOwner', owner, id],
  ];
}
