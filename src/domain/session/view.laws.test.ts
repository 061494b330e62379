import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyPlot, anySession, play } from '../../testing/arbitraries.ts';
import { formatJson, isJsonObject, isRawNumber, type Json, type JsonObject } from '../json.ts';
import type { Session } from './session.ts';
import { renderSession } from './document-text.ts';
import { memberNames, sessionNames } from './extra.ts';
import { viewMembers, viewMembersInfo, viewSession } from './view.ts';
import { Hits } from '../../testing/hits.ts';

function everySession(check: (session: Session) => void): void {
  fc.assert(fc.property(anySession, check), { numRuns: 200 });
}

type Info = { first: number; next: number; count: number; accepted: number; active: number };

// Kills: "next" as index + 1; "first" as 0; the list begun at the first accepted member.
test('the list of members is walked from first to next as clients do, and holds them all', () => {
  everySession((session) => {
    const members = viewMembers(session) as Readonly<Record<string, { next: number }>>;
    const { first, next } = viewMembersInfo(session) as Info;
    const walked: number[] = [];
    for (let at = first; at !== next; ) {
      const member = members[at];
      assert.ok(member && walked.length <= session.members.length, `the walk is lost at ${at}`);
      walked.push(at);
      at = member.next;
    }
    assert.deepEqual(
      walked,
      session.members.map(({ index }) => index),
    );
    assert.deepEqual(Object.keys(members), walked.map(String));
  });
});

// Kills: accepted that counts reservations; active that counts ready members.
test('all are accepted or reserved, and the active are among the accepted', () => {
  everySession((session) => {
    const { count, accepted, active } = viewMembersInfo(session) as Info;
    const members = Object.values(viewMembers(session)) as JsonObject[];
    const reserved = members.filter((member) => member['reserved'] === true).length;
    assert.equal(count, accepted + reserved);
    assert.ok(active <= accepted);
    assert.equal(
      active,
      members.filter((member) => JSON.stringify(member).includes('"active":true')).length,
    );
  });
});

// Kills: an unknown member with the name of a document's own.
test('every name of a document is known as one', () => {
  everySession((session) => {
    const { members, ...rest } = viewSession(session, 107);
    for (const name in rest) assert.ok(sessionNames.has(name), name);
    for (const member of Object.values(members as JsonObject)) {
      for (const name in member as JsonObject) assert.ok(memberNames.has(name), name);
    }
  });
});

// Kills: host: null for none; deviceToken: undefined for none.
test('a document holds no null and no number that JSON does not have, but for title data', () => {
  const hits = new Hits();
  const check = (value: Json | undefined, path: string): void => {
    assert.ok(value !== null && value !== undefined && !isRawNumber(value), path);
    if (typeof value === 'number') assert.ok(Number.isSafeInteger(value), path);
    if (Array.isArray(value)) for (const item of value) check(item, `${path}[]`);
    if (!isJsonObject(value)) return;
    hits.count();
    for (const [key, item] of Object.entries(value)) {
      if (key !== 'custom') check(item, `${path}.${key}`);
    }
  };
  everySession((session) => {
    for (const version of [104, 105, 107]) check(viewSession(session, version), '$');
  });
  hits.assertAtLeast(3_650);
});

// Kills: a member's custom left out where it is empty; servers only where there are some;
// matchmaking left out in contract 105.
test('what clients look for is always there', () => {
  everySession((session) => {
    for (const version of [105, 107]) {
      const document = viewSession(session, version);
      for (const key of ['membersInfo', 'members', 'servers', 'constants', 'properties']) {
        assert.ok(isJsonObject(document[key]), key);
      }
      const members = Object.values(document['members'] as JsonObject) as JsonObject[];
      for (const one of [document, ...members]) {
        for (const part of ['constants', 'properties']) {
          const { system, custom } = one[part] as JsonObject;
          assert.ok(isJsonObject(system) && custom !== undefined);
        }
      }
      const { system } = document['properties'] as { system: JsonObject };
      assert.ok(Array.isArray(system['turn']));
      assert.equal(
        isJsonObject(system['matchmaking']),
        version === 105 || system['matchmaking'] !== undefined,
      );
    }
  });
});

// Kills: the text of a member kept when its "next", or its turn, has changed.
test('the text of a document is the one of its view, whatever was rendered before', () => {
  fc.assert(
    fc.property(anyPlot, (plot) => {
      for (const session of play(plot).flatMap(({ after }) => after ?? [])) {
        for (const version of [107, 105]) {
          const text = renderSession(session, version);
          assert.equal(text, formatJson(viewSession(session, version)));
        }
      }
    }),
  );
});
