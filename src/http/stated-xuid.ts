import type { UserCaller } from '../domain/caller.ts';
import { isXuid, type Xuid } from '../domain/ids.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import { isReading, type Route } from './route.ts';

/** Paths on which clients ask about themselves alone: heartbeats of presence, avoid and mute lists. */
const ownPath =
  /^\/users\/xuid\(([0-9]{1,20})\)\/(?:devices\/current\/titles\/current|people\/(?:avoid|mute|never))$/i;

/** Activities, which anybody may read and only their user writes. */
const activityPath = /^\/titles\/[0-9]+\/users\/(?:xuid\()?([0-9]{1,20})\)?\/activities$/i;

/**
 * The xuid that a request states to be its caller's own; undefined for one that states none. Other
 * paths name users too, and these may be anybody. `path` is percent-encoded UTF-8.
 *
 * @source docs/wire/callers.md "Tokens of the real service"
 */
export function statedXuid(method: string, path: string, body: JsonObject): Xuid | undefined {
  const decoded = decodeURIComponent(path);
  const inPath = ownPath.exec(decoded)?.[1];
  if (inPath !== undefined) return inPath;
  const ofActivity = method === 'GET' ? undefined : activityPath.exec(decoded)?.[1];
  if (ofActivity !== undefined) return ofActivity;
  const { members } = body;
  if (!isObject(members)) return undefined;
  const { me } = members;
  const xuid = at(at(at(me, 'constants'), 'system'), 'xuid');
  if (typeof xuid === 'string' && isXuid(xuid)) return xuid;
  return Object.keys(members)
    .map((key) => /^me_([0-9]{1,20})$/.exec(key)?.[1])
    .find((named) => named !== undefined);
}

/**
 * Nothing when a caller who has stated no xuid may do this with this query: what such a user wrote would be nobody's
 * afterwards.
 *
 * Refuses: notAuthenticated.
 *
 * @source docs/wire/callers.md "Tokens of the real service"
 */
export function mayWithoutXuid(
  { hasMadeUpXuid }: UserCaller,
  route: Pick<Route, 'method' | 'onlyReads'>,
  query: URLSearchParams,
): Refusal | undefined {
  if (hasMadeUpXuid !== true || isReading(route, query)) return undefined;
  return new Refusal(
    'notAuthenticated',
    'The token is encrypted, and this user has not stated a xuid yet: join a session with members.me.constants.system.xuid first.',
  );
}

function at(value: Json | undefined, name: string): Json | undefined {
  return isObject(value) ? value[name] : undefined;
}

function isObject(value: Json | undefined): value is JsonObject {
  return value !== undefined && isJsonObject(value);
}
