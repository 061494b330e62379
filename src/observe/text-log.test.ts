import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '../domain/refusal.ts';
import { changeOf } from '../domain/session/session-change.ts';
import { ada, me, write } from '../testing/samples.ts';
import type { ObservedEvent, RequestEnded } from './events.ts';
import { replacementOf } from './secrets.ts';
import { shortKey, shortTarget } from './short-target.ts';
import { colourStyles, formatDuration, openTextLog, plainStyles } from './text-log.ts';

const noon = new Date(2026, 10, 30, 12, 4, 31, 123).getTime();
const connection = '5a4bf5ab-7f74-4f35-9cb0-d4a0a4a3a9a1';
const scid = 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862';
const room = `/serviceconfigs/${scid}/sessionTemplates/deathmatch/sessions/room-1`;

const request: RequestEnded = {
  kind: 'request',
  id: 'id',
  atMs: 0,
  durationMs: 0.84,
  method: 'PUT',
  target: room,
  route: '/serviceconfigs/{scid}/sessionTemplates/{template}/sessions/{name}',
  caller: { ...ada, gamertag: 'Ada' },
  address: '127.0.0.1',
  requestHeaders: { authorization: 'XBL3.0 x=-;verysecret' },
  requestBody: undefined,
  status: 201,
  refusal: undefined,
  fault: undefined,
  answerHeaders: {},
  answerBody: undefined,
};

/** The lines of these events, without their time of day. */
function linesOf(events: readonly ObservedEvent[]): readonly string[] {
  const format = openTextLog({ styles: plainStyles, nowMs: () => noon });
  return events.flatMap((event) => format(event)?.slice('12:04:31.123  '.length) ?? []);
}

test('a request is one line: when, what, how it ended, who, how long, and why not', () => {
  const format = openTextLog({ styles: plainStyles, nowMs: () => noon });
  assert.equal(
    format(request),
    '12:04:31.123  PUT     201  deathmatch/room-1                    Ada               0.8 ms\n',
  );
  const refusal = new Refusal('etagDiffers', 'It has changed.', { detail: '"abc"' });
  assert.deepEqual(
    linesOf([
      { ...request, status: 412, refusal },
      {
        ...request,
        status: 400,
        refusal: new Refusal('requestInvalid', '$.a: No.', { detail: '$.a' }),
      },
      { ...request, status: 404, route: undefined, target: '/nowhere', caller: undefined },
      { ...request, status: 500, durationMs: 12_345, fault: new Error('secret of the server') },
      { ...request, status: 503, fault: new Error('the store is away') },
    ]).map((line) => line.replaceAll(/ +/g, ' ')),
    [
      'PUT 412 deathmatch/room-1 Ada 0.8 ms etagDiffers ("abc") It has changed.\n',
      'PUT 400 deathmatch/room-1 Ada 0.8 ms requestInvalid $.a: No.\n',
      'PUT 404 /nowhere - 0.8 ms\n',
      'PUT 500 deathmatch/room-1 Ada 12.3 s fault\n',
      'PUT 503 deathmatch/room-1 Ada 0.8 ms outage\n',
    ],
  );
});

test('what would only fill the log has no line, unless it fails', () => {
  const health = { ...request, route: '/health/ready', status: 200 };
  const scrape = { ...request, route: '/metrics', status: 200 };
  assert.deepEqual(linesOf([health, scrape]), []);
  assert.equal(linesOf([{ ...health, status: 503 }]).length, 1);
});

