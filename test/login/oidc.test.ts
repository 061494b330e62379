/** Users of an outside issuer: a server with `--auth oidc`, and an issuer of its own. */

import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { signToken, tokenKeyOf } from '../../src/auth/token.ts';
import { MultiplayerService } from '../../src/client/multiplayer-service.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { type RunningServer, type ServerOptions, startServer } from '../../src/server.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import { openProcessBus } from '../../src/store/memory/process-bus.ts';
import { demoScid } from '../../src/testing/demo.ts';
import { KitConnection } from '../../src/testing/kit-connection.ts';
import { startRedis } from '../../src/testing/redis-servers.ts';
import { addSignIn } from '../../src/testing/issuer-sign-in.ts';
import { type LocalIssuer, startLocalIssuer } from '../../src/testing/local-issuer.ts';
import { manualClock } from '../../src/testing/manual-clock.ts';

const audience = 'my-game';

async function startWith(
  issuer: Pick<LocalIssuer, 'issuer'>,
  options: ServerOptions = {},
): Promise<RunningServer> {
  return startServer({
    port: 0,
    store: 'memory',
    auth: 'oidc',
    oidcIssuer: issuer.issuer,
    oidcAudience: [audience],
    ...options,
  });
}

/** Why a server does not start. One that starts after all is ended. */
async function startProblem(...args: Parameters<typeof startWith>): Promise<string> {
  let server: RunningServer;
  try {
    server = await startWith(...args);
  } catch (error) {
    return (error as Error).message;
  }
  await server[Symbol.asyncDispose]();
  return assert.fail('it started');
}

/** No answer is late, however slow this machine is: a late one is taken for an issuer that is away. */
function withoutDeadlines(t: TestContext): void {
  t.mock.method(AbortSignal, 'timeout', () => new AbortController().signal);
}

type Reply = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: JsonObject;
};

async function ask(
  { url }: { readonly url: string },
  method: string,
  path: string,
  authorization: string | undefined,
  body?: unknown,
): Promise<Reply> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      'x-xbl-contract-version': '107',
      ...(authorization !== undefined && { authorization }),
    },
    redirect: 'manual',
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson ? JSON.parse(text) : {},
  };
}

const templates = `/serviceconfigs/${demoScid}/sessiontemplates`;

/** The status and text with which a token is answered. */
async function verdict(server: RunningServer, token: string): Promise<readonly [number, string]> {
  const { status, text } = await ask(server, 'GET', templates, `Bearer ${token}`);
  return [status, status === 200 ? '' : text];
}

/** The only member of a new session that the bearer of this header joins. */
async function joinAs(server: { readonly url: string }, authorization: string) {
  const path = `${templates}/deathmatch/sessions/${randomUUID()}`;
  const body = { members: { me: { constants: { system: { initialize: true } } } } };
  const { status, text, json } = await ask(server, 'PUT', path, authorization, body);
  assert.equal(status, 201, text);
  const { members } = json as { members: Record<string, JsonObject> };
  const { constants, gamertag } = members['0'] as {
    constants: { system: { xuid: string } };
    gamertag: string;
  };
  return { xuid: constants.system.xuid, gamertag };
}

test('a user of the issuer plays with its token, by Bearer and by XBL3.0, and is the same user', async () => {
  await using issuer = await startLocalIssuer();
  await using server = await startWith(issuer);
  const token = await issuer.sign({ sub: 'auth0|5f', aud: audience, preferred_username: 'Ada' });
  const ada = await joinAs(server, `Bearer ${token}`);
  assert.match(ada.xuid, /^2535[0-9]{12}$/);
  assert.equal(ada.gamertag, 'Ada');
  const later = await issuer.sign({ sub: 'auth0|5f', aud: ['x', audience] });
  assert.deepEqual(await joinAs(server, `XBL3.0 x=-;${later}`), ada);
  const service = new MultiplayerService({ baseUrl: server.url, authorization: `Bearer ${token}` });
  const path = { scid: demoScid, templateName: 'deathmatch', name: randomUUID() };
  assert.equal(await service.getSession(path), undefined);
});

