/**
 * The door under fire: random bytes, random JSON and spoilt requests at every route.
 *
 * What holds: never a fault of the server, never a hang; a refusal says which rule and where, and
 * changes nothing.
 *
 * `MPSD_FUZZ_REQUESTS` sets how many requests are sent, `MPSD_FUZZ_SEED` repeats a run: both are
 * printed, and a failure prints the requests that it shrank to.
 */

import assert from 'node:assert/strict';
import { Agent, request as sendRequest } from 'node:http';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../../src/domain/json.ts';
import { refusalCodes } from '../../src/domain/refusal.ts';
import { formatSessionPath, type SessionReference } from '../../src/domain/session/reference.ts';
import type { Route } from '../../src/http/route.ts';
import { routes as directoryRoutes } from '../../src/http/routes.ts';
import { tokenChainRoutes } from '../../src/http/routes/token-chain.ts';
import {
  demoScid,
  demoTitleId,
  isAimed,
  joinBody,
  startKit,
  type Kit,
  type KitUser,
} from '../../src/testing/kit.ts';
import {
  activityOf,
  assertNoNulls,
  assertStatus,
  inviteTo,
  needsClock,
  reserve,
  transferTo,
} from '../conformance/answers.ts';
import { RawConnection } from '../conformance/raw.ts';
import { formatTree, spoil, spoilings, treeOf, type Spoiling } from './spoil.ts';

const requestsMin = Number(process.env.MPSD_FUZZ_REQUESTS ?? 20_000);
const seed = Number(process.env.MPSD_FUZZ_SEED ?? Date.now() & 0x7fff_ffff);
const lanes = 8;
const requestsPerLane = 25;
/** A request that takes longer hangs. */
const patienceMs = 20_000;
/** The canaries need a clock that stands still, so that nothing changes by itself. */
const skip = isAimed && needsClock;
/** How long a failure is made smaller. */
const shrinkMs = 30_000;

const routes: readonly Route[] = [
  ...directoryRoutes,
  ...tokenChainRoutes({ key: new Uint8Array(32) }),
];

/**
 * A request as it is drawn: it names the sessions, users and handles of whichever lane sends it by
 * words in capitals, so that it reads the same in all lanes and runs.
 */
type Shot = {
  readonly route: string;
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | undefined;
};

/** The sessions and users of one lane, and what its words stand for. */
type Lane = {
  readonly ada: KitUser;
  readonly bob: KitUser;
  readonly lobby: SessionReference;
  readonly game: SessionReference;
  readonly words: Map<string, string>;
};

const session = (name: string, templateName = 'deathmatch'): SessionReference => ({
  scid: demoScid,
  templateName,
  name,
});

// ── What is drawn ────────────────────────────────────────────────────────────────────────────────

const hostileTexts = [
  '',
  ' ',
  '.',
  '..',
  'a~b',
  'a/b',
  'a\\b',
  'a?b#c',
  'a%b',
  '\u0000',
  'line\nbreak',
  'x'.repeat(101),
  'x'.repeat(3_000),
  '__proto__',
  'constructor',
  'toString',
  'me',
  'reserve_0',
  '00',
  '-1',
  '1e3',
  '🎲',
  'İ',
  'ß',
  "' or 1=1 --",
  '<script>',
];

/** Text of any code points, lone surrogates included. */
const anyText = (maxLength: number): fc.Arbitrary<string> =>
  fc
    .array(fc.oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0, max: 0x10ffff })), {
      maxLength,
    })
    .map((codePoints) => String.fromCodePoint(...codePoints));

/** Path segments, percent-encoded well or badly. */
const hostileSegments = [
  ...hostileTexts.filter((text) => text !== '').map(encodeURIComponent),
  '%',
  '%zz',
  '%ff',
  '%c0%ae',
  '%ed%a0%80',
  '%2e%2e',
  '',
];

const hostileSegment = fc.oneof(
  fc.constantFrom(...hostileSegments),
  anyText(20).map((text) => encodeURIComponent(text.toWellFormed())),
);

