import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  isRawNumber,
  memberOf,
  membersOf,
  MultiplayerError,
  MultiplayerService,
  type FetchAnswer,
  type MultiplayerServiceSettings,
  type RawNumber,
  type SessionDocument,
  type SessionReference,
} from './multiplayer-service.ts';

const scid = 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862';
const reference: SessionReference = { scid, templateName: 'deathmatch', name: 'session-49' };
const lobby: SessionReference = { scid, templateName: 'lobby', name: 'Ada’s' };
const path = `/serviceconfigs/${scid}/sessionTemplates/deathmatch/sessions/session-49`;
const etag = '"0123456789abcdef0123456789abcdef"';
const otherEtag = '"ffffffffffffffffffffffffffffffff"';

function sessionText(custom = '{}'): string {
  return `{"membersInfo":{"first":0,"next":2,"count":1,"accepted":1,"active":1},
    "constants":{"system":{"version":1,"maxMembersCount":8,"visibility":"open"},"custom":{}},
    "properties":{"system":{"turn":[]},"custom":${custom}},"servers":{},
    "members":{"0":{"next":2,"joinTime":"2016-09-20T20:50:00.5180000Z",
      "constants":{"system":{"xuid":"1001","index":0},"custom":{}},
      "properties":{"system":{"active":true},"custom":{}}}},
    "correlationId":"c","branch":"b","changeNumber":1,"startTime":"2016-09-20T20:50:00.5180000Z"}`;
}

type Reply =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
    }
  | Error;

type Request = {
  readonly call: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly text: string | undefined;
};

/** A service whose server answers `replies`, the last one for ever, and whose sleep only counts. */
function scripted(replies: readonly Reply[], settings: Partial<MultiplayerServiceSettings> = {}) {
  const requests: Request[] = [];
  const sleptMs: number[] = [];
  const clock = { nowMs: 0 };
  let guids = 0;
  const service = new MultiplayerService({
    baseUrl: 'http://directory.test/',
    authorization: 'XBL3.0 x=-;token',
    timeoutMs: Number.POSITIVE_INFINITY,
    random: () => 0.5,
    nowMs: () => clock.nowMs,
    sleep: async (ms) => {
      sleptMs.push(ms);
      clock.nowMs += ms;
    },
    newGuid: () => {
      guids += 1;
      return `00000000-0000-4000-8000-00000000000${guids}`;
    },
    fetch: async (url, { method, headers, body }) => {
      assert(requests.length < 50, 'requests without end');
      const reply = replies[Math.min(requests.length, replies.length - 1)];
      requests.push({
        call: `${method} ${url.replace('http://directory.test', '')}`,
        headers,
        body: body && JSON.parse(body),
        text: body,
      });
      assert(reply);
      if (reply instanceof Error) throw reply;
      return responseOf(reply);
    },
    ...settings,
  });
  return { service, requests, sleptMs, clock };
}

function responseOf({ status, headers, body }: Exclude<Reply, Error>): FetchAnswer {
  const text = typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body);
  return {
    status,
    headers: new Headers(headers),
    text: async () => text,
  };
}

const document: Reply = { status: 200, headers: { ETag: etag }, body: sessionText() };
const handleId = '47ca0049-a5ba-4bc1-aa22-fcf834ce4c13';
const ofHandle = { 'Content-Location': path };