test('a page of another origin logs in with the token, joins and is notified', async () => {
  await using issuer = await startLocalIssuer();
  const origin = 'https://play.example';
  await using server = await startWith(issuer, { corsOrigins: [origin], tapWindowMs: 0 });
  const token = await issuer.sign({ sub: 'u-1', aud: audience, preferred_username: 'Ada' });
  const path = `${templates}/deathmatch/sessions/${randomUUID()}`;
  /** As browsers do: they ask first, and show the page an answer only when it is shared. */
  const call = async (method: string, target: string, body?: unknown) => {
    const asked = await fetch(`${server.url}${target}`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': 'authorization,content-type,x-xbl-contract-version',
      },
    });
    assert.equal(asked.status, 204);
    assert.match(String(asked.headers.get('access-control-allow-headers')), /authorization/i);
    const answer = await fetch(`${server.url}${target}`, {
      method,
      headers: { origin, authorization: `Bearer ${token}`, 'x-xbl-contract-version': '107' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    assert.equal(answer.headers.get('access-control-allow-origin'), origin);
    return answer;
  };
  // A page cannot send headers with a WebSocket; so a nonce stands for its token.
  const { nonce } = (await (await call('GET', '/nonce')).json()) as { nonce: string };
  await using socket = await KitConnection.open(server.url, {
    path: `/connect?nonce=${encodeURIComponent(nonce)}`,
    headers: { origin },
  });
  const connection = await socket.connectionId();
  const subscription = { id: randomUUID(), changeTypes: ['everything'] };
  const system = { active: true, connection, subscription };
  const joined = await call('PUT', path, { members: { me: { properties: { system } } } });
  assert.equal(joined.status, 201);
  const change = { properties: { custom: { round: 1 } } };
  assert.equal((await call('PUT', path, change)).status, 200);
  const [tap] = await socket.nextTaps();
  assert.equal(tap?.changeNumber, 2);
});

test('the login chain exchanges the token, so that an unmodified client can use it', async () => {
  await using issuer = await startLocalIssuer();
  await using server = await startWith(issuer);
  const token = await issuer.sign({ sub: 'u-1', aud: audience, preferred_username: 'Ada' });
  const direct = await joinAs(server, `Bearer ${token}`);

  const user = await ask(server, 'POST', '/user/authenticate', undefined, {
    RelyingParty: 'http://auth.xboxlive.com',
    TokenType: 'JWT',
    Properties: { AuthMethod: 'RPS', SiteName: 'user.auth.xboxlive.com', RpsTicket: `d=${token}` },
  });
  assert.equal(user.status, 200, user.text);
  const device = await ask(server, 'POST', '/device/authenticate', undefined, {
    Properties: { Id: '{1}' },
  });
  const title = await ask(server, 'POST', '/title/authenticate', undefined, {
    Properties: { AuthMethod: 'RPS', RpsTicket: 'd=a title', DeviceToken: device.json['Token'] },
  });
  assert.equal(title.status, 200, title.text);
  const access = await ask(server, 'POST', '/xsts/authorize', undefined, {
    Properties: {
      UserTokens: [user.json['Token']],
      DeviceToken: device.json['Token'],
      TitleToken: title.json['Token'],
      SandboxId: 'RETAIL',
    },
  });
  assert.equal(access.status, 200, access.text);
  const [xui] = (
    access.json['DisplayClaims'] as { xui: { uhs: string; xid: string; gtg: string }[] }
  ).xui;
  assert.deepEqual([xui?.xid, xui?.gtg], [direct.xuid, 'Ada']);
  assert.deepEqual(await joinAs(server, `XBL3.0 x=${xui?.uhs};${access.json['Token']}`), direct);
  // It lasts no longer than the token of the issuer.
  assert.ok(Date.parse(String(access.json['NotAfter'])) <= Date.now() + 600_000);

  const sisu = await ask(server, 'POST', '/authorize', undefined, { AccessToken: `t=${token}` });
  const atOnce = sisu.json['AuthorizationToken'] as JsonObject;
  assert.deepEqual(await joinAs(server, `XBL3.0 x=-;${atOnce['Token']}`), direct);
});

test('a game service comes with a token of the store, and nobody else with its key', async () => {
  const store = openMemoryStore();
  await using issuer = await startLocalIssuer();
  await using server = await startWith(issuer, { store });
  const times = { nowMs: Date.now(), lifetimeMs: 60_000 };
  const ownKey = tokenKeyOf(await store.secret());
  const own = await signToken({ svc: 'lobby' }, ownKey, times);
  assert.deepEqual(await verdict(server, own), [200, '']);
  const strange = await signToken({ svc: 'lobby' }, tokenKeyOf(new Uint8Array(32)), times);
  assert.equal((await verdict(server, strange))[0], 401);
});

test('in the login chain nobody is who they say, and no sandbox is open that the token does not name', async () => {
  await using issuer = await startLocalIssuer();
  await using server = await startWith(issuer, { authClaims: { sbx: 'sandbox' } });
  const login = (ticket: string, properties: object = {}) =>
    ask(server, 'POST', '/authorize', undefined, { AccessToken: ticket, ...properties });
  const wrong = await login('t=xuid=1&gtg=Ada&prv=254');
  assert.deepEqual([wrong.status, wrong.json['XErr']], [401, 0x8015dc26]);
  assert.equal(wrong.headers.get('x-err'), String(0x8015dc26));
  const expired = await issuer.sign({ sub: 'u', aud: audience, exp: 1 });
  assert.equal((await login(`t=${expired}`)).json['XErr'], 0x8015dc22);
  const plain = await issuer.sign({ sub: 'u', aud: audience });
  assert.equal((await login(`t=${plain}`, { Sandbox: 'XDKS.1' })).json['XErr'], 0x8015dc12);
  assert.equal((await login(`t=${plain}`, { Sandbox: 'RETAIL' })).status, 200);
  const tester = await issuer.sign({ sub: 'u', aud: audience, sandbox: 'XDKS.1' });
  assert.equal((await login(`t=${tester}`, { Sandbox: 'XDKS.1' })).status, 200);
  // Nor is there a sign-in of Microsoft accounts.
  for (const [method, path] of [
    ['GET', '/oauth20_authorize.srf'],
    ['POST', '/oauth20_token.srf'],
    ['POST', '/authenticate'],
  ] as const) {
    const { status, headers, text } = await ask(server, method, path, undefined);
    assert.deepEqual([status, headers.get('x-mpsd-refusal')], [404, 'serviceAbsent'], path);
    assert.match(text, /gets a token of the issuer and sends it to POST \/user\/authenticate/);
  }
});

test('a token is refused that is wrong in any one way, and the text never holds it', async () => {
  const clock = manualClock();
  await using issuer = await startLocalIssuer({ nowMs: clock.nowMs });
  await using stranger = await startLocalIssuer({ nowMs: clock.nowMs });
  await using server = await startWith(issuer, { clock });
  const right = { sub: 'u', aud: audience };
  const seconds = clock.nowMs() / 1000;
  assert.deepEqual(await verdict(server, await issuer.sign(right)), [200, '']);
  const pem = String(issuer.publicKey.export({ type: 'spki', format: 'pem' }));
  const jwk = JSON.stringify(issuer.publicKey.export({ format: 'jwk' }));
  const claims = { ...right, iss: issuer.issuer, exp: seconds + 600 };
  const none = (alg: string, signature = '') =>
    `${[{ alg, typ: 'JWT' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.${signature}`;
  const wrong: readonly (readonly [token: string, text: RegExp])[] = [
    [await issuer.sign({ ...right, exp: seconds - 11 }), /expired at/],
    [await issuer.sign({ ...right, nbf: seconds + 11 }), /not valid before/],
    [await issuer.sign({ ...right, exp: undefined }), /no expiry/],
    [
      await issuer.sign({ ...right, aud: 'other-game' }),
      /audience \(claim "aud"\) must be "my-game"/,
    ],
    [await issuer.sign({ ...right, aud: undefined }), /audience/],
    [await issuer.sign({ ...right, iss: stranger.issuer }), /issuer \(claim "iss"\) must be/],
    [await issuer.sign({ ...right, iss: `${issuer.issuer}/` }), /issuer/],
    [await issuer.sign({ ...right, sub: undefined }), /names nobody: it needs claim "sub"/],
    [await issuer.sign({ ...right, sub: '' }), /id of the user must be text/],
    [await issuer.sign({ ...right, sub: null }), /claim "sub" must be/],
    [await issuer.sign({ ...right, sub: { id: 1 } }), /claim "sub" must be/],
    [
      await stranger.sign({ ...right, iss: issuer.issuer }),
      /signature of the token cannot be verified/,
    ],
    [
      await stranger.sign({ ...right, iss: issuer.issuer }, { kid: 'key-9' }),
      /key is not known here/,
    ],
    [
      await issuer.sign(right, { crit: ['exp'], b64: true }).catch(() => none('RS256', 'AAAA')),
      /./,
    ],
    [none('none'), /not signed with one of/],
    [none('None'), /not signed with one of/],
    [none('RS512', 'AAAA'), /not signed with one of/],
    [none('RS256', 'AAAA'), /signature/],
    // The public key as if it were a secret.
    [issuer.signWithSecret(claims, pem), /signature of the token cannot be verified/],
    [issuer.signWithSecret(claims, pem.trim()), /signature/],
    [issuer.signWithSecret(claims, jwk), /signature/],
    [issuer.signWithSecret(claims, ''), /signature/],
    ['xuid=1&gtg=Ada', /not signed/],
    ['a.b.c.d.e', /encrypted/],
    ['e30.e30.', /not signed with|well-formed/],
    ['!', /no JWT; send the ID token/],
  ];
  for (const [token, text] of wrong) {
    const [status, said] = await verdict(server, token);
    assert.equal(status, 401, `${token}: ${said}`);
    assert.match(said, text);
    assert.ok(token.length < 10 || !said.includes(token));
  }
  // The clocks may differ by ten seconds.
  assert.deepEqual(await verdict(server, await issuer.sign({ ...right, nbf: seconds + 9 })), [
    200,
    '',
  ]);
  assert.deepEqual(await verdict(server, await issuer.sign({ ...right, exp: seconds - 9 })), [
    200,
    '',
  ]);
});

test('claims are mapped as the settings say, and no other claim counts', async () => {
  await using issuer = await startLocalIssuer({ algorithm: 'ES256' });
  await using server = await startWith(issuer, {
    authClaims: { gtg: 'user_metadata.user_name', tid: 'title' },
  });
  const claims = {
    sub: '9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d',
    aud: audience,
    user_metadata: { user_name: 'Ada' },
  };
  const token = await issuer.sign({ ...claims, xid: '7', svc: 'arbiter', gtg: 'Bert', sbx: 'X' });
  const ada = await joinAs(server, `Bearer ${token}`);
  assert.equal(ada.gamertag, 'Ada');
  assert.notEqual(ada.xuid, '7');
  const elsewhere = await issuer.sign({ ...claims, title: 1 });
  const [status] = await verdict(server, elsewhere);
  assert.equal(status, 403, 'a title that the service config does not have');
});

test('two users whose ids differ in case alone are two users, and so are their gamertags', async () => {
  await using issuer = await startLocalIssuer();
  await using server = await startWith(issuer);
  const users = [];
  for (const sub of ['UserOne', 'userone']) {
    const token = await issuer.sign({ sub, aud: audience, preferred_username: sub });
    users.push(await joinAs(server, `Bearer ${token}`));
  }
  assert.notEqual(users[0]?.xuid, users[1]?.xuid);
  assert.equal(users[0]?.gamertag, 'UserOne');
  assert.match(String(users[1]?.gamertag), /^userone#[0-9]{4}$/);
});

test('a user has the same xuid after a restart, and on every node', async () => {
  await using issuer = await startLocalIssuer();
  const token = await issuer.sign({ sub: 'u-1', aud: audience, preferred_username: 'Ada' });
  const other = await issuer.sign({ sub: 'U-1', aud: audience, preferred_username: 'ada' });
  const data = await mkdtemp(join(tmpdir(), 'openmpsd-oidc-'));
  try {
    const stored = { store: 'sqlite', data } as const;
    const server = await startWith(issuer, stored);
    const before = await joinAs(server, `Bearer ${token}`);
    await server[Symbol.asyncDispose]();
    await using again = await startWith(issuer, stored);
    const [bert, ada] = [
      await joinAs(again, `Bearer ${other}`),
      await joinAs(again, `Bearer ${token}`),
    ];
    assert.deepEqual(ada, before);
    assert.notEqual(bert.gamertag, ada.gamertag);
  } finally {
    await rm(data, { recursive: true });
  }
  const shared = { store: openMemoryStore(), bus: openProcessBus() };
  await using here = await startWith(issuer, shared);
  await using there = await startWith(issuer, shared);
  const both = await Promise.all([here, there].map((server) => joinAs(server, `Bearer ${token}`)));
  assert.deepEqual(both[0], both[1]);
});

test('nodes on Redis that meet new players at the same time give them the same xuids', async () => {
  await using redis = await startRedis();
  await redis.ready();
  await using issuer = await startLocalIssuer();
  const shared = { store: redis.url as `redis://${string}` };
  await using here = await startWith(issuer, shared);
  await using there = await startWith(issuer, shared);
  const players = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      issuer.sign({ sub: `player ${i % 4}`, aud: audience, preferred_username: `Ada` }),
    ),
  );
  const users = await Promise.all(
    players.map((token, i) => joinAs(i % 2 === 0 ? here : there, `Bearer ${token}`)),
  );
  const gamertags = new Map(users.map(({ xuid, gamertag }) => [xuid, gamertag]));
  assert.equal(gamertags.size, 4);
  assert.equal(new Set(gamertags.values()).size, 4);
  assert.deepEqual(users.slice(0, 4), users.slice(4));
});

