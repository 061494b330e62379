/**
 * Arbitrary values of the domain core, for properties: JSON as titles write it, callers, write bodies,
 * and whole histories of a session from its creation on.
 */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Caller } from '../domain/caller.ts';
import { keyedDigest } from '../domain/ids.ts';
import { isJsonObject, parseExactJson, type Json, type JsonObject } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Session } from '../domain/session/session.ts';
import type { SessionTemplate } from '../domain/session/template.ts';
import { applyTimeouts, isDue } from '../domain/session/timeouts.ts';
import type { WriteDecision } from '../domain/session/write.ts';
import type { Milliseconds } from '../domain/time.ts';
import {
  decide,
  deviceTokenKey,
  referee,
  sampleTemplate,
  sampleUser,
  startMs,
  type Circumstances,
} from './samples.ts';

/** A JSON number as a title may write it. */
const anyNumberToken: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.oneof(fc.constant('0'), fc.nat().map(String), fc.stringMatching(/^[1-9][0-9]{14,24}$/)),
    fc.oneof(fc.constant(''), fc.stringMatching(/^\.[0-9]{1,18}$/), fc.constant('.0')),
    fc.oneof(
      { weight: 4, arbitrary: fc.constant('') },
      { weight: 1, arbitrary: fc.stringMatching(/^[eE][+-]?[0-9]{1,3}$/) },
    ),
  )
  .map((parts) => parts.join(''));

/** A key as a title may choose it, also inherited names; not only digits. */
const anyKey: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'custom', 'rawJSON', 'a', 'b'),
  // The engine would sort digits to the front.
  fc.string({ maxLength: 5 }).filter((key) => !/^\d+$/.test(key)),
);

/** A JSON text without spaces and without the same key twice in one object. */
export const anyJsonText: fc.Arbitrary<string> = fc.letrec<{ text: string }>((tie) => ({
  text: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    anyNumberToken,
    fc.constantFrom('true', 'false', 'null'),
    fc.string().map((one) => JSON.stringify(one)),
    fc.array(tie('text'), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
    objectText(anyKey, tie('text')),
  ),
})).text;

function objectText(key: fc.Arbitrary<string>, text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .uniqueArray(fc.tuple(key, text), { maxLength: 4, selector: ([name]) => name })
    .map(
      (entries) => `{${entries.map(([name, one]) => `${JSON.stringify(name)}:${one}`).join(',')}}`,
    );
}

/** A custom object or a patch to one: few keys, so that two of them share some; nulls among the values. */
export const anyCustom: fc.Arbitrary<JsonObject> = objectText(
  fc.constantFrom('__proto__', 'constructor', 'map', 'score'),
  anyJsonText,
).map((text) => parseExactJson(text) as JsonObject);

/** The users of histories: few, so that they meet. Two share a device. */
export const players: readonly Caller[] = [
  ...[1, 2, 3, 4, 5].map((n) => sampleUser(n, `Player ${n}`, { deviceId: `device-${n % 4}` })),
  referee,
];

const anyConnection = fc.constantFrom(
  '85b40569-0000-4000-8000-000000000001',
  '85B40569-0000-4000-8000-000000000002',
);

const addresses = ['MS4xLjEuMQ==', 'Mi4yLjIuMg==', 'My4zLjMuMw=='];

/** Device tokens that members of histories have at times. */
const deviceTokens = addresses.map((address) => keyedDigest(deviceTokenKey, address));

const flag = fc.constantFrom(true, false, null);

const anyMemberSystem: fc.Arbitrary<JsonObject> = fewOf({
  active: flag,
  ready: flag,
  connection: fc.oneof(anyConnection, fc.constant(null)),
  subscription: fc.oneof(
    fc.constant(null),
    fc.record({
      id: fc.constant('81A3266D-0000-4000-8000-000000000001'),
      changeTypes: fc.subarray(['everything', 'host', 'membersList']),
    }),
    fc.constant({ id: '81A3266D-0000-4000-8000-000000000002' }),
  ),
  secureDeviceAddress: fc.constantFrom('', null, ...addresses),
  initializationGroup: fc.array(fc.nat(3), { maxLength: 2 }),
  groups: fc.constantFrom(['red'], [], null),
  encounters: fc.constantFrom(['met'], null),
  measurements: fc.constantFrom<Json>(
    null,
    ...deviceTokens.map((token) => ({ [token]: { latency: 40, custom: { nothing: null } } })),
  ),
});

const anyMember: fc.Arbitrary<JsonObject> = partOf({
  constants: fc.record({ custom: fc.constantFrom<Json>('a string', { skill: 3 }, null) }),
  properties: partOf({ system: anyMemberSystem, custom: anyCustom }),
  roles: fc.constantFrom({}, { squad: 'leader' }, { squad: 'scout' }, { squad: null }),
});

