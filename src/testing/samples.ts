/** Small sessions for tests of the domain core: callers, templates, and write bodies. */

import assert from 'node:assert/strict';
import type { Caller, ServiceCaller, UserCaller } from '../domain/caller.ts';
import type { HandleFacts } from '../domain/handle/create.ts';
import type { JsonObject } from '../domain/json.ts';
import { Refusal, type RefusalCode } from '../domain/refusal.ts';
import type { Graces } from '../domain/session/disconnect.ts';
import { defaultBounds, type SessionBounds } from '../domain/session/bounds.ts';
import type { SessionReference } from '../domain/session/reference.ts';
import { parseSessionRequest, type SessionRequest } from '../domain/session/request.ts';
import type { Session } from '../domain/session/session.ts';
import type { ServiceConfig, SessionTemplate } from '../domain/session/template.ts';
import { decideWrite, type WriteDecision, type WriteFacts } from '../domain/session/write.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { UnknownMembers } from '../domain/unknown-members.ts';

export const startMs: Milliseconds = Date.UTC(2016, 8, 20, 20, 50, 0, 518);

export const sampleReference: SessionReference = {
  scid: 'BD6C41C3-01C3-468a-a3b5-3e0fe8133862',
  templateName: 'DeathMatch',
  name: 'Session-49',
};

export const sampleTitleId = '174925616';

/** A user whose token names everything. */
export function sampleUser(
  n: number,
  gamertag: string,
  more: Partial<UserCaller> = {},
): UserCaller {
  return {
    kind: 'user',
    xuid: `28140000000000${String(n).padStart(2, '0')}`,
    gamertag,
    titleId: sampleTitleId,
    deviceId: `device-${n}`,
    sandbox: 'RETAIL',
    ...more,
  };
}

export const ada = sampleUser(1, 'Ada');
export const bert = sampleUser(2, 'Bert');
export const cleo = sampleUser(3, 'Cleo');
export const dora = sampleUser(4, 'Dora');
export const referee: ServiceCaller = { kind: 'service', name: 'referee', sandbox: 'RETAIL' };

/** The key under which samples hash device tokens. */
export const deviceTokenKey = new Uint8Array(32).fill(7);

/**
 * For how long members stay active in samples without an open connection. Without any at all, for good:
 * most samples are used later than they were written.
 */
const sampleGraces: Graces = {
  disconnectGraceMs: 30_000,
  presenceTimeoutMs: 300_000,
  unconnectedTimeoutMs: 0,
};

/** A template in the shape of contract 107 that sets these constants and leaves all others open. */
export function sampleTemplate(
  system: JsonObject = {},
  more: Partial<SessionTemplate> = {},
): SessionTemplate {
  return {
    name: 'deathmatch',
    contractVersion: 107,
    constants: { system, custom: {} },
    properties: { system: {}, custom: {} },
    ...more,
  };
}

/** Circumstances of a write, with plain defaults. */
export type Circumstances = {
  readonly by?: Caller;
  readonly nowMs?: Milliseconds;
  readonly template?: SessionTemplate;
  readonly reference?: SessionReference;
  readonly freshGuid?: string;
  readonly granted?: boolean;
  readonly followed?: boolean;
  readonly blockedByOwner?: boolean;
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
  readonly onlyExisting?: boolean;
  readonly contractVersion?: number;
  readonly bounds?: SessionBounds;
  readonly graces?: Graces;
  readonly sessionsLeft?: number;
  readonly unknownMembers?: UnknownMembers;
  readonly isEnded?: (connection: string) => boolean;
};

/** The decision on a PUT of `body`; by Ada, at startMs, unless said otherwise. */
export function decide(
  session: Session | undefined,
  body: JsonObject,
  circumstances: Circumstances = {},
): WriteDecision | Refusal {
  const request = parseSessionRequest(body, circumstances.contractVersion ?? 107, {
    bounds: circumstances.bounds ?? defaultBounds,
    unknownMembers: circumstances.unknownMembers ?? 'refuse',
  });
  return request instanceof Refusal ? request : decideRequest(session, request, circumstances);
}

/** As `decide`, of a request that is parsed already. */
function decideRequest(
  session: Session | undefined,
  request: SessionRequest,
  circumstances: Circumstances = {},
): WriteDecision | Refusal {
  const { by = ada, ifMatch, ifNoneMatch, onlyExisting = false } = circumstances;
  const write = {
    reference: circumstances.reference ?? sampleReference,
    request,
    preconditions: {
      ...(ifMatch !== undefined && { ifMatch: [ifMatch] }),
      ...(ifNoneMatch !== undefined && { ifNoneMatch: [ifNoneMatch] }),
    },
    caller: by,
    onlyExisting,
  };
  return decideWrite(session, write, factsOf(circumstances));
}