const hostileHeader = fc.oneof(
  fc.constantFrom('', ' ', '*', '""', '"', 'W/"x"', ',', ',,,', '"a", "b"', '1e3', '-1', 'null'),
  fc.string({
    unit: fc
      .integer({ min: 0x20, max: 0xff })
      .filter((code) => code !== 0x7f)
      .map((code) => String.fromCharCode(code)),
    maxLength: 40,
  }),
);

/** What a parameter of a path is called decides what is put there. */
const usualSegments: Readonly<Record<string, readonly string[]>> = {
  scid: [
    demoScid,
    demoScid,
    demoScid,
    demoScid.toUpperCase(),
    '4fc10100-5f7a-4470-899b-280835760c07',
    '00000000-0000-4000-8000-000000000000',
  ],
  templateName: [
    'deathmatch',
    'deathmatch',
    'deathmatch',
    'DEATHMATCH',
    'blank',
    'LobbySession',
    'private',
    'legacy105',
    'none',
  ],
  name: ['LOBBY', 'LOBBY', 'LOBBY', 'LOBBY', 'GAME', 'GAME', 'FRESH', 'FRESH2'],
  id: ['ACTIVITY', 'INVITE', 'TRANSFER', '00000000-0000-4000-8000-000000000000', 'query'],
  index: ['0', '1', '2', 'me', 'reserve_0'],
  serverName: ['arena', 'matchmaking'],
  owner: ['me', 'me', 'me', 'xuid(ADA)', 'xuid(BOB)', 'xuid(7)'],
  target: ['xuid(ADA)', 'xuid(BOB)', 'xuid(EVE)', 'xuid(7)', 'me', 'avoid', 'xuids'],
};

const segmentOf = (name: string): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 25, arbitrary: fc.constantFrom(...(usualSegments[name] ?? ['x', '0'])) },
    { weight: 1, arbitrary: hostileSegment },
  );

function pathOf(route: Route): fc.Arbitrary<string> {
  const segments = route.path.split('/').slice(1);
  const drawn = segments.map((segment) => {
    const name = /^\{(\w+)\}$/.exec(segment)?.[1];
    return name === undefined ? literal(segment) : segmentOf(name);
  });
  return fc.tuple(...drawn).map((parts) => `/${parts.join('/')}`);
}

const literal = (segment: string): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 150, arbitrary: fc.constant(segment) },
    { weight: 2, arbitrary: fc.constant(segment.toUpperCase()) },
    { weight: 1, arbitrary: hostileSegment },
    { weight: 1, arbitrary: fc.constant(`${segment}/`) },
  );

const query = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(
        '?include=relatedInfo,customProperties',
        '?include=relatedInfo%2CroleInfo&include=x',
        '?nocommit=true',
        '?nocommit=maybe',
        '?keyword=x&take=10',
        '?xuid=ADA&private=true&take=-1',
        '?xuid=ADA&private=true&reservations=true&inactive=true&visibility=open&version=1&take=2',
        '?method=add',
        '?method=remove&deleteRelationships=friends',
        '?method=get',
        '?view=Favorite&startIndex=1&maxItems=2',
        '?__proto__=x&constructor=y',
        '?%',
        '?%zz=%ff&&==',
        '??#',
      )
      .map((text) => text.replace('#', '')),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(hostileSegment, hostileSegment).map(([name, value]) => `?${name}=${value}`),
  },
);

const credentials: readonly (readonly [weight: number, authorization: string | undefined])[] = [
  [24, `XBL3.0 x=-;xuid=ADA&gtg=Ada&tid=${demoTitleId}&did=here`],
  [6, `XBL3.0 x=-;xuid=BOB&gtg=Bob&tid=${demoTitleId}&did=there`],
  [4, `XBL3.0 x=-;xuid=EVE&gtg=Eve&tid=${demoTitleId}`],
  [4, `XBL3.0 x=-;svc=arena&tid=${demoTitleId}`],
  [1, 'XBL3.0 x=-;xuid=ADA&tid=7'],
  [1, `XBL3.0 x=-;xuid=EVE&prv=189&tid=${demoTitleId}`],
  [1, 'XBL3.0 x=-;xuid=ADA&tid=x'],
  [1, 'Bearer x.y.z'],
  [1, undefined],
];

