import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '../domain/refusal.ts';
import { ada } from '../testing/samples.ts';
import type { ObservedEvent, RequestEnded } from './events.ts';
import { openLineWriter } from './line-writer.ts';
import { openLog } from './open-log.ts';
import { replacementOf } from './secrets.ts';

const request: RequestEnded = {
  kind: 'request',
  id: 'c0ffee',
  atMs: 0,
  durationMs: 0.84321,
  method: 'PUT',
  target: '/handles?token=verysecret',
  route: '/handles',
  caller: { ...ada, gamertag: 'Ada' },
  address: '127.0.0.1',
  requestHeaders: { authorization: 'XBL3.0 x=-;verysecret' },
  requestBody: new TextEncoder().encode('verysecret'),
  status: 403,
  refusal: new Refusal('sessionFull', 'Full.', { detail: 'maxMembersCount' }),
  fault: undefined,
  answerHeaders: { 'Set-Cookie': 'verysecret' },
  answerBody: 'verysecret',
};

test('a line of the JSON log has the facts of a request, and no token', async () => {
  let text = '';
  const output = { write: (more: string) => (text += more) };
  const log = await openLog('json', output, { isColoured: true, warn: assert.fail });
  const health: ObservedEvent = { ...request, route: '/health/ready', status: 200 };
  log.observe(request);
  log.observe(health);
  log.warn('warning: the disk is full\nor so');
  log.warn('no longer so: the disk is full');
  log.warn('error: it has gone');
  log.observe({ ...request, status: 500, fault: new Error('no'), refusal: undefined });
  log[Symbol.dispose]();
  assert.ok(!text.includes('verysecret'), text);
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const [first, warning, end, bad, fault, ...more] = lines;
  assert.deepEqual(more, []);
  const { time, ...facts } = first ?? {};
  assert.match(String(time), /^\d{4}-\d\d-\d\dT.*Z$/);
  assert.deepEqual(facts, {
    level: 'info',
    event: 'request',
    id: 'c0ffee',
    method: 'PUT',
    target: `/handles?token=${replacementOf('verysecret')}`,
    route: '/handles',
    status: 403,
    durationMs: 0.843,
    caller: {
      xuid: ada.xuid,
      gamertag: 'Ada',
      ...(ada.titleId !== undefined && { titleId: ada.titleId }),
    },
    address: '127.0.0.1',
    refusal: { code: 'sessionFull', text: 'Full.', detail: 'maxMembersCount' },
  });
  assert.deepEqual([warning?.['level'], warning?.['msg']], ['warn', 'the disk is full\nor so']);
  assert.deepEqual([end?.['level'], end?.['msg']], ['info', 'no longer so: the disk is full']);
  assert.deepEqual([bad?.['level'], bad?.['msg']], ['error', 'it has gone']);
  assert.deepEqual([fault?.['level'], fault?.['fault']], ['warn', 'no']);
});

test('in text, a warning comes after the lines before it', async () => {
  const written: string[] = [];
  const output = { write: (text: string) => written.push(text) };
  const warn = (text: string): void => void written.push(`warning ${text}`);
  const log = await openLog('text', output, { isColoured: false, warn });
  log.observe(request);
  log.observe(request);
  log.warn('here');
  log.observe(request);
  log[Symbol.dispose]();
  assert.deepEqual(
    written.map((text) => text.split('\n').length - 1),
    [2, 0, 1],
    'lines are written together, and none is lost at the end',
  );
});

// Kills: lines with the time at which they were written; a fault in one line that ends the others.
test('lines that are made together have their own times, and one that fails harms no other', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000 });
  let text = '';
  const warnings: string[] = [];
  const output = { write: (more: string) => (text += more) };
  const warn = (warning: string): void => void warnings.push(warning);
  const log = await openLog('json', output, { isColoured: false, warn });
  log.observe(request);
  t.mock.timers.tick(5);
  const failing = { ...request, caller: null as never };
  log.observe(failing);
  log.observe(failing);
  log.observe(request);
  assert.equal(text, '', 'lines are made later');
  log[Symbol.dispose]();
  const times = Array.from(text.matchAll(/"time":"([^"]*)"/g), ([, time]) => time);
  assert.deepEqual(times, ['1970-01-01T00:00:01.000Z', '1970-01-01T00:00:01.005Z']);
  assert.equal(warnings.length, 1);
});

// Kills: lines kept without bound for a reader that has stopped; lines lost without a word.
test('a reader that is too slow costs bounded memory, and the log says how much it missed', () => {
  const written: (() => void)[] = [];
  let text = '';
  const writer = openLineWriter(
    {
      write(more, done) {
        text += more;
        written.push(done);
      },
    },
    (count) => `left out ${count}\n`,
  );
  const line = `${'x'.repeat(99_999)}\n`;
  for (let i = 0; i < 20; i += 1) writer.write(line);
  writer.flush();
  for (let i = 0; i < 5; i += 1) writer.write(line);
  assert.equal(text.length, 11 * line.length);
  for (const done of written) done();
  writer.write('now\n');
  writer.flush();
  assert.equal(text.slice(11 * line.length), 'left out 14\nnow\n');
});
