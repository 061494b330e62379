import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asRefusal, notRefused } from '../../testing/samples.ts';
import { parseExactJson, plainOutsideCustom, type Json, type JsonObject } from '../json.ts';
import { Refusal } from '../refusal.ts';
import {
  parseActivityQuery,
  parseHandleRequest,
  parseInclude,
  parseQueryType,
  type ActivityQuery,
  type HandleRequest,
  type Include,
} from './request.ts';

const scid = 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862';
const sessionRef = { scid, templateName: 'deathmatch', name: 'session-49' };
const activity = { version: 1, type: 'activity', sessionRef };
const attributes = {
  titleId: '1234567890',
  context: 'some context',
  contextString: '///invite',
  senderString: 'the sender',
};
const invite = {
  id: '47ca0049-a5ba-4bc1-aa22-fcf834ce4c13',
  version: 1,
  type: 'invite',
  sessionRef,
  inviteAttributes: attributes,
  invitedXuid: '3210',
};
const lobby = { ...sessionRef, templateName: 'lobby', name: 'lobby-1' };
const transfer = { version: 1, type: 'transfer', sessionRef, originSessionRef: lobby };

/** The object with another value of one member; undefined: without it. */
function but(object: JsonObject, path: string, value: Json | undefined): JsonObject {
  const [head = '', ...rest] = path.split('.');
  const { [head]: before, ...others } = object;
  const after = rest.length === 0 ? value : but(before as JsonObject, rest.join('.'), value);
  return after === undefined ? others : { ...others, [head]: after };
}

const parsed: readonly (readonly [what: string, body: JsonObject, request: HandleRequest])[] = [
  ['the activity of the documentation', activity, { type: 'activity', reference: sessionRef }],
  [
    'an activity without a name',
    but(activity, 'sessionRef.name', undefined),
    { type: 'activity', reference: { scid, templateName: 'deathmatch' } },
  ],
  [
    'a type in another case',
    but(activity, 'type', 'Activity'),
    { type: 'activity', reference: sessionRef },
  ],
  [
    'an id, compared in lower case',
    but(activity, 'id', '47CA0049-A5BA-4BC1-AA22-FCF834CE4C13'),
    { type: 'activity', id: '47ca0049-a5ba-4bc1-aa22-fcf834ce4c13', reference: sessionRef },
  ],
  [
    'a reference, in the case of the request',
    but(activity, 'sessionRef.scid', scid.toUpperCase()),
    { type: 'activity', reference: { ...sessionRef, scid: scid.toUpperCase() } },
  ],
  [
    'the invite of the documentation',
    invite,
    {
      type: 'invite',
      id: '47ca0049-a5ba-4bc1-aa22-fcf834ce4c13',
      reference: sessionRef,
      invitedXuid: '3210',
      inviteAttributes: attributes,
    },
  ],
  [
    'an invite as clients send it',
    but(but(invite, 'id', undefined), 'inviteAttributes', { titleId: 896928775 }),
    {
      type: 'invite',
      reference: sessionRef,
      invitedXuid: '3210',
      inviteAttributes: { titleId: '896928775' },
    },
  ],
  ['a transfer', transfer, { type: 'transfer', reference: sessionRef, origin: lobby }],
];

for (const [what, body, request] of parsed) {
  test(`${what} is read`, () => assert.deepEqual(parseHandleRequest(body), request));
}

