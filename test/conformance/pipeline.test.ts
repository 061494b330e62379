/** The pipeline: what every request passes before it reaches its route, and what every answer has. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { RefusalCode } from '../../src/domain/refusal.ts';
import { formatSessionPath, type SessionReference } from '../../src/domain/session/reference.ts';
import {
  at,
  demoScid,
  joinBody,
  startKit,
  type Kit,
  type KitAnswer,
  type KitUser,
} from '../../src/testing/kit.ts';
import {
  activityOf,
  assertRefused,
  assertStatus,
  gather,
  guidPattern,
  handleId,
  inviteTo,
  leave,
} from './answers.ts';
import { parseAnswer, RawConnection, requestRaw, type RawRequest } from './raw.ts';
import { blankTemplate } from './new-session.ts';

const bodyBytesMax = 1_048_576;

/** The headers that a client cannot do without. */
function headersOf(user: KitUser): Record<string, string> {
  return { authorization: user.authorization, 'x-xbl-contract-version': '107' };
}

/** What each answer has, whatever it answers. @source docs/wire/README.md "Every request" */
function assertUsualHeaders(answer: KitAnswer, cacheControl = 'no-cache, no-store'): void {
  const { headers, status } = answer;
  assert.ok(Number.isFinite(Date.parse(headers.get('date') ?? '')), 'Date');
  assert.match(headers.get('x-xblcorrelationid') ?? '', guidPattern);
  assert.equal(headers.get('x-content-type-options'), 'nosniff');
  assert.equal(headers.get('cache-control'), cacheControl);
  assert.equal(headers.get('retry-after'), null);
  assert.equal(headers.get('content-encoding'), null);
  if (status === 204 || status === 304) assert.equal(answer.text, '');
  else assert.equal(headers.get('content-length'), String(Buffer.byteLength(answer.text)));
}

const failures = [
  { rule: 'path', status: 404, code: 'pathUnknown' },
  { rule: 'verb', status: 405, code: 'verbNotAllowed' },
  { rule: 'authorization', status: 401, code: 'notAuthenticated' },
  { rule: 'contract version', status: 400, code: 'contractVersionMissing' },
  { rule: 'body size', status: 413, code: 'bodyTooLarge' },
  { rule: 'JSON', status: 400, code: 'bodyNotJson' },
  { rule: 'shape', status: 400, code: 'requestInvalid' },
  { rule: 'scid', status: 404, code: 'serviceConfigUnknown' },
  { rule: 'title', status: 403, code: 'serviceConfigForbidden' },
  { rule: 'template', status: 404, code: 'templateUnknown' },
] as const satisfies readonly { rule: string; status: number; code: RefusalCode }[];

type Rule = (typeof failures)[number]['rule'];

/** Every pair of rules and every tail of the list, so that each rule is seen before all others. */
const combinations: readonly (readonly Rule[])[] = failures.flatMap(({ rule }, i) => {
  const later = failures.slice(i + 1).map((one) => one.rule);
  return [[rule], ...later.map((other) => [rule, other]), [rule, ...later]];
});

/** A body that breaks these rules, the larger and the less readable the better. */
function brokenBody(rules: readonly Rule[], valid: object): string {
  const text = JSON.stringify(rules.includes('shape') ? { ...valid, extra: 1 } : valid);
  const cut = rules.includes('JSON') ? text.slice(0, -1) : text;
  return rules.includes('body size') ? cut.padEnd(bodyBytesMax + 1) : cut;
}

function brokenHeaders(kit: Kit, rules: readonly Rule[]): Record<string, string> {
  const user = kit.user('ada', rules.includes('title') ? { tid: '7' } : {});
  const { authorization, ...version } = headersOf(user) as { authorization: string };
  return {
    ...(!rules.includes('authorization') && { authorization }),
    ...(!rules.includes('contract version') && version),
  };
}

function brokenReference(kit: Kit, rules: readonly Rule[]): SessionReference {
  return {
    ...kit.reference(rules.includes('template') ? 'no-such-template' : 'deathmatch'),
    ...(rules.includes('scid') && { scid: randomUUID() }),
  };
}

/** @source docs/wire/README.md "Every request" */
test('of several rules that a session write breaks, the first answers', async (t) => {
  await using kit = await startKit();
  for (const rules of combinations) {
    await t.test(rules.join(', '), async () => {
      const path = formatSessionPath(brokenReference(kit, rules));
      const answer = await kit.request(
        rules.includes('verb') ? 'POST' : 'PUT',
        rules.includes('path') ? `/nothing${path}` : path,
        { headers: brokenHeaders(kit, rules), body: brokenBody(rules, joinBody()) },
      );
      const first = failures.find(({ rule }) => rule === rules[0]);
      assert.ok(first);
      assertRefused(answer, first.status, first.code);
      assertUsualHeaders(answer);
    });
  }
});