function factsOf(circumstances: Circumstances): WriteFacts {
  return {
    template: circumstances.template ?? sampleTemplate(),
    nowMs: circumstances.nowMs ?? startMs,
    freshGuid: circumstances.freshGuid ?? '17a13f76-0000-4000-8000-000000000001',
    deviceTokenKey,
    bounds: circumstances.bounds ?? defaultBounds,
    graces: circumstances.graces ?? sampleGraces,
    sessionsLeft: circumstances.sessionsLeft ?? Infinity,
    isEnded: circumstances.isEnded ?? (() => false),
    granted: circumstances.granted ?? false,
    followed: circumstances.followed ?? false,
    blockedByOwner: circumstances.blockedByOwner ?? false,
  };
}

/** The session after a write that must succeed and leave one. */
export function write(
  session: Session | undefined,
  body: JsonObject,
  circumstances: Circumstances = {},
): Session {
  const decision = decide(session, body, circumstances);
  if (decision instanceof Refusal) assert.fail(`${decision.code}: ${decision.text}`);
  assert.ok('session' in decision, `the write ended as ${decision.kind}`);
  return decision.session;
}

/** The refusal of a write that must be refused. */
export function refuse(
  session: Session | undefined,
  body: JsonObject,
  circumstances: Circumstances = {},
): Refusal {
  return asRefusal(decide(session, body, circumstances));
}

/** `value`, which must be a refusal; of this code when one is given. */
export function asRefusal(value: unknown, code?: RefusalCode): Refusal {
  assert.ok(value instanceof Refusal, `expected a refusal and got ${JSON.stringify(value)}`);
  if (code !== undefined) assert.equal(value.code, code, value.text);
  return value;
}

/** `value`, which must not be a refusal. */
export function notRefused<T>(value: T | Refusal): T {
  if (value instanceof Refusal) assert.fail(`${value.code}: ${value.text}`);
  return value;
}

/** A body that writes the caller's member; active unless said otherwise. */
export function me(system: JsonObject = { active: true }, custom?: JsonObject): JsonObject {
  return { members: { me: { properties: { system, ...(custom && { custom }) } } } };
}

/** A body that leaves. */
export const leave: JsonObject = { members: { me: null } };

/** A body that writes `properties.system`. */
export function system(properties: JsonObject): JsonObject {
  return { properties: { system: properties } };
}

/** A body that reserves seats for these users. */
export function reserve(...users: readonly UserCaller[]): JsonObject {
  const members = users.map(({ xuid }, n) => [`reserve_${n}`, { constants: { system: { xuid } } }]);
  return { members: Object.fromEntries(members) };
}

/** A session from this template with these users as active members, indexes in their order. */
export function sessionOf(
  users: readonly UserCaller[],
  circumstances: Circumstances = {},
  body: JsonObject = {},
): Session {
  const [first, ...rest] = users;
  assert.ok(first);
  const created = write(undefined, { ...body, ...me() }, { ...circumstances, by: first });
  return rest.reduce((session, by) => write(session, me(), { ...circumstances, by }), created);
}

/** Seats in a session from this template, each held for one of these users by nobody's member. */
export function sessionReserving(
  users: readonly UserCaller[],
  circumstances: Circumstances = {},
): Session {
  return write(undefined, reserve(...users), { ...circumstances, by: referee });
}

export const sampleConfig: ServiceConfig = {
  scid: sampleReference.scid,
  titles: [
    {
      titleId: sampleTitleId,
      gameTypes: { 'uwp-desktop': { titleId: sampleTitleId, pfn: 'game_8wekyb3d8bbwe' } },
    },
    { titleId: '99' },
  ],
  sandboxes: ['RETAIL'],
  sessionTemplates: new Map([['deathmatch', sampleTemplate()]]),
};

/** Facts under which a handle is made. */
export function handleFacts(more: Partial<HandleFacts> = {}): HandleFacts {
  return {
    nowMs: startMs,
    freshGuid: 'be2e3c97-9ad5-4c7e-9b5e-ea276bb5aebe',
    inviteLifetimeMs: 86_400_000,
    invitesLeft: Infinity,
    searchAttributesBytesMax: 16_384,
    config: sampleConfig,
    template: sampleTemplate(),
    ...more,
  };
}
