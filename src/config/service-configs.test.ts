import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatJson, type Json, type JsonObject } from '../domain/json.ts';
import type { Catalog, SessionTemplate } from '../domain/session/template.ts';
import { formatProblem } from './config-problem.ts';
import { parseServiceConfigs, summaryOf } from './service-configs.ts';

const scid = 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862';
const otherScid = 'bd6c41c3-01c3-468a-a3b5-3e0fe8133863';

/** A file with one service config that is fine but for `more`. */
function fileOf(more: JsonObject = {}): string {
  const fine = { scid, titles: [{ titleId: '1' }], sessionTemplates: {} };
  return formatJson({ serviceConfigs: [{ ...fine, ...more }] });
}

/** A file with one template of contract 107 that is fine but for `more`. */
function fileOfTemplate(more: JsonObject): string {
  return fileOf({ sessionTemplates: { t: { contractVersion: 107, constants: {}, ...more } } });
}

function constantsOf(contractVersion: number, system: JsonObject): string {
  return fileOfTemplate({ contractVersion, constants: { system } });
}

/** A template with these properties, whose constants are these as well. */
function propertiesOf(system: JsonObject, constants: JsonObject = {}): string {
  return fileOfTemplate({ constants: { system: constants }, properties: { system } });
}

function linesOf(...texts: string[]): readonly string[] {
  const files = texts.map((text, i) => ({ file: `${'abc'[i]}.json`, text }));
  const parsed = parseServiceConfigs(files);
  return 'problems' in parsed ? parsed.problems.map(formatProblem) : [];
}

const config = '$.serviceConfigs[0]';
const template = `${config}.sessionTemplates.t`;
const system = `${template}.constants.system`;
const properties = `${template}.properties.system`;
const unknown = 'This member is not known here; remove it';
const deep = `${'['.repeat(101)}${']'.repeat(101)}`;