test('a key that rotates is found, and one that was withdrawn is good no more', async () => {
  const clock = manualClock();
  await using issuer = await startLocalIssuer({ nowMs: clock.nowMs });
  await using server = await startWith(issuer, { clock });
  const sign = (sub: string) =>
    issuer.sign({ sub, aud: audience, exp: clock.nowMs() / 1000 + 36_000 });
  const former = [await sign('a'), await sign('b'), await sign('c')];
  assert.deepEqual(await verdict(server, former[0] ?? ''), [200, '']);
  clock.advance(31_000);
  issuer.rotate(true);
  assert.deepEqual(await verdict(server, await sign('d')), [200, '']);
  assert.deepEqual(await verdict(server, former[1] ?? ''), [200, '']);
  clock.advance(31_000);
  issuer.rotate();
  assert.deepEqual(await verdict(server, await sign('e')), [200, '']);
  const [status, text] = await verdict(server, former[2] ?? '');
  assert.equal(status, 401);
  assert.match(text, /key is not known/);
  const reads = issuer.keyReads;
  // A flood of tokens with unknown keys is no flood of reads.
  for (let i = 0; i < 20; i += 1)
    await verdict(server, await issuer.sign({ sub: 'x' }, { kid: `k${i}` }));
  assert.equal(issuer.keyReads, reads);
});

