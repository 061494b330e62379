import { isXuid, type Xuid } from '../domain/ids.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';

/** Paths on which clients ask about themselves alone: heartbeats of presence, avoid and mute lists. */
const ownPath =
  /^\/users\/xuid\(([0-9]{1,20})\)\/(?:devices\/current\/titles\/current|people\/(?:avoid|mute|never))$/i;

/**
 * The xuid that a request states to be its caller's own; undefined for one that states none. Other
 * paths name users too, and these may be anybody. `path` is percent-encoded UTF-8.
 *
 * @source docs/wire/callers.md "Tokens of the real service"
 */
export function statedXuid(path: string, body: JsonObject): Xuid | undefined {
  const inPath = ownPath.exec(decodeURIComponent(path))?.[1];
  if (inPath !== undefined) return inPath;
  const { members } = body;
  if (!isObject(members)) return undefined;
  const { me } = members;
  const xuid = at(at(at(me, 'constants'), 'system'), 'xuid');
  if (typeof xuid === 'string' && isXuid(xuid)) return xuid;
  return Object.keys(members)
    .map((key) => /^me_([0-9]{1,20})$/.exec(key)?.[1])
    .find((named) => named !== undefined);
}

function at(value: Json | undefined, name: string): Json | undefined {
  return isObject(value) ? value[name] : undefined;
}

function isObject(value: Json | undefined): value is JsonObject {
  return value !== undefined && isJsonObject(value);
}
