import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  anyPlot,
  anySession,
  anyUserBody,
  play,
  players,
  type Turn,
} from '../../testing/arbitraries.ts';
import { decide, notRefused } from '../../testing/samples.ts';
import { xuidOf, type UserCaller } from '../caller.ts';
import {
  formatJson,
  isJsonObject,
  jsonEquals,
  parseExactJson,
  type Json,
  type JsonObject,
} from '../json.ts';
import { Refusal } from '../refusal.ts';
import { etagOf } from './etag.ts';
import { restrictionsOf } from './properties.ts';
import { acceptedMemberOf, type Session } from './session.ts';
import { nextDueMs } from './timeouts.ts';
import { viewProperties, viewSession } from './view.ts';
import { Hits } from '../../testing/hits.ts';
import { sessionShownBy } from './refusal-with-session.ts';

type WriteTurn = Extract<Turn, { cause: 'write' }>;

/** Checks every turn of many histories. */
function everyTurn(check: (turn: Turn) => void): void {
  fc.assert(
    fc.property(anyPlot, (plot) => {
      for (const turn of play(plot)) check(turn);
    }),
  );
}

function everyWrite(check: (turn: WriteTurn) => void): void {
  everyTurn((turn) => {
    if (turn.cause === 'write') check(turn);
  });
}

function everySession(check: (session: Session) => void): void {
  everyTurn(({ after }) => after && check(after));
}

/** The document without what every change changes. */
function seenOf(session: Session, contractVersion: number): JsonObject {
  const { changeNumber, ...seen } = viewSession(session, contractVersion);
  return seen;
}

const at = (value: Json | undefined, key: string): Json | undefined =>
  isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;

// Kills: reserveSeats that does not skip members; withStatus that restarts the time of the same
// status; a second member for a user who is one already.
test('a write twice is a write once: the second finds nothing to do', () => {
  const hits = new Hits();
  everyWrite(({ body, circumstances, before, after, decision, nowMs }) => {
    if (decision instanceof Refusal || decision.kind === 'absent') return;
    if (after?.emptySinceMs !== undefined && nextDueMs(after) === nowMs + 1) return;
    const again = decide(after, body, { ...circumstances, nowMs: nowMs + 1 });
    if (after === undefined) return assert.ok(again instanceof Refusal || again.kind === 'absent');
    // A user who left, or created the session without joining, is a stranger; an index that nobody
    // had yet may be given for the first time.
    const named = Object.keys((body['members'] ?? {}) as JsonObject).map(Number);
    const names = named.some(
      (index) => index >= (before?.nextMemberIndex ?? 0) && index < after.nextMemberIndex,
    );
    if (names) return;
    hits.count();
    const xuid = circumstances.by && xuidOf(circumstances.by);
    if (again instanceof Refusal) {
      assert.ok(xuid && !acceptedMemberOf(after, xuid), `${again.code}: ${again.text}`);
    } else assert.equal(again.kind, 'unchanged');
  });
  hits.assertAtLeast(100);
});

// Kills: the change number raised for hidden facts (a device, the title of a member that is not
// active), or not raised for servers, members, or the title of an active one.
test('the etag changes exactly when the document does, be it by a write or by time', () => {
  const hits = new Hits();
  // Nothing in the document depends on the clock: nextTimer is when the next timeout is due, and
  // that follows from the stored session. So two readings of one state are one document.
  everyTurn(({ before, after }) => {
    if (before === undefined || after === undefined) return;
    hits.count();
    const same = etagOf(before) === etagOf(after);
    for (const version of [105, 107]) {
      assert.equal(jsonEquals(seenOf(before, version), seenOf(after, version)), same);
    }
    assert.equal(after.changeNumber, before.changeNumber + (same ? 0 : 1));
    assert.equal(after.branch, before.branch);
  });
  hits.assertAtLeast(150);
});

// Kills: sameDocument that compares what is stored and not what is shown (a restriction that is
// equal to the default); a "matchmaking" stored that says nothing.
test('properties that are sent back as they were read are no change, in any contract version', () => {
  const hits = new Hits();
  fc.assert(
    fc.property(anySession, fc.constantFrom(105, 107), (session, contractVersion) => {
      const member = session.members.find(({ status }) => status !== 'reserved');
      const by = players.find((one) => xuidOf(one) === member?.xuid);
      if (by === undefined) return;
      hits.count();
      const properties = viewProperties(session, contractVersion);
      const decision = notRefused(decide(session, { properties }, { by, contractVersion }));
      assert.ok('session' in decision);
      assert.equal(etagOf(decision.session), etagOf(session));
      assert.deepEqual(viewProperties(decision.session, contractVersion), properties);
    }),
    { numRuns: 200 },
  );
  hits.assertAtLeast(50);
});

