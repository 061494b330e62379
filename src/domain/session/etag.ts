import { digest } from '../ids.ts';
import type { Session } from './session.ts';

/**
 * The validator of a stored session: `"` + 32 lower-case hex digits + `"`.
 *
 * Made of branch and change number alone, since these two name one visible state of one session:
 * the number rises exactly when the document changes, and a new life has a new branch. So the same
 * state has the same etag on every node and after a restart.
 *
 * @source contract 1
 */
export function etagOf({ branch, changeNumber }: Session): string {
  return `"${digest(`${branch}/${changeNumber}`)}"`;
}