async function errorFrom(promise: Promise<unknown>): Promise<MultiplayerError> {
  const error = await promise.then(
    (value) => assert.fail(`resolved with ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  assert(error instanceof MultiplayerError, String(error));
  return error;
}

// what is sent

test('each write mode is its precondition header', async () => {
  const cases = [
    [{}, undefined, undefined],
    [{ mode: 'updateOrCreateNew' }, undefined, undefined],
    [{ mode: 'createNew' }, undefined, '*'],
    [{ mode: 'updateExisting' }, '*', undefined],
    [{ mode: 'synchronizedUpdate', etag }, etag, undefined],
    [{ etag }, etag, undefined],
  ] as const;
  for (const [options, ifMatch, ifNoneMatch] of cases) {
    const { service, requests } = scripted([document]);
    await service.writeSession(reference, { members: { me: {} } }, options);
    const [{ call, headers, body } = assert.fail()] = requests;
    assert.equal(call, `PUT ${path}`);
    assert.equal(headers['If-Match'], ifMatch);
    assert.equal(headers['If-None-Match'], ifNoneMatch);
    assert.equal(headers.Authorization, 'XBL3.0 x=-;token');
    assert.equal(headers['X-Xbl-Contract-Version'], '107');
    assert.equal(headers['Content-Type'], 'application/json');
    assert.deepEqual(body, { members: { me: {} } });
  }
});

test('a mode and an etag that contradict each other are a TypeError, and nothing is sent', async () => {
  const { service, requests } = scripted([document]);
  for (const options of [
    { mode: 'synchronizedUpdate' },
    { mode: 'synchronizedUpdate', etag: '' },
    { mode: 'updateExisting', etag },
  ] as const) {
    // @ts-expect-error: the types forbid it as well, all but the empty one
    const promise = service.writeSession(reference, {}, options);
    await assert.rejects(promise, /^TypeError: .*synchronizedUpdate/);
  }
  assert.equal(requests.length, 0);
});

test('a preview asks for nocommit and needs no ETag', async () => {
  const { service, requests } = scripted([{ status: 201, body: sessionText() }]);
  const preview = await service.writeSession(reference, {}, { mode: 'createNew', preview: true });
  assert.equal(requests[0]?.call, `PUT ${path}?nocommit=true`);
  assert.equal(preview.status, 'created');
  assert.equal(preview.etag, '');
});

test('names are percent-encoded, and one that URLs resolve away is a TypeError', async () => {
  const { service, requests } = scripted([document]);
  await service.getSession(lobby);
  assert.equal(
    requests[0]?.call,
    `GET /serviceconfigs/${scid}/sessionTemplates/lobby/sessions/Ada%E2%80%99s`,
  );
  for (const name of ['', '.', '..']) {
    await assert.rejects(service.getSession({ ...reference, name }), /session name/);
  }
  await assert.rejects(service.getHandle('..'), /handle id/);
  assert.equal(requests.length, 1);
});

test('each operation is the request that the directory knows', async () => {
  const activity = { type: 'activity', version: 1, sessionRef: reference };
  const transfer = {
    id: '00000000-0000-4000-8000-000000000001',
    type: 'transfer',
    version: 1,
    sessionRef: reference,
    originSessionRef: lobby,
  };
  const query = '/handles/query?include=relatedInfo,customProperties';
  const cases: readonly [(service: MultiplayerService) => Promise<unknown>, string, unknown][] = [
    [(one) => one.getSession(reference), `GET ${path}`, undefined],
    [(one) => one.leaveSession(reference), `PUT ${path}`, { members: { me: null } }],
    [(one) => one.getMember(reference, 'me'), `GET ${path}/members/me`, undefined],
    [(one) => one.getMember(reference, 3), `GET ${path}/members/3`, undefined],
    [(one) => one.removeMember(reference, 3), `DELETE ${path}/members/3`, undefined],
    [(one) => one.setActivity(reference), 'POST /handles', activity],
    [(one) => one.setTransferHandle(reference, lobby), 'POST /handles', transfer],
    [(one) => one.getHandle(handleId), `GET /handles/${handleId}`, undefined],
    [(one) => one.deleteHandle(handleId), `DELETE /handles/${handleId}`, undefined],
    [(one) => one.getSessionByHandle(handleId), `GET /handles/${handleId}/session`, undefined],
    [(one) => one.writeSessionByHandle(handleId, {}), `PUT /handles/${handleId}/session`, {}],
    [
      (one) => one.getActivitiesForUsers(scid, ['1', '2', '1']),
      `POST ${query}`,
      { type: 'activity', scid, owners: { xuids: ['1', '2'] } },
    ],
    [
      (one) => one.getSessionTemplates(scid),
      `GET /serviceconfigs/${scid}/sessionTemplates`,
      undefined,
    ],
    [
      (one) => one.getSessionTemplate(scid, 'lobby'),
      `GET /serviceconfigs/${scid}/sessionTemplates/lobby`,
      undefined,
    ],
  ];
  for (const [operation, call, body] of cases) {
    const { service, requests } = scripted([
      {
        status: 200,
        headers: { ETag: etag, ...ofHandle },
        body: sessionText().replace('{', '{"results":[],'),
      },
    ]);
    await operation(service);
    assert.equal(requests.length, 1, call);
    assert.equal(requests[0]?.call, call);
    assert.deepEqual(requests[0]?.body, body, call);
    assert.equal(requests[0]?.headers['X-Xbl-Contract-Version'], '107', call);
  }
});

test('an activity may leave the session name to the server', async () => {
  const { service, requests } = scripted([{ status: 201, body: { id: handleId } }]);
  await service.setActivity({ scid, templateName: 'deathmatch' });
  assert.deepEqual(requests[0]?.body, {
    type: 'activity',
    version: 1,
    sessionRef: { scid, templateName: 'deathmatch' },
  });
});

test('the base URL may have a path, and must be one for HTTP', async () => {
  const { service, requests } = scripted([document], { baseUrl: 'https://games.test/mpsd//' });
  await service.getSession(reference);
  assert.equal(requests[0]?.call, `GET https://games.test/mpsd${path}`);
  assert.throws(() => scripted([], { baseUrl: 'localhost:8350' }), /must begin with http/);
  assert.throws(() => scripted([], { baseUrl: 'nowhere' }), /baseUrl must be .*, not nowhere$/);
});

test('a header that no request can carry is a TypeError at once, not a network error', async () => {
  const { service, requests } = scripted([document], { authorization: 'XBL3.0\r\nX: y' });
  await assert.rejects(service.getSession(reference), TypeError);
  assert.equal(requests.length, 0);
});

// what comes back

test('the status of a write becomes the word for what it did', async () => {
  const cases = [
    [{ status: 201, headers: { ETag: etag }, body: sessionText() }, 'created'],
    [document, 'updated'],
    [{ status: 204 }, 'deleted'],
  ] as const;
  for (const [reply, status] of cases) {
    for (const write of ['writeSession', 'tryWriteSession'] as const) {
      const { service } = scripted([reply]);
      const written = await service[write](reference, {});
      assert.equal(written.status, status);
      assert.equal(written.etag, status === 'deleted' ? undefined : etag);
      assert.equal(written.session?.changeNumber, status === 'deleted' ? undefined : 1);
    }
  }
});

const stale: Reply = {
  status: 412,
  headers: { ETag: otherEtag, 'X-Mpsd-Refusal': 'etagDiffers', 'Content-Type': 'application/json' },
  body: sessionText('{"map":"atoll"}'),
};

test('a failed precondition is a value of tryWriteSession, with the current session', async () => {
  const { service } = scripted([stale]);
  const result = await service.tryWriteSession(reference, {}, { etag });
  assert.equal(result.status, 'outOfSync');
  assert.equal(result.etag, otherEtag);
  assert.deepEqual(result.session?.properties.custom, { map: 'atoll' });

  const missing = scripted([{ status: 412, headers: { 'X-Mpsd-Refusal': 'sessionMissing' } }]);
  const absent = await missing.service.tryWriteSession(reference, {}, { mode: 'updateExisting' });
  assert.deepEqual(absent, { status: 'outOfSync' });
});

test('a failed precondition is an error of writeSession, with the current session', async () => {
  const { service } = scripted([stale]);
  const error = await errorFrom(service.writeSession(reference, {}, { etag }));
  assert.equal(error.status, 412);
  assert.equal(error.code, 'etagDiffers');
  assert.equal(error.etag, otherEtag);
  assert.deepEqual(error.session?.properties.custom, { map: 'atoll' });
  assert.equal(error.message, `PUT ${path} was answered 412 etagDiffers`);
});

test('every refusal is an error that says what, where and why', async () => {
  for (const status of [400, 401, 403, 404, 405, 409, 412, 413, 429, 500, 502, 503, 504]) {
    const { service } = scripted(
      [
        {
          status,
          headers: { 'X-Mpsd-Refusal': 'someRule', 'X-Mpsd-Detail': '$.members.me' },
          body: 'The seat is taken.',
        },
      ],
      { retry: false },
    );
    const error = await errorFrom(service.writeSession(reference, {}));
    assert.equal(error.name, 'MultiplayerError');
    assert.equal(error.verb, 'PUT');
    assert.equal(error.path, path);
    assert.equal(error.status, status);
    assert.equal(error.code, 'someRule');
    assert.equal(error.detail, '$.members.me');
    assert.equal(error.text, 'The seat is taken.');
    assert.equal(error.session, undefined);
    assert.equal(
      error.message,
      `PUT ${path} was answered ${status} someRule ($.members.me): The seat is taken.`,
    );
  }
});

test('a detail is decoded, unless the server did not encode it', async () => {
  const cases = [
    ['$.members[%22J%C3%BCrgen%22]', '$.members["Jürgen"]'],
    ['100%', '100%'],
  ] as const;
  for (const [header, detail] of cases) {
    const { service } = scripted([{ status: 400, headers: { 'X-Mpsd-Detail': header } }]);
    assert.equal((await errorFrom(service.getSession(reference))).detail, detail);
  }
});

test('a message holds what there is, and a page of HTML only in part', async () => {
  const { service } = scripted([{ status: 418, body: 'x'.repeat(5_000) }, { status: 418 }]);
  const long = await errorFrom(service.getSession(reference));
  assert.equal(long.message.length, `GET ${path} was answered 418: `.length + 1_000);
  assert.equal(long.text.length, 5_000);
  const short = await errorFrom(service.getSession(reference));
  assert.equal(short.message, `GET ${path} was answered 418`);
});

test('a refusal whose JSON is no session keeps it as text', async () => {
  const limits = '{"version":1,"currentRequests":13,"maxRequests":10}';
  const { service } = scripted([{ status: 429, body: limits }], { retry: false });
  const error = await errorFrom(service.getSession(reference));
  assert.equal(error.session, undefined);
  assert.equal(error.text, limits);
});

test('a session that is not modified, or does not exist, is read as that', async () => {
  const { service, requests } = scripted([{ status: 304 }, { status: 204 }, document]);
  const same = await service.getSession(reference, { ifNoneMatch: etag });
  assert.deepEqual(same, { status: 'notModified' });
  assert.equal(requests[0]?.headers['If-None-Match'], etag);
  assert.equal(await service.getSession(reference, { ifNoneMatch: etag }), undefined);
  const read = await service.getSession(reference);
  assert.equal(read?.status, 'read');
  assert.equal(read.etag, etag);
  assert.equal(requests[2]?.headers['If-None-Match'], undefined);
});

test('what is not there is undefined or false; a wrong path is an error', async () => {
  const unknown = { status: 404, headers: { 'X-Mpsd-Refusal': 'handleUnknown' }, body: 'No.' };
  const gone = { status: 404, headers: { 'X-Mpsd-Refusal': 'sessionGone' }, body: 'No.' };
  const wrong = { status: 404, headers: { 'X-Mpsd-Refusal': 'pathUnknown' }, body: 'No.' };
  const cases: readonly [(service: MultiplayerService) => Promise<unknown>, Reply, unknown][] = [
    [(one) => one.getHandle(handleId), unknown, undefined],
    [(one) => one.getSessionByHandle(handleId), unknown, undefined],
    [(one) => one.getSessionByHandle(handleId), { status: 204 }, undefined],
    [(one) => one.deleteHandle(handleId), unknown, false],
    [(one) => one.deleteHandle(handleId), { status: 204 }, true],
    [(one) => one.getMember(reference, 7), { status: 204 }, undefined],
    [(one) => one.getMember(reference, 7), gone, undefined],
  ];
  for (const [operation, reply, value] of cases) {
    assert.equal(await operation(scripted([reply]).service), value);
    const error = await errorFrom(operation(scripted([wrong]).service));
    assert.equal(error.code, 'pathUnknown');
  }
  const join = scripted([unknown]).service.writeSessionByHandle(handleId, {});
  assert.equal((await errorFrom(join)).code, 'handleUnknown');
});

test('a session reached by a handle comes with its reference', async () => {
  const reply = { status: 200, headers: { ETag: etag, ...ofHandle }, body: sessionText() };
  const { service } = scripted([reply]);
  assert.deepEqual((await service.getSessionByHandle(handleId))?.reference, reference);
  const written = await service.writeSessionByHandle(handleId, { members: { me: {} } });
  assert.equal(written.status, 'updated');
  assert.deepEqual(written.reference, reference);

  const deleted = await scripted([{ status: 204 }]).service.writeSessionByHandle(handleId, {});
  assert.deepEqual(deleted, { status: 'deleted' });
});

test('a success that is no answer of a directory is an error', async () => {
  const withoutEtag = { status: 200, body: sessionText() };
  const cases: readonly [Reply, (service: MultiplayerService) => Promise<unknown>, RegExp][] = [
    [{ status: 200, body: '<html>' }, (one) => one.getSession(reference), /not JSON/],
    [{ status: 200, body: {} }, (one) => one.getSession(reference), /not a session document/],
    [document, (one) => one.getSessionByHandle(handleId), /Content-Location/],
    [withoutEtag, (one) => one.getSession(reference), /without the header ETag .*Expose-Headers/],
    [withoutEtag, (one) => one.writeSession(reference, {}), /without the header ETag/],
    [withoutEtag, (one) => one.tryWriteSession(reference, {}), /without the header ETag/],
    [withoutEtag, (one) => one.updateSession(reference, () => ({})), /without the header ETag/],
    [{ status: 200, body: null }, (one) => one.getSessionTemplates(scid), /results/],
  ];
  for (const [reply, operation, message] of cases) {
    const error = await errorFrom(operation(scripted([reply]).service));
    assert.equal(error.code, 'answerMalformed');
    assert.equal(error.status, 200);
    assert.match(error.message, message);
  }
});

test('members are a list in order of index, and found by xuid', () => {
  const member = (index: number) => ({
    constants: { system: { xuid: `100${index}`, index }, custom: {} },
  });
  const session = {
    members: { me: member(3), '10': member(10), '9': member(9) },
  } as unknown as SessionDocument;
  assert.deepEqual(
    membersOf(session).map((one) => one.constants.system.index),
    [3, 9, 10],
  );
  assert.equal(memberOf(session, '10010')?.constants.system.index, 10);
  assert.equal(memberOf(session, '1'), undefined);
});

// a title's data

type Deathmatch = {
  properties: { map?: string; netId?: number | bigint | RawNumber };
  memberProperties: { score?: number };
};

test('a title types its own data, and null removes a key', async () => {
  const { service, requests } = scripted([document]);
  const written = await service.writeSession<Deathmatch>(reference, {
    properties: { custom: { map: 'atoll', netId: null } },
    members: { me: { properties: { custom: { score: 3 } } }, 4: null },
  });
  if (written.status !== 'deleted') {
    const map: string | undefined = written.session.properties.custom.map;
    assert.equal(map, undefined);
  }
  assert.deepEqual(requests[0]?.body, {
    properties: { custom: { map: 'atoll', netId: null } },
    members: { me: { properties: { custom: { score: 3 } } }, 4: null },
  });
  // @ts-expect-error: maps are named by strings
  await service.writeSession<Deathmatch>(reference, { properties: { custom: { map: 3 } } });
  // @ts-expect-error: the service knows no such word
  await service.writeSession(reference, { properties: { system: { joinRestriction: 'all' } } });
});

test('numbers that JavaScript would change survive read, modify and write', async () => {
  const { service, requests } = scripted([
    {
      status: 200,
      headers: { ETag: etag },
      body: sessionText('{"ids":[18446744073709551615,-1e400],"__proto__":{"a":1},"f":1.50}'),
    },
    document,
  ]);
  await service.updateSession(reference, ({ properties: { custom } }) => ({
    properties: { custom: { ids: custom.ids ?? null, more: 2n ** 64n, f: custom.f ?? null } },
  }));
  assert.equal(
    requests[1]?.text,
    '{"properties":{"custom":{"ids":[18446744073709551615,-1e400],"more":18446744073709551616,"f":1.5}}}',
  );
});

test('only a number that would change is a raw one, and other numbers can be calculated with', async () => {
  const { service } = scripted([
    {
      status: 200,
      headers: { ETag: etag },
      body: sessionText('{"big":9007199254740993,"f":1.50}'),
    },
  ]);
  const { big, f } = (await service.getSession(reference))?.session.properties.custom ?? {};
  assert(isRawNumber(big));
  assert.equal(BigInt(big.rawJSON), 9007199254740993n);
  assert.equal(f, 1.5);
});

// tries

const networkError = new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });

