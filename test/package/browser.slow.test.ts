/** The client in a real browser, in a page of another origin than the server's. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { startServer } from '../../src/server.ts';
import { demoScid } from '../../src/testing/demo.ts';
import { at, Kit } from '../../src/testing/kit.ts';
import { addSignIn } from '../../src/testing/issuer-sign-in.ts';
import { startLocalIssuer } from '../../src/testing/local-issuer.ts';
import { parsePage } from '../docs/page.ts';
import { openPage, startBrowser as startPages } from '../inspector/browser.ts';
import { type Project, startProject } from './built-package.ts';

const browser = [process.env['MPSD_BROWSER'] ?? '', 'chromium', 'chromium-browser', 'google-chrome']
  .filter((name) => name !== '')
  .find((name) => !spawnSync(name, ['--version']).error);
const skip =
  browser === undefined && 'there is no Chromium on this machine (MPSD_BROWSER names one)';

const page = `<!doctype html><title>A game</title>
<script type="module">
  import { MultiplayerService } from '/client/multiplayer-service.js';
  const given = new URL(location).searchParams;
  const tell = (text) => fetch('/report', { method: 'POST', body: text });
  const reference = JSON.parse(given.get('reference'));
  try {
    const ada = new MultiplayerService({
      baseUrl: given.get('server'),
      authorization: given.get('authorization'),
      retry: false,
    });
    const live = await ada.connect();
    const { etag, session } = await live.follow(reference);
    await tell('joined ' + session.membersInfo.count + ' ' + etag);
    for await (const tap of live.taps()) {
      if (tap.kind !== 'changed' || tap.changeNumber < 2) continue;
      const read = await ada.getSession(reference);
      if (read.session.membersInfo.count < 2) continue;
      await tell('heard ' + read.session.changeNumber);
      break;
    }
    const stale = await ada.tryWriteSession(reference, { properties: { custom: { a: 1 } } }, { etag });
    await tell(stale.status + ' ' + stale.session.membersInfo.count);
    const left = await ada.leaveSession(reference);
    await live.close();
    await tell('left ' + left.session.membersInfo.count);
  } catch (error) {
    await tell(error.name + ': ' + error.message);
  }
</script>`;

/** A page whose user signs in at an OIDC issuer: authorization code with PKCE. */
const loginPage = `<!doctype html><title>A game</title>
<script type="module">
  import { membersOf, MultiplayerService } from '/client/multiplayer-service.js';
  const here = new URL(location);
  const tell = (text) => fetch('/report', { method: 'POST', body: text });
  const base64url = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
  try {
    const code = here.searchParams.get('code');
    if (code === null) {
      const { issuer, server, reference } = Object.fromEntries(here.searchParams);
      const verifier = base64url(crypto.getRandomValues(new Uint8Array(32)));
      const state = base64url(crypto.getRandomValues(new Uint8Array(16)));
      sessionStorage.login = JSON.stringify({ issuer, server, reference, verifier, state });
      const challenge = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
      const asked = new URLSearchParams({
        response_type: 'code', client_id: 'my-game', redirect_uri: here.origin + here.pathname,
        scope: 'openid profile', state,
        code_challenge: base64url(challenge), code_challenge_method: 'S256',
      });
      location.assign(issuer + '/authorize?' + asked);
    } else {
      const { issuer, server, reference, verifier, state } = JSON.parse(sessionStorage.login);
      if (here.searchParams.get('state') !== state) throw new Error('another state');
      const answer = await fetch(issuer + '/token', {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'authorization_code', code, code_verifier: verifier, client_id: 'my-game',
          redirect_uri: here.origin + here.pathname,
        }),
      });
      const { id_token: token } = await answer.json();
      const ada = new MultiplayerService({ baseUrl: server, authorization: 'Bearer ' + token });
      await using live = await ada.connect();
      const { session } = await live.follow(JSON.parse(reference));
      const [own] = membersOf(session);
      await tell(own.gamertag + ' ' + own.constants.system.xuid);
      const { gamertag } = (await ada.neighbours.getPeopleByXuid([own.constants.system.xuid]))[0];
      await ada.leaveSession(JSON.parse(reference));
      await tell('left as ' + gamertag);
    }
  } catch (error) {
    await tell(error.name + ': ' + error.message);
  }
</script>`;

/** A site of its own origin with the page, the built client, and what pages report to it. */
async function startSite(dist: string) {
  const reports: string[] = [];
  let wake = (): void => {};
  const site = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://site');
    if (request.method === 'POST') {
      let text = '';
      for await (const chunk of request) text += chunk;
      reports.push(text);
      response.end();
      wake();
    } else if (pathname === '/' || pathname === '/login') {
      const html = pathname === '/' ? page : loginPage;
      response.setHeader('content-type', 'text/html').end(html);
    } else {
      const code = await readFile(resolve(dist, `.${pathname}`)).catch(() => undefined);
      response.statusCode = code === undefined ? 404 : 200;
      response.setHeader('content-type', 'text/javascript').end(code);
    }
  }).listen(0, '127.0.0.1');
  await once(site, 'listening');
  return {
    // Another name than the server's, so another site as well as another origin.
    url: `http://localhost:${(site.address() as AddressInfo).port}`,
    async report(): Promise<string> {
      while (reports.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return reports.shift() ?? '';
    },
    [Symbol.asyncDispose]: async () => {
      site.closeAllConnections();
      await new Promise((resolve) => site.close(resolve));
    },
  };
}