/** As most members write themselves: with all that an active member may need. */
const anyPlainMember: fc.Arbitrary<JsonObject> = fc
  .tuple(
    anyConnection.chain((connection) =>
      fc.constantFrom<JsonObject>(
        { active: true, connection },
        { active: true, connection },
        { ready: true },
      ),
    ),
    fc.constantFrom<JsonObject>(
      {},
      ...addresses.map((secureDeviceAddress) => ({ secureDeviceAddress })),
    ),
  )
  .map(([status, address]) => ({ properties: { system: { ...status, ...address } } }));

const anyJoinability: fc.Arbitrary<JsonObject> = fc.constantFrom<JsonObject>(
  { closed: true, locked: true },
  { closed: false },
  { joinRestriction: 'local' },
  { joinRestriction: 'followed', readRestriction: 'followed' },
  { joinRestriction: 'local', readRestriction: 'local' },
  { joinRestriction: 'none', readRestriction: 'none' },
  { joinRestriction: null, readRestriction: null },
  { readRestriction: 'local' },
);

const anyHost: fc.Arbitrary<JsonObject> = fc
  .constantFrom(
    null,
    'nobody',
    ...deviceTokens,
    ...deviceTokens.map((token) => token.toUpperCase()),
  )
  .map((host) => ({ host }));

const anyProperties: fc.Arbitrary<JsonObject> = partOf({
  system: fc
    .tuple(
      fewOf({
        keywords: fc.constantFrom(['a'], ['a', 'B'], [], null),
        turn: fc.constantFrom([0], [1], [0, 1], [2], [], null),
        closed: flag,
        locked: flag,
        scheduledTime: fc.constantFrom('2026-12-05T20:15:00Z', null),
        allocateCloudCompute: flag,
        matchmaking: fc.constantFrom<Json>(null, {}, { serverConnectionString: 'a:1' }),
      }),
      fc.oneof(fc.constant({}), anyJoinability),
      fc.oneof({ weight: 1, arbitrary: fc.constant({}) }, anyHost),
    )
    .map(([fields, joinability, host]) => ({ ...fields, ...joinability, ...host })),
  custom: anyCustom,
});

const anyReservations: fc.Arbitrary<JsonObject> = fc
  .uniqueArray(fc.nat(4), { minLength: 1, maxLength: 2 })
  .map((users) =>
    Object.fromEntries(
      users.map((n, i) => [
        `reserve_${i}`,
        { constants: { system: { xuid: sampleUser(n + 1, '').xuid } } },
      ]),
    ),
  );

/** A body as a user sends it: mostly of the own member and the session's properties. */
export const anyUserBody: fc.Arbitrary<JsonObject> = fc
  .tuple(
    fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, partOf({ properties: anyProperties })),
    fc.oneof(
      { weight: 4, arbitrary: anyPlainMember.map((member) => ({ me: member })) },
      { weight: 4, arbitrary: anyMember.map((member) => ({ me: member })) },
      { weight: 2, arbitrary: fc.constant({ me: null }) },
      { weight: 1, arbitrary: fc.nat(6).map((index) => ({ [index]: null })) },
      { weight: 1, arbitrary: fc.constant({}) },
    ),
    fc.oneof({ weight: 4, arbitrary: fc.constant({}) }, anyReservations),
  )
  .map(([rest, own, reservations]) => ({ ...rest, members: { ...own, ...reservations } }));

const anyServers: fc.Arbitrary<JsonObject> = fc.dictionary(
  fc.constantFrom('matchmaking', '__proto__', 'game'),
  fc.oneof(
    fc.constant(null),
    fc.record({
      properties: partOf({ system: fc.constant({ status: 'found' }), custom: anyCustom }),
    }),
  ),
  { maxKeys: 2 },
);

/** A body as a game service sends it: seats, removals, server entries. */
const anyServiceBody: fc.Arbitrary<JsonObject> = fc
  .tuple(
    partOf({ properties: anyProperties, servers: anyServers }),
    fc.oneof(
      { weight: 2, arbitrary: fc.constant({}) },
      fc.nat(6).map((index) => ({ [index]: null })),
    ),
    fc.oneof(fc.constant({}), anyReservations),
  )
  .map(([rest, removed, reservations]) => ({ ...rest, members: { ...removed, ...reservations } }));

const anyTimeout = fc.constantFrom<Json>(0, 1_000, 30_000, 30_000, null);

/** A template with few seats, short timeouts and any of the capabilities that change the rules. */
const anyTemplate: fc.Arbitrary<SessionTemplate> = partOf({
  maxMembersCount: fc.constantFrom(1, 2, 4, 5, 5),
  visibility: fc.constantFrom('open', 'open', 'open', 'open', 'visible', 'private'),
  reservedRemovalTimeout: anyTimeout,
  inactiveRemovalTimeout: anyTimeout,
  readyRemovalTimeout: anyTimeout,
  sessionEmptyTimeout: anyTimeout,
  capabilities: fc
    .constantFrom<string[]>(
      ['connectivity'],
      ['connectivity', 'userAuthorizationStyle'],
      ['connectivity', 'userAuthorizationStyle'],
      ['connectivity', 'connectionRequiredForActiveMembers'],
      [],
    )
    .map((names) => Object.fromEntries(names.map((name) => [name, true]))),
}).map((system) =>
  sampleTemplate(system, { roleTypes: { squad: { roles: { leader: { max: 1 }, scout: {} } } } }),
);

