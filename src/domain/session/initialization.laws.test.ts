import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { deepFreeze } from '../../testing/arbitraries.ts';
import {
  addressOf,
  initializingTemplate,
  measurementsOf,
  tokenOf,
} from '../../testing/initialization-samples.ts';
import { decide, referee, sampleUser, startMs } from '../../testing/samples.ts';
import type { Caller, UserCaller } from '../caller.ts';
import { formatJson, jsonEquals, parseExactJson, type Json, type JsonObject } from '../json.ts';
import { Refusal } from '../refusal.ts';
import type { Milliseconds } from '../time.ts';
import { initializationOf, isInitializing, membersOfEpisode } from './episode.ts';
import { etagOf } from './etag.ts';
import { advanceInitialization } from './initialization.ts';
import type { Session } from './session.ts';
import type { SessionTemplate } from './template.ts';
import { nextDueMs, applyTimeouts } from './timeouts.ts';
import { viewSession } from './view.ts';
import { Hits } from '../../testing/hits.ts';

/** Few, so that they meet; the last two share a device. */
const players: readonly UserCaller[] = [1, 2, 3, 4, 5].map((n) =>
  sampleUser(n, `Player ${n}`, { deviceId: `device-${Math.min(n, 4)}` }),
);

const anyStageTimeout = fc.constantFrom(0, 1, 1_000, 3_000);

/** Every stage has a timeout. */
const anyTemplate: fc.Arbitrary<SessionTemplate> = fc
  .record({
    joinTimeout: anyStageTimeout,
    measurementTimeout: anyStageTimeout,
    evaluationTimeout: anyStageTimeout,
    externalEvaluation: fc.constantFrom(true, true, false),
    membersNeededToStart: fc.nat(2),
    system: fc
      .tuple(
        fc.constantFrom<JsonObject>(
          {},
          { metrics: { latency: true } },
          { measurementServerAddresses: { west: { secureDeviceAddress: 'QUFB' } } },
          { peerToPeerRequirements: { latencyMaximum: 100, bandwidthMinimum: 1_000 } },
          { peerToHostRequirements: { latencyMaximum: 100 } },
        ),
        fc.constantFrom<Json>(0, 1_000, null),
      )
      .map(([measuring, timeout]) => ({
        ...measuring,
        reservedRemovalTimeout: timeout,
        readyRemovalTimeout: timeout,
        inactiveRemovalTimeout: timeout,
        sessionEmptyTimeout: 60_000,
        maxMembersCount: 5,
      })),
  })
  .map(({ system, ...initialization }) => initializingTemplate(initialization, system));

const anyInitialize = fc.constantFrom(true, true, true, undefined);

const anyMeasurement = fc.constantFrom<JsonObject>(
  { latency: 20, bandwidthDown: 200_000, bandwidthUp: 200_000 },
  { latency: 20, bandwidthDown: 200_000, bandwidthUp: 200_000 },
  { latency: 101, bandwidthDown: 200_000, bandwidthUp: 200_000 },
  { latency: 20, bandwidthDown: 1, bandwidthUp: 1 },
  {},
);

function systemOf(user: UserCaller): fc.Arbitrary<JsonObject> {
  const others = players.filter(({ deviceId }) => deviceId !== user.deviceId);
  return fc.record(
    {
      active: fc.constantFrom(true, true, true, false),
      secureDeviceAddress: fc.constantFrom(addressOf(user), addressOf(user), ''),
      initializationGroup: fc.subarray([0, 1, 2, 3], { maxLength: 2 }),
      measurements: fc
        .tuple(fc.subarray(others, { minLength: 2 }), anyMeasurement)
        .map(([measured, measurement]) => measurementsOf(measured, measurement)),
      serverMeasurements: fc.constantFrom({ west: { latency: 3 } }, {}),
    },
    { requiredKeys: ['active', 'secureDeviceAddress'] },
  );
}

function memberBody(user: UserCaller): fc.Arbitrary<JsonObject> {
  return fc.tuple(anyInitialize, systemOf(user)).map(([initialize, system]) => ({
    ...(initialize && { constants: { system: { initialize } } }),
    properties: { system },
  }));
}

const anySeats: fc.Arbitrary<JsonObject> = fc
  .tuple(fc.subarray([...players], { maxLength: 3 }), anyInitialize)
  .map(([seated, initialize]) =>
    Object.fromEntries(
      seated.map(({ xuid }, n) => [
        `reserve_${n}`,
        { constants: { system: { xuid, ...(initialize && { initialize }) } } },
      ]),
    ),
  );

