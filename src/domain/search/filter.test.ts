import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bert,
  cleo,
  ada,
  notRefused,
  sampleTemplate,
  sessionOf,
  startMs,
} from '../../testing/samples.ts';
import { unpacked } from '../../testing/search-arbitraries.ts';
import type { SearchAttributes } from '../handle/handle.ts';
import type { Session } from '../session/session.ts';
import { candidateOf, type SearchCandidate } from './candidate.ts';
import { matches } from './filter.ts';
import { parseFilter } from './parser.ts';

const handleId = 'be2e3c97-9ad5-4c7e-9b5e-ea276bb5aebe';

/** A session of Ada, who owns it, Bert and Cleo, found by these attributes. */
function found(searchAttributes: SearchAttributes, more: Partial<Session> = {}): SearchCandidate {
  const template = sampleTemplate({ maxMembersCount: 8 });
  const session = sessionOf([ada, bert, cleo], { template });
  const { reference, properties, members } = session;
  const candidate = candidateOf({
    ...session,
    properties: {
      ...properties,
      system: { ...properties.system, keywords: ['Level2', 'Ranked'], owners: [0] } as object,
    },
    roleTypes: {
      lfg: { roles: { confirmed: { max: 6, target: 5 }, maybe: { max: 3 }, any: {} } },
    },
    members: members.map((member, i) => ({
      ...member,
      roles: { lfg: i < 2 ? 'confirmed' : 'maybe' },
    })),
    servers: {
      tournaments: {
        constants: { system: {}, custom: {} },
        properties: { system: { registrationState: 'Registered' }, custom: {} },
      },
    },
    searchHandle: {
      id: handleId,
      type: 'search',
      version: 1,
      reference,
      createTimeMs: startMs,
      creatorXuid: ada.xuid,
      searchAttributes,
    },
    ...more,
  });
  assert.ok(candidate);
  return candidate;
}

const rich = found({
  tags: ['Elite', 'CoolPeopleOnly'],
  numbers: { forzaskill: 6, halokdratio: 7.5, rank: 59, customnumbervalue: -5, guns: 16 },
  strings: { forzacarclass: 'ClassB', clan: 'Purple', mode: "It's" },
  achievementIds: ['123456'],
  language: 'en',
  scheduledTimeMs: Date.UTC(2009, 5, 15, 13, 45, 30, 90),
  targetMembersCount: 5,
});
const bare = found({}, { servers: {}, roleTypes: {} });

/** Each row: the filter, whether it selects the rich candidate, and whether the bare one. */
type Row = readonly [filter: string, rich: boolean, bare: boolean];

function assertSelects(rows: readonly Row[]): void {
  for (const [text, selectsRich, selectsBare] of rows) {
    const filter = notRefused(parseFilter(text));
    assert.equal(matches(filter, rich), selectsRich, `rich: ${text}`);
    assert.equal(matches(filter, bare), selectsBare, `bare: ${text}`);
  }
}