/** A good body with another value of one member, and the place that the refusal names. */
const refused: readonly (readonly [
  body: JsonObject,
  path: string,
  value: Json | undefined,
  detail?: string,
])[] = [
  [activity, 'type', undefined],
  [activity, 'type', 'party'],
  [activity, 'type', 1],
  [activity, 'version', 2],
  [activity, 'version', 0],
  [activity, 'version', '1'],
  [activity, 'id', 'no guid'],
  [activity, 'id', ''],
  [activity, 'id', 7],
  [activity, 'sessionRef', undefined],
  [activity, 'sessionRef', null],
  [activity, 'sessionRef', 'session-49'],
  [activity, 'sessionRef.scid', undefined],
  [activity, 'sessionRef.scid', 'no guid'],
  [activity, 'sessionRef.templateName', undefined],
  [activity, 'sessionRef.templateName', ''],
  [activity, 'sessionRef.templateName', 'a/b'],
  [activity, 'sessionRef.name', ''],
  [activity, 'sessionRef.name', 'a~b'],
  [activity, 'sessionRef.name', 'x'.repeat(101)],
  [activity, 'sessionRef.name', null],
  [activity, 'sessionRef.other', 1],
  [activity, 'invitedXuid', '3210'],
  [activity, 'originSessionRef', lobby],
  [invite, 'invitedXuid', undefined],
  [invite, 'invitedXuid', 'x'],
  [invite, 'invitedXuid', ''],
  [invite, 'inviteAttributes', []],
  [invite, 'inviteAttributes.titleId', undefined],
  [invite, 'inviteAttributes.titleId', ''],
  [invite, 'inviteAttributes.titleId', '4294967296'],
  [invite, 'inviteAttributes.titleId', 1.5],
  [invite, 'inviteAttributes.titleId', -1],
  [invite, 'inviteAttributes.titleId', true],
  [invite, 'inviteAttributes.context', 7],
  [invite, 'inviteAttributes.context', 'x'.repeat(257)],
  [invite, 'inviteAttributes.context', ' '.repeat(86)],
  [invite, 'inviteAttributes.context', 'ü'.repeat(43)],
  [invite, 'inviteAttributes.context', '\ud800'],
  [invite, 'inviteAttributes.contextString', 'x'.repeat(101)],
  [invite, 'inviteAttributes.senderString', 'x'.repeat(101)],
  [invite, 'inviteAttributes.other', 1],
  [invite, 'sessionRef.scid', 'no guid'],
  [invite, 'originSessionRef', lobby],
  [transfer, 'sessionRef.name', undefined],
  [transfer, 'originSessionRef', undefined],
  [transfer, 'originSessionRef.name', undefined],
  [transfer, 'originSessionRef.scid', 'no guid'],
  [transfer, 'inviteAttributes', attributes],
];

for (const [body, path, value] of refused) {
  const shown = value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 30);
  test(`${String(body['type'])} with ${shown} as ${path} is refused there`, () => {
    const refusal = asRefusal(parseHandleRequest(but(body, path, value)), 'requestInvalid');
    assert.equal(refusal.detail, `$.${path}`);
    assert.match(refusal.text, /Expected|not known here/);
  });
}

/** At the maximal length. */
const longest: readonly (readonly [path: string, value: string])[] = [
  ['context', 'x'.repeat(256)],
  ['context', ' '.repeat(85)],
  ['context', 'ü'.repeat(42)],
  ['contextString', 'x'.repeat(100)],
  ['senderString', 'x'.repeat(100)],
  ['context', ''],
];

for (const [path, value] of longest) {
  test(`an invite takes ${value.length} characters of ${path}`, () => {
    const request = notRefused(parseHandleRequest(but(invite, `inviteAttributes.${path}`, value)));
    assert.ok(request.type === 'invite');
    assert.deepEqual(request.inviteAttributes, { ...attributes, [path]: value });
  });
}

test('a search handle says what its session is to be found by', () => {
  const search = { type: 'Search', version: 1, sessionRef };
  const asked = { type: 'search', reference: sessionRef, searchAttributes: {} };
  assert.deepEqual(parseHandleRequest(search), asked);
  const searchAttributes = { tags: [], numbers: {}, strings: {} };
  assert.deepEqual(parseHandleRequest({ ...search, searchAttributes }), asked);
  const refusal = asRefusal(parseHandleRequest(but(search, 'sessionRef.name', undefined)));
  assert.equal(refusal.detail, '$.sessionRef.name');
});