const authorization = fc.oneof(
  ...credentials.map(([weight, text]) => ({ weight, arbitrary: fc.constant(text) })),
  { weight: 1, arbitrary: hostileHeader.map((text) => `XBL3.0 x=-;${text}`) },
);

const contractVersion = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom('107', '107', '105', '104', '108') },
  { weight: 1, arbitrary: fc.constantFrom(undefined, '', '103', '107.5', 'x') },
);

const rare = (arbitrary: fc.Arbitrary<string>): fc.Arbitrary<string | undefined> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

const entityTag = fc.oneof(
  fc.constantFrom('ETAG', '*', '"x"', '', 'ETAG, "x"', 'W/ETAG'),
  hostileHeader,
);

const headers: fc.Arbitrary<Readonly<Record<string, string>>> = fc
  .record({
    authorization,
    'x-xbl-contract-version': contractVersion,
    'if-match': rare(entityTag),
    'if-none-match': rare(entityTag),
    'content-type': rare(
      fc.oneof(
        fc.constantFrom('application/json', 'text/plain', 'multipart/form-data'),
        hostileHeader,
      ),
    ),
    accept: rare(hostileHeader),
    'accept-encoding': rare(fc.constantFrom('gzip', '*;q=0', 'br, deflate')),
    expect: rare(fc.constantFrom('100-continue', 'nonsense')),
    'x-http-method-override': rare(fc.constantFrom('DELETE', 'PUT')),
    'x-odd': rare(hostileHeader),
  })
  .map((drawn) =>
    Object.fromEntries(
      Object.entries(drawn).filter((one): one is [string, string] => one[1] !== undefined),
    ),
  );

const me = joinBody();
const [lobby, game] = [session('LOBBY'), session('GAME')];

const sessionWrites: readonly JsonObject[] = [
  {},
  me,
  {
    ...me,
    constants: {
      system: {
        visibility: 'open',
        maxMembersCount: 4,
        readyRemovalTimeout: 60_000,
        capabilities: { gameplay: true },
        initiators: ['ADA'],
      },
      custom: { mode: 1 },
    },
  },
  {
    properties: {
      system: {
        joinRestriction: 'local',
        readRestriction: 'local',
        closed: true,
        locked: true,
        keywords: ['a', 'b'],
        turn: [0],
      },
      custom: { map: 'atoll', n: 1, gone: null },
    },
  },
  {
    properties: {
      system: {
        host: 'DEVICE',
        matchmaking: { serverConnectionString: 'x', targetSessionConstants: { custom: {} } },
        initializationSucceeded: true,
        allocateCloudCompute: true,
      },
    },
  },
  {
    members: {
      me: {
        constants: { system: { xuid: 'ADA', initialize: true }, custom: 'text' },
        properties: {
          system: {
            active: true,
            ready: false,
            connection: '00000000-0000-4000-8000-000000000001',
            subscription: {
              id: '00000000-0000-4000-8000-000000000002',
              changeTypes: ['everything'],
            },
            secureDeviceAddress: 'QUFB',
            groups: ['a'],
            encounters: ['b'],
            initializationGroup: [0],
            measurements: {},
            serverMeasurements: {},
          },
          custom: { Health: 41 },
        },
        roles: { team: 'red' },
      },
    },
  },
  {
    members: {
      reserve_0: { constants: { system: { xuid: '3210' }, custom: {} } },
      reserve_1: { constants: { system: { xuid: '3211' } } },
    },
  },
  { members: { me: null } },
  { members: { '1': null } },
  {
    servers: {
      arena: { constants: { custom: {} }, properties: { system: {}, custom: { port: 7777 } } },
      matchmaking: null,
    },
  },
  { roleTypes: { team: { ownerManaged: false, roles: { red: { max: 2, target: 1 } } } } },
];