test('an issuer that is away at the start is waited for, and one that goes away later is no harm', async () => {
  const clock = manualClock();
  await using issuer = await startLocalIssuer({ nowMs: clock.nowMs });
  await issuer.end();
  const lines: string[] = [];
  await using server = await startWith(issuer, { clock, log: (line) => lines.push(line) });
  const token = await issuer.sign({ sub: 'u', aud: audience, exp: clock.nowMs() / 1000 + 360_000 });
  const early = await ask(server, 'GET', templates, `Bearer ${token}`);
  assert.equal(early.status, 503);
  assert.equal(early.headers.get('retry-after'), '1');
  assert.match(
    lines.join('\n'),
    /key set of http:\/\/127\.0\.0\.1:\d+ cannot be used: .*ECONNREFUSED/,
  );
  assert.match(lines.join('\n'), /Until it can, tokens get 503/);
  const ready = await ask(server, 'GET', '/health/ready', undefined);
  assert.match(ready.text, /Until it can, tokens get 503/);
  await issuer.begin();
  clock.advance(2_000);
  assert.deepEqual(await verdict(server, token), [200, '']);
  assert.match(lines.join('\n'), /no longer so: The key set/);
  await issuer.end();
  const next = await issuer.sign({ sub: 'v', aud: audience, exp: clock.nowMs() / 1000 + 360_000 });
  clock.advance(11 * 60_000);
  assert.deepEqual(await verdict(server, next), [200, '']);
  clock.advance(24 * 3_600_000);
  const last = await issuer.sign({ sub: 'w', aud: audience });
  assert.equal((await ask(server, 'GET', templates, `Bearer ${last}`)).status, 503);
  // Who was known before is known still.
  assert.deepEqual(await verdict(server, next), [200, '']);
});