/** Possible failures, by their names in the table below. */
const failures: Readonly<Record<string, Reply>> = {
  noAnswer: networkError,
  ...Object.fromEntries(
    [400, 401, 403, 404, 405, 408, 409, 412, 413, 429, 500, 501, 502, 503, 504].map((status) => [
      String(status),
      { status, body: 'No.' },
    ]),
  ),
  '503 tooBusy': { status: 503, headers: { 'X-Mpsd-Refusal': 'tooBusy' }, body: 'No.' },
};

const always = ['noAnswer', '408', '429', '500', '502', '503', '503 tooBusy', '504'];
const ifRefused = ['429', '503', '503 tooBusy'];
const ifNotDone = ['429', '503 tooBusy'];

/** @source docs/wire/README.md "Every answer" */
test('each call is made again after the failures that it may be, and after no other', async () => {
  const calls: Readonly<
    Record<string, [(service: MultiplayerService) => Promise<unknown>, readonly string[]]>
  > = {
    getSession: [(one) => one.getSession(reference), always],
    getSessionByHandle: [(one) => one.getSessionByHandle(handleId), always],
    getMember: [(one) => one.getMember(reference, 0), always],
    removeMember: [(one) => one.removeMember(reference, 0), always],
    getHandle: [(one) => one.getHandle(handleId), always],
    deleteHandle: [(one) => one.deleteHandle(handleId), always],
    getActivitiesForUsers: [(one) => one.getActivitiesForUsers(scid, ['1']), always],
    getSessionTemplate: [(one) => one.getSessionTemplate(scid, 'lobby'), always],
    getSessionTemplates: [(one) => one.getSessionTemplates(scid), always],
    setActivity: [(one) => one.setActivity(reference), always],
    setTransferHandle: [(one) => one.setTransferHandle(reference, lobby), always],
    sendInvites: [
      async (one) => {
        const [outcome] = await one.sendInvites(reference, ['1'], { titleId: '1' });
        if (outcome?.status === 'failed') throw outcome.error;
      },
      always,
    ],
    preview: [(one) => one.writeSession(reference, {}, { preview: true, etag }), always],
    leaveSession: [(one) => one.leaveSession(reference), ifRefused],
    updateOrCreateNew: [(one) => one.writeSession(reference, {}), ifRefused],
    writeSessionByHandle: [(one) => one.writeSessionByHandle(handleId, {}), ifRefused],
    createNew: [(one) => one.writeSession(reference, {}, { mode: 'createNew' }), ifNotDone],
    updateExisting: [
      (one) => one.writeSession(reference, {}, { mode: 'updateExisting' }),
      ifNotDone,
    ],
    synchronizedUpdate: [(one) => one.writeSession(reference, {}, { etag }), ifNotDone],
  };
  for (const [name, [call, repeated]] of Object.entries(calls)) {
    for (const [failure, reply] of Object.entries(failures)) {
      const { service, requests } = scripted([reply]);
      const error = await errorFrom(call(service));
      assert.equal(error.status, reply instanceof Error ? 0 : reply.status);
      const tries = repeated.includes(failure) ? 4 : 1;
      assert.equal(requests.length, tries, `${name} after ${failure}`);
    }
  }
});