/** @source docs/wire/search.md "POST /handles/query", docs/wire/unknowns.md "where session fields of filters come from" */
test('the documented filters select what they say', () => {
  assertSelects([
    [`session/memberXuids/any(d:d eq '${bert.xuid}')`, true, true],
    ["session/memberXuids/any(d:d eq '1234566')", false, false],
    [`session/ownerXuids/any(d:d eq '${ada.xuid}')`, true, true],
    [`session/ownerXuids/any(d:d eq '${bert.xuid}')`, false, false],
    ["tolower(strings/forzacarclass) eq 'classb'", true, false],
    ["tolower(strings/forzacarclass) eq 'classa'", false, false],
    ['numbers/forzaskill eq 6', true, false],
    ['numbers/forzaskill eq 7', false, false],
    ['numbers/halokdratio gt 1.5', true, false],
    ['numbers/halokdratio gt 7.5', false, false],
    ["tags/any(d:tolower(d) eq 'coolpeopleonly')", true, false],
    ["tags/any(d:tolower(d) ne 'cursingallowed')", true, true],
    ["tags/any(d:tolower(d) ne 'elite')", false, true],
    ['numbers/rank ne 0', true, true],
    ['numbers/rank ne 59', false, true],
    ["tolower(strings/forzacarclass) ne 'classa'", true, true],
    ["tolower(strings/forzacarclass) ne 'classb'", false, true],
    [
      "tags/any(d:tolower(d) eq 'coolpeopleonly') eq true and numbers/halokdratio eq 7.5",
      true,
      false,
    ],
    [
      "tags/any(d:tolower(d) eq 'coolpeopleonly') eq true and numbers/halokdratio eq 7",
      false,
      false,
    ],
    [
      'numbers/halokdratio ge 1.5 and numbers/rank lt 60 and numbers/customnumbervalue le 5',
      true,
      false,
    ],
    [
      'numbers/halokdratio ge 1.5 and numbers/rank lt 59 and numbers/customnumbervalue le 5',
      false,
      false,
    ],
    ["achievementIds/any(d:d eq '123456')", true, false],
    ["achievementIds/any(d:d eq '12345')", false, false],
    ["language eq 'en'", true, false],
    ["language eq 'de'", false, false],
    ["session/scheduledTime le '2009-06-15T13:45:30.0900000Z'", true, false],
    ["session/scheduledTime le '2009-06-15T13:45:30.0890000Z'", false, false],
    ["session/postedTime lt '2009-06-15T13:45:30.0900000Z'", false, false],
    ["session/postedTime lt '2016-09-20T20:50:00.5190000Z'", true, true],
    ["session/postedTime lt '2016-09-20T20:50:00.5180000Z'", false, false],
    ["session/registrationState eq 'registered'", true, false],
    ['session/membersCount eq 3', true, true],
    ['session/membersCount eq 5', false, false],
    ['session/targetMembersCount gt 1', true, false],
    ['session/targetMembersCount gt 5', false, false],
    ['session/maxMembersCount lt 3', false, false],
    ['session/maxMembersCount lt 9', true, true],
    ['session/targetMembersCountRemaining le 2', true, false],
    ['session/targetMembersCountRemaining le 1', false, false],
    ['session/maxMembersCountRemaining gt 4', true, true],
    ['session/maxMembersCountRemaining gt 5', false, false],
    ['session/needs le 2', true, false],
    ['session/needs eq 5', false, true],
    ['session/roles/lfg/confirmed/count eq 2', true, false],
    ['session/roles/lfg/confirmed/count eq 5', false, false],
    ['session/roles/lfg/confirmed/target gt 4', true, false],
    ['session/roles/lfg/confirmed/target gt 5', false, false],
    ['session/roles/lfg/maybe/target eq 3', true, false],
    ['session/roles/lfg/confirmed/needs eq 3', true, false],
    ['session/roles/lfg/maybe/needs eq 2', true, false],
    ['session/roles/lfg/any/count eq 0', true, false],
    ['session/roles/lfg/any/needs ge 0', false, false],
    ["session/keywords/any(d:tolower(d) eq 'level2')", true, true],
    ["session/keywords/any(d:tolower(d) eq 'level3')", false, false],
    ["session/scid eq 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862'", true, true],
    ["session/scid eq '151512315'", false, false],
    ["session/templateName eq 'deathmatch'", true, true],
    ["session/templateName eq 'mytemplate1'", false, false],
    [
      "tags/any(a:tolower(a) eq 'elite') or number/guns gt 15 and string/clan eq 'purple'",
      true,
      false,
    ],
    [
      "tags/any(a:tolower(a) eq 'none') or number/guns gt 15 and string/clan eq 'purple'",
      true,
      false,
    ],
    [
      "tags/any(a:tolower(a) eq 'none') or number/guns gt 16 and string/clan eq 'purple'",
      false,
      false,
    ],
  ]);
});

/** @source docs/wire/search.md "POST /handles/query" */
test('the forms of client documentation select what they say', () => {
  assertSelects([
    ["Strings/clan eq 'purple'", true, false],
    ['Numbers/guns gt 15', true, false],
    ["Tags/elite eq 'v'", true, false],
    ["Tags/elite ne 'v'", false, true],
    ["Tags/noob eq 'v'", false, false],
    [`MemberXuids/any(d:d eq '${cleo.xuid}')`, true, true],
    ["MemberXuids/any(d:d eq '123')", false, false],
    [`OwnerXuids/any(d:d eq '${ada.xuid}')`, true, true],
    ["Numbers/guns EQ 16 AND Tags/Elite Eq 'value'", true, false],
    ["Numbers/guns EQ 1 OR Tags/Elite Eq 'value'", true, false],
  ]);
});

