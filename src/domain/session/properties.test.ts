import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ada,
  bert,
  cleo,
  decide,
  me,
  notRefused,
  refuse,
  sampleTemplate,
  sessionOf,
  system,
  write,
} from '../../testing/samples.ts';
import { formatJson, parseExactJson, type JsonObject } from '../json.ts';
import type { RefusalCode } from '../refusal.ts';
import { mergeCustom, mergeSystem, restrictionsOf } from './properties.ts';
import type { Session, Restriction } from './session.ts';
import { viewProperties } from './view.ts';

const parse = (text: string): JsonObject => parseExactJson(text) as JsonObject;

const customMerges: readonly (readonly [current: string, patch: string, merged: string])[] = [
  ['{}', '{}', '{}'],
  ['{"a":1}', '{}', '{"a":1}'],
  ['{"a":1}', '{"b":2}', '{"a":1,"b":2}'],
  ['{"a":{"x":1}}', '{"a":{"y":2}}', '{"a":{"y":2}}'],
  ['{"a":1,"b":2}', '{"a":null}', '{"b":2}'],
  ['{"a":1}', '{"b":null}', '{"a":1}'],
  ['{}', '{"a":{"x":null},"b":[null]}', '{"a":{"x":null},"b":[null]}'],
  ['{}', '{"__proto__":{"x":1},"constructor":2}', '{"__proto__":{"x":1},"constructor":2}'],
  ['{"__proto__":1,"a":2}', '{"__proto__":null}', '{"a":2}'],
  ['{"id":1}', '{"id":12345678901234567890}', '{"id":12345678901234567890}'],
];

for (const [current, patch, merged] of customMerges) {
  test(`custom ${current} written with ${patch} is ${merged}`, () => {
    assert.equal(formatJson(mergeCustom(parse(current), parse(patch))), merged);
  });
}

test('system fields are replaced whole, unset by null, and left alone when not named', () => {
  const current = { keywords: ['a'], closed: true, turn: [1] };
  assert.deepEqual(mergeSystem(current, { keywords: ['b'], closed: null, turn: undefined }), {
    keywords: ['b'],
    turn: [1],
  });
});

const styled = sampleTemplate({ capabilities: { userAuthorizationStyle: true } });

type Restrictions = { joinRestriction?: string; readRestriction?: string };

/** Restrictions as written, and the ones in force; with capability userAuthorizationStyle or not. */
const inForce: readonly (readonly [
  written: Restrictions,
  styled: boolean,
  join: Restriction,
  read: Restriction,
])[] = [
  [{}, false, 'none', 'none'],
  [{ joinRestriction: 'local' }, false, 'local', 'none'],
  [{ joinRestriction: 'Followed', readRestriction: 'FOLLOWED' }, false, 'followed', 'followed'],
  [{ joinRestriction: 'local', readRestriction: 'followed' }, false, 'local', 'followed'],
  [{}, true, 'local', 'local'],
  [{ joinRestriction: 'followed' }, true, 'followed', 'followed'],
  [{ readRestriction: 'followed' }, true, 'local', 'followed'],
  [{ joinRestriction: 'followed', readRestriction: 'followed' }, true, 'followed', 'followed'],
];

for (const [written, isStyled, join, read] of inForce) {
  // @source docs/wire/unknowns.md "an unwritten readRestriction gives way"
  test(`${JSON.stringify(written)} ${isStyled ? 'with userAuthorizationStyle ' : ''}means join ${join}, read ${read}`, () => {
    const session = write(
      undefined,
      { ...me(), ...system(written) },
      {
        template: isStyled ? styled : sampleTemplate(),
      },
    );
    assert.deepEqual(restrictionsOf(session), { join, read });
  });
}

test('defaults that userAuthorizationStyle makes are in the document, without being written', () => {
  assert.deepEqual(viewProperties(sessionOf([ada], { template: styled }), 107), {
    system: { joinRestriction: 'local', readRestriction: 'local', turn: [] },
    custom: {},
  });
});

test('a template may begin with restrictions, and null brings back the default', () => {
  const template = sampleTemplate(
    {},
    { properties: { system: { joinRestriction: 'local' }, custom: { map: 'atoll' } } },
  );
  const begun = sessionOf([ada], { template });
  assert.deepEqual(restrictionsOf(begun), { join: 'local', read: 'none' });
  assert.deepEqual(begun.properties.custom, { map: 'atoll' });
  const opened = write(begun, system({ joinRestriction: null }));
  assert.deepEqual(restrictionsOf(opened), { join: 'none', read: 'none' });
});

const connectivity = sampleTemplate({ capabilities: { connectivity: true } });

