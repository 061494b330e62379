import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addressOf,
  come,
  comeWith,
  initializingTemplate,
  measurementsOf,
  seatsFor,
  tokenOf,
} from '../../testing/initialization-samples.ts';
import {
  ada,
  bert,
  cleo,
  dora,
  leave,
  me,
  referee,
  refuse,
  reserve,
  startMs,
  system,
  write,
} from '../../testing/samples.ts';
import type { UserCaller } from '../caller.ts';
import type { JsonObject } from '../json.ts';
import type { Milliseconds } from '../time.ts';
import { initializationOf } from './episode.ts';
import { initializationEvents, transitions } from './initialization.ts';
import { memberOf, type Session, type InitializationStage } from './session.ts';
import { nextDueMs, applyTimeouts } from './timeouts.ts';
import { viewSession } from './view.ts';

/** Stage and episode; none, when nothing runs. */
function stageOf(session: Session): string {
  const { stage, episode } = initializationOf(session);
  return stage === 'none' ? stage : `${stage} ${episode}`;
}

/** What a member's document shows of its initialization: episode, failure, or that it is gone. */
function fateOf(session: Session, { xuid }: UserCaller): string {
  const member = memberOf(session, xuid);
  if (member === undefined) return 'gone';
  const { initializationEpisode = '-', initializationFailure = '-' } = member;
  return `${initializationEpisode} ${initializationFailure}`;
}

function afterTimeouts(session: Session, nowMs: Milliseconds): Session {
  const after = applyTimeouts(session, nowMs);
  assert.ok(after);
  return after;
}

const metrics = { metrics: { latency: true } };
const external = { externalEvaluation: true };
const p2p = { peerToPeerRequirements: { latencyMaximum: 100, bandwidthMinimum: 1_000 } };

/** A session of Ada and Bert, both active, and perhaps more members. */
function begun(
  initialization: JsonObject = {},
  constants: JsonObject = {},
  ...others: readonly UserCaller[]
): Session {
  const template = initializingTemplate(initialization, constants);
  const created = write(undefined, comeWith(ada, bert, ...others), { template });
  return write(created, come(bert), { by: bert });
}

/** A body that writes measurements of these users. */
const measured = (users: readonly UserCaller[], measurement?: JsonObject): JsonObject =>
  me({ measurements: measurementsOf(users, measurement) });

test('a single member with nothing to measure and no evaluation is initialized at once', () => {
  const session = write(undefined, come(ada), { template: initializingTemplate() });
  assert.equal(stageOf(session), 'none');
  assert.equal(fateOf(session, ada), '- -');
  assert.equal(viewSession(session, 107)['initializing'], undefined);
});

test('joining waits until everybody of the episode is active', () => {
  const template = initializingTemplate({ membersNeededToStart: 2 });
  const created = write(undefined, comeWith(ada, bert), { template });
  assert.equal(stageOf(created), 'joining 1');
  assert.deepEqual([fateOf(created, ada), fateOf(created, bert)], ['1 -', '1 -']);
  const present = write(created, come(bert, { active: false }), { by: bert });
  assert.equal(stageOf(present), 'joining 1');
  const active = write(present, me(), { by: bert });
  assert.equal(stageOf(active), 'none');
  assert.deepEqual([fateOf(active, ada), fateOf(active, bert)], ['- -', '- -']);
});

// @source docs/wire/unknowns.md "members who are late to initialize"
test('where peers are measured, joining waits for addresses as well', () => {
  const template = initializingTemplate({}, metrics);
  const created = write(undefined, come(ada, { secureDeviceAddress: '' }), { template });
  assert.equal(stageOf(created), 'joining 1');
  const addressed = write(created, me({ secureDeviceAddress: addressOf(ada) }));
  assert.equal(stageOf(addressed), 'none', 'nobody is there to be measured');
});