/** What is wrong with one file: the lines, without the name of the file. */
const badFiles: readonly (readonly [what: string, text: string, ...lines: string[]])[] = [
  ['nothing', '', 'line 1, column 1: Expected a value, found the end'],
  [
    'a comma too many',
    '{\n  "serviceConfigs": [\n    {},\n  ]\n}',
    'line 4, column 3: Expected a value, found "]"',
  ],
  ['a comment', '// mine\n{}', 'line 1, column 1: Expected a value, found "/"'],
  ['nesting without end', deep, '$: Expected at most 100 arrays and objects within each other'],
  ['no object', '[]', '$: Expected an object'],
  [
    'no service configs',
    '{}',
    '$.serviceConfigs: This member is missing. Expected an array of service configs',
  ],
  [
    'an empty list',
    '{"serviceConfigs":[]}',
    '$.serviceConfigs: Expected at least one service config',
  ],
  [
    'a list that is none',
    '{"serviceConfigs":{}}',
    '$.serviceConfigs: Expected an array of service configs',
  ],
  ['an item that is none', '{"serviceConfigs":[7]}', `${config}: Expected an object`],
  [
    'an item without anything',
    '{"serviceConfigs":[{}]}',
    `${config}.scid: This member is missing. Expected a GUID`,
    `${config}.titles: This member is missing. Expected an array of titles`,
    `${config}.sessionTemplates: This member is missing. Expected an object`,
  ],
  [
    'the same key twice',
    `{"serviceConfigs":[{"scid":"${scid}",\n"titles":[{"titleId":1}],"sessionTemplates":{"t":{"contractVersion":107,"constants":{}},\n"t":{"contractVersion":107,"constants":{}}}}]}`,
    'line 3, column 1: Expected each key once; "t" is in this object already',
  ],
  ['an unknown member', fileOf({ name: 'x' }), `${config}.name: ${unknown}`],
  ['a scid that is no GUID', fileOf({ scid: '123' }), `${config}.scid: Expected a GUID`],
  [
    'a title without a name',
    fileOf({ titles: [{ titleId: 5, name: '' }] }),
    `${config}.titles[0].name: Expected the name of the title`,
  ],
  ['no titles', fileOf({ titles: [] }), `${config}.titles: Expected at least one title`],
  [
    'title ids out of range',
    fileOf({
      titles: [{ titleId: 4294967296 }, { titleId: '01' }, { titleId: true }, { titleId: -1 }],
    }),
    ...[0, 1, 2, 3].map(
      (i) => `${config}.titles[${i}].titleId: Expected a title id (a number from 0 to 4294967295)`,
    ),
  ],
  [
    'a title twice',
    fileOf({ titles: [{ titleId: 5 }, { titleId: '5' }] }),
    `${config}.titles[1].titleId: Expected a title of its own; ${config}.titles[0] has this one`,
  ],
  [
    'game types',
    fileOf({
      titles: [
        {
          titleId: 5,
          gameTypes: { era: { pfn: '', boundPfns: 'x' }, 'uwp-desktop': { titleId: 5, x: 1 } },
        },
      ],
    }),
    `${config}.titles[0].gameTypes.era.titleId: This member is missing. Expected a title id (a number from 0 to 4294967295)`,
    `${config}.titles[0].gameTypes.era.pfn: Expected a package family name`,
    `${config}.titles[0].gameTypes.era.boundPfns: Expected an array of package family names`,
    `${config}.titles[0].gameTypes["uwp-desktop"].x: ${unknown}`,
  ],
  [
    'no sandbox at all',
    fileOf({ sandboxes: [] }),
    `${config}.sandboxes: Expected at least one sandbox; without this member every sandbox may be used`,
  ],
  [
    'a sandbox without a name',
    fileOf({ sandboxes: ['RETAIL', ''] }),
    `${config}.sandboxes[1]: Expected the name of a sandbox`,
  ],
  ['hoppers', fileOf({ hoppers: [] }), `${config}.hoppers: Expected an object of hoppers by name`],
  [
    'invite strings',
    fileOf({ inviteStrings: { a: 'x'.repeat(101) } }),
    `${config}.inviteStrings: Expected an object of strings by id, each of 1 to 100 characters`,
  ],
  [
    'templates that are a list',
    fileOf({ sessionTemplates: [] }),
    `${config}.sessionTemplates: Expected an object`,
  ],
  [
    'template names',
    fileOf({
      sessionTemplates: {
        'a/b': { contractVersion: 107, constants: {} },
        'Death Match': { contractVersion: 107, constants: {} },
        'DEATH match': { contractVersion: 107, constants: {} },
      },
    }),
    `${config}.sessionTemplates["a/b"]: Expected a name of 1 to 100 characters, neither "." nor "..", without / ~ \\ ? # and control characters`,
    `${config}.sessionTemplates["DEATH match"]: Expected a name of its own; "Death Match" differs in letter case only`,
  ],
  [
    'a template that is none',
    fileOf({ sessionTemplates: { t: 1 } }),
    `${template}: Expected an object`,
  ],
  [
    'a template without anything',
    fileOf({ sessionTemplates: { t: {} } }),
    `${template}.contractVersion: This member is missing. Expected 104, 105 or 107`,
    `${template}.constants: This member is missing. Expected an object`,
  ],
  [
    'a version that never was',
    fileOfTemplate({ contractVersion: 106 }),
    `${template}.contractVersion: Expected 104, 105 or 107`,
  ],
  [
    'parts of a template',
    fileOfTemplate({ constants: { systems: {} }, properties: [], roleTypes: 1, name: 't' }),
    `${template}.properties: Expected an object`,
    `${template}.roleTypes: Expected an object`,
    `${template}.name: ${unknown}`,
    `${template}.constants.systems: ${unknown}`,
  ],
  [
    'ranges and types of constants',
    constantsOf(107, {
      maxMembersCount: 0,
      visibility: 'full',
      readyRemovalTimeout: -1,
      capabilities: { large: 1 },
      maxPlayers: 4,
    }),
    `${system}.maxMembersCount: Expected an integer from 1 to 10000`,
    `${system}.visibility: Expected one of "private", "visible", "open"`,
    `${system}.readyRemovalTimeout: Expected an integer of at least 0`,
    `${system}.capabilities.large: Expected true or false`,
    `${system}.maxPlayers: ${unknown}`,
  ],
  [
    'constants that do not go together',
    constantsOf(107, { maxMembersCount: 200, capabilities: { team: true, gameplay: true } }),
    `${system}.maxMembersCount: is above 100, which needs capability large`,
    `${system}.capabilities.team: does not go with capability gameplay`,
  ],
  [
    'names of 105 in a template of 107',
    constantsOf(107, { timeouts: { ready: 1 }, managedInitialization: {} }),
    `${system}.timeouts: This is the name in contract 104 and 105; in 107 write reservedRemovalTimeout, inactiveRemovalTimeout, readyRemovalTimeout, sessionEmptyTimeout`,
    `${system}.managedInitialization: This is the name in contract 104 and 105; in 107 write memberInitialization`,
  ],
  [
    'names of 107 in a template of 105',
    constantsOf(105, {
      readyRemovalTimeout: 1,
      managedInitialization: { externalEvaluation: true },
    }),
    `${system}.managedInitialization.externalEvaluation: This is the name in contract 107; in 104 and 105 write its opposite, autoEvaluate`,
    `${system}.readyRemovalTimeout: This is the name in contract 107; in 104 and 105 write timeouts.ready`,
  ],
  [
    'a rule broken in a template of 105, by the name that is written there',
    constantsOf(105, { maxMembersCount: 2, managedInitialization: { membersNeededToStart: 3 } }),
    `${system}.managedInitialization.membersNeededToStart: is above maxMembersCount`,
  ],
  [
    'a rule broken by the default of 105',
    constantsOf(105, { maxMembersCount: 1, managedInitialization: {} }),
    `${system}.managedInitialization.membersNeededToStart: is above maxMembersCount`,
  ],
  [
    'types of properties',
    propertiesOf({ keywords: [''], closed: 1, color: 'red' }),
    `${properties}.keywords[0]: Expected a keyword of 1 to 100 characters`,
    `${properties}.closed: Expected true or false`,
    `${properties}.color: ${unknown}`,
  ],
  [
    'properties of members that no template has',
    propertiesOf({ turn: [0], host: 'abc' }),
    `${properties}.turn: A template cannot set this: it is about members of one session; remove it`,
    `${properties}.host: A template cannot set this: it is about members of one session; remove it`,
  ],
  [
    'properties that do not go together',
    propertiesOf(
      { locked: true, keywords: ['a'], readRestriction: 'local' },
      { visibility: 'private' },
    ),
    `${properties}.keywords: cannot be set on a session of visibility private: nobody could find it by them`,
    `${properties}.readRestriction: is "local", which is narrower than joinRestriction "none": a user who may join must be able to read`,
    `${properties}.locked: needs closed: true`,
  ],
  [
    'role types',
    fileOfTemplate({
      roleTypes: {
        LFG: { roles: {} },
        lfg: {
          ownerManaged: true,
          mutableRoleSettings: ['max', 'count'],
          roles: { a: { max: 1, target: 2 }, 'b c': { max: 0 } },
        },
        none: {},
      },
    }),
    `${template}.roleTypes.LFG: Expected a name of 1 to 100 lower-case letters and digits`,
    `${template}.roleTypes.lfg.mutableRoleSettings[1]: Expected "max" or "target"`,
    `${template}.roleTypes.lfg.roles.a.target: Expected at most max`,
    `${template}.roleTypes.lfg.roles["b c"]: Expected a name of 1 to 100 lower-case letters and digits`,
    `${template}.roleTypes.lfg.roles["b c"].max: Expected an integer of at least 1`,
    `${template}.roleTypes.none.roles: This member is missing. Expected an object`,
  ],
  [
    'owners without hasOwners',
    fileOfTemplate({ roleTypes: { lfg: { ownerManaged: true, roles: {} } } }),
    `${template}.roleTypes.lfg.ownerManaged: needs capability hasOwners`,
  ],
  [
    'a bit of everything',
    fileOf({
      scid: 'x',
      surprise: 1,
      sessionTemplates: {
        t: { contractVersion: 107, constants: { system: { version: 0 } } },
        u: { contractVersion: 1, constants: { system: { capabilities: { broadcast: true } } } },
      },
    }),
    `${config}.scid: Expected a GUID`,
    `${config}.surprise: ${unknown}`,
    `${system}.version: Expected an integer of at least 1`,
    `${config}.sessionTemplates.u.contractVersion: Expected 104, 105 or 107`,
    `${config}.sessionTemplates.u.constants.system.capabilities.broadcast: needs capability large`,
  ],
];