test('a wrong issuer stops the start, with what was asked and what is wrong', async (t) => {
  withoutDeadlines(t);
  await using issuer = await startLocalIssuer();
  const { url } = issuer;
  const discoveryUrl = `${url}/.well-known/openid-configuration`;
  const answer = (status: number, text: string) =>
    issuer.routes.set('/answer', (_request, response) => response.writeHead(status).end(text));
  const wrong: readonly (readonly [discovery: object, text: string])[] = [
    [{ issuer: 'https://other.example' }, `${discoveryUrl} is of issuer "https://other.example"`],
    [{ jwks_uri: undefined }, `${discoveryUrl} names no "jwks_uri"`],
    [
      { jwks_uri: 'file:///etc/passwd' },
      `the "jwks_uri" of ${discoveryUrl} is no address of http or https: "file:///etc/passwd"`,
    ],
    [{ jwks_uri: `${url}/nothing` }, `${url}/nothing answers 404 instead of 200`],
    [{ jwks_uri: `${url}/answer` }, 'it has no key for ES256, RS256, EdDSA'],
  ];
  answer(200, '{"keys":[]}');
  for (const [discovery, text] of wrong) {
    issuer.discovery = discovery as LocalIssuer['discovery'];
    const lines: string[] = [];
    const problem = await startProblem(issuer, { log: (line) => lines.push(line) });
    assert.ok(problem.includes(text), problem);
    assert.deepEqual(lines, []);
  }
  assert.match(
    await startProblem({ issuer: `${url}/realm` }),
    /\/realm\/\.well-known\/openid-configuration answers 404/,
  );
  // Keys at an address of their own are judged the same way.
  assert.match(
    await startProblem(issuer, { authKeys: `${url}/nothing` }),
    /\/nothing answers 404 instead of 200/,
  );
  // Kills: an issuer that is being replaced keeps every server from starting.
  answer(503, 'soon');
  issuer.discovery = { jwks_uri: `${url}/answer` };
  await using server = await startWith(issuer, { log: () => undefined });
  const token = await issuer.sign({ sub: 'u', aud: audience });
  assert.equal((await ask(server, 'GET', templates, `Bearer ${token}`)).status, 503);
});

