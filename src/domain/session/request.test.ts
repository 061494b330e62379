import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asRefusal, notRefused } from '../../testing/samples.ts';
import { formatJson, parseExactJson, type JsonObject } from '../json.ts';
import {
  parseMemberRequest,
  parsePropertiesRequest,
  parseServerRequest,
  parseSessionRequest,
  type SessionRequest,
} from './request.ts';

const nothing: SessionRequest = { reservations: [], others: [], servers: [] };
const parse = (text: string, version = 107): unknown =>
  parseSessionRequest(parseExactJson(text) as JsonObject, version);

const xuid = '2814646326226712';
const reserve = (more = ''): string => `{"constants":{"system":{"xuid":"${xuid}"${more}}}}`;

const parsed: readonly (readonly [body: string, request: Partial<SessionRequest>])[] = [
  ['{}', {}],
  ['{"constants":null,"properties":null,"members":null,"servers":null,"roleTypes":null}', {}],
  ['{"members":{"me":null}}', { me: null }],
  ['{"members":{"me":{}}}', { me: {} }],
  [`{"members":{"me_${xuid}":{}}}`, { me: {}, meXuid: xuid }],
  [`{"members":{"me_${xuid}":null}}`, { me: null, meXuid: xuid }],
  ['{"membersOnly":true}', {}],
  [
    '{"members":{"3":null,"0":{}}}',
    {
      others: [
        { index: 0, request: {} },
        { index: 3, request: null },
      ],
    },
  ],
  [
    `{"members":{"reserve_1":${reserve()},"reserve_0":{"constants":{"system":{"xuid":7,"initialize":true},"custom":"x"}}}}`,
    {
      reservations: [
        {
          xuid: '7',
          initialize: true,
          constants: { system: { xuid: '7', initialize: true }, custom: 'x' },
        },
        { xuid, initialize: false, constants: { system: { xuid } } },
      ],
    },
  ],
  [
    '{"servers":{"a":null,"__proto__":{}}}',
    {
      servers: [
        { name: 'a', request: null },
        { name: '__proto__', request: {} },
      ],
    },
  ],
  ['{"roleTypes":{"squad":{}}}', { roleTypes: { squad: { roles: {} } } }],
  [
    '{"properties":{"system":{"joinRestriction":"FOLLOWED"},"custom":{}}}',
    { properties: { system: { joinRestriction: 'followed' }, custom: {} } },
  ],
];

for (const [body, request] of parsed) {
  test(`${body.slice(0, 90)} is read`, () => {
    assert.deepEqual(parse(body), { ...nothing, ...request });
  });
}

