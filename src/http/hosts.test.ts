import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { test } from 'node:test';
import { developmentLogin } from '../auth/login-policy.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Matchmaker } from '../matchmaking/matchmaker.ts';
import { sampleApp, sampleRoute } from '../testing/sample-app.ts';
import { openHosts, xboxHosts } from './hosts.ts';
import { routes } from './routes.ts';
import { matchmakingRoutes } from './routes/matchmaking.ts';
import { rtaRoutes } from './routes/rta.ts';
import { signInRoutes } from './routes/sign-in.ts';
import { tokenChainRoutes } from './routes/token-chain.ts';

const hosts = openHosts({
  'sessiondirectory.xboxlive.com': { what: 'sessions', paths: ['/handles', '/rooms/{}/Seats'] },
  'social.xboxlive.com': { what: 'friends', paths: ['/people'] },
  'userstats.xboxlive.com': { what: 'statistics', paths: [] },
  'login.live.com': { what: 'login', paths: ['/open'] },
});

const answered: readonly (readonly [host: string | undefined, path: string | undefined])[] = [
  ['sessiondirectory.xboxlive.com', '/handles'],
  ['sessiondirectory.xboxlive.com', '/handles/{id}/session'],
  ['SessionDirectory.XboxLive.com.:443', '/Handles/query'],
  ['login.live.com', '/open'],
  // No route fits: the route table says so.
  ['sessiondirectory.xboxlive.com', undefined],
  // Not of Xbox Live: every route answers.
  ['127.0.0.1:8350', '/handles'],
  ['mpsd.example', '/people'],
  ['notxboxlive.com', '/people'],
  [undefined, '/people'],
];

const refused: readonly (readonly [host: string, path: string | undefined, text: RegExp])[] = [
  ['sessiondirectory.xboxlive.com', '/handlesome', /has no \/handlesome here/],
  ['social.xboxlive.com', '/handles', /social\.xboxlive\.com has no \/handles here/],
  ['login.live.com', '/handles', /login\.live\.com has no/],
  ['userstats.xboxlive.com', '/handles', /userstats\.xboxlive\.com is not a service/],
  ['userstats.xboxlive.com', undefined, /is not a service/],
  ['unheard.of.xboxlive.com', '/handles', /is not a service/],
];

test('a host answers with the routes whose paths begin as the table says', () => {
  for (const [host, path] of answered) {
    assert.equal(hosts.refusalOf(host, path), undefined, `${host} ${path}`);
  }
});

test('what is not there is refused, and the refusal names the host', () => {
  for (const [host, path, text] of refused) {
    const refusal = hosts.refusalOf(host, path);
    assert.ok(refusal instanceof Refusal, `${host} ${path}`);
    assert.equal(refusal.code, 'pathUnknown');
    assert.match(refusal.text, text);
  }
});

// Kills: a new route that no host answers with; its clients would get 404.
test('each route answers under a host of Xbox Live, and each line of the table has a route', () => {
  const all = [
    ...routes,
    ...rtaRoutes({ issue: () => '', redeem: async () => undefined }),
    ...tokenChainRoutes({ key: new Uint8Array(32), policy: developmentLogin }),
    ...signInRoutes({ ownUrl: () => '' }),
    ...matchmakingRoutes({} as Matchmaker),
  ].map(({ path }) => path);
  const answers = (host: string, path: string): boolean =>
    openHosts().refusalOf(host, path) === undefined;
  const served = Object.entries(xboxHosts).filter(([, { paths }]) => paths.length > 0);
  assert.deepEqual(
    all.filter((path) => !served.some(([host]) => answers(host, path))),
    [],
  );
  for (const [host, { what, paths }] of served) {
    for (const line of paths) {
      const alone = openHosts({ [host]: { what, paths: [line] } });
      assert.ok(
        all.some((path) => alone.refusalOf(host, path) === undefined),
        `${host} ${line}`,
      );
    }
  }
});

test('the pipeline asks for the host before it asks who calls', async () => {
  const app = sampleApp([sampleRoute('GET', '/handles', { auth: 'token' })], { hosts });
  const { port } = await app.listen({ host: '127.0.0.1', port: 0 });
  try {
    for (const [host, path, status] of [
      ['sessiondirectory.xboxlive.com', '/handles', 401],
      ['social.xboxlive.com', '/handles', 404],
      ['userstats.xboxlive.com', '/nothing', 404],
      ['localhost', '/handles', 401],
    ] as const) {
      const asked = request({
        host: '127.0.0.1',
        port,
        path,
        headers: { host },
        agent: false,
      }).end();
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      assert.equal(answer.statusCode, status, `${host}${path}`);
      answer.resume();
    }
  } finally {
    await app.close();
  }
});
