import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { play, type Turn } from '../../testing/arbitraries.ts';
import { decide, notRefused } from '../../testing/samples.ts';
import { anyRuledPlot } from '../../testing/ruled-plots.ts';
import { isJsonObject, jsonEquals, type JsonObject } from '../json.ts';
import { Refusal } from '../refusal.ts';
import { managesSession } from './owners.ts';
import type { Member } from './session.ts';
import { viewMembersInfo, viewSession } from './view.ts';
import { Hits } from '../../testing/hits.ts';

/** Checks every turn of many histories with owners and roles. */
function everyTurn(check: (turn: Turn) => void): void {
  fc.assert(
    fc.property(anyRuledPlot, (plot) => {
      for (const turn of play(plot)) check(turn);
    }),
    { numRuns: 200 },
  );
}

type RoleDocument = { readonly max?: number; count: number; memberXuids: readonly string[] };

/** The roles of each type of a document. */
function rolesOf(document: JsonObject): readonly (readonly RoleDocument[])[] {
  const { roleTypes = {} } = document;
  assert.ok(isJsonObject(roleTypes));
  return Object.values(roleTypes).map((type) =>
    Object.values((type as { roles: Record<string, RoleDocument> }).roles),
  );
}

// Kills: mayHoldRoles left out, or asked of assignments alone and not of a lowered max; roles kept
// of members who went; a member counted in two roles of one type.
test('no role has more members than its max, no type more than the session, all are members', () => {
  const hits = new Hits();
  everyTurn(({ after }) => {
    if (after === undefined) return;
    hits.count();
    const xuids = new Set(after.members.map(({ xuid }) => xuid));
    for (const roles of rolesOf(viewSession(after, 107))) {
      const counts = roles.map(({ count, max = Infinity, memberXuids }) => {
        assert.ok(count <= max);
        assert.equal(count, memberXuids.length);
        assert.ok(memberXuids.every((xuid) => xuids.has(xuid)));
        return count;
      });
      assert.ok(counts.reduce((sum, count) => sum + count, 0) <= after.members.length);
    }
  });
  hits.assertAtLeast(400);
});

// Kills: a role of a member that no role type has; roles: {} stored for none.
test('what members are is among the roles of the session', () => {
  everyTurn(({ after }) => {
    for (const { roles } of after?.members ?? []) {
      if (roles === undefined) continue;
      assert.ok(Object.keys(roles).length > 0);
      for (const [type, role] of Object.entries(roles)) {
        assert.ok(after?.roleTypes?.[type]?.roles[role] !== undefined);
      }
    }
  });
});

// Kills: reservations left out of the count, or counted as accepted.
test('accepted and reserved members are all members', () => {
  const hits = new Hits();
  everyTurn(({ after }) => {
    if (after === undefined) return;
    hits.count();
    const { count, accepted } = viewMembersInfo(after);
    const reserved = after.members.filter(({ status }) => status === 'reserved').length;
    assert.equal(Number(accepted) + reserved, count);
    assert.ok(Number(count) <= after.constants.system.maxMembersCount);
  });
  hits.assertAtLeast(450);
});

// Kills: a managed role that members take or give up by themselves.
test('managed roles change by owners and services, or with the member', () => {
  const hits = new Hits();
  everyTurn((turn) => {
    const { before, after } = turn;
    if (turn.cause === 'time' || before === undefined || after === undefined) return;
    const { by } = turn.circumstances;
    if (by === undefined || managesSession(before, by)) return;
    hits.count();
    for (const member of after.members) {
      const former: Member | undefined = before.members.find(({ index }) => index === member.index);
      // Who comes into a session without an owner becomes its owner.
      if (former === undefined && after.properties.system.owners?.includes(member.index)) continue;
      if (!before.properties.system.owners?.length) continue;
      assert.equal(member.roles?.['rank'], former?.roles?.['rank']);
    }
  });
  hits.assertAtLeast(200);
});

// Kills: a role that counts its own member twice and is full for who has it already.
test('a write with roles made twice is made once', () => {
  const hits = new Hits();
  everyTurn((turn) => {
    if (turn.cause === 'time' || turn.after === undefined) return;
    if (turn.decision instanceof Refusal || turn.decision.kind !== 'updated') return;
    const { body, circumstances, after } = turn;
    const members = isJsonObject(body.members) ? body.members : {};
    // Who has left is no member any more, whose roles may be named.
    if (members.me === null || Object.values(members).includes(null)) return;
    hits.count();
    const again = notRefused(decide(after, body, circumstances));
    assert.equal(again.kind, 'unchanged');
  });
  hits.assertAtLeast(60);
});

// Kills: role types left out of the comparison of documents; a new number for an owner sent back.
test('the change number rises exactly when the document changes', () => {
  const hits = new Hits();
  everyTurn(({ before, after }) => {
    if (before === undefined || after === undefined || before.branch !== after.branch) return;
    hits.count();
    const [was, is] = [before, after].map((session) => {
      const { changeNumber, ...seen } = viewSession(session, 107);
      return seen;
    });
    const isChanged = !jsonEquals(was, is);
    assert.equal(after.changeNumber - before.changeNumber, isChanged ? 1 : 0);
  });
  hits.assertAtLeast(350);
});
