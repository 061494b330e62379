/**
 * What a hostile body costs: as much as a valid one of its size, and no multiple of it. CPU time of
 * this thread is compared, the least of several runs.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  parseAccessRequest,
  parseDeviceRequest,
  parseUserRequest,
  parseUserTicket,
} from '../auth/token-chain.ts';
import type { JsonObject } from '../domain/json.ts';
import { limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';
import { parseSessionRequest } from '../domain/session/request.ts';
import { parseBody } from './body.ts';

const bodyBytes = 256 * 1024;
/** How much more than the valid body a refused one may cost. */
const factorMax = 3;
const [series, runs, measurementsMax] = [4, 5, 5];

/** `unit`, as often as fits, between `head` and `tail`; a comma before the tail is left out. */
function filled(head: string, unit: string, tail: string): string {
  const count = Math.floor((bodyBytes - head.length - tail.length) / unit.length);
  return head + unit.repeat(count).replace(/,$/, '') + tail;
}

/** An array of as many items as a body may have. */
function items(head: string, item: string, tail: string): string {
  const count = limits.bodyValuesMax - 20;
  return head + Array.from({ length: count }, () => item).join() + tail;
}

/** An object of as many members as one may have, or of so many, each with a name of its own. */
function members(
  head: string,
  member: (n: number) => string,
  tail: string,
  count = limits.objectMembersMax - 20,
): string {
  return head + Array.from({ length: count }, (_, n) => member(n)).join() + tail;
}

const write = (body: JsonObject): unknown => parseSessionRequest(body, 107);
const custom = '{"properties":{"custom":{';
/** What a title may write: nearly as many values as a body may have, in many objects. */
const valid = members(
  custom,
  (n) => `"k${n}":{"a":${n},"b":true,"text":"${'x'.repeat(10)}"}`,
  '}}}',
);

const userTicket = (body: JsonObject): unknown => {
  const ticket = parseUserRequest(body);
  return ticket instanceof Refusal ? ticket : parseUserTicket(ticket);
};

const hostile: readonly (readonly [
  what: string,
  body: string,
  parse?: (body: JsonObject) => unknown,
])[] = [
  ['keywords, each empty', items('{"properties":{"system":{"keywords":[', '""', ']}}}')],
  ['turns, each negative', items('{"properties":{"system":{"turn":[', '-1', ']}}}')],
  [
    'groups, none a string',
    items('{"members":{"me":{"properties":{"system":{"groups":[', '0', ']}}}}}'),
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
  ['more members than an object may have', members(custom, (n) => `"k${n}":0`, '}}}', 22_000)],
  ['more values than a body may have', filled('{"properties":{"custom":{"a":[', '[],', ']}}}')],
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
    items('{"Properties":{"UserTokens":[', '0', ']}}'),
    parseAccessRequest,
  ],
  [
    'a ticket of repeated parameters',
    filled('{"Properties":{"RpsTicket":"', 'gtg=&', '"}}'),
    userTicket,
  ],
  [
    'a ticket of percent signs',
    filled('{"Properties":{"RpsTicket":"gtg=', '%41', '%"}}'),
    parseDeviceRequest,
  ],
];

/** The least CPU time of some series of runs, in microseconds: a clock may tick each 4 ms. */
function cpuOf(run: () => void): number {
  const costs = Array.from({ length: series }, () => {
    const before = process.threadCpuUsage();
    for (let n = 0; n < runs; n += 1) run();
    const { user, system } = process.threadCpuUsage(before);
    return user + system;
  });
  return Math.min(...costs);
}

/** What it costs to read a body, which is refused unless it is the valid one. */
function costOf(body: string, parse: (body: JsonObject) => unknown): number {
  const isBytes = body.endsWith('\xff');
  const bytes = isBytes
    ? Buffer.concat([Buffer.from(body.slice(0, -1)), Buffer.of(0xff)])
    : Buffer.from(body);
  return cpuOf(() => {
    const parsed = parseBody(bytes);
    const result = parsed instanceof Refusal ? parsed : parse(parsed);
    assert.equal(result instanceof Refusal, body !== valid);
  });
}

/**
 * How many times as much as a valid body these cost. Measured again while it is too much: the machine
 * may have been slower meanwhile than at the valid body.
 */
function factorOf(measure: () => number, factorMax: number): number {
  let factor = Number.POSITIVE_INFINITY;
  for (let n = 0; n < measurementsMax && factor > factorMax; n += 1) {
    factor = Math.min(factor, measure() / costOf(valid, write));
  }
  return factor;
}

// Kills: parseShape that collects every problem; utf8FaultOf that looks at each U+FFFD by itself.
test('a body that is refused costs no multiple of one that is not', () => {
  for (const [what, body, parse = write] of hostile) {
    const factor = factorOf(() => costOf(body, parse), factorMax);
    assert.ok(factor <= factorMax, `${what}: ${factor.toFixed(1)} × a valid body`);
  }
});

// Kills: numbers read by a reviver of JSON.parse; escaped keys parsed twice more.
test('numbers that must stay exact, and escaped keys, cost no multiple either', () => {
  const costly = {
    'numbers with one that is exact': items(`${custom}"a":[1.0,`, '0', ']}}}'),
    'exact numbers': items(`${custom}"a":[`, '1.50', ']}}}'),
    'keys with one that is escaped': members(`${custom}"\\n":0,`, (n) => `"k${n}":${n}`, '}}}'),
  };
  for (const [what, body] of Object.entries(costly)) {
    const bytes = Buffer.from(body);
    const read = (): void => assert.ok(!(parseBody(bytes) instanceof Refusal));
    const factor = factorOf(() => cpuOf(read), factorMax + 1);
    assert.ok(factor <= factorMax + 1, `${what}: ${factor.toFixed(1)} × a valid body`);
  }
});