for (const [what, text, ...lines] of badFiles) {
  test(`what is wrong is reported: ${what}`, () => {
    assert.deepEqual(
      linesOf(text),
      lines.map((line) => `a.json: ${line}`),
    );
  });
}

test('every problem of every file is reported at once', () => {
  assert.deepEqual(linesOf('{', fileOf(), fileOf({ scid: scid.toUpperCase(), titles: [] })), [
    'a.json: line 1, column 2: Expected a key in double quotes or "}", found the end',
    `c.json: ${config}.titles: Expected at least one title`,
  ]);
});

test('a scid belongs to one service config, in any letter case and in any file', () => {
  assert.deepEqual(linesOf(fileOf(), fileOf({ scid: scid.toUpperCase() })), [
    `b.json: ${config}.scid: Expected a scid of its own; a.json: ${config} has this one`,
  ]);
});

function catalogOf(...texts: string[]): Catalog {
  const parsed = parseServiceConfigs(texts.map((text, i) => ({ file: `${i}`, text })));
  assert.ok('catalog' in parsed, JSON.stringify(parsed));
  return parsed.catalog;
}

function templateOf(text: string): SessionTemplate {
  const found = catalogOf(text).get(scid)?.sessionTemplates.get('t');
  assert.ok(found);
  return found;
}