/** @source docs/wire/README.md "Every request" */
test('of several rules that a POST of a handle breaks, the first answers', async (t) => {
  await using kit = await startKit();
  for (const rules of combinations) {
    await t.test(rules.join(', '), async () => {
      const reference = brokenReference(kit, rules);
      const answer = await kit.request(
        rules.includes('verb') ? 'PUT' : 'POST',
        rules.includes('path') ? '/handle' : '/handles',
        {
          headers: brokenHeaders(kit, rules),
          body: brokenBody(rules, activityOf(reference)),
        },
      );
      const first = failures.find(({ rule }) => rule === rules[0]);
      assert.ok(first);
      assertRefused(answer, first.status, first.code);
    });
  }
});

/** @source docs/wire/README.md "Every request" */
test('of several rules that a GET breaks, the first answers', async (t) => {
  await using kit = await startKit();
  const bodiless = combinations.filter(
    (rules) => !rules.some((rule) => ['body size', 'JSON', 'shape'].includes(rule)),
  );
  for (const rules of bodiless) {
    await t.test(rules.join(', '), async () => {
      const path = formatSessionPath(brokenReference(kit, rules));
      const answer = await kit.request(
        rules.includes('verb') ? 'DELETE' : 'GET',
        rules.includes('path') ? `${path}/nothing` : path,
        { headers: brokenHeaders(kit, rules) },
      );
      const first = failures.find(({ rule }) => rule === rules[0]);
      assert.ok(first);
      assertRefused(answer, first.status, first.code);
    });
  }
});

/** @source docs/wire/README.md "Every request" */
test('a scid that is no GUID is unknown, after the body has been looked at', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const path = '/serviceconfigs/no-guid/sessiontemplates/deathmatch/sessions/x';
  assertRefused(await ada.request('GET', path), 404, 'serviceConfigUnknown', 'no-guid');
  assertRefused(await ada.request('PUT', path, { body: {} }), 404, 'serviceConfigUnknown');
  assertRefused(await ada.request('PUT', path, { body: '{' }), 400, 'bodyNotJson');
  assertRefused(await ada.request('PUT', path, { body: { x: 1 } }), 400, 'requestInvalid');
});

/** @source docs/wire/README.md "Every request" */
test('an unknown path answers 404, to anybody', async (t) => {
  await using kit = await startKit();
  const session = `/serviceconfigs/${demoScid}/sessiontemplates/deathmatch/sessions/x`;
  const paths = [
    '/',
    '/nothing',
    '/handles/x/y',
    '/handles/x/session/y',
    `/serviceconfigs/${demoScid}`,
    `/serviceconfigs/${demoScid}/sessiontemplates/deathmatch/nothing`,
    `${session}/nothing`,
    `${session}/members/me/nothing`,
    `${session}/servers`,
  ];
  for (const path of paths) {
    await t.test(path, async () => {
      for (const method of ['GET', 'PUT', 'POST', 'DELETE', 'PATCH']) {
        const answer = await kit.request(method, path);
        assertRefused(answer, 404, 'pathUnknown', path);
        assertUsualHeaders(answer);
      }
    });
  }
});

/** @source docs/wire/README.md "Every request", docs/wire/clients.md "What clients need" */
test('an empty path segment answers 404, to anybody', async (t) => {
  await using kit = await startKit();
  const targets = [
    '/serviceconfigs//sessionTemplates//sessions/',
    `/serviceconfigs/${demoScid}/sessionTemplates/deathmatch/sessions/`,
    `/serviceconfigs/${demoScid}//sessionTemplates/deathmatch/sessions/x`,
    '/handles/',
    '/handles//session',
    '//handles',
    '//',
  ];
  for (const target of targets) {
    await t.test(target, async () => {
      for (const method of ['PUT', 'GET', 'DELETE']) {
        const answer = await requestRaw(kit.url, { method, target, body: '{}' });
        assertRefused(answer, 404, 'pathUnknown', target);
        assertUsualHeaders(answer);
      }
    });
  }
});

/** @source docs/wire/README.md "Every request" */
test('a verb that a path does not know answers 405 with Allow, to anybody; HEAD goes where GET goes', async (t) => {
  await using kit = await startKit();
  const config = `/serviceconfigs/${demoScid}`;
  const template = `${config}/sessiontemplates/deathmatch`;
  const session = `${template}/sessions/x`;
  const verbsOf: Readonly<Record<string, readonly string[]>> = {
    '/handles': ['POST'],
    '/handles/query': ['POST'],
    [`/handles/${randomUUID()}`]: ['DELETE', 'GET', 'HEAD'],
    [`/handles/${randomUUID()}/session`]: ['GET', 'HEAD', 'PUT'],
    [`${config}/sessiontemplates`]: ['GET', 'HEAD'],
    [template]: ['GET', 'HEAD'],
    [session]: ['GET', 'HEAD', 'PUT'],
    [`${session}/constants`]: ['GET', 'HEAD'],
    [`${session}/properties`]: ['GET', 'HEAD', 'PUT'],
    [`${session}/members`]: ['GET', 'HEAD'],
    [`${session}/members/me`]: ['DELETE', 'GET', 'HEAD', 'PUT'],
    [`${session}/members/0`]: ['DELETE', 'GET', 'HEAD'],
    [`${session}/servers/matchmaking`]: ['DELETE', 'GET', 'HEAD', 'PUT'],
    [`${config}/sessions`]: ['GET', 'HEAD'],
    [`${template}/sessions`]: ['GET', 'HEAD'],
    [`${config}/batch`]: ['POST'],
    [`${template}/batch`]: ['POST'],
  };
  for (const [path, verbs] of Object.entries(verbsOf)) {
    await t.test(path, async () => {
      for (const method of ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS']) {
        const answer = await kit.request(method, path);
        if (method === 'HEAD') {
          assert.equal(answer.status, verbs.includes(method) ? 401 : 405);
          assert.equal(answer.text, '');
          continue;
        }
        if (verbs.includes(method)) {
          assertRefused(answer, 401, 'notAuthenticated');
          continue;
        }
        assertRefused(answer, 405, 'verbNotAllowed', method);
        assertUsualHeaders(answer);
        const allowed = (answer.headers.get('allow') ?? '').split(/\s*,\s*/).sort();
        assert.deepEqual(allowed, verbs);
      }
    });
  }
});

