import assert from 'node:assert/strict';
import { test } from 'node:test';
import { devAuthenticator } from '../../auth/dev-authenticator.ts';
import { developmentLogin } from '../../auth/login-policy.ts';
import { signToken, tokenKeyOf } from '../../auth/token.ts';
import type { Context } from '../../directory/context.ts';
import type { JsonObject } from '../../domain/json.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { RouteRequest } from '../route.ts';
import { tokenChainRoutes } from './token-chain.ts';

const key = tokenKeyOf(new Uint8Array(32));
const routes = tokenChainRoutes({ key, policy: developmentLogin });
const startMs = Date.UTC(2026, 0, 1) + 250;

const titles = [{ titleId: '1234' }, { titleId: '5678' }];

function contextAt(nowMs: number, titleIds: readonly { titleId: string }[] = titles): Context {
  const catalog = new Map([['scid', { titles: titleIds }]]);
  const ids = { guid: () => 'a-guid' };
  return { clock: { nowMs: () => nowMs }, catalog: () => catalog, ids } as unknown as Context;
}

type TokenAnswer = {
  IssueInstant: string;
  NotAfter: string;
  Token: string;
  // biome-ignore lint/suspicious/noExplicitAny: looked into by each test
  DisplayClaims: any;
};

async function post(path: string, body: unknown, context = contextAt(startMs)) {
  const route = routes.find((one) => one.path === path);
  assert.ok(route);
  const answer = await route.answer({ body: body as JsonObject } as RouteRequest, context);
  assert.ok('status' in answer || answer instanceof Refusal);
  return answer;
}

async function token(path: string, properties: object, context?: Context): Promise<TokenAnswer> {
  const body = {
    RelyingParty: 'http://auth.xboxlive.com',
    TokenType: 'JWT',
    Properties: properties,
  };
  const answer = await post(path, body, context);
  assert.ok(!(answer instanceof Refusal), String((answer as Refusal).text));
  assert.equal(answer.status, 200);
  return JSON.parse(String(answer.body));
}

async function refusal(path: string, body: unknown, context?: Context): Promise<Refusal> {
  const answer = await post(path, body, context);
  assert.ok(answer instanceof Refusal);
  return answer;
}

const userOf = (RpsTicket: string) =>
  token('/user/authenticate', { AuthMethod: 'RPS', SiteName: 'user.auth.xboxlive.com', RpsTicket });

async function accessOf(RpsTicket: string, properties: object = {}): Promise<TokenAnswer> {
  const { Token } = await userOf(RpsTicket);
  return token('/xsts/authorize', { UserTokens: [Token], ...properties });
}

const callerOf = async (access: TokenAnswer, nowMs = startMs) =>
  devAuthenticator(key).authenticate(
    `XBL3.0 x=${access.DisplayClaims.xui[0].uhs};${access.Token}`,
    nowMs,
  );

/** The body of an answer that refuses with an `XErr`, which its header names too. */
async function xErrOf(path: string, body: unknown, context?: Context) {
  const answer = await post(path, body, context);
  assert.ok(!(answer instanceof Refusal));
  const { status, headers } = answer;
  assert.equal(status, 401);
  assert.equal(headers?.['X-Mpsd-Refusal'], 'notAuthenticated');
  const shown = JSON.parse(String(answer.body));
  assert.equal(headers?.['X-Err'], String(shown.XErr));
  assert.equal(shown.Identity, '0');
  return { ...shown, detail: headers?.['X-Mpsd-Detail'] };
}

test('open routes that read a body', () => {
  assert.deepEqual(
    routes.map(({ method, path, auth, body }) => [method, path, auth, body]),
    [
      '/user/authenticate',
      '/device/authenticate',
      '/title/authenticate',
      '/xsts/authorize',
      '/authorize',
    ].map((path) => ['POST', path, 'none', 'object']),
  );
});

