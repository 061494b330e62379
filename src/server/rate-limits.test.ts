/** A server with limits, as its callers meet it. */

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ServerOptions, startServer } from '../server.ts';
import { override } from '../platform/override.ts';
import type { ObservedEvent } from '../observe/events.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { openProcessBus } from '../store/memory/process-bus.ts';
import type { SharedCounts, Store } from '../store/store.ts';
import { Kit, type KitUser } from '../testing/kit.ts';
import { startLocalIssuer } from '../testing/local-issuer.ts';
import { manualClock } from '../testing/manual-clock.ts';

/** In the middle of a window of 15 s, which ends after 10 s, and at the beginning of one of 300 s. */
const startMs = Date.UTC(2026, 0, 1) + 5_000;

async function open(options: ServerOptions) {
  const clock = manualClock(startMs);
  const server = await startServer({ port: 0, store: 'memory', clock, ...options });
  const kit = new Kit(server.url, undefined);
  return { server, clock, kit, [Symbol.asyncDispose]: () => server.close() };
}

async function statuses(count: number, ask: () => Promise<{ readonly status: number }>) {
  const found = [];
  for (let n = 0; n < count; n += 1) found.push((await ask()).status);
  return found;
}

/** @source docs/wire/rate-limits.md "The answer" */
test('the limits of Xbox Live: who passes one is answered 429 until its window ends', async () => {
  await using opened = await open({ rateLimits: 'xbox' });
  const { kit, clock } = opened;
  const [ada, ben] = [kit.user('ada'), kit.user('ben')];
  const reference = kit.reference();
  const read = (user: KitUser) => user.getSession(reference);
  assert.ok((await statuses(30, () => read(ada))).every((status) => status !== 429));

  const refused = await read(ada);
  assert.equal(refused.status, 429);
  assert.equal(
    refused.text,
    '{"version":1,"currentRequests":31,"maxRequests":30,"periodInSeconds":15,"limitType":"Rate"}',
  );
  assert.equal(refused.headers.get('retry-after'), '10');
  assert.equal(refused.headers.get('content-type'), 'application/json');
  assert.equal(refused.refusal, 'rateLimited');
  assert.match(String(refused.detail), /^user \d+ in title \d+ to sessiondirectory$/);
  assert.equal((await ada.join(reference)).status, 429, 'a write is counted with the reads');
  // Others, other services and game services notice nothing.
  assert.notEqual((await read(ben)).status, 429);
  assert.notEqual((await read(kit.service())).status, 429);
  assert.equal((await ada.request('GET', '/users/me/people')).status, 200);

  clock.advance(10_000);
  assert.notEqual((await read(ada)).status, 429);
});

/** @source docs/wire/rate-limits.md "What is counted as what", docs/wire/unknowns.md "what a search is counted as" */
test('one search in 15 s, apart from the rest of the session directory', async () => {
  await using opened = await open({ rateLimits: 'xbox' });
  const { kit } = opened;
  const [ada, reference] = [kit.user('ada'), kit.reference()];
  const query = (type: string) => {
    const asked = type === 'search' ? {} : { owners: { xuids: [ada.xuid] } };
    const body = { type, scid: reference.scid, ...asked };
    return ada.request('POST', '/handles/query', { body });
  };
  assert.deepEqual(await statuses(2, () => query('search')), [200, 429]);
  const twice = await statuses(2, () => query('activity'));
  assert.deepEqual(twice, [200, 200]);
  // A request that is refused for another reason counts too.
  const searchHandle = { version: 1, type: 'search', sessionRef: reference };
  assert.deepEqual(
    (await statuses(2, () => ada.postHandle(searchHandle))).map((status) => status === 429),
    [false, true],
  );
});