// Kills: the branch kept after an end; an etag of the change number only.
test('no two documents of all lives of a session share an etag', () => {
  fc.assert(
    fc.property(anyPlot, (plot) => {
      const documents = new Map<string, JsonObject>();
      for (const { after } of play(plot)) {
        if (after === undefined) continue;
        const known = documents.get(etagOf(after));
        if (known !== undefined) assert.ok(jsonEquals(known, viewSession(after, 107)));
        documents.set(etagOf(after), viewSession(after, 107));
      }
    }),
  );
});

// Kills: nextMemberIndex counted as members.length + 1, or lowered when the last member leaves.
test('an index is never given twice within a branch', () => {
  fc.assert(
    fc.property(anyPlot, (plot) => {
      const given = new Map<string, { xuid: string; isGone: boolean }>();
      for (const { before, after } of play(plot)) {
        for (const { index } of before?.members ?? []) {
          const isGone = !after?.members.some((member) => member.index === index);
          const one = given.get(`${before?.branch}/${index}`);
          if (one && isGone) one.isGone = true;
        }
        for (const { index, xuid } of after?.members ?? []) {
          assert.ok(after && index < after.nextMemberIndex);
          const key = `${after.branch}/${index}`;
          const one = given.get(key) ?? { xuid, isGone: false };
          assert.deepEqual(one, { xuid, isGone: false });
          given.set(key, one);
        }
      }
    }),
  );
});

// Kills: withMember and removeMembers by place in the list in place of index.
test("a user's write leaves every other member as it was, and adds nobody but reservations", () => {
  const hits = new Hits();
  everyWrite(({ circumstances: { by }, before, after, decision }) => {
    if (by === undefined || by.kind !== 'user' || decision instanceof Refusal) return;
    hits.count();
    const others = (session: Session | undefined) =>
      session?.members.filter(({ xuid }) => xuid !== by.xuid) ?? [];
    const stayed = others(after).slice(0, others(before).length);
    assert.deepEqual(stayed, others(before));
    for (const added of others(after).slice(stayed.length)) assert.equal(added.status, 'reserved');
  });
  hits.assertAtLeast(80);
});

/**
 * A body that writes only the own member, without what members compete for: an address that may be
 * the host's, and roles.
 */
const anyOwnBody = anyUserBody.map(({ members }) => {
  const me = at(members, 'me');
  if (!isJsonObject(me)) return { members: { me: me ?? {} } };
  const { roles: _contested, ...own } = me;
  const properties = at(own, 'properties');
  const { secureDeviceAddress, ...system } = (at(properties, 'system') ?? {}) as JsonObject;
  const rest = isJsonObject(properties) ? properties : {};
  return { members: { me: { ...own, properties: { ...rest, system } } } };
});

// Kills: own custom properties merged with those of the first member; withMember by place.
test('two writers who change only their own members commute', () => {
  const hits = new Hits();
  fc.assert(
    fc.property(anySession, anyOwnBody, anyOwnBody, (session, first, second) => {
      const callers = players.filter((one) => acceptedMemberOf(session, xuidOf(one)) !== undefined);
      const [a, b] = callers as readonly UserCaller[];
      if (a === undefined || b === undefined) return;
      hits.count();
      const after = (...writes: readonly (readonly [UserCaller, JsonObject])[]): unknown => {
        let now: Session | undefined = session;
        const refused: string[] = [];
        for (const [by, body] of writes) {
          const decision = decide(now, body, { by });
          if (decision instanceof Refusal) refused.push(`${by.xuid} ${decision.code}`);
          else if (decision.kind === 'deleted') now = undefined;
          else if (decision.kind !== 'absent') now = decision.session;
        }
        return { refused: refused.sort(), document: now && viewSession(now, 107) };
      };
      assert.deepEqual(after([a, first], [b, second]), after([b, second], [a, first]));
    }),
    { numRuns: 200 },
  );
  hits.assertAtLeast(10);
});