/** @source docs/wire/README.md "Every request", docs/wire/unknowns.md "letter case of a scid" */
test('paths match in any case, names in any case', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const id = handleId(await ada.postHandle(inviteTo(reference, '3210')));
  const { scid, name } = reference;
  const paths = [
    `/serviceconfigs/${scid}/sessionTemplates/deathmatch/sessions/${name}`,
    `/serviceConfigs/${scid}/sessiontemplates/Deathmatch/Sessions/${name}`,
    `/SERVICECONFIGS/${scid.toUpperCase()}/SESSIONTEMPLATES/DEATHMATCH/SESSIONS/${name.toUpperCase()}`,
    `/Handles/${id}/Session`,
  ];
  for (const path of paths) {
    const answer = await ada.request('GET', path);
    assertStatus(answer, 200);
    assert.equal(at(answer.json, 'members.0.constants.system.xuid'), ada.xuid);
  }
  const me = `${paths[0]}/members/ME`;
  assert.equal(at((await ada.request('GET', me)).json, 'constants.system.xuid'), ada.xuid);
  const query = { type: 'activity', owners: { xuids: [] } };
  assertStatus(await ada.request('POST', '/HANDLES/Query', { body: query }), 200);
});

/** @source docs/wire/README.md "Every request" */
test('the contract version is an integer of at least 104; above 107 counts as 107', async (t) => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const get = (version: string | undefined, path = formatSessionPath(reference)) =>
    kit.request('GET', path, {
      headers: {
        authorization: ada.authorization,
        ...(version !== undefined && { 'x-xbl-contract-version': version }),
      },
    });
  const wrong = [
    undefined,
    '',
    'abc',
    '103',
    '0',
    '-107',
    '107.0',
    '1e3',
    '0x6b',
    '107, 107',
    '107a',
  ];
  for (const version of wrong) {
    await t.test(version === undefined ? 'missing' : `"${version}"`, async () => {
      for (const path of [formatSessionPath(reference), `/handles/${randomUUID()}`]) {
        const answer = await get(version, path);
        assertRefused(answer, 400, 'contractVersionMissing', 'X-Xbl-Contract-Version');
        assertUsualHeaders(answer);
      }
    });
  }
  for (const [version, answered] of [
    ['104', 104],
    ['105', 105],
    ['107', 107],
    ['108', 107],
    ['4294967296', 107],
    ['99999999999999999999999', 107],
  ] as const) {
    await t.test(version, async () => {
      const answer = await get(version);
      assertStatus(answer, 200);
      assert.equal(answer.json.contractVersion, answered);
    });
  }
});

/** @source docs/wire/README.md "Every request" */
test('every kind of answer has its headers', async (t) => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = kit.reference();
  const path = formatSessionPath(reference);
  const forSessions = 'max-age=0, must-revalidate';
  const json = 'application/json';
  const ask = (raw: RawRequest) =>
    requestRaw(kit.url, { ...raw, headers: { ...headersOf(ada), ...raw.headers } });
  const put = (body: object, headers: Record<string, string> = {}) =>
    ask({ method: 'PUT', target: path, headers, body: JSON.stringify(body) });
  const post = (target: string, body: object) =>
    ask({ method: 'POST', target, body: JSON.stringify(body) });
  const query = { type: 'activity', owners: { xuids: [ada.xuid] } };

  // What each is: its status, its Cache-Control unless it is the usual one, its Content-Type.
  const rows: readonly (readonly [
    what: string,
    ask: () => Promise<KitAnswer>,
    status: number,
    type: string | null,
    cacheControl?: string,
  ])[] = [
    ['a session created', () => put(joinBody()), 201, json, forSessions],
    ['a session updated', () => put({ properties: { custom: { a: 1 } } }), 200, json, forSessions],
    ['a session unchanged', () => put({}), 200, json, forSessions],
    ['a session read', () => ask({ method: 'GET', target: path }), 200, json, forSessions],
    ['a failed precondition', () => put({}, { 'if-match': '"0"' }), 412, json],
    ['a handle made', () => post('/handles', activityOf(reference)), 201, json],
    ['a query', () => post('/handles/query', query), 200, json],
    ['no session', () => ask({ method: 'GET', target: `${path}-none` }), 204, null],
    [
      'a precondition without a session',
      () =>
        ask({ method: 'PUT', target: `${path}-none`, headers: { 'if-match': '*' }, body: '{}' }),
      412,
      null,
    ],
    ['a conflict', () => put({ constants: { system: { maxMembersCount: 2 } } }), 409, null],
    ['a session deleted', () => put(leave), 204, null],
  ];
  for (const [what, request, status, type, cacheControl] of rows) {
    await t.test(what, async () => {
      const answer = await request();
      assertStatus(answer, status);
      assertUsualHeaders(answer, cacheControl);
      if (status !== 409) assert.equal(answer.headers.get('content-type'), type);
    });
  }
});

