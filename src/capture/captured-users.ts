/** Who is behind the calls of a capture. Tokens cannot be read; what clients say besides them can. */

import type { TokenClaims } from '../auth/claims.ts';
import { parseDevelopmentToken } from '../auth/development-token.ts';
import { Refusal } from '../domain/refusal.ts';
import { type Capture, type CapturedCall, headerOf } from './capture.ts';

/** Somebody of a capture. */
export type CapturedUser = {
  /** Equal for all calls of this user. */
  readonly id: string;
  /** As far as known; the xuid always is, found or made up. */
  readonly claims: TokenClaims;
  /** True when nothing in the capture says who it is, and the xuid is made up. */
  readonly isMadeUp: boolean;
};

/**
 * The user of each call of `capture`.
 *
 * A call with known claims has those. Any other is known by the user hash of its `Authorization`, and
 * that hash by the xuid in what it sent: a join, a resource of RTA, a path.
 *
 * @source docs/captures.md "Who called"
 */
export function usersOf(capture: Capture): ReadonlyMap<CapturedCall, CapturedUser> {
  const keys = new Map(capture.calls.map((call) => [call, keyOf(call)] as const));
  const groups = Map.groupBy(capture.calls, (call) => keys.get(call) ?? '');
  const users = new Map<string, CapturedUser>();
  for (const [key, calls] of groups) users.set(key, userOf(key, calls, users.size));
  return new Map(
    [...keys].flatMap(([call, key]) => {
      const user = users.get(key);
      return user === undefined ? [] : [[call, user] as const];
    }),
  );
}

function keyOf(call: CapturedCall): string {
  const { xid, svc, tid } = call.caller ?? {};
  if (xid !== undefined || svc !== undefined)
    return `claims ${xid ?? ''} ${svc ?? ''} ${tid ?? ''}`;
  const authorization = headerOf(call.requestHeaders, 'authorization') ?? '';
  const hash = /^XBL3\.0 x=([^;]*)/i.exec(authorization)?.[1];
  // A token for every user, or of none: the whole header tells them apart.
  return hash === undefined || hash === '-' || hash === '*'
    ? `token ${authorization}`
    : `hash ${hash}`;
}

function userOf(key: string, calls: readonly CapturedCall[], index: number): CapturedUser {
  const known = calls.find(({ caller }) => caller !== undefined)?.caller;
  if (known !== undefined) return { id: key, claims: known, isMadeUp: false };
  const own = developmentClaims(calls);
  const found = own?.xid ?? likeliest(calls);
  // Outside the range of real ones.
  const xuid = found ?? String(1_000_000_000_000 + index);
  const gtg = gamertagOf(calls, xuid);
  return {
    id: key,
    claims: {
      xid: xuid,
      ...(gtg !== undefined && { gtg }),
      ...titleOf(calls),
      ...own,
    },
    isMadeUp: found === undefined && own?.svc === undefined,
  };
}

/** The claims of a token that can be read. @source docs/wire/callers.md "Callers" */
function developmentClaims(calls: readonly CapturedCall[]): TokenClaims | undefined {
  const authorization = headerOf(calls[0]?.requestHeaders ?? [], 'authorization') ?? '';
  const [, text] = /^XBL3\.0 x=[^;]*;(.*)$/i.exec(authorization) ?? [];
  const claims = parseDevelopmentToken(text ?? '');
  return claims instanceof Refusal || Object.keys(claims).length === 0 ? undefined : claims;
}

/** The xuid that a client names as its own most often; a path may be about somebody else. */
function likeliest(calls: readonly CapturedCall[]): string | undefined {
  return mostFrequent(calls.flatMap(surelyOwn)) ?? mostFrequent(calls.flatMap(maybeOwn));
}

/** Of a join, and of resources that only their user may subscribe to. */
function surelyOwn({ requestBody, frames = [] }: CapturedCall): readonly string[] {
  const joined =
    /"me"\s{0,9}:\s{0,9}\{\s{0,9}"constants"\s{0,9}:\s{0,9}\{\s{0,9}"system"\s{0,9}:\s{0,9}\{[^{}]{0,500}"xuid"\s{0,9}:\s{0,9}"?(\d{1,20})/.exec(
      requestBody,
    )?.[1];
  const subscribed = frames.flatMap(({ from, text }) =>
    from === 'client'
      ? (/(?:notify|social)\.xboxlive\.com\/users\/xuid\((\d{1,20})\)/i.exec(text)?.[1] ?? [])
      : [],
  );
  return [...(joined === undefined ? [] : [joined]), ...subscribed];
}

function maybeOwn({ url }: CapturedCall): readonly string[] {
  const xuid = /\/users\/xuid\((\d{1,20})\)/i.exec(url)?.[1];
  return xuid === undefined ? [] : [xuid];
}

function mostFrequent(found: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const one of found) counts.set(one, (counts.get(one) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a)[0]?.[0];
}

/** As a session shows the member of this xuid. */
function gamertagOf(calls: readonly CapturedCall[], xuid: string): string | undefined {
  for (const { responseBody } of calls) {
    const at = responseBody.indexOf(`"xuid":"${xuid}"`);
    const after = at === -1 ? '' : responseBody.slice(at, at + 2_000);
    const gamertag = /"gamertag":"([^"\\]{1,60})"/.exec(after)?.[1];
    if (gamertag !== undefined) return gamertag;
  }
  return undefined;
}

function titleOf(calls: readonly CapturedCall[]): TokenClaims {
  for (const { responseBody, url } of calls) {
    const tid =
      /"(?:activeTitleId|titleId)":"?(\d{1,10})\b/.exec(responseBody)?.[1] ??
      /\/titles\/(\d{1,10})\//i.exec(url)?.[1];
    if (tid !== undefined) return { tid };
  }
  return {};
}
