/** What docs/login.md says works: each of its blocks against an issuer of one's own. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { runCommand } from '../../src/cli/command.ts';
import { parseSettings } from '../../src/config/settings.ts';
import { type RunningServer, startServer } from '../../src/server.ts';
import { addSignIn } from '../../src/testing/issuer-sign-in.ts';
import { type LocalIssuer, startLocalIssuer } from '../../src/testing/local-issuer.ts';

const root = resolve(import.meta.dirname, '../..');
const guide = await readFile(join(root, 'docs/login.md'), 'utf8');
const folder = await mkdtemp(join(tmpdir(), 'openmpsd-guide-'));
after(() => rm(folder, { recursive: true }));

/** The block that follows a comment such as `<!-- flags of: generic -->`. */
function block(mark: string): string {
  const found = guide.split(`<!-- ${mark} -->`)[1]?.match(/^\s*```\w*\n([\s\S]*?)^```/m)?.[1];
  assert.ok(found, mark);
  return found;
}

/** The server that a block starts, with what its variables and files stand for here. */
async function serve(
  flags: string,
  variables: Readonly<Record<string, string>>,
): Promise<RunningServer> {
  const line = /^openmpsd serve ((?:.*\\\n)*.*)$/m.exec(block(`flags of: ${flags}`))?.[1] ?? '';
  const args = line
    .split(/[\s\\]+/)
    .map((arg) => arg.replace(/^"\$(\w+)"$/, (_, name: string) => variables[name] ?? ''))
    .map((arg) => arg.replace(/^\.\/steam-keys/, join(folder, 'steam-keys')));
  const parsed = parseSettings(args, {});
  assert.ok('settings' in parsed, JSON.stringify(parsed));
  const data = join(folder, 'data');
  const ports = { port: 0, ...(parsed.settings.proxyPort !== undefined && { proxyPort: 0 }) };
  return startServer({ ...parsed.settings, ...ports, data, store: 'memory' });
}

/** The user who gets an RTA nonce and a list with this token; what the token is not refused for. */
async function userOf({ url }: RunningServer, token: string) {
  const scid = 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862';
  const response = await fetch(
    `${url}/serviceconfigs/${scid}/sessiontemplates/deathmatch/sessions/${crypto.randomUUID()}`,
    {
      method: 'PUT',
      headers: { Authorization: `Bearer ${token}`, 'X-Xbl-Contract-Version': '107' },
      body: JSON.stringify({ members: { me: {} } }),
    },
  );
  const text = await response.text();
  assert.equal(response.status, 201, text);
  const { constants, gamertag } = JSON.parse(text).members['0'];
  return { xuid: String(constants.system.xuid), gamertag };
}

test('any OIDC issuer', async () => {
  await using issuer = await startLocalIssuer();
  await using server = await serve('generic', { ISSUER: issuer.issuer });
  const token = await issuer.sign({ sub: 'u', aud: 'my-game', preferred_username: 'Ada' });
  const ada = await userOf(server, token);
  assert.match(ada.xuid, /^2535/);
  assert.equal(ada.gamertag, 'Ada');
});

test('clients that log in by themselves are led to the page of the issuer', async () => {
  await using issuer = await startLocalIssuer();
  addSignIn(issuer, { clientId: 'my-game', redirectUris: [], claims: {} });
  await using server = await serve('clients', { ISSUER: issuer.issuer });
  const page = await fetch(`${server.url}/oauth20_authorize.srf`, { redirect: 'manual' });
  assert.ok(page.headers.get('location')?.startsWith(`${issuer.url}/authorize?client_id=my-game`));
});

const players: readonly (readonly [
  name: string,
  gamertag: RegExp | undefined,
  variables: (issuer: LocalIssuer) => Readonly<Record<string, string>>,
])[] = [
  ['supabase', /^Ada$/, ({ issuer }) => ({ ISSUER: issuer })],
  ['auth0', /^Ada$/, ({ issuer }) => ({ ISSUER: issuer })],
  ['epic', /^Player \d{4}$/, ({ issuer, url }) => ({ ISSUER: issuer, KEYS: `${url}/keys` })],
];