test('the delays are 2, 4 and 8 seconds, spread by half, while five seconds are left of twenty', async () => {
  const cases = [
    [0.5, [2_000, 4_000, 8_000]],
    [0, [1_000, 2_000, 4_000, 8_000]],
    [0.9, [2_800, 5_600]],
  ] as const;
  for (const [random, expectedMs] of cases) {
    const { service, sleptMs } = scripted([networkError], { random: () => random });
    await errorFrom(service.getSession(reference));
    assert.deepEqual(sleptMs, expectedMs);
  }
});

test('the policy can be another one, or none', async () => {
  const patient = scripted([networkError], {
    retry: { windowMs: 1_000, leftMsMin: 0, firstDelayMs: 100, delayMsMax: 300 },
  });
  await errorFrom(patient.service.getSession(reference));
  assert.deepEqual(patient.sleptMs, [100, 200, 300, 300]);

  const busy = { status: 503, headers: { 'Retry-After': '5' } };
  const none = scripted([busy, document], { retry: false });
  await errorFrom(none.service.getSession(reference));
  assert.equal((await none.service.getSession(reference))?.status, 'read');
});

test('a call that succeeds at last has succeeded', async () => {
  const { service, requests } = scripted([networkError, { status: 502 }, document]);
  assert.equal((await service.getSession(reference))?.etag, etag);
  assert.equal(requests.length, 3);
});

test('no answer is an error in words, with its cause', async () => {
  const { service } = scripted([networkError]);
  const error = await errorFrom(service.getSession(reference));
  assert.equal(error.status, 0);
  assert.equal(error.code, 'noAnswer');
  assert.equal(error.message, `GET ${path} got no answer: fetch failed: connect ECONNREFUSED`);
  assert.equal(error.cause, networkError);
});

test('an answer whose body breaks off is no answer', async () => {
  const { service } = scripted([], {
    retry: false,
    fetch: async () => ({
      status: 200,
      headers: new Headers(),
      text: () => Promise.reject(new TypeError('terminated')),
    }),
  });
  const error = await errorFrom(service.writeSession(reference, {}));
  assert.equal(error.status, 0);
});

test('Retry-After is waited for: seconds, or a date by the clock of the server', async () => {
  const date = { Date: 'Tue, 20 Sep 2016 20:50:00 GMT' };
  const cases = [
    [{ 'Retry-After': '7' }, 7_000],
    [{ 'Retry-After': '1' }, 2_000],
    [{ ...date, 'Retry-After': 'Tue, 20 Sep 2016 20:50:06 GMT' }, 6_000],
    [{ ...date, 'Retry-After': 'Tue, 20 Sep 2016 20:49:00 GMT' }, 2_000],
    [{ 'Retry-After': 'Thu, 01 Jan 1970 00:00:09 GMT' }, 9_000],
    [{ 'Retry-After': 'soon' }, 2_000],
  ] as const;
  for (const [headers, expectedMs] of cases) {
    const { service, sleptMs } = scripted([{ status: 503, headers }, document]);
    await service.getSession(reference);
    assert.deepEqual(sleptMs, [expectedMs], JSON.stringify(headers));
  }
});

test('a Retry-After beyond the window ends the call, and later ones fail without a request', async () => {
  const busy = { status: 503, headers: { 'Retry-After': '100' }, body: 'Busy.' };
  const { service, requests, sleptMs, clock } = scripted([busy, document]);
  const first = await errorFrom(service.getSession(reference));
  assert.equal(first.retryAfterMs, 100_000);
  clock.nowMs += 40_000;
  const second = await errorFrom(service.getSession(reference));
  assert.equal(second.retryAfterMs, 60_000);
  assert.equal(second.text, 'Busy.');
  assert.equal(requests.length, 1);
  assert.deepEqual(sleptMs, []);

  await service.getSession(lobby); // another session
  await service.writeSession(reference, {}); // another verb
  assert.equal(requests.length, 3);

  clock.nowMs += 55_000;
  await service.getSession(reference); // 5 s are left of the 100, which fit the window
  assert.deepEqual(sleptMs, [5_000]);
  assert.equal(requests.length, 4);

  await service.getSession(reference);
  assert.deepEqual(sleptMs, [5_000]);
  assert.equal(requests.length, 5);
});