/** @source docs/wire/sessions.md "Preconditions" */
test('a 304 has the ETag and no body', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const { etag = '' } = await ada.getSession(reference);
  const answer = await ada.getSession(reference, { ifNoneMatch: etag });
  assertStatus(answer, 304);
  assert.equal(answer.etag, etag);
  assertUsualHeaders(answer);
});

/** @source docs/wire/README.md "Every request" */
test('each answer has a correlation id of its own', async () => {
  await using kit = await startKit();
  const ids = new Set<string | null>();
  for (let i = 0; i < 5; i += 1) {
    ids.add((await kit.request('GET', '/nothing')).headers.get('x-xblcorrelationid'));
  }
  assert.equal(ids.size, 5);
});

/** @source docs/wire/README.md "Every request" */
test('a body is parsed as JSON whatever its Content-Type says', async (t) => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const types = [
    undefined,
    'application/json',
    'application/json; charset=utf-8',
    'text/plain',
    'text/plain;charset=UTF-8',
    'application/xml',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'nonsense',
    '',
  ];
  for (const type of types) {
    await t.test(type === undefined ? 'none' : `"${type}"`, async () => {
      const answer = await requestRaw(kit.url, {
        method: 'PUT',
        target: formatSessionPath(kit.reference()),
        headers: { ...headersOf(ada), ...(type !== undefined && { 'content-type': type }) },
        body: JSON.stringify(joinBody()),
      });
      assertStatus(answer, 201);
    });
  }
});

/** @source docs/wire/README.md "Every request", docs/wire/clients.md "What clients need" */
test('a body on GET and DELETE is ignored, and a Content-Type without one is no error', async (t) => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const json = { 'content-type': 'application/json; charset=utf-8' };
  const rows: readonly (readonly [what: string, headers: Record<string, string>, body: string])[] =
    [
      ['nothing', {}, ''],
      ['Content-Type', json, ''],
      ['Content-Type and Content-Length: 0', { ...json, 'content-length': '0' }, ''],
      ['an object', json, '{"members":{"me":null}}'],
      ['no JSON', json, 'what is this'],
    ];
  for (const [what, headers, body] of rows) {
    await t.test(what, async () => {
      const ask = (method: string, target: string) =>
        requestRaw(kit.url, { method, target, headers: { ...headersOf(ada), ...headers }, body });
      const read = await ask('GET', formatSessionPath(reference));
      assertStatus(read, 200);
      assert.equal(at(read.json, 'membersInfo.count'), 1);
      const id = handleId(await ada.postHandle(inviteTo(reference, '3210')));
      assertStatus(await ask('GET', `/handles/${id}`), 200);
      assertStatus(await ask('DELETE', `/handles/${id}`), 204);
      assertStatus(await ada.request('GET', `/handles/${id}`), 404);
    });
  }
});

/** @source docs/wire/README.md "Every request" */
test('what a client says about itself makes no difference', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const target = formatSessionPath(await gather(kit, [ada]));
  const bare = await requestRaw(kit.url, { method: 'GET', target, headers: headersOf(ada) });
  assertStatus(bare, 200);
  const dressed = await requestRaw(kit.url, {
    method: 'GET',
    target,
    headers: {
      ...headersOf(ada),
      accept: 'text/xml',
      'accept-language': 'tlh',
      signature: 'bm90aGluZw==',
      host: 'sessiondirectory.xboxlive.com',
      'user-agent': 'XboxServicesAPI/2025.10 MultiplayerManager c',
    },
  });
  assert.equal(dressed.text, bare.text);
  assert.equal(dressed.headers.get('content-type'), 'application/json');
});

/** @source docs/wire/README.md "Every request", docs/wire/clients.md "What clients need" */
test('Expect: 100-continue is answered before it sends its body', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  await using connection = new RawConnection(kit.url);
  const body = JSON.stringify(joinBody());
  const head = [
    `PUT ${formatSessionPath(kit.reference())} HTTP/1.1`,
    'Host: sessiondirectory.xboxlive.com',
    `Authorization: ${ada.authorization}`,
    'X-Xbl-Contract-Version: 107',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Expect: 100-continue',
    'Connection: close',
  ];
  connection.write(`${head.join('\r\n')}\r\n\r\n`);
  await connection.until(/^HTTP\/1\.1 100 [^\r]*\r\n\r\n/);
  connection.write(body);
  const received = await connection.untilEnd();
  assert.match(received, /\r\n\r\nHTTP\/1\.1 201 /);
});

