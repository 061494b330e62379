import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { test } from 'node:test';
import { openAdminAccess } from '../auth/admin-access.ts';
import { devAuthenticator } from '../auth/dev-authenticator.ts';
import { Refusal, type RefusalCode } from '../domain/refusal.ts';
import { etagOf } from '../domain/session/etag.ts';
import { me, write } from '../testing/samples.ts';
import {
  goodHeaders,
  sampleApp,
  sampleBodyBytesMax,
  SampleOutage,
  sampleRoute,
} from '../testing/sample-app.ts';
import { RefusalWithSession } from '../domain/session/refusal-with-session.ts';

type RequestParts = {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
};

/** What comes back for a request that passes every check, or for one that differs from it. */
async function ask(sent: RequestParts, app = sampleApp()) {
  const { method = 'GET', url = '/rooms/a/seats/b', headers = goodHeaders, body } = sent;
  const server = createServer(app.answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const asked = request({
      port: (server.address() as AddressInfo).port,
      method,
      path: url,
      headers: {
        ...headers,
        ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
      },
      agent: false,
    });
    asked.end(body);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const text = await textOf(answer);
    const { statusCode: status, headers: given } = answer;
    return { status, headers: given, text, refusal: given['x-mpsd-refusal'] };
  } finally {
    server.close();
  }
}

const bodies: readonly (readonly [body: string, code?: RefusalCode])[] = [
  [' '.repeat(sampleBodyBytesMax + 1), 'bodyTooLarge'],
  ['{"a":}', 'bodyNotJson'],
  ['[]', 'bodyNotJson'],
  ['', 'bodyNotJson'],
  ['{}'],
];

/** @source docs/wire/README.md "Every request" */
test('of all the checks that fail, the first in order answers', async () => {
  const app = sampleApp([
    sampleRoute('PUT', '/full', {
      body: 'object',
      answer: async () => new Refusal('sessionFull', 'Full.'),
    }),
  ]);
  for (const path of ['/nowhere', '/rooms/a/seats/b', '/full']) {
    for (const method of ['PATCH', 'PUT']) {
      for (const authorization of [undefined, 'ada']) {
        for (const version of [undefined, '107']) {
          for (const [body, bodyCode] of bodies) {
            const failing: readonly (RefusalCode | false | undefined)[] = [
              path === '/nowhere' && 'pathUnknown',
              method === 'PATCH' && 'verbNotAllowed',
              authorization === undefined && 'notAuthenticated',
              version === undefined && 'contractVersionMissing',
              bodyCode,
              path === '/full' && 'sessionFull',
            ];
            const expected = failing.find(Boolean);
            const headers = {
              ...(authorization !== undefined && { authorization }),
              ...(version !== undefined && { 'x-xbl-contract-version': version }),
            };
            const { status, refusal, text } = await ask({ url: path, method, headers, body }, app);
            const which = [path, method, authorization, version, body.slice(0, 9)].join(' ');
            assert.equal(refusal, expected, which);
            assert.equal(status === 200, expected === undefined, which);
            assert.notEqual(text, '', which);
          }
        }
      }
    }
  }
});

const rows: readonly (readonly [what: string, sent: RequestParts, status: number, text: RegExp])[] =
  [
    ['an unknown path', { url: '/nowhere' }, 404, /Nothing is found at \/nowhere/],
    ['a wrong verb', { method: 'PATCH' }, 405, /answers GET, HEAD, PUT, DELETE, not PATCH/],
    ['no authorization', { headers: { 'x-xbl-contract-version': '107' } }, 401, /Ada/],
    ['no version', { headers: { authorization: 'ada' } }, 400, /integer from 104; it is missing/],
    ['a body too large', { method: 'PUT', body: ' '.repeat(1_048_577) }, 413, /1048576 bytes/],
    ['a body that is no JSON', { method: 'PUT', body: '{' }, 400, /line 1, column 2: expected/],
    ['malformed encoding', { url: '/%' }, 400, /percent-encoded/],
  ];

for (const [what, sent, status, text] of rows) {
  test(`${what} is a ${status} with one sentence of text`, async () => {
    const answer = await ask(sent);
    assert.equal(answer.status, status);
    assert.match(answer.text, text);
    assert.match(answer.text, /\.$/);
    assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
    assert.equal(answer.headers['cache-control'], 'no-cache, no-store');
  });
}