test('a query is for activities or for search handles', () => {
  assert.equal(parseQueryType({ type: 'Activity' }), 'activity');
  assert.equal(parseQueryType({ type: 'search', filter: '' }), 'search');
  assert.equal(asRefusal(parseQueryType({ type: 'invite' })).detail, '$.type');
});

const people = (moniker: string): JsonObject => ({ people: { moniker, monikerXuid: '1' } });

const queries: readonly (readonly [owners: JsonObject, parsed: ActivityQuery['owners']])[] = [
  [{ xuids: ['1', '2'] }, { xuids: ['1', '2'] }],
  [{ xuids: [] }, { xuids: [] }],
  [people('people'), { list: 'people', ofXuid: '1' }],
  [people('People'), { list: 'people', ofXuid: '1' }],
  [people('friends'), { list: 'people', ofXuid: '1' }],
  [people('FAVORITES'), { list: 'favorites', ofXuid: '1' }],
];

for (const [owners, expected] of queries) {
  test(`a query for ${JSON.stringify(owners)} is read`, () => {
    assert.deepEqual(parseActivityQuery({ type: 'activity', owners }), { owners: expected });
    assert.deepEqual(parseActivityQuery({ type: 'activity', scid, owners }), {
      scid,
      owners: expected,
    });
  });
}

const query = { type: 'activity', scid, owners: { xuids: ['1'] } };

const refusedQueries: readonly (readonly [
  path: string,
  value: Json | undefined,
  detail: string,
])[] = [
  ['type', undefined, '$.type'],
  ['scid', 'no guid', '$.scid'],
  ['owners', undefined, '$.owners'],
  ['owners', {}, '$.owners'],
  ['owners', { xuids: ['1'], ...people('people') }, '$.owners'],
  ['owners.xuids', '1', '$.owners.xuids'],
  ['owners.xuids', [1], '$.owners.xuids[0]'],
  ['owners.xuids', ['1', 'x'], '$.owners.xuids[1]'],
  ['owners.xuids', Array(1_001).fill('1'), '$.owners.xuids'],
  ['owners', people('enemies'), '$.owners.people.moniker'],
  ['owners', { people: { moniker: 'people' } }, '$.owners.people.monikerXuid'],
  ['owners.other', 1, '$.owners.other'],
  ['filter', 'x eq 1', '$.filter'],
];

for (const [path, value, detail] of refusedQueries) {
  test(`a query with ${JSON.stringify(value)?.slice(0, 50)} as ${path} is refused at ${detail}`, () => {
    const refusal = asRefusal(parseActivityQuery(but(query, path, value)), 'requestInvalid');
    assert.equal(refusal.detail, detail);
  });
}

const includes: readonly (readonly [include: string | null, parsed: Include])[] = [
  [null, { relatedInfo: false, roleInfo: false, customProperties: false }],
  ['', { relatedInfo: false, roleInfo: false, customProperties: false }],
  ['relatedInfo', { relatedInfo: true, roleInfo: false, customProperties: false }],
  ['RelatedInfo, customproperties', { relatedInfo: true, roleInfo: false, customProperties: true }],
  [
    'roleInfo,unknown,customProperties,',
    { relatedInfo: false, roleInfo: true, customProperties: true },
  ],
];

for (const [include, expected] of includes) {
  test(`include ${JSON.stringify(include)} is read`, () =>
    assert.deepEqual(parseInclude(include), expected));
}

test('a body is read as it comes from HTTP: keys that objects inherit are not known', () => {
  const text = '{"type":"activity","sessionRef":{"scid":"x"},"__proto__":{"version":1}}';
  const body = plainOutsideCustom(parseExactJson(text)) as JsonObject;
  assert.equal(asRefusal(parseHandleRequest(body)).code, 'requestInvalid');
});

test('null for the version or for the attributes of an invite is as if left out', () => {
  for (const name of ['version', 'inviteAttributes']) {
    const left = parseHandleRequest(but(invite, name, undefined));
    assert.ok(!(left instanceof Refusal));
    assert.deepEqual(parseHandleRequest(but(invite, name, null)), left);
  }
});