test('a reservation that is not taken in time goes, and the others begin without it', () => {
  const session = begun({}, {}, cleo);
  assert.equal(stageOf(session), 'joining 1');
  assert.equal(nextDueMs(session), startMs + 1_000);
  assert.equal(applyTimeouts(session, startMs + 999), session);
  const after = afterTimeouts(session, startMs + 1_000);
  assert.equal(stageOf(after), 'none');
  assert.deepEqual([fateOf(after, ada), fateOf(after, cleo)], ['- -', 'gone']);
  assert.equal(after.changeNumber, session.changeNumber + 1);
});

// @source docs/wire/unknowns.md "members who are late to initialize"
test('who is in, but not active in time, stays and has failed', () => {
  const template = initializingTemplate({}, { readyRemovalTimeout: 500 });
  const created = write(undefined, comeWith(ada, bert), { template });
  const waiting = write(created, come(bert, { active: false, ready: true }), { by: bert });
  assert.equal(nextDueMs(waiting), startMs + 1_000, 'the ready timeout does not run in an episode');
  const after = afterTimeouts(waiting, startMs + 1_000);
  assert.deepEqual([fateOf(after, ada), fateOf(after, bert)], ['- -', '1 group']);
  assert.equal(nextDueMs(after), startMs + 500, 'and runs again after it');
  assert.equal(memberOf(afterTimeouts(after, startMs + 1_000), bert.xuid)?.status, 'inactive');
});

test('a seat of an episode outlives the reservation timeout; others do not', () => {
  const template = initializingTemplate({ joinTimeout: null }, { reservedRemovalTimeout: 500 });
  const session = write(undefined, comeWith(ada, bert), { template });
  assert.equal(nextDueMs(session), undefined);
  const both = write(session, reserve(cleo));
  assert.equal(nextDueMs(both), startMs + 500);
  const after = afterTimeouts(both, startMs + 500);
  assert.deepEqual([fateOf(after, bert), fateOf(after, cleo)], ['1 -', 'gone']);
});

test('measuring waits until each has measured each, and shows its time', () => {
  const session = begun({}, metrics);
  assert.equal(stageOf(session), 'measuring 1');
  assert.equal(nextDueMs(session), startMs + 3_000);
  const one = write(session, measured([bert]));
  assert.equal(stageOf(one), 'measuring 1');
  const both = write(one, measured([ada]), { by: bert });
  assert.equal(stageOf(both), 'none');
  assert.deepEqual([fateOf(both, ada), fateOf(both, bert)], ['- -', '- -']);
});

// @source docs/wire/unknowns.md "what measuring waits for"
test('who has not measured when the time is over fails', () => {
  const after = afterTimeouts(write(begun({}, metrics), measured([bert])), startMs + 3_000);
  assert.equal(stageOf(after), 'none');
  assert.deepEqual([fateOf(after, ada), fateOf(after, bert)], ['- -', '1 timeout']);
});

test('servers are measured instead of peers where there are only servers', () => {
  const addresses = {
    west: { secureDeviceAddress: 'QUFB' },
    east: { secureDeviceAddress: 'QUFC' },
  };
  const session = begun({}, { measurementServerAddresses: addresses });
  assert.equal(stageOf(session), 'measuring 1');
  const both = { West: { latency: 3 }, east: { latency: 30 } };
  const partly = write(session, me({ serverMeasurements: { east: { latency: 1 } } }));
  const one = write(partly, me({ serverMeasurements: both }), { by: bert });
  assert.equal(stageOf(one), 'measuring 1', 'one server is missing of Ada');
  assert.equal(stageOf(write(one, me({ serverMeasurements: both }))), 'none');
  const after = afterTimeouts(partly, startMs + 3_000);
  assert.deepEqual([fateOf(after, ada), fateOf(after, bert)], ['- -', '1 timeout']);
});

// @source docs/wire/unknowns.md "what measuring waits for"
test('a measurement without numbers means that the peer was not reached', () => {
  const session = begun({ membersNeededToStart: 0 }, p2p);
  const one = write(session, measured([bert], {}));
  const both = write(one, measured([ada], {}), { by: bert });
  assert.equal(stageOf(both), 'none');
  assert.deepEqual([fateOf(both, ada), fateOf(both, bert)], ['- -', '1 network']);
});