/** A browser that shows a page, until it is disposed of. */
async function startBrowser(url: string): Promise<AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-browser-'));
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
  flags.push('--no-first-run', '--disable-background-networking', `--user-data-dir=${folder}`);
  // A group of its own: the processes of a browser end together.
  const child = spawn(browser ?? '', [...flags, '--remote-debugging-port=0', url], {
    stdio: 'ignore',
    detached: true,
  });
  return {
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit');
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await exited;
      await rm(folder, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

// Far above what a browser needs, so that a page that says nothing ends the test.
const options = { skip, timeout: 300_000 };

let project: Project;
if (browser !== undefined) {
  before(async () => {
    project = await startProject();
  });
  after(() => project[Symbol.asyncDispose]());
}

test('a page of another origin joins, hears a tap and leaves', options, async () => {
  await using site = await startSite(join(project.folder, 'node_modules/openmpsd/dist'));
  await using server = await startServer({ port: 0, store: 'memory', tapWindowMs: 0 });
  const kit = new Kit(server.url, undefined);
  const [ada, ben] = [kit.user('ada'), kit.user('ben')];
  const reference = kit.reference('deathmatch');
  const url = new URL(site.url);
  url.searchParams.set('server', server.url);
  url.searchParams.set('authorization', ada.authorization);
  url.searchParams.set('reference', JSON.stringify(reference));
  await using _browser = await startBrowser(url.href);

  assert.match(await site.report(), /^joined 1 ".+"$/);
  const joined = await ben.join(reference);
  assert.equal(joined.status, 200, joined.text);
  assert.equal(await site.report(), `heard ${at(joined.json, 'changeNumber')}`);
  // The page reads the header ETag, so that its stale write is noticed.
  assert.equal(await site.report(), 'outOfSync 2');
  assert.equal(await site.report(), 'left 1');
  const left = await ben.getSession(reference);
  assert.equal(at(left.json, 'membersInfo.count'), 1);
});

test(
  'a page whose origin is not allowed gets nothing, and its client says why',
  options,
  async () => {
    await using site = await startSite(join(project.folder, 'node_modules/openmpsd/dist'));
    await using server = await startServer({ port: 0, store: 'memory', corsOrigins: [] });
    const kit = new Kit(server.url, undefined);
    const ada = kit.user('ada');
    const reference = kit.reference('deathmatch');
    const url = new URL(site.url);
    url.searchParams.set('server', server.url);
    url.searchParams.set('authorization', ada.authorization);
    url.searchParams.set('reference', JSON.stringify(reference));
    await using _browser = await startBrowser(url.href);
    const said = await site.report();
    assert.match(said, /^MultiplayerError: GET \/nonce got no answer/);
    assert.ok(said.includes(`openmpsd serve --cors ${site.url}`), said);
    assert.equal((await ada.getSession(reference)).status, 204);
  },
);

test('a user signs in at an OIDC issuer in a browser, and plays', options, async () => {
  await using site = await startSite(join(project.folder, 'node_modules/openmpsd/dist'));
  await using issuer = await startLocalIssuer();
  const claims = { sub: 'ada-1', preferred_username: 'Ada' };
  const redirectUris = [`${site.url}/login`];
  addSignIn(issuer, { clientId: 'my-game', redirectUris, claims, origin: site.url });
  await using server = await startServer({
    ...{ port: 0, store: 'memory', corsOrigins: [site.url] },
    ...{ auth: 'oidc', oidcIssuer: issuer.issuer, oidcAudience: ['my-game'] },
  });
  const reference = { scid: demoScid, templateName: 'deathmatch', name: 'signed-in' };
  const url = new URL('/login', site.url);
  url.searchParams.set('server', server.url);
  url.searchParams.set('issuer', issuer.url);
  url.searchParams.set('reference', JSON.stringify(reference));
  await using _browser = await startBrowser(url.href);
  assert.match(await site.report(), /^Ada 2535[0-9]{12}$/);
  assert.equal(await site.report(), 'left as Ada');
});

test('two tabs of docs/guides/browser-games.md see each other come and go', options, async () => {
  const guide = await readFile(
    resolve(import.meta.dirname, '../../docs/guides/browser-games.md'),
    'utf8',
  );
  await using server = await startServer({ port: 0, store: 'memory', tapWindowMs: 0 });
  for (const step of parsePage(guide).steps) {
    if (step.does !== 'file') continue;
    await project.write(step.name, step.block.text.replace('http://127.0.0.1:8350', server.url));
  }
  const web = spawn(process.execPath, ['web.mjs'], {
    cwd: project.folder,
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let tabs: Browser | undefined;
  try {
    // A program that cannot start ends without a word.
    const exited = once(web, 'exit').then(([code]) => assert.fail(`web.mjs ended with ${code}`));
    exited.catch(() => undefined);
    const [said] = (await Promise.race([once(web.stdout, 'data'), exited])) as [Buffer];
    const [url = ''] = /http:\S+/.exec(String(said)) ?? [];
    tabs = await startPages();
    const { page: ada, complaints } = await openPage(tabs);
    const { page: ben } = await openPage(tabs);
    await ada.goto(`${url}/?name=Ada&xuid=1001`);
    await ada.waitForSelector('li:text-is("Ada")');
    await ben.goto(`${url}/?name=Ben&xuid=1002`);
    await ada.waitForSelector('li:text-is("Ben")');
    await ben.waitForSelector('li:text-is("Ada")');
    await ben.click('#leave');
    await ada.waitForSelector('li:text-is("Ben")', { state: 'detached' });
    assert.equal(await ada.locator('li').count(), 1);
    assert.deepEqual(complaints, []);
  } finally {
    web.kill();
    await tabs?.close();
  }
});
