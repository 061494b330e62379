import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json, JsonObject } from '../domain/json.ts';
import { describeHopper } from '../domain/matchmaking/describe.ts';
import type { Hopper } from '../domain/matchmaking/hopper.ts';
import type { SessionTemplate } from '../domain/session/template.ts';
import { parseHoppers } from './hoppers.ts';
import { parseSessionTemplate } from './session-templates.ts';

function templateOf(name: string, system: JsonObject): readonly [string, SessionTemplate] {
  const raw = { contractVersion: 107, constants: { system } };
  const template = parseSessionTemplate(name, raw, name, (place, expected) => {
    throw new Error(`${place}: ${expected}`);
  });
  assert.ok(template);
  return [name.toLowerCase(), template];
}

const templates = new Map([
  templateOf('Game', { maxMembersCount: 10, capabilities: { gameplay: true, connectivity: true } }),
  templateOf('Lobby', { maxMembersCount: 10 }),
  templateOf('Peers', {
    maxMembersCount: 10,
    capabilities: { gameplay: true, connectivity: true },
    memberInitialization: {},
    peerToPeerRequirements: { latencyMaximum: 100 },
  }),
]);

type ParsedHoppers = {
  readonly hoppers: ReadonlyMap<string, Hopper>;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
};

function parse(hoppers: JsonObject): ParsedHoppers {
  const problems: string[] = [];
  const warnings: string[] = [];
  const parsed = parseHoppers(hoppers, templates, '$', (place, expected, kind = 'problem') => {
    (kind === 'problem' ? problems : warnings).push(`${place}: ${expected}`);
  });
  return { hoppers: parsed, problems, warnings };
}

const hopper = { sessionTemplate: 'game', minGroupSize: 2, maxGroupSize: 4 };
const withRule = (rule: Json): JsonObject => ({ h: { ...hopper, rules: [rule] } });
const rule = { name: 'r', type: 'must' };
const numberRule = { ...rule, dataType: 'number', attribute: 'a', maxDiff: 5 };

test('a hopper without rules has the defaults', () => {
  const { hoppers, problems, warnings } = parse({ Quick: hopper });
  assert.deepEqual([...problems, ...warnings], []);
  assert.deepEqual(
    [...hoppers],
    [
      [
        'quick',
        {
          name: 'Quick',
          ...hopper,
          expansionCycles: 3,
          cycleMs: 5_000,
          isRanked: false,
          followsSession: false,
          typicalWaitMs: 60_000,
          rules: [],
        },
      ],
    ],
  );
});

