/**
 * Requests as the fuzz tests draw them: random bytes, random JSON and spoilt requests at every route.
 */

import { type Agent, request as sendRequest } from 'node:http';
import fc from 'fast-check';
import type { JsonObject } from '../../src/domain/json.ts';
import type { SessionReference } from '../../src/domain/session/reference.ts';
import type { Route } from '../../src/http/route.ts';
import { routes as directoryRoutes } from '../../src/http/routes.ts';
import { developmentLogin } from '../../src/auth/login-policy.ts';
import { signInRoutes } from '../../src/http/routes/sign-in.ts';
import { tokenChainRoutes } from '../../src/http/routes/token-chain.ts';
import { demoScid, demoTitleId, joinBody, type Kit, type KitUser } from '../../src/testing/kit.ts';
import { activityOf, inviteTo, transferTo } from '../conformance/answers.ts';
import { formatTree, spoil, spoilings, treeOf, type TreeEdit } from './spoil.ts';

/** A request that takes longer hangs. */
export const patienceMs = 120_000;

export const routes: readonly Route[] = [
  ...directoryRoutes,
  ...tokenChainRoutes({ key: new Uint8Array(32), policy: developmentLogin }),
  ...signInRoutes({ ownUrl: () => '' }),
];

/**
 * A request as it is drawn: it names the sessions, users and handles of whichever lane sends it by
 * words in capitals, so that it reads the same in all lanes and runs.
 */
export type DrawnRequest = {
  readonly route: string;
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | undefined;
};

/** The sessions and users of one lane, and what its words stand for. */
export type Lane = {
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

export const me = joinBody();
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
  [/\/profile\/settings$/, [{ userIds: ['1', 'ADA'], settings: ['Gamertag', 'Bio'] }]],
  [
    /\/xuid\}\/activities$/,
    [
      { sequenceNumber: 7, connectionString: 'x', joinRestriction: 'Public', maxPlayers: 4 },
      { sequenceNumber: '18446744073709551615' },
    ],
  ],
  [/\/activities\/query/, [{ users: ['1', 'ADA'] }]],
  [/\/invites/, [{ invitedUsers: ['BOB'], connectionString: 'x', sender: 'ADA' }]],
  [
    /\/recentplayer/,
    [
      { recentPlayers: [{ id: 'BOB', timestamp: '2016-09-20T20:50:00Z' }] },
      {
        recentPlayersByXuid: [
          { xuid: 'ADA', recentPlayers: [{ id: 'BOB', timestamp: '2016-09-20T20:50:00Z' }] },
        ],
      },
      {
        recentPlayerGroups: [
          { timestamp: '2016-09-20T20:50:00Z', recentPlayers: [{ id: 'BOB' }, { id: 'ADA' }] },
        ],
      },
    ],
  ],
  [
    /\/permission\/validate$/,
    [{ users: [{ xuid: 'BOB' }, { anonymousUser: 'allUsers' }], permissions: ['WriteComment'] }],
  ],
  [/\/titles\/current$/, [{ state: 'active', activity: { richPresence: { id: 'x' } } }]],
  [
    /^\/users\/batch$/,
    [{ users: ['1', 'ADA'], level: 'all', onlineOnly: true }, { group: 'People' }],
  ],
  [
    /\/batch(\/decoration\/\{decorations\})?$|\/xuids$|\/friends\/v2$/,
    [{ xuids: ['1', '2'] }, { xuids: ['ADA', 'BOB'] }],
  ],
  [/\/people\/(avoid|never|mute)$/, [{ xuid: '1' }, { xuid: 'BOB' }]],
  [/\/authenticate$|\/authorize$/, tokenRequests],
];

const everyBody = usualBodies.flatMap(([, bodies]) => bodies);

/** Bodies that a route may take as they stand; all of them for one that is not known. */
export function usualBodiesOf(route: string): readonly JsonObject[] {
  return usualBodies.find(([path]) => path.test(route.split(' ')[1] ?? ''))?.[1] ?? everyBody;
}

const oneSpoiling = spoilings(hostileTexts);
const someSpoilings: fc.Arbitrary<readonly TreeEdit[]> = fc.oneof(
  { weight: 4, arbitrary: fc.constant([]) },
  { weight: 5, arbitrary: oneSpoiling.map((one) => [one]) },
  { weight: 2, arbitrary: fc.array(oneSpoiling, { minLength: 2, maxLength: 4 }) },
);

function bodyOf(route: Route): fc.Arbitrary<DrawnRequest['body']> {
  const own = usualBodiesOf(`${route.method} ${route.path}`);
  const spoilt = fc
    .tuple(
      fc.oneof(
        { weight: 9, arbitrary: fc.constantFrom(...own) },
        { weight: 1, arbitrary: fc.constantFrom(...everyBody) },
      ),
      someSpoilings,
    )
    .map(([body, list]: [JsonObject, readonly TreeEdit[]]) =>
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
export const cut = (texts: fc.Arbitrary<string>): fc.Arbitrary<string> =>
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
    weight: route.body === 'none' ? 1 : 4,
    arbitrary: fc.constant(route),
  })),
);

export const anyRequest: fc.Arbitrary<DrawnRequest> = anyRoute.chain((route) =>
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

export type Answer = { readonly status: number; readonly headers: Headers; readonly text: string };

export function send(
  url: string,
  agent: Agent,
  drawn: Omit<DrawnRequest, 'route'>,
): Promise<Answer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const outgoing = sendRequest(
      {
        hostname,
        port,
        agent,
        method: drawn.method,
        path: drawn.target,
        // Node tells the length of a body on PUT and POST only.
        headers: { ...lengthOf(drawn.body), ...drawn.headers },
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
    outgoing.end(drawn.body);
  });
}

function lengthOf(body: DrawnRequest['body']): Record<string, string> {
  return body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
}

/** The request of this lane: its words are replaced by what they stand for. */
export function inLane(drawn: DrawnRequest, { words }: Lane): Omit<DrawnRequest, 'route'> {
  const place = (text: string): string =>
    text.replace(/\b[A-Z]{3,}2?\b/g, (word) => words.get(word) ?? word);
  return {
    method: drawn.method,
    target: place(drawn.target),
    headers: Object.fromEntries(
      Object.entries(drawn.headers).map(([name, value]) => [name, place(value)]),
    ),
    body: typeof drawn.body === 'string' ? place(drawn.body) : drawn.body,
  };
}

export function openLane(kit: Kit, i: number, run: number): Lane {
  const name = (what: string) => `fuzz-${process.pid}-${run}-${i}-${what}`;
  const [ada, bob, eve] = [kit.user(`ada-${i}`), kit.user(`bob-${i}`), kit.user(`eve-${i}`)];
  const words = new Map([
    ['ADA', ada.xuid],
    ['BOB', bob.xuid],
    ['EVE', eve.xuid],
    ...['LOBBY', 'GAME', 'FRESH', 'FRESH2'].map((word) => [word, name(word)] as const),
  ]);
  return { ada, bob, lobby: session(name('LOBBY')), game: session(name('GAME')), words };
}