/** @source docs/wire/README.md "Every request" */
test('Host may be any or none, and the target a whole URL', async () => {
  await using kit = await startKit();
  const path = formatSessionPath(kit.reference());
  const credentials = `Authorization: ${kit.user('ada').authorization}\r\nX-Xbl-Contract-Version: 107`;
  const requests = [
    `GET ${path} HTTP/1.1\r\n${credentials}\r\nConnection: close\r\n\r\n`,
    `GET ${path} HTTP/1.1\r\nHost: \r\n${credentials}\r\nConnection: close\r\n\r\n`,
    `GET http://sessiondirectory.xboxlive.com${path} HTTP/1.1\r\nHost: sessiondirectory.xboxlive.com\r\n${credentials}\r\nConnection: close\r\n\r\n`,
    `GET ${path} HTTP/1.0\r\n${credentials}\r\n\r\n`,
  ];
  for (const request of requests) {
    await using connection = new RawConnection(kit.url);
    connection.write(request);
    assertStatus(parseAnswer(await connection.untilEnd()), 204);
  }
});

/** @source docs/wire/README.md "Every request" */
test('a body that is no JSON object is refused, with the place where it goes wrong', async (t) => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const before = await ada.getSession(reference);
  const rows: readonly (readonly [body: string | Uint8Array, named: RegExp])[] = [
    ['', /empty|object/i],
    [' ', /line 1, column/i],
    ['null', /object/],
    ['[]', /object/],
    ['"x"', /object/],
    ['7', /object/],
    ['true', /object/],
    ['{', /line 1, column 2/],
    ['{\n  "members": {\n    "me": }\n}', /line 3, column 11/],
    ['{"a":1,}', /line 1, column 8/],
    ['{"a":1 // a comment\n}', /line 1, column 8/],
    ['{"a":01}', /line 1, column 7/],
    ['{"a":NaN}', /line 1, column 6/],
    ["{'a':1}", /line 1, column 2/],
    ['{"a":"\n"}', /line 1, column 7/],
    ['{"a":1}{', /line 1, column 8/],
    ['{"a":"\\x"}', /line 1, column 7|line 1, column 8/],
    [Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), /line 1, column 3/],
    [Uint8Array.of(0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d), /line 1, column 3/],
    [Uint8Array.of(0), /line 1, column 1/],
  ];
  for (const [body, named] of rows) {
    await t.test(JSON.stringify(body), async () => {
      for (const [method, path] of [
        ['PUT', formatSessionPath(reference)],
        ['PUT', `${formatSessionPath(reference)}/properties`],
        ['POST', '/handles'],
        ['POST', '/handles/query'],
      ] as const) {
        const answer = await ada.request(method, path, { body });
        assertRefused(answer, 400, 'bodyNotJson');
        assert.match(answer.text, named);
        assertUsualHeaders(answer);
      }
    });
  }
  assert.equal((await ada.getSession(reference)).etag, before.etag);
});

/** @source docs/wire/README.md "Every request" */
test('a body of 1 MiB passes, one byte more answers 413', async (t) => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const body = JSON.stringify(joinBody());
  const headers = headersOf(ada);
  const ask = (text: string | readonly string[], target: string) =>
    requestRaw(kit.url, { method: 'PUT', target, headers, body: text });
  const pieces = (text: string) => [text.slice(0, 1_000), text.slice(1_000)];
  for (const [how, sent] of [
    ['with a length', (text: string) => text],
    ['chunked', pieces],
  ] as const) {
    await t.test(how, async () => {
      const target = formatSessionPath(kit.reference());
      const tooLarge = await ask(sent(body.padEnd(bodyBytesMax + 1)), target);
      assertRefused(tooLarge, 413, 'bodyTooLarge', String(bodyBytesMax));
      assertUsualHeaders(tooLarge);
      assertStatus(await ada.request('GET', target), 204);
      assertStatus(await ask(sent(body.padEnd(bodyBytesMax)), target), 201);
    });
  }
});

/** @source docs/wire/README.md "Every request" */
test('after a 413 the connection serves the next request', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const path = formatSessionPath(kit.reference());
  const credentials = `Authorization: ${ada.authorization}\r\nX-Xbl-Contract-Version: 107`;
  await using connection = new RawConnection(kit.url);
  connection.write(
    `PUT ${path} HTTP/1.1\r\nHost: x\r\n${credentials}\r\nContent-Length: ${bodyBytesMax + 1}\r\n\r\n`,
  );
  connection.write(' '.repeat(bodyBytesMax + 1));
  await connection.until(/^HTTP\/1\.1 413 /);
  connection.write(
    `GET ${path} HTTP/1.1\r\nHost: x\r\n${credentials}\r\nConnection: close\r\n\r\n`,
  );
  assert.match(await connection.untilEnd(), /HTTP\/1\.1 204 /);
});