const problems: readonly (readonly [what: string, hoppers: JsonObject, problem: string])[] = [
  ['no hopper', { h: 1 }, '$.h: Expected an object'],
  [
    'a name with a slash',
    { 'a/b': hopper },
    '$["a/b"]: Expected a name of 1 to 140 characters without "/"',
  ],
  [
    'two names',
    { h: hopper, H: hopper },
    '$.H: Expected a name of its own; "h" differs in letter case only',
  ],
  [
    'an unknown member',
    { h: { ...hopper, colour: 1 } },
    '$.h.colour: This member is not known here; remove it',
  ],
  [
    'a group of nobody',
    { h: { ...hopper, minGroupSize: 0 } },
    '$.h.minGroupSize: Expected an integer from 1 to 256',
  ],
  [
    'sizes',
    { h: { ...hopper, minGroupSize: 5 } },
    '$.h.minGroupSize: Expected at most maxGroupSize (4)',
  ],
  [
    'a group above the target',
    { h: { ...hopper, maxGroupSize: 11 } },
    '$.h.maxGroupSize: Expected at most 10, the maxMembersCount of "game"',
  ],
  [
    'no such target',
    { h: { ...hopper, sessionTemplate: 'x' } },
    '$.h.sessionTemplate: Expected a session template of this service config; "x" is none',
  ],
  [
    'a target without gameplay',
    { h: { ...hopper, sessionTemplate: 'Lobby' } },
    '$.h.sessionTemplate: Expected a template with capability gameplay; "Lobby" has it not',
  ],
  [
    'no such ticket template',
    { h: { ...hopper, ticketTemplates: ['x'] } },
    '$.h.ticketTemplates[0]: Expected a session template of this service config; "x" is none',
  ],
  [
    'a data type',
    withRule({ ...rule, dataType: 'date' }),
    '$.h.rules[0].dataType: Expected one of "number", "string", "collection", "totalValue", "qualityOfService", "team"',
  ],
  [
    'a type',
    withRule({ ...numberRule, type: 'may' }),
    '$.h.rules[0].type: Expected "must" or "should"',
  ],
  [
    'a weight',
    withRule({ ...numberRule, weight: 0 }),
    '$.h.rules[0].weight: Expected a number above 0',
  ],
  [
    'a difference',
    withRule({ ...numberRule, maxDiff: -1 }),
    '$.h.rules[0].maxDiff: Expected a number of at least 0',
  ],
  [
    'more than 32 bits',
    withRule({ ...numberRule, defaultValue: 2 ** 31 }),
    '$.h.rules[0].defaultValue: Expected a number of 32 bits',
  ],
  [
    'a member of another data type',
    withRule({ ...numberRule, teams: [] }),
    '$.h.rules[0].teams: This member is not known here; remove it',
  ],
  [
    'a long text',
    withRule({ ...rule, dataType: 'string', attribute: 'a', defaultValue: 'x'.repeat(129) }),
    '$.h.rules[0].defaultValue: Expected a text, 1 to 128 characters',
  ],
  [
    'a collection',
    withRule({ ...rule, dataType: 'collection', attribute: 'a', operation: 'union', target: 1 }),
    '$.h.rules[0].operation: Expected "intersection", "difference" or "rolePreference"',
  ],
  [
    'roles',
    withRule({
      ...rule,
      dataType: 'collection',
      attribute: 'a',
      operation: 'rolePreference',
      roles: { tank: 3 },
    }),
    '$.h.rules[0].roles: Expected roles for maxGroupSize (4) players in all; they take 3',
  ],
  [
    'no bounds of a total',
    withRule({ ...rule, dataType: 'totalValue', attribute: 'a' }),
    '$.h.rules[0]: Expected either "exact", or "min" and "max" or one of them',
  ],
  [
    'bounds of a total',
    withRule({ ...rule, dataType: 'totalValue', attribute: 'a', min: 2, max: 1 }),
    '$.h.rules[0].min: Expected at most max (1)',
  ],
  [
    'a topology',
    withRule({ ...rule, dataType: 'qualityOfService', topology: 'ring' }),
    '$.h.rules[0].topology: Expected "peerToPeer", "peerToHost" or "clientServer"',
  ],
  [
    'small teams',
    withRule({ ...rule, dataType: 'team', teams: [{ name: 'red', min: 1, max: 3 }] }),
    '$.h.rules[0].teams: Expected teams for maxGroupSize (4) players; they take 3',
  ],
  [
    'large teams',
    withRule({ ...rule, dataType: 'team', teams: [{ name: 'red', min: 5, max: 5 }] }),
    '$.h.rules[0].teams: Expected teams that need at most maxGroupSize (4) players; they need 5',
  ],
  [
    'a team twice',
    withRule({
      ...rule,
      dataType: 'team',
      teams: [
        { name: 'red', min: 1, max: 2 },
        { name: 'red', min: 1, max: 2 },
      ],
    }),
    '$.h.rules[0].teams[1].name: Expected a name of its own; $.h.rules[0].teams[0] has this one',
  ],
  [
    'a statistic without a default',
    withRule({ ...numberRule, source: 'userStat' }),
    '$.h.rules[0].defaultValue: This member is missing: this server has no user statistics',
  ],
];

for (const [what, hoppers, problem] of problems) {
  test(`problem: ${what}`, () => {
    assert.deepEqual(parse(hoppers).problems, [problem]);
  });
}

test('two rules of one name, or two about teams', () => {
  const team = { ...rule, dataType: 'team', teams: [{ name: 'all', min: 0, max: 4 }] };
  assert.deepEqual(parse({ h: { ...hopper, rules: [team, team] } }).problems, [
    '$.h.rules[1].name: Expected a name of its own; $.h.rules[0] has this one',
    '$.h.rules[1].dataType: Expected one rule of this type at most; $.h.rules[0] is one',
  ]);
});