const handlePosts: readonly JsonObject[] = [
  activityOf(lobby),
  activityOf(game),
  { ...activityOf(lobby), sessionRef: { scid: demoScid, templateName: 'deathmatch' } },
  inviteTo(lobby, 'BOB', {
    inviteAttributes: { titleId: 1, context: 'x', contextString: '///1', senderString: 'y' },
  }),
  { id: '00000000-0000-4000-8000-0000000000aa', ...inviteTo(lobby, 'BOB') },
  transferTo(game, lobby),
  {
    ...activityOf(lobby),
    type: 'search',
    searchAttributes: { tags: ['a'], numbers: { n: 1 }, strings: { s: 'x' } },
  },
];

const handleQueries: readonly JsonObject[] = [
  { type: 'activity', scid: demoScid, owners: { xuids: ['ADA', 'BOB'] } },
  { type: 'activity', owners: { people: { moniker: 'people', monikerXuid: 'ADA' } } },
  {
    type: 'search',
    scid: demoScid,
    templateName: 'deathmatch',
    filter: 'numbers/n eq 1',
    orderBy: 'n desc',
    take: 10,
  },
];

const tokenRequests: readonly JsonObject[] = [
  {
    RelyingParty: 'http://auth.xboxlive.com',
    TokenType: 'JWT',
    Properties: {
      AuthMethod: 'RPS',
      SiteName: 'user.auth.xboxlive.com',
      RpsTicket: 'd=xuid=1&gtg=Ada',
      Id: '{x}',
      DeviceType: 'Win32',
      ProofKey: { kty: 'EC' },
    },
  },
  {
    RelyingParty: 'http://xboxlive.com',
    TokenType: 'JWT',
    Properties: { UserTokens: ['x.y.z'], DeviceToken: 'x', TitleToken: 'y', SandboxId: 'RETAIL' },
  },
];

/** Bodies that a route may take as they stand, by the end of its path; a new route gets all. */
const usualBodies: readonly (readonly [path: RegExp, bodies: readonly JsonObject[]])[] = [
  [/\/sessions\/\{name\}$|\/handles\/\{id\}\/session$/, sessionWrites],
  [
    /\/properties$/,
    sessionWrites.flatMap(({ properties }) => (properties ? [properties as JsonObject] : [])),
  ],
  [/\/members\/me$/, [(me.members as JsonObject).me as JsonObject, {}]],
  [
    /\/servers\/\{\w+\}$/,
    [{ constants: { custom: {} }, properties: { system: {}, custom: { port: 1 } } }],
  ],
  [/^\/handles$/, handlePosts],
  [/^\/handles\/query$/, handleQueries],
  [/\/batch$|\/xuids$|\/friends\/v2$/, [{ xuids: ['1', '2'] }, { xuids: ['ADA', 'BOB'] }]],
  [/\/people\/(avoid|mute)$/, [{ xuid: '1' }, { xuid: 'BOB' }]],
  [/\/authenticate$|\/authorize$/, tokenRequests],
];

const everyBody = usualBodies.flatMap(([, bodies]) => bodies);

const oneSpoiling = spoilings(hostileTexts);
const someSpoilings: fc.Arbitrary<readonly Spoiling[]> = fc.oneof(
  { weight: 4, arbitrary: fc.constant([]) },
  { weight: 5, arbitrary: oneSpoiling.map((one) => [one]) },
  { weight: 2, arbitrary: fc.array(oneSpoiling, { minLength: 2, maxLength: 4 }) },
);