/** @source docs/wire/search.md "POST /handles/query", docs/wire/unknowns.md "conditions within any( )" */
test('conditions compose in every way', () => {
  assertSelects([
    // `and` binds tighter than `or`, on either side of it.
    ['numbers/guns eq 16 or numbers/guns eq 1 and numbers/guns eq 2', true, false],
    ['numbers/guns eq 1 and numbers/guns eq 2 or numbers/guns eq 16', true, false],
    ['(numbers/guns eq 16 or numbers/guns eq 1) and numbers/guns eq 2', false, false],
    // `not` binds tighter than both.
    ['not numbers/guns eq 1 and numbers/rank eq 59', true, false],
    ['not (numbers/guns eq 1 and numbers/rank eq 59)', true, true],
    ['not not numbers/guns eq 16', true, false],
    ['not numbers/guns gt 20', true, true],
    ['not session/closed', true, true],
    // Truth values compare with true and false.
    ['(numbers/guns eq 16) eq true', true, false],
    ['(numbers/guns eq 16) eq false', false, true],
    ['numbers/guns eq 16 ne true', false, true],
    ['numbers/guns eq 16 ne false', true, false],
    ['numbers/guns eq 16 eq false eq false', true, false],
    ['session/closed eq false', true, true],
    ['session/closed ne false', false, false],
    ['tags/elite eq true', true, false],
    // Sides may be exchanged.
    ['15 lt numbers/guns', true, false],
    ['16 le numbers/guns and 16 ge numbers/guns', true, false],
    ['17 lt numbers/guns', false, false],
    ["'PURPLE' eq tolower(strings/clan)", true, false],
    ["'x' eq tags/elite", true, false],
    // Lists are tested as a whole.
    ["tags/any(d:d eq 'elite' and d eq 'coolpeopleonly')", true, false],
    ["tags/any(d:d eq 'elite' and d ne 'noob')", true, false],
    ["tags/any(d:d eq 'elite' and d ne 'coolpeopleonly')", false, false],
    ["tags/any(d:not d eq 'elite')", false, true],
    ["tags/any(d:d eq 'noob' or 'elite' eq d)", true, false],
    [
      "tags/any(t:t eq 'elite' and session/keywords/any(k:k eq 'ranked' and t ne 'noob'))",
      true,
      false,
    ],
    ["tags/any(d:d eq 'elite' and numbers/guns gt 100)", false, false],
    // Values in any case, tolower or not; quotes within strings are doubled.
    ["strings/clan eq 'pURPLE'", true, false],
    ["strings/mode eq 'IT''S'", true, false],
    ["strings/clan gt 'purpl' and strings/clan lt 'PURPLF'", true, false],
    ["TAGS/ANY(D:TOLOWER(d) EQ tolower('ELITE'))", true, false],
    // Numbers in every spelling; spaces in any place.
    ['numbers/customnumbervalue eq -5', true, false],
    ['numbers/guns eq 1.6e1 and numbers/guns eq 1.6E+1', true, false],
    ['  ( numbers/guns\teq\n16 )  ', true, false],
    // Times with a fraction of any length.
    ["session/scheduledTime eq '2009-06-15T13:45:30.09Z'", true, false],
    ["session/scheduledTime gt '2009-06-15T13:45:30Z'", true, false],
  ]);
});

test('the candidate is what the session and the handle say', () => {
  assert.equal(rich.key, 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862~deathmatch~session-49');
  assert.equal(rich.createTimeMs, startMs);
  assert.deepEqual(unpacked(rich).lists, {
    tags: ['elite', 'coolpeopleonly'],
    achievementIds: ['123456'],
    'session/memberXuids': [ada.xuid, bert.xuid, cleo.xuid],
    'session/ownerXuids': [ada.xuid],
    'session/keywords': ['level2', 'ranked'],
  });
  assert.equal(candidateOf(sessionOf([ada])), undefined);
});

test('a closed session, its restriction, visibility and protocol can be asked for', () => {
  const template = sampleTemplate({ inviteProtocol: 'game', visibility: 'visible' });
  const session = sessionOf([ada], { template });
  const closed = found(
    {},
    {
      constants: session.constants,
      properties: { system: { closed: true, joinRestriction: 'local' }, custom: {} },
    },
  );
  for (const text of [
    'session/closed',
    'session/closed eq true',
    "session/joinRestriction eq 'local'",
    "session/readRestriction eq 'none' or session/readRestriction eq 'local'",
    "session/visibility eq 'visible'",
    "session/inviteProtocol eq 'game'",
  ]) {
    assert.equal(matches(notRefused(parseFilter(text)), closed), true, text);
  }
});