/** One step of a history: time passes, then a user writes, or only reads. */
export type Step = {
  readonly waitMs: Milliseconds;
  readonly body: JsonObject | undefined;
  readonly by: Caller;
  readonly granted: boolean;
  readonly followed: boolean;
};

/** A player, at times with a token from another device or title. */
const anyPlayer: fc.Arbitrary<Caller> = fc
  .tuple(
    fc.constantFrom(...players),
    fc.constantFrom({}, {}, {}, { deviceId: 'device-9' }, { titleId: '99' }),
  )
  .map(([player, more]) => (player.kind === 'user' ? { ...player, ...more } : player));

const anyStep: fc.Arbitrary<Step> = fc
  .tuple(
    fc.constantFrom(0, 0, 0, 0, 0, 1, 999, 1_000, 30_000),
    anyPlayer,
    fc.boolean(),
    fc.boolean(),
  )
  .chain(([waitMs, by, granted, followed]) =>
    fc
      .option(by.kind === 'user' ? anyUserBody : anyServiceBody, { nil: undefined, freq: 6 })
      .map((body) => ({ waitMs, by, granted, followed, body })),
  );

/** The writes of a session's life, and the template it is made from. */
export type Plot = { readonly template: SessionTemplate; readonly steps: readonly Step[] };

export const anyPlot: fc.Arbitrary<Plot> = fc.record({
  template: anyTemplate,
  steps: fc.array(anyStep, { minLength: 1, maxLength: 24, size: 'max' }),
});

/** The session after timeouts or one write. */
export type Turn = {
  readonly nowMs: Milliseconds;
  readonly before: Session | undefined;
  /** As `before` when the write was refused or changed nothing. */
  readonly after: Session | undefined;
} & (
  | { readonly cause: 'time' }
  | {
      readonly cause: 'write';
      readonly body: JsonObject;
      readonly circumstances: Circumstances;
      readonly decision: WriteDecision | Refusal;
    }
);

/**
 * What the steps make of the session, as the directory would do it: timeouts applied until nothing is due,
 * then written. All that is handed to the domain core is frozen.
 *
 * A history may go on from where another one has led.
 */
export function play(
  { template, steps }: Plot,
  begun?: { readonly session: Session; readonly nowMs: Milliseconds },
): readonly Turn[] {
  const turns: Turn[] = [];
  let session = begun?.session;
  let nowMs = begun?.nowMs ?? startMs;
  let lives = 0;
  const put = (turn: Turn): void => {
    turns.push(turn);
    session = turn.after && deepFreeze(turn.after);
  };
  for (const { waitMs, body, by, granted, followed } of steps) {
    nowMs += waitMs;
    // A member moves two steps at most, and then an empty session ends.
    for (let step = 0; session !== undefined && isDue(session, nowMs); step += 1) {
      assert.ok(step < 3, 'timeouts do not come to an end');
      put({ cause: 'time', nowMs, before: session, after: applyTimeouts(session, nowMs) });
    }
    if (body === undefined) continue;
    lives += 1;
    const circumstances = {
      by,
      nowMs,
      template: deepFreeze(template),
      // In a history that goes on, a life is not given a branch of the one before.
      freshGuid: `17a13f76-0000-4000-800${begun ? 1 : 0}-${String(lives).padStart(12, '0')}`,
      granted,
      followed,
    };
    const decision = decide(session, deepFreeze(body), circumstances);
    const after =
      decision instanceof Refusal || decision.kind === 'absent'
        ? session
        : decision.kind === 'deleted'
          ? undefined
          : decision.session;
    put({ cause: 'write', nowMs, before: session, after, body, circumstances, decision });
  }
  return turns;
}

/** `value`, deeply frozen: writing to it throws. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
}

/** A session at the end of some history. */
export const anySession: fc.Arbitrary<Session> = anyPlot
  .map((plot) =>
    play(plot)
      .flatMap(({ after }) => after ?? [])
      .at(-1),
  )
  .filter((session) => session !== undefined);

/** An object with two of these members at most. */
function fewOf<T extends Record<string, fc.Arbitrary<unknown>>>(
  members: T,
): fc.Arbitrary<JsonObject> {
  return fc
    .uniqueArray(fc.constantFrom(...Object.keys(members)), { maxLength: 2 })
    .chain((names) =>
      fc.record(
        Object.fromEntries(names.map((name) => [name, members[name] ?? fc.constant(null)])),
      ),
    )
    .filter(isJsonObject);
}

/** An object with any of these members. */
function partOf<T extends Record<string, fc.Arbitrary<unknown>>>(
  members: T,
): fc.Arbitrary<JsonObject> {
  return fc.record(members, { requiredKeys: [] }).filter(isJsonObject);
}
