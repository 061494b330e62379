/** The events that observers of a running server get. */

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { joinBody, startKit } from '../testing/kit.ts';
import type { ObservedEvent } from './events.ts';

type Kind = ObservedEvent['kind'];
type EventOf<K extends Kind> = Extract<ObservedEvent, { readonly kind: K }>;

async function startObserved() {
  const events: ObservedEvent[] = [];
  const waiting = new Set<() => void>();
  const kit = await startKit({
    settings: {
      tapWindowMs: 0,
      control: true,
      observe(event) {
        events.push(event);
        for (const look of waiting) look();
      },
    },
  });
  return {
    kit,
    events,
    /** All events of this kind so far. */
    of: <K extends Kind>(kind: K) =>
      events.filter((event): event is EventOf<K> => event.kind === kind),
    /** Resolves once there are events that `found` returns. */
    async until(found: () => boolean): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = (): void => {
        if (found()) resolve();
      };
      waiting.add(look);
      look();
      await promise;
      waiting.delete(look);
    },
    [Symbol.asyncDispose]: () => kit[Symbol.asyncDispose](),
  };
}

test('a request is observed once it is answered: who, where, how it ended, and the bytes', async () => {
  await using server = await startObserved();
  const { kit, of } = server;
  const ada = kit.user('ada');
  const reference = kit.reference();
  await ada.join(reference);
  const made = of('request')[0] ?? assert.fail();
  assert.deepEqual(
    [made.method, made.status, made.refusal, made.atMs, made.fault],
    ['PUT', 201, undefined, kit.nowMs(), undefined],
  );
  assert.match(made.route ?? '', /^\/serviceconfigs\/\{scid\}.*\/sessions\/\{/);
  assert.ok(made.target.endsWith(reference.name));
  assert.equal(made.caller?.kind === 'user' && made.caller.xuid, ada.xuid);
  assert.equal(made.requestHeaders['authorization'], ada.authorization);
  assert.match(new TextDecoder().decode(made.requestBody), /"active":true/);
  assert.match(made.answerBody ?? '', /"changeNumber":1/);
  assert.ok(made.durationMs >= 0 && made.address?.endsWith('127.0.0.1'));

  const refused = await ada.getSession(reference, { contractVersion: 1 });
  const last = of('request').at(-1);
  assert.equal(last?.refusal?.code, 'contractVersionMissing');
  assert.equal(last?.id, refused.headers.get('x-xblcorrelationid'));
  await kit.request('GET', '/nowhere');
  assert.deepEqual(
    [of('request').at(-1)?.route, of('request').at(-1)?.refusal?.code],
    [undefined, 'pathUnknown'],
  );
  await kit.request('GET', '/handles/1/session');
  assert.equal(of('request').at(-1)?.refusal?.code, 'notAuthenticated');

  const socket = connect(Number(new URL(kit.url).port), '127.0.0.1');
  socket.end('no HTTP\r\n\r\n');
  await once(socket.resume(), 'close');
  assert.deepEqual(
    [of('request').at(-1)?.method, of('request').at(-1)?.refusal?.code],
    ['', 'requestMalformed'],
  );
  assert.equal(of('request').length, 5);
});

test('a commit is observed with what it changed and what made it', async () => {
  await using server = await startObserved();
  const { kit, of } = server;
  const [ada, ben] = [kit.user('ada'), kit.user('ben')];
  const reference = kit.reference();
  const { headers } = await ada.join(reference);
  await ben.putSession(reference, {
    members: { me: { properties: { system: { active: false } } } },
  });
  const [created, joined] = of('committed');
  assert.deepEqual([created?.change.before, created?.change.next?.changeNumber], [undefined, 1]);
  assert.equal(joined?.change.before, created?.change.next, 'values, not copies');
  assert.deepEqual([created?.revision, joined?.revision], [1, 2]);
  const { cause } = created ?? assert.fail();
  assert.equal(cause.kind === 'request' && cause.id, headers.get('x-xblcorrelationid'));

  const { json } = await ada.postHandle({ version: 1, type: 'activity', sessionRef: reference });
  const handle = of('committed').at(-1)?.madeHandle;
  assert.equal(handle?.id, json['id']);
  await ada.request('DELETE', `/handles/${json['id']}`);
  assert.deepEqual(of('handlesCommitted').at(-1)?.removedHandles, [handle?.id]);

  // Ada is never seen again and Ben is inactive: time removes both.
  const { length } = of('committed');
  for (let hour = 0; hour < 3; hour += 1) await kit.advance(3_600_000);
  const causes = of('committed')
    .slice(length)
    .map((one) => one.cause.kind);
  assert.ok(causes.length > 0 && causes.every((kind) => kind === 'timer'), causes.join());
  assert.equal(of('committed').at(-1)?.change.next, undefined, 'an empty session ends');
  const due = of('sweep').filter(({ sessionsCount }) => sessionsCount > 0);
  assert.ok(due.length > 0 && due.every(({ isFailed }) => !isFailed));
});

test('a connection is observed from its opening to its end, with frames, taps and resyncs', async () => {
  await using server = await startObserved();
  const { kit, of, until } = server;
  const ada = kit.user('ada');
  const line = await ada.connect();
  const connectionId = await line.connectionId();
  const opened = of('connectionOpened')[0] ?? assert.fail();
  const upgrade = of('request').at(-1);
  assert.deepEqual([upgrade?.status, upgrade?.id], [101, opened.requestId]);
  assert.deepEqual([opened.connection, opened.caller.xuid], [connectionId, ada.xuid]);
  await line.subscribe('https://nowhere.example/');
  await line.unsubscribe(7);
  // A sign of life, which changes nothing, is answered and not observed.
  await line.unsubscribe(0xffff_ffff);
  assert.deepEqual(
    of('subscription').map(({ change, resource, code }) => [change, resource, code]),
    [
      ['subscribed', 'connections', 0],
      ['refused', 'https://nowhere.example/', 1],
      ['unsubscribed', undefined, 1],
    ],
  );
  const reference = kit.reference();
  const system = { active: true, connection: connectionId };
  const subscription = { id: '5A4BF5AB-7F74-4F35-9CB0-D4A0A4A3A9A1', changeTypes: ['everything'] };
  await ada.putSession(reference, {
    members: { me: { properties: { system: { ...system, subscription } } } },
  });
  await ada.putSession(reference, { properties: { custom: { map: 'atoll' } } });
  await line.nextTaps();
  const [sent] = of('tapsSent');
  assert.deepEqual(
    [sent?.connection, sent?.taps.map(({ changeNumber }) => changeNumber)],
    [connectionId, [2]],
  );
  const frames = of('frame').map(({ direction, text }) => `${direction} ${text.slice(0, 3)}`);
  assert.deepEqual(frames, [
    'received [1,',
    'sent [1,',
    'received [1,',
    'sent [1,',
    'received [2,',
    'sent [2,',
    'received [2,',
    'sent [2,',
    'sent [3,',
  ]);
  line.send('nonsense');
  await line.closed;
  const closed = of('connectionClosed');
  assert.deepEqual(
    closed.map(({ connection, why }) => [connection, why]),
    [[connectionId, 'malformed']],
  );

  const other = await ada.connect();
  await other.connectionId();
  await other.cut();
  await until(() => of('connectionClosed').length === 2);
  const [closing, tooLong] = [await ada.connect(), await ada.connect()];
  await Promise.all([closing.connectionId(), tooLong.connectionId()]);
  closing.socket.close();
  await until(() => of('connectionClosed').length === 3);
  tooLong.send('x'.repeat(20_000));
  await until(() => of('connectionClosed').length === 4);
  const reasons = of('connectionClosed').map(({ why }) => why);
  assert.deepEqual(reasons, ['malformed', 'lost', 'closed', 'malformed']);
  assert.deepEqual(of('resyncSent'), []);
});

test('the clock that tests move is observed before what comes due on the way', async () => {
  await using server = await startObserved();
  const { kit, events } = server;
  const ada = kit.user('ada');
  await ada.putSession(kit.reference(), joinBody());
  const { length } = events;
  const body = { advanceMs: 86_400_000 };
  await kit.service().request('POST', '/control/clock', { body });
  const kinds = events.slice(length).map(({ kind }) => kind);
  assert.equal(kinds[0], 'clockMoved');
  assert.ok(kinds.includes('committed') && kinds.at(-1) === 'request', kinds.join());
});