/** @source docs/wire/rate-limits.md "RTA" */
test('RTA: a connection too many is 429, a subscribe too many 1001, an unsubscribe is made', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-limits-'));
  try {
    const file = join(folder, 'limits.json');
    await writeFile(file, '{"services": {"rta": [{"requests": 3, "seconds": 15}]}}');
    await using opened = await open({ rateLimits: file });
    const { kit, server, clock } = opened;
    const ada = kit.user('ada');
    await using connection = await ada.connect();
    assert.equal((await connection.subscribe())[2], 0);
    assert.equal((await connection.subscribe())[2], 0);
    const throttled = await connection.subscribe();
    assert.deepEqual(throttled.slice(2), [
      1001,
      'Too many requests of this user; try again later.',
      null,
    ]);
    assert.equal((await connection.unsubscribe(0))[2], 0);
    await assert.rejects(ada.connect(), /HTTP 429/);
    assert.equal((await kit.user('ben').getSession(kit.reference())).status, 204);
    clock.advance(10_000);
    assert.equal((await connection.subscribe())[2], 0);

    // The file is read again with the service configs; a faulty one leaves the former limits.
    await writeFile(file, '{"services": {"rta": 3}}');
    assert.match((await server.reload()).join('\n'), /\$\.services\.rta: Expected/);
    assert.deepEqual(
      await statuses(3, () =>
        connection.subscribe().then(([, , status]) => ({ status: Number(status) })),
      ),
      [0, 0, 1001],
    );
    await writeFile(file, '{}');
    assert.deepEqual(await server.reload(), []);
    assert.equal((await connection.subscribe())[2], 0);
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** @source docs/wire/rate-limits.md "Several nodes" */
test('two nodes on a store that counts for both keep one limit', async () => {
  const counts = new Map<string, number>();
  const sharedCounts: SharedCounts = {
    async add(name, by) {
      const count = (counts.get(name) ?? 0) + by;
      counts.set(name, count);
      return count;
    },
  };
  await using memory = openMemoryStore();
  await using bus = openProcessBus();
  const store = override<Store>(memory, { sharedCounts });
  await using one = await open({ store, bus, rateLimits: 'xbox' });
  await using other = await open({ store, bus, rateLimits: 'xbox' });
  const ada = one.kit.user('ada');
  const elsewhere = other.kit.user('ada', { xuid: ada.xuid });
  const body = { type: 'search', scid: one.kit.reference().scid };
  const search = (user: KitUser) => user.request('POST', '/handles/query', { body });
  assert.equal((await search(ada)).status, 200);
  assert.equal((await search(elsewhere)).status, 429);
  let n = 0;
  const reference = one.kit.reference();
  const found = await statuses(60, () => (n++ % 2 ? elsewhere : ada).getSession(reference));
  const passed = found.filter((status) => status !== 429).length;
  assert.ok(passed >= 30 && passed <= 33, `${passed} passed`);
});

/** @source docs/wire/rate-limits.md "Addresses" */
test('an address has a limit for all its users, which holds before the caller is known', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-limits-'));
  try {
    const file = join(folder, 'limits.json');
    await writeFile(file, '{"address": [{"requests": 2, "seconds": 15}]}');
    const observed: ObservedEvent[] = [];
    const observe = (event: ObservedEvent): void => void observed.push(event);
    await using opened = await open({ rateLimits: file, metrics: 'open', observe });
    const { kit } = opened;
    const from = (address: string) =>
      kit.request('GET', '/handles/x', { headers: { 'x-forwarded-for': address } });
    assert.deepEqual(await statuses(3, () => from('203.0.113.1')), [401, 401, 429]);
    assert.deepEqual(await statuses(1, () => from('203.0.113.2')), [401]);
    assert.deepEqual(await statuses(3, () => from('10.0.0.1')), [401, 401, 401]);

    // Kills: the address of the balancer in the log; a 429 that no log or metric has a code of.
    const requests = observed.filter((event) => event.kind === 'request');
    assert.deepEqual(
      requests
        .slice(2, 5)
        .map(({ status, address, refusal }) => [status, address, refusal?.detail]),
      [
        [429, '203.0.113.1', 'address 203.0.113.1'],
        [401, '203.0.113.2', undefined],
        [401, '127.0.0.1', undefined],
      ],
    );
    const text = (await kit.request('GET', '/metrics')).text;
    assert.match(text, /openmpsd_refusals_total\{code="rateLimited"\} 1\n/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** @source docs/wire/rate-limits.md "General limits" */
test('with tokens of an issuer the general limits hold, unless they are turned off', async () => {
  await using issuer = await startLocalIssuer({ nowMs: () => startMs });
  const callers = { auth: 'oidc', oidcIssuer: issuer.issuer, oidcAudience: ['my-game'] } as const;
  const token = await issuer.sign({ sub: 'ada', aud: 'my-game', preferred_username: 'Ada' });
  const headers = { authorization: `XBL3.0 x=-;${token}`, 'x-xbl-contract-version': '107' };
  for (const rateLimits of [undefined, 'off'] as const) {
    await using opened = await open({ ...callers, ...(rateLimits && { rateLimits }) });
    const { kit } = opened;
    const path = `/handles/${crypto.randomUUID()}`;
    const found: number[] = [];
    for (let n = 0; n < 10; n += 1) {
      const asked = Array.from({ length: 31 }, () => kit.request('GET', path, { headers }));
      found.push(...(await Promise.all(asked)).map(({ status }) => status));
    }
    const refused = found.filter((status) => status === 429).length;
    const notices = opened.server.notices.filter((notice) => notice.startsWith('Rate limits'));
    assert.deepEqual(notices, rateLimits === 'off' ? [] : ['Rate limits: general.']);
    assert.equal(refused, rateLimits === 'off' ? 0 : 10);
    assert.equal(found.filter((status) => status === 404).length, 310 - refused);
  }
});

test('without --rate-limits a development server counts nothing', async () => {
  await using opened = await open({});
  const { kit } = opened;
  const ada = kit.user('ada');
  const found = await Promise.all(
    Array.from({ length: 400 }, () => ada.getSession(kit.reference())),
  );
  assert.ok(found.every(({ status }) => status !== 429));
  assert.doesNotMatch(opened.server.notices.join('\n'), /Rate limits/);
});