test('every answer has the headers of the service, and a correlation id of its own', async () => {
  const app = sampleApp([
    sampleRoute('GET', '/broken', { answer: () => Promise.reject(new Error('broken')) }),
    sampleRoute('GET', '/away', { answer: () => Promise.reject(new SampleOutage()) }),
    sampleRoute('GET', '/same', {
      answer: async () => ({ status: 304, headers: { etag: '"a"' } }),
    }),
  ]);
  const ids = new Set<unknown>();
  const sent: readonly RequestParts[] = [
    {},
    { method: 'DELETE' },
    { method: 'HEAD' },
    { url: '/broken' },
    { url: '/away' },
    { url: '/same' },
    ...rows.map(([, one]) => one),
  ];
  for (const one of sent) {
    const { headers, status, text } = await ask(one, app);
    assert.match(String(headers['date']), /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.match(String(headers['x-xblcorrelationid']), /^[0-9a-f-]{36}$/);
    assert.ok(headers['cache-control']);
    assert.equal(headers['content-encoding'], undefined);
    if (status === 204 || status === 304) {
      assert.equal(text, '');
      assert.equal(headers['content-type'], undefined);
    } else if (one.method !== 'HEAD') {
      assert.equal(Number(headers['content-length']), Buffer.byteLength(text));
    }
    ids.add(headers['x-xblcorrelationid']);
  }
  assert.equal(ids.size, sent.length);
});

test('verbs that no route knows are answered which ones are known', async () => {
  for (const method of ['OPTIONS', 'PATCH', 'TRACE', 'PROPFIND', 'QUERY']) {
    const { status, headers } = await ask({ method });
    assert.equal(status, 405, method);
    assert.equal(headers['allow'], 'GET, HEAD, PUT, DELETE');
  }
  assert.equal((await ask({ method: 'DELETE', url: '/' })).headers['allow'], 'GET, HEAD');
});

test('401 says which scheme is asked for, and nothing else does', async () => {
  const { headers } = await ask({ headers: {} });
  assert.equal(headers['www-authenticate'], 'XBL3.0, Bearer');
  assert.equal((await ask({})).headers['www-authenticate'], undefined);
});

test('a session document may be revalidated, and other JSON not be kept', async () => {
  const answer = { status: 201, body: '{}', headers: { etag: '"e"' } };
  const app = sampleApp([
    sampleRoute('GET', '/session', { answer: async () => ({ ...answer, isSession: true }) }),
    sampleRoute('GET', '/other', { answer: async () => answer }),
  ]);
  const { headers, status, text } = await ask({ url: '/session' }, app);
  assert.deepEqual([status, text, headers['etag']], [201, '{}', '"e"']);
  assert.equal(headers['content-type'], 'application/json');
  assert.equal(headers['cache-control'], 'max-age=0, must-revalidate');
  const other = await ask({ url: '/other' }, app);
  assert.equal(other.headers['content-type'], 'application/json');
  assert.equal(other.headers['cache-control'], 'no-cache, no-store');
});

test('a refusal may bring the session, and headers of its route', async () => {
  const session = write(undefined, me());
  const refusal = new RefusalWithSession(new Refusal('etagDiffers', 'No.'), session);
  const app = sampleApp([
    sampleRoute('PUT', '/stale', {
      body: 'object',
      answer: async () => ({ refusal, headers: { 'Content-Location': '/somewhere' } }),
    }),
  ]);
  const headers105 = { ...goodHeaders, 'x-xbl-contract-version': '105' };
  const sent: RequestParts = { method: 'PUT', url: '/stale', body: '{}', headers: headers105 };
  const { status, headers, text } = await ask(sent, app);
  assert.equal(status, 412);
  assert.equal(headers['etag'], etagOf(session));
  assert.equal(headers['content-location'], '/somewhere');
  assert.equal(headers['content-type'], 'application/json');
  assert.equal(headers['cache-control'], 'no-cache, no-store');
  assert.equal(headers['x-mpsd-refusal'], 'etagDiffers');
  // In the shape of the version that was asked for.
  assert.deepEqual(JSON.parse(text).properties.system.matchmaking, {});
});

test('an outage is a 503 to come again, whichever part is away; it is not logged as a fault', async () => {
  const away = { answer: () => Promise.reject(new SampleOutage()) };
  const app = sampleApp([
    sampleRoute('GET', '/away', away),
    sampleRoute('PUT', '/away', { ...away, body: 'object' }),
    sampleRoute('POST', '/away/query', { ...away, body: 'object', onlyReads: true }),
    sampleRoute('POST', '/away/batch', { ...away, body: 'object' }),
    sampleRoute('POST', '/away/either', {
      ...{ ...away, body: 'object', onlyReads: (query) => query.get('method') === 'get' },
    }),
  ]);
  const unknowable = { ...goodHeaders, authorization: 'unknowable' };
  for (const [sent, said] of [
    [{ url: '/away' }, /cannot read what is stored now; your request changes nothing\./],
    [{ method: 'PUT', url: '/away', body: '{}' }, /it is unknown whether this write was kept\./],
    [{ method: 'POST', url: '/away/query', body: '{}' }, /your request changes nothing\./],
    // Kills: what a route does taken from its path.
    [{ method: 'POST', url: '/away/batch', body: '{}' }, /unknown whether this write was kept\./],
    [{ method: 'POST', url: '/away/either?method=get', body: '{}' }, /request changes nothing\./],
    [{ method: 'POST', url: '/away/either', body: '{}' }, /unknown whether this write was kept\./],
    [{ headers: unknowable }, /cannot tell who calls; nothing was done/],
  ] as const) {
    const { status, headers, text } = await ask(sent, app);
    assert.equal(status, 503);
    assert.equal(headers['retry-after'], '1');
    assert.match(text, said);
  }
  assert.deepEqual(app.logged, []);
});

test('a node that is not fit answers 503, also what it was about to answer; health is open', async () => {
  let isFit = true;
  const changing = sampleRoute('GET', '/changing', {
    answer: async () => {
      isFit = false;
      return { status: 200 };
    },
  });
  const app = sampleApp([changing], { isFit: () => isFit });
  assert.equal((await ask({}, app)).status, 200);
  const about = await ask({ url: '/changing' }, app);
  assert.deepEqual([about.status, about.headers['retry-after']], [503, '1']);
  assert.match(about.text, /lost its lease .* unknown whether a write was kept/);
  const next = await ask({}, app);
  assert.deepEqual([next.status, next.headers['retry-after']], [503, '1']);
  assert.match(next.text, /lost its lease .* nothing was done/);
  assert.equal((await ask({ url: '/' }, app)).status, 200);
});

test('a fault is a 500 that names its entry in the log, and tells no more', async () => {
  const faults = {
    thrown: async () => {
      throw new Error('secret');
    },
    'not an error': () => Promise.reject('secret'),
    'a header that cannot be sent': async () => ({ status: 200, headers: { etag: 'é\r\n' } }),
  };
  const app = sampleApp(
    Object.values(faults).map((answer, i) => sampleRoute('GET', `/${i}`, { answer })),
  );
  for (let i = 0; i < Object.values(faults).length; i += 1) {
    const { status, headers, text } = await ask({ url: `/${i}?nonce=hidden` }, app);
    const id = String(headers['x-xblcorrelationid']);
    assert.equal(status, 500);
    assert.equal(headers['retry-after'], undefined);
    assert.ok(text.includes(id) && !text.includes('secret'), text);
    assert.equal(app.logged.length, i + 1);
    assert.match(app.logged[i] ?? '', new RegExp(`^error: ${id} GET /${i}: `));
    assert.doesNotMatch(app.logged[i] ?? '', /hidden|\bada\b/);
  }
  assert.match(app.logged[0] ?? '', /Error: secret\n +at /);
});

const versions: readonly (readonly [header: string, version: number | undefined])[] = [
  ['104', 104],
  ['105', 105],
  ['107', 107],
  ['108', 107],
  ['99999999999999999999999', 107],
  ['0107', 107],
  ['103', undefined],
  ['0', undefined],
  ['', undefined],
  ['107.0', undefined],
  ['1e3', undefined],
  ['-107', undefined],
  ['107, 107', undefined],
  ['0x6b', undefined],
  ['latest', undefined],
];

for (const [header, version] of versions) {
  const counts = version === undefined ? 'is refused' : `counts as ${version}`;
  test(`the contract version "${header}" ${counts}`, async () => {
    const headers = { ...goodHeaders, 'x-xbl-contract-version': header };
    const { status, text, refusal } = await ask({ headers });
    assert.equal(status, version === undefined ? 400 : 200);
    if (version === undefined) assert.equal(refusal, 'contractVersionMissing');
    else assert.equal(JSON.parse(text).contractVersion, version);
  });
}

test('only session directory paths ask for the version, and open ones for nobody', async () => {
  const authorized: RequestParts = { method: 'POST', url: '/people/me', body: '{}' };
  const known = await ask({ ...authorized, headers: { authorization: 'ada' } });
  const parts = { params: { owner: 'me' }, query: [], body: {}, caller: 'user' };
  assert.deepEqual(JSON.parse(known.text), { ...parts, contractVersion: 107 });
  assert.equal((await ask({ ...authorized, headers: {} })).status, 401);

  const open = await ask({ method: 'POST', url: '/open', body: '{"a":1}', headers: {} });
  assert.equal(JSON.parse(open.text).caller, null);
});

test('a route is given path, query, body and caller', async () => {
  const headers = { ...goodHeaders, authorization: 'slow ada' };
  const url = '/ROOMS/Ab%2F/seats/%C3%A9?Include=a,b&x=%zz&x=+';
  const { text } = await ask({ method: 'PUT', url, headers, body: '{"custom":{"n":1.0}}' });
  const params = '"params":{"room":"Ab/","Seat":"é"}';
  const query = '"query":[["Include","a,b"],["x","%zz"],["x"," "]]';
  const rest = '"body":{"custom":{"n":1.0}},"caller":"user","contractVersion":107';
  assert.equal(text, `{${params},${query},${rest}}`);
});

const contentTypes = [
  undefined,
  'application/json',
  'application/json; charset=utf-8',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'nonsense',
  ';;',
];

for (const contentType of contentTypes) {
  const headers = {
    ...goodHeaders,
    ...(contentType !== undefined && { 'content-type': contentType }),
  };
  test(`a body is JSON when its Content-Type is ${contentType ?? 'missing'}`, async () => {
    const { text } = await ask({ method: 'PUT', headers, body: Buffer.from('{"a":[1]}') });
    assert.deepEqual(JSON.parse(text).body, { a: [1] });
  });

  test(`GET and DELETE need no body when their Content-Type is ${contentType ?? 'missing'}`, async () => {
    assert.equal((await ask({ headers })).status, 200);
    assert.equal((await ask({ headers, body: '{"a":' })).status, 200);
    assert.equal((await ask({ method: 'DELETE', headers })).status, 204);
    assert.equal((await ask({ method: 'DELETE', headers, body: 'what?' })).status, 204);
    const empty = { ...headers, 'content-length': '0' };
    assert.equal((await ask({ method: 'DELETE', headers: empty })).status, 204);
  });
}

test('a body is never compressed, whatever the client accepts', async () => {
  const headers = { ...goodHeaders, 'accept-encoding': 'gzip, deflate, br' };
  const { headers: got } = await ask({ headers });
  assert.equal(got['content-encoding'], undefined);
});

test('the largest body that is allowed is read', async () => {
  const body = JSON.stringify({ a: 'x'.repeat(sampleBodyBytesMax - 8) });
  assert.equal(Buffer.byteLength(body), sampleBodyBytesMax);
  assert.equal((await ask({ method: 'PUT', body: body })).status, 200);
  assert.equal((await ask({ method: 'PUT', body: `${body} ` })).status, 413);
});

test('a preflight is answered for what the path has, and its refusals can be read', async () => {
  const preflight = (url: string, method: string, origin = 'http://localhost:5173') =>
    ask({
      method: 'OPTIONS',
      url,
      headers: { origin, 'access-control-request-method': method },
    });
  const allowed = await preflight('/rooms/a/seats/b', 'PUT');
  assert.equal(allowed.status, 204);
  assert.equal(allowed.headers['access-control-allow-methods'], 'PUT');
  const shared: readonly (readonly [string, string, number])[] = [
    ['/rooms/a/seats/b', 'PATCH', 405],
    ['/nowhere', 'GET', 404],
  ];
  for (const [url, method, status] of shared) {
    const answer = await preflight(url, method);
    assert.equal(answer.status, status);
    assert.equal(answer.headers['access-control-allow-origin'], 'http://localhost:5173');
  }
  const stranger = await preflight('/rooms/a/seats/b', 'PUT', 'http://evil.example');
  assert.equal(stranger.refusal, 'originForbidden');
});

test('a route that is not for pages answers none, and shares nothing', async () => {
  const app = sampleApp([sampleRoute('GET', '/control', { isForPages: false })]);
  const origin = 'http://localhost:5173';
  const asked = { origin, 'access-control-request-method': 'GET' };
  for (const sent of [
    { method: 'OPTIONS', headers: asked },
    { headers: { ...goodHeaders, origin } },
  ]) {
    const { status, headers, refusal } = await ask({ url: '/control', ...sent }, app);
    assert.deepEqual([status, refusal], [403, 'originForbidden']);
    assert.equal(headers['access-control-allow-origin'], undefined);
  }
  const own = { ...goodHeaders, host: 'localhost:80', origin: 'http://localhost:80' };
  assert.equal((await ask({ url: '/control', headers: own }, app)).status, 200);
});

test('routes of administrators are for administrators, and are not there without one', async () => {
  const routes = [sampleRoute('GET', '/admin', { auth: 'admin' })];
  const authenticator = devAuthenticator(new Uint8Array(32));
  const admin = openAdminAccess(authenticator, { token: 'a-token-of-a-test', services: [] });
  const served = sampleApp(routes, { admin });
  const of = (authorization: string, more = {}) => ({
    url: '/admin',
    headers: { authorization, ...more },
  });
  assert.equal((await ask(of('Bearer a-token-of-a-test'), served)).status, 200);
  assert.equal((await ask(of('Bearer another-token'), served)).refusal, 'notAuthenticated');
  assert.equal((await ask(of('XBL3.0 x=-;xuid=1'), served)).refusal, 'adminRequired');
  const origin = { origin: 'http://localhost:5173' };
  const fromPage = await ask(of('Bearer a-token-of-a-test', origin), served);
  assert.equal(fromPage.refusal, 'originForbidden');
  assert.equal((await ask(of('Bearer a-token-of-a-test'), sampleApp(routes))).status, 404);
});