const anyProperties = fc.constantFrom<JsonObject>(
  {},
  {},
  {},
  { initializationSucceeded: true },
  { initializationSucceeded: false },
  { host: tokenOf(players[0] as UserCaller) },
  { host: 'nobody' },
);

type Step = { readonly waitMs: Milliseconds; readonly by: Caller; readonly body: JsonObject };

const anyStep: fc.Arbitrary<Step> = fc
  .constantFrom<Caller>(...players, ...players, referee)
  .chain((by) =>
    fc
      .record({
        waitMs: fc.constantFrom(0, 0, 0, 1, 999, 1_000, 3_000),
        own:
          by.kind === 'user'
            ? fc.oneof(
                { weight: 6, arbitrary: memberBody(by).map((me) => ({ me })) },
                { weight: 1, arbitrary: fc.constant({ me: null }) },
              )
            : fc.oneof(
                fc.constant({}),
                fc.nat(6).map((index) => ({ [index]: null })),
              ),
        seats: fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, anySeats),
        system: anyProperties,
      })
      .map(({ waitMs, own, seats, system }) => ({
        waitMs,
        by,
        body: { members: { ...own, ...seats }, properties: { system } } as JsonObject,
      })),
  );

/** A member writes the result of an external evaluation, and nothing else. */
const anyVerdict: fc.Arbitrary<Step> = fc
  .tuple(fc.constantFrom<Caller>(...players, referee), fc.boolean())
  .map(([by, initializationSucceeded]) => ({
    waitMs: 0,
    by,
    body: { properties: { system: { initializationSucceeded } } },
  }));

const anyPlot = fc.record({
  template: anyTemplate,
  steps: fc.array(
    fc.oneof({ weight: 4, arbitrary: anyStep }, { weight: 1, arbitrary: anyVerdict }),
    { minLength: 1, maxLength: 24, size: 'max' },
  ),
});

type Turn = {
  readonly before: Session | undefined;
  readonly after: Session | undefined;
  readonly nowMs: Milliseconds;
  readonly refused?: true;
};

/** More than the stages of episodes and steps of members that can be due at one instant. */
const stepsMax = 40;

/** What becomes of a session as the directory would do it: timeouts applied until nothing is due, then the write. */
function play({ template, steps }: { template: SessionTemplate; steps: readonly Step[] }): Turn[] {
  const turns: Turn[] = [];
  let session: Session | undefined;
  let nowMs = startMs;
  for (const [n, { waitMs, by, body }] of steps.entries()) {
    nowMs += waitMs;
    session = pass(turns, session, nowMs);
    const freshGuid = `17a13f76-0000-4000-8000-${String(n).padStart(12, '0')}`;
    const decision = decide(session, deepFreeze(body), { by, nowMs, template, freshGuid });
    const before: Session | undefined = session;
    if (decision instanceof Refusal) {
      turns.push({ before, after: before, nowMs, refused: true });
      continue;
    }
    if (decision.kind !== 'absent') {
      session = decision.kind === 'deleted' ? undefined : deepFreeze(decision.session);
    }
    turns.push({ before, after: session, nowMs });
  }
  return turns;
}

function pass(turns: Turn[], begun: Session | undefined, nowMs: Milliseconds): Session | undefined {
  let session = begun;
  for (let n = 0; session !== undefined && (nextDueMs(session) ?? Infinity) <= nowMs; n += 1) {
    assert.ok(n < stepsMax, 'timeouts do not come to an end');
    const after: Session | undefined = deepFreeze(applyTimeouts(session, nowMs));
    turns.push({ before: session, after, nowMs });
    session = after;
  }
  return session;
}

function everyTurn(check: (turn: Turn) => void): void {
  fc.assert(
    fc.property(anyPlot, (plot) => {
      for (const turn of play(plot)) check(turn);
    }),
    { numRuns: 150 },
  );
}

// Kills: evaluating without a timeout; waiting members without a next episode; stages left out of
// nextDueMs; members left waiting when the first episode has failed.
test('an episode always ends: left alone, every session comes to rest within bounded steps', () => {
  const hits = new Hits();
  fc.assert(
    fc.property(anyPlot, (plot) => {
      const last = play(plot).at(-1);
      let session = last?.after;
      for (let step = 0; session !== undefined; step += 1) {
        const dueMs = nextDueMs(session);
        if (dueMs === undefined) break;
        assert.ok(step < stepsMax, 'time does not bring it to rest');
        session = applyTimeouts(session, Math.max(dueMs, last?.nowMs ?? 0));
      }
      if (session === undefined) return;
      hits.count();
      assert.ok(['none', 'failed'].includes(initializationOf(session).stage));
      assert.deepEqual(session.members.filter(isInitializing), []);
    }),
    { numRuns: 150 },
  );
  hits.assertAtLeast(20);
});

