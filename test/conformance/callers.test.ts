/** Who calls: the Authorization header, what a token says, and the login chain. */

import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import { formatSessionPath } from '../../src/domain/session/reference.ts';
import {
  at,
  demoScid,
  demoTitleId,
  isAimed,
  joinBody,
  startKit,
  xuidsOf,
  type Kit,
  type KitAnswer,
} from '../../src/testing/kit.ts';
import {
  activityOf,
  assertMembers,
  assertNoNulls,
  assertRefused,
  assertRefusedBy,
  assertStatus,
  gather,
  handleId,
  inviteTo,
  leave,
  needsClock,
  needsOwnServer,
  queryActivities,
  timePattern,
} from './answers.ts';

const anXuid = '2814639011617876';

/** A request with this Authorization header to the session directory. */
function ask(
  kit: Kit,
  authorization: string | undefined,
  { method = 'GET', path = '', body = undefined as unknown } = {},
): Promise<KitAnswer> {
  return kit.request(method, path || formatSessionPath(kit.reference()), {
    headers: {
      'x-xbl-contract-version': '107',
      ...(authorization !== undefined && { authorization }),
    },
    ...(body !== undefined && { body }),
  });
}

/** Joins a new session with this Authorization header and answers the only member. */
async function memberOf(kit: Kit, authorization: string): Promise<JsonObject> {
  const path = formatSessionPath(kit.reference());
  const created = await ask(kit, authorization, { method: 'PUT', path, body: joinBody() });
  assertStatus(created, 201);
  return at(created.json, 'members.0') as JsonObject;
}

/** @source docs/wire/README.md "Every request" */
test('a header that names nobody answers 401, and never repeats the token', async (t) => {
  await using kit = await startKit();
  const secret = 'c2VjcmV0';
  const wrong = [
    undefined,
    '',
    'XBL3.0',
    'XBL3.0 x=-',
    'XBL3.0 x=-;',
    `XBL3.0 ${secret}`,
    `Bearer ${secret}`,
    'Basic YTpi',
    `XBL2.0 x=-;xuid=${anXuid}`,
    `xuid=${anXuid}`,
    `XBL3.0 x=-;${secret}`,
    `XBL3.0 x=-;gtg=${secret}`,
    'XBL3.0 x=-;xuid=',
    `XBL3.0 x=-;xuid=${secret}`,
    'XBL3.0 x=-;xuid=-1',
    'XBL3.0 x=-;xuid=1.5',
    `XBL3.0 x=-;xuid=${'1'.repeat(21)}`,
    `XBL3.0 x=-;xuid=${anXuid}&tid=${secret}`,
    `XBL3.0 x=-;xuid=${anXuid}&tid=4294967296`,
    `XBL3.0 x=-;xuid=${anXuid}&gtg=%zz`,
    `XBL3.0 x=-;${secret}.${secret}.${secret}`,
    `XBL3.0 x=-;${jwt({ alg: 'none' }, { xid: anXuid })}.`,
    `XBL3.0 x=-;${jwt({ alg: 'HS256', typ: 'JWT' }, { xid: anXuid }, 'a key of my own')}`,
    `XBL3.0 x=-;${jwt({ alg: 'HS256', typ: 'JWT' }, { xid: anXuid }, '')}`,
  ];
  for (const authorization of wrong) {
    await t.test(authorization ?? 'missing', async () => {
      for (const [method, path] of [
        ['GET', formatSessionPath(kit.reference())],
        ['PUT', formatSessionPath(kit.reference())],
        ['POST', '/handles'],
        ['DELETE', `/handles/${randomUUID()}`],
      ] as const) {
        const body = method === 'GET' || method === 'DELETE' ? undefined : {};
        const answer = await ask(kit, authorization, { method, path, body });
        assertRefused(answer, 401, 'notAuthenticated');
        assert.equal(answer.headers.get('www-authenticate'), 'XBL3.0, Bearer');
        assert.ok(!`${answer.text} ${answer.detail}`.includes(secret), answer.text);
      }
    });
  }
});