// @source docs/wire/unknowns.md "after a failed first episode"
test('the first episode fails for good when too few pass', () => {
  const session = begun({ membersNeededToStart: 2 }, p2p);
  const slow = { latency: 101, bandwidthDown: 1_000, bandwidthUp: 1_000 };
  const one = write(session, measured([bert], slow));
  const failed = write(one, measured([ada], slow), { by: bert, nowMs: startMs + 7 });
  assert.equal(stageOf(failed), 'failed 1');
  assert.deepEqual([fateOf(failed, ada), fateOf(failed, bert)], ['1 episode', '1 latency']);
  assert.deepEqual(viewSession(failed, 107)['initializing'], {
    stage: 'failed',
    stageStartTime: '2016-09-20T20:50:00.5250000Z',
    episode: 1,
  });
  assert.equal(nextDueMs(failed), undefined);
  const late = write(failed, come(cleo), { by: cleo });
  assert.equal(stageOf(late), 'failed 1');
  assert.equal(fateOf(late, cleo), '- -');
  assert.equal(memberOf(late, cleo.xuid)?.initialize, true);
});

test('the first episode fails as soon as too few have come', () => {
  const template = initializingTemplate({ membersNeededToStart: 2 }, metrics);
  const created = write(undefined, comeWith(ada, bert), { template });
  const after = afterTimeouts(created, startMs + 1_000);
  assert.equal(stageOf(after), 'failed 1');
  assert.deepEqual([fateOf(after, ada), fateOf(after, bert)], ['1 episode', 'gone']);
});

// @source docs/wire/unknowns.md "whom a later episode measures"
test('who comes while an episode runs waits for the next, which then begins', () => {
  const session = begun({}, metrics);
  const later = write(session, come(cleo), { by: cleo, nowMs: startMs + 10 });
  assert.equal(fateOf(later, cleo), '2 -');
  assert.equal(stageOf(later), 'measuring 1');
  const one = write(later, measured([bert]));
  const next = write(one, measured([ada]), { by: bert, nowMs: startMs + 20 });
  assert.equal(stageOf(next), 'measuring 2');
  assert.equal(nextDueMs(next), startMs + 20 + 3_000);
  assert.deepEqual([fateOf(next, bert), fateOf(next, cleo)], ['- -', '2 -']);
  // She measures the present members; they do not measure her.
  const partly = write(next, measured([bert]), { by: cleo });
  assert.equal(stageOf(partly), 'measuring 2');
  assert.equal(stageOf(write(partly, measured([ada, bert]), { by: cleo })), 'none');
});

test('a later episode that fails marks its own members only', () => {
  const first = write(undefined, come(ada), { template: initializingTemplate({}, p2p) });
  const joined = write(first, come(bert), { by: bert });
  assert.equal(stageOf(joined), 'measuring 2');
  const after = afterTimeouts(joined, startMs + 3_000);
  assert.equal(stageOf(after), 'none');
  assert.deepEqual([fateOf(after, ada), fateOf(after, bert)], ['- -', '2 timeout']);
  assert.equal(stageOf(write(after, come(cleo), { by: cleo })), 'measuring 3');
});

// @source docs/wire/unknowns.md "after a failed first episode"
test('who waits while the first episode fails has failed with it', () => {
  const session = begun({ membersNeededToStart: 2, ...external }, {});
  const waiting = write(session, { members: seatsFor(cleo) });
  assert.deepEqual([stageOf(waiting), fateOf(waiting, cleo)], ['evaluating 1', '2 -']);
  const failed = write(waiting, system({ initializationSucceeded: false }));
  assert.equal(stageOf(failed), 'failed 1');
  assert.equal(fateOf(failed, cleo), '2 episode');
  assert.equal(nextDueMs(failed), startMs + 30_000, 'and its seat is held no longer');
});