/** @source docs/wire/README.md "Every request" */
test('a refusal before the body has come reaches a client that is still sending', async (t) => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const path = formatSessionPath(kit.reference());
  const own = `Authorization: ${ada.authorization}\r\nX-Xbl-Contract-Version: 107\r\n`;
  for (const [request, status] of [
    [`PUT ${path} HTTP/1.1\r\n${own}`, 413],
    [`PUT ${path} HTTP/1.1\r\nX-Xbl-Contract-Version: 107\r\n`, 401],
    [`PUT /nothing/here HTTP/1.1\r\n${own}`, 404],
    [`DELETE ${path} HTTP/1.1\r\n${own}`, 405],
    [`PUT ${path} HTTP/1.1\r\n${own}Content-Encoding: gzip\r\n`, 415],
    [`PUT ${path} HTTP/1.1\r\nAuthorization: ${ada.authorization}\r\n`, 400],
  ] as const) {
    await t.test(String(status), async () => {
      await using connection = new RawConnection(kit.url);
      connection.write(
        `${request}Host: x\r\nConnection: close\r\nContent-Length: ${3 * bodyBytesMax}\r\n\r\n`,
      );
      // Kills: a connection that is reset by what the client sends after the answer.
      await connection.until(new RegExp(`^HTTP/1.1 ${status} [^]*\r\n\r\n`));
      for (let sent = 0; sent < 3; sent += 1) connection.write(' '.repeat(bodyBytesMax));
      assert.match(await connection.untilEnd(), /\r\nConnection: close\r\n/);
      assert.equal(connection.isReset, false);
    });
  }
});

const exactNumbers = [
  '18446744073709551615',
  '9007199254740993',
  '-9007199254740993',
  '123456789012345678901234567890.5',
  '1.50',
  '1.0',
  '0.10',
  '1e400',
  '-1e400',
  '1E5',
  '1e-7',
  '1e+2',
  '-0',
  '-0.0',
  '0.1',
  '0.30000000000000004',
  '1e-400',
];

/** @source docs/wire/README.md "Every request", docs/wire/clients.md "What clients need" */
test('S9 numbers in custom objects come back as they were written', async (t) => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  for (const number of exactNumbers) {
    await t.test(number, async () => {
      const reference = kit.reference(blankTemplate);
      const custom = `{"n":${number},"deep":{"list":[${number},{"n":${number}}]}}`;
      const me = `{"constants":{"custom":${custom}},"properties":{"system":{"active":true},"custom":${custom}}}`;
      const body = `{"constants":{"custom":${custom}},"properties":{"custom":${custom}},"members":{"me":${me}}}`;
      const created = await ada.putSession(reference, body);
      assertStatus(created, 201);
      const read = await ada.getSession(reference);
      assert.equal(read.text, created.text);
      assert.equal(read.text.split(`"custom":${custom}`).length - 1, 4, read.text);
      const properties = await ada.request('GET', `${formatSessionPath(reference)}/properties`);
      assert.ok(properties.text.includes(custom), properties.text);
      // Written again it is the same, not a change.
      const again = await ada.putSession(reference, `{"properties":{"custom":${custom}}}`);
      assert.equal(again.etag, created.etag);
    });
  }
});

/** @source docs/wire/README.md "Every request" */
test('keys and texts in custom objects come back as they were written', async (t) => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const customs = [
    '{"__proto__":{"x":1}}',
    '{"constructor":{"prototype":{"x":1}}}',
    '{"toString":1,"hasOwnProperty":2,"valueOf":3,"length":4}',
    '{"":1," ":2,"a.b":3,"a/b":4,"~":5,"$":6}',
    '{"text":"\\ud800","\\udfff":"lone"}',
    '{"emoji":"🎲","accent":"Zoë","null":"\\u0000","line":"\u2028"}',
    '{"nested":{"none":null,"list":[null,[],{}]}}',
    '{"rawJSON":"1","toJSON":"x"}',
    `${'{"a":'.repeat(50)}1${'}'.repeat(50)}`,
  ];
  for (const custom of customs) {
    await t.test(custom.slice(0, 60), async () => {
      const reference = kit.reference();
      const body = `{"properties":{"custom":${custom}},"members":${JSON.stringify(joinBody().members)}}`;
      assertStatus(await ada.putSession(reference, body), 201);
      const { text } = await ada.getSession(reference);
      assert.ok(text.includes(`"custom":${custom}`), text);
    });
  }
});

/** @source docs/wire/README.md "Every request" */
test('of a key given twice the last counts', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = kit.reference();
  const me = JSON.stringify(joinBody().members);
  const body = `{"members":{"me":null},"properties":{"custom":{"a":1,"b":2,"a":3},"system":{"closed":false,"closed":true}},"members":${me}}`;
  const created = await ada.putSession(reference, body);
  assertStatus(created, 201);
  assert.deepEqual(at(created.json, 'properties.custom'), { a: 3, b: 2 });
  assert.equal(at(created.json, 'properties.system.closed'), true);
  assert.equal(at(created.json, 'membersInfo.count'), 1);
});