test('no problem hides another', () => {
  const bad = {
    minGroupSize: 0,
    maxGroupSize: 'x',
    rules: [{ ...numberRule, maxDiff: 'x' }, { type: 'maybe' }],
  };
  assert.deepEqual(parse({ a: bad, b: { ...hopper, sessionTemplate: 'Lobby' } }).problems, [
    '$.a.sessionTemplate: This member is missing. Expected the name of a session template, 1 to 128 characters',
    '$.a.minGroupSize: Expected an integer from 1 to 256',
    '$.a.maxGroupSize: Expected an integer from 1 to 256',
    '$.a.rules[0].maxDiff: Expected a number of at least 0',
    '$.a.rules[1].dataType: Expected one of "number", "string", "collection", "totalValue", "qualityOfService", "team"',
    '$.a.rules[1].name: This member is missing. Expected the name of the rule, 1 to 128 characters',
    '$.a.rules[1].type: Expected "must" or "should"',
    '$.b.sessionTemplate: Expected a template with capability gameplay; "Lobby" has it not',
  ]);
});

test('a hopper that matches one player is taken, and said to be odd', () => {
  const { hoppers, warnings } = parse({ h: { ...hopper, minGroupSize: 1, maxGroupSize: 1 } });
  assert.deepEqual(warnings, [
    '$.h.maxGroupSize: a match is one player: each ticket is matched at once, with no other',
  ]);
  const [parsed] = hoppers.values();
  assert.equal(
    parsed && describeHopper(parsed)[0],
    'matches 1 player in a session of template game',
  );
});

test('what is taken and should be otherwise is a warning', () => {
  const team = { ...rule, name: 't', dataType: 'team', teams: [{ name: 'all', min: 3, max: 4 }] };
  const { problems: found, warnings } = parse({
    h: {
      ...hopper,
      ticketTemplates: ['Lobby', 'Peers'],
      rules: [
        { ...numberRule, expansionDelta: 1 },
        { ...numberRule, name: 's', source: 'userStat', allowWildcards: true, defaultValue: 1 },
        team,
      ],
    },
  });
  assert.deepEqual(found, []);
  assert.deepEqual(warnings, [
    '$.h.rules[0].expansionDelta: a MUST rule is never relaxed: this does nothing',
    '$.h.rules[1].defaultValue: allowWildcards is true: the default is never used',
    '$.h.rules[1].source: this server has no user statistics: the value is what the title gives, or the default',
    '$.h.ticketTemplates[1]: a ticket session should not have capability gameplay',
    '$.h.ticketTemplates[1]: a ticket session should not have requirements for its network',
    '$.h.rules[2].teams: the teams need 3 players, more than minGroupSize (2): no smaller match is made',
  ]);
});

test('a hopper in words', () => {
  const attribute = { ...rule, attribute: 'a' };
  const { hoppers, problems: found } = parse({
    h: {
      ...hopper,
      autoUpdateFromSession: true,
      rules: [
        { ...numberRule, name: 'skill', type: 'should', expansionDelta: 2.5, weight: 3 },
        { ...attribute, name: 'map', dataType: 'string', allowWildcards: true },
        { ...attribute, name: 'dlc', dataType: 'collection', operation: 'intersection', target: 1 },
        { ...attribute, name: 'met', dataType: 'collection', operation: 'difference', target: 0 },
        {
          ...attribute,
          name: 'roles',
          dataType: 'collection',
          operation: 'rolePreference',
          roles: { tank: 1, healer: 3 },
          allowWaiting: true,
        },
        { ...attribute, name: 'sum', dataType: 'totalValue', exact: 4, defaultValue: 1 },
        { ...rule, name: 'net', dataType: 'qualityOfService', topology: 'peerToHost' },
        { ...rule, name: 'teams', dataType: 'team', teams: [{ name: 'red', min: 2, max: 4 }] },
      ],
    },
  });
  assert.deepEqual(found, []);
  const [parsed] = hoppers.values();
  assert.ok(parsed);
  assert.deepEqual(describeHopper(parsed), [
    'matches 2 to 4 players in a session of template game',
    'a match of fewer than 4 is made after 5 s at the earliest',
    'SHOULD skill: a differs by at most 5, 2.5 more with each cycle; weight 3',
    'MUST map: a is the same; a ticket without it matches any',
    'MUST dlc: all share at least 1 of a',
    'MUST met: any two tickets share at most 0 of a',
    'MUST roles: the players can be dealt to roles by a: 1 tank, 3 healer; a match waits until all roles are filled',
    'MUST sum: a of all players together is 4; without it 1 counts',
    'MUST net: one player reaches all others within 200 ms',
    'MUST teams: the players of a ticket stay in one team: red (2 to 4)',
    'SHOULD rules are relaxed every 5 s and no longer asked after 20 s',
    'players who block each other never meet',
    'tickets follow the members of their session',
  ]);
});
