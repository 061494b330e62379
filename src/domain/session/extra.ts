/**
 * Members that nobody knows, outside of the system objects: by the policy `keep` each object of a
 * session has them as its `extra`, and documents show them as they were written.
 *
 * @source docs/wire/sessions.md "Members that nobody knows"
 */

import type { JsonObject } from '../json.ts';

/** Unknown members of a part of a session; absent without any. */
export type Extra = { readonly extra?: JsonObject };

/** Names at the root of a session document: unknown members do not replace their values. */
export const sessionNames: ReadonlySet<string> = new Set([
  ...['constants', 'properties', 'servers', 'members', 'membersOnly', 'roleTypes', 'membersInfo'],
  ...['initializing', 'hostCandidates', 'searchHandle', 'correlationId', 'contractVersion'],
  ...['branch', 'changeNumber', 'startTime', 'nextTimer'],
]);

/** Names of a member of a session document. */
export const memberNames: ReadonlySet<string> = new Set([
  ...['constants', 'properties', 'roles', 'next', 'joinTime', 'reserved', 'gamertag', 'turn'],
  ...['activeTitleId', 'deviceToken', 'initializationEpisode', 'initializationFailure'],
]);

/** Names of a system object of a member's constants. */
export const memberConstantsNames: ReadonlySet<string> = new Set([
  ...['xuid', 'index', 'initialize', 'team', 'matchmakingResult'],
]);

/** Names of the constants or the properties of anything. */
export const partNames: ReadonlySet<string> = new Set(['system', 'custom', 'memberInitialization']);

/** Names of an entry of `servers`. */
export const serverNames: ReadonlySet<string> = new Set(['constants', 'properties']);

/** The members of `held` that `known` does not name. */
export function extraOf(held: object | undefined, known: ReadonlySet<string>): JsonObject {
  const entries = Object.entries(held ?? {}).filter(([name]) => !known.has(name));
  return Object.fromEntries(entries) as JsonObject;
}

/**
 * `held` after a write of the object `written`: each member that `known` does not name takes its
 * whole new value, null removes it. To be spread: it has no `extra` when nothing is left.
 */
export function mergeExtra(
  held: JsonObject | undefined,
  written: object | null | undefined,
  known: ReadonlySet<string>,
): Extra {
  let merged: Map<string, unknown> | undefined;
  for (const name in written) {
    const value = (written as Readonly<Record<string, unknown>>)[name];
    if (known.has(name) || value === undefined) continue;
    merged ??= new Map(Object.entries(held ?? {}));
    if (value === null) merged.delete(name);
    else merged.set(name, value);
  }
  if (merged === undefined) return held === undefined ? none : { extra: held };
  return merged.size === 0 ? none : { extra: Object.fromEntries(merged) as JsonObject };
}

const none: Extra = {};