/** @source docs/wire/README.md "Every request", docs/wire/README.md "Every answer" */
test('numbers of the protocol are integers, however they are written', async (t) => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const me = JSON.stringify(joinBody().members);
  const create = (number: string) =>
    ada.putSession(
      kit.reference(blankTemplate),
      `{"constants":{"system":{"readyRemovalTimeout":${number}}},"members":${me}}`,
    );
  for (const [number, answered] of [
    ['0', '0'],
    ['60000', '60000'],
    ['6e4', '60000'],
    ['60000.0', '60000'],
  ] as const) {
    await t.test(number, async () => {
      const created = await create(number);
      assertStatus(created, 201);
      assert.ok(created.text.includes(`"readyRemovalTimeout":${answered},`), created.text);
    });
  }
  for (const number of ['1e400', '-1', '1.5', '9007199254740993', '1e-400x', '"60000"', 'true']) {
    await t.test(number, async () => {
      const refused = await create(number);
      assert.equal(refused.status, 400, refused.text);
      assert.match(refused.text, /readyRemovalTimeout|line 1, column/);
    });
  }
  await t.test('-0 is accepted as 0 or refused, never answered', async () => {
    const created = await create('-0');
    if (created.status === 400) return;
    assertStatus(created, 201);
    assert.ok(created.text.includes('"readyRemovalTimeout":0,'), created.text);
  });
});

/** @source docs/wire/README.md "Every request" */
test('nesting without end is refused', async (t) => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const before = await ada.getSession(reference);
  const inCustom = (value: string) => `{"properties":{"custom":{"a":${value}}}}`;
  const bodies: readonly (readonly [what: string, body: string, code: RegExp])[] = [
    [
      '10,000 objects',
      inCustom(`${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`),
      /requestInvalid/,
    ],
    ['10,000 arrays', inCustom('['.repeat(10_000) + ']'.repeat(10_000)), /requestInvalid/],
    [
      '10,000 arrays in system',
      `{"members":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
      /requestInvalid/,
    ],
    ['arrays that never close', '['.repeat(bodyBytesMax), /requestInvalid|bodyNotJson/],
    ['objects that never close', '{"a":'.repeat(200_000), /requestInvalid|bodyNotJson/],
  ];
  for (const [what, body, code] of bodies) {
    await t.test(what, async () => {
      for (const [method, path] of [
        ['PUT', formatSessionPath(reference)],
        ['POST', '/handles'],
      ] as const) {
        const refused = await ada.request(method, path, { body });
        assert.equal(refused.status, 400);
        assert.match(refused.refusal ?? '', code);
        assert.match(refused.text, /nest|deep|line/);
      }
    });
  }
  assert.equal((await ada.getSession(reference)).etag, before.etag);
});

/** @source docs/wire/README.md "Every request" */
test('names are 1 to 100 characters without / ~ \\ ? # and control characters', async (t) => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const put = (encodedName: string) =>
    requestRaw(kit.url, {
      method: 'PUT',
      target: `/serviceconfigs/${demoScid}/sessionTemplates/deathmatch/sessions/${encodedName}`,
      headers: headersOf(ada),
      body: JSON.stringify(joinBody()),
    });
  const wrong = [
    'a~b',
    'a%7Eb',
    'a%2Fb',
    'a%5Cb',
    'a%3Fb',
    'a%23b',
    'a%00b',
    'a%0Ab',
    'a%1Fb',
    'a%7Fb',
    'a%C2%85b',
    'x'.repeat(101),
  ];
  for (const name of wrong) {
    await t.test(`refused: ${name.slice(0, 20)}`, async () => {
      const refused = await put(name);
      assertRefused(refused, 400, 'nameInvalid');
      const { text } = await ada.request(
        'GET',
        `/serviceconfigs/${demoScid}/sessionTemplates/deathmatch/sessions/${name}`,
      );
      assert.equal(text, refused.text);
    });
  }
  const unique = randomUUID();
  const fine = [
    `${unique} with spaces`,
    `${unique}'";:@&=+$,!*()[]{}|^\``,
    `${unique} Zoë 🎲 名前`,
    `${unique}%41`,
    `${unique}<script>`,
    unique.padEnd(100, 'x'),
  ];
  for (const name of fine) {
    await t.test(`fine: ${name}`, async () => {
      const reference = { ...kit.reference(), name };
      const created = await put(encodeURIComponent(name));
      assertStatus(created, 201);
      assertStatus(await ada.getSession(reference), 200);
      const made = await ada.postHandle(activityOf(reference));
      assertStatus(made, 201);
      assert.equal(at(made.json, 'sessionRef.name'), name);
    });
  }
});

/** @source docs/wire/README.md "Every request" */
test('malformed percent-encoding is refused, in the path and in the query', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  for (const target of ['/handles/%', '/handles/%zz', '/handles/%ff', '/%E0%A4%A']) {
    const answer = await requestRaw(kit.url, { method: 'GET', target, headers: headersOf(ada) });
    assert.ok([400, 404].includes(answer.status), `${target} ${answer.status}`);
    assertRefused(
      answer,
      answer.status,
      answer.status === 400 ? 'requestMalformed' : 'pathUnknown',
    );
    assert.ok(answer.text.includes('%'), answer.text);
  }
  const path = formatSessionPath(await gather(kit, [ada]));
  for (const query of ['?%', '?%zz=%ff', '?nocommit=%', '?&&==', '??', `?${'x'.repeat(2_000)}`]) {
    const target = `${path}${query}`;
    assertStatus(
      await requestRaw(kit.url, { method: 'GET', target, headers: headersOf(ada) }),
      200,
    );
  }
});