/** Writes of properties.system to an open session of Ada and Bert that are refused, and the field named. */
const refused: readonly (readonly [
  written: JsonObject,
  code: RefusalCode,
  field: string,
  constants?: JsonObject,
])[] = [
  [{ keywords: ['a'] }, 'requestInvalid', 'keywords', { visibility: 'private' }],
  [{ turn: [0, 2] }, 'requestInvalid', 'turn'],
  [{ turn: [-1] }, 'requestInvalid', 'turn[0]'],
  [{ joinRestriction: 'friends' }, 'requestInvalid', 'joinRestriction'],
  [{ readRestriction: 'local' }, 'requestInvalid', 'readRestriction'],
  [{ joinRestriction: 'followed', readRestriction: 'local' }, 'requestInvalid', 'readRestriction'],
  [
    { joinRestriction: 'none' },
    'requestInvalid',
    'joinRestriction',
    { capabilities: { userAuthorizationStyle: true } },
  ],
  [
    { readRestriction: 'none' },
    'requestInvalid',
    'readRestriction',
    { capabilities: { userAuthorizationStyle: true } },
  ],
  [{ locked: true }, 'requestInvalid', 'locked'],
  [{ locked: true, closed: false }, 'requestInvalid', 'locked'],
  [{ matchmaking: { clientResult: {} } }, 'requestInvalid', 'matchmaking.clientResult'],
  [{ initializationSucceeded: true }, 'initializationNotEvaluating', 'initializationSucceeded'],
  [{ initializationSucceeded: false }, 'initializationNotEvaluating', 'initializationSucceeded'],
  [{ owners: [0] }, 'requestInvalid', 'owners'],
  [{ host: 7 }, 'requestInvalid', 'host'],
  [{ closed: 'yes' }, 'requestInvalid', 'closed'],
  [{ keywords: Array(11).fill('a') }, 'requestInvalid', 'keywords'],
  [{ keywords: ['a'.repeat(101)] }, 'requestInvalid', 'keywords[0]'],
  [{ keywords: [''] }, 'requestInvalid', 'keywords[0]'],
  [{ searchHandle: 'x' }, 'requestInvalid', 'searchHandle'],
];

for (const [written, code, field, constants] of refused) {
  test(`properties.system ${JSON.stringify(written).slice(0, 60)} is refused as ${code} at ${field}`, () => {
    const template = sampleTemplate(constants);
    const alone = sessionOf([ada], { template });
    const isOpen = constants?.['visibility'] === undefined;
    const session = isOpen ? write(alone, me(), { by: bert, granted: true }) : alone;
    const refusal = refuse(session, system(written));
    assert.equal(refusal.code, code, refusal.text);
    assert.equal(refusal.detail, `$.properties.system.${field}`);
  });
}

/** Writes that are taken, and what the document then shows of them. */
const taken: readonly (readonly [
  written: JsonObject,
  shown: JsonObject,
  constants?: JsonObject,
])[] = [
  [{ keywords: ['one', 'Two'] }, { keywords: ['one', 'Two'] }],
  [{ keywords: Array(10).fill('a'.repeat(100)) }, { keywords: Array(10).fill('a'.repeat(100)) }],
  [{ keywords: [] }, { keywords: [] }, { visibility: 'visible' }],
  [{ turn: [1, 0] }, { turn: [1, 0] }],
  [{ turn: [] }, {}],
  [{ turn: null }, {}],
  [
    { closed: false, locked: false },
    { closed: false, locked: false },
  ],
  [
    { closed: true, locked: true },
    { closed: true, locked: true },
  ],
  [{ matchmaking: {} }, {}],
  [
    {
      matchmaking: { targetSessionConstants: { custom: { a: null } }, serverConnectionString: 's' },
    },
    {
      matchmaking: { targetSessionConstants: { custom: { a: null } }, serverConnectionString: 's' },
    },
  ],
  [
    { matchmaking: { clientResult: { status: 'found' } } },
    { matchmaking: { clientResult: { status: 'found' } } },
    { capabilities: { clientMatchmaking: true } },
  ],
  [{ matchmakingResubmit: true }, { matchmakingResubmit: true }],
  [{ serverConnectionStringCandidates: ['a'] }, { serverConnectionStringCandidates: ['a'] }],
  [{ allocateCloudCompute: true }, { allocateCloudCompute: true }],
  [
    { description: { text: 'two seats', locale: 'en' } },
    { description: { text: 'two seats', locale: 'en' } },
  ],
  [{ description: {} }, { description: {} }],
  [{ searchHandleVisibility: 'xboxlive' }, { searchHandleVisibility: 'xboxlive' }],
  [{ scheduledTime: '2026-12-05T20:15:00Z' }, { scheduledTime: '2026-12-05T20:15:00Z' }],
  [{ description: null, searchHandleVisibility: null, scheduledTime: null }, {}],
  [{ initializationSucceeded: null, owners: [] }, {}],
  [{ host: 'nobody' }, {}],
];