test('a 401 is answered once with a fresh token, also where nothing else is tried again', async () => {
  const asked: boolean[] = [];
  const authorization = ({ refresh }: { readonly refresh: boolean }) => {
    asked.push(refresh);
    return `token ${asked.length}`;
  };
  const expired = { status: 401, body: 'Expired.' };
  for (const etagOrNone of [{}, { etag }]) {
    asked.length = 0;
    const { service, requests, sleptMs } = scripted([expired, document], { authorization });
    await service.writeSession(reference, {}, etagOrNone);
    assert.deepEqual(asked, [false, true]);
    assert.deepEqual(
      requests.map(({ headers }) => headers.Authorization),
      ['token 1', 'token 2'],
    );
    assert.deepEqual(sleptMs, []);
  }

  asked.length = 0;
  const twice = scripted([expired], { authorization });
  assert.equal((await errorFrom(twice.service.getSession(reference))).status, 401);
  assert.deepEqual(asked, [false, true]);

  const fixed = scripted([expired], { authorization: 'token' });
  assert.equal((await errorFrom(fixed.service.getSession(reference))).status, 401);
  assert.equal(fixed.requests.length, 1);
});

// ends

/** A server that never answers, and a clock that the test moves. */
function silent(settings: Partial<MultiplayerServiceSettings> = {}) {
  const timers: { readonly ms: number; readonly signal: AbortSignal; ring(): void }[] = [];
  const service = new MultiplayerService({
    baseUrl: 'http://directory.test',
    authorization: 'token',
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        timers.push({ ms, signal, ring: resolve });
        signal.addEventListener('abort', () => reject(signal.reason));
      }),
    fetch: (_url, { signal }) =>
      new Promise((_resolve, reject) => {
        if (signal.aborted) reject(signal.reason);
        signal.addEventListener('abort', () => reject(signal.reason));
      }),
    ...settings,
  });
  return { service, timers };
}

test('a call that takes longer than its time limit is an error', async () => {
  for (const [timeoutMs, expectedMs] of [[undefined, 30_000] as const, [700, 700] as const]) {
    const { service, timers } = silent();
    const call = service.writeSession(reference, {}, timeoutMs ? { timeoutMs } : {});
    assert.deepEqual(
      timers.map(({ ms }) => ms),
      [expectedMs],
    );
    timers[0]?.ring();
    const error = await errorFrom(call);
    assert.equal(error.code, 'timedOut');
    assert.equal(error.status, 0);
    assert.match(error.message, new RegExp(`within ${expectedMs} ms$`));
  }
});

test('a time limit also ends waiting for a token, and for a fetch that hears no signal', async () => {
  for (const settings of [
    { authorization: () => new Promise<string>(() => {}) },
    { fetch: () => new Promise<FetchAnswer>(() => {}) },
  ]) {
    const { service, timers } = silent(settings);
    const call = service.getSession(reference);
    await Promise.resolve();
    timers[0]?.ring();
    assert.equal((await errorFrom(call)).code, 'timedOut');
  }
});

test('no further try is begun that would not fit the time limit', async () => {
  const { service, sleptMs } = scripted([networkError]);
  await errorFrom(service.getSession(reference, { timeoutMs: 2_000 ** 4 }));
  assert.deepEqual(sleptMs, [2_000, 4_000, 8_000]);
  const short = silent({
    fetch: async () => {
      throw networkError;
    },
  });
  const error = await errorFrom(short.service.getSession(reference, { timeoutMs: 6_000 }));
  assert.equal(error.code, 'noAnswer');
  assert.equal(short.timers.length, 1); // the time limit itself
});