test('connections, taps, time and tests have lines too, by the names of users', () => {
  const xuid = ada.xuid;
  const before = write(undefined, me());
  const next = { ...before, changeNumber: 2, members: [] };
  const arbitration = {
    constants: { system: {}, custom: {} },
    properties: { system: { resultState: 'canceled' }, custom: {} },
  };
  const decided = { ...before, changeNumber: 2, servers: { arbitration } };
  const key = `${scid}~deathmatch~room-1`;
  const committed = {
    kind: 'committed',
    atMs: 0,
    key,
    revision: 2,
    change: changeOf(before, next),
    madeHandle: undefined,
    removedHandles: [],
  } as const;
  const tap = { resource: key, branch: 'b', changeNumber: 4, timeMs: 0, to: [] };
  const [member] = before.members;
  const name = member?.gamertag ?? member?.xuid;
  assert.deepEqual(
    linesOf([
      {
        kind: 'connectionOpened',
        atMs: 0,
        connection,
        caller: { ...ada, gamertag: 'Ada' },
        requestId: 'r',
      },
      {
        kind: 'subscription',
        atMs: 0,
        change: 'subscribed',
        connection,
        xuid,
        resource: 'connections',
        code: 0,
      },
      {
        kind: 'subscription',
        atMs: 0,
        change: 'refused',
        connection,
        xuid,
        resource: 'friends of 7',
        code: 3,
      },
      { kind: 'frame', atMs: 0, connection, direction: 'sent', text: '[4]' },
      { kind: 'tapsSent', atMs: 0, connection, xuid, taps: [tap, tap] },
      { kind: 'resyncSent', atMs: 0, connection, xuid },
      { kind: 'connectionClosed', atMs: 0, connection, xuid, why: 'slow' },
      { ...committed, cause: { kind: 'request', caller: ada } },
      { ...committed, cause: { kind: 'timer' } },
      { ...committed, cause: { kind: 'admin', by: 'ops', reason: 'cheats' } },
      { ...committed, cause: { kind: 'timer' }, change: changeOf(before, decided) },
      { ...committed, cause: { kind: 'timer' }, change: changeOf(before, { ...before }) },
      { kind: 'clockMoved', atMs: 0, toMs: 90_000 },
      { kind: 'sweep', atMs: 0, durationMs: 1, sessionsCount: 1, invitesCount: 0, isFailed: false },
      { kind: 'sweep', atMs: 0, durationMs: 1, sessionsCount: 0, invitesCount: 2, isFailed: false },
      {
        kind: 'ticket',
        atMs: 0,
        change: 'found',
        hopper: 'duel',
        ticketId: connection,
        waitedMs: 2_500,
      },
      {
        kind: 'match',
        atMs: 0,
        hopper: 'duel',
        ticketIds: ['a', 'b'],
        playersCount: 2,
        target: key,
      },
    ]).map((line) => line.trimEnd()),
    [
      'RTA     open connection 5a4bf5ab…                 Ada',
      'RTA     sub  connections                          Ada',
      'RTA     no   friends of 7                         Ada             belongs to another user',
      'RTA     tap  deathmatch/room-1 #4                 Ada             and 1 more',
      'RTA     sync may have missed something            Ada',
      'RTA     end  connection 5a4bf5ab…                 Ada             does not read what it is sent',
      `TIMER        deathmatch/room-1 #2                 ${name} is gone`,
      `ADMIN        deathmatch/room-1 #2                 ${name} is gone, by ops: cheats`,
      // Kills: "changed", which says nothing.
      'TIMER        deathmatch/room-1 #2                 the arbitrated game has the result canceled',
      'TIMER        deathmatch/room-1 #1                 nothing that clients see',
      'CLOCK        on by 90.0 s                         1970-01-01T00:01:30',
      'SWEEP                                             2 invites have expired',
      'TICKET       duel                                 5a4bf5ab… found after 2.5 s',
      'MATCH        duel                                 2 players of 2 tickets meet in deathmatch/room-1',
    ],
  );
});

// Kills: a gamertag or a path written as it came, which could end the line and begin another one, or
// send commands to the terminal; a token in a query.
test('nothing from outside makes a line of its own, commands the terminal, or is a token', () => {
  const evil = 'a\u001b[2J\n12:00 PUT\u202e\u2028';
  const refusal = new Refusal('pathUnknown', `Nothing at ${evil}.`, { detail: evil });
  const caller = { ...ada, gamertag: evil };
  const [line = ''] = linesOf([
    {
      ...request,
      method: evil,
      target: `/x?nonce=verysecret&${evil}`,
      caller,
      status: 404,
      refusal,
    },
  ]);
  assert.match(line, /^[^\p{Cc}\p{Cf}\p{Zl}]*\n$/u);
  assert.ok(line.includes('\\u{1b}[2J'));
  assert.ok(!line.includes('verysecret'), line);
});

test('colours are put around the same text', () => {
  const refusal = new Refusal('sessionFull', 'Full.');
  const events = [request, { ...request, status: 400, refusal }];
  const format = openTextLog({ styles: colourStyles, nowMs: () => noon });
  const coloured = events.map((event) => format(event) ?? '').join('');
  assert.ok(coloured.includes('\u001b[33msessionFull\u001b[0m'));
  const plain = coloured.split('\u001b').map((part) => part.replace(/^\[[\d;]*m/, ''));
  const lines = linesOf(events).map((line) => `12:04:31.123  ${line}`);
  assert.equal(plain.join(''), lines.join(''));
});

test('targets are shown short: sessions by template and name, ids cut, tokens replaced', () => {
  const shown = {
    [room]: 'deathmatch/room-1',
    [`${room}/members/me?a=1`]: 'deathmatch/room-1/members/me?a=1',
    [room.replace('room-1', connection)]: 'deathmatch/5a4bf5ab…',
    [`/serviceconfigs/${scid}/sessions?xuid=1`]: 'sessions?xuid=1',
    [`/serviceconfigs/${scid}/sessiontemplates`]: 'sessiontemplates',
    [`/serviceconfigs/${scid}`]: '/serviceconfigs/bd6c41c3…',
    [`/handles/${connection}/session`]: '/handles/5a4bf5ab…/session',
    '/connect?nonce=abc': `/connect?nonce=${replacementOf('abc')}`,
    '/x/eyJh.eyJz.c2ln': `/x/${replacementOf('eyJh.eyJz.c2ln')}`,
    [`/x?${'q'.repeat(100)}`]: `/x?${'q'.repeat(59)}…`,
    '': '',
  };
  assert.deepEqual(Object.keys(shown).map(shortTarget), Object.values(shown));
  assert.equal(shortKey(`${scid}~lobby~${connection}`), 'lobby/5a4bf5ab…');
  assert.deepEqual([0.04, 9.96, 999.4, 1_234, 180_000, 86_400_000].map(formatDuration), [
    '0.0 ms',
    '10 ms',
    '999 ms',
    '1.2 s',
    '3 min',
    '24 h',
  ]);
});