for (const [written, shown, constants] of taken) {
  test(`properties.system ${JSON.stringify(written).slice(0, 60)} is taken`, () => {
    const session = sessionOf([ada], { template: sampleTemplate(constants) });
    const two = constants === undefined ? write(session, me(), { by: bert }) : session;
    const after = write(two, system(written));
    assert.deepEqual(viewProperties(after, 107), {
      system: { turn: [], ...shown },
      custom: {},
    });
  });
}

test('closed: false of the creating write is not shown, that of a later one is', () => {
  const shown = (session: Session): JsonObject => viewProperties(session, 107)['system'] as never;
  const body = (closed: boolean | null) => ({ ...me(), ...system({ closed }) });
  const created = write(undefined, body(false));
  assert.deepEqual(shown(created), { turn: [] });
  // The same write again changes nothing.
  assert.equal(notRefused(decide(created, body(false))).kind, 'unchanged');
  const closed = write(created, body(true));
  assert.deepEqual(shown(closed), { turn: [], closed: true });
  assert.deepEqual(shown(write(closed, body(false))), { turn: [], closed: false });
  // Unsetting it changes nothing either, since the document stays.
  assert.equal(notRefused(decide(created, body(null))).kind, 'unchanged');
  assert.deepEqual(shown(write(undefined, body(true))), { turn: [], closed: true });
});

// @source docs/wire/unknowns.md "opening unlocks"
test('opening a closed and locked session unlocks it', () => {
  const locked = write(sessionOf([ada]), system({ closed: true, locked: true }));
  for (const closed of [false, null]) {
    assert.equal(write(locked, system({ closed })).properties.system.locked, undefined);
  }
});

test('what the server put into properties may be sent back, and changes nothing', () => {
  const address = { active: true, secureDeviceAddress: 'MS4xLjEuMQ==' };
  const template = sampleTemplate({
    capabilities: { connectivity: true, userAuthorizationStyle: true },
  });
  const joined = write(undefined, me(address), { template });
  const host = joined.members[0]?.deviceToken ?? '';
  const session = write(joined, { properties: { system: { host }, custom: { map: 'atoll' } } });
  for (const contractVersion of [105, 107]) {
    const properties = viewProperties(session, contractVersion);
    const decision = notRefused(decide(session, { properties }, { contractVersion }));
    assert.ok(decision.kind === 'unchanged' || decision.kind === 'updated');
    assert.equal(decision.session.changeNumber, session.changeNumber);
    assert.deepEqual(viewProperties(decision.session, contractVersion), properties);
  }
});

test('the host is the device token of a member, in any letter case, or absent', () => {
  const session = write(undefined, me({ active: true, secureDeviceAddress: 'MS4xLjEuMQ==' }), {
    template: connectivity,
  });
  const token = session.members[0]?.deviceToken ?? '';
  assert.match(token, /^[0-9a-f]{32}$/);
  const hosted = write(session, system({ host: token.toUpperCase() }));
  assert.equal(hosted.properties.system.host, token);
  assert.equal(write(hosted, system({ host: 'nobody' })).properties.system.host, undefined);
  assert.equal(write(hosted, system({ host: null })).properties.system.host, undefined);
  assert.equal(write(hosted, system({ closed: true })).properties.system.host, token);
});

test('a host may be written together with the address that makes it one', () => {
  const session = write(
    sessionOf([ada], { template: connectivity }),
    me({ secureDeviceAddress: 'MS4xLjEuMQ==' }),
  );
  const host = session.members[0]?.deviceToken ?? '';
  const hosted = write(sessionOf([ada], { template: connectivity }), {
    ...me({ secureDeviceAddress: 'MS4xLjEuMQ==' }),
    ...system({ host }),
  });
  assert.equal(hosted.properties.system.host, host);
});

test('a host whose address changes or goes is host no more', () => {
  const session = write(undefined, me({ active: true, secureDeviceAddress: 'MS4xLjEuMQ==' }), {
    template: connectivity,
  });
  const hosted = write(session, system({ host: session.members[0]?.deviceToken ?? '' }));
  for (const secureDeviceAddress of ['Mi4yLjIuMg==', '', null]) {
    const moved = write(hosted, me({ secureDeviceAddress }));
    assert.equal(moved.properties.system.host, undefined);
  }
});

test('custom properties of a session are merged by key, the last writer wins', () => {
  const session = sessionOf([ada, bert, cleo]);
  const first = write(
    session,
    { properties: { custom: { map: 'atoll', mode: 'duel' } } },
    { by: ada },
  );
  const second = write(first, { properties: { custom: { map: 'dunes', round: 1 } } }, { by: bert });
  const third = write(second, { properties: { custom: { mode: null } } }, { by: cleo });
  assert.deepEqual(third.properties.custom, { map: 'dunes', round: 1 });
});