/** Bodies that do not fit, and the place that the refusal names. */
const refused: readonly (readonly [body: string, detail: string])[] = [
  ['{"member":{}}', '$.member'],
  ['{"__proto__":{}}', '$.__proto__'],
  ['{"constants":[]}', '$.constants'],
  ['{"constants":{"system":[]}}', '$.constants.system'],
  ['{"constants":{"custom":"text"}}', '$.constants.custom'],
  ['{"properties":1}', '$.properties'],
  ['{"properties":{"custom":[]}}', '$.properties.custom'],
  ['{"properties":{"other":{}}}', '$.properties.other'],
  ['{"members":[]}', '$.members'],
  ['{"members":{"you":{}}}', '$.members["you"]'],
  ['{"membersOnly":1}', '$.membersOnly'],
  ['{"members":{"me_":{}}}', '$.members["me_"]'],
  ['{"members":{"me_x":{}}}', '$.members["me_x"]'],
  [`{"members":{"me":{},"me_${xuid}":{}}}`, `$.members.me_${xuid}`],
  [`{"members":{"me_${xuid}":{},"me_1":{}}}`, '$.members.me_1'],
  ['{"properties":{"system":{"description":"two seats"}}}', '$.properties.system.description'],
  ['{"properties":{"system":{"description":{"text":1}}}}', '$.properties.system.description.text'],
  ['{"properties":{"system":{"scheduledTime":"soon"}}}', '$.properties.system.scheduledTime'],
  ['{"members":{"-1":null}}', '$.members["-1"]'],
  ['{"members":{"01":null}}', '$.members["01"]'],
  ['{"members":{"1.0":null}}', '$.members["1.0"]'],
  ['{"members":{"1000000000":null}}', '$.members["1000000000"]'],
  ['{"members":{"__proto__":{}}}', '$.members["__proto__"]'],
  ['{"members":{"Me":{}}}', '$.members["Me"]'],
  ['{"members":{"me":[]}}', '$.members.me'],
  ['{"members":{"me":{"xuid":"1"}}}', '$.members.me.xuid'],
  [
    '{"members":{"me":{"constants":{"system":{"xuid":"x"}}}}}',
    '$.members.me.constants.system.xuid',
  ],
  [
    '{"members":{"me":{"constants":{"system":{"xuid":1.5}}}}}',
    '$.members.me.constants.system.xuid',
  ],
  ['{"members":{"me":{"properties":{"custom":"text"}}}}', '$.members.me.properties.custom'],
  ['{"members":{"me":{"roles":{"squad":1}}}}', '$.members.me.roles.squad'],
  [
    '{"members":{"3":{"properties":{"system":{"active":1}}}}}',
    '$.members.3.properties.system.active',
  ],
  ['{"members":{"reserve_0":null}}', '$.members.reserve_0'],
  ['{"members":{"reserve_0":{}}}', '$.members.reserve_0.constants'],
  [
    '{"members":{"reserve_0":{"constants":{"system":{}}}}}',
    '$.members.reserve_0.constants.system.xuid',
  ],
  [
    `{"members":{"reserve_0":${reserve(',"index":1')}}}`,
    '$.members.reserve_0.constants.system.index',
  ],
  [`{"members":{"reserve_1":${reserve()}}}`, '$.members.reserve_0'],
  [`{"members":{"reserve_0":${reserve()},"reserve_2":${reserve()}}}`, '$.members.reserve_1'],
  [`{"members":{"reserve_00":${reserve()}}}`, '$.members["reserve_00"]'],
  ['{"servers":{"":{}}}', '$.servers'],
  ['{"servers":{"s":{"constants":1}}}', '$.servers.s.constants'],
  ['{"roleTypes":[]}', '$.roleTypes'],
];

for (const [body, detail] of refused) {
  test(`${body.slice(0, 90)} is refused at ${detail}`, () => {
    const refusal = asRefusal(parse(body), 'requestInvalid');
    assert.equal(refusal.detail, detail);
    assert.ok(refusal.text.startsWith(detail), refusal.text);
    assert.ok(refusal.text.endsWith('.'), refusal.text);
  });
}

test('constants are read by the names of the contract version', () => {
  const older = '{"constants":{"system":{"timeouts":{"inactive":5}}}}';
  const newer = '{"constants":{"system":{"inactiveRemovalTimeout":5}}}';
  for (const version of [104, 105]) assert.deepEqual(parse(older, version), parse(newer, 107));
  assert.equal(asRefusal(parse(older, 107)).detail, '$.constants.system.timeouts');
});

test('title data is taken unchanged', () => {
  const custom = '{"__proto__":{"a":null},"constructor":[1.50,12345678901234567890]}';
  const request = notRefused(
    parse(
      `{"properties":{"custom":${custom}},"members":{"me":{"constants":{"custom":${custom}}}}}`,
    ),
  ) as SessionRequest;
  assert.equal(formatJson(request.properties?.custom), custom);
  assert.equal(formatJson(request.me?.constants?.custom), custom);
});

test('an element is read as the part of a session that it is, and named from its own root', () => {
  assert.deepEqual(parsePropertiesRequest({ system: { closed: true } }), {
    properties: { system: { closed: true } },
  });
  assert.deepEqual(parseMemberRequest({ properties: { custom: { a: 1 } } }), {
    me: { properties: { custom: { a: 1 } } },
  });
  assert.deepEqual(parseServerRequest({ properties: { custom: { a: 1 } } }, 's'), {
    servers: [{ name: 's', request: { properties: { custom: { a: 1 } } } }],
  });
  assert.equal(asRefusal(parsePropertiesRequest({ properties: {} })).detail, '$.properties');
  assert.equal(asRefusal(parseMemberRequest({ me: {} })).detail, '$.me');
  assert.equal(asRefusal(parseServerRequest({ name: 's' }, 's')).detail, '$.name');
});