test('an aborted call rejects with the reason of its signal, at any moment', async () => {
  const reason = new Error('the player went to the menu');
  const before = scripted([document]);
  await assert.rejects(
    before.service.getSession(reference, { signal: AbortSignal.abort(reason) }),
    reason,
  );
  assert.equal(before.requests.length, 0);

  const during = silent();
  const controller = new AbortController();
  const waiting = during.service.getSession(reference, { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(waiting, reason);

  const between = silent({
    fetch: async () => {
      throw networkError;
    },
  });
  const pausing = new AbortController();
  const sleeping = between.service.getSession(reference, { signal: pausing.signal });
  for (let i = 0; i < 100; i += 1) await Promise.resolve();
  assert.equal(between.timers.length, 2); // the limit, and the first delay
  pausing.abort(reason);
  await assert.rejects(sleeping, reason);
});

type Methods = Readonly<Record<string, (...args: readonly unknown[]) => Promise<unknown>>>;

/** What each method takes before its options. A new method fails the test until it stands here. */
const argumentsOf = {
  getSession: [reference],
  getSessionByHandle: [handleId],
  writeSession: [reference, {}],
  tryWriteSession: [reference, {}],
  updateSession: [reference, () => ({})],
  writeSessionByHandle: [handleId, {}],
  leaveSession: [reference],
  getSessions: [{ scid, xuids: ['1'] }],
  getMember: [reference, 0],
  removeMember: [reference, 0],
  setActivity: [reference],
  clearActivity: [scid],
  sendInvites: [reference, ['1'], { titleId: '1' }],
  setTransferHandle: [reference, lobby],
  getHandle: [handleId],
  deleteHandle: [handleId],
  getActivitiesForUsers: [scid, ['1']],
  getActivitiesForSocialGroup: [scid, 'people'],
  setSearchHandle: [reference, {}],
  getSearchHandles: [{ scid }],
  follow: [['1']],
  unfollow: [['1']],
  avoid: ['1'],
  unavoid: ['1'],
  mute: ['1'],
  unmute: ['1'],
  createMatchTicket: [reference, { hopper: 'quick' }],
  deleteMatchTicket: [{ scid, hopper: 'quick', ticketId: handleId }],
  getMatchTicketDetails: [{ scid, hopper: 'quick', ticketId: handleId }],
  getHopperStatistics: [scid, 'quick'],
  findMatch: [lobby, {}],
  getSessionTemplates: [scid],
  getSessionTemplate: [scid, 'lobby'],
};
const neighbourArgumentsOf = {
  getProfile: ['me', ['Gamertag']],
  getProfiles: [['1'], ['Gamertag']],
  getPeople: ['follows'],
  getPeopleByXuid: [['1']],
  searchPeople: ['a'],
  setPresence: [{}],
  endPresence: [],
  getPresence: [['1'], {}],
  checkPermissions: [['1'], ['PlayMultiplayer']],
  setTitleActivity: ['1', { connectionString: 'c' }],
  clearTitleActivity: ['1'],
  getTitleActivities: ['1', ['1']],
  sendActivityInvites: ['1', ['1']],
  noteRecentPlayers: ['1', [{ xuid: '1' }]],
};

// Kills: a method that makes its calls without the options of its caller, as `findMatch` did.
test('every method ends with the signal and the time limit that it is given', async () => {
  const reason = new Error('the player went to the menu');
  const settings = { xuid: '7', timeoutMs: Number.POSITIVE_INFINITY };
  for (const [part, table] of [
    [(service: MultiplayerService) => service, argumentsOf],
    [({ neighbours }: MultiplayerService) => neighbours, neighbourArgumentsOf],
  ] as const) {
    const names = Object.getOwnPropertyNames(Object.getPrototypeOf(part(silent().service)));
    const others = ['constructor', 'connect'];
    assert.deepEqual(
      names.filter((name) => !others.includes(name)).sort(),
      Object.keys(table).sort(),
    );
    for (const [name, args] of Object.entries(table)) {
      const { service, timers } = silent(settings);
      const methods = part(service) as unknown as Methods;
      const ending = new AbortController();
      const aborted = methods[name]?.(...args, { signal: ending.signal });
      const late = methods[name]?.(...args, { timeoutMs: 700 });
      const both = Promise.allSettled([aborted, late]);
      for (let i = 0; i < 10; i += 1) await Promise.resolve();
      assert.deepEqual(
        timers.map(({ ms }) => ms),
        [700],
        name,
      );
      ending.abort(reason);
      timers[0]?.ring();
      const [first, second] = await both;
      assert.equal(first.status === 'rejected' && first.reason, reason, name);
      // An invite that fails is an outcome.
      const error =
        second.status === 'rejected'
          ? second.reason
          : (second.value as readonly { readonly error: unknown }[])[0]?.error;
      assert.equal(error instanceof MultiplayerError && error.code, 'timedOut', name);
    }
  }
});

// Kills: a search that joins, or reads, without the signal; one that leaves its ticket in the hopper.
test('a search ends at its signal while it joins, and deletes its ticket', async () => {
  const reason = new Error('the player went to the menu');
  const found = sessionText().replace(
    '"servers":{}',
    `"servers":{"matchmaking":{"properties":{"custom":{"ticketId":"${handleId}"},
      "system":{"status":"found","targetSessionRef":${JSON.stringify(reference)}}}}}`,
  );
  const ending = new AbortController();
  const calls: string[] = [];
  const { service } = silent({
    timeoutMs: Number.POSITIVE_INFINITY,
    fetch: async (_url, { method, signal }) => {
      calls.push(method);
      if (method === 'POST') return responseOf({ status: 201, body: { ticketId: handleId } });
      if (method === 'GET') {
        return responseOf({ status: 200, headers: { ETag: etag }, body: found });
      }
      // The deletion fails too: the reason is still that of the signal.
      if (method === 'DELETE') return responseOf({ status: 404 });
      ending.abort(reason);
      signal.throwIfAborted();
      return assert.fail('the write has not the signal of the search');
    },
  });
  const search = { ticket: { hopper: 'quick' } };
  await assert.rejects(service.findMatch(lobby, search, { signal: ending.signal }), reason);
  assert.deepEqual(calls, ['POST', 'GET', 'PUT', 'DELETE']);
  // With a signal that is aborted already no ticket is made.
  await assert.rejects(service.findMatch(lobby, search, { signal: ending.signal }), reason);
  assert.equal(calls.length, 4);
});

// Kills: a search, or an update, that sleeps on when the service has ended, and keeps the process alive.
test('the signal of the service ends the pauses of a search and of an update', async () => {
  const searching = sessionText().replace(
    '"servers":{}',
    '"servers":{"matchmaking":{"properties":{"system":{"status":"searching"}}}}',
  );
  const ways = [
    {
      reply: { status: 200, body: searching },
      call: (service: MultiplayerService) => service.findMatch(lobby, {}),
    },
    {
      reply: { status: 412, body: sessionText() },
      call: (service: MultiplayerService) => service.updateSession(reference, () => ({})),
    },
  ];
  for (const { reply, call } of ways) {
    const ending = new AbortController();
    const { service, timers } = silent({
      signal: ending.signal,
      timeoutMs: Number.POSITIVE_INFINITY,
      fetch: async (_url, { method }) =>
        responseOf({ ...reply, headers: { ETag: etag }, ...(method === 'GET' && { status: 200 }) }),
    });
    const ended = assert.rejects(call(service), /the game ends/);
    for (let i = 0; i < 100; i += 1) await Promise.resolve();
    ending.abort(new Error('the game ends'));
    await ended;
    assert.deepEqual(
      timers.map(({ signal }) => signal.aborted),
      [true],
    );
  }
});

test('a token that comes after the call was aborted sends nothing', async () => {
  const token = Promise.withResolvers<string>();
  const { service, requests } = scripted([document], { authorization: () => token.promise });
  const controller = new AbortController();
  const leaving = service.leaveSession(reference, { signal: controller.signal });
  controller.abort(new Error('enough'));
  await assert.rejects(leaving, /enough/);
  token.resolve('late');
  for (let i = 0; i < 100; i += 1) await Promise.resolve();
  assert.equal(requests.length, 0);
});

test('a call that ended leaves no timer behind', async () => {
  const { service, timers } = silent({ fetch: async () => responseOf(document) });
  await service.getSession(reference);
  assert.deepEqual(
    timers.map(({ signal }) => signal.aborted),
    [true],
  );
});

// operations of several requests

test('updateSession writes what was decided on the session it read', async () => {
  const { service, requests } = scripted([document, document]);
  const seen: number[] = [];
  const result = await service.updateSession(reference, (session) => {
    seen.push(session.changeNumber);
    return { properties: { custom: { map: 'atoll' } } };
  });
  assert.equal(result.status, 'updated');
  assert.deepEqual(seen, [1]);
  assert.deepEqual(
    requests.map(({ call }) => call),
    [`GET ${path}`, `PUT ${path}`],
  );
  assert.equal(requests[1]?.headers['If-Match'], etag);
});

test('updateSession decides again on the session of the 412, without reading it', async () => {
  const { service, requests } = scripted([document, stale, document]);
  const maps: unknown[] = [];
  await service.updateSession(reference, ({ properties: { custom } }) => {
    maps.push(custom.map);
    return {};
  });
  assert.deepEqual(maps, [undefined, 'atoll']);
  assert.deepEqual(
    requests.map(({ call, headers }) => [call, headers['If-Match']]),
    [
      [`GET ${path}`, undefined],
      [`PUT ${path}`, etag],
      [`PUT ${path}`, otherEtag],
    ],
  );
});

test('updateSession reads again when the 412 carries no session', async () => {
  const bare = { status: 412 };
  const { service, requests } = scripted([document, bare, document, document]);
  await service.updateSession(reference, () => ({}));
  assert.equal(requests[2]?.call, `GET ${path}`);

  const vanished = scripted([document, bare, { status: 204 }]);
  const error = await errorFrom(vanished.service.updateSession(reference, () => ({})));
  assert.equal(error.code, 'sessionGone');
});

test('updateSession has nothing to write when there are no changes', async () => {
  const { service, requests } = scripted([document]);
  const result = await service.updateSession(reference, async () => undefined);
  assert.equal(result.status, 'unchanged');
  assert.equal(result.etag, etag);
  assert.equal(requests.length, 1);
});

test('updateSession gives up with the 412 after as many attempts as it was given', async () => {
  const { service, requests, sleptMs } = scripted([document, stale]);
  const error = await errorFrom(service.updateSession(reference, () => ({}), { attemptsMax: 3 }));
  assert.equal(error.status, 412);
  assert.equal(requests.filter(({ call }) => call.startsWith('PUT')).length, 3);
  assert.deepEqual(sleptMs, [10, 20]);
});

test('updateSession does not repeat a write whose answer was lost', async () => {
  const { service, requests } = scripted([document, networkError]);
  const error = await errorFrom(service.updateSession(reference, () => ({})));
  assert.equal(error.code, 'noAnswer');
  assert.equal(requests.length, 2);
});

test('updateSession of a session that does not exist says so', async () => {
  const error = await errorFrom(
    scripted([{ status: 204 }]).service.updateSession(reference, () => assert.fail()),
  );
  assert.equal(error.code, 'sessionGone');
});

/** @source docs/wire/handles.md "POST /handles" */
test('sendInvites posts one invite a user, and one that fails does not stop the rest', async () => {
  const xuids = ['2814', '3210', '3211'];
  const refused = {
    status: 403,
    headers: { 'X-Mpsd-Refusal': 'inviteBlocked' },
    body: 'Blocked.',
  };
  const { service, requests } = scripted([
    { status: 201, body: { id: 'first' } },
    refused,
    { status: 201, body: { id: 'third' } },
  ]);
  const outcomes = await service.sendInvites(reference, xuids, {
    titleId: '1297287135',
    contextStringId: '///bring-snacks',
    customActivationContext: 'seat 4',
  });
  assert.deepEqual(
    requests.map(({ call }) => call),
    Array(3).fill('POST /handles'),
  );
  assert.deepEqual(requests[0]?.body, {
    id: '00000000-0000-4000-8000-000000000001',
    type: 'invite',
    version: 1,
    sessionRef: reference,
    invitedXuid: '2814',
    inviteAttributes: {
      titleId: '1297287135',
      contextString: '///bring-snacks',
      context: 'seat 4',
    },
  });
  assert.equal(new Set(requests.map(({ body }) => (body as { id: string }).id)).size, 3);
  assert.deepEqual(
    outcomes.map((one) => [one.xuid, one.status === 'sent' ? one.handle.id : one.error.code]),
    [
      ['2814', 'first'],
      ['3210', 'inviteBlocked'],
      ['3211', 'third'],
    ],
  );
});

test('an invite that is tried again keeps its id', async () => {
  const { service, requests } = scripted([networkError, { status: 200, body: { id: 'it' } }]);
  const [outcome] = await service.sendInvites(reference, ['3210'], { titleId: '1' });
  assert.equal(outcome?.status, 'sent');
  assert.equal(requests.length, 2);
  assert.deepEqual(requests[0]?.body, requests[1]?.body);
});

test('sendInvites has at most eight on their way, and keeps the order of many', async () => {
  let onTheirWay = 0;
  let most = 0;
  const { service } = scripted([], {
    fetch: async (_url, { body }) => {
      onTheirWay += 1;
      most = Math.max(most, onTheirWay);
      await Promise.resolve();
      onTheirWay -= 1;
      return responseOf({ status: 201, body: { id: JSON.parse(body ?? '').invitedXuid } });
    },
  });
  const xuids = Array.from({ length: 20 }, (_, i) => String(i));
  const outcomes = await service.sendInvites(reference, xuids, { titleId: '1' });
  assert.deepEqual(
    outcomes.map((one) => one.status === 'sent' && one.handle.id),
    xuids,
  );
  assert.equal(most, 8);
});

test('an abort ends sendInvites as a whole', async () => {
  const { service } = silent();
  const controller = new AbortController();
  const sending = service.sendInvites(reference, ['1'], { titleId: '1' }, controller);
  controller.abort(new Error('enough'));
  await assert.rejects(sending, /enough/);
});

test('activities are asked for a hundred users at a time', async () => {
  const { service, requests } = scripted([
    { status: 200, body: { results: [{ id: 'a', customProperties: {} }] } },
    { status: 200, body: { results: [] } },
    { status: 200, body: { results: [{ id: 'c', customProperties: {} }] } },
  ]);
  const xuids = Array.from({ length: 201 }, (_, i) => String(i));
  const activities = await service.getActivitiesForUsers(scid, xuids);
  assert.deepEqual(
    activities.map(({ id }) => id),
    ['a', 'c'],
  );
  assert.deepEqual(
    requests.map(({ body }) => (body as { owners: { xuids: string[] } }).owners.xuids.length),
    [100, 100, 1],
  );
  assert.deepEqual(await scripted([]).service.getActivitiesForUsers(scid, []), []);
});

const oneActivity = { status: 200, body: { results: [{ id: handleId, ownerXuid: '1001' }] } };

/** @source docs/wire/handles.md "POST /handles" */
test('clearActivity finds the own activity and deletes it', async () => {
  const { service, requests } = scripted([oneActivity, { status: 204 }], { xuid: '1001' });
  assert.equal(await service.clearActivity(scid), true);
  assert.deepEqual(requests[0]?.body, { type: 'activity', scid, owners: { xuids: ['1001'] } });
  assert.equal(requests[1]?.call, `DELETE /handles/${handleId}`);

  const none = scripted([{ status: 200, body: { results: [] } }], { xuid: '1001' });
  assert.equal(await none.service.clearActivity(scid), false);
});

test('clearActivity learns the xuid from the activity that was set, or is given it', async () => {
  const set = { status: 201, body: { id: handleId, ownerXuid: '1001' } };
  const { service, requests } = scripted([set, oneActivity, { status: 204 }]);
  await service.setActivity(reference);
  assert.equal(await service.clearActivity(scid), true);
  assert.deepEqual(requests[1]?.body, { type: 'activity', scid, owners: { xuids: ['1001'] } });

  const scriptedService = scripted([oneActivity, { status: 204 }]);
  assert.equal(await scriptedService.service.clearActivity(scid, { xuid: '1002' }), true);
  assert.deepEqual(scriptedService.requests[0]?.body, {
    type: 'activity',
    scid,
    owners: { xuids: ['1002'] },
  });

  await assert.rejects(scripted([]).service.clearActivity(scid), /whose activity/);
});

test('ids are random GUIDs when nothing else is given', async () => {
  const ids = new Set<string>();
  const service = new MultiplayerService({
    baseUrl: 'http://directory.test',
    authorization: 'token',
    fetch: async (_url, { body }) => {
      ids.add(JSON.parse(body ?? '').id);
      return responseOf({ status: 201, body: { id: 'x' } });
    },
  });
  for (let i = 0; i < 50; i += 1) await service.setTransferHandle(reference, lobby);
  assert.equal(ids.size, 50);
  for (const id of ids) {
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});

test('a long search looks at its lobby five times as seldom', async () => {
  const searchOf = (status: string): Reply => ({
    ...document,
    body: sessionText().replace(
      '"servers":{}',
      `"servers":{"matchmaking":{"properties":{"system":{"status":"${status}"}}}}`,
    ),
  });
  const replies = [...Array.from({ length: 48 }, () => searchOf('searching')), searchOf('expired')];
  const { service, sleptMs } = scripted(replies);
  assert.deepEqual(await service.findMatch(lobby, {}), { status: 'expired' });
  assert.deepEqual(sleptMs.slice(0, 10), Array(10).fill(1_000));
  assert.equal(sleptMs[19], 2_000);
  assert.equal(sleptMs.at(-1), 4_800);
});

// Kills: a path with "undefined" in it, which creates a session of that name.
test('a part of a reference that is missing is named, and nothing is sent', async () => {
  const { service, requests } = scripted([]);
  const without = (part: keyof SessionReference) => {
    const { [part]: _, ...rest } = reference;
    return rest as SessionReference;
  };
  const missing = undefined as unknown as string;
  const ticket = { scid, hopper: 'quick', ticketId: handleId };
  const calls: readonly [RegExp, () => Promise<unknown>][] = [
    [/^The scid is missing/, () => service.getSession(without('scid'))],
    [/^The template name is missing/, () => service.writeSession(without('templateName'), {})],
    [/^The session name is missing/, () => service.writeSession(without('name'), {})],
    [/^The session name is missing/, () => service.leaveSession(without('name'))],
    [/A session reference is an object/, () => service.getSession(missing as never)],
    [
      /must be a string; it is of type object/,
      () => service.getSession({ ...reference, name: {} as never }),
    ],
    [/^The scid is missing/, () => service.setActivity(without('scid'))],
    [/^The template name is missing/, () => service.setSearchHandle(without('templateName'))],
    [
      /^The index of the member is missing/,
      () => service.removeMember(reference, missing as never),
    ],
    [/^The index of the member is missing/, () => service.getMember(reference, missing as never)],
    [/^The handle id is missing/, () => service.getHandle(missing)],
    [/^The template name is missing/, () => service.getSessionTemplate(scid, missing)],
    [/^The scid is missing/, () => service.getSessions({ scid: missing })],
    [/^The hopper name is missing/, () => service.getHopperStatistics(scid, missing)],
    [
      /^The ticket id is missing/,
      () => service.deleteMatchTicket({ ...ticket, ticketId: missing }),
    ],
    [/^The xuid is missing/, () => service.neighbours.getProfile({ xuid: missing })],
    [/^The title id is missing/, () => service.neighbours.getTitleActivities(missing, ['1'])],
  ];
  for (const [message, call] of calls) {
    await assert.rejects(async () => call(), { name: 'TypeError', message });
  }
  assert.deepEqual(requests, []);
});

test('a client without settings or authorization says what it needs', () => {
  const none = undefined as unknown as MultiplayerServiceSettings;
  assert.throws(() => new MultiplayerService(none), /needs settings: \{ baseUrl, authorization \}/);
  const anonymous = { baseUrl: 'http://directory.test' } as MultiplayerServiceSettings;
  assert.throws(() => new MultiplayerService(anonymous), /The authorization must be the value/);
});

// Kills: a misspelt setting that does nothing; a time limit that Node makes 1 ms of, with a warning.
test('settings that do not exist, and time limits that are none, are errors', async () => {
  const known = { baseUrl: 'http://directory.test', authorization: 'XBL3.0 x=-;token' };
  const made = (more: object) => () => new MultiplayerService({ ...known, ...more });
  assert.throws(made({ timeoutms: 5 }), {
    name: 'TypeError',
    message: 'MultiplayerService has no option "timeoutms"; did you mean "timeoutMs"?',
  });
  assert.throws(
    made({ timeout: 5 }),
    /has no option "timeout"; it has baseUrl, authorization, xuid,/,
  );
  assert.throws(made({ retry: { windowms: 5 } }), /retry of Multi.* did you mean "windowMs"\?$/);
  const { service, requests } = scripted([{ status: 200 }]);
  const settings = { heartbeatMS: 1 } as object;
  await assert.rejects(
    service.connect(settings),
    /^TypeError: connect has no option "heartbeatMS"/,
  );
  const reconnect = { attempts: 1 } as object;
  await assert.rejects(
    service.connect({ reconnect }),
    /reconnect of connect has no option "attempts"/,
  );
  for (const timeoutMs of [-3, 0, Number.NaN, '5' as unknown as number]) {
    const error = {
      name: 'RangeError',
      message: /^The timeoutMs must be a number of milliseconds/,
    };
    assert.throws(made({ timeoutMs }), error);
    await assert.rejects(service.getSession(reference, { timeoutMs }), error);
  }
  assert.deepEqual(requests, []);
});

test('arguments of another type are errors before a request is sent', async () => {
  const { service, requests } = scripted([{ status: 200 }]);
  const wrong = (value: unknown) => value as never;
  const attributes = { titleId: '1' };
  const calls: readonly [RegExp, () => Promise<unknown>][] = [
    [
      /^The content of the invites must be an object, such as \{ titleId: .* not undefined\.$/,
      () => service.sendInvites(reference, ['1'], wrong(undefined)),
    ],
    [
      /^The xuids must be an array, .* not 3210\.$/,
      () => service.sendInvites(reference, wrong('3210'), attributes),
    ],
    [/^The xuids must be/, () => service.getActivitiesForUsers(scid, wrong('3210'))],
    [/^The xuids must be/, () => service.follow(wrong('3210'))],
    [/^The xuids must be/, () => service.unfollow(wrong(undefined))],
    [/^The xuids must be/, () => service.getSessions({ scid, xuids: wrong('3210') })],
    [/^The query must be/, () => service.getSessions(wrong(undefined))],
    [/^The xuids must be/, () => service.neighbours.getProfiles(wrong('3210'))],
    [/^The encounters must be/, () => service.neighbours.noteRecentPlayers('1', wrong('3210'))],
    [
      /^The changes must be an object, .* not null\.$/,
      () => service.writeSession(reference, wrong(null)),
    ],
    [
      /^The changes must be .* not an array\.$/,
      () => service.tryWriteSession(reference, wrong([])),
    ],
    [/^The changes must be/, () => service.writeSessionByHandle(handleId, wrong('{}'))],
    [/^The search must be/, () => service.getSearchHandles(wrong(undefined))],
    [/^The search must be/, () => service.findMatch(reference, wrong(undefined))],
    [
      /^The request of a ticket must be/,
      () => service.createMatchTicket(reference, wrong(undefined)),
    ],
  ];
  for (const [message, call] of calls) {
    await assert.rejects(async () => call(), { name: 'TypeError', message });
  }
  assert.deepEqual(requests, []);
});

test('a user who is named twice is invited once', async () => {
  const { service, requests } = scripted([{ status: 201, body: { id: handleId } }]);
  const outcomes = await service.sendInvites(reference, ['1', '2', '1'], { titleId: '1' });
  assert.equal(requests.length, 2);
  assert.deepEqual(
    outcomes.map(({ xuid, status }) => [xuid, status]),
    [
      ['1', 'sent'],
      ['2', 'sent'],
      ['1', 'sent'],
    ],
  );
});