// Kills: members.push in withNewMember. All inputs are frozen, so a change in place throws.
test('a decision changes nothing that it is given, least of all a refusal', () => {
  const hits = new Hits();
  everyWrite(({ before, after, decision }) => {
    if (!(decision instanceof Refusal)) return;
    hits.count();
    assert.equal(after, before);
    assert.ok(sessionShownBy(decision) === undefined || sessionShownBy(decision) === before);
  });
  hits.assertAtLeast(90);
});

// Kills: Object.assign onto the current custom (it loses "__proto__" and keeps nulls); the custom of
// the request in place of the merged one; custom merged into that of another member.
test('title data that a write names is there byte for byte, what it does not name stays', () => {
  const hits = new Hits();
  const check = (before: JsonObject, after: JsonObject, patch: Json | undefined): void => {
    const given = isJsonObject(patch) ? patch : {};
    for (const [key, value] of Object.entries(given)) {
      assert.equal(formatJson(at(after, key)), value === null ? undefined : formatJson(value));
    }
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      if (!Object.hasOwn(given, key)) assert.deepEqual(at(after, key), at(before, key));
    }
  };
  everyWrite(({ body, circumstances: { by }, before, after, decision }) => {
    if (decision instanceof Refusal || after === undefined) return;
    check(
      before?.properties.custom ?? {},
      after.properties.custom,
      at(at(body, 'properties'), 'custom'),
    );
    const xuid = by && xuidOf(by);
    const own = acceptedMemberOf(after, xuid);
    if (own === undefined) return;
    hits.count();
    const was = before && acceptedMemberOf(before, xuid);
    const written = at(at(at(at(body, 'members'), 'me'), 'properties'), 'custom');
    check(was?.properties.custom ?? {}, own.properties.custom, written);
  });
  hits.assertAtLeast(60);
});

// Kills: deviceToken: undefined set on members.
test('a session is plain JSON: a store gives back what it was given', () => {
  everySession((session) => {
    assert.deepEqual(parseExactJson(formatJson(session)), session);
  });
});

// Kills: withKnownHost left out after the members are written; turns kept when a member goes;
// reserveSeats without its limit; locked kept when a session opens; keywords on a private session;
// emptySinceMs not set when the last member goes.
test('what a session says fits together, whatever was written', () => {
  everySession((session) => {
    const { members, properties, constants } = session;
    const { host, turn = [], locked, closed, keywords } = properties.system;
    const { maxMembersCount, visibility, capabilities } = constants.system;
    const indexes = members.map(({ index }) => index);
    assert.deepEqual(
      indexes,
      [...new Set(indexes)].sort((a, b) => a - b),
    );
    assert.equal(new Set(members.map(({ xuid }) => xuid)).size, members.length);
    assert.ok(members.length <= maxMembersCount);
    assert.equal(session.emptySinceMs === undefined, members.length > 0);
    assert.ok(host === undefined || members.some(({ deviceToken }) => deviceToken === host));
    assert.ok(turn.every((index) => indexes.includes(index)));
    assert.ok(locked !== true || closed === true);
    assert.ok(visibility !== 'private' || (keywords ?? []).length === 0);
    const { join, read } = restrictionsOf(session);
    assert.ok(!capabilities.userAuthorizationStyle || (join !== 'none' && read !== 'none'));
    for (const { status, deviceToken, properties: own } of members) {
      assert.equal(deviceToken === undefined, own.system.secureDeviceAddress === undefined);
      assert.ok(
        !capabilities.connectionRequiredForActiveMembers ||
          status !== 'active' ||
          own.system.connection !== undefined,
      );
    }
  });
});

// Kills: mayWriteAsMember not called; a reservation for the caller made into a member at once.
test('every member joined by itself or was reserved by a member or a service', () => {
  const hits = new Hits();
  everyWrite(({ body, circumstances: { by }, before, after }) => {
    if (by === undefined || before === undefined) return;
    hits.count();
    for (const { xuid, status } of after?.members ?? []) {
      const was = before.members.find((member) => member.xuid === xuid);
      if (was?.status === status) continue;
      if (status !== 'reserved') assert.equal(xuid, xuidOf(by));
      else {
        const joins = at(at(body, 'members'), 'me') !== undefined;
        assert.ok(by.kind === 'service' || joins || acceptedMemberOf(before, by.xuid));
      }
    }
  });
  hits.assertAtLeast(150);
});