function bodyOf(route: Route): fc.Arbitrary<Shot['body']> {
  const own = usualBodies.find(([path]) => path.test(route.path))?.[1] ?? everyBody;
  const spoilt = fc
    .tuple(
      fc.oneof(
        { weight: 9, arbitrary: fc.constantFrom(...own) },
        { weight: 1, arbitrary: fc.constantFrom(...everyBody) },
      ),
      someSpoilings,
    )
    .map(([body, list]: [JsonObject, readonly Spoiling[]]) =>
      formatTree(list.reduce(spoil, treeOf(body))),
    );
  return fc.oneof(
    { weight: 30, arbitrary: spoilt },
    { weight: 3, arbitrary: fc.json({ maxDepth: 4 }) },
    { weight: 3, arbitrary: cut(spoilt) },
    { weight: 2, arbitrary: anyText(200) },
    { weight: 2, arbitrary: fc.uint8Array({ maxLength: 300 }) },
    { weight: 1, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom(...monsters) },
  );
}

/** A text cut short, or with one of its characters changed for another. */
const cut = (texts: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      texts,
      fc.nat(),
      fc.constantFrom('', '"', '{', '}', ',', ':', '\\', '\u0000', '\ud800', '1'),
    )
    .map(([text, place, other]) => {
      const at = place % (text.length + 1);
      return other === '' ? text.slice(0, at) : text.slice(0, at) + other + text.slice(at + 1);
    });

const monsters = [
  '['.repeat(10_000) + ']'.repeat(10_000),
  '{"properties":{"custom":'.concat('{"a":'.repeat(10_000), '1', '}'.repeat(10_002)),
  `{"properties":{"custom":{"n":${'9'.repeat(10_000)}}}}`,
  `{${'"a":1,'.repeat(10_000)}"a":1}`,
  `{"owners":{"xuids":[${'"1",'.repeat(2_000)}"1"]},"type":"activity"}`,
  `{"members":{${Array.from({ length: 200 }, (_, i) => `"reserve_${i}":{"constants":{"system":{"xuid":"${i + 1}"}}}`).join()}}}`,
];

/** Routes that read a body have the most to spoil. */
const anyRoute = fc.oneof(
  ...routes.map((route) => ({
    weight: route.body === 'object' ? 4 : 1,
    arbitrary: fc.constant(route),
  })),
);

const shot: fc.Arbitrary<Shot> = anyRoute.chain((route) =>
  fc.record({
    route: fc.constant(`${route.method} ${route.path}`),
    method: fc.oneof(
      { weight: 30, arbitrary: fc.constant(route.method) },
      {
        weight: 1,
        arbitrary: fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'),
      },
    ),
    target: fc.tuple(pathOf(route), query).map((parts) => parts.join('')),
    headers,
    body:
      route.body === 'object'
        ? bodyOf(route)
        : fc.oneof(
            { weight: 4, arbitrary: fc.constant(undefined) },
            { weight: 1, arbitrary: bodyOf(route) },
          ),
  }),
);

// ── How it is sent ───────────────────────────────────────────────────────────────────────────────

/** Where all lanes fire. */
type Range = { readonly kit: Kit; readonly url: string; readonly agent: Agent };

type Heard = { readonly status: number; readonly headers: Headers; readonly text: string };

function fire(url: string, agent: Agent, shot: Omit<Shot, 'route'>): Promise<Heard> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const outgoing = sendRequest(
      {
        hostname,
        port,
        agent,
        method: shot.method,
        path: shot.target,
        // Node tells the length of a body on PUT and POST only.
        headers: { ...lengthOf(shot.body), ...shot.headers },
        signal: AbortSignal.timeout(patienceMs),
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: new Headers(incoming.headers as Record<string, string>),
            text: Buffer.concat(chunks).toString('utf8'),
          }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(shot.body);
  });
}

function lengthOf(body: Shot['body']): Record<string, string> {
  return body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
}

/** The shot of this lane: its words are replaced by what they stand for. */
function inLane(shot: Shot, { words }: Lane): Omit<Shot, 'route'> {
  const place = (text: string): string =>
    text.replace(/\b[A-Z]{3,}2?\b/g, (word) => words.get(word) ?? word);
  return {
    method: shot.method,
    target: place(shot.target),
    headers: Object.fromEntries(
      Object.entries(shot.headers).map(([name, value]) => [name, place(value)]),
    ),
    body: typeof shot.body === 'string' ? place(shot.body) : shot.body,
  };
}