test('an unmodified client comes out as somebody who may call services', async () => {
  const ProofKey = { use: 'sig', alg: 'ES256', kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' };
  const user = await userOf('d=EwAYA+pvBAAUKods63Ys1fGlwiccIFJ');
  const device = await token('/device/authenticate', {
    AuthMethod: 'ProofOfPossession',
    Id: '{4f5b7a3e-1111-2222-3333-444455556666}',
    DeviceType: 'Win32',
    SerialNumber: '{4f5b7a3e-1111-2222-3333-444455556666}',
    Version: '10.0.18363',
    ProofKey,
  });
  const title = await token('/title/authenticate', {
    AuthMethod: 'RPS',
    DeviceToken: device.Token,
    RpsTicket: 't=EwAYA+pvBAAUKods63Ys1fGlwiccIFJ',
    SiteName: 'user.auth.xboxlive.com',
    ProofKey,
  });
  assert.deepEqual(Object.keys(user), ['IssueInstant', 'NotAfter', 'Token', 'DisplayClaims']);
  assert.equal(user.IssueInstant, '2026-01-01T00:00:00.0000000Z');
  assert.equal(user.NotAfter, '2026-01-15T00:00:00.0000000Z');
  assert.match(user.DisplayClaims.xui[0].uhs, /^[0-9]+$/);
  assert.deepEqual(Object.keys(user.DisplayClaims.xui[0]), ['uhs']);
  assert.match(device.DisplayClaims.xdi.did, /^F[0-9A-F]{15}$/);
  assert.deepEqual(title.DisplayClaims, { xti: { tid: '1234' } });

  const access = await token('/xsts/authorize', {
    UserTokens: [user.Token],
    DeviceToken: device.Token,
    TitleToken: title.Token,
    SandboxId: 'XDKS.1',
    ProofKey,
  });
  const [xui] = access.DisplayClaims.xui;
  assert.deepEqual(Object.keys(xui), ['uhs', 'xid', 'gtg', 'agg', 'prv']);
  assert.equal(xui.uhs, user.DisplayClaims.xui[0].uhs);
  assert.match(xui.xid, /^2535[0-9]{12}$/);
  assert.equal(xui.gtg, `User${xui.xid.slice(-8)}`);
  assert.ok(xui.prv.split(' ').includes('254'));
  assert.deepEqual(await callerOf(access), {
    kind: 'user',
    xuid: xui.xid,
    gamertag: xui.gtg,
    titleId: '1234',
    deviceId: device.DisplayClaims.xdi.did,
    sandbox: 'XDKS.1',
    privileges: xui.prv.split(' '),
    ageGroup: 'Adult',
  });
});

// @source docs/wire/unknowns.md "lifetimes of tokens"
test('an access token lasts a day, to the moment that NotAfter tells', async () => {
  const access = await accessOf('gtg=Ada');
  assert.equal(access.NotAfter, '2026-01-02T00:00:00.0000000Z');
  const endMs = Date.parse(access.NotAfter);
  assert.ok(!((await callerOf(access, endMs - 1)) instanceof Refusal));
  assert.ok((await callerOf(access, endMs)) instanceof Refusal);
});

// @source docs/wire/unknowns.md "identity in the login chain"
test('an opaque ticket is always the same user, with or without its prefix; another is another', async () => {
  const xuid = async (ticket: string) => (await accessOf(ticket)).DisplayClaims.xui[0].xid;
  const first = await xuid('EwAYA+pvBAAU');
  for (const same of ['EwAYA+pvBAAU', 'd=EwAYA+pvBAAU', 't=EwAYA+pvBAAU', 'D=EwAYA+pvBAAU']) {
    assert.equal(await xuid(same), first, same);
  }
  for (const other of ['EwAYA+pvBAAV', 'x=EwAYA+pvBAAU', 'd=d=EwAYA+pvBAAU']) {
    assert.notEqual(await xuid(other), first, other);
  }
});

// @source docs/wire/unknowns.md "identity in the login chain"
test('a ticket that is a development token chooses who one is', async () => {
  const ticket = 'd=xuid=1&gtg=Ada%20L&tid=5678&did=D1&sbx=XDKS.7&prv=255&agg=Teen';
  const access = await accessOf(ticket, { SandboxId: 'RETAIL' });
  const { uhs, ...shown } = access.DisplayClaims.xui[0];
  assert.match(uhs, /^[0-9]+$/);
  assert.deepEqual(shown, { xid: '1', gtg: 'Ada L', agg: 'Teen', prv: '255' });
  assert.deepEqual(await callerOf(access), {
    kind: 'user',
    xuid: '1',
    gamertag: 'Ada L',
    titleId: '5678',
    deviceId: 'D1',
    sandbox: 'XDKS.7',
    privileges: ['255'],
    ageGroup: 'Teen',
  });
});

test("the user's ticket outranks device, title and sandbox of the client, which outrank nothing", async () => {
  const device = await token('/device/authenticate', { Id: 'x', RpsTicket: 'did=D2' });
  const title = await token('/title/authenticate', { RpsTicket: 't=tid=99' });
  assert.deepEqual(device.DisplayClaims, { xdi: { did: 'D2', dcs: '0' } });
  const rest = { DeviceToken: device.Token, TitleToken: title.Token, SandboxId: 'CERT' };
  const chosen = await callerOf(await accessOf('xuid=1&tid=5&did=D1&sbx=XDKS.1', rest));
  assert.ok(!(chosen instanceof Refusal) && chosen.kind === 'user');
  assert.deepEqual([chosen.titleId, chosen.deviceId, chosen.sandbox], ['5', 'D1', 'XDKS.1']);
  const open = await callerOf(await accessOf('xuid=1', rest));
  assert.ok(!(open instanceof Refusal) && open.kind === 'user');
  assert.deepEqual([open.titleId, open.deviceId, open.sandbox], ['99', 'D2', 'CERT']);
  const bare = { DeviceToken: '', TitleToken: null, SandboxId: '' };
  const unbound = await callerOf(await accessOf('xuid=1', bare));
  assert.ok(!(unbound instanceof Refusal) && unbound.kind === 'user');
  assert.deepEqual(
    [unbound.titleId, unbound.deviceId, unbound.sandbox],
    [undefined, undefined, 'RETAIL'],
  );
});

test('a device is the same for the same id, or key when it gives no id', async () => {
  const did = async (properties: object) =>
    (await token('/device/authenticate', properties)).DisplayClaims.xdi.did;
  assert.equal(await did({ Id: 'a', Version: '1' }), await did({ Id: 'a', Version: '2' }));
  assert.notEqual(await did({ Id: 'a' }), await did({ Id: 'b' }));
  assert.equal(await did({ ProofKey: { x: '1' } }), await did({ Id: '', ProofKey: { x: '1' } }));
  assert.notEqual(await did({ ProofKey: { x: '1' } }), await did({ ProofKey: { x: '2' } }));
});

const props = (properties: object) => ({ Properties: properties });

const malformed: readonly [path: string, body: unknown, text: RegExp][] = [
  ['/user/authenticate', {}, /\$\.Properties: This member is missing/],
  ['/user/authenticate', { Properties: 'd=Ew' }, /\$\.Properties: Expected an object/],
  ['/user/authenticate', props({}), /\$\.Properties\.RpsTicket: This member is missing/],
  ['/user/authenticate', props({ RpsTicket: '' }), /RpsTicket: Expected text that is not empty/],
  ['/user/authenticate', props({ RpsTicket: 7 }), /RpsTicket: Expected text/],
  [
    '/user/authenticate',
    props({ RpsTicket: 'xuid=Ada' }),
    /RpsTicket: .*parameter "xuid" must be a decimal number below 2\^64/,
  ],
  [
    '/user/authenticate',
    props({ RpsTicket: 'd=xuid=1&x=1' }),
    /RpsTicket: .*unknown parameter "x"/,
  ],
  ['/user/authenticate', props({ RpsTicket: 'svc=a' }), /RpsTicket: A game service needs no login/],
  ['/device/authenticate', props({}), /\$\.Properties\.Id: This member is missing/],
  ['/device/authenticate', props({ Id: 7 }), /\$\.Properties\.Id: Expected text/],
  ['/device/authenticate', props({ RpsTicket: 'did=' }), /parameter "did" must be text/],
  ['/title/authenticate', props({}), /\$\.Properties\.RpsTicket: This member is missing/],
  [
    '/title/authenticate',
    props({ RpsTicket: 'tid=x' }),
    /parameter "tid" must be a decimal number/,
  ],
  ['/xsts/authorize', props({}), /\$\.Properties\.UserTokens: This member is missing/],
  ['/xsts/authorize', props({ UserTokens: 'a.b.c' }), /UserTokens: Expected an array of one/],
  ['/xsts/authorize', props({ UserTokens: [] }), /UserTokens: Expected an array of one/],
  ['/xsts/authorize', props({ UserTokens: ['a', 'b'] }), /UserTokens: .* for one user/],
  ['/xsts/authorize', props({ UserTokens: [7] }), /\$\.Properties\.UserTokens\[0\]: Expected text/],
  ['/xsts/authorize', props({ UserTokens: ['a'], SandboxId: 7 }), /SandboxId: Expected text/],
];

test('a request in another form is refused by its place', async () => {
  for (const [path, body, text] of malformed) {
    const { code, text: said } = await refusal(path, body);
    assert.equal(code, 'requestInvalid', JSON.stringify(body));
    assert.match(said, text);
  }
});

test('an opaque title ticket needs a title that is configured', async () => {
  const none = await refusal(
    '/title/authenticate',
    props({ RpsTicket: 'Ew' }),
    contextAt(startMs, []),
  );
  assert.equal(none.code, 'requestInvalid');
  assert.match(none.text, /RpsTicket: Expected "tid=<title id>"/);
});

// @source docs/wire/unknowns.md "lifetimes of tokens"
/** @source docs/wire/unknowns.md "the number of a refused token" */
test('tokens that are not of the right step, not ours or expired are refused by their place', async () => {
  const user = (await userOf('gtg=Ada')).Token;
  const device = (await token('/device/authenticate', { Id: 'x' })).Token;
  const strangerKey = tokenKeyOf(new Uint8Array(32).fill(1));
  const times = { nowMs: startMs, lifetimeMs: 60_000 };
  const stranger = await signToken({ xid: '1', gtg: 'A' }, strangerKey, { use: 'user', ...times });
  const title = (await token('/title/authenticate', { RpsTicket: 'Ew' })).Token;
  const later14Ms = { nowMs: startMs + 14 * 24 * 3_600_000, lifetimeMs: 60_000 };
  const young = await signToken({ xid: '1', gtg: 'A' }, key, { use: 'user', ...later14Ms });
  const cases: readonly [properties: object, text: RegExp, xErr: number][] = [
    [
      { UserTokens: ['secret'] },
      /^\$\.Properties\.UserTokens\[0\]: The token is not a well-formed/,
      0x8015dc26,
    ],
    [
      { UserTokens: [stranger] },
      /UserTokens\[0\]: The signature of the token cannot be verified/,
      0x8015dc26,
    ],
    [
      { UserTokens: [device] },
      /UserTokens\[0\]: .*not a user token, as POST \/user\/authenticate/,
      0x8015dc26,
    ],
    [{ UserTokens: [user], DeviceToken: user }, /DeviceToken: .*not a device token/, 0x8015dc23],
    [{ UserTokens: [user], TitleToken: device }, /TitleToken: .*not a title token/, 0x8015dc24],
    [
      { UserTokens: [await signToken({ xid: '1' }, key, times)] },
      /UserTokens\[0\]: .*not a user token/,
      0x8015dc26,
    ],
  ];
  for (const [properties, text, xErr] of cases) {
    const refused = await xErrOf('/xsts/authorize', props(properties));
    assert.match(refused.Message, text);
    assert.equal(refused.XErr, xErr);
    assert.equal(refused.Redirect, '');
    assert.equal(refused.detail, refused.Message.slice(0, refused.Message.indexOf(':')));
  }
  const later = contextAt(startMs + 14 * 24 * 3_600_000);
  for (const [properties, place, xErr] of [
    [{ UserTokens: [user] }, 'UserTokens\\[0\\]', 0x8015dc22],
    [{ UserTokens: [young], DeviceToken: device }, 'DeviceToken', 0x8015dc20],
    [{ UserTokens: [young], TitleToken: title }, 'TitleToken', 0x8015dc21],
  ] as const) {
    const expired = await xErrOf('/xsts/authorize', props(properties), later);
    assert.match(expired.Message, new RegExp(`${place}: The token expired at 2026-01-15T00:00:00`));
    assert.equal(expired.XErr, xErr);
  }
});

test('a ticket may ask for the refusal of an account, which comes where the real one does', async () => {
  for (const [ticket, xErr, redirect] of [
    ['xerr=2148916233', 2148916233, 'https://start.ui.xboxlive.com/CreateAccount'],
    ['t=xerr=0x8015DC0E', 2148916238, 'https://start.ui.xboxlive.com/AddChildToFamily'],
    ['d=xerr=0x8015dc03', 2148916227, ''],
  ] as const) {
    const { Token } = await userOf(ticket);
    const refused = await xErrOf('/xsts/authorize', props({ UserTokens: [Token] }));
    assert.deepEqual([refused.XErr, refused.Redirect], [xErr, redirect]);
    const atOnce = await xErrOf('/authorize', { AccessToken: ticket });
    assert.deepEqual([atOnce.XErr, atOnce.WebPage ?? ''], [xErr, redirect]);
  }
  for (const wrong of ['xerr=', 'xerr=x', 'xerr=0', 'xerr=4294967296', 'xerr=1&gtg=Ada']) {
    const refused = await refusal('/user/authenticate', props({ RpsTicket: wrong }));
    assert.match(refused.text, /Expected a number after "xerr="/, wrong);
  }
});

test('a client that asks for it sees the parts of the gamertag', async () => {
  const shown = async (gtg: string) => {
    const properties = { OptionalDisplayClaims: ['mgt', 'mgs', 'umg'] };
    const ticket = `gtg=${encodeURIComponent(gtg)}`;
    const { mgt, mgs, umg } = (await accessOf(ticket, properties)).DisplayClaims.xui[0];
    return [mgt, mgs, umg];
  };
  assert.deepEqual(await shown('Ada'), ['Ada', '', 'Ada']);
  assert.deepEqual(await shown('Ada#4821'), ['Ada', '4821', 'Ada#4821']);
  assert.deepEqual(await shown('#12'), ['#12', '', '#12']);
});

test('sisu gives all tokens of the chain at once', async () => {
  const device = await token('/device/authenticate', { Id: 'x' });
  const answer = await post('/authorize', {
    AccessToken: 't=xuid=7&gtg=Ada&tid=5678',
    AppId: '00000000402b5328',
    DeviceToken: device.Token,
    Sandbox: 'XDKS.1',
    UseModernGamertag: true,
    SiteName: 'user.auth.xboxlive.com',
    RelyingParty: 'http://xboxlive.com',
    ProofKey: {},
  });
  assert.ok(!(answer instanceof Refusal));
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.headers, { 'X-SessionId': 'a-guid' });
  const all = JSON.parse(String(answer.body));
  assert.equal(all.DeviceToken, device.Token);
  assert.equal(all.Sandbox, 'XDKS.1');
  assert.equal(all.UseModernGamertag, true);
  assert.match(all.WebPage, /^https:/);
  assert.deepEqual(all.TitleToken.DisplayClaims, { xti: { tid: '5678' } });
  assert.deepEqual(Object.keys(all.AuthorizationToken.DisplayClaims.xui[0]), [
    'uhs',
    'xid',
    'gtg',
    'agg',
    'prv',
    'mgt',
    'mgs',
    'umg',
  ]);
  const caller = await callerOf(all.AuthorizationToken);
  assert.ok(!(caller instanceof Refusal) && caller.kind === 'user');
  assert.deepEqual(
    [caller.xuid, caller.titleId, caller.sandbox, caller.deviceId],
    ['7', '5678', 'XDKS.1', device.DisplayClaims.xdi.did],
  );
  // Each of them goes on as if it had come from its own step.
  const again = await token('/xsts/authorize', {
    UserTokens: [all.UserToken.Token],
    TitleToken: all.TitleToken.Token,
  });
  assert.equal(again.DisplayClaims.xui[0].xid, '7');
});