// Kills: another episode for a member that takes its reservation.
test('no member is in two episodes', () => {
  fc.assert(
    fc.property(anyPlot, (plot) => {
      const episodeOf = new Map<string, number>();
      for (const { after } of play(plot)) {
        for (const { index, initializationEpisode: episode, ...member } of after?.members ?? []) {
          if (episode === undefined) continue;
          const key = `${after?.branch} ${index}`;
          // Only a reservation that asked for nothing may get an episode later, from none to one.
          assert.equal(episodeOf.get(key) ?? episode, episode, member.xuid);
          episodeOf.set(key, episode);
        }
      }
    }),
    { numRuns: 150 },
  );
});

const order = ['joining', 'measuring', 'evaluating'];

// Kills: failed members counted in the episode; episode 2 that fails the session; members left
// waiting when it has failed; a passing member's episode kept; candidates kept beside a host.
test('stages follow each other, and what is stored of them fits together', () => {
  const hits = new Hits();
  everyTurn(({ before, after }) => {
    if (after === undefined) return;
    hits.count();
    const { stage, episode } = initializationOf(after);
    if (before !== undefined && before.branch === after.branch) {
      const was = initializationOf(before);
      assert.ok(episode >= was.episode);
      if (was.stage === 'failed') assert.equal(stage, 'failed');
      if (episode === was.episode && was.stage === 'none') assert.equal(stage, 'none');
      if (episode === was.episode && order.includes(stage)) {
        assert.ok(order.indexOf(stage) >= order.indexOf(was.stage));
        assert.ok(
          order.indexOf(stage) > order.indexOf(was.stage) ||
            jsonEquals(after.initialization, before.initialization),
        );
      }
    }
    if (stage === 'failed') assert.equal(episode, 1);
    for (const { initialize, ...member } of after.members) {
      const { initializationEpisode: own, initializationFailure: failure } = member;
      assert.ok(own === undefined || initialize === true);
      assert.ok(failure === undefined || own !== undefined);
      if (isInitializing({ ...member, xuid: member.xuid })) {
        assert.notEqual(stage, 'failed');
        assert.ok(
          own === episode + 1 ? stage !== 'none' : own === episode && order.includes(stage),
        );
      }
    }
    if (order.includes(stage)) assert.ok(membersOfEpisode(after, episode).length > 0);
    if (after.hostCandidates) {
      assert.equal(after.properties.system.host, undefined);
      assert.notEqual(stage, 'failed');
      const tokens = after.members.map(({ deviceToken }) => deviceToken);
      assert.ok(after.hostCandidates.every((token) => tokens.includes(token)));
    }
  });
  hits.assertAtLeast(350);
});

// Kills: advanceInitialization left out of applyTimeouts, or one step of it only; a stage left before the
// host is known.
test('between writes nothing is left to do: advancing again changes nothing', () => {
  everyTurn(({ after, nowMs }) => {
    if (after) assert.equal(advanceInitialization(after, nowMs), after);
  });
});

// Kills: a write after which only episodes and failures of members differ taken for no change.
test('the etag changes exactly when the document does', () => {
  const hits = new Hits();
  everyTurn(({ before, after }) => {
    if (before === undefined || after === undefined) return;
    hits.count();
    const seen = (session: Session): JsonObject => {
      const { changeNumber: _, ...rest } = viewSession(session, 107);
      return rest;
    };
    assert.equal(jsonEquals(seen(before), seen(after)), etagOf(before) === etagOf(after));
  });
  hits.assertAtLeast(350);
});

// Kills: undefined stored for the episode of a member that passed.
test('a session that initializes its members is plain JSON', () => {
  everyTurn(({ after }) => {
    if (after) assert.deepEqual(parseExactJson(formatJson(after)), after);
  });
});

// Kills: a stage whose end does nothing; timeouts that leave the initialization alone.
test('the due time is exactly the first at which timeouts change something', () => {
  const hits = new Hits();
  everyTurn(({ after, nowMs }) => {
    if (after === undefined) return;
    const dueMs = nextDueMs(after);
    if (dueMs === undefined) return assert.equal(applyTimeouts(after, nowMs + 3_600_000), after);
    hits.count();
    assert.equal(applyTimeouts(after, dueMs - 1), after);
    assert.notEqual(applyTimeouts(after, dueMs), after);
  });
  hits.assertAtLeast(150);
});