test('an issuer without discovery has its keys named by a setting', async () => {
  await using issuer = await startLocalIssuer({ issuer: 'steam-login', algorithm: 'EdDSA' });
  await using server = await startWith(issuer, { authKeys: `${issuer.url}/keys` });
  const token = await issuer.sign({ sub: '76561197960287930', aud: audience });
  assert.equal((await joinAs(server, `Bearer ${token}`)).xuid, '76561197960287930');
});

const back = 'ms-xal-public-1://auth';

/** An issuer with a sign-in, and a server whose clients sign in there. */
async function startWithSignIn() {
  const issuer = await startLocalIssuer();
  const claims = { sub: 'u-1', preferred_username: 'Ada' };
  const asked = addSignIn(issuer, { clientId: audience, redirectUris: [back], claims });
  const server = await startWith(issuer, { oidcClientId: audience });
  return {
    issuer,
    asked,
    server,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await issuer.end();
    },
  };
}

async function postForm(server: RunningServer, path: string, form: Record<string, string>) {
  const body = new URLSearchParams(form);
  const response = await fetch(`${server.url}${path}`, { method: 'POST', body });
  return { status: response.status, json: (await response.json()) as JsonObject };
}

/** Who an access token of the sign-in makes a client by sisu. */
async function userOfSisu(server: RunningServer, accessToken: unknown) {
  const sisu = await ask(server, 'POST', '/authorize', undefined, {
    AccessToken: `t=${accessToken}`,
  });
  assert.equal(sisu.status, 200, sisu.text);
  const { Token } = sisu.json['AuthorizationToken'] as { Token: string };
  return joinAs(server, `XBL3.0 x=-;${Token}`);
}

test('an unmodified client signs in at the issuer: sisu, page, code, token, sisu', async () => {
  await using started = await startWithSignIn();
  const { server, issuer, asked } = started;
  const verifier = 'a verifier of the client';
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const query = { state: 's 1', code_challenge: challenge, code_challenge_method: 'S256' };
  const opened = await ask(server, 'POST', '/authenticate', undefined, {
    AppId: '000000004C12AE6F',
    RedirectUri: back,
    TokenType: 'code',
    Query: query,
  });
  assert.equal(opened.status, 200, opened.text);
  const page = new URL(String(opened.json['MsaOauthRedirect']));
  assert.equal(page.origin, issuer.url);
  assert.equal(page.searchParams.get('client_id'), audience);
  assert.equal(page.searchParams.get('scope'), 'openid profile offline_access');
  // The same page by the path of Microsoft accounts.
  const parameters = new URLSearchParams({ ...query, redirect_uri: back, client_id: 'x' });
  const led = await ask(server, 'GET', `/oauth20_authorize.srf?${parameters}`, undefined);
  assert.deepEqual([led.status, led.headers.get('location')], [302, page.href]);

  const signedIn = await fetch(page, { method: 'POST', redirect: 'manual' });
  const landed = new URL(String(signedIn.headers.get('location')));
  assert.equal(landed.searchParams.get('state'), 's 1');
  const code = landed.searchParams.get('code') ?? '';
  const form = { grant_type: 'authorization_code', code, redirect_uri: back, client_id: 'x' };
  const right = { ...form, code_verifier: verifier };
  const given = await postForm(server, '/oauth20_token.srf', right);
  assert.equal(given.status, 200);
  const { access_token: accessToken, refresh_token: refreshToken } = given.json;
  const ada = await userOfSisu(server, accessToken);
  assert.equal(ada.gamertag, 'Ada');
  assert.match(ada.xuid, /^2535/);
  const refreshed = await postForm(server, '/oauth20_token.srf', {
    refresh_token: String(refreshToken),
    grant_type: 'refresh_token',
  });
  assert.deepEqual(await userOfSisu(server, refreshed.json['access_token']), ada);
  // Kills: names of parameters that the issuer was not asked to get.
  assert.deepEqual([...(asked.forms[0]?.keys() ?? [])].toSorted(), [
    'client_id',
    'code',
    'code_verifier',
    'grant_type',
    'redirect_uri',
  ]);

  const again = await postForm(server, '/oauth20_token.srf', right);
  assert.deepEqual(again, { status: 400, json: { error: 'invalid_grant' } });
});