/** A token in the form of a JWT; without a key it is not signed. */
function jwt(header: JsonObject, claims: JsonObject, key?: string): string {
  const far = 32_503_680_000;
  const part = (value: JsonObject) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part(header)}.${part({ ...claims, iat: 1_700_000_000, exp: far })}`;
  if (key === undefined) return signed;
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

/** @source docs/wire/callers.md "Callers" */
test('scheme in any case, any userhash', async (t) => {
  await using kit = await startKit();
  for (const before of [
    'XBL3.0 x=-;',
    'xbl3.0 x=-;',
    'Xbl3.0 X=123;',
    'XBL3.0 x=18291234567890;',
  ]) {
    await t.test(before, async () => {
      const member = await memberOf(kit, `${before}xuid=${anXuid}`);
      assert.equal(at(member, 'constants.system.xuid'), anXuid);
    });
  }
});

/** @source docs/wire/callers.md "Callers", docs/wire/sessions.md "Members" */
test('the claims of a user become the member: xuid, gamertag, activeTitleId', async () => {
  await using kit = await startKit();
  const member = await memberOf(
    kit,
    `XBL3.0 x=-;xuid=${anXuid}&gtg=Zo%C3%AB%20%26%20Ada&tid=${demoTitleId}&agg=Adult`,
  );
  assert.equal(at(member, 'constants.system.xuid'), anXuid);
  assert.equal(member.gamertag, 'Zoë & Ada');
  assert.equal(member.activeTitleId, demoTitleId);
  assertNoNulls(member);
});

/** @source docs/wire/callers.md "Callers" */
test('a token of a xuid alone is enough, and nothing is made up', async () => {
  await using kit = await startKit();
  const member = await memberOf(kit, `XBL3.0 x=-;xuid=${anXuid}`);
  assert.equal(Object.hasOwn(member, 'gamertag'), false);
  assert.equal(Object.hasOwn(member, 'activeTitleId'), false);
});

/** @source docs/wire/callers.md "Callers" */
test('the device id decides about "local"', async () => {
  await using kit = await startKit();
  const device = `device-${randomUUID()}`;
  const ada = kit.user('ada', { did: device });
  const beside = kit.user('beside', { did: device });
  const elsewhere = kit.user('elsewhere', { did: `${device}-other` });
  const local: JsonObject = {
    properties: { system: { joinRestriction: 'local', readRestriction: 'local' } },
  };
  const reference = await gather(kit, [ada], local);

  assertRefused(await elsewhere.getSession(reference), 403, 'readRestricted');
  assertRefused(await elsewhere.join(reference), 403, 'joinRestricted');
  const unknown = `XBL3.0 x=-;xuid=${anXuid}`;
  const path = formatSessionPath(reference);
  assertRefused(
    await ask(kit, unknown, { method: 'PUT', path, body: joinBody() }),
    403,
    'joinRestricted',
  );
  assertStatus(await beside.getSession(reference), 200);
  assertStatus(await beside.join(reference), 200);
});

/** @source docs/wire/callers.md "Callers" */
test('a title that is not of the service config answers 403 everywhere', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const id = handleId(await ada.postHandle(inviteTo(reference, '3210')));
  const before = await ada.getSession(reference);
  const path = formatSessionPath(reference);
  const outsiders = [kit.user('ada', { tid: '7' }), kit.user('eve', { tid: '4294967295' })];
  for (const outsider of outsiders) {
    for (const answer of [
      await outsider.getSession(reference),
      await outsider.putSession(reference, joinBody()),
      await outsider.getSession(kit.reference()),
      await outsider.request('GET', `${path}/members`),
      await outsider.request('PUT', `${path}/properties`, { body: { custom: { a: 1 } } }),
      await outsider.request('DELETE', `${path}/members/me`),
      await outsider.postHandle(activityOf(reference)),
      await outsider.postHandle(inviteTo(reference, '3210')),
      await outsider.request('GET', `/handles/${id}`),
      await outsider.request('DELETE', `/handles/${id}`),
      await outsider.request('GET', `/handles/${id}/session`),
      await outsider.putSessionByHandle(id, joinBody()),
      await queryActivities(outsider, [ada.xuid], '', { scid: reference.scid }),
    ]) {
      assertRefused(answer, 403, 'serviceConfigForbidden');
    }
  }
  assert.equal((await ada.getSession(reference)).etag, before.etag);
});

/** @source docs/wire/callers.md "Callers", docs/wire/unknowns.md "token without a title" */
test('a token without a title may use every service config', async () => {
  await using kit = await startKit();
  assertStatus(await ask(kit, `XBL3.0 x=-;xuid=${anXuid}`), 204);
});

/** @source docs/wire/callers.md "Callers" */
test('a sandbox that is not of the service config answers 403', {
  skip: isAimed && needsOwnServer,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-callers-'));
  try {
    const config = join(folder, 'service-configs.json');
    const reference = { scid: demoScid, templateName: 'deathmatch', name: randomUUID() };
    const serviceConfig = (sandboxes: readonly string[]) => ({
      serviceConfigs: [
        {
          scid: reference.scid,
          titles: [{ titleId: Number(demoTitleId) }],
          sandboxes,
          sessionTemplates: { deathmatch: { contractVersion: 107, constants: { system: {} } } },
        },
      ],
    });
    const rows = [
      { sandboxes: ['XDKS.1', 'XDKS.2'], may: ['XDKS.1', 'XDKS.2'], mayNot: [undefined, 'RETAIL'] },
      { sandboxes: ['RETAIL'], may: [undefined, 'RETAIL'], mayNot: ['XDKS.1'] },
    ];
    for (const { sandboxes, may, mayNot } of rows) {
      await writeFile(config, JSON.stringify(serviceConfig(sandboxes)));
      await using kit = await startKit({ config });
      const userIn = (sbx: string | undefined) =>
        sbx === undefined ? kit.user('in no sandbox') : kit.user(`in ${sbx}`, { sbx });
      for (const sbx of may) assertStatus(await userIn(sbx).getSession(reference), 204);
      for (const sbx of mayNot) {
        assertRefused(await userIn(sbx).getSession(reference), 403, 'serviceConfigForbidden');
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** @source docs/wire/callers.md "Callers" */
test('privileges that are listed must have 254 to create and to join', async (t) => {
  await using kit = await startKit();
  const host = kit.user('host');
  const open: JsonObject = {
    properties: { system: { joinRestriction: 'none', readRestriction: 'none' } },
  };
  const shared = await gather(kit, [host], open);
  const id = handleId(await host.postHandle(activityOf(shared)));
  for (const prv of ['', '189', '255 189', '2540', '1254', '25 4']) {
    await t.test(`without: "${prv}"`, async () => {
      const ada = kit.user('ada', { prv });
      const fresh = kit.reference();
      assertRefused(await ada.join(fresh), 403, 'privilegeMissing');
      assertStatus(await host.getSession(fresh), 204);
      for (const refused of [
        await ada.join(shared),
        await ada.putSessionByHandle(id, joinBody()),
        await ada.request('PUT', `${formatSessionPath(shared)}/members/me`, {
          body: { properties: { system: { active: true } } },
        }),
      ]) {
        assert.equal(refused.status, 403, refused.text);
        assert.equal(refused.refusal, 'privilegeMissing');
      }
      assert.deepEqual(xuidsOf((await host.getSession(shared)).json), [host.xuid]);
      // Looking on is no matter of playing.
      assertStatus(await ada.getSession(shared), 200);
    });
  }
  for (const prv of ['254', '189 254 252', ' 254 ']) {
    await t.test(`with: "${prv}"`, async () => {
      assertStatus(await kit.user('ada', { prv }).join(kit.reference()), 201);
    });
  }
  await t.test('not listed counts as having it', async () => {
    assertStatus(await kit.user('bob').join(kit.reference()), 201);
  });
});

/** @source docs/wire/callers.md "Callers" */
test('a member whose privilege is gone may still write and leave', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await gather(kit, [ada, bob]);
  const later = kit.user('ada', { prv: '189' });
  assert.equal(later.xuid, ada.xuid);
  assertStatus(await later.putSession(reference, { properties: { custom: { a: 1 } } }), 200);
  const left = await later.putSession(reference, leave);
  assertStatus(left, 200);
  assert.deepEqual(xuidsOf(left.json), [bob.xuid]);
});

/** @source docs/wire/README.md "Words", docs/wire/callers.md "Callers", docs/wire/unknowns.md "services write everything but me" */
test('a game service has no xuid: it reads and drives sessions, and is in none', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const service = kit.service();
  const reference = await gather(kit, [ada, bob], {}, kit.reference('private'));

  assertStatus(await service.getSession(reference), 200);
  const asMember = await service.putSession(reference, joinBody());
  assert.equal(asMember.status, 403, asMember.text);
  assert.equal(asMember.refusal, 'userRequired');
  assertRefused(await service.postHandle(activityOf(reference)), 403, 'userRequired');

  const servers = { servers: { arena: { properties: { custom: { port: 7777 } } } } };
  assertStatus(await service.putSession(reference, servers), 200);
  const asUser = await ada.putSession(reference, servers);
  assert.equal(asUser.status, 403, asUser.text);
  assert.equal(asUser.refusal, 'serviceRequired');
  assertStatus(await service.putSession(reference, { members: { '1': null } }), 200);
  assert.deepEqual(xuidsOf((await ada.getSession(reference)).json), [ada.xuid]);
});

/** @source docs/wire/callers.md "Callers", docs/wire/unknowns.md "token with xid and svc" */
test('a token with a xuid and a service name is neither', async () => {
  await using kit = await startKit();
  assertRefused(await ask(kit, `XBL3.0 x=-;xuid=${anXuid}&svc=lobby`), 401, 'notAuthenticated');
});

type Tokens = { readonly token: string; readonly body: JsonObject };

/** One step of the login chain, asked as clients ask: no Authorization, no contract version of MPSD. */
async function step(kit: Kit, path: string, properties: JsonObject): Promise<Tokens> {
  const answer = await kit.request('POST', path, {
    headers: { 'x-xbl-contract-version': '1', 'content-type': 'application/json' },
    body: {
      RelyingParty: path.startsWith('/xsts') ? 'http://xboxlive.com' : 'http://auth.xboxlive.com',
      TokenType: 'JWT',
      Properties: properties,
    },
  });
  assertStatus(answer, 200);
  assert.equal(answer.headers.get('content-type'), 'application/json');
  assert.equal(answer.headers.get('cache-control'), 'no-cache, no-store');
  assertNoNulls(answer.json);
  const { Token, NotAfter, IssueInstant } = answer.json;
  assert.equal(typeof Token, 'string');
  assert.match(String(NotAfter), timePattern);
  assert.match(String(IssueInstant), timePattern);
  return { token: String(Token), body: answer.json };
}

const logIn = (kit: Kit, ticket: string) =>
  step(kit, '/user/authenticate', {
    AuthMethod: 'RPS',
    SiteName: 'user.auth.xboxlive.com',
    RpsTicket: ticket,
  });

const authorize = (kit: Kit, user: Tokens, more: JsonObject = {}) =>
  step(kit, '/xsts/authorize', { UserTokens: [user.token], SandboxId: 'RETAIL', ...more });

/** The header that a client makes of the chain's last answer. */
function headerOf({ token, body }: Tokens): string {
  return `XBL3.0 x=${at(body, 'DisplayClaims.xui.0.uhs')};${token}`;
}

/** @source docs/wire/callers.md "Callers" */
test('the login chain ends in a token that is somebody', async () => {
  await using kit = await startKit();
  const user = await logIn(kit, `d=${randomUUID()}`);
  assert.equal(typeof at(user.body, 'DisplayClaims.xui.0.uhs'), 'string');
  const access = await authorize(kit, user);

  const claims = at(access.body, 'DisplayClaims.xui.0') as JsonObject;
  assertMembers(claims, ['uhs', 'xid', 'gtg', 'agg', 'prv']);
  assert.match(String(claims.uhs), /^\d+$/);
  assert.match(String(claims.xid), /^\d{1,20}$/);
  assert.ok(String(claims.prv).split(' ').includes('254'));
  assert.equal(at(user.body, 'DisplayClaims.xui.0.uhs'), claims.uhs);

  const member = await memberOf(kit, headerOf(access));
  assert.equal(at(member, 'constants.system.xuid'), claims.xid);
  assert.equal(member.gamertag, claims.gtg);
});

/** @source docs/wire/unknowns.md "a token that expires under a connection", docs/wire/rta.md "Life of a connection" */
test('a connection outlives the token that it was opened with', {
  skip: isAimed && needsClock,
}, async () => {
  await using kit = await startKit();
  const authorization = headerOf(await authorize(kit, await logIn(kit, `d=${randomUUID()}`)));
  // An hour before its end.
  await kit.advance(23 * 3_600_000);
  await using line = await kit.user('ada').connect({ headers: { authorization } });
  for (let minute = 0; minute < 60; minute += 1) {
    await kit.advance(60_000 - 1);
    await line.framesSoFar();
  }
  await kit.advance(60);
  assertRefused(await ask(kit, authorization), 401, 'notAuthenticated');
  assert.equal((await line.subscribe())[2], 0, 'and is served');
});

/** @source docs/wire/callers.md "Callers" */
test('the same ticket is the same user, another ticket another', async () => {
  await using kit = await startKit();
  const [one, other] = [`d=${randomUUID()}`, `d=${randomUUID()}`];
  const xidOf = async (ticket: string) =>
    at((await authorize(kit, await logIn(kit, ticket))).body, 'DisplayClaims.xui.0.xid');
  assert.equal(await xidOf(one), await xidOf(one));
  assert.notEqual(await xidOf(one), await xidOf(other));
});

/** @source docs/wire/callers.md "Callers" */
test('a ticket may say who it is', async () => {
  await using kit = await startKit();
  const user = await logIn(kit, `xuid=${anXuid}&gtg=Zo%C3%AB&prv=189`);
  const access = await authorize(kit, user);
  const { uhs: _, ...claims } = at(access.body, 'DisplayClaims.xui.0') as JsonObject;
  assert.deepEqual(claims, { xid: anXuid, gtg: 'Zoë', agg: 'Adult', prv: '189' });
  const path = formatSessionPath(kit.reference());
  const refused = await ask(kit, headerOf(access), { method: 'PUT', path, body: joinBody() });
  assertRefused(refused, 403, 'privilegeMissing');
});

/** @source docs/wire/callers.md "Callers" */
test('device and title tokens bring the device id and the title', async () => {
  await using kit = await startKit();
  const device = await step(kit, '/device/authenticate', {
    AuthMethod: 'ProofOfPossession',
    Id: `{${randomUUID()}}`,
    DeviceType: 'Win32',
    Version: '10.0.18363',
  });
  const title = await step(kit, '/title/authenticate', {
    AuthMethod: 'RPS',
    DeviceToken: device.token,
    RpsTicket: `tid=${demoTitleId}`,
    SiteName: 'user.auth.xboxlive.com',
  });
  const more = { DeviceToken: device.token, TitleToken: title.token };
  const first = await authorize(kit, await logIn(kit, `d=${randomUUID()}`), more);
  const second = await authorize(kit, await logIn(kit, `d=${randomUUID()}`), more);
  const third = await authorize(kit, await logIn(kit, `d=${randomUUID()}`));

  const path = formatSessionPath(kit.reference());
  const put = (user: Tokens, body: object) =>
    ask(kit, headerOf(user), { method: 'PUT', path, body });
  const local = { properties: { system: { joinRestriction: 'local', readRestriction: 'local' } } };
  const created = await put(first, { ...local, ...joinBody() });
  assertStatus(created, 201);
  assert.equal(at(created.json, 'members.0.activeTitleId'), demoTitleId);
  assertRefused(await put(third, joinBody()), 403, 'joinRestricted');
  assertStatus(await put(second, joinBody()), 200);
});

/** @source docs/wire/README.md "Every request" */
test('of the chain only the last token opens the directory, and only unchanged', async (t) => {
  await using kit = await startKit();
  const user = await logIn(kit, `d=${randomUUID()}`);
  const device = await step(kit, '/device/authenticate', { Id: randomUUID() });
  const access = await authorize(kit, user);
  const [head, claims, signature] = access.token.split('.') as [string, string, string];
  const forged = Buffer.from(
    JSON.stringify({ ...JSON.parse(Buffer.from(claims, 'base64url').toString()), xid: '1' }),
  ).toString('base64url');
  const rows = {
    'the user token': user.token,
    'the device token': device.token,
    'other claims': `${head}.${forged}.${signature}`,
    'no signature': `${head}.${claims}.`,
    'another signature': `${head}.${claims}.${Buffer.alloc(32).toString('base64url')}`,
    'cut short': access.token.slice(0, -4),
  };
  assertStatus(await ask(kit, headerOf(access)), 204);
  for (const [what, token] of Object.entries(rows)) {
    await t.test(what, async () => {
      const refused = await ask(kit, `XBL3.0 x=-;${token}`);
      assertRefused(refused, 401, 'notAuthenticated');
      assert.equal(refused.headers.get('www-authenticate'), 'XBL3.0, Bearer');
      assert.ok(!refused.text.includes(token.slice(0, 20)));
    });
  }
});

/** @source docs/wire/README.md "Every request" */
test('a token is good until its NotAfter', { skip: isAimed && needsClock }, async () => {
  await using kit = await startKit();
  const ticket = `d=${randomUUID()}`;
  const access = await authorize(kit, await logIn(kit, ticket));
  const notAfterMs = Date.parse(String(access.body.NotAfter));
  assert.ok(notAfterMs > kit.nowMs());
  await kit.advance(notAfterMs - kit.nowMs() - 1);
  assertStatus(await ask(kit, headerOf(access)), 204);
  await kit.advance(1);
  const refused = await ask(kit, headerOf(access));
  assertRefused(refused, 401, 'notAuthenticated', 'expired');
  // What a client does then: ask anew.
  assertStatus(await ask(kit, headerOf(await authorize(kit, await logIn(kit, ticket)))), 204);
});

/** @source docs/wire/README.md "Every request", docs/wire/callers.md "Callers" */
test('a step of the chain that is asked wrongly is refused with its place', async (t) => {
  await using kit = await startKit();
  const user = await logIn(kit, `d=${randomUUID()}`);
  const rows: readonly (readonly [path: string, body: unknown, status: number, place: string])[] = [
    ['/user/authenticate', {}, 400, 'Properties'],
    ['/user/authenticate', { Properties: {} }, 400, 'Properties.RpsTicket'],
    ['/user/authenticate', { Properties: { RpsTicket: 7 } }, 400, 'Properties.RpsTicket'],
    ['/user/authenticate', { Properties: { RpsTicket: 'xuid=x' } }, 400, 'Properties.RpsTicket'],
    ['/device/authenticate', { Properties: {} }, 400, 'Properties.Id'],
    ['/title/authenticate', { Properties: {} }, 400, 'Properties.RpsTicket'],
    ['/xsts/authorize', { Properties: {} }, 400, 'Properties.UserTokens'],
    ['/xsts/authorize', { Properties: { UserTokens: [] } }, 400, 'Properties.UserTokens'],
    ['/xsts/authorize', { Properties: { UserTokens: [7] } }, 400, 'Properties.UserTokens'],
    ['/xsts/authorize', { Properties: { UserTokens: ['x.y.z'] } }, 401, 'Properties.UserTokens'],
    [
      '/xsts/authorize',
      { Properties: { UserTokens: [user.token], DeviceToken: user.token } },
      401,
      'Properties.DeviceToken',
    ],
  ];
  for (const [path, body, status, place] of rows) {
    await t.test(`${path} ${JSON.stringify(body).slice(0, 60)}`, async () => {
      const refused = await kit.request('POST', path, { body });
      if (status === 400) assertRefused(refused, status, 'requestInvalid', place);
      else {
        assertRefusedBy(refused, status, 'notAuthenticated');
        const { Identity, XErr, Message, Redirect } = refused.json ?? {};
        assert.deepEqual([Identity, typeof XErr, Redirect], ['0', 'number', '']);
        assert.equal(refused.headers.get('x-err'), String(XErr));
        assert.ok(String(Message).includes(place));
      }
    });
  }
  await t.test('no JSON', async () => {
    const refused = await kit.request('POST', '/user/authenticate', { body: '{' });
    assertRefused(refused, 400, 'bodyNotJson', 'line 1');
  });
});
