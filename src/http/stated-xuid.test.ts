import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../domain/json.ts';
import { statedXuid } from './stated-xuid.ts';

const session = '/serviceconfigs/s/sessiontemplates/t/sessions/n';
const me = (xuid: unknown): JsonObject =>
  ({ members: { me: { constants: { system: { xuid } } } } }) as JsonObject;

const stated: readonly (readonly [method: string, path: string, body: JsonObject, xuid: string])[] =
  [
    ['PUT', session, me('7'), '7'],
    ['PUT', session, { members: { me_7: {} } }, '7'],
    ['GET', '/users/xuid(7)/people/avoid', {}, '7'],
    ['PUT', '/Users/XUID(7)/people/mute', {}, '7'],
    ['POST', '/users/xuid%287%29/devices/current/titles/current', {}, '7'],
    ['PUT', '/titles/1/users/7/activities', {}, '7'],
    ['DELETE', '/titles/1/users/xuid(7)/activities', {}, '7'],
  ];

const silent: readonly (readonly [method: string, path: string, body: JsonObject])[] = [
  ['PUT', session, {}],
  ['PUT', session, { members: null }],
  ['PUT', session, { members: { me: null } }],
  ['PUT', session, { members: { me: { constants: null } } }],
  ['PUT', session, { members: { me: { constants: { system: [] } } } }],
  ['PUT', session, me('')],
  ['PUT', session, me('x')],
  ['PUT', session, me(7)],
  ['PUT', session, me('111111111111111111111')],
  ['PUT', session, { members: { reserve_0: { constants: { system: { xuid: '7' } } } } }],
  ['GET', '/users/xuid(7)/people', {}],
  ['GET', '/users/xuid(7)/devices/current', {}],
  ['GET', '/users/me/people/avoid', {}],
  ['GET', '/users/gt(7)/people/avoid', {}],
  // Anybody may look at an activity.
  ['GET', '/titles/1/users/7/activities', {}],
  ['POST', '/titles/1/activities/query', { users: ['7'] }],
];

test('a request states a xuid where clients write their own', () => {
  for (const [method, path, body, xuid] of stated) {
    assert.equal(statedXuid(method, path, body), xuid, `${method} ${path}`);
  }
});

test('a request about others states none, and neither does one in another form', () => {
  for (const [method, path, body] of silent) {
    assert.equal(
      statedXuid(method, path, body),
      undefined,
      `${method} ${path} ${JSON.stringify(body)}`,
    );
  }
});
