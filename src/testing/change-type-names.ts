import { changeTypes } from '../domain/session/request.ts';
import { type ChangeType, type ChangeTypes, parseChangeTypes } from '../domain/tap/change-types.ts';

/** The names of change types, in the order in which they are known. */
export function changeTypeNames(types: ChangeTypes): readonly ChangeType[] {
  return changeTypes.filter((type) => (types & parseChangeTypes([type])) !== 0);
}