for (const [name, gamertag, variables] of players) {
  test(`${name}: its claims make a player, and those of another service do not`, async () => {
    await using issuer = await startLocalIssuer(
      // Its tokens name the real address, under which no keys are looked for.
      name === 'epic' ? { issuer: 'https://api.epicgames.dev/auth/v1/oauth' } : {},
    );
    await using server = await serve(name, variables(issuer));
    const claims = JSON.parse(block(`claims of: ${name}`));
    const player = await userOf(server, await issuer.sign(claims));
    assert.match(player.xuid, /^2535[0-9]{12}$/);
    assert.match(String(player.gamertag), gamertag ?? /^$/);
    const other = await issuer.sign({ ...claims, aud: 'another-service' });
    const refused = await fetch(`${server.url}/nonce`, {
      headers: { Authorization: `Bearer ${other}` },
    });
    assert.equal(refused.status, 401);
  });
}

/** Sends a part of a body and ends the connection; done when the other side has seen its end. */
async function abortBody(url: string): Promise<void> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.end('POST / HTTP/1.1\r\nHost: steam-login\r\nContent-Length: 100\r\n\r\n14');
  socket.resume();
  await once(socket, 'close');
}

test('steam: the service of the guide exchanges a ticket for a token', async () => {
  const keys = join(folder, 'steam-keys');
  const made = await runCommand(['token', '--new-key', keys], {
    ...process,
    stdout: { write: () => undefined },
  } as never);
  assert.equal(made, 0);
  await writeFile(join(folder, 'steam-login.mjs'), block('program: steam-login.mjs'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));

  await using steam = await startLocalIssuer();
  const asked: URLSearchParams[] = [];
  steam.routes.set('/ISteamUserAuth/AuthenticateUserTicket/v1/', (request, response) => {
    const { searchParams } = new URL(String(request.url), steam.url);
    asked.push(searchParams);
    const params =
      searchParams.get('ticket') === '14000000'
        ? { result: 'OK', steamid: '76561197960287930', publisherbanned: false }
        : searchParams.get('ticket') === 'ba'
          ? { result: 'OK', steamid: '76561197960287931', publisherbanned: true }
          : undefined;
    // Without its connection, or with what is no JSON, as a proxy answers that does not reach Steam.
    if (searchParams.get('ticket') === 'dead') return response.destroy();
    if (searchParams.get('ticket') === 'bad0') return response.writeHead(503).end('<html>');
    response.end(JSON.stringify({ response: params ? { params } : { error: { errorcode: 101 } } }));
  });
  const service = spawn(process.execPath, ['steam-login.mjs'], {
    cwd: folder,
    env: {
      ...process.env,
      STEAM_API: steam.url,
      STEAM_KEY: 'publisher key',
      STEAM_APP: '480',
      PRIVATE_KEY: join(keys, 'private-key.jwk'),
      PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = (await once(service.stdout, 'data')) as [Buffer];
    const url = `http://127.0.0.1:${/port (\d+)/.exec(String(line))?.[1]}`;
    const exchange = (ticket: string) => fetch(url, { method: 'POST', body: ticket });
    const good = await exchange('14000000');
    assert.equal(good.status, 200);
    await using server = await serve('steam', {});
    const player = await userOf(server, await good.text());
    assert.equal(player.xuid, '76561197960287930');
    for (const ticket of ['00', 'ba', '']) assert.equal((await exchange(ticket)).status, 401);
    assert.deepEqual(Object.fromEntries(asked[0] ?? []), {
      key: 'publisher key',
      appid: '480',
      ticket: '14000000',
      identity: 'mpsd',
    });

    // Kills: an uncaught exception that ends the service for everybody.
    for (const ticket of ['dead', 'bad0']) assert.equal((await exchange(ticket)).status, 502);
    assert.equal((await exchange('0'.repeat(5_001))).status, 413);
    await abortBody(url);
    assert.equal((await exchange('14000000')).status, 200);
    assert.equal(service.exitCode, null);
  } finally {
    service.kill();
  }
});