// Kills: a client with a secret that cannot sign in; an access token that is asked for without its audience.
test('a client with a secret signs in, and its access token is asked for by its audience', async () => {
  await using issuer = await startLocalIssuer();
  const api = 'https://game.example/mpsd';
  const client = { clientId: audience, clientSecret: 'a-secret' };
  const claims = { sub: 'u-1', preferred_username: 'Ada' };
  addSignIn(issuer, { ...client, audience: api, redirectUris: [back], claims });
  await using server = await startWith(issuer, {
    ...{ oidcAudience: [api], oidcRequestAudience: api },
    ...{ oidcClientId: audience, oidcClientSecret: client.clientSecret },
  });
  // The keys and the sign-in are found by one reading.
  assert.equal(issuer.discoveryReads, 1);
  const challenge = createHash('sha256').update('verifier').digest('base64url');
  const query = new URLSearchParams({ redirect_uri: back, code_challenge: challenge });
  const led = await ask(server, 'GET', `/oauth20_authorize.srf?${query}`, undefined);
  const page = String(led.headers.get('location'));
  assert.ok(!page.includes(client.clientSecret));
  const signedIn = await fetch(page, { method: 'POST', redirect: 'manual' });
  const code = new URL(String(signedIn.headers.get('location'))).searchParams.get('code') ?? '';
  const form = { code, redirect_uri: back, code_verifier: 'verifier' };
  const given = await postForm(server, '/oauth20_token.srf', form);
  assert.equal(given.status, 200, JSON.stringify(given.json));
  assert.equal((await userOfSisu(server, given.json['access_token'])).gamertag, 'Ada');
  assert.equal((await postForm(server, '/oauth20_connect.srf', {})).status, 200);
});

test('a device signs in at the issuer, after its user has', async () => {
  await using started = await startWithSignIn();
  const { server, issuer, asked } = started;
  const code = await postForm(server, '/oauth20_connect.srf', { client_id: 'x', scope: 'y' });
  assert.deepEqual([code.status, code.json['user_code']], [200, 'ABCD']);
  assert.equal(code.json['verification_uri'], `${issuer.url}/activate`);
  const poll = () =>
    postForm(server, '/oauth20_token.srf', { device_code: 'device-1', grant_type: 'device_code' });
  assert.deepEqual(await poll(), { status: 400, json: { error: 'authorization_pending' } });
  asked.approveDevice();
  const given = await poll();
  assert.equal((await userOfSisu(server, given.json['access_token'])).gamertag, 'Ada');
});

