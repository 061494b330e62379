/**
 * What a hostile body costs: as much as a valid one of its size, and no multiple of it. CPU time of
 * this thread is compared, the least of several runs.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAccessRequest, parseDeviceRequest, parseUserRequest } from '../auth/token-chain.ts';
import type { JsonObject } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import { parseSessionRequest } from '../domain/session/request.ts';
import { parseBody } from './body.ts';

const bodyBytes = 256 * 1024;
/** How much more than the valid body a refused one may cost. */
const factorMax = 3;
const runs = 5;

/** `unit`, as often as fits, between `head` and `tail`; a comma before the tail is left out. */
function filled(head: string, unit: string, tail: string): string {
  const count = Math.floor((bodyBytes - head.length - tail.length) / unit.length);
  return head + unit.repeat(count).replace(/,$/, '') + tail;
}

/** An object of as many members as fit, each with a name of its own. */
function members(head: string, member: (n: number) => string, tail: string): string {
  const list: string[] = [];
  for (let bytes = head.length + tail.length, n = 0; bytes < bodyBytes; n += 1) {
    list.push(member(n));
    bytes += Number(list.at(-1)?.length) + 1;
  }
  return head + list.join(',') + tail;
}

const write = (body: JsonObject): unknown => parseSessionRequest(body, 107);
const valid = members('{"properties":{"custom":{', (n) => `"k${n}":{}`, '}}}');

const hostile: readonly (readonly [
  what: string,
  body: string,
  parse?: (body: JsonObject) => unknown,
])[] = [
  ['keywords, each empty', filled('{"properties":{"system":{"keywords":[', '"",', ']}}}')],
  ['turns, each negative', filled('{"properties":{"system":{"turn":[', '-1,', ']}}}')],
  [
    'groups, none a string',
    filled('{"members":{"me":{"properties":{"system":{"groups":[', '0,', ']}}}}}'),
  ],
  [
    'measurements, none an object',
    members(
      '{"members":{"me":{"properties":{"system":{"measurements":{',
      (n) => `"k${n}":0`,
      '}}}}}}',
    ),
  ],
  ['members of no name', members('{"members":{', (n) => `"k${n}":{}`, '}}')],
  ['members that are not known', members('{', (n) => `"k${n}":0`, '}')],
  ['one long name', filled('{"', 'x', '":0}')],
  ['an array', filled('[', '0,', ']')],
  ['an open array', filled('[', '0,', '')],
  ['an open string with escapes', filled('["', '\\n', '')],
  ['lines before a fault', filled('[', '\n', 'x')],
  ['open brackets', filled('', '[', '')],
  ['open objects', filled('', '{"a":', '')],
  ['U+FFFD before a byte that is not UTF-8', `${'\ufffd'.repeat(bodyBytes / 3)}\xff`],
  [
    'user tokens, none a text',
    filled('{"Properties":{"UserTokens":[', '0,', ']}}'),
    parseAccessRequest,
  ],
  [
    'a ticket of repeated parameters',
    filled('{"Properties":{"RpsTicket":"', 'gtg=&', '"}}'),
    parseUserRequest,
  ],
  [
    'a ticket of percent signs',
    filled('{"Properties":{"RpsTicket":"gtg=', '%41', '%"}}'),
    parseDeviceRequest,
  ],
];

/** The least CPU time of some runs, in microseconds. */
function cpuOf(body: string, parse: (body: JsonObject) => unknown): number {
  const isBytes = body.endsWith('\xff');
  const bytes = isBytes
    ? Buffer.concat([Buffer.from(body.slice(0, -1)), Buffer.of(0xff)])
    : Buffer.from(body);
  const costs = Array.from({ length: runs }, () => {
    const before = process.threadCpuUsage();
    const parsed = parseBody(bytes);
    const result = parsed instanceof Refusal ? parsed : parse(parsed);
    const { user, system } = process.threadCpuUsage(before);
    assert.equal(result instanceof Refusal, body !== valid);
    return user + system;
  });
  return Math.min(...costs);
}

// Kills: parseShape that collects every problem; utf8FaultOf that looks at each U+FFFD by itself.
test('a body that is refused costs no multiple of one that is not', () => {
  const usual = cpuOf(valid, write);
  for (const [what, body, parse = write] of hostile) {
    const factor = cpuOf(body, parse) / usual;
    assert.ok(factor <= factorMax, `${what}: ${factor.toFixed(1)} × a valid body`);
  }
});

// Kills: numbers read by a reviver of JSON.parse; escaped keys parsed twice more.
test('numbers that must stay exact, and escaped keys, cost no multiple either', () => {
  const usual = cpuOf(valid, write);
  const custom = '{"properties":{"custom":';
  const costly = {
    'numbers with one that is exact': filled(`${custom}{"a":[1.0,`, '0,', ']}}}'),
    'exact numbers': filled(`${custom}{"a":[`, '1.50,', ']}}}'),
    'keys with one that is escaped': members(`${custom}{"\\n":0,`, (n) => `"k${n}":${n}`, '}}}'),
  };
  for (const [what, body] of Object.entries(costly)) {
    const bytes = Buffer.from(body);
    const costs = Array.from({ length: runs }, () => {
      const before = process.threadCpuUsage();
      assert.ok(!(parseBody(bytes) instanceof Refusal));
      const { user, system } = process.threadCpuUsage(before);
      return user + system;
    });
    const factor = Math.min(...costs) / usual;
    assert.ok(factor <= factorMax + 1, `${what}: ${factor.toFixed(1)} × a valid body`);
  }
});