/** @source docs/wire/README.md "Every request" */
test('headers of 64 KB are refused, and the server goes on', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const large = 'x'.repeat(65_536);
  const target = formatSessionPath(kit.reference());
  const requests: readonly RawRequest[] = [
    { method: 'GET', target, headers: { ...headersOf(ada), 'x-large': large } },
    { method: 'GET', target, headers: { ...headersOf(ada), authorization: `XBL3.0 x=-;${large}` } },
    { method: 'GET', target: `${target}?${large}`, headers: headersOf(ada) },
    { method: 'PUT', target, headers: { ...headersOf(ada), 'if-match': large }, body: '{}' },
  ];
  for (const request of requests) {
    const answer = await requestRaw(kit.url, request);
    assertRefused(answer, 431, 'headersTooLarge');
    assertUsualHeaders(answer);
    assertStatus(await ada.request('GET', target), 204);
  }
});

/** @source docs/wire/README.md "Every request" */
test('headers of 8 KB pass', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const signature = 'x'.repeat(8_192);
  const path = formatSessionPath(kit.reference());
  assertStatus(await ada.request('GET', path, { headers: { signature } }), 204);
});

/** @source docs/wire/README.md "Every request" */
test('bytes that are no HTTP are refused in text', async (t) => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const rows = [
    'HELLO\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    'GET /handles HTTP/9.9\r\n\r\n',
    'GET /handles HTTP/1.1\r\nbad header\r\n\r\n',
    'GET /handles HTTP/1.1\r\nContent-Length: -1\r\n\r\n',
    'POST /handles HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    'POST /handles HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n',
  ];
  for (const bytes of rows) {
    await t.test(JSON.stringify(bytes.slice(0, 60)), async () => {
      await using connection = new RawConnection(kit.url);
      connection.write(bytes);
      const answer = parseAnswer(await connection.untilEnd());
      assertRefused(answer, 400, 'requestMalformed');
      assertUsualHeaders(answer);
      assertStatus(await ada.request('GET', formatSessionPath(kit.reference())), 204);
    });
  }
});

/** @source docs/wire/README.md "Every request" */
test('strange verbs are refused by their path', async () => {
  await using kit = await startKit();
  const path = formatSessionPath(kit.reference());
  for (const method of ['TRACE', 'PATCH', 'PROPFIND', 'LOCK', 'SEARCH']) {
    const known = await requestRaw(kit.url, { method, target: path });
    assert.equal(known.status, 405, method);
    assert.equal(known.refusal, 'verbNotAllowed');
    assert.deepEqual((known.headers.get('allow') ?? '').split(', ').sort(), ['GET', 'HEAD', 'PUT']);
    const unknown = await requestRaw(kit.url, { method, target: '/nothing' });
    assert.equal(unknown.status, 404, method);
  }
  assert.equal((await requestRaw(kit.url, { method: 'OPTIONS', target: '*' })).status, 404);
});

/** @source docs/wire/README.md "Every request" */
test('requests sent one behind the other are answered in their order', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const path = formatSessionPath(kit.reference());
  const credentials = `Authorization: ${ada.authorization}\r\nX-Xbl-Contract-Version: 107`;
  const body = JSON.stringify(joinBody());
  await using connection = new RawConnection(kit.url);
  connection.write(
    [
      `PUT ${path} HTTP/1.1\r\nHost: x\r\n${credentials}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`,
      `GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    ].join(''),
  );
  const statuses = (await connection.untilEnd()).match(/(?<=HTTP\/1\.1 )\d+/g);
  assert.deepEqual(statuses, ['201', '401', '404']);
});

/** @source docs/architecture.md "Promises" */
test('a client that goes away in the middle of its request leaves the others alone', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const before = await ada.getSession(reference);
  for (const sent of ['{"properties":', '{"properties":{"custom":{"a":1}}}']) {
    await using connection = new RawConnection(kit.url);
    connection.write(
      `PUT ${formatSessionPath(reference)} HTTP/1.1\r\nHost: x\r\nAuthorization: ${ada.authorization}\r\nX-Xbl-Contract-Version: 107\r\nContent-Length: 1000\r\n\r\n${sent}`,
    );
  }
  const after = await ada.getSession(reference);
  assert.equal(after.etag, before.etag);
  assert.equal(after.text, before.text);
});

/** @source docs/wire/service-configs.md "Service configs and session templates" */
test('the demo service config lists its templates', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const list = await ada.request('GET', `/serviceconfigs/${demoScid}/sessiontemplates`);
  assertStatus(list, 200);
  assertUsualHeaders(list);
  const results = list.json.results;
  assert.ok(Array.isArray(results));
  assert.ok(results.includes('deathmatch'));
  const one = await ada.request('GET', `/serviceconfigs/${demoScid}/sessionTemplates/Deathmatch`);
  assertStatus(one, 200);
  assert.equal(at(one.json, 'constants.system.maxMembersCount'), 16);
});