// @source docs/wire/unknowns.md "how an external evaluation ends"
test('the title evaluates: accepted, rejected, silent', () => {
  const session = begun(external);
  assert.equal(stageOf(session), 'evaluating 1');
  assert.equal(nextDueMs(session), startMs + 5_000);
  const accepted = write(session, system({ initializationSucceeded: true }));
  assert.deepEqual([stageOf(accepted), fateOf(accepted, ada)], ['none', '- -']);
  assert.equal(accepted.changeNumber, session.changeNumber + 1);
  const rejected = write(session, system({ initializationSucceeded: false }), { by: bert });
  assert.deepEqual([stageOf(rejected), fateOf(rejected, ada)], ['failed 1', '1 episode']);
  const silent = afterTimeouts(session, startMs + 5_000);
  assert.deepEqual([stageOf(silent), fateOf(silent, ada)], ['failed 1', '1 timeout']);
  assert.equal(viewSession(accepted, 107)['initializing'], undefined);
  const again = refuse(accepted, system({ initializationSucceeded: true }));
  assert.equal(again.code, 'initializationNotEvaluating');
  assert.equal(write(accepted, system({ initializationSucceeded: null })), accepted);
});

test('later episodes need no number of members', () => {
  const session = begun({ membersNeededToStart: 2 });
  const joined = write(session, come(cleo), { by: cleo });
  assert.deepEqual([stageOf(joined), fateOf(joined, cleo)], ['none', '- -']);
});

// @source docs/wire/unknowns.md "whom a later episode measures"
test('who comes to a running episode without taking part need not be measured', () => {
  const session = begun({}, metrics);
  const beside = me({ active: true, secureDeviceAddress: addressOf(cleo) });
  const joined = write(session, beside, { by: cleo, nowMs: startMs + 1 });
  const one = write(joined, measured([bert]), { nowMs: startMs + 2 });
  const both = write(one, measured([ada]), { by: bert, nowMs: startMs + 2 });
  assert.equal(stageOf(both), 'none');
  // By the next episode she is present, and to be measured.
  const next = write(both, come(dora), { by: dora, nowMs: startMs + 3 });
  const partly = write(next, measured([ada, bert]), { by: dora, nowMs: startMs + 4 });
  assert.equal(stageOf(partly), 'measuring 2');
});

test('a later episode that the title rejects leaves the session as it is', () => {
  const first = write(begun(external), system({ initializationSucceeded: true }));
  const joined = write(first, come(cleo), { by: cleo });
  assert.equal(stageOf(joined), 'evaluating 2');
  const rejected = write(joined, system({ initializationSucceeded: false }), { by: referee });
  assert.equal(stageOf(rejected), 'none');
  assert.deepEqual([fateOf(rejected, ada), fateOf(rejected, cleo)], ['- -', '2 episode']);
});

test('who leaves is waited for no longer', () => {
  const joining = begun({}, {}, cleo);
  const declined = write(joining, leave, { by: cleo });
  assert.equal(stageOf(declined), 'none');
  const measuring = write(begun({}, metrics), measured([bert]));
  assert.equal(stageOf(write(measuring, leave, { by: bert })), 'none');
});

// @source docs/wire/unknowns.md "after a failed first episode"
test('an episode that everybody leaves is over', () => {
  const template = initializingTemplate({ ...external }, { sessionEmptyTimeout: 60_000 });
  const session = write(undefined, come(ada), { template });
  const empty = write(session, leave);
  assert.equal(stageOf(empty), 'failed 1');
  assert.equal(nextDueMs(empty), startMs + 60_000);
});

test('a group fails as a whole when one of it does', () => {
  const together = write(begun({}, {}, cleo, dora), me({ initializationGroup: [2] }));
  const three = write(together, come(dora), { by: dora });
  const after = afterTimeouts(three, startMs + 1_000);
  assert.equal(stageOf(after), 'none');
  assert.deepEqual(
    [ada, bert, cleo, dora].map((user) => fateOf(after, user)),
    ['1 group', '- -', 'gone', '- -'],
  );
});

// @source docs/wire/unknowns.md "a reservation without initialize"
test('a reservation without initialize does not keep its user from being initialized', () => {
  const template = initializingTemplate({ membersNeededToStart: 0, ...external });
  const seats = write(undefined, reserve(ada, bert), { template, by: referee });
  assert.equal(stageOf(seats), 'none');
  assert.equal(stageOf(write(seats, me())), 'none');
  const session = write(seats, come(bert), { by: bert });
  assert.equal(stageOf(session), 'evaluating 1');
  assert.equal(fateOf(session, bert), '1 -');
});