function openLane(kit: Kit, i: number): Lane {
  const name = (what: string) => `fuzz-${process.pid}-${seed}-${i}-${what}`;
  const [ada, bob, eve] = [kit.user(`ada-${i}`), kit.user(`bob-${i}`), kit.user(`eve-${i}`)];
  const words = new Map([
    ['ADA', ada.xuid],
    ['BOB', bob.xuid],
    ['EVE', eve.xuid],
    ...['LOBBY', 'GAME', 'FRESH', 'FRESH2'].map((word) => [word, name(word)] as const),
  ]);
  return { ada, bob, lobby: session(name('LOBBY')), game: session(name('GAME')), words };
}

/** What stands at a path, as a service sees it: with its ETag, byte for byte. */
async function look({ url, agent }: Range, target: string): Promise<string> {
  const { status, headers, text } = await fire(url, agent, {
    method: 'GET',
    target,
    headers: { authorization: 'XBL3.0 x=-;svc=onlooker', 'x-xbl-contract-version': '107' },
    body: undefined,
  });
  return `${status} ${headers.get('etag')} ${text}`;
}

/** The canaries of a lane: where two sessions and three handles are, and what stands there. */
async function readCanaries(range: Range, lane: Lane): Promise<Map<string, string>> {
  const { lobby, game, words } = lane;
  const handles = ['ACTIVITY', 'INVITE', 'TRANSFER'].map((word) => `/handles/${words.get(word)}`);
  const targets = [formatSessionPath(lobby), formatSessionPath(game), ...handles];
  const seen = new Map<string, string>();
  for (const target of targets) seen.set(target, await look(range, target));
  words.set('ETAG', seen.get(formatSessionPath(lobby))?.split(' ')[1] ?? '"none"');
  return seen;
}

/** Sets the canaries up anew where a request that went through took them away. */
async function restoreCanaries(range: Range, lane: Lane): Promise<Map<string, string>> {
  const { kit } = range;
  const { ada, bob, lobby, game, words } = lane;
  const seen = await readCanaries(range, lane);
  const isWhole = [...seen.values()].every((one) => one.startsWith('200'));
  if (isWhole && seen.get(formatSessionPath(lobby))?.includes(bob.xuid)) return seen;
  const open = {
    system: { closed: false, locked: false, joinRestriction: 'none', readRestriction: 'none' },
  };
  const arrive = async (user: KitUser, reference: SessionReference): Promise<void> => {
    // Whatever the session has become, a service can end it, and it begins anew.
    let joined = await user.putSession(reference, { ...me, properties: open });
    if (joined.status >= 400) {
      const { json } = await kit.service().getSession(reference);
      const everybody = Object.keys((json.members ?? {}) as JsonObject).map((index) => [
        index,
        null,
      ]);
      await kit.service().putSession(reference, { members: Object.fromEntries(everybody) });
      joined = await user.putSession(reference, me);
    }
    assert.ok(joined.status < 300, joined.text);
  };
  await arrive(ada, lobby);
  await ada.putSession(lobby, reserve(bob));
  await arrive(bob, lobby);
  await arrive(ada, game);
  if (!(await ada.getSession(lobby)).text.includes(ada.xuid)) await arrive(ada, lobby);
  for (const [word, body] of [
    ['ACTIVITY', activityOf(lobby)],
    ['INVITE', inviteTo(lobby, bob.xuid)],
    ['TRANSFER', transferTo(game, lobby)],
  ] as const) {
    const made = await ada.postHandle(body);
    assertStatus(made, 201);
    words.set(word, String(made.json.id));
  }
  return readCanaries(range, lane);
}

// ── What holds ───────────────────────────────────────────────────────────────────────────────────

const codes: ReadonlySet<string> = new Set(refusalCodes);

