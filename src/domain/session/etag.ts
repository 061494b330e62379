import type { Session } from './session.ts';

/**
 * The validator of a stored session: `"` + 32 lower-case hex digits + `"`.
 *
 * The last 18 digits of the branch, then the change number in 14: these two name one visible state
 * of one session, since the number rises exactly when the document changes and a new life has a new
 * branch. So the same state has the same etag on every node and after a restart, and a later state
 * of a life never has an earlier one's.
 *
 * @source docs/wire/README.md "Words"
 */
export function etagOf({ branch, changeNumber }: Session): string {
  const life = `${branch.slice(16, 18)}${branch.slice(19, 23)}${branch.slice(24)}`.toLowerCase();
  return `"${life}${changeNumber.toString(16).padStart(14, '0')}"`;
}