/** @source docs/wire/unknowns.md "what sisu asks for" */
test('sisu keeps the session of the step before, and refuses as the steps do', async () => {
  const answer = await post('/authorize', { AccessToken: 't=gtg=Ada', SessionId: 'mine' });
  assert.ok(!(answer instanceof Refusal));
  assert.equal(answer.headers?.['X-SessionId'], 'mine');
  const { text } = await refusal('/authorize', { DeviceToken: 'x' });
  assert.match(text, /\$\.AccessToken: This member is missing/);
  const refused = await xErrOf('/authorize', { AccessToken: 't=gtg=Ada', DeviceToken: 'a.b.c' });
  assert.deepEqual([refused.XErr, refused.detail], [0x8015dc23, '$.DeviceToken']);
});

test('no token outlives the ticket or token that it was made from', async () => {
  const expiresMs = Date.UTC(2026, 0, 1, 0, 10);
  const policy = {
    ...developmentLogin,
    userOf: async () => ({ claims: { xid: '1', gtg: 'Ada' }, expiresMs }),
  };
  const short = tokenChainRoutes({ key, policy });
  const ask = async (path: string, body: object, nowMs: number): Promise<TokenAnswer> => {
    const route = short.find((one) => one.path === path);
    const answer = await route?.answer({ body } as RouteRequest, contextAt(nowMs));
    assert.ok(answer !== undefined && 'body' in answer);
    return JSON.parse(String(answer.body));
  };
  const user = await ask('/user/authenticate', props({ RpsTicket: 'x' }), startMs);
  assert.equal(user.NotAfter, '2026-01-01T00:10:00.0000000Z');
  const access = await ask(
    '/xsts/authorize',
    props({ UserTokens: [user.Token] }),
    startMs + 60_000,
  );
  assert.equal(access.NotAfter, '2026-01-01T00:10:00.0000000Z');
  assert.ok((await callerOf(access, Date.parse(access.NotAfter))) instanceof Refusal);
  assert.ok(!((await callerOf(access, Date.parse(access.NotAfter) - 1)) instanceof Refusal));
});