test('what goes wrong at the sign-in of the issuer is said, and no token is taken unchecked', async () => {
  await using started = await startWithSignIn();
  const { server, issuer } = started;
  const token = (form: Record<string, string>) => postForm(server, '/oauth20_token.srf', form);
  const implicit = await ask(
    server,
    'GET',
    '/oauth20_authorize.srf?response_type=token',
    undefined,
  );
  assert.deepEqual(
    [implicit.status, implicit.headers.get('x-mpsd-refusal')],
    [400, 'requestInvalid'],
  );
  // Tokens for another service, or of somebody else, are no ticket.
  const other = await issuer.sign({ sub: 'u', aud: 'other' });
  issuer.routes.set('/token', (_request, response) =>
    response.end(JSON.stringify({ access_token: other, id_token: 'xuid=1&gtg=Ada' })),
  );
  const refused = await token({ code: 'x' });
  assert.deepEqual([refused.status, refused.json['error']], [400, 'invalid_grant']);
  assert.ok(!JSON.stringify(refused.json).includes(other));
  for (const [status, text] of [
    [500, '{}'],
    [200, '<html>'],
  ] as const) {
    issuer.routes.set('/token', (_request, response) => response.writeHead(status).end(text));
    const answer = await fetch(`${server.url}/oauth20_token.srf`, {
      method: 'POST',
      body: new URLSearchParams({ code: 'x' }),
    });
    assert.equal(answer.status, 503);
    assert.match(await answer.text(), /^The sign-in at the issuer/);
    const ready = await ask(server, 'GET', '/health/ready', undefined);
    assert.match(ready.text, status === 500 ? /token answers 500/ : /token does not answer JSON/);
  }
  await issuer.end();
  const away = await fetch(`${server.url}/oauth20_token.srf`, {
    method: 'POST',
    body: new URLSearchParams({ code: 'x' }),
  });
  assert.deepEqual([away.status, away.headers.get('retry-after')], [503, '1']);
});

// Kills: a mistake of the issuer's sign-in that is seen when the first player signs in, a year later.
test('a wrong sign-in of the issuer ends the start, one that is away does not', async (t) => {
  withoutDeadlines(t);
  const clock = manualClock();
  await using issuer = await startLocalIssuer({ nowMs: clock.nowMs });
  const claims = { sub: 'u-1', preferred_username: 'Ada' };
  addSignIn(issuer, { clientId: audience, redirectUris: [back], claims });
  const { discovery, url } = issuer;
  await using keysFile = await keysFileOf(issuer);
  const discoveryUrl = `${url}/.well-known/openid-configuration`;
  for (const keys of [{}, { authKeys: keysFile.file }]) {
    for (const [wrong, text] of [
      [{ token_endpoint: undefined }, `${discoveryUrl} names no "token_endpoint"`],
      [
        { authorization_endpoint: 'login' },
        `the "authorization_endpoint" of ${discoveryUrl} is no address of http or https: "login"`,
      ],
      [
        { device_authorization_endpoint: 7 },
        `the "device_authorization_endpoint" of ${discoveryUrl} is no address of http or https: 7`,
      ],
      [{ issuer: 'https://other.example' }, `${discoveryUrl} is of issuer "https://other.example"`],
    ] as const) {
      issuer.discovery = { ...discovery, ...wrong };
      const lines: string[] = [];
      const log = (line: string): unknown => lines.push(line);
      const problem = await startProblem(issuer, { ...keys, oidcClientId: audience, log });
      assert.ok(problem.includes(text), problem);
      assert.deepEqual(lines, []);
    }
  }
  issuer.discovery = discovery;
  await issuer.end();
  const lines: string[] = [];
  await using server = await startWith(issuer, {
    ...{ clock, oidcClientId: audience, authKeys: keysFile.file },
    log: (line) => lines.push(line),
  });
  const early = await ask(server, 'GET', '/oauth20_authorize.srf', undefined);
  assert.deepEqual([early.status, early.headers.get('retry-after')], [503, '1']);
  assert.match(early.text, /^The sign-in at the issuer of this server cannot be used now/);
  const condition = /The sign-in at http:\S+ cannot be used: .*Until it can, nobody signs in/;
  assert.match(lines.join('\n'), condition);
  assert.match((await ask(server, 'GET', '/health/ready', undefined)).text, condition);
  // Its tokens are good all the same.
  const token = await issuer.sign({ sub: 'u', aud: audience, exp: clock.nowMs() / 1000 + 600 });
  assert.deepEqual(await verdict(server, token), [200, '']);
  await issuer.begin();
  clock.advance(2_000);
  assert.equal((await ask(server, 'GET', '/oauth20_authorize.srf', undefined)).status, 302);
  assert.match(lines.join('\n'), /no longer so: The sign-in at/);
  assert.doesNotMatch((await ask(server, 'GET', '/health/ready', undefined)).text, /sign-in/);
});

/** A file with the keys of `issuer`, until it is disposed of. */
async function keysFileOf({ url }: LocalIssuer) {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-oidc-'));
  const file = join(folder, 'jwks.json');
  await writeFile(file, await (await fetch(`${url}/keys`)).text());
  return {
    file,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