test('service configs of all files are one catalog, by lower-case scid and template name', () => {
  const gameTypes = { era: { titleId: 7, pfn: 'A.B_c', boundPfns: ['A.B_c'] } };
  const catalog = catalogOf(
    fileOf({ scid: scid.toUpperCase(), titles: [{ titleId: 7, gameTypes }, { titleId: '8' }] }),
    fileOf({
      scid: otherScid,
      sandboxes: ['XDKS.1'],
      hoppers: {},
      inviteStrings: { 1: 'Come' },
      sessionTemplates: { DeathMatch: { contractVersion: 107, constants: {} } },
    }),
  );
  assert.deepEqual([...catalog.keys()], [scid, otherScid]);
  assert.deepEqual(catalog.get(scid), {
    scid: scid.toUpperCase(),
    titles: [
      { titleId: '7', gameTypes: { era: { titleId: '7', pfn: 'A.B_c', boundPfns: ['A.B_c'] } } },
      { titleId: '8' },
    ],
    sessionTemplates: new Map(),
  });
  const deathmatch = {
    name: 'DeathMatch',
    contractVersion: 107,
    constants: { system: {}, custom: {} },
    properties: { system: {}, custom: {} },
  };
  assert.deepEqual(catalog.get(otherScid), {
    scid: otherScid,
    titles: [{ titleId: '1' }],
    sandboxes: ['XDKS.1'],
    sessionTemplates: new Map([['deathmatch', deathmatch]]),
    hoppers: new Map(),
    inviteStrings: { 1: 'Come' },
  });
  assert.equal(summaryOf(catalog), '2 service configs, 3 titles, 1 session template');
});

test('a template of 105 is read into the names of 107', () => {
  const { contractVersion, constants } = templateOf(
    constantsOf(105, {
      timeouts: { inactive: null },
      managedInitialization: { autoEvaluate: true },
    }),
  );
  assert.equal(contractVersion, 105);
  assert.deepEqual(constants.system, {
    inactiveRemovalTimeout: null,
    memberInitialization: { externalEvaluation: false },
  });
});

test('numbers of the title stay as written, those of the protocol are read', () => {
  const { constants, properties, roleTypes } = templateOf(
    `{"serviceConfigs":[{"scid":"${scid}","titles":[{"titleId":1.0}],"sessionTemplates":{"t":{
      "contractVersion":1.07e2,
      "constants":{"system":{"maxMembersCount":8.0},"custom":{"n":12345678901234567890,"__proto__":1.0}},
      "properties":{"custom":{"n":1.50}},
      "roleTypes":{"custom":{"roles":{"custom":{"max":2.0}}}}}}}]}`,
  );
  assert.deepEqual(constants.system, { maxMembersCount: 8 });
  assert.equal(formatJson(constants.custom), '{"n":12345678901234567890,"__proto__":1.0}');
  assert.equal(formatJson(properties.custom), '{"n":1.50}');
  assert.deepEqual(roleTypes, { custom: { roles: { custom: { max: 2 } } } });
});

test('a template named "custom" is a template like any other', () => {
  const text = `{"serviceConfigs":[{"scid":"${scid}","titles":[{"titleId":1}],"sessionTemplates":{
    "custom":{"contractVersion":107.0,"constants":{"system":{"version":1.0}}}}}]}`;
  const found = catalogOf(text).get(scid)?.sessionTemplates.get('custom');
  assert.deepEqual(found?.constants.system, { version: 1 });
});

test('properties of a template are what a write of them would leave', () => {
  const nothing: Json = {
    turn: null,
    closed: true,
    locked: true,
    joinRestriction: 'FOLLOWED',
    matchmaking: {},
  };
  const refused = linesOf(propertiesOf(nothing));
  assert.equal(refused.length, 1);
  const { turn, ...rest } = nothing;
  assert.equal(turn, null);
  assert.deepEqual(templateOf(propertiesOf(rest)).properties, {
    system: { closed: true, locked: true, joinRestriction: 'followed' },
    custom: {},
  });
});

test('role types may be managed by owners where there are owners', () => {
  const roleTypes = {
    lfg: { ownerManaged: true, mutableRoleSettings: ['max'], roles: { a: { max: 2, target: 2 } } },
  };
  const constants = { system: { capabilities: { hasOwners: true } } };
  assert.deepEqual(templateOf(fileOfTemplate({ constants, roleTypes })).roleTypes, roleTypes);
});