/** The rules that a refusal can name without a place in the body. */
const placed = /\$|query\b|in the path|xuid \d|line \d+, column \d+|nests|empty/;

function check(sent: Omit<Shot, 'route'>, { status, headers, text }: Heard): void {
  const told = `${sent.method} ${sent.target} → ${status} ${headers.get('x-mpsd-refusal')}: ${text.slice(0, 300)}`;
  assert.ok(status >= 200 && status < 500, told);
  assert.ok(headers.get('date'), told);
  assert.ok(headers.get('x-xblcorrelationid'), told);
  assert.equal(headers.get('x-content-type-options'), 'nosniff', told);
  if (status < 300) {
    assert.ok([200, 201, 204].includes(status), told);
    assert.equal(headers.get('x-mpsd-refusal'), null, told);
    if (text !== '') assertNoNulls(JSON.parse(text));
    return;
  }
  if (status === 304) return;
  const code = headers.get('x-mpsd-refusal') ?? '';
  assert.ok(codes.has(code), told);
  if (sent.method === 'HEAD' || code === 'sessionMissing') {
    assert.equal(text, '', told);
  } else if (headers.get('content-type') === 'application/json') {
    const { membersInfo, code: number, description } = JSON.parse(text);
    if (number === undefined) {
      assert.ok(status === 403 || status === 412, told);
      assert.ok(membersInfo, told);
    } else {
      assert.ok(status === 400 || status === 403, told);
      if (code === 'requestInvalid') assert.match(description, placed, told);
    }
  } else {
    assert.match(headers.get('content-type') ?? '', /^text\/plain\b/, told);
    assert.match(text, /\w+ .*\w+/s, told);
    if (code === 'requestInvalid' || code === 'bodyNotJson') assert.match(text, placed, told);
  }
}

const tally = new Map<string, number>();

function count(what: string): void {
  tally.set(what, (tally.get(what) ?? 0) + 1);
}

/**
 * Fires these one after the other, and sees that the refused ones have changed nothing: at once in
 * the lobby, now and then in one of the other canaries, and in the end in all.
 */
async function runLane(range: Range, lane: Lane, shots: readonly Shot[]): Promise<void> {
  let canaries = await restoreCanaries(range, lane);
  const assertUnchanged = async (target: string, by: string): Promise<void> => {
    assert.equal(await look(range, target), canaries.get(target), `${target} after ${by}`);
  };
  for (const [i, shot] of shots.entries()) {
    const sent = inLane(shot, lane);
    const heard = await fire(range.url, range.agent, sent);
    count('requests');
    count(String(heard.status));
    count(shot.route);
    count(heard.headers.get('x-mpsd-refusal') ?? 'no refusal');
    check(sent, heard);
    const by = `${sent.method} ${sent.target} → ${heard.status}`;
    if (heard.status < 300 && sent.method !== 'GET') {
      canaries = await readCanaries(range, lane);
    } else {
      const [first = '', ...others] = canaries.keys();
      await assertUnchanged(first, by);
      if (i % 4 === 0) await assertUnchanged(others[(i / 4) % others.length] ?? first, by);
    }
  }
  for (const target of canaries.keys()) await assertUnchanged(target, 'all');
}

/** Each lane with its share of the drawn requests, all lanes at once. */
async function runLanes(range: Range, all: readonly Lane[], shots: readonly Shot[]): Promise<void> {
  const share = (lane: number) => shots.filter((_, at) => at % all.length === lane);
  await Promise.all(all.map((lane, i) => runLane(range, lane, share(i))));
}

const sentSoFar = (): number => tally.get('requests') ?? 0;

/**
 * The property, which after its first failure goes on failing for so long only: then the smallest
 * counterexample found has to do.
 */
function shrinkingFor<T>(timeMs: number, holds: (drawn: T) => Promise<void>) {
  let untilMs = Number.POSITIVE_INFINITY;
  return async (drawn: T): Promise<void> => {
    if (Date.now() > untilMs) return;
    try {
      await holds(drawn);
    } catch (error) {
      untilMs = Math.min(untilMs, Date.now() + timeMs);
      throw error;
    }
  };
}