test('a session is not created with fewer members to initialize than it needs', () => {
  const template = initializingTemplate({ membersNeededToStart: 2 });
  const few = {
    members: { ...(comeWith(ada).members as JsonObject), ...(reserve(bert).members as JsonObject) },
  };
  const refusal = refuse(undefined, few, { template });
  assert.equal(refusal.code, 'initializationMembersNeeded');
  assert.match(refusal.text, /needs 2 members .* brings 1/);
  assert.equal(write(undefined, comeWith(ada, bert), { template }).members.length, 2);
  const alone = { template: initializingTemplate({ membersNeededToStart: 0 }) };
  assert.equal(stageOf(write(undefined, me(), alone)), 'none');
});

const p2h = {
  peerToHostRequirements: {
    latencyMaximum: 100,
    bandwidthDownMinimum: 1_000,
    bandwidthUpMinimum: 1_000,
  },
};

function withCandidates(): Session {
  const session = begun({}, p2h);
  const one = write(session, measured([bert]));
  return write(one, measured([ada]), { by: bert });
}

test('the first episode offers hosts, until there is one or they leave', () => {
  const session = withCandidates();
  assert.deepEqual(viewSession(session, 107)['hostCandidates'], [tokenOf(ada), tokenOf(bert)]);
  assert.equal(write(session, system({ host: 'nobody' })), session, 'nobody is no host');
  const left = write(session, leave);
  assert.deepEqual(left.hostCandidates, [tokenOf(bert)]);
  const hosted = write(session, system({ host: tokenOf(bert) }));
  assert.equal(hosted.hostCandidates, undefined);
  const hostLeft = write(hosted, leave, { by: bert });
  assert.equal(hostLeft.hostCandidates, undefined, 'they do not come back');
});

test('where a host is set, members measure it alone and no others are offered', () => {
  const session = write(begun({}, p2h, cleo), system({ host: tokenOf(bert) }));
  const all = write(session, come(cleo), { by: cleo });
  const one = write(all, measured([bert]));
  assert.equal(stageOf(one), 'measuring 1');
  const two = write(one, measured([bert]), { by: cleo });
  assert.equal(stageOf(two), 'none');
  assert.equal(two.hostCandidates, undefined);
  assert.deepEqual(
    [ada, bert, cleo].map((user) => fateOf(two, user)),
    ['- -', '- -', '- -'],
  );
});

test('later episodes offer no hosts', () => {
  const template = initializingTemplate({ membersNeededToStart: 0 }, p2h);
  const alone = write(undefined, come(ada, { secureDeviceAddress: '' }), { template });
  const first = afterTimeouts(alone, startMs + 1_000);
  assert.deepEqual([stageOf(first), fateOf(first, ada)], ['none', '1 group']);
  const second = write(first, come(bert), { by: bert, nowMs: startMs + 2_000 });
  assert.equal(stageOf(second), 'none');
  assert.equal(second.hostCandidates, undefined);
});

/** What each event does in each stage: nothing, something, or a refusal. */
const table: Readonly<Record<InitializationStage, readonly string[]>> = {
  none: ['moves', 'stays', 'stays', 'refused', 'refused'],
  joining: ['stays', 'moves', 'moves', 'refused', 'refused'],
  measuring: ['stays', 'moves', 'moves', 'refused', 'refused'],
  evaluating: ['stays', 'moves', 'moves', 'moves', 'moves'],
  failed: ['stays', 'stays', 'stays', 'refused', 'refused'],
};

for (const [stage, does] of Object.entries(table)) {
  test(`in stage ${stage} each event does what it may`, () => {
    const row = transitions[stage as InitializationStage];
    const cells = initializationEvents.map((event) => row[event]);
    assert.deepEqual(
      cells.map((cell) => (typeof cell === 'function' ? 'moves' : cell)),
      does,
    );
  });
}
