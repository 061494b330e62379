import type { Context } from '../directory/context.ts';
import type { JsonObject } from '../domain/json.ts';
import type { KnownPart } from '../domain/unknown-members.ts';

/**
 * The body, or by the policy `keep` the body without members that nobody knows: handles, queries
 * and lists of people have no place to keep them in.
 *
 * @source docs/wire/sessions.md "Members that nobody knows"
 */
export function knownPart(
  context: Context,
  body: JsonObject,
  drop: (body: JsonObject) => KnownPart,
): JsonObject {
  if (context.settings.unknownMembers === 'refuse') return body;
  const { known, names } = drop(body);
  if (names.length > 0) context.noteUnknownMembers(names);
  return known;
}