// Kills: a write that is kept although it was refused; a nesting limit that is not looked at; a
// refusal without its sentence.
test('every route under random requests', { skip }, async (t) => {
  t.diagnostic(`seed ${seed}`);
  await using kit = await startKit();
  const agent = new Agent({ keepAlive: true, maxSockets: lanes });
  const all = Array.from({ length: lanes }, (_, i) => openLane(kit, i));
  const bystander = kit.reference('private');
  const owner = kit.user('bystander');
  assertStatus(await owner.join(bystander), 201);
  const before = await owner.getSession(bystander);
  const range: Range = { kit, url: kit.url, agent };
  const volley = fc.array(shot, { minLength: 1, maxLength: lanes * requestsPerLane, size: 'max' });
  try {
    for (let round = 0; sentSoFar() < requestsMin; round += 1) {
      const property = fc.asyncProperty(
        volley,
        shrinkingFor(shrinkMs, (shots) => runLanes(range, all, shots)),
      );
      await fc.assert(property, { seed: seed + round, numRuns: 20 });
    }
  } finally {
    agent.destroy();
  }
  const after = await owner.getSession(bystander);
  assert.equal(after.text, before.text);
  assert.equal(after.etag, before.etag);

  const told = [...tally].sort(([, a], [, b]) => b - a).map(([what, times]) => `${what}: ${times}`);
  t.diagnostic(told.join('; '));
  // Fire that is all refused at the door would show nothing.
  for (const { method, path } of routes) assert.ok(tally.has(`${method} ${path}`), path);
  if (requestsMin >= 5_000) {
    for (const seen of ['200', '201', '204', '400', '401', '403', '404', '405', '409', '412']) {
      assert.ok(tally.has(seen), `nothing was answered ${seen}`);
    }
  }
});

const requestText = [
  'PUT /serviceconfigs/x/sessiontemplates/y/sessions/z HTTP/1.1',
  'Host: sessiondirectory.xboxlive.com',
  'Authorization: Bearer nobody',
  'X-Xbl-Contract-Version: 107',
  'Content-Type: application/json',
  'Transfer-Encoding: chunked',
  '',
  '2',
  '{}',
  '0',
  '',
  '',
].join('\r\n');

/** Bytes, one character each. */
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  cut(fc.constant(requestText)),
  cut(cut(fc.constant(requestText.replace('Transfer-Encoding: chunked', 'Content-Length: 15')))),
  fc.constantFrom(
    '\r\n'.repeat(5_000),
    'GET '.repeat(5_000),
    `GET / HTTP/1.1\r\n${'a: b\r\n'.repeat(5_000)}\r\n`,
  ),
);

// Kills: an error of the connection that nobody listens to, which ends the process.
test('bytes that are hardly HTTP', { skip }, async (t) => {
  t.diagnostic(`seed ${seed}`);
  await using kit = await startKit();
  const numRuns = Math.min(500, requestsMin);
  let answered = 0;
  const property = fc.asyncProperty(anyBytes, async (bytes) => {
    const signal = AbortSignal.timeout(patienceMs);
    await using connection = new RawConnection(kit.url, { signal });
    connection.write(bytes);
    connection.end();
    const received = await connection.untilEnd();
    assert.equal(signal.aborted, false, 'the server neither answers nor hangs up');
    const statuses = received.match(/(?<=^HTTP\/1\.1 )\d+/gm) ?? [];
    for (const status of statuses) assert.match(status, /^4\d\d$/, received);
    if (received === '') return;
    assert.match(received, /^X-Mpsd-Refusal: \w+\r$/m);
    answered += 1;
  });
  await fc.assert(property, { seed, numRuns });
  assert.ok(answered > numRuns / 4, `only ${answered} of ${numRuns} were answered`);
  assert.equal((await kit.request('GET', '/nothing')).status, 404);
});
